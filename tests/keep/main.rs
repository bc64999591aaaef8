//! The directory kept by those who know it: what they set, undo, suggest and go back to, and what others can't.

mod structures;

use aiguilleur_testkit::{Answer, App};
use reqwest::Method;
use serde_json::Value;

async fn send(app: &App, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    app.send(method, path, &[("Authorization", &format!("Bearer {token}"))], Some(body)).await
}

/// The same by the version that the caller knows.
async fn change(app: &App, path: &str, token: &str, if_match: Option<&str>, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    app.send(Method::PATCH, path, &headers, Some(body)).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}"))
}
