use crate::stub::Stub;

use super::*;

const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"one","use":"sig","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// What a provider says of itself and its keys, in one answer for every request; `{base}` is its own address.
fn says(issuer: &str, jwks: &str, keys: &str) -> String {
    format!(
        r#"{{"issuer":"{issuer}","jwks_uri":"{jwks}","authorization_endpoint":"{{base}}auth","token_endpoint":"{{base}}token","keys":[{keys}]}}"#
    )
}

async fn provider(answer: &str) -> (Arc<Provider>, Stub) {
    let stub = Stub::answering(Some(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{answer}"))).await;
    (Arc::new(Provider::new(stub.base.as_str()).unwrap()), stub)
}

#[test]
fn issuers_are_https_or_here() {
    for good in ["https://id.exemple.fr", "https://id.exemple.fr/realms/x", "http://127.0.0.1:8081/realms/x", "http://localhost"] {
        assert!(parse_issuer(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "id.exemple.fr",
        "http://id.exemple.fr",
        "ftp://id.exemple.fr",
        "https://u:p@id.exemple.fr",
        "https://id.exemple.fr?x",
        "https://id.exemple.fr#x",
        "HTTPS://id.exemple.fr",
        "https:id.exemple.fr",
        "https://@id.exemple.fr/",
        "http://127.1:2700/x",
        "https://id.exemple.fr/\r\nx",
    ] {
        assert!(parse_issuer(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn keys_are_asked_for_once_whoever_asks() {
    let (provider, mut stub) = provider(&says("{base}", "{base}jwks", &format!("{KEY},{{\"kty\":\"unheard of\"}}"))).await;
    assert!(provider.is_stale() && provider.known_key(Some("one")).is_none());
    let asking = (0..50).map(|_| provider.clone()).map(|provider| tokio::spawn(async move { provider.refresh().await }));
    for one in asking.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    assert!(!provider.is_stale() && provider.known_key(Some("one")).is_some() && provider.known_key(Some("two")).is_none());
    let asked: Vec<String> = std::iter::from_fn(|| stub.requests.try_recv().ok()).collect();
    assert_eq!(asked.len(), 2, "its description and its keys, once: {asked:?}");
}

#[tokio::test]
async fn a_hostile_provider_gives_no_key() {
    let huge = format!("{KEY},{}", vec![KEY; 5_000].join(","));
    for (what, answer) in [
        ("another name", says("https://elsewhere.exemple.fr", "{base}jwks", KEY)),
        ("keys elsewhere", says("{base}", "http://169.254.169.254/latest/meta-data", KEY)),
        ("keys on another port", says("{base}", "http://127.0.0.1:1/jwks", KEY)),
        ("too many keys", says("{base}", "{base}jwks", &vec![KEY; 101].join(","))),
        ("a huge answer", says("{base}", "{base}jwks", &huge)),
        ("nonsense", "<html>".to_owned()),
    ] {
        let (provider, _stub) = provider(&answer).await;
        provider.refresh().await;
        assert!(provider.known_key(Some("one")).is_none(), "{what}");
    }
}

#[tokio::test]
async fn redirections_are_not_followed() {
    let target = Stub::with_json(&says("{base}", "{base}jwks", KEY)).await;
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", target.base);
    let stub = Stub::answering(Some(moved)).await;
    let provider = Provider::new(stub.base.as_str()).unwrap();
    provider.refresh().await;
    let mut asked = target.requests;
    assert!(asked.try_recv().is_err() && provider.known_key(Some("one")).is_none());
}
