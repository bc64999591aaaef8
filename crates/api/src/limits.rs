//! How often somebody may ask: by subject, by partner key and by address; and which address that is.
//!
//! Each limit is a rate that may be exceeded for a while, as long as its mean over [`WINDOW`] isn't (GCRA). What is left is told in the
//! `RateLimit` header fields (draft-ietf-httpapi-ratelimit-headers), past it the answer is 429. Every node counts for itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use aiguilleur_storage::partner_keys::PartnerKey;
use chrono::Utc;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use uuid::Uuid;

use crate::admission;
use crate::auth::Identity;
use crate::problem::{Kind, Problem};
use crate::request::State;
use crate::state::AppState;

/// Over which a rate is a mean.
pub const WINDOW: Duration = Duration::from_secs(30);
/// Over which a partner key's quota is one.
const MINUTE: Duration = Duration::from_mins(1);
/// Mails that one address, or one caller, may ask for in an hour.
const MAILS_PER_HOUR: u32 = 10;
const HOUR: Duration = Duration::from_hours(1);
/// Codes that are nobody's which one caller may try in an hour; after that, its good ones are refused too.
const WRONG_CODES_PER_HOUR: u32 = 10;
/// Callers whose wrong codes are remembered at once.
const MAX_GUESSERS: u64 = 100_000;

/// How a partner's pages say whose they are.
pub const KEY_HEADER: &str = "Aiguilleur-Key";
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Counts<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// As the operator sets them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests per second; 0 for no limit.
    pub per_subject: u32,
    /// Requests per second; 0 for no limit. This machine's own addresses have none.
    pub per_address: u32,
    /// Whose word is taken for the address that they forward for.
    pub trusted_proxies: Vec<IpNet>,
}

/// The counts of this node. Cloning shares them.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    subjects: Option<Limit<(String, String)>>,
    addresses: Option<Limit<IpAddr>>,
    mails: Option<Limit<String>>,
    /// By caller, for an hour from the first code it tried.
    guessers: moka::sync::Cache<String, Arc<Guesser>>,
    /// By key and quota: one that is changed starts anew.
    keys: moka::sync::Cache<(Uuid, i32), Arc<Limit<()>>>,
    trusted_proxies: Vec<IpNet>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Limits").field("trusted_proxies", &self.0.trusted_proxies).finish_non_exhaustive()
    }
}

struct Limit<K: std::hash::Hash + Eq + Clone> {
    name: &'static str,
    counts: Counts<K>,
    most: u32,
    window: Duration,
}

/// What is left of a limit after a request.
#[derive(Debug, Clone, Copy)]
struct Left {
    name: &'static str,
    most: u32,
    window: Duration,
    remaining: u32,
}

impl<K: std::hash::Hash + Eq + Clone> Limit<K> {
    /// `most` in `window`; `None` when that is no limit.
    fn new(name: &'static str, most: u32, window: Duration) -> Option<Self> {
        let burst = NonZeroU32::new(most)?;
        let quota = Quota::with_period(window / most)?.allow_burst(burst);
        let clock = DefaultClock::default();
        let counts = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock);
        Some(Self { name, counts, most, window })
    }

    /// # Errors
    /// 429, with when to come back.
    fn count(&self, key: &K) -> Result<Left, Problem> {
        let left = |remaining| Left { name: self.name, most: self.most, window: self.window, remaining };
        self.counts.check_key(key).map(|state| left(state.remaining_burst_capacity())).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            metrics::counter!("http_requests_limited_total", "limit" => self.name).increment(1);
            Problem::rate_limited(
                format!("La limite est de {} demandes en {} secondes. Rien n'a été enregistré.", self.most, self.window.as_secs()),
                Duration::from_secs(wait.as_secs() + 1),
            )
            .with_header(RATE_LIMIT_POLICY, left(0).policy())
            .with_header(RATE_LIMIT, left(0).state())
        })
    }
}

impl Left {
    fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.most, self.window.as_secs())
    }

    /// `t`: seconds until all of it can be used again.
    fn state(&self) -> String {
        let used = u64::from(self.most.saturating_sub(self.remaining));
        let until_whole = (used * self.window.as_secs()).div_ceil(u64::from(self.most.max(1)));
        format!("\"{}\";r={};t={until_whole}", self.name, self.remaining)
    }
}

impl Limits {
    pub fn new(settings: Settings) -> Self {
        let seconds = u32::try_from(WINDOW.as_secs()).unwrap_or(u32::MAX);
        Self(Arc::new(Inner {
            subjects: Limit::new("subject", settings.per_subject.saturating_mul(seconds), WINDOW),
            addresses: Limit::new("address", settings.per_address.saturating_mul(seconds), WINDOW),
            mails: Limit::new("mail", MAILS_PER_HOUR, HOUR),
            guessers: moka::sync::Cache::builder().max_capacity(MAX_GUESSERS).time_to_live(HOUR).build(),
            keys: moka::sync::Cache::new(10_000),
            trusted_proxies: settings.trusted_proxies,
        }))
    }

    /// The address of whoever asks: that of the connection, or the one that a trusted proxy says it forwards for. Nobody else's word is
    /// taken for it.
    pub fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        let is_trusted = |address: IpAddr| self.0.trusted_proxies.iter().any(|network| network.contains(&address));
        if !is_trusted(peer) {
            return Some(peer);
        }
        let forwarded = request.headers().get_all(header::X_FORWARDED_FOR).filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        // Each proxy adds whom it heard at the end: from there, the first that isn't one of ours is the client.
        let mut client = peer;
        for hop in hops.iter().rev() {
            let Some(address) = read_address(hop) else { break };
            client = address;
            if !is_trusted(address) {
                break;
            }
        }
        Some(client)
    }

    /// Counts a mail asked for by a caller, towards an address.
    ///
    /// # Errors
    /// 429 when either asked for many.
    pub fn count_mail(&self, request: &HttpRequest, address: &str) -> Result<(), Problem> {
        let Some(mails) = &self.0.mails else { return Ok(()) };
        if let Some(client) = self.client(request).filter(|client| !client.is_loopback()) {
            mails.count(&own_network(client).to_string())?;
        }
        mails.count(&address.to_owned())?;
        Ok(())
    }

    /// Lets a caller try a code, one at a time: many at once are no way round. This machine's own addresses have the same limit as all
    /// others.
    ///
    /// # Errors
    /// 429 when the caller tried many wrong ones.
    pub async fn try_code(&self, caller: String) -> Result<Attempt, Problem> {
        let guesser = self.0.guessers.get_with(caller, Arc::default);
        let turn = guesser.turn.clone().lock_owned().await;
        if guesser.wrong.load(Ordering::Relaxed) < WRONG_CODES_PER_HOUR {
            return Ok(Attempt { guesser, _turn: turn });
        }
        metrics::counter!("http_requests_limited_total", "limit" => "code").increment(1);
        let detail = format!("{WRONG_CODES_PER_HOUR} codes faux ont été essayés en une heure. Réessayez plus tard.");
        Err(Problem::rate_limited(detail, HOUR))
    }

    /// Who tries codes without an account: a subscriber's network.
    pub fn guesser(&self, request: &HttpRequest) -> String {
        self.client(request).map_or_else(String::new, |client| own_network(client).to_string())
    }

    /// Forgets now and then who has long been silent. Never ends.
    pub async fn keep_small(self) {
        loop {
            tokio::time::sleep(MINUTE).await;
            self.0.subjects.iter().for_each(|limit| limit.counts.retain_recent());
            self.0.addresses.iter().for_each(|limit| limit.counts.retain_recent());
            self.0.mails.iter().for_each(|limit| limit.counts.retain_recent());
        }
    }
}

/// Somebody who tries codes.
#[derive(Debug, Default)]
struct Guesser {
    wrong: AtomicU32,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A code that is being tried; until this is dropped, its caller tries no other.
#[derive(Debug)]
pub struct Attempt {
    guesser: Arc<Guesser>,
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

impl Attempt {
    pub fn was_wrong(self) {
        self.guesser.wrong.fetch_add(1, Ordering::Relaxed);
    }
}

/// An address as proxies write it: alone, with a port, or an IPv6 one in brackets.
fn read_address(hop: &str) -> Option<IpAddr> {
    let alone = hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    alone.or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

/// What one subscriber is given: an IPv4 address, or 64 bits of an IPv6 one.
fn own_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// Where from, for the audit: too little to tell a household (24 bits of an IPv4 address, 48 of an IPv6 one).
pub fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80))),
    }
}

/// Counts a request of somebody known.
///
/// # Errors
/// 429 past the limit.
pub fn count_subject(request: &HttpRequest, state: &AppState, identity: &Identity) -> Result<(), Problem> {
    if let Some(subjects) = &state.limits.0.subjects {
        let left = subjects.count(&(identity.issuer.clone(), identity.subject.clone()))?;
        request.extensions_mut().insert(left);
    }
    Ok(())
}

/// Counts requests by address and by partner key, and answers browsers that ask what another site's page may send.
pub async fn wrap<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(state) = request.app_data::<State>().cloned() else { return Ok(next.call(request).await?.map_into_left_body()) };
    let is_interface = request.path().starts_with("/v1/");
    match enter(&request, &state, is_interface) {
        Err(problem) => Ok(request.into_response(problem.error_response()).map_into_right_body()),
        Ok(()) if is_preflight(&request) => Ok(request.into_response(preflight()).map_into_right_body()),
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
    }
}

/// Says on an answer, a problem's too, what is left; and that pages of other sites may read it.
pub fn tell<B>(response: &mut ServiceResponse<B>) {
    let request = response.request();
    let left = request.extensions().get::<Left>().copied();
    let is_from_page = request.path().starts_with("/v1/") && request.headers().contains_key(header::ORIGIN);
    let headers = response.headers_mut();
    if let Some(left) = left.filter(|_| !headers.contains_key(&RATE_LIMIT)) {
        for (name, value) in [(RATE_LIMIT_POLICY, left.policy()), (RATE_LIMIT, left.state())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
    if is_from_page {
        // Without credentials: a session is never sent along to what any page may read.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let read = "etag, link, ratelimit, ratelimit-policy, retry-after, x-request-id";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(read));
    }
}

fn enter(request: &ServiceRequest, state: &web::Data<AppState>, is_interface: bool) -> Result<(), Problem> {
    if admission::is_operator(request.path()) {
        return Ok(());
    }
    let limits = &state.limits.0;
    if let Some(addresses) = &limits.addresses
        && let Some(client) = state.limits.client(request.request()).filter(|client| !client.is_loopback())
    {
        let left = addresses.count(&own_network(client))?;
        request.extensions_mut().insert(left);
    }
    let Some(key) = request.headers().get(KEY_HEADER).filter(|_| is_interface && !is_preflight(request)) else { return Ok(()) };
    let register = state.access.get();
    let known = key.to_str().ok().and_then(|key| register.key(key));
    let unknown = || Problem::new(Kind::Unauthenticated, "Cette clé partenaire n'est pas connue, n'est plus valable ou a été révoquée.");
    let key = known.filter(|key| key.is_good(Utc::now())).ok_or_else(unknown)?;
    check_origin(request, key)?;
    let limit = limits.keys.try_get_with((key.id, key.quota_per_minute), || {
        let quota = u32::try_from(key.quota_per_minute).unwrap_or(1);
        Limit::new("partner-key", quota, MINUTE).map(Arc::new).ok_or(())
    });
    metrics::counter!("partner_key_requests_total", "key" => key.id.to_string()).increment(1);
    if let Ok(limit) = limit {
        let left = limit.count(&())?;
        request.extensions_mut().insert(left);
    }
    Ok(())
}

/// A key is good for the pages that it was made for: their very scheme, host and port. Whoever doesn't say is none of them.
fn check_origin(request: &ServiceRequest, key: &PartnerKey) -> Result<(), Problem> {
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| key.origins.iter().any(|known| known == origin)) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, "Cette clé partenaire n'est pas faite pour cette page (en-tête « Origin »)."))
}

fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && request.path().starts_with("/v1/")
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// A browser asks before it sends what isn't a plain read: questions may be sent, tokens may not.
fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept-Language, Aiguilleur-Key, Content-Type, If-None-Match"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn limits(trusted: &[&str]) -> Limits {
        let trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Limits::new(Settings { per_subject: 1, per_address: 1, trusted_proxies })
    }

    fn client(limits: &Limits, peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1234").parse().unwrap());
        for value in forwarded {
            request = request.append_header((header::X_FORWARDED_FOR, *value));
        }
        limits.client(&request.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let nobody = limits(&[]);
        assert_eq!(client(&nobody, "127.0.0.1", &["203.0.113.7"]), "127.0.0.1");
        let ours = limits(&["10.0.0.0/8", "127.0.0.1/32"]);
        assert_eq!(client(&ours, "198.51.100.1", &["203.0.113.7"]), "198.51.100.1", "not one of our proxies");
        assert_eq!(client(&ours, "127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(client(&ours, "127.0.0.1", &["1.2.3.4, 203.0.113.7, 10.0.0.9"]), "203.0.113.7", "what the client wrote is before");
        assert_eq!(client(&ours, "127.0.0.1", &["1.2.3.4", "203.0.113.7"]), "203.0.113.7", "in two headers");
        assert_eq!(client(&ours, "127.0.0.1", &["203.0.113.7:5678"]), "203.0.113.7");
        assert_eq!(client(&ours, "127.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client(&ours, "127.0.0.1", &["203.0.113.7, nonsense"]), "127.0.0.1", "what can't be read isn't passed over");
        assert_eq!(client(&ours, "127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client(&ours, "127.0.0.1", &["::ffff:203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn what_is_left_is_told_and_then_nothing() {
        let limit = Limit::new("subject", 60, Duration::from_secs(30)).unwrap();
        let first = limit.count(&"somebody").unwrap();
        assert_eq!((first.policy().as_str(), first.state().as_str()), ("\"subject\";q=60;w=30", "\"subject\";r=59;t=1"));
        for _ in 1..60 {
            limit.count(&"somebody").unwrap();
        }
        assert_eq!(limit.count(&"somebody").unwrap_err().kind(), Kind::RateLimited);
        assert!(limit.count(&"somebody else").is_ok());
        assert!(Limit::<u8>::new("none", 0, WINDOW).is_none());
    }

    #[test]
    fn where_from_is_told_in_part() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1::/48");
        assert_eq!(own_network("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::");
    }
}
