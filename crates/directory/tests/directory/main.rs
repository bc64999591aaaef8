//! The directory against the rules of its documentation and against slow, obvious versions of itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests; a broken one should fail there")]

mod builders;
mod changes;
mod competence_everywhere;
mod coverage;
mod draws;
mod heard;
mod list;
mod oracle;
mod orient_against_oracle;
mod orient_doors;
mod orient_rules;
mod seed_territory;
mod whole_catalogue;
