use std::time::Duration;

use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, status};

async fn send(app: &App, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
    app.send(method, path, &[("Authorization", &format!("Bearer {token}"))], body.as_ref()).await
}

/// The organisation's id and the member's.
async fn member(app: &App, administrator: &str, organisation: &str, body: Value) -> (String, String) {
    let made = app.post("/v1/organisations", administrator, &json!({"slug": organisation})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let added = app.post(&format!("/v1/organisations/{id}/members"), administrator, &body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    (id, added.json()["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_removed_member_is_stopped_on_every_node() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let (here, there) = (App::on(&database, "none"), App::on(&database, "none"));
    let key = Key::new("one", 1);
    let issuer = Issuer::known_to(&here, &[&key]).await;
    let administrator = here.token("administrator", "admin", "installation");
    let body = json!({"issuer": issuer.url, "subject": "agent-7", "roles": ["structure_editor"]});
    let (organisation, id) = member(&here, &administrator, "ccas-test", body).await;
    let token = key.sign(&issuer.claims("agent-7"));
    assert!(eventually(Duration::from_secs(5), async || status(&there, &token).await == 200).await);
    let roles = here.get_as("/v1/me", &token).await.json()["roles"].clone();
    assert_eq!(roles, json!(["structure_editor"]), "a member's rights are those on record, whatever its token says");
    let path = format!("/v1/organisations/{organisation}/members/{id}");
    assert_eq!(send(&here, Method::DELETE, &path, &administrator, None).await.status, 204);
    assert_eq!(status(&here, &token).await, 401, "at once where it was done");
    assert!(eventually(Duration::from_secs(5), async || status(&there, &token).await == 401).await, "within 5 s elsewhere");
    assert_eq!(send(&here, Method::DELETE, &path, &administrator, None).await.status, 404);
    // Taken back, with other rights.
    let again =
        app_post(&here, &organisation, &administrator, json!({"issuer": issuer.url, "subject": "agent-7", "roles": ["mediator"]})).await;
    assert_eq!((again.status.as_u16(), again.json()["id"].as_str()), (201, Some(id.as_str())), "{}", again.text);
    assert_eq!(here.get_as("/v1/me", &token).await.json()["roles"], json!(["mediator"]));
}

async fn app_post(app: &App, organisation: &str, token: &str, body: Value) -> Answer {
    app.post(&format!("/v1/organisations/{organisation}/members"), token, &body).await
}

#[tokio::test]
async fn a_token_of_the_command_line_is_stopped_by_it() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let token = app.token("mediator", "agent-7", "ccas-test");
    let other = app.token("mediator", "agent-8", "ccas-test");
    assert_eq!(status(&app, &token).await, 200);
    let run = |arguments: &[&str]| {
        let mut command = aiguilleur_testkit::binary(arguments);
        command.args(["--database-url", &database.url("postgres"), "--data-dir"]).arg(app.data_dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["organisation", "create", "ccas-test"]);
    run(&["member", "remove", "--organisation", "ccas-test", "--subject", "agent-7"]);
    assert!(eventually(Duration::from_secs(5), async || status(&app, &token).await == 401).await);
    assert_eq!(status(&app, &other).await, 200);
}

#[tokio::test]
async fn nothing_more_can_be_given_than_what_is_asked_for() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    let (organisation, id) = member(&app, &administrator, "ccas-test", json!({"subject": "agent-7", "roles": ["mediator"]})).await;
    let members = format!("/v1/organisations/{organisation}/members");
    for (body, status) in [
        (json!({"subject": "x", "roles": ["mediator"], "joined_at": null, "id": id}), 400),
        (json!({"subject": "x", "roles": ["mediator"], "organisation_id": organisation}), 400),
        (json!({"subject": "x", "roles": ["root"]}), 422),
        (json!({"subject": "x", "roles": []}), 422),
        (json!({"subject": "x"}), 422),
        (json!({"roles": ["mediator"]}), 422),
        (json!({"subject": "x", "email": "a@exemple.fr", "roles": ["mediator"]}), 422),
        (json!({"email": "a@exemple.fr\r\nBcc: b@exemple.fr", "roles": ["mediator"]}), 422),
        (json!({"subject": "x", "roles": ["institution_editor"]}), 422),
        (json!({"subject": "x", "roles": ["institution_editor"], "institution": "caf"}), 422),
        (json!({"subject": "x", "roles": ["institution_editor"], "institution": "caf", "territory": ["99"]}), 422),
        (json!({"subject": "x", "roles": ["partner"], "territory": ["35"]}), 422),
        (json!({"subject": "agent-7", "roles": ["mediator"]}), 409),
        (json!({"subject": "x\u{0}", "roles": ["mediator"]}), 422),
    ] {
        let answer = app.post(&members, &administrator, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    // Nobody gives themselves a role, nor anybody else.
    for role in ["mediator", "partner", "structure_editor", "institution_editor", "network_manager"] {
        let token = app.token(role, "agent-9", "ccas-test");
        let path = format!("{members}/{id}");
        let change = json!({"roles": ["administrator"]});
        assert_eq!(send(&app, Method::PATCH, &path, &token, Some(change)).await.status, 403, "{role}");
    }
    let listed = app.get_as(&members, &administrator).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["roles"], json!(["mediator"]));
}
