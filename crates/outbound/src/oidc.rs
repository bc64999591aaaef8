//! An OpenID Connect provider, as far as this service calls it: its description, its signing keys, and the exchange of a code.
//!
//! Nothing that it says makes this service call somebody else: redirections aren't followed, and the addresses of its description must
//! be of the issuer's own origin. Keys that are known go on being good while it is away.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    AuthUrl, AuthorizationCode, Client as OauthClient, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenUrl,
};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{Client, OutboundError, TimeOuts, Url, download};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer taken, in bytes: a key set of a large provider has some 20,000.
const MAX_BYTES: usize = 256 * 1024;
/// Keys kept of one provider.
const MAX_KEYS: usize = 100;
/// Between two calls for keys, whoever asks: key ids that nobody knows must not become calls.
const PAUSE: Duration = Duration::from_secs(10);
/// After which keys are asked for again, so that one withdrawn there ends here.
const FRESH: Duration = Duration::from_mins(5);

/// Why a provider is of no use now.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("« {0} » n'est pas une adresse de fournisseur d'identité : https:// est attendu (http:// sur cette machine seulement)")]
    Address(String),
    #[error(transparent)]
    Call(#[from] OutboundError),
    #[error("le fournisseur d'identité ne se décrit pas comme attendu : {0}")]
    Unexpected(&'static str),
    #[error("le fournisseur d'identité a refusé le code")]
    Refused,
}

/// What it says of itself (OpenID Connect Discovery 1.0), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: Url,
    authorization_endpoint: Url,
    token_endpoint: Url,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Debug, Default)]
struct Known {
    description: Option<Arc<Description>>,
    /// By key id; the empty one for a key that has none.
    keys: HashMap<String, Arc<Jwk>>,
    fetched_at: Option<Instant>,
}

/// One provider; made once, since it remembers.
#[derive(Debug)]
pub struct Provider {
    issuer: String,
    origin: url::Origin,
    discovery: Url,
    client: Client,
    known: RwLock<Known>,
    /// When it was last called; held while it is being called.
    called_at: Mutex<Option<Instant>>,
}

/// What this service is to a provider.
#[derive(Debug, Clone)]
pub struct Registration {
    pub client_id: String,
    pub client_secret: Option<String>,
    /// Where the browser comes back to.
    pub redirect_uri: String,
}

/// A sign-in under way, to be remembered by the browser until it comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Journey {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct IdToken {
    id_token: String,
}

impl ExtraTokenFields for IdToken {}

type CodeClient = OauthClient<
    BasicErrorResponse,
    StandardTokenResponse<IdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Reads an issuer's address: `https`, or `http` on loopback; no query, no fragment, no credentials.
pub fn parse_issuer(text: &str) -> Result<Url, ProviderError> {
    let wrong = || ProviderError::Address(text.chars().take(200).collect());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_here = url.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
    // Tokens name it exactly as it is here: another way to write it would match none.
    let is_plain = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
    let is_sound = is_plain
        && url.has_host()
        && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if is_sound { Ok(url) } else { Err(wrong()) }
}

impl Provider {
    /// # Errors
    /// [`ProviderError::Address`] when the issuer can't be called; it isn't called yet.
    pub fn new(issuer: &str) -> Result<Self, ProviderError> {
        let url = parse_issuer(issuer)?;
        let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = Url::parse(&discovery).map_err(|_| ProviderError::Address(issuer.to_owned()))?;
        let time_outs = TimeOuts { connect: PATIENCE, silence: PATIENCE, total: PATIENCE };
        let builder = crate::http::builder(time_outs).redirect(Policy::none());
        let builder = if url.scheme() == "http" { builder.no_proxy() } else { builder };
        Ok(Self {
            issuer: issuer.to_owned(),
            origin: url.origin(),
            discovery,
            client: builder.build().map_err(OutboundError::Client)?,
            known: RwLock::default(),
            called_at: Mutex::default(),
        })
    }

    /// The key of that id, if it is known already; without an id, the only key.
    pub fn known_key(&self, kid: Option<&str>) -> Option<Arc<Jwk>> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match kid {
            Some(kid) => known.keys.get(kid).cloned(),
            None => known.keys.values().next().filter(|_| known.keys.len() == 1).cloned(),
        }
    }

    /// Whether its keys were fetched long ago, or never.
    pub fn is_stale(&self) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.fetched_at.is_none_or(|at| at.elapsed() > FRESH)
    }

    /// Asks for its keys, unless it was asked a moment ago. Of several at once one asks, and the others wait for it. What was known stays
    /// when it fails.
    pub async fn refresh(&self) {
        let mut called_at = self.called_at.lock().await;
        if called_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let fetched = self.fetch().await;
        *called_at = Some(Instant::now());
        match fetched {
            Ok((description, keys)) => {
                let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                *known = Known { description: Some(description), keys, fetched_at: Some(Instant::now()) };
            }
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "the identity provider gives no keys; those that are known stay good");
            }
        }
    }

    async fn fetch(&self) -> Result<(Arc<Description>, HashMap<String, Arc<Jwk>>), ProviderError> {
        let description = self.describe().await?;
        let body = download(&self.client, description.jwks_uri.clone(), MAX_BYTES).await?;
        let set: KeySet = serde_json::from_slice(&body).map_err(|_| ProviderError::Unexpected("son jeu de clés ne peut pas être lu"))?;
        if set.keys.len() > MAX_KEYS {
            return Err(ProviderError::Unexpected("son jeu de clés est trop grand"));
        }
        // A key of a kind unknown here is no reason to refuse the others.
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let signing = keys.filter(|key| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption)));
        Ok((description, signing.map(|key| (key.common.key_id.clone().unwrap_or_default(), Arc::new(key))).collect()))
    }

    async fn describe(&self) -> Result<Arc<Description>, ProviderError> {
        let body = download(&self.client, self.discovery.clone(), MAX_BYTES).await?;
        let description: Description =
            serde_json::from_slice(&body).map_err(|_| ProviderError::Unexpected("sa description ne peut pas être lue"))?;
        if description.issuer != self.issuer {
            return Err(ProviderError::Unexpected("il se donne un autre nom"));
        }
        let addresses = [&description.jwks_uri, &description.authorization_endpoint, &description.token_endpoint];
        if addresses.iter().any(|url| url.origin() != self.origin) {
            return Err(ProviderError::Unexpected("une de ses adresses est ailleurs que chez lui"));
        }
        Ok(Arc::new(description))
    }

    async fn description(&self) -> Result<Arc<Description>, ProviderError> {
        let known = || self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner).description.clone();
        if let Some(description) = known() {
            return Ok(description);
        }
        self.refresh().await;
        known().ok_or(ProviderError::Unexpected("il ne répond pas"))
    }

    async fn code_client(&self, registration: &Registration) -> Result<CodeClient, ProviderError> {
        let description = self.description().await?;
        let redirect = RedirectUrl::new(registration.redirect_uri.clone()).map_err(|_| ProviderError::Unexpected("adresse de retour"))?;
        let client = OauthClient::new(ClientId::new(registration.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(description.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(description.token_endpoint.clone()))
            .set_redirect_uri(redirect);
        Ok(match &registration.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
            None => client,
        })
    }

    /// Where to send a browser to sign in, and what it must remember (authorization code with PKCE, RFC 7636).
    pub async fn begin(&self, registration: &Registration) -> Result<(Url, Journey), ProviderError> {
        let client = self.code_client(registration).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("openid".to_owned()))
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.clone())
            .url();
        Ok((url, Journey { state: state.into_secret(), nonce, verifier: verifier.into_secret() }))
    }

    /// The ID token for a code, to be checked like any token of this issuer.
    pub async fn exchange(&self, registration: &Registration, code: String, verifier: String) -> Result<String, ProviderError> {
        let client = self.code_client(registration).await?;
        let call = |request: HttpRequest| self.call(request);
        let answer = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let answer = answer.request_async(&call).await.map_err(|error| {
            // What it says may quote the code.
            let reason = match error {
                oauth2::RequestTokenError::ServerResponse(_) => "refused",
                oauth2::RequestTokenError::Request(_) => "unreachable",
                oauth2::RequestTokenError::Parse(..) | oauth2::RequestTokenError::Other(_) => "an answer that is none",
            };
            tracing::warn!(issuer = self.issuer, reason, "a code could not be exchanged");
            ProviderError::Refused
        })?;
        Ok(answer.extra_fields().id_token.clone())
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, OutboundError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| OutboundError::Address { address: String::new() })?;
        let sent = self.client.request(parts.method, url.clone()).headers(parts.headers).body(body).send().await;
        let mut response = sent.map_err(|error| OutboundError::from_reqwest(&url, error))?;
        let mut content = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| OutboundError::from_reqwest(&url, error))? {
            if content.len() + piece.len() > MAX_BYTES {
                return Err(OutboundError::TooLarge { url, max_bytes: MAX_BYTES });
            }
            content.extend_from_slice(&piece);
        }
        let mut answer = HttpResponse::new(content);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
