//! Who calls: bearer tokens signed by the installation's own key, and what their roles may do.

use std::io::Write as _;
use std::path::Path;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::access;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// Audience and issuer of the installation's own tokens.
const AUDIENCE: &str = "aiguilleur";
/// The organisation of a token that names none.
pub const DEFAULT_ORGANISATION: &str = "installation";
const KEY_FILE: &str = "installation.key";
/// Tokens remembered as well signed, some 500 bytes each.
const REMEMBERED: u64 = 10_000;

/// What a token's holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Mediator,
    Partner,
    StructureEditor,
    InstitutionEditor,
    NetworkManager,
    Administrator,
}

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// Slug of the organisation.
    org: String,
    roles: Vec<Role>,
    iat: i64,
    exp: i64,
    jti: Uuid,
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
    pub fn issue(&self, subject: &str, organisation: &str, roles: &[Role], ttl: Duration) -> Result<String, KeyError> {
        let now = Utc::now();
        let claims = Claims {
            iss: AUDIENCE.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.to_owned(),
            org: organisation.to_owned(),
            roles: roles.to_vec(),
            iat: now.timestamp(),
            exp: (now + ttl).timestamp(),
            jti: Uuid::new_v4(),
        };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.signing)?)
    }

    fn verify(&self, token: &str) -> Result<Claims, &'static str> {
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
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Issued and checked by the same installation: no clock to make allowance for.
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => "le jeton a expiré",
            jsonwebtoken::errors::ErrorKind::InvalidSignature => "la signature du jeton n'est pas bonne",
            _ => "le jeton n'est pas valable ici",
        })
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

/// Whoever calls, with or without a token. What they may do is asked through [`Caller::may`], the one place that decides.
#[derive(Debug)]
pub struct Caller {
    claims: Option<Claims>,
}

/// On whose behalf a permitted operation acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub subject: String,
    /// Slug.
    pub organisation: String,
}

impl Caller {
    /// The agent behind an operation of the table in [`access`].
    ///
    /// # Errors
    /// 401 without a token, 403 when none of its roles may.
    pub fn may(&self, operation_id: &str) -> Result<Agent, Problem> {
        let claims = self
            .claims
            .as_ref()
            .ok_or_else(|| Problem::new(Kind::Unauthenticated, "Cette action demande un jeton : « Authorization: Bearer … »."))?;
        if !access::allows(operation_id, &claims.roles) {
            return Err(Problem::new(Kind::Forbidden, "Votre rôle ne permet pas cette action."));
        }
        Ok(Agent { subject: claims.sub.clone(), organisation: claims.org.clone() })
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(authenticate(request))
    }
}

/// The short name of an organisation: letters, digits, dots, dashes and underscores, at most 100.
pub fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// A token that is there must be good, even where none is needed: whoever sends one believes to be known.
fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(Caller { claims: None });
    };
    let refused = |why: &str| Problem::new(Kind::Unauthenticated, format!("Jeton refusé : {why}."));
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| refused("« Authorization: Bearer … » est attendu"))?;
    let state =
        request.app_data::<web::Data<AppState>>().ok_or_else(|| Problem::new(Kind::Internal, "Une erreur imprévue s'est produite."))?;
    let claims = state.key.verify(token).map_err(refused)?;
    let is_sound = !claims.sub.is_empty() && claims.sub.len() <= 200 && !claims.sub.contains('\0');
    if !is_sound || !is_slug(&claims.org) {
        return Err(refused("il ne dit pas pour qui il a été émis"));
    }
    Ok(Caller { claims: Some(claims) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_good_for_their_time_and_their_key() {
        let folder = std::env::temp_dir().join(Uuid::new_v4().to_string());
        let key = InstallationKey::open(&folder).unwrap();
        let again = InstallationKey::open(&folder).unwrap();
        assert_eq!(key.kid, again.kid, "the key stays");
        let token = key.issue("agent-7", "ccas-rennes", &[Role::Mediator], Duration::hours(8)).unwrap();
        let claims = again.verify(&token).unwrap();
        assert_eq!((claims.sub.as_str(), claims.org.as_str()), ("agent-7", "ccas-rennes"));
        let expired = key.issue("agent-7", "ccas-rennes", &[Role::Mediator], Duration::hours(-1)).unwrap();
        assert_eq!(again.verify(&expired).unwrap_err(), "le jeton a expiré");
        let short_lived = key.issue("agent-7", "ccas-rennes", &[Role::Mediator], Duration::seconds(1)).unwrap();
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
