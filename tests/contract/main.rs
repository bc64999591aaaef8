//! What the service promises as a whole.

mod access;
mod migrations;
mod openapi;
mod problems;
