//! The life of referrals: from the first attempt, over several doors, to what is told, counted, learnt and forgotten.

mod baton;
mod clock;
mod figures;
mod guessing;
mod keeping;
mod learning;
mod links;
mod transitions;

use std::collections::BTreeMap;

use aiguilleur_storage::Database;
use aiguilleur_testkit::{Answer, App, TestDatabase};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// What hangs on a referral.
const ITS_TABLES: [&str; 7] = ["referral", "handoff", "handoff_event", "outcome", "outbox", "idempotency", "referral_link"];
/// Commune of residence in these tests.
const RENNES: &str = "35238";

/// A referral of a warm attempt towards the CAF, but for some fields.
fn referral_with(changes: Value) -> Value {
    let mut body = json!({"procedure": "rsa", "commune": RENNES, "target": {"type": "institution", "id": "caf"}, "mode": "warm"});
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

async fn refer(app: &App, token: &str, changes: Value) -> Value {
    let made = app.post("/v1/referrals", token, &referral_with(changes)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

fn path(referral: &Value) -> String {
    format!("/v1/referrals/{}", text(&referral["id"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

/// Structures of a kind in Ille-et-Vilaine, as targets.
async fn places(app: &App, kinds: &str) -> Vec<Value> {
    let answer = app.get(&format!("/v1/structures?lat=48.11&lon=-1.68&radius_m=20000&limit=50&kinds={kinds}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let places: Vec<Value> =
        answer.json()["items"].as_array().unwrap().iter().map(|item| json!({"type": "structure", "id": item["id"]})).collect();
    assert!(!places.is_empty(), "no place of the kinds {kinds}");
    places
}

/// Changes the state of a referral's attempt, by the version that the caller knows.
async fn transition(app: &App, token: &str, referral: &Value, attempt: usize, body: &Value, if_match: Option<&str>) -> Answer {
    let url = format!("{}/handoffs/{}/transitions", path(referral), text(&referral["handoffs"][attempt]["id"]));
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    app.send(Method::POST, &url, &headers, Some(body)).await
}

/// The token of a link by which the target answers for the newest open attempt.
async fn target_link(app: &App, token: &str, referral: &Value) -> String {
    let made = app.post(&format!("{}/links", path(referral)), token, &json!({"for": "target"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (_, secret) = text(&made["url"]).rsplit_once("/s/").unwrap();
    secret.to_owned()
}

async fn arrive(app: &App, token: &str, code: &str, at: &Value) -> Answer {
    app.post("/v1/arrivals", token, &json!({"code": code, "at": at})).await
}

async fn report(app: &App, token: &str, referral: &Value, outcome: &str) -> Value {
    let told = app.post(&format!("{}/outcomes", path(referral)), token, &json!({"outcome": outcome})).await;
    assert_eq!(told.status, 201, "{}", told.text);
    told.json()
}

/// Sends a page's form, as a browser does, and stays on the answer.
async fn submit(app: &App, path: &str, fields: &[(&str, &str)]) -> Answer {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let request = client.post(format!("{}{path}", app.address)).header("Content-Type", "application/x-www-form-urlencoded");
    let response = request.body(body.join("&")).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

async fn number(database: &TestDatabase, sql: &str) -> i64 {
    database.query(&format!("SELECT ({sql})::text AS line")).await[0].parse().unwrap()
}

/// Every row of these tables, as text.
async fn rows_of(database: &TestDatabase, tables: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut dump = BTreeMap::new();
    for table in tables {
        dump.insert((*table).to_owned(), database.query(&format!("SELECT to_jsonb(t)::text AS line FROM \"{table}\" t ORDER BY 1")).await);
    }
    dump
}

/// All that is kept of referrals.
async fn kept(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    rows_of(database, &ITS_TABLES).await
}

/// Every row of every table.
async fn dump(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables = database
        .query("SELECT tablename::text AS line FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1")
        .await;
    rows_of(database, &tables.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// The tables of a dump that hold a text, in whatever case.
fn holding<'d>(dump: &'d BTreeMap<String, Vec<String>>, text: &str) -> Vec<&'d str> {
    let text = text.to_lowercase();
    dump.iter().filter(|(_, rows)| rows.iter().any(|row| row.to_lowercase().contains(&text))).map(|(table, _)| table.as_str()).collect()
}

/// A node's own way to the database.
fn storage(database: &TestDatabase) -> Database {
    Database::new(&database.url("postgres"), 4).unwrap()
}

/// The slug of a procedure that is handled discreetly.
async fn sensitive_procedure(app: &App) -> String {
    let procedures = app.get("/v1/procedures?limit=100").await.json();
    let found = procedures["items"].as_array().unwrap().iter().find(|item| item["sensitive"] == true).unwrap();
    text(&found["slug"]).to_owned()
}
