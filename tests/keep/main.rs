//! Records kept by those whom they concern: an institution's contacts, a place, the catalogue, a network's notes.

mod catalogue;
mod networks;
mod referents;
mod showings;
mod structures;

use std::time::Duration;

use aiguilleur_storage::Database;
use aiguilleur_testkit::{Answer, App, TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};

/// Commune of residence in these tests, in Ille-et-Vilaine.
const RENNES: &str = "35238";
/// How long what becomes true in its own time may take.
const SOON: Duration = Duration::from_secs(30);

/// A request with a token, and a version where one is known.
async fn send(app: &App, method: Method, path: &str, token: &str, if_match: Option<&str>, body: Option<&Value>) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    app.send(method, path, &headers, body).await
}

/// A token of somebody who keeps the CAF's contacts on a territory.
fn editor(app: &App, organisation: &str, territory: &str) -> String {
    let rights = ["--role", "institution_editor", "--institution", "caf", "--territory", territory];
    app.token_with(&[&rights[..], &["--subject", "editor", "--organisation", organisation]].concat())
}

/// A contact of the CAF in Ille-et-Vilaine that all mediators see, but for some fields.
fn contact_with(changes: Value) -> Value {
    let mut body = json!({
        "function": "Référente partenaires", "channels": {"email": "referents-35@caf.exemple.fr"}, "visibility": "all_mediators"
    });
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

async fn contact(app: &App, editor: &str, changes: Value) -> Value {
    let made = app.post("/v1/referents", editor, &contact_with(changes)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

async fn accept_charter(app: &App, mediator: &str) {
    let accepted = app.post("/v1/charter/acceptances", mediator, &json!({"version": 1})).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text);
}

/// What an answer to this caller tells of referents, for the RSA in Rennes.
async fn told(app: &App, token: &str) -> Value {
    let answer = app.get_as(&format!("/v1/orientations?procedure=rsa&commune={RENNES}"), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["referents"].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}

/// What a refusal says is wrong: its pointers.
fn pointers(refused: &Answer) -> Vec<String> {
    let refused = refused.json();
    let errors = refused["errors"].as_array().unwrap_or_else(|| panic!("{refused}"));
    errors.iter().map(|error| text(&error["pointer"]).to_owned()).collect()
}

/// A node's own way to the database.
fn storage(database: &TestDatabase) -> Database {
    Database::new(&database.url("postgres"), 4).unwrap()
}
