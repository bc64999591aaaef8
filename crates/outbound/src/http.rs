//! The client that every call goes through, and the download of a file.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use crate::OutboundError;

const MAX_REDIRECTS: usize = 5;

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeOuts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Between two pieces of the answer.
    pub silence: Duration,
    /// From the first byte sent to the last one received, redirections included.
    pub total: Duration,
}

impl Default for TimeOuts {
    /// 10 seconds to connect, 30 of silence, 2 minutes in all.
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30), total: Duration::from_mins(2) }
    }
}

/// A client that presents itself as `aiguilleur/<version>`, follows at most 5 redirections and goes through the proxy that the
/// environment names (`HTTPS_PROXY`, `NO_PROXY`). Made once and shared: it keeps its connections.
///
/// # Errors
/// [`OutboundError::Client`] when the machine has no root certificates.
pub fn client(time_outs: TimeOuts) -> Result<Client, OutboundError> {
    builder(time_outs).build().map_err(OutboundError::Client)
}

pub(crate) fn builder(time_outs: TimeOuts) -> ClientBuilder {
    // reqwest comes without cryptography and takes the process's. An error says that one is installed already: as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("aiguilleur/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::limited(MAX_REDIRECTS))
        .connect_timeout(time_outs.connect)
        .read_timeout(time_outs.silence)
        .timeout(time_outs.total)
}

/// The whole content at an address, never more than `max_bytes` of it in memory.
///
/// # Errors
/// Any [`OutboundError`] of a call, [`OutboundError::TooLarge`] as soon as the limit is announced or passed.
pub async fn download(client: &Client, url: Url, max_bytes: usize) -> Result<Vec<u8>, OutboundError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(OutboundError::Address { address: crate::error::without_query(&url).into() });
    }
    let mut response = client.get(url.clone()).send().await.map_err(|error| OutboundError::from_reqwest(&url, error))?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(OutboundError::from_status(response.url(), response.status()));
    }
    let too_large = |url: &Url| OutboundError::TooLarge { url: crate::error::without_query(url), max_bytes };
    let announced = response.content_length().map(usize::try_from);
    if announced.is_some_and(|length| length.is_ok_and(|length| length > max_bytes) || length.is_err()) {
        return Err(too_large(response.url()));
    }
    let mut content = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| OutboundError::from_reqwest(&url, error))? {
        if content.len() + piece.len() > max_bytes {
            return Err(too_large(response.url()));
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}
