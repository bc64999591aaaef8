use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};

fn good() -> Value {
    json!({"slug": "agents", "label": "Agents", "url": "https://connexion.exemple.fr", "audiences": ["aiguilleur"]})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = good();
    body[name] = value;
    body
}

#[tokio::test]
async fn an_issuer_is_added_and_removed() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    let made = app.post("/v1/issuers", &administrator, &good()).await;
    assert_eq!((made.status.as_u16(), &made.json()["algorithms"]), (201, &json!(["RS256", "ES256"])), "{}", made.text);
    for again in [with("url", json!("https://autre.exemple.fr")), with("slug", json!("autres"))] {
        assert_eq!(app.post("/v1/issuers", &administrator, &again).await.status, 409, "one slug, one address");
    }
    assert_eq!(app.get_as("/v1/issuers", &administrator).await.json()["items"].as_array().unwrap().len(), 1);
    let path = format!("/v1/issuers/{}", made.json()["id"].as_str().unwrap());
    let authorization = format!("Bearer {administrator}");
    let remove = async || app.send(Method::DELETE, &path, &[("Authorization", &authorization)], None).await.status.as_u16();
    assert_eq!((remove().await, remove().await), (204, 404));
    assert_eq!(app.get_as("/v1/issuers", &administrator).await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_no_issuer_can_be_is_told() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    for (body, pointer) in [
        (with("url", json!("http://connexion.exemple.fr")), "/url"),
        (with("url", json!("https://u:p@connexion.exemple.fr")), "/url"),
        (with("url", json!("connexion")), "/url"),
        (with("audiences", json!([])), "/audiences"),
        (with("algorithms", json!(["HS256"])), "/algorithms"),
        (with("algorithms", json!(["none"])), "/algorithms"),
        (with("roles_claim", json!("roles")), "/roles_claim"),
        (with("role_map", json!({"x": "root"})), "/role_map"),
        (with("role_map", json!({"x": null})), "/role_map"),
        (with("slug", json!("a b")), "/slug"),
        (with("label", json!("")), "/label"),
    ] {
        let answer = app.post("/v1/issuers", &administrator, &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    assert_eq!(app.post("/v1/issuers", &administrator, &with("role_map", json!("x"))).await.status, 400);
    assert_eq!(app.post("/v1/issuers", &administrator, &with("client_secret", json!("x"))).await.status, 400, "secrets are settings");
    assert_eq!(app.get_as("/v1/issuers", &administrator).await.json()["items"], json!([]), "nothing was kept");
}
