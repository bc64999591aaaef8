use aiguilleur_domain::referral::{Actor, HandoffStatus, TRANSITIONS, allowed, table};
use aiguilleur_testkit::{App, TestDatabase};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray;

use crate::{number, path, places, refer, submit, target_link, text, transition};

const BY_MEDIATOR: [Actor; 2] = [Actor::Mediator, Actor::Target];
const BY_TARGET: [Actor; 1] = [Actor::Target];

fn code(status: HandoffStatus) -> &'static str {
    status.into()
}

/// A wish with all that some state wants.
fn wish(to: HandoffStatus) -> Value {
    if to.wants_reason() { json!({"to": code(to), "reason": "no_capacity"}) } else { json!({"to": code(to)}) }
}

/// The referral as it is, with its tag.
async fn read(app: &App, token: &str, referral: &Value) -> (Value, String) {
    let answer = app.get_as(&path(referral), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.json(), answer.header("etag").to_owned())
}

async fn become_(app: &App, token: &str, referral: &Value, to: HandoffStatus) -> Value {
    let (_, tag) = read(app, token, referral).await;
    let changed = transition(app, token, referral, 0, &wish(to), Some(&tag)).await;
    assert_eq!(changed.status, 200, "{to:?}: {}", changed.text);
    changed.json()
}

async fn redirect(app: &App, token: &str, referral: &Value) -> Value {
    let body =
        json!({"target": {"type": "institution", "id": "cpam"}, "mode": "information", "previous_id": referral["handoffs"][0]["id"]});
    let added = app.post(&format!("{}/handoffs", path(referral)), token, &body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    added.json()
}

/// The states that lead to one, from its birth on.
fn way_to(state: HandoffStatus) -> Vec<HandoffStatus> {
    use HandoffStatus::{Accepted, Completed, Failed, Given, InProgress, Sent};
    match state {
        Given | Sent => vec![],
        InProgress => vec![Accepted, InProgress],
        Completed => vec![Accepted, InProgress, Completed],
        Failed => vec![Accepted, Failed],
        other => vec![other],
    }
}

/// A referral whose first attempt is in a state, brought there by the mediator; and the target's link to it.
async fn in_state(app: &App, database: &TestDatabase, token: &str, state: HandoffStatus) -> (Value, String) {
    let mode = if state == HandoffStatus::Given { "information" } else { "warm" };
    let mut referral = refer(app, token, json!({"mode": mode})).await;
    let link = target_link(app, token, &referral).await;
    for step in way_to(state) {
        referral = match step {
            HandoffStatus::Redirected => redirect(app, token, &referral).await,
            HandoffStatus::Expired => {
                let id = text(&referral["id"]);
                database.sql(&format!("UPDATE handoff SET status = 'expired' WHERE referral_id = '{id}'; UPDATE referral SET status = 'expired' WHERE id = '{id}'")).await;
                read(app, token, &referral).await.0
            }
            step => become_(app, token, &referral, step).await,
        };
    }
    assert_eq!(referral["handoffs"][0]["status"], code(state));
    (referral, link)
}

fn events(referral: &Value) -> usize {
    referral["handoffs"].as_array().unwrap().iter().map(|one| one["events"].as_array().unwrap().len()).sum()
}

fn version(tag: &str) -> i32 {
    tag.trim_start_matches("W/").trim_matches('"').parse().unwrap()
}

/// One event more, and nothing else but what it tells.
fn is_one_step(before: &Value, after: &Value, tags: [&str; 2], from: HandoffStatus, to: HandoffStatus) {
    assert_eq!(version(tags[1]), version(tags[0]) + 1, "{from:?} {to:?}");
    assert_eq!(events(after), events(before) + 1, "{from:?} {to:?}");
    let event = after["handoffs"][0]["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&event["from"], &event["to"]), (&json!(code(from)), &json!(code(to))));
    assert_eq!(after["handoffs"][0]["status"], code(to));
}

#[tokio::test]
async fn a_mediator_does_what_the_table_allows_and_nothing_else() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let mut done = 0;
    for &state in HandoffStatus::VARIANTS {
        let may = allowed(state, &BY_MEDIATOR);
        let (mut referral, _) = in_state(&app, &database, &token, state).await;
        for &to in HandoffStatus::VARIANTS {
            let (before, tag) = read(&app, &token, &referral).await;
            let answer = transition(&app, &token, &referral, 0, &wish(to), Some(&tag)).await;
            let (after, new_tag) = read(&app, &token, &referral).await;
            let what = format!("{state:?} to {to:?}: {}", answer.text);
            if to == state {
                assert_eq!((answer.status.as_u16(), answer.header("etag"), &answer.json()), (200, tag.as_str(), &before), "{what}");
            } else if to == HandoffStatus::Redirected && state.is_open() {
                assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!("/to")), "{what}");
            } else if may.contains(&to) {
                assert_eq!((answer.status.as_u16(), answer.header("etag"), &answer.json()), (200, new_tag.as_str(), &after), "{what}");
                is_one_step(&before, &after, [&tag, &new_tag], state, to);
                let event = after["handoffs"][0]["events"].as_array().unwrap().last().unwrap().clone();
                let own = allowed(state, &[Actor::Mediator]).contains(&to);
                assert_eq!((text(&event["actor"]), &event["relayed"]), (if own { "mediator" } else { "target" }, &json!(!own)), "{what}");
                done += 1;
                referral = in_state(&app, &database, &token, state).await.0;
                continue;
            } else {
                let told: Vec<Value> = may.iter().map(|status| json!(code(*status))).collect();
                let allowed = answer.json()["errors"][0]["allowed"].as_array().cloned().unwrap_or_default();
                assert_eq!((answer.status.as_u16(), allowed), (409, told), "{what}");
            }
            assert_eq!((after, new_tag), (before, tag), "nothing has changed: {what}");
        }
    }
    // Redirecting apart, all that mediators and targets may.
    let each = |actors: &[Actor]| HandoffStatus::VARIANTS.iter().map(|from| allowed(*from, actors).len()).sum::<usize>();
    assert_eq!(done, each(&BY_MEDIATOR) - 7);
    assert!(done > 25, "{done}");
}

#[tokio::test]
async fn a_target_does_what_the_table_allows_it_and_nothing_else() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    for &state in HandoffStatus::VARIANTS {
        let may = allowed(state, &BY_TARGET);
        let (mut referral, mut link) = in_state(&app, &database, &token, state).await;
        for &to in HandoffStatus::VARIANTS {
            let (before, tag) = read(&app, &token, &referral).await;
            let known = version(&tag).to_string();
            let answer = submit(&app, &format!("/s/{link}"), &[("version", &known), ("to", code(to)), ("reason", "no_capacity")]).await;
            let (after, new_tag) = read(&app, &token, &referral).await;
            let what = format!("{state:?} to {to:?}: {}", answer.status);
            if may.contains(&to) && to != HandoffStatus::Redirected {
                assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("/s/{link}").as_str()), "{what}");
                is_one_step(&before, &after, [&tag, &new_tag], state, to);
                let event = after["handoffs"][0]["events"].as_array().unwrap().last().unwrap().clone();
                assert_eq!((&event["actor"], &event["relayed"]), (&json!("target"), &json!(false)), "{what}");
                (referral, link) = in_state(&app, &database, &token, state).await;
                continue;
            }
            assert_eq!(answer.status, if to == state { 303 } else { 422 }, "{what}");
            assert_eq!((after, new_tag), (before, tag), "nothing has changed: {what}");
        }
    }
}

#[tokio::test]
async fn a_target_sends_on_and_tells_what_became_of_the_need() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let link = format!("/s/{}", target_link(&app, &token, &referral).await);
    let place = places(&app, "ccas-cias").await[0].clone();
    let onward = format!("structure:{}", text(&place["id"]));
    let stale = submit(&app, &link, &[("version", "7"), ("to", "accepted")]).await;
    assert_eq!(stale.status, 422);
    let sent_on = submit(&app, &link, &[("version", "1"), ("onward", &onward), ("reason", "wrong_service")]).await;
    assert_eq!(sent_on.status, 303, "{}", sent_on.text);
    assert_eq!(submit(&app, &link, &[("version", "2"), ("outcome", "partially_resolved")]).await.status, 303);
    let (after, _) = read(&app, &token, &referral).await;
    assert_eq!((&after["handoffs"][0]["status"], &after["handoffs"][1]["target"]["id"]), (&json!("redirected"), &place["id"]));
    assert_eq!(after["handoffs"][1]["previous_id"], after["handoffs"][0]["id"]);
    assert_eq!((&after["outcomes"][0]["outcome"], &after["outcomes"][0]["reported_by"]), (&json!("partially_resolved"), &json!("target")));
    for (fields, why) in [
        ([("to", "declined"), ("reason", "")], "no reason"),
        ([("to", "declined"), ("reason", "superseded")], "the system's reason"),
        ([("onward", "structure:nowhere"), ("reason", "other")], "no such place"),
        ([("outcome", "solved"), ("reason", "")], "no such outcome"),
        ([("to", "declined"), ("reason", "fatigue")], "no such reason"),
    ] {
        let other = refer(&app, &token, json!({})).await;
        let link = format!("/s/{}", target_link(&app, &token, &other).await);
        let refused = submit(&app, &link, &[&[("version", "1")], &fields[..]].concat()).await;
        assert_eq!(refused.status, 422, "{why}");
        assert_eq!(read(&app, &token, &other).await.0, other, "{why}");
    }
    let noted = [("version", "3"), ("to", "acknowledged"), ("reason", "other"), ("note", "rappeler au 06 12 34 56 78")];
    let refused = submit(&app, &link, &noted).await;
    assert_eq!((refused.status.as_u16(), refused.text.contains("06 12")), (422, false));
}

#[tokio::test]
async fn a_change_is_judged_in_its_order() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let (before, tag) = read(&app, &token, &referral).await;
    for (to, if_match, status) in [
        // Already so: whatever the caller knows of it.
        ("sent", None, 200),
        ("sent", Some("W/\"99\""), 200),
        ("sent", Some(tag.as_str()), 200),
        // Then the condition, before what is allowed.
        ("accepted", None, 428),
        ("completed", None, 428),
        ("redirected", None, 428),
        ("accepted", Some("W/\"99\""), 412),
        ("completed", Some("W/\"99\""), 412),
        ("redirected", Some("W/\"99\""), 412),
        ("accepted", Some("nonsense"), 412),
        ("accepted", Some(""), 412),
        ("completed", Some(tag.as_str()), 409),
        ("completed", Some("*"), 409),
        ("redirected", Some(tag.as_str()), 422),
    ] {
        let answer = transition(&app, &token, &referral, 0, &json!({"to": to}), if_match).await;
        assert_eq!(answer.status, status, "{to} {if_match:?}: {}", answer.text);
        assert_eq!(read(&app, &token, &referral).await, (before.clone(), tag.clone()));
    }
    for good in ["*", "W/\"98\", W/\"2\"", "\"3\""] {
        let state =
            ["acknowledged", "under_review", "accepted"][usize::try_from(version(&read(&app, &token, &referral).await.1)).unwrap() - 1];
        let answer = transition(&app, &token, &referral, 0, &json!({"to": state}), Some(good)).await;
        assert_eq!(answer.status, 200, "{good}: {}", answer.text);
    }
    let redirected = redirect(&app, &token, &referral).await;
    let already = transition(&app, &token, &referral, 0, &json!({"to": "redirected"}), None).await;
    assert_eq!((already.status.as_u16(), already.json()), (200, redirected), "{}", already.text);
    let unknown = format!("{}/handoffs/{}/transitions", path(&referral), uuid::Uuid::new_v4());
    assert_eq!(app.post(&unknown, &token, &json!({"to": "sent"})).await.status, 404);
}

#[tokio::test]
async fn accepting_one_attempt_ends_its_siblings() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let mut referral = refer(&app, &token, json!({})).await;
    for id in ["cpam", "france-travail"] {
        let body = json!({"target": {"type": "institution", "id": id}, "mode": "warm"});
        referral = app.post(&format!("{}/handoffs", path(&referral)), &token, &body).await.json();
    }
    let (_, tag) = read(&app, &token, &referral).await;
    referral = transition(&app, &token, &referral, 2, &json!({"to": "declined", "reason": "no_capacity"}), Some(&tag)).await.json();
    let (_, tag) = read(&app, &token, &referral).await;
    referral = transition(&app, &token, &referral, 1, &json!({"to": "accepted"}), Some(&tag)).await.json();
    let states: Vec<&str> = (0..3).map(|number| text(&referral["handoffs"][number]["status"])).collect();
    assert_eq!((states, text(&referral["status"])), (vec!["cancelled", "accepted", "declined"], "accepted"));
    let last = referral["handoffs"][0]["events"][1].clone();
    assert_eq!((&last["actor"], &last["reason"], &last["relayed"]), (&json!("system"), &json!("superseded"), &json!(false)));
}

#[tokio::test]
async fn redirecting_adds_the_next_attempt_once() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let redirected = redirect(&app, &token, &referral).await;
    assert_eq!((&redirected["handoffs"][1]["previous_id"], &redirected["status"]), (&referral["handoffs"][0]["id"], &json!("given")));
    let body = json!({"target": {"type": "institution", "id": "msa"}, "mode": "warm", "previous_id": referral["handoffs"][0]["id"]});
    let url = format!("{}/handoffs", path(&referral));
    assert_eq!(app.post(&url, &token, &body).await.status, 409, "it was redirected before");
    let of_another = json!({"target": {"type": "institution", "id": "msa"}, "mode": "warm", "previous_id": uuid::Uuid::new_v4()});
    assert_eq!(app.post(&url, &token, &of_another).await.status, 422);
    let authorization = format!("Bearer {token}");
    let stale = [("Authorization", authorization.as_str()), ("If-Match", "W/\"1\"")];
    assert_eq!(app.send(Method::POST, &url, &stale, Some(&json!({"target": body["target"], "mode": "warm"}))).await.status, 412);
    assert_eq!(read(&app, &token, &referral).await.0, redirected);
}

#[tokio::test]
async fn only_who_sent_it_sends_it_again_and_in_time() {
    let (app, database) = App::national().await;
    let (ours, colleague) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "ours"));
    for state in [HandoffStatus::Declined, HandoffStatus::Cancelled, HandoffStatus::Expired] {
        let (referral, _) = in_state(&app, &database, &ours, state).await;
        let (before, tag) = read(&app, &ours, &referral).await;
        let refused = transition(&app, &colleague, &referral, 0, &json!({"to": "sent"}), Some(&tag)).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        let aged = |days: i64| {
            format!("UPDATE handoff SET changed_at = now() - interval '{days} days' WHERE referral_id = '{}'", text(&referral["id"]))
        };
        database.sql(&aged(91)).await;
        assert_eq!(transition(&app, &ours, &referral, 0, &json!({"to": "sent"}), Some(&tag)).await.status, 409, "{state:?}: too late");
        assert_eq!(read(&app, &ours, &referral).await.0, before);
        database.sql(&aged(89)).await;
        let again = transition(&app, &ours, &referral, 0, &json!({"to": "sent"}), Some(&tag)).await;
        assert_eq!((again.status.as_u16(), &again.json()["status"]), (200, &json!("sent")), "{}", again.text);
    }
    // Each was told of twice: when it was sent, and again.
    assert_eq!(number(&database, "SELECT count(*) FROM outbox").await, 6);
}

#[tokio::test]
async fn reasons_dates_and_words_go_where_they_belong() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let (_, tag) = read(&app, &token, &referral).await;
    let day = |days: i64| (chrono::Utc::now() + chrono::Duration::days(days)).format("%Y-%m-%d").to_string();
    for (body, pointer) in [
        (json!({"to": "declined"}), "/reason"),
        (json!({"to": "cancelled"}), "/reason"),
        (json!({"to": "failed"}), "/reason"),
        (json!({"to": "cancelled", "reason": "superseded"}), "/reason"),
        (json!({"to": "cancelled", "reason": "fatigue"}), "/reason"),
        (json!({"to": "accepted", "expected_on": day(3)}), "/expected_on"),
        (json!({"to": "waitlisted", "expected_on": day(-2)}), "/expected_on"),
        (json!({"to": "waitlisted", "expected_on": day(800)}), "/expected_on"),
        (json!({"to": "waitlisted", "expected_on": chrono::Utc::now()}), "/expected_on"),
        (json!({"to": "cancelled", "reason": "duplicate", "note": "deux fois"}), "/note"),
        (json!({"to": "cancelled", "reason": "other", "note": "x".repeat(281)}), "/note"),
        (json!({"to": "vanished"}), "/to"),
        (json!({}), "/to"),
    ] {
        let answer = transition(&app, &token, &referral, 0, &body, Some(&tag)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}: {}", answer.text);
    }
    let no_day = json!({"to": "waitlisted", "expected_on": "2026-13-45"});
    assert_eq!(transition(&app, &token, &referral, 0, &no_day, Some(&tag)).await.status, 400);
    let wanted = transition(&app, &token, &referral, 0, &json!({"to": "declined"}), Some(&tag)).await.json();
    let reasons = wanted["errors"][0]["allowed"].as_array().unwrap();
    assert!(
        reasons.contains(&json!("no_show")) && reasons.contains(&json!("other")) && !reasons.contains(&json!("superseded")),
        "{wanted}"
    );
    for (note, kind) in [
        ("son numéro 2 69 05 49 588 157 80", "sécurité sociale"),
        ("rappeler au 06 12 34 56 78", "téléphone"),
        ("écrire à marie.d@exemple.fr", "adresse électronique"),
        ("n° fiscal 30 23 217 600 053", "fiscal"),
        ("allocataire 1234567", "CAF"),
    ] {
        let body = json!({"to": "cancelled", "reason": "other", "note": note});
        let answer = transition(&app, &token, &referral, 0, &body, Some(&tag)).await;
        assert_eq!(answer.status, 422, "{note}");
        assert!(text(&answer.json()["errors"][0]["detail"]).contains(kind), "{}", answer.text);
        let said = note.rsplit_once(' ').unwrap().1;
        assert!(!text(&answer.json()["errors"][0]["detail"]).contains(said), "it is not said again: {}", answer.text);
    }
    assert_eq!(read(&app, &token, &referral).await, (referral.clone(), tag.clone()));
    let waiting = transition(&app, &token, &referral, 0, &json!({"to": "waitlisted", "expected_on": day(20)}), Some(&tag)).await;
    assert_eq!((waiting.status.as_u16(), &waiting.json()["handoffs"][0]["expected_on"]), (200, &json!(day(20))));
    let body = json!({"to": "declined", "reason": "other", "note": "trop loin en hiver"});
    let declined = transition(&app, &token, &referral, 0, &body, Some(waiting.header("etag"))).await.json();
    assert_eq!(declined["handoffs"][0]["events"][2]["note"], "trop loin en hiver");
}

#[tokio::test]
async fn of_agents_at_the_same_instant_one_wins() {
    let (app, _database) = App::national().await;
    let states = ["acknowledged", "under_review", "accepted", "waitlisted", "declined", "cancelled"];
    let tokens: Vec<String> = (0..states.len()).map(|number| app.token("mediator", &format!("agent-{number}"), "ours")).collect();
    for _ in 0..10 {
        let referral = refer(&app, &tokens[0], json!({})).await;
        let (_, tag) = read(&app, &tokens[0], &referral).await;
        let bodies: Vec<Value> = states.map(|to| json!({"to": to, "reason": "no_capacity"})).into();
        let all = bodies.iter().zip(&tokens).map(|(body, token)| transition(&app, token, &referral, 0, body, Some(&tag)));
        let mut told: Vec<u16> = join_all(all).await.iter().map(|answer| answer.status.as_u16()).collect();
        told.sort_unstable();
        assert_eq!(told, [200, 412, 412, 412, 412, 412]);
        assert_eq!(events(&read(&app, &tokens[0], &referral).await.0), 2);
    }
    // The same wish twice is no clash, and is done once.
    let referral = refer(&app, &tokens[0], json!({})).await;
    let (_, tag) = read(&app, &tokens[0], &referral).await;
    let body = json!({"to": "accepted"});
    for answer in join_all(tokens.iter().map(|token| transition(&app, token, &referral, 0, &body, Some(&tag)))).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(events(&read(&app, &tokens[0], &referral).await.0), 2);
}

#[tokio::test]
async fn one_key_adds_one_attempt() {
    let (app, _database) = App::national().await;
    let authorization = format!("Bearer {}", app.token("mediator", "agent-1", "ours"));
    let referral = refer(&app, authorization.trim_start_matches("Bearer "), json!({})).await;
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "attempt-1")];
    let url = format!("{}/handoffs", path(&referral));
    let body = json!({"target": {"type": "institution", "id": "cpam"}, "mode": "information"});
    let answers = join_all((0..8).map(|_| app.send(Method::POST, &url, &headers, Some(&body)))).await;
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.json()["handoffs"].as_array().unwrap().len()), (201, 2), "{}", answer.text);
    }
    let other = json!({"target": {"type": "institution", "id": "msa"}, "mode": "information"});
    assert_eq!(app.send(Method::POST, &url, &headers, Some(&other)).await.status, 409);
}

#[test]
fn the_documentation_shows_the_table() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/referrals.md")).unwrap();
    assert!(page.contains(&table()), "docs/referrals.md should hold\n{}", table());
    assert_eq!(table().lines().count(), TRANSITIONS.len() + 3);
}
