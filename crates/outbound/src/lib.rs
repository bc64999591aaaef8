//! What calls out: each service that somebody else runs has its module here, and they share one client and one error.

pub mod data_gouv;
mod error;
pub mod geocoder;
mod http;
pub mod mail;
pub mod oidc;
#[cfg(test)]
mod stub;

pub use error::OutboundError;
pub use http::{TimeOuts, client, download};
pub use reqwest::{Client, Url};
