//! The command line.

mod import;
mod settings;
