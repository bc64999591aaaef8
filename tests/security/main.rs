//! The service attacked: forged and foreign tokens, hostile providers, others' records, headers that lie.

mod isolation;
mod issuer;
mod keys;
mod limits;
mod members;
mod tokens;
