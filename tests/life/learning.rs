use std::time::Duration;

use aiguilleur_testkit::{Answer, App, NATIONAL, TestDatabase, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{dump, holding, number, path, places, refer, sensitive_procedure, submit, target_link, text, transition};

/// Within which an orientation knows of what was told.
const SOON: Duration = Duration::from_secs(2);

async fn corrections(app: &App, token: &str, query: &str) -> Vec<Value> {
    let answer = app.get_as(&format!("/v1/corrections{query}"), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().unwrap().clone()
}

async fn settle(app: &App, token: &str, correction: &Value, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let url = format!("/v1/corrections/{}", text(&correction["id"]));
    app.send(Method::PATCH, &url, &[("Authorization", &authorization)], Some(body)).await
}

/// The rank of a structure in an answer, and whether it is said to be disputed.
async fn standing(app: &App, id: &Value) -> Option<(u64, bool)> {
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238&limit=20").await.json();
    let options = answer["options"].as_array().unwrap();
    let option = options.iter().find(|option| option["target"]["id"] == *id)?;
    let disputed = option["cautions"].as_array().unwrap().iter().any(|caution| caution["code"] == "disputed");
    Some((option["rank"].as_u64().unwrap(), disputed))
}

async fn decline(app: &App, token: &str, place: &Value, reason: &str) -> Value {
    let referral = refer(app, token, json!({"target": place})).await;
    let declined = transition(app, token, &referral, 0, &json!({"to": "declined", "reason": reason}), Some("*")).await;
    assert_eq!(declined.status, 200, "{}", declined.text);
    referral
}

#[tokio::test]
async fn an_error_of_the_directory_opens_a_correction_however_it_is_told() {
    let (app, database) = App::national().await;
    let (token, keeper) = (app.token("mediator", "agent-1", "ours"), app.token("structure_editor", "agent-2", "keepers"));
    let places = places(&app, "france-services,ccas-cias").await;
    decline(&app, &token, &places[0], "hours_wrong").await;
    let told = refer(&app, &token, json!({"target": places[1]})).await;
    let outcome = json!({"outcome": "unresolved", "reason": "moved_or_closed"});
    assert_eq!(app.post(&format!("{}/outcomes", path(&told)), &token, &outcome).await.status, 201);
    let by_code = refer(&app, &token, json!({"target": places[2]})).await;
    let outcome = json!({"code": by_code["code"], "outcome": "unresolved", "reason": "contact_wrong"});
    assert_eq!(app.post("/v1/outcomes", &token, &outcome).await.status, 201);
    let linked = refer(&app, &token, json!({"target": places[3]})).await;
    let link = format!("/s/{}", target_link(&app, &token, &linked).await);
    let fields = [("version", "1"), ("to", "declined"), ("reason", "procedure_not_offered")];
    assert_eq!(submit(&app, &link, &fields).await.status, 303);
    let on_paper = refer(&app, &token, json!({"target": places[4]})).await;
    let fields = [("outcome", "unresolved"), ("reason", "moved_or_closed")];
    assert_eq!(submit(&app, &format!("/c/{}", text(&on_paper["code"])), &fields).await.status, 200);
    let redirected = refer(&app, &token, json!({"target": places[5]})).await;
    let onward = json!({"code": redirected["code"], "at": places[5], "onward": places[6], "reason": "hours_wrong"});
    assert_eq!(app.post("/v1/arrivals", &token, &onward).await.status, 201);

    let open = corrections(&app, &keeper, "").await;
    let mut told: Vec<(&Value, &str)> = open.iter().map(|one| (&one["structure_id"], text(&one["reason"]))).collect();
    let mut all = vec![
        (&places[0]["id"], "hours_wrong"),
        (&places[1]["id"], "moved_or_closed"),
        (&places[2]["id"], "contact_wrong"),
        (&places[3]["id"], "procedure_not_offered"),
        (&places[4]["id"], "moved_or_closed"),
        (&places[5]["id"], "hours_wrong"),
    ];
    told.sort_by_key(|(id, _)| text(id).to_owned());
    all.sort_by_key(|(id, _)| text(id).to_owned());
    assert_eq!(told, all);
    for one in &open {
        assert_eq!((&one["reports"], &one["settled_on"], &one["verdict"]), (&json!(1), &Value::Null, &Value::Null));
        assert!(one["structure_name"].is_string());
    }
    // Nothing leads from it to a referral.
    let kept = database.query("SELECT to_jsonb(c)::text AS line FROM correction c").await.concat();
    for referral in [&told_id(&linked), &told_id(&by_code)] {
        assert!(!kept.contains(referral.as_str()));
    }
    assert!(!kept.contains("agent-1") && !kept.contains("\"ours\""));
}

fn told_id(referral: &Value) -> String {
    text(&referral["id"]).to_owned()
}

#[tokio::test]
async fn whoever_keeps_the_directory_sees_them() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let places = places(&app, "france-services").await;
    decline(&app, &token, &places[0], "hours_wrong").await;
    for role in ["structure_editor", "network_manager", "administrator"] {
        let keeper = app.token(role, "agent-2", "keepers");
        assert_eq!(corrections(&app, &keeper, "").await.len(), 1, "{role}");
        let own = format!("?structure={}", text(&places[0]["id"]));
        assert_eq!(corrections(&app, &keeper, &own).await.len(), 1, "{role}");
        let of_another = format!("?structure={}", text(&places[1]["id"]));
        assert_eq!(corrections(&app, &keeper, &of_another).await, Vec::<Value>::new(), "{role}");
    }
    let editor = app.token("structure_editor", "agent-2", "keepers");
    let open = corrections(&app, &editor, "").await;
    for role in ["mediator", "partner", "institution_editor"] {
        let other = app.token(role, "agent-3", "ours");
        assert_eq!(app.get_as("/v1/corrections", &other).await.status, 403, "{role}");
        assert_eq!(settle(&app, &other, &open[0], &json!({"verdict": "corrected"})).await.status, 403, "{role}");
    }
    assert_eq!(app.get("/v1/corrections").await.status, 401);
    assert_eq!(settle(&app, &editor, &json!({"id": uuid::Uuid::new_v4()}), &json!({"verdict": "corrected"})).await.status, 404);
    assert_eq!(settle(&app, &editor, &open[0], &json!({"verdict": "perhaps"})).await.status, 422);
    assert_eq!(settle(&app, &editor, &open[0], &json!({})).await.status, 422);
}

#[tokio::test]
async fn what_is_reported_again_is_counted() {
    let (app, database) = App::national().await;
    let (token, keeper) = (app.token("mediator", "agent-1", "ours"), app.token("structure_editor", "agent-2", "keepers"));
    let place = places(&app, "france-services").await[0].clone();
    for reason in ["hours_wrong", "hours_wrong", "contact_wrong", "hours_wrong"] {
        decline(&app, &token, &place, reason).await;
    }
    // What is no error of the directory's opens none.
    for reason in ["no_capacity", "temporarily_closed", "not_eligible", "other"] {
        decline(&app, &token, &place, reason).await;
    }
    let counted = |open: &[Value]| {
        let mut counted: Vec<(String, u64)> =
            open.iter().map(|one| (text(&one["reason"]).to_owned(), one["reports"].as_u64().unwrap())).collect();
        counted.sort();
        counted
    };
    let open = corrections(&app, &keeper, "").await;
    assert_eq!(counted(&open), [("contact_wrong".to_owned(), 1), ("hours_wrong".to_owned(), 3)]);
    // Once it is settled, the same opens another.
    let hours = open.iter().find(|one| one["reason"] == "hours_wrong").unwrap();
    assert_eq!(settle(&app, &keeper, hours, &json!({"verdict": "corrected"})).await.status, 200);
    decline(&app, &token, &place, "hours_wrong").await;
    let reopened = corrections(&app, &keeper, "").await;
    assert_eq!(counted(&reopened), [("contact_wrong".to_owned(), 1), ("hours_wrong".to_owned(), 1)]);
    assert_eq!(corrections(&app, &keeper, "?settled=true").await.len(), 1);
    assert_eq!(number(&database, "SELECT count(*) FROM structure WHERE disputed").await, 1);
}

#[tokio::test]
async fn what_is_disputed_stands_lower_until_it_is_settled() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    // A place that is the first one's equal in all but its name.
    let first = {
        let app = App::on(&database, "demo");
        app.get("/v1/orientations?procedure=rsa&commune=35238").await.json()["options"][0]["target"]["id"].clone()
    };
    database
        .sql(&format!(
            "INSERT INTO structure SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'source_id', 'its-equal', 'name', 'Son égal'))).* \
             FROM structure s WHERE id = '{}'",
            text(&first)
        ))
        .await;
    let app = App::on(&database, "demo");
    let (token, keeper) = (app.token("mediator", "agent-1", "ours"), app.token("structure_editor", "agent-2", "keepers"));
    let equal = json!(database.query("SELECT id::text AS line FROM structure WHERE source_id = 'its-equal'").await[0]);
    let (mine, other) = (standing(&app, &first).await.unwrap(), standing(&app, &equal).await.unwrap());
    let (best, second) = if mine.0 < other.0 { (first, equal) } else { (equal, first) };
    let ranks = async || (standing(&app, &best).await.unwrap(), standing(&app, &second).await.unwrap());
    assert_eq!(ranks().await, ((1, false), (2, false)), "they stand together");

    for reason in ["hours_wrong", "contact_wrong"] {
        decline(&app, &token, &json!({"type": "structure", "id": best}), reason).await;
    }
    let lowered = eventually(SOON, || async {
        let (one, other) = ranks().await;
        one.0 > 1 && one.1 && other == (1, false)
    });
    assert!(lowered.await, "{:?}", ranks().await);
    let open = corrections(&app, &keeper, "").await;
    let settled = settle(&app, &keeper, &open[0], &json!({"verdict": "corrected"})).await;
    assert_eq!((settled.status.as_u16(), &settled.json()["verdict"]), (200, &json!("corrected")), "{}", settled.text);
    assert_eq!(number(&database, "SELECT count(*) FROM structure WHERE disputed").await, 1, "the other one is open");
    assert_eq!(settle(&app, &keeper, &open[1], &json!({"verdict": "unfounded"})).await.status, 200);
    let restored = eventually(SOON, || async { ranks().await == ((1, false), (2, false)) });
    assert!(restored.await, "{:?}", ranks().await);
    // Settled once: a second verdict changes nothing.
    let again = settle(&app, &keeper, &open[1], &json!({"verdict": "corrected"})).await;
    assert_eq!((again.status.as_u16(), &again.json()["verdict"]), (200, &json!("unfounded")));
    assert_eq!(corrections(&app, &keeper, "").await, Vec::<Value>::new());
    assert_eq!(corrections(&app, &keeper, "?settled=true").await.len(), 2);
}

#[tokio::test]
async fn a_sensitive_one_opens_none() {
    let (app, database) = App::national().await;
    let (token, keeper) = (app.token("mediator", "agent-1", "ours"), app.token("administrator", "agent-2", "keepers"));
    let procedure = sensitive_procedure(&app).await;
    let place = places(&app, "france-services").await[0].clone();
    let referral = refer(&app, &token, json!({"procedure": procedure, "target": place})).await;
    let outcome = json!({"code": referral["code"], "outcome": "unresolved", "reason": "moved_or_closed"});
    assert_eq!(app.post("/v1/outcomes", &token, &outcome).await.status, 201);
    let declined = transition(&app, &token, &referral, 0, &json!({"to": "declined", "reason": "hours_wrong"}), Some("*")).await;
    assert_eq!(declined.status, 200);
    assert_eq!(corrections(&app, &keeper, "").await, Vec::<Value>::new());
    assert_eq!(holding(&dump(&database).await, "moved_or_closed"), ["outcome"]);
    // Nor what leads to no structure.
    let institution = refer(&app, &token, json!({})).await;
    let declined = transition(&app, &token, &institution, 0, &json!({"to": "declined", "reason": "hours_wrong"}), Some("*")).await;
    assert_eq!(declined.status, 200);
    assert_eq!(corrections(&app, &keeper, "").await, Vec::<Value>::new());
}
