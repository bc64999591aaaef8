use std::time::Duration;

use aiguilleur_testkit::{App, eventually};
use serde_json::json;

#[tokio::test]
async fn questions_go_on_and_referrals_wait() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    assert_eq!(app.post("/v1/referrals", &token, &body).await.status, 201);

    database.shut().await;
    let refused = app.post("/v1/referrals", &token, &body).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(app.get("/health/ready").await.json()["database"], "unavailable");
    let grows_old = eventually(Duration::from_secs(10), || async {
        let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await;
        assert_eq!(answer.status, 200);
        answer.json()["directory"]["age_s"].as_i64().is_some_and(|age| age >= 2)
    });
    assert!(grows_old.await, "the answer says how old it is");

    database.reopen().await;
    let back = eventually(Duration::from_secs(10), || async { app.post("/v1/referrals", &token, &body).await.status == 201 });
    assert!(back.await, "both work with no restart");
    let fresh = eventually(Duration::from_secs(10), || async {
        app.get("/v1/orientations?procedure=rsa&commune=35238").await.json()["directory"]["age_s"] == 0
    });
    assert!(fresh.await);
    // What was recorded before the database left is still there, and nothing was recorded meanwhile.
    let listed = app.get_as("/v1/referrals", &token).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}
