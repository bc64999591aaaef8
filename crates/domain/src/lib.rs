//! The vocabulary and the rules of orientation: what a structure, a procedure, a need and a referral are,
//! who is competent for whom, and in which order options stand. Pure: no input or output, no clock.

pub mod access;
pub mod area;
pub mod catalogue_rules;
pub mod code;
pub mod contact;
pub mod deadline;
pub mod disclosure;
pub mod escalation;
pub mod experience;
pub mod fact;
pub mod follow_up;
pub mod gaps;
pub mod holidays;
pub mod keeping;
pub mod need;
pub mod opening;
pub mod opening_week;
pub mod privacy;
pub mod procedure;
pub mod ranking;
pub mod reason;
pub mod referent;
pub mod referral;
pub mod structure;
pub mod target;
pub mod territory;
pub mod text;
pub mod working_time;
