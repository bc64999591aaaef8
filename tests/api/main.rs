//! The HTTP interface, resource by resource, as the addresses have it.

mod communes;
mod deadlines;
mod health;
mod orientations;
mod procedures;
mod referrals;
mod structures;
