use std::collections::BTreeMap;

use aiguilleur_domain::code::SlipCode;
use aiguilleur_testkit::{Answer, App, NATIONAL, TestDatabase};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{RENNES, arrive, dump, holding, kept, number, path, places, refer, report, sensitive_procedure, text, transition};

async fn read(app: &App, token: &str, referral: &Value) -> Value {
    app.get_as(&path(referral), token).await.json()
}

fn states(referral: &Value) -> Vec<&str> {
    referral["handoffs"].as_array().unwrap().iter().map(|one| text(&one["status"])).collect()
}

async fn with_key(app: &App, token: &str, url: &str, key: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    app.send(Method::POST, url, &[("Authorization", &authorization), ("Idempotency-Key", key)], Some(body)).await
}

/// A code that is well formed and nobody's.
fn foreign() -> String {
    SlipCode::from_random(Uuid::new_v4()).to_string()
}

#[tokio::test]
async fn three_organisations_one_slip_and_no_telephone() {
    let (app, database) = App::national().await;
    let doors = places(&app, "france-services,ccas-cias").await;
    let hall = app.token("mediator", "agent-hall", "mairie-rennes");
    let agents =
        ["france-services-blosne", "ccas-rennes", "pimms-rennes"].map(|slug| app.token("mediator", &format!("agent-{slug}"), slug));
    let referral = refer(&app, &hall, json!({"target": doors[0]})).await;
    let code = text(&referral["code"]);

    let first = arrive(&app, &agents[0], code, &doors[0]).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(
        (&first.json()["handoff_id"], &first.json()["steps"][0]["status"]),
        (&referral["handoffs"][0]["id"], &json!("acknowledged"))
    );
    // Sent on from the first door to the second, then on their own to a third.
    let onward = json!({"code": code, "at": doors[0], "onward": doors[1], "reason": "wrong_service"});
    let sent_on = app.post("/v1/arrivals", &agents[0], &onward).await;
    assert_eq!(sent_on.status, 201, "{}", sent_on.text);
    assert_eq!(sent_on.json()["status"], "given");
    let second = arrive(&app, &agents[1], code, &doors[1]).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let third = arrive(&app, &agents[2], code, &doors[2]).await.json();
    let told: Vec<(&str, &Value)> =
        third["steps"].as_array().unwrap().iter().map(|step| (text(&step["status"]), &step["target"]["id"])).collect();
    assert_eq!(told, [("redirected", &doors[0]["id"]), ("acknowledged", &doors[1]["id"]), ("acknowledged", &doors[2]["id"])]);
    assert_eq!(third["steps"][0]["reason"], "wrong_service");
    let resolved = app.post("/v1/outcomes", &agents[2], &json!({"code": code, "outcome": "resolved"})).await;
    assert_eq!((resolved.status.as_u16(), &resolved.json()["reported_by"]), (201, &json!("person")), "{}", resolved.text);

    let seen = read(&app, &hall, &referral).await;
    assert_eq!((states(&seen), &seen["closed"]), (vec!["redirected", "acknowledged", "acknowledged"], &json!(true)));
    let actors: Vec<&Value> =
        seen["handoffs"].as_array().unwrap().iter().map(|one| &one["events"].as_array().unwrap().last().unwrap()["actor"]).collect();
    assert_eq!(actors, [&json!("target"), &json!("agent"), &json!("agent")]);
    let figures = app.get_as("/v1/stats/referrals?group_by=procedure", &hall).await.json();
    let row = &figures["items"][0];
    assert_eq!((&row["key"], &row["doors_per_need"], &row["resolved_rate_pct"]), (&json!("rsa"), &json!(3.0), &json!(100.0)), "{figures}");
    // Others see no case of it, and it is kept once.
    for agent in &agents {
        assert_eq!(app.get_as(&path(&referral), agent).await.status, 404);
        assert_eq!(app.get_as("/v1/referrals", agent).await.json()["items"], json!([]));
    }
    let whole = dump(&database).await;
    for identity in ["agent-france-services-blosne", "agent-ccas-rennes", "agent-pimms-rennes"] {
        assert_eq!(holding(&whole, identity), Vec::<&str>::new(), "who saw the bearer is not kept");
    }
}

#[tokio::test]
async fn an_arrival_where_an_attempt_leads_acknowledges_it_and_elsewhere_adds_one() {
    let (app, _database) = App::national().await;
    let doors = places(&app, "france-services,ccas-cias").await;
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({"target": doors[0], "mode": "information"})).await;
    let code = text(&referral["code"]);
    assert_eq!(arrive(&app, &theirs, code, &doors[0]).await.status, 201);
    let known = read(&app, &ours, &referral).await;
    assert_eq!(states(&known), ["acknowledged"]);
    let again = arrive(&app, &theirs, code, &doors[0]).await;
    assert_eq!((again.status.as_u16(), read(&app, &ours, &referral).await), (200, known.clone()), "nothing new");

    assert_eq!(arrive(&app, &theirs, code, &doors[1]).await.status, 201);
    let known = read(&app, &ours, &referral).await;
    assert_eq!((states(&known), &known["handoffs"][1]["previous_id"]), (vec!["acknowledged", "acknowledged"], &Value::Null));
    assert_eq!(arrive(&app, &theirs, code, &doors[1]).await.status, 200);
    assert_eq!(read(&app, &ours, &referral).await, known);

    // Further on than an arrival: the person comes back, nothing changes.
    let tag = app.get_as(&path(&referral), &ours).await.header("etag").to_owned();
    assert_eq!(transition(&app, &ours, &referral, 0, &json!({"to": "accepted"}), Some(&tag)).await.status, 200);
    let known = read(&app, &ours, &referral).await;
    assert_eq!(arrive(&app, &theirs, code, &doors[0]).await.status, 200);
    assert_eq!(read(&app, &ours, &referral).await, known);
    // What had ended there is not taken up again: it is a door more.
    assert_eq!(states(&known), ["accepted", "cancelled"]);
    assert_eq!(arrive(&app, &theirs, code, &doors[1]).await.status, 201);
    assert_eq!(states(&read(&app, &ours, &referral).await), ["accepted", "cancelled", "acknowledged"]);
}

#[tokio::test]
async fn an_arrival_of_many_at_once_is_one_door() {
    let (app, _database) = App::national().await;
    let doors = places(&app, "france-services,ccas-cias").await;
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({"target": doors[0]})).await;
    let code = text(&referral["code"]);
    let told = join_all((0..8).map(|_| arrive(&app, &theirs, code, &doors[1]))).await;
    assert_eq!(told.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(told.iter().filter(|answer| answer.status == 200).count(), 7);
    assert_eq!(states(&read(&app, &ours, &referral).await), ["sent", "acknowledged"]);
}

#[tokio::test]
async fn codes_are_read_as_people_type_them() {
    let (app, database) = App::national().await;
    let at = json!({"type": "institution", "id": "caf"});
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    let before = kept(&database).await;
    let wrong_check = format!("{}{}", &code[..9], if code.ends_with('7') { '8' } else { '7' });
    for (typed, status) in [(&code[..9], 422), (wrong_check.as_str(), 422), ("bonjour", 422), (foreign().as_str(), 404)] {
        let answer = arrive(&app, &theirs, typed, &at).await;
        assert_eq!(answer.status, status, "{typed}: {}", answer.text);
        if status == 422 {
            assert_eq!(answer.json()["errors"][0]["pointer"], "/code");
        }
        let outcome = app.post("/v1/outcomes", &theirs, &json!({"code": typed, "outcome": "resolved"})).await;
        assert_eq!(outcome.status, status, "{typed}: {}", outcome.text);
    }
    for (body, pointer) in [
        (json!({"code": code, "at": {"type": "structure", "id": Uuid::new_v4()}}), "/at/id"),
        (json!({"code": code, "at": {"type": "institution", "id": "ministry-of-magic"}}), "/at/id"),
        (json!({"code": code, "at": at, "onward": {"type": "structure", "id": Uuid::new_v4()}}), "/onward/id"),
        (json!({"code": code, "at": at, "onward": at}), "/onward/id"),
        (json!({"code": code, "at": at, "reason": "no_capacity"}), "/reason"),
        (json!({"code": code, "at": at, "onward": {"type": "institution", "id": "cpam"}, "reason": "superseded"}), "/reason"),
        (json!({"code": code}), "/at/type"),
        (json!({"at": at}), "/code"),
    ] {
        let answer = app.post("/v1/arrivals", &theirs, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}: {}", answer.text);
    }
    assert_eq!(kept(&database).await, before, "nothing was done");
    let typed = format!(" {} - {} ", code[..5].to_lowercase(), code[5..].to_lowercase());
    assert_eq!(arrive(&app, &theirs, &typed, &at).await.status, 201);
}

#[tokio::test]
async fn a_door_learns_nothing_of_the_origin() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_NOTES", "true")]);
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let doors = places(&app, "france-services").await;
    let private = json!({"note": "vient de la part de sa fille", "person_ref": "dossier-812", "target": doors[0]});
    let referral = refer(&app, &ours, private).await;
    assert_eq!(referral["note"], "vient de la part de sa fille", "this installation keeps notes");
    let tag = "W/\"1\"";
    let noted = json!({"to": "declined", "reason": "other", "note": "parle surtout breton"});
    assert_eq!(transition(&app, &ours, &referral, 0, &noted, Some(tag)).await.status, 200);
    let arrived = arrive(&app, &theirs, text(&referral["code"]), &doors[1]).await;
    assert_eq!(arrived.status, 201, "{}", arrived.text);
    for private in ["sa fille", "dossier-812", "breton", RENNES, "agent-1", "ours", text(&referral["id"]), text(&referral["code"])] {
        assert!(!arrived.text.contains(private), "{private}: {}", arrived.text);
    }
    let keys: Vec<String> = arrived.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["documents", "handoff_id", "official_url", "procedure", "status", "steps"]);
}

#[tokio::test]
async fn one_key_is_one_arrival_and_one_outcome() {
    let (app, _database) = App::national().await;
    let doors = places(&app, "france-services").await;
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    let arrival = json!({"code": code, "at": doors[0], "onward": doors[1]});
    let answers = join_all((0..8).map(|_| with_key(&app, &theirs, "/v1/arrivals", "arrival-1", &arrival))).await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.json()["handoff_id"]), (201, &answers[0].json()["handoff_id"]), "{}", answer.text);
    }
    assert_eq!(states(&read(&app, &ours, &referral).await), ["sent", "redirected", "given"]);
    let elsewhere = json!({"code": code, "at": doors[1]});
    assert_eq!(with_key(&app, &theirs, "/v1/arrivals", "arrival-1", &elsewhere).await.status, 409);
    let other = app.token("mediator", "agent-3", "theirs");
    assert_eq!(with_key(&app, &other, "/v1/arrivals", "arrival-1", &elsewhere).await.status, 201, "a key belongs to its subject");

    let outcome = json!({"code": code, "outcome": "resolved"});
    for answer in join_all((0..8).map(|_| with_key(&app, &theirs, "/v1/outcomes", "outcome-1", &outcome))).await {
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    assert_eq!(read(&app, &ours, &referral).await["outcomes"].as_array().unwrap().len(), 1);
    let other = json!({"code": code, "outcome": "unresolved"});
    assert_eq!(with_key(&app, &theirs, "/v1/outcomes", "outcome-1", &other).await.status, 409);
}

#[tokio::test]
async fn it_is_known_who_tells_and_all_that_is_told_is_kept() {
    let (app, _database) = App::national().await;
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("structure_editor", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    for (token, relayed, outcome, by) in [
        (&ours, None, "resolved", "person"),
        (&theirs, Some(true), "unresolved", "person"),
        (&ours, Some(false), "partially_resolved", "mediator"),
        (&theirs, Some(false), "not_needed", "target"),
    ] {
        let mut body = json!({"code": code, "outcome": outcome});
        if let Some(relayed) = relayed {
            body["relayed"] = json!(relayed);
        }
        let told = app.post("/v1/outcomes", token, &body).await;
        assert_eq!((told.status.as_u16(), told.json()), (201, json!({"outcome": outcome, "reported_by": by, "reason": null})));
    }
    report(&app, &ours, &referral, "unknown").await;
    let seen = read(&app, &ours, &referral).await;
    let told: Vec<(&str, &str)> =
        seen["outcomes"].as_array().unwrap().iter().map(|one| (text(&one["outcome"]), text(&one["reported_by"]))).collect();
    let all = [
        ("resolved", "person"),
        ("unresolved", "person"),
        ("partially_resolved", "mediator"),
        ("not_needed", "target"),
        ("unknown", "mediator"),
    ];
    assert_eq!(told, all);
    assert_eq!((&seen["closed"], &seen["follow_up_due_at"], &seen["status"]), (&json!(true), &Value::Null, &json!("sent")));
    for (body, pointer) in [
        (json!({"code": code, "outcome": "resolved", "reason": "no_show", "note": "deux fois"}), "/note"),
        (json!({"code": code, "outcome": "resolved", "reason": "other", "note": "le 06 12 34 56 78"}), "/note"),
        (json!({"code": code, "outcome": "solved"}), "/outcome"),
    ] {
        let answer = app.post("/v1/outcomes", &ours, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.text);
        assert!(!answer.text.contains("06 12"));
    }
}

#[tokio::test]
async fn a_refusal_is_counted_and_nothing_else_is_kept() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    refer(&app, &token, json!({})).await;
    let before = dump(&database).await;
    for (procedure, commune) in [("rsa", RENNES), ("rsa", "35051"), ("aide-logement", RENNES)] {
        let answer = app.post("/v1/referrals/refusals", &token, &json!({"procedure": procedure, "commune": commune})).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{procedure} {commune}");
    }
    assert_eq!(app.post("/v1/referrals/refusals", &token, &json!({"procedure": "rsaa", "commune": RENNES})).await.status, 422);
    assert_eq!(app.post("/v1/referrals/refusals", &token, &json!({"procedure": "rsa"})).await.status, 422);
    let after = dump(&database).await;
    let changed: BTreeMap<&String, &Vec<String>> = after.iter().filter(|(table, rows)| before[*table] != **rows).collect();
    assert_eq!(changed.keys().collect::<Vec<_>>(), [&"refusal_count"]);
    let month = chrono::Utc::now().format("%Y-%m-01");
    let counted =
        database.query("SELECT concat_ws(' ', month, procedure, departement, refusals) AS line FROM refusal_count ORDER BY 1").await;
    assert_eq!(counted, [format!("{month} aide-logement 35 1"), format!("{month} rsa 35 2")]);
    let figures = app.get_as("/v1/stats/referrals?group_by=month", &token).await.json();
    assert_eq!((&figures["total"]["refusals"], &figures["total"]["referrals"]), (&json!(3), &json!(1)));
    assert_eq!(app.get_as("/v1/referrals/refusals", &token).await.status, 405);
}

#[tokio::test]
async fn any_agent_reports_an_arrival_but_a_partner_without_the_right() {
    let (app, database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    let at = json!({"type": "institution", "id": "caf"});
    for role in ["mediator", "structure_editor", "institution_editor", "network_manager", "administrator"] {
        let token = app.token(role, &format!("agent-{role}"), "theirs");
        let answer = arrive(&app, &token, code, &at).await;
        assert!(answer.status.is_success(), "{role}: {}", answer.text);
        assert_eq!(app.post("/v1/outcomes", &token, &json!({"code": code, "outcome": "resolved"})).await.status, 201, "{role}");
    }
    let partner = app.token("partner", "tool", "theirs");
    assert_eq!(arrive(&app, &partner, code, &at).await.status, 403);
    assert_eq!(app.post("/v1/outcomes", &partner, &json!({"code": code, "outcome": "resolved"})).await.status, 403);
    assert_eq!(app.send(Method::POST, "/v1/arrivals", &[], Some(&json!({"code": code, "at": at}))).await.status, 401);
    let administrator = app.token("administrator", "agent-0", "hub");
    let made = app.post("/v1/organisations", &administrator, &json!({"slug": "partners", "may_refer": true})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let partner = app.token("partner", "tool", "partners");
    assert_eq!(arrive(&app, &partner, code, &at).await.status, 200);
    assert_eq!(number(&database, "SELECT count(*) FROM handoff").await, 1);
}

#[tokio::test]
async fn of_a_sensitive_one_no_arrival_tells_the_day() {
    let (app, database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let procedure = sensitive_procedure(&app).await;
    let referral = refer(&app, &ours, json!({"procedure": procedure})).await;
    let code = text(&referral["code"]);
    let arrival = json!({"code": code, "at": {"type": "institution", "id": "cpam"}, "onward": {"type": "institution", "id": "caf"}});
    assert_eq!(with_key(&app, &ours, "/v1/arrivals", "arrival-1", &arrival).await.status, 201);
    assert_eq!(app.post("/v1/outcomes", &ours, &json!({"code": code, "outcome": "resolved"})).await.status, 201);
    for (table, column) in [
        ("referral", "created_at"),
        ("referral", "occurred_at"),
        ("referral", "closed_at"),
        ("handoff", "created_at"),
        ("handoff", "changed_at"),
        ("handoff_event", "at"),
        ("outcome", "reported_at"),
        ("idempotency", "kept_until"),
    ] {
        let told = format!("SELECT count(*) FROM {table} WHERE {column} <> date_trunc('month', {column}::timestamptz, 'UTC')");
        assert_eq!(number(&database, &told).await, 0, "{table}.{column}");
    }
    assert_eq!(number(&database, "SELECT count(*) FROM handoff WHERE acknowledged_after_h IS NOT NULL").await, 0);
}
