//! Tokens of other issuers: which of their keys signed them, for whom, and what their claims mean here.

use std::sync::Arc;
use std::time::Duration;

use aiguilleur_domain::access::{Grant, Role};
use aiguilleur_jobs::access::{Access, Register};
use aiguilleur_outbound::oidc::Provider;
use aiguilleur_storage::issuers::Issuer;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::installation::why;

/// Algorithms that an issuer may use: all asymmetric, so that no public key is ever taken for a secret.
pub const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
/// What an issuer uses unless it is told otherwise.
pub const DEFAULT_ALGORITHMS: [&str; 2] = ["RS256", "ES256"];
/// How far its clock may be from ours, in seconds.
const CLOCK_SKEW_S: u64 = 60;
/// Well-signed tokens remembered, and for how long: a key withdrawn there may go on being good here for that time.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// Providers remembered: more than anybody will name.
const PROVIDERS: u64 = 1_000;

/// What an issuer says of a subject, its signature checked.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub issuer: Arc<Issuer>,
    pub subject: String,
    /// Slug, where a claim or the issuer's settings tell one.
    pub organisation: Option<String>,
    /// From its claims, as the issuer's settings translate them.
    pub roles: Vec<Role>,
    pub expires_at: DateTime<Utc>,
    pub nonce: Option<String>,
}

/// The providers that were called so far, with their keys. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Providers {
    by_url: Cache<String, Arc<Provider>>,
    well_signed: Cache<String, Arc<Value>>,
    turns: Arc<Semaphore>,
}

#[derive(Clone, Deserialize)]
struct IssuerClaim {
    iss: String,
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(1)),
            by_url: Cache::new(PROVIDERS),
            well_signed: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build(),
        }
    }
}

impl Providers {
    pub fn of(&self, issuer: &Issuer) -> Option<Arc<Provider>> {
        let made = self.by_url.try_get_with_by_ref(&issuer.url, || Provider::new(&issuer.url).map(Arc::new));
        made.inspect_err(|error| tracing::error!(issuer = issuer.url, %error, "this issuer can't be used")).ok()
    }

    /// Asks again for the keys of those that were called before, when it is time; what is known stays good while they are away.
    pub async fn keep_fresh(self, access: Access) {
        loop {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let register = access.get();
            for (url, provider) in &self.by_url {
                if register.issuer(&url).is_none() {
                    // Nobody that isn't trusted any more is called.
                    self.by_url.invalidate(&*url);
                } else if provider.is_stale() {
                    // Each in its own time: a slow one holds no other up.
                    tokio::spawn(async move { provider.refresh().await });
                }
            }
        }
    }

    /// Checks a bearer token of an issuer of the register.
    ///
    /// # Errors
    /// Why it is refused, in French.
    pub async fn check(&self, register: &Register, token: &str) -> Result<Vouched, &'static str> {
        let claimed = jsonwebtoken::dangerous::insecure_decode_claims::<IssuerClaim>(token).map_err(|_| "le jeton ne peut pas être lu")?;
        let issuer = register.issuer(&claimed.iss).ok_or("le jeton n'a pas été signé par une clé connue d'ici")?;
        self.check_for(issuer, token, &issuer.audiences).await
    }

    /// Checks a token of that issuer, meant for one of those audiences.
    pub async fn check_for(&self, issuer: &Arc<Issuer>, token: &str, audiences: &[String]) -> Result<Vouched, &'static str> {
        let remembered = format!("{}\n{}\n{token}", issuer.id, audiences.join("\n"));
        if let Some(claims) = self.well_signed.get(&remembered) {
            return vouched(issuer, &claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| "le jeton ne peut pas être lu")?;
        let is_pinned =
            ALGORITHMS.iter().any(|known| name(header.alg) == *known) && issuer.algorithms.iter().any(|used| used == name(header.alg));
        if !is_pinned {
            return Err("l'algorithme de signature du jeton n'est pas admis");
        }
        // What is meant for somebody else costs no signature; what is said to be for us is believed once that is checked.
        let told = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token).map_err(|_| "le jeton ne peut pas être lu")?;
        if !is_meant_for(&told, audiences) {
            return Err("le jeton n'est pas destiné à ce service");
        }
        let provider = self.of(issuer).ok_or("l'émetteur du jeton n'est pas joignable")?;
        let kid = header.kid.as_deref();
        if provider.known_key(kid).is_none() {
            provider.refresh().await;
        }
        let key = provider.known_key(kid).ok_or("le jeton n'a pas été signé par une clé connue d'ici")?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| "la clé du jeton n'est pas d'une sorte connue")?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = CLOCK_SKEW_S;
        validation.validate_nbf = true;
        validation.set_audience(audiences);
        validation.set_issuer(&[&issuer.url]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let claims = Arc::new(self.verify(token, key, validation).await?);
        let vouched = vouched(issuer, &claims)?;
        self.well_signed.insert(remembered, claims);
        Ok(vouched)
    }

    /// Signatures are checked beside the workers and one at a time: a crowd of forged tokens waits for itself, not honest calls for it.
    async fn verify(&self, token: &str, key: DecodingKey, validation: Validation) -> Result<Value, &'static str> {
        let unverified = "le jeton n'a pas pu être vérifié";
        let _turn = self.turns.acquire().await.map_err(|_| unverified)?;
        let token = token.to_owned();
        let checked = tokio::task::spawn_blocking(move || jsonwebtoken::decode::<Value>(&token, &key, &validation));
        checked.await.map_err(|_| unverified)?.map(|token| token.claims).map_err(|error| why(&error))
    }
}

/// `aud` is a text or a list of them (RFC 7519).
fn is_meant_for(claims: &Value, audiences: &[String]) -> bool {
    let is_ours = |told: &Value| told.as_str().is_some_and(|told| audiences.iter().any(|ours| ours == told));
    match claims.get("aud") {
        Some(Value::Array(told)) => told.iter().any(is_ours),
        Some(told) => is_ours(told),
        None => false,
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::EdDSA => "EdDSA",
        // Symmetric ones, and what isn't known yet.
        _ => "",
    }
}

/// What claims mean, once they are known to be the issuer's. Of a token remembered, time is all that may have changed.
fn vouched(issuer: &Arc<Issuer>, claims: &Value) -> Result<Vouched, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let expires_at = claims.get("exp").and_then(Value::as_i64).ok_or("le jeton ne dit pas quand il finit")?;
    let ends = DateTime::from_timestamp(expires_at, 0).ok_or("le jeton finit à un instant qui n'existe pas")?;
    let now = Utc::now().timestamp();
    let skew = i64::try_from(CLOCK_SKEW_S).unwrap_or_default();
    if expires_at.saturating_add(skew) < now {
        return Err("le jeton a expiré");
    }
    if claims.get("iat").and_then(Value::as_i64).is_some_and(|issued_at| issued_at > now.saturating_add(skew)) {
        return Err("le jeton vient de l'avenir : l'horloge de son émetteur est à vérifier");
    }
    let told = issuer.organisation_claim.as_deref().and_then(|pointer| claims.pointer(pointer)).and_then(Value::as_str);
    Ok(Vouched {
        issuer: issuer.clone(),
        subject: text("sub").unwrap_or_default().to_owned(),
        organisation: told.map(str::to_owned).or_else(|| issuer.organisation.clone()),
        roles: roles(issuer, claims),
        expires_at: ends,
        nonce: text("nonce").map(str::to_owned),
    })
}

/// Only what the issuer's settings translate counts; a claim is a text, or a list of them.
fn roles(issuer: &Issuer, claims: &Value) -> Vec<Role> {
    let told = issuer.roles_claim.as_deref().and_then(|pointer| claims.pointer(pointer));
    let words: Vec<&str> = match told {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut roles: Vec<Role> = words.iter().filter_map(|word| issuer.role_map.get(*word)?.as_str()?.parse().ok()).collect();
    roles.sort();
    roles.dedup();
    // Claims name neither institution nor territory: roles that need them are given by membership.
    roles.retain(|&role| Grant::of(&[role]).fault().is_none());
    roles
}
