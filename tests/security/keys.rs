use std::time::Duration;

use aiguilleur_testkit::{App, TEMPLATE, TestDatabase, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const PAGE: &str = "https://www.ville.exemple.fr";

async fn key(app: &App, administrator: &str, quota: u32) -> Value {
    let body = json!({"organisation": "ville", "label": "Carte", "origins": [PAGE, "https://preprod.ville.exemple.fr:8443"], "quota_per_minute": quota});
    let made = app.post("/v1/partner-keys", administrator, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

async fn status(app: &App, key: &Value, origin: Option<&str>) -> u16 {
    let mut headers = vec![("Aiguilleur-Key", key["key"].as_str().unwrap())];
    headers.extend(origin.map(|origin| ("Origin", origin)));
    app.send(Method::GET, "/v1/procedures?limit=1", &headers, None).await.status.as_u16()
}

async fn act(app: &App, method: Method, path: &str, token: &str, body: Option<Value>) -> aiguilleur_testkit::Answer {
    app.send(method, path, &[("Authorization", &format!("Bearer {token}"))], body.as_ref()).await
}

#[tokio::test]
async fn a_key_is_good_for_its_pages_alone() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    let key = key(&app, &administrator, 1_000).await;
    for (origin, expected) in [
        (Some(PAGE), 200),
        (Some("https://preprod.ville.exemple.fr:8443"), 200),
        (Some("https://preprod.ville.exemple.fr"), 403),
        (Some("https://preprod.ville.exemple.fr:443"), 403),
        (Some("http://www.ville.exemple.fr"), 403),
        (Some("https://www.ville.exemple.fr.elsewhere.exemple.com"), 403),
        (Some("https://elsewhere-www.ville.exemple.fr"), 403),
        (Some("https://a.www.ville.exemple.fr"), 403),
        (Some("https://www.ville.exemple.fr/"), 403),
        (Some("null"), 403),
        (Some(""), 403),
        (None, 403),
    ] {
        assert_eq!(status(&app, &key, origin).await, expected, "{origin:?}");
    }
    // It opens nothing: what asks for a token goes on asking for one.
    let headers = [("Aiguilleur-Key", key["key"].as_str().unwrap()), ("Origin", PAGE)];
    for path in ["/v1/referrals", "/v1/me", "/v1/partner-keys", "/v1/audit"] {
        assert_eq!(app.send(Method::GET, path, &headers, None).await.status, 401, "{path}");
    }
    for wrong in ["", "pk_", "pk_00000000000000000000000000000000", "é"] {
        let answer = app.send(Method::GET, "/v1/procedures", &[("Aiguilleur-Key", wrong), ("Origin", PAGE)], None).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    let without = app.send(Method::GET, "/v1/procedures?limit=1", &[("Origin", "https://anybody.exemple.fr")], None).await;
    assert_eq!((without.status.as_u16(), without.header("access-control-allow-origin")), (200, "*"), "the directory is open");
}

#[tokio::test]
async fn a_quota_is_told_and_kept() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    let key = key(&app, &administrator, 5).await;
    let headers = [("Aiguilleur-Key", key["key"].as_str().unwrap()), ("Origin", PAGE)];
    for left in (0..5).rev() {
        let answer = app.send(Method::GET, "/v1/procedures?limit=1", &headers, None).await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit-policy")), (200, "\"partner-key\";q=5;w=60"));
        assert!(answer.header("ratelimit").starts_with(&format!("\"partner-key\";r={left};")), "{}", answer.header("ratelimit"));
    }
    let answer = app.send(Method::GET, "/v1/procedures?limit=1", &headers, None).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert!(answer.header("ratelimit").starts_with("\"partner-key\";r=0;"), "{}", answer.header("ratelimit"));
    assert_eq!(answer.header("access-control-allow-origin"), "*", "the page may read why");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=13).contains(&wait), "one of five in a minute comes back after twelve seconds: {wait}");
    assert_eq!(app.get("/v1/procedures?limit=1").await.status, 200, "nobody else is held back");
}

#[tokio::test]
async fn a_revoked_key_is_stopped_on_every_node_and_a_rotated_one_overlaps() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let (here, there) = (App::on(&database, "none"), App::on(&database, "none"));
    let administrator = here.token("administrator", "admin", "installation");
    let old = key(&here, &administrator, 1_000).await;
    assert!(eventually(Duration::from_secs(5), async || status(&there, &old, Some(PAGE)).await == 200).await);
    let rotations = format!("/v1/partner-keys/{}/rotations", old["id"].as_str().unwrap());
    let new = act(&here, Method::POST, &rotations, &administrator, Some(json!({"overlap_hours": 24}))).await;
    assert_eq!(new.status, 201, "{}", new.text);
    let new = new.json();
    assert_eq!((&new["replaces"], &new["origins"]), (&old["id"], &old["origins"]));
    assert_eq!((status(&here, &old, Some(PAGE)).await, status(&here, &new, Some(PAGE)).await), (200, 200), "both, for a day");
    let again = act(&here, Method::POST, &rotations, &administrator, Some(json!({}))).await;
    assert_eq!(again.status, 409, "{}", again.text);
    // At the end of its overlap, nobody has to do anything.
    database.sql(&format!("UPDATE partner_key SET expires_at = now() WHERE id = '{}'", old["id"].as_str().unwrap())).await;
    assert!(eventually(Duration::from_secs(5), async || status(&there, &old, Some(PAGE)).await == 401).await);
    let revoked = act(&here, Method::DELETE, &format!("/v1/partner-keys/{}", new["id"].as_str().unwrap()), &administrator, None).await;
    assert_eq!((revoked.status.as_u16(), &revoked.json()["status"]), (200, &json!("revoked")));
    assert_eq!(status(&here, &new, Some(PAGE)).await, 401, "at once where it was done");
    assert!(eventually(Duration::from_secs(5), async || status(&there, &new, Some(PAGE)).await == 401).await, "within 5 s elsewhere");
}

#[tokio::test]
async fn a_browser_may_ask_from_another_site_but_not_with_a_token() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let headers = [("Origin", PAGE), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")];
    let answer = app.send(Method::OPTIONS, "/v1/orientations", &headers, None).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (204, "*"));
    assert!(!answer.header("access-control-allow-headers").to_lowercase().contains("authorization"));
    assert!(answer.header("access-control-allow-credentials").is_empty());
}
