use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_organisation_is_made_changed_and_listed() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    let made = app.post("/v1/organisations", &administrator, &json!({"slug": "ccas-b"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.header("location"), format!("/v1/organisations/{}", made.json()["id"].as_str().unwrap()));
    app.post("/v1/organisations", &administrator, &json!({"slug": "ccas-a", "name": "CCAS A", "may_refer": true})).await;
    let again = app.post("/v1/organisations", &administrator, &json!({"slug": "ccas-b"})).await;
    assert_eq!((again.status.as_u16(), &again.json()["type"]), (409, &json!("/problems/already-there")));
    let path = made.header("location").to_owned();
    let authorization = format!("Bearer {administrator}");
    let change = async |body| app.send(Method::PATCH, &path, &[("Authorization", &authorization)], Some(&body)).await;
    let changed = change(json!({"name": "CCAS B"})).await.json();
    assert_eq!((&changed["name"], &changed["may_refer"]), (&json!("CCAS B"), &json!(false)), "what isn't given stays");
    assert_eq!(change(json!({"may_refer": true})).await.json()["name"], "CCAS B");
    assert_eq!(change(json!({})).await.status, 422);
    assert_eq!(change(json!({"slug": "other"})).await.status, 400, "a slug never changes");
    let first = app.get_as("/v1/organisations?limit=1", &administrator).await.json();
    assert_eq!((&first["items"][0]["slug"], &first["next_cursor"]), (&json!("ccas-a"), &json!("ccas-a")));
    let second = app.get_as("/v1/organisations?limit=1&cursor=ccas-a", &administrator).await.json();
    assert_eq!((&second["items"][0]["slug"], &second["next_cursor"]), (&json!("ccas-b"), &json!(null)));
    for slug in ["", "é", "a b", "a/b", &"a".repeat(101)] {
        assert_eq!(app.post("/v1/organisations", &administrator, &json!({"slug": slug})).await.status, 422, "{slug}");
    }
    // Every change is told, with what was before.
    let audit = app.get_as("/v1/audit?entity=organisation", &administrator).await.json();
    let told: Vec<&str> = audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["update_organisation", "update_organisation", "create_organisation", "create_organisation"]);
    assert_eq!((&audit["items"][1]["before"]["name"], &audit["items"][1]["after"]["name"]), (&json!(null), &json!("CCAS B")));
}

#[tokio::test]
async fn a_partners_tools_refer_where_it_has_the_right() {
    let (app, _database) = App::national().await;
    let administrator = app.token("administrator", "admin", "installation");
    let partner = app.token("partner", "tool", "editor-of-software");
    let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    let refused = app.post("/v1/referrals", &partner, &body).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.text.contains("droit"), "it says what is missing: {}", refused.text);
    app.post("/v1/organisations", &administrator, &json!({"slug": "editor-of-software", "may_refer": true})).await;
    let recorded = app.post("/v1/referrals", &partner, &body).await;
    assert_eq!(recorded.status, 201, "{}", recorded.text);
    assert_eq!(app.get_as("/v1/referrals", &partner).await.json()["items"].as_array().unwrap().len(), 1);
}
