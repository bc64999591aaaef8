//! With every check of a role taken out, row-level security alone still hides what is others'.

use std::time::{Duration, Instant};

use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};
use serde_json::{Value, json};
use uuid::Uuid;

async fn refer(app: &App, token: &str) -> Value {
    let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    let made = app.post("/v1/referrals", token, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

/// What each organisation's agents see of the other's, and an administrator of either.
async fn nothing_is_seen(app: &App, is_checked: bool) {
    let (ours, theirs) = (app.token("mediator", "a", "ours"), app.token("mediator", "b", "theirs"));
    let referral = refer(app, &ours).await;
    refer(app, &theirs).await;
    let path = format!("/v1/referrals/{}", referral["id"].as_str().unwrap());
    assert_eq!(app.get_as(&path, &ours).await.status, 200);
    assert_eq!(app.get_as("/v1/referrals", &ours).await.json()["items"].as_array().unwrap().len(), 1);
    for role in ["mediator", "partner", "structure_editor", "institution_editor", "network_manager", "administrator"] {
        let token = app.token(role, "c", "strangers");
        let (one, all) = (app.get_as(&path, &token).await, app.get_as("/v1/referrals", &token).await);
        if is_checked && role != "mediator" {
            assert_eq!((one.status.as_u16(), all.status.as_u16()), (403, 403), "{role}");
        } else {
            assert_eq!(one.status, 404, "{role}: {}", one.text);
            assert_eq!(all.json()["items"], json!([]), "{role}: {}", all.text);
        }
        let outcome = app.post(&format!("{path}/outcomes"), &token, &json!({"outcome": "resolved"})).await;
        assert_eq!(outcome.status, if is_checked && role != "mediator" { 403 } else { 404 }, "{role}: {}", outcome.text);
    }
    assert_eq!(app.get_as(&path, &ours).await.json()["outcomes"], json!([]));
}

#[tokio::test]
async fn others_referrals_are_hidden() {
    let (app, _database) = App::national().await;
    nothing_is_seen(&app, true).await;
}

#[tokio::test]
async fn row_level_security_alone_hides_others_referrals() {
    let database = TestDatabase::clone_of(aiguilleur_testkit::NATIONAL).await;
    let app = App::unchecked_on(&database, "demo");
    // The checks are really gone: a mediator reads what is an administrator's.
    let mediator = app.token("mediator", "a", "ours");
    assert_eq!(app.get_as("/v1/organisations", &mediator).await.status, 200, "this build still checks roles");
    nothing_is_seen(&app, false).await;
    // Nor does the administrator's own scope show a referral: it is another.
    for path in ["/v1/audit", "/v1/organisations"] {
        assert!(!app.get_as(path, &mediator).await.text.contains("\"procedure\""), "{path}");
    }
}

/// Not only the answer: the time it takes tells nothing either. Told, and only grossly tested: machines are busy.
#[tokio::test]
async fn anothers_referral_answers_like_one_that_is_none() {
    let (app, _database) = App::national().await;
    let (ours, theirs) = (app.token("mediator", "a", "ours"), app.token("mediator", "b", "theirs"));
    refer(&app, &theirs).await;
    let others = refer(&app, &ours).await["id"].as_str().unwrap().to_owned();
    let (mut of_others, mut of_none) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        for (times, id) in [(&mut of_others, others.clone()), (&mut of_none, Uuid::new_v4().to_string())] {
            let started = Instant::now();
            let answer = app.get_as(&format!("/v1/referrals/{id}"), &theirs).await;
            times.push(started.elapsed());
            assert_eq!(answer.status, 404);
            let told = answer.text.replace(&id, "");
            assert!(told.contains("/problems/not-found"), "{told}");
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (others, none) = (median(&mut of_others), median(&mut of_none));
    println!("median: another's referral {others:?}, none {none:?}");
    assert!(others < none * 3 && none < others * 3, "{others:?} {none:?}");
}

#[tokio::test]
async fn the_audit_is_append_only_and_editors_see_their_own() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "admin", "installation");
    for slug in ["ours", "theirs"] {
        let made = app.post("/v1/organisations", &administrator, &json!({"slug": slug, "name": slug})).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let all = app.get_as("/v1/audit", &administrator).await.json();
    let told: Vec<&Value> = all["items"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["subject"], &told[0]["organisation"], &told[0]["action"]),
        (&json!("admin"), &json!("installation"), &json!("create_organisation"))
    );
    assert_eq!(
        (&told[0]["before"], &told[0]["after"]["slug"], &told[0]["network"]),
        (&json!(null), &json!("theirs"), &json!("127.0.0.0/24"))
    );
    for role in ["structure_editor", "institution_editor"] {
        let own = app.get_as("/v1/audit", &app.token(role, "editor", "ours")).await.json();
        let items = own["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["after"]["slug"]), (1, &json!("ours")), "{role}: {own}");
        assert_eq!(app.get_as("/v1/audit", &app.token(role, "editor", "nobody")).await.json()["items"], json!([]));
    }
    let exported = app.get_as("/v1/audit.ndjson", &administrator).await;
    assert_eq!(exported.text.lines().count(), 2);
    for change in ["UPDATE audit_entry SET subject = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"] {
        let refused = database.try_sql(change).await.unwrap_err();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
}
