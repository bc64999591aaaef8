//! The installation's own key: it signs the tokens of the command line and the sessions of whoever signs in here.

use std::io::Write as _;
use std::path::Path;

use aiguilleur_domain::access::Grant;
use chrono::{Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Audience and issuer of the installation's own tokens.
pub const AUDIENCE: &str = "aiguilleur";
/// The organisation of a token that names none.
pub const DEFAULT_ORGANISATION: &str = "installation";
const KEY_FILE: &str = "installation.key";
/// Tokens remembered as well signed, some 500 bytes each.
const REMEMBERED: u64 = 10_000;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub sub: String,
    /// Slug of the organisation.
    pub org: String,
    #[serde(flatten)]
    pub grant: Grant,
    iat: i64,
    pub exp: i64,
    pub jti: Uuid,
    /// URL of the issuer that vouched for the subject, when a session was opened there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// The installation's own Ed25519 key.
#[derive(Clone)]
pub struct InstallationKey {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    /// By the token itself: checking a signature is a fifth of what recording a referral asks of the processor.
    well_signed: Cache<String, Claims>,
}

impl std::fmt::Debug for InstallationKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("InstallationKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Why the key or a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path} : {source}")]
    File { path: String, source: std::io::Error },
    #[error(
        "{path} ne contient pas une clé Ed25519 (PKCS #8, DER) : restaurez-la, ou supprimez-la pour en faire une neuve (les jetons délivrés prendront fin)"
    )]
    Unreadable { path: String },
    #[error("le jeton n'a pas pu être signé : {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

impl InstallationKey {
    /// Reads the key of a data directory, or makes it: whoever comes first creates the file whole, the others read it.
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(KEY_FILE);
        let shown = path.display().to_string();
        let file_error = |source| KeyError::File { path: shown.clone(), source };
        if !path.exists() {
            std::fs::create_dir_all(data_dir).map_err(file_error)?;
            let secret = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat();
            let signing = SigningKey::from_bytes(&Sha256::digest(secret).into());
            let der = signing.to_pkcs8_der().map_err(|_| KeyError::Unreadable { path: shown.clone() })?;
            create_whole(&path, der.as_bytes()).map_err(file_error)?;
        }
        let der = std::fs::read(&path).map_err(file_error)?;
        let signing = SigningKey::from_pkcs8_der(&der).map_err(|_| KeyError::Unreadable { path: shown.clone() })?;
        let public = signing.verifying_key().to_bytes();
        Ok(Self {
            kid: format!("{:x}", Sha256::digest(public)).chars().take(16).collect(),
            signing: EncodingKey::from_ed_der(&der),
            verifying: DecodingKey::from_ed_der(&public),
            well_signed: Cache::new(REMEMBERED),
        })
    }

    /// A token for `subject`, valid from now for `ttl`.
    pub fn issue(&self, subject: &str, organisation: &str, grant: &Grant, ttl: Duration) -> Result<String, KeyError> {
        self.issue_via(None, subject, organisation, grant, ttl)
    }

    /// The same, for somebody whom an issuer vouched for.
    pub fn issue_via(
        &self,
        via: Option<&str>,
        subject: &str,
        organisation: &str,
        grant: &Grant,
        ttl: Duration,
    ) -> Result<String, KeyError> {
        let now = Utc::now();
        let claims = Claims {
            iss: AUDIENCE.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            org: organisation.to_owned(),
            grant: grant.clone(),
            iat: now.timestamp(),
            exp: (now + ttl).timestamp(),
            jti: Uuid::new_v4(),
            via: via.map(str::to_owned),
        };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.signing)?)
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, &'static str> {
        // A good signature stays good; only time passes.
        if let Some(claims) = self.well_signed.get(token) {
            return if claims.exp < Utc::now().timestamp() { Err("le jeton a expiré") } else { Ok(claims) };
        }
        let claims = self.check(token)?;
        self.well_signed.insert(token.to_owned(), claims.clone());
        Ok(claims)
    }

    fn check(&self, token: &str) -> Result<Claims, &'static str> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| "le jeton ne peut pas être lu")?;
        if header.kid.as_deref() != Some(&self.kid) {
            return Err("le jeton n'a pas été signé par une clé connue d'ici");
        }
        self.read(token, AUDIENCE, &["exp", "aud", "iss", "sub"])
    }

    fn read<C: DeserializeOwned + Clone>(&self, token: &str, audience: &str, required: &[&str]) -> Result<C, &'static str> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Issued and checked by the same installation: no clock to make allowance for.
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_audience(&[audience]);
        validation.set_issuer(&[AUDIENCE]);
        validation.set_required_spec_claims(required);
        jsonwebtoken::decode::<C>(token, &self.verifying, &validation).map(|token| token.claims).map_err(|error| why(&error))
    }

    /// Something for this installation's own eyes, to be carried by somebody else for a while; `purpose` keeps it apart from tokens and
    /// from what was sealed for another purpose. It can be read by whoever carries it.
    pub(crate) fn seal<T: Serialize>(&self, purpose: &str, what: &T, ttl: Duration) -> Result<String, KeyError> {
        let sealed = Sealed { iss: AUDIENCE, aud: purpose, exp: (Utc::now() + ttl).timestamp(), what };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &sealed, &self.signing)?)
    }

    /// What was sealed here for that purpose, while its time lasts.
    pub(crate) fn unseal<T: DeserializeOwned + Clone>(&self, purpose: &str, sealed: &str) -> Option<T> {
        self.read::<Unsealed<T>>(sealed, purpose, &["exp", "aud", "iss"]).ok().map(|unsealed| unsealed.what)
    }
}

/// Writes a file that appears whole or not at all, readable by its owner only; somebody else's that came first stays.
fn create_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.new", Uuid::new_v4()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    // A hard link fails when the name is taken, where a rename would replace it.
    let linked = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    std::fs::remove_file(&draft)?;
    linked
}

/// Whether a token says that somebody else issued it.
pub(super) fn is_foreign(token: &str) -> bool {
    #[derive(Clone, Deserialize)]
    struct Issuer {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Issuer>(token).is_ok_and(|claims| claims.iss != AUDIENCE)
}

#[derive(Serialize)]
struct Sealed<'a, T> {
    iss: &'a str,
    aud: &'a str,
    exp: i64,
    what: &'a T,
}

#[derive(Clone, Deserialize)]
struct Unsealed<T> {
    what: T,
}

/// Why a token is refused, for its bearer.
pub(super) fn why(error: &jsonwebtoken::errors::Error) -> &'static str {
    match error.kind() {
        jsonwebtoken::errors::ErrorKind::ExpiredSignature => "le jeton a expiré",
        jsonwebtoken::errors::ErrorKind::InvalidSignature => "la signature du jeton n'est pas bonne",
        _ => "le jeton n'est pas valable ici",
    }
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::access::Role;

    use super::*;

    #[test]
    fn tokens_are_good_for_their_time_and_their_key() {
        let folder = std::env::temp_dir().join(Uuid::new_v4().to_string());
        let key = InstallationKey::open(&folder).unwrap();
        let again = InstallationKey::open(&folder).unwrap();
        assert_eq!(key.kid, again.kid, "the key stays");
        let token = key.issue("agent-7", "ccas-rennes", &Grant::of(&[Role::Mediator]), Duration::hours(8)).unwrap();
        let claims = again.verify(&token).unwrap();
        assert_eq!((claims.sub.as_str(), claims.org.as_str()), ("agent-7", "ccas-rennes"));
        let expired = key.issue("agent-7", "ccas-rennes", &Grant::of(&[Role::Mediator]), Duration::hours(-1)).unwrap();
        assert_eq!(again.verify(&expired).unwrap_err(), "le jeton a expiré");
        let short_lived = key.issue("agent-7", "ccas-rennes", &Grant::of(&[Role::Mediator]), Duration::seconds(1)).unwrap();
        assert!(again.verify(&short_lived).is_ok() && again.verify(&short_lived).is_ok(), "remembered");
        std::thread::sleep(std::time::Duration::from_millis(2_100));
        assert_eq!(again.verify(&short_lived).unwrap_err(), "le jeton a expiré");
        let mut forged = token.clone();
        forged.replace_range(token.len() - 8..token.len() - 4, "AAAA");
        assert!(again.verify(&forged).is_err());
        let (_, rest) = token.split_once('.').unwrap();
        assert!(again.verify(&format!("eyJhbGciOiJub25lIn0.{rest}")).is_err(), "alg none");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
