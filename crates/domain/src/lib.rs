//! The vocabulary and the rules of orientation: what a structure, a procedure, a need and a referral are,
//! who is competent for whom, and in which order options stand. Pure: no input or output, no clock.

pub mod access;
pub mod area;
pub mod code;
pub mod deadline;
pub mod escalation;
pub mod fact;
pub mod holidays;
pub mod need;
pub mod opening;
pub mod privacy;
pub mod procedure;
pub mod ranking;
pub mod reason;
pub mod referral;
pub mod structure;
pub mod target;
pub mod territory;
pub mod text;
