//! The HTTP interface, resource by resource, as the addresses have it.

mod addresses;
mod communes;
mod coverage;
mod deadlines;
mod health;
mod issuers;
mod organisations;
mod orientations;
mod procedures;
mod questions;
mod referrals;
mod structures;
