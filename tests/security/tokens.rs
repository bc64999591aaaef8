use std::time::{Duration, Instant};

use aiguilleur_testkit::{App, Stub, TEMPLATE, TestDatabase, eventually};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, status};

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_token_of_a_known_issuer_is_taken_for_what_its_settings_say() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let key = Key::new("one", 1);
    let issuer = Issuer::known_to(&app, &[&key]).await;
    let me = app.get_as("/v1/me", &key.sign(&issuer.claims("agent-7"))).await;
    assert_eq!(me.status, 200, "{}", me.text);
    let me = me.json();
    assert_eq!((&me["subject"], &me["organisation"]["slug"], &me["issuer"]), (&json!("agent-7"), &json!("ccas-test"), &json!(issuer.url)));
    assert_eq!(me["roles"], json!(["mediator"]), "what isn't translated gives nothing");
    let nobody = with(issuer.claims("agent-7"), "realm_access", json!({}));
    let me = app.get_as("/v1/me", &key.sign(&nobody)).await;
    assert_eq!(me.status, 403, "no role at all: {}", me.text);
    let of_several = with(issuer.claims("agent-7"), "aud", json!(["other", "aiguilleur"]));
    assert_eq!(status(&app, &key.sign(&of_several)).await, 200);
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_refused() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let (key, stranger) = (Key::new("one", 1), Key::new("one", 2));
    let issuer = Issuer::known_to(&app, &[&key]).await;
    let claims = issuer.claims("agent-7");
    let now = chrono::Utc::now().timestamp();
    let good = key.sign(&claims);
    assert_eq!(status(&app, &good).await, 200);
    let payload = good.split('.').nth(1).unwrap();
    let public = key.public()["x"].as_str().unwrap().to_owned();
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let signed_with_public_key = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(public.as_bytes())).unwrap();
    let ours = app.token("mediator", "somebody", "somewhere");
    for (what, token) in [
        ("alg none", format!("eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{payload}.")),
        ("alg none, our own", format!("eyJhbGciOiJub25lIn0.{}.", ours.split('.').nth(1).unwrap())),
        ("HS256 with the public key", signed_with_public_key),
        ("another's signature", stranger.sign(&claims)),
        ("another audience", key.sign(&with(claims.clone(), "aud", json!("elsewhere")))),
        ("no audience", key.sign(&with(claims.clone(), "aud", json!(null)))),
        ("an issuer that nobody named", key.sign(&with(claims.clone(), "iss", json!("https://elsewhere.exemple.fr")))),
        ("our own name", key.sign(&with(with(claims.clone(), "iss", json!("aiguilleur")), "org", json!("ccas-test")))),
        ("expired", key.sign(&with(claims.clone(), "exp", json!(now - 120)))),
        ("without an end", key.sign(&with(claims.clone(), "exp", json!(null)))),
        ("not yet", key.sign(&with(claims.clone(), "nbf", json!(now + 600)))),
        ("from the future", key.sign(&with(claims.clone(), "iat", json!(now + 600)))),
        ("of an end beyond all calendars", key.sign(&with(claims.clone(), "exp", json!(i64::MAX)))),
        ("of nobody", key.sign(&with(claims.clone(), "sub", json!("")))),
        ("an organisation that can't be", key.sign(&with(claims.clone(), "organisation", json!("a b/../c")))),
        ("of no organisation", key.sign(&with(claims.clone(), "organisation", json!(null)))),
        ("cut short", good[..good.len() - 4].to_owned()),
        ("nonsense", "a.b.c".to_owned()),
        ("a long one", "a".repeat(6_000)),
    ] {
        let answer = app.get_as("/v1/me", &token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        assert!(!answer.text.contains(&public), "{what}");
    }
    assert_eq!(status(&app, &key.sign(&with(claims, "exp", json!(now - 30)))).await, 200, "clocks may differ by a minute");
}

#[tokio::test]
async fn unknown_key_ids_in_a_loop_make_no_storm_and_new_keys_are_found() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let (old, new) = (Key::new("old", 1), Key::new("new", 2));
    let issuer = Issuer::known_to(&app, &[&old]).await;
    assert_eq!(status(&app, &old.sign(&issuer.claims("agent-7"))).await, 200);
    let asked_before = issuer.stub.requests().len();
    let forged: Vec<String> = (0..200).map(|_| Key::new("unheard-of", 3).sign(&issuer.claims("agent-7"))).collect();
    let statuses = join_all(forged.iter().map(|token| status(&app, token))).await;
    assert!(statuses.iter().all(|status| *status == 401));
    let asked = issuer.stub.requests().len() - asked_before;
    assert!(asked <= 2, "the provider was asked {asked} times");
    // It changes its keys: known without a restart, and the old one ends in its time.
    issuer.gives(&[&new]);
    let token = new.sign(&issuer.claims("agent-7"));
    let found = eventually(Duration::from_secs(20), async || status(&app, &token).await == 200).await;
    assert!(found, "a new key was not found");
    assert_eq!(status(&app, &old.sign(&issuer.claims("another"))).await, 401, "withdrawn there");
}

#[tokio::test]
async fn known_keys_go_on_working_while_the_provider_is_away_or_hostile() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let key = Key::new("one", 1);
    let issuer = Issuer::known_to(&app, &[&key]).await;
    assert_eq!(status(&app, &key.sign(&issuer.claims("agent-1"))).await, 200);
    let target = Stub::answering(Some(&Stub::http("200 OK", "{}"))).await;
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", target.url);
    let huge = Stub::http("200 OK", &" ".repeat(1_000_000));
    let stranger = Key::new("unheard-of", 9);
    for answer in [Some(moved.as_str()), Some(huge.as_str()), Some(""), None] {
        issuer.stub.answer(answer);
        // Each of these makes the service ask, when it hasn't just done so.
        assert_eq!(status(&app, &stranger.sign(&issuer.claims("agent-1"))).await, 401);
        assert_eq!(status(&app, &key.sign(&issuer.claims("agent-2"))).await, 200, "known keys go on working");
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    assert!(target.requests().is_empty(), "a redirection was followed");
}

/// Two thousand of them, while somebody honest asks.
#[tokio::test]
async fn two_thousand_forged_tokens_are_all_refused() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let (key, stranger) = (Key::new("one", 1), Key::new("one", 2));
    let issuer = Issuer::known_to(&app, &[&key]).await;
    let honest = key.sign(&issuer.claims("agent-7"));
    let forged: Vec<String> = (0..2_000)
        .map(|number| {
            let claims = issuer.claims(&format!("agent-{number}"));
            match number % 4 {
                0 => stranger.sign(&claims),
                1 => key.sign(&with(claims, "aud", json!("elsewhere"))),
                2 => key.sign(&with(claims, "iss", json!("https://elsewhere.exemple.fr"))),
                _ => format!("eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{}.", key.sign(&claims).split('.').nth(1).unwrap()),
            }
        })
        .collect();
    let quiet = latencies(&app, &honest, 400).await;
    let (statuses, beside) = tokio::join!(
        async {
            let mut statuses = Vec::new();
            for some in forged.chunks(8) {
                statuses.extend(join_all(some.iter().map(|token| status(&app, token))).await);
            }
            statuses
        },
        latencies(&app, &honest, 400)
    );
    assert_eq!(statuses.len(), 2_000);
    assert!(statuses.iter().all(|status| *status == 401), "one was accepted");
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    // Told, not tested: a test doesn't depend on how busy the machine is.
    println!("honest calls: p99 {:?} when quiet, {:?} beside 2,000 forged tokens", p99(&quiet), p99(&beside));
}

/// Of so many calls one after the other, all answered 200; sorted.
async fn latencies(app: &App, token: &str, calls: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let started = Instant::now();
        assert_eq!(status(app, token).await, 200);
        times.push(started.elapsed());
    }
    times.sort();
    times
}
