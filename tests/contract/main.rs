//! What the service promises as a whole.

mod access;
mod examples;
mod migrations;
mod openapi;
mod problems;
mod statuses;
