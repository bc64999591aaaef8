//! The command line.

mod administration;
mod import;
mod settings;
