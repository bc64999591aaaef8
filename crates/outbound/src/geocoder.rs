//! The Géoplateforme's geocoder (IGN, open data, 50 calls a second): where an address is, in its own words. Whether that can be
//! true is for the caller to check, against the outlines of the communes.
//!
//! An address is somebody's home. It is sent there and nowhere else: no error and no log line of this module holds words,
//! addresses or positions, and an answer is remembered for some minutes, in memory only, under a digest that nobody can undo.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aiguilleur_domain::need::Precision;
use aiguilleur_domain::territory::{CommuneCode, Location};
use aiguilleur_domain::text::normalise;
use moka::sync::Cache;
use reqwest::redirect::Policy;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{Client, OutboundError, TimeOuts, Url, download};

/// The public service; another instance or a test has another address.
pub const BASE: &str = "https://data.geopf.fr/geocodage/";
/// The longest text the service takes, in characters; it refuses fewer than three.
pub const LONGEST: usize = 200;
const SHORTEST: usize = 3;

/// How many places are asked for: enough to see that several are called alike.
const CANDIDATES: &str = "5";
/// Five places take about 4,000 bytes.
const MAX_BYTES: usize = 100_000;
/// How many calls are under way at most; the others wait their turn, within their own time.
const AT_ONCE: usize = 4;
const REMEMBERED: u64 = 1_000;
const REMEMBERED_FOR: Duration = Duration::from_mins(5);

/// How patient a geocoder's client is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the question to the answer, the wait for a turn included.
    pub total: Duration,
    /// After a failure, how long nobody is called. Then one call tries, while the others go on being refused.
    pub pause: Duration,
}

impl Default for Patience {
    /// 2 seconds, then 10 of pause.
    fn default() -> Self {
        Self { total: Duration::from_secs(2), pause: Duration::from_secs(10) }
    }
}

/// A place that may be the one meant, as the geocoder says.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub location: Location,
    /// The commune it claims to be in, by its code of today or of an arrondissement.
    pub commune: CommuneCode,
    /// How well it matches the words: 1 at best.
    pub score: f64,
    /// [`Precision::Address`] for a street and its numbers, else [`Precision::Commune`].
    pub precision: Precision,
}

/// The geocoder gives no answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("le géocodeur ne répond pas")]
pub struct Away {
    /// When it is worth asking again.
    pub retry_after: Duration,
}

/// A geocoder, made once and shared.
pub struct Geocoder {
    search: Url,
    client: Client,
    patience: Patience,
    turns: Semaphore,
    /// `Some` after a failure: nobody is called before then.
    away_until: Mutex<Option<Instant>>,
    remembered: Cache<[u8; 32], Arc<[Candidate]>>,
    /// Of this process alone, so that a digest says nothing of the words.
    secret: [Uuid; 2],
}

impl std::fmt::Debug for Geocoder {
    // Not what is remembered.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Geocoder").field("host", &self.search.host_str()).finish_non_exhaustive()
    }
}

impl Geocoder {
    /// # Errors
    /// [`OutboundError::Address`] when the base can't be called, [`OutboundError::Client`] without root certificates.
    pub fn new(base: &Url, patience: Patience) -> Result<Self, OutboundError> {
        let unusable = || OutboundError::Address { address: crate::error::without_query(base).into() };
        if !matches!(base.scheme(), "http" | "https") {
            return Err(unusable());
        }
        let mut search = base.clone();
        if !base.path().trim_end_matches('/').ends_with("/search") {
            search.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().push("search");
        }
        let time_outs = TimeOuts { connect: patience.total, silence: patience.total, total: patience.total };
        let builder = crate::http::builder(time_outs).redirect(Policy::none());
        // One's own machine is never behind a proxy.
        let is_here = base.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
        let builder = if is_here { builder.no_proxy() } else { builder };
        Ok(Self {
            search,
            client: builder.build().map_err(OutboundError::Client)?,
            patience,
            turns: Semaphore::new(AT_ONCE),
            away_until: Mutex::new(None),
            remembered: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build(),
            secret: [Uuid::new_v4(), Uuid::new_v4()],
        })
    }

    /// The places that an address may mean, best first; none when nothing is called so.
    ///
    /// # Errors
    /// [`Away`] when the geocoder fails, hangs, is beyond belief, or did so a moment ago.
    pub async fn search(&self, words: &str) -> Result<Arc<[Candidate]>, Away> {
        let plain = normalise(words);
        if plain.chars().count() < SHORTEST {
            return Ok(Arc::default());
        }
        let key = self.digest(&plain);
        if let Some(known) = self.remembered.get(&key) {
            return Ok(known);
        }
        let is_trial = self.enter()?;
        let answer = tokio::time::timeout(self.patience.total, async {
            let _turn = self.turns.acquire().await;
            if !is_trial && self.away_for().is_some() {
                return Err("others failed meanwhile");
            }
            self.ask(words).await
        });
        match answer.await.unwrap_or(Err("timed out")) {
            Ok(found) => {
                self.came_back();
                self.remembered.insert(key, found.clone());
                Ok(found)
            }
            Err(reason) => Err(self.went_away(reason)),
        }
    }

    /// The error is a reason for the log, in words of ours.
    async fn ask(&self, words: &str) -> Result<Arc<[Candidate]>, &'static str> {
        // It wants a letter or a digit first.
        let words: String = words.trim_start_matches(|first: char| !first.is_alphanumeric()).chars().take(LONGEST).collect();
        let mut url = self.search.clone();
        url.query_pairs_mut().extend_pairs([("q", &*words), ("index", "address"), ("limit", CANDIDATES), ("autocomplete", "0")]);
        match download(&self.client, url, MAX_BYTES).await {
            Ok(body) => read(&body).ok_or("an answer that is none"),
            // It says no to these words, which is an answer.
            Err(OutboundError::Refused { status, .. }) if status == reqwest::StatusCode::BAD_REQUEST => Ok(Arc::default()),
            Err(error) => Err(reason(&error)),
        }
    }

    /// Whether this call is the one that tries again after a pause.
    fn enter(&self) -> Result<bool, Away> {
        let mut away_until = self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = *away_until else { return Ok(false) };
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Err(Away { retry_after: left });
        }
        *away_until = Some(Instant::now() + self.patience.pause);
        Ok(true)
    }

    fn away_for(&self) -> Option<Duration> {
        let until = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn came_back(&self) {
        if self.away_until.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!("the geocoder is back");
        }
    }

    fn went_away(&self, reason: &'static str) -> Away {
        let mut away_until = self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away_until.replace(Instant::now() + self.patience.pause).is_none() {
            tracing::warn!(reason, "the geocoder is away; addresses are answered from their commune, where they name one");
        }
        Away { retry_after: self.patience.pause }
    }

    fn digest(&self, plain: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        self.secret.iter().for_each(|half| digest.update(half.as_bytes()));
        digest.update(plain);
        digest.finalize().into()
    }
}

/// Never the error itself: what it quotes may be the address.
fn reason(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::TimedOut { .. } => "timed out",
        OutboundError::Unreachable { .. } => "unreachable",
        OutboundError::Interrupted { .. } => "interrupted",
        OutboundError::TooLarge { .. } => "too large an answer",
        OutboundError::Unavailable { .. } => "broken down or busy",
        OutboundError::NotFound { .. } | OutboundError::Refused { .. } | OutboundError::Redirects { .. } => "refused or moved",
        _ => "failed",
    }
}

#[derive(Deserialize)]
struct Collection {
    r#type: String,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    geometry: Geometry,
    properties: Properties,
}

#[derive(Deserialize)]
struct Geometry {
    /// Longitude first; maybe an altitude after.
    coordinates: Vec<f64>,
}

#[derive(Deserialize)]
struct Properties {
    score: f64,
    citycode: String,
    r#type: String,
}

/// `None` as soon as any part of it is beyond belief: a geocoder that says one such thing can't be trusted with the rest.
fn read(body: &[u8]) -> Option<Arc<[Candidate]>> {
    let collection: Collection = serde_json::from_slice(body).ok()?;
    if collection.r#type != "FeatureCollection" {
        return None;
    }
    let mut candidates = collection.features.into_iter().map(candidate).collect::<Option<Vec<_>>>()?;
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    Some(candidates.into())
}

fn candidate(feature: Feature) -> Option<Candidate> {
    let Properties { score, citycode, r#type } = feature.properties;
    let [lon, lat, ..] = *feature.geometry.coordinates.as_slice() else { return None };
    Some(Candidate {
        location: Location::new(lat, lon)?,
        commune: CommuneCode::parse(&citycode)?,
        score: Some(score).filter(|score| score.is_finite())?,
        precision: if matches!(r#type.as_str(), "housenumber" | "street") { Precision::Address } else { Precision::Commune },
    })
}

#[cfg(test)]
mod tests;
