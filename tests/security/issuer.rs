//! An issuer of a test's own: it describes itself, gives its keys, and signs what the test wants.

use aiguilleur_testkit::{App, Stub};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub struct Issuer {
    pub stub: Stub,
    pub url: String,
}

/// A key pair of an issuer.
pub struct Key {
    kid: &'static str,
    pair: SigningKey,
}

impl Key {
    pub fn new(kid: &'static str, seed: u8) -> Self {
        Self { kid, pair: SigningKey::from_bytes(&[seed; 32]) }
    }

    pub fn public(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.pair.verifying_key().as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x})
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let der = self.pair.to_pkcs8_der().unwrap();
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(der.as_bytes())).unwrap()
    }
}

impl Issuer {
    /// With these keys, known to the service by this slug; what it says of roles and organisation counts.
    pub async fn known_to(app: &App, keys: &[&Key]) -> Self {
        let stub = Stub::answering(None).await;
        let issuer = Self { url: stub.url.clone(), stub };
        issuer.gives(keys);
        let body = json!({
            "slug": "test", "label": "Test", "url": issuer.url, "audiences": ["aiguilleur"], "algorithms": ["EdDSA"],
            "roles_claim": "/realm_access/roles", "role_map": {"mediation": "mediator", "tout": "administrator"},
            "organisation_claim": "/organisation"
        });
        let administrator = app.token("administrator", "admin", "installation");
        let answer = app.post("/v1/issuers", &administrator, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        issuer
    }

    /// From now on it has these keys: its description and its keys are one answer.
    pub fn gives(&self, keys: &[&Key]) {
        let url = &self.url;
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        let says = json!({
            "issuer": url, "jwks_uri": format!("{url}/jwks"), "authorization_endpoint": format!("{url}/auth"),
            "token_endpoint": format!("{url}/token"), "keys": keys
        });
        self.stub.answer(Some(&Stub::http("200 OK", &says.to_string())));
    }

    /// What a good token of it says.
    pub fn claims(&self, subject: &str) -> Value {
        let now = chrono::Utc::now().timestamp();
        json!({
            "iss": self.url, "aud": "aiguilleur", "sub": subject, "iat": now, "exp": now + 600,
            "organisation": "ccas-test", "realm_access": {"roles": ["mediation", "unheard-of"]}
        })
    }
}

/// The status that a token gets.
pub async fn status(app: &App, token: &str) -> u16 {
    app.get_as("/v1/me", token).await.status.as_u16()
}
