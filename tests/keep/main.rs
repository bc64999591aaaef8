//! What people keep here: the catalogue, and what a network's members tell each other.

mod catalogue;
mod networks;

use std::time::Duration;

use aiguilleur_storage::Database;
use aiguilleur_testkit::{Answer, App, TestDatabase};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use reqwest::Method;
use serde_json::Value;

/// How long what becomes true in its own time may take.
const SOON: Duration = Duration::from_secs(30);

/// A request with a token, and a version where one is known.
async fn send(app: &App, method: Method, path: &str, token: &str, if_match: Option<&str>, body: Option<&Value>) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    app.send(method, path, &headers, body).await
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

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What a query gives in its column `line`, behind the service.
async fn lines(database: &TestDatabase, sql: &str) -> Vec<String> {
    let mut connection = AsyncPgConnection::establish(&database.url("postgres")).await.unwrap();
    diesel::sql_query(sql).load::<Line>(&mut connection).await.unwrap().into_iter().map(|row| row.line).collect()
}

/// A node's own way to the database.
fn storage(database: &TestDatabase) -> Database {
    Database::new(&database.url("postgres"), 4).unwrap()
}
