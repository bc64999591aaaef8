use std::time::Duration;

use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::working_time::add_business_days;
use aiguilleur_jobs::clock::{Ticked, agree, tick};
use aiguilleur_storage::Database;
use aiguilleur_storage::follow_up::Round;
use aiguilleur_testkit::{App, eventually};
use chrono::{DateTime, Days, Duration as Time, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{arrive, kept, number, path, places, refer, report, sensitive_procedure, storage, text, transition};

/// One round; the service's own clock may be doing one at that moment.
async fn round(pool: &Database, now: DateTime<Utc>) -> Round {
    for _ in 0..100 {
        if let Ticked::Done(round) = tick(pool, now).await.unwrap() {
            return round;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("another node's round never ends");
}

const NOTHING: Round = Round { reminders: 0, expired: 0, asked: 0, unknown: 0 };

fn instant(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

/// Midnight in Paris.
fn dawn(day: NaiveDate) -> DateTime<Utc> {
    Paris.from_local_datetime(&day.and_hms_opt(0, 0, 0).unwrap()).earliest().unwrap().to_utc()
}

async fn read(app: &App, token: &str, referral: &Value) -> Value {
    app.get_as(&path(referral), token).await.json()
}

async fn tag(app: &App, token: &str, referral: &Value) -> String {
    app.get_as(&path(referral), token).await.header("etag").to_owned()
}

async fn to_follow(app: &App, token: &str) -> Vec<Value> {
    app.get_as("/v1/follow-ups", token).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_reminded_twice_then_it_is_over() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    let referral = refer(&app, &token, json!({})).await;
    // Nobody was notified, somebody answered: nobody is reminded.
    refer(&app, &token, json!({"mode": "information"})).await;
    let answered = refer(&app, &token, json!({})).await;
    assert_eq!(transition(&app, &token, &answered, 0, &json!({"to": "under_review"}), Some("W/\"1\"")).await.status, 200);
    database.sql("UPDATE referral SET follow_up_due_at = NULL").await;

    let sent = instant(&referral["created_at"]);
    let due = |days| dawn(add_business_days(sent.with_timezone(&Paris).date_naive(), days, HolidayRegion::of_departement("35")));
    for (now, reminders) in [
        (sent, 0),
        (due(3) - Time::seconds(1), 0),
        (due(3) + Time::days(1), 1),
        (due(3) + Time::days(1), 0),
        (due(10) - Time::seconds(1), 0),
        (due(10) + Time::days(1), 1),
        (due(10) + Time::days(1), 0),
        (sent + Time::days(30) - Time::seconds(1), 0),
    ] {
        assert_eq!(round(&pool, now).await, Round { reminders, ..NOTHING }, "{now}");
    }
    assert_eq!(read(&app, &token, &referral).await["handoffs"][0]["reminders"], 2);
    assert_eq!(to_follow(&app, &token).await[0]["reminders"], 2);
    assert_eq!(round(&pool, sent + Time::days(30) + Time::seconds(1)).await, Round { expired: 1, ..NOTHING });
    let over = read(&app, &token, &referral).await;
    let last = over["handoffs"][0]["events"][1].clone();
    assert_eq!((text(&over["status"]), text(&last["actor"]), &last["from"]), ("expired", "clock", &json!("sent")));
    assert_eq!((&over["outcomes"], &over["closed"]), (&json!([]), &json!(false)), "that it is over tells nothing of the need");
    assert_eq!(to_follow(&app, &token).await, Vec::<Value>::new());
    assert_eq!(round(&pool, sent + Time::days(59)).await, NOTHING);
    assert_eq!(
        round(&pool, sent + Time::days(61)).await,
        Round { expired: 1, ..NOTHING },
        "what was answered and left there, and nothing else"
    );
    assert_eq!(read(&app, &token, &answered).await["status"], "expired");
    assert_eq!(round(&pool, sent + Time::days(3000)).await, NOTHING);
}

#[tokio::test]
async fn whoever_answers_is_left_alone() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    for to in ["acknowledged", "under_review", "accepted", "waitlisted", "declined", "cancelled"] {
        let referral = refer(&app, &token, json!({})).await;
        let wish = json!({"to": to, "reason": "no_capacity"});
        assert_eq!(transition(&app, &token, &referral, 0, &wish, Some("*")).await.status, 200);
    }
    let arrived = refer(&app, &token, json!({})).await;
    assert_eq!(arrive(&app, &token, text(&arrived["code"]), &json!({"type": "institution", "id": "caf"})).await.status, 201);
    database.sql("UPDATE referral SET follow_up_due_at = NULL").await;
    assert_eq!(round(&pool, Utc::now() + Time::days(29)).await, NOTHING);
    // Sent again, it is reminded anew.
    let again = refer(&app, &token, json!({})).await;
    for wish in [json!({"to": "cancelled", "reason": "no_show"}), json!({"to": "sent"})] {
        assert_eq!(transition(&app, &token, &again, 0, &wish, Some("*")).await.status, 200);
    }
    assert_eq!(round(&pool, Utc::now() + Time::days(29)).await.reminders, 2);
}

#[tokio::test]
async fn a_waiting_list_lasts_from_its_own_date() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    let referral = refer(&app, &token, json!({})).await;
    let expected = (Utc::now() + Time::days(40)).date_naive();
    let wish = json!({"to": "waitlisted", "expected_on": expected});
    assert_eq!(transition(&app, &token, &referral, 0, &wish, Some("*")).await.status, 200);
    database.sql("UPDATE referral SET follow_up_due_at = NULL").await;
    let lasts_until = (expected + Days::new(60)).and_hms_opt(0, 0, 0).unwrap().and_utc();
    assert_eq!(round(&pool, lasts_until - Time::seconds(1)).await, NOTHING);
    assert_eq!(round(&pool, lasts_until).await, Round { expired: 1, ..NOTHING });
}

#[tokio::test]
async fn what_became_of_it_is_asked_twice_then_given_up() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    let referral = refer(&app, &token, json!({"mode": "information"})).await;
    let told = refer(&app, &token, json!({"mode": "information"})).await;
    report(&app, &token, &told, "not_needed").await;
    let unsure = refer(&app, &token, json!({"mode": "information"})).await;
    report(&app, &token, &unsure, "unknown").await;
    let born = instant(&referral["created_at"]);
    let later = instant(&unsure["created_at"]) - born;
    assert_eq!(round(&pool, born + Time::days(14) - Time::seconds(1)).await, NOTHING);
    let asked = born + Time::days(14) + later;
    assert_eq!(round(&pool, asked).await, Round { asked: 2, ..NOTHING }, "whoever told isn't asked, but for who doesn't know");
    assert_eq!(round(&pool, asked).await, NOTHING);
    // The service was away for a week: the second question leaves its time to the first.
    let second = asked + Time::days(21);
    assert_eq!(round(&pool, asked + Time::days(14) - Time::seconds(1)).await, NOTHING);
    assert_eq!(round(&pool, second).await, Round { asked: 2, ..NOTHING });
    assert_eq!(read(&app, &token, &referral).await["follow_ups"], 2);
    report(&app, &token, &unsure, "resolved").await;
    assert_eq!(round(&pool, second + Time::days(14) - Time::seconds(1)).await, NOTHING);
    assert_eq!(round(&pool, second + Time::days(14)).await, Round { unknown: 1, ..NOTHING });
    let given_up = read(&app, &token, &referral).await;
    let outcome = &given_up["outcomes"][0];
    assert_eq!((&outcome["outcome"], &outcome["reported_by"]), (&json!("unknown"), &json!("clock")));
    assert_eq!((&given_up["closed"], &given_up["follow_up_due_at"], &given_up["status"]), (&json!(false), &Value::Null, &json!("given")));
    for days in [15, 100, 3000] {
        assert_eq!(round(&pool, second + Time::days(days)).await, NOTHING);
    }
    let late = report(&app, &token, &referral, "resolved").await;
    assert_eq!((&late["closed"], late["outcomes"].as_array().unwrap().len()), (&json!(true), 2), "it may still be told");
}

#[tokio::test]
async fn of_what_is_sensitive_nobody_is_asked() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    let procedure = sensitive_procedure(&app).await;
    let referral = refer(&app, &token, json!({"procedure": procedure})).await;
    let month = instant(&referral["created_at"]);
    let until = month + chrono::Months::new(1) + Time::days(30);
    for now in [Utc::now() + Time::days(29), until - Time::seconds(1)] {
        assert_eq!(round(&pool, now).await, NOTHING, "{now}");
        assert_eq!(to_follow(&app, &token).await, Vec::<Value>::new());
    }
    assert_eq!(round(&pool, until).await, Round { expired: 1, ..NOTHING }, "30 days after the latest that it may have been sent");
    assert_eq!(round(&pool, until + Time::days(500)).await, NOTHING);
    let whole = number(&database, "SELECT count(*) FROM handoff_event WHERE at <> date_trunc('month', at, 'UTC')").await;
    assert_eq!(whole, 0, "nor does the clock tell the day");
}

#[tokio::test]
async fn nodes_that_tick_at_once_act_once() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = json!({"items": vec![crate::referral_with(json!({})); 20]});
    assert_eq!(app.post("/v1/referrals/batch", &token, &body).await.status, 200);
    let nodes: Vec<Database> = (0..6).map(|_| storage(&database)).collect();
    for (days, all) in [
        (20, Round { reminders: 40, asked: 20, ..NOTHING }),
        (35, Round { expired: 20, asked: 20, ..NOTHING }),
        (50, Round { unknown: 20, ..NOTHING }),
    ] {
        let now = Utc::now() + Time::days(days);
        let told = join_all(nodes.iter().chain(&nodes).map(|node| tick(node, now))).await;
        let mut sum = NOTHING;
        for ticked in told {
            match ticked.unwrap() {
                Ticked::Done(round) => {
                    sum.reminders += round.reminders;
                    sum.expired += round.expired;
                    sum.asked += round.asked;
                    sum.unknown += round.unknown;
                }
                other => assert_eq!(other, Ticked::Elsewhere),
            }
        }
        // All twelve may have come while the service's own clock was at it.
        let rest = round(&nodes[0], now).await;
        sum = Round {
            reminders: sum.reminders + rest.reminders,
            expired: sum.expired + rest.expired,
            asked: sum.asked + rest.asked,
            unknown: sum.unknown + rest.unknown,
        };
        assert_eq!(sum, all, "{days}");
        assert_eq!(round(&nodes[1], now).await, NOTHING);
    }
    assert_eq!(number(&database, "SELECT count(*) FROM handoff_event").await, 40);
    assert_eq!(number(&database, "SELECT count(*) FROM outcome").await, 20);
}

#[tokio::test]
async fn a_clock_that_jumps_does_nothing() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    refer(&app, &token, json!({})).await;
    let before = kept(&database).await;
    for jump in [Time::days(40), Time::days(-40), Time::minutes(6), Time::minutes(-6), Time::days(4000)] {
        assert_eq!(agree(&pool, Utc::now() + jump).await.unwrap(), Ticked::Jumped, "{jump}");
    }
    assert_eq!(kept(&database).await, before);
    let agreed = eventually(Duration::from_secs(5), || async {
        agree(&pool, Utc::now() + Time::minutes(4)).await.unwrap() == Ticked::Done(NOTHING)
    });
    assert!(agreed.await);
    // Back in time, nothing is taken back.
    assert_eq!(round(&pool, Utc::now() + Time::days(15)).await.asked, 1);
    let asked = kept(&database).await;
    assert_eq!(round(&pool, Utc::now() - Time::days(400)).await, NOTHING);
    assert_eq!(kept(&database).await, asked);
}

#[tokio::test]
async fn the_list_shows_what_is_due_and_information_once_a_week() {
    let (app, database) = App::national().await;
    let (pool, token) = (storage(&database), app.token("mediator", "agent-1", "ours"));
    let stranger = app.token("mediator", "agent-1", "theirs");
    let warm = refer(&app, &token, json!({})).await;
    let information = refer(&app, &token, json!({"mode": "information"})).await;
    assert_eq!(to_follow(&app, &token).await, Vec::<Value>::new(), "nothing is due yet");
    // By now both are due.
    database.sql("UPDATE referral SET follow_up_due_at = now() - interval '1 minute'").await;
    let asked = eventually(Duration::from_secs(5), || async {
        round(&pool, Utc::now()).await;
        number(&database, "SELECT count(*) FROM referral WHERE follow_ups = 1").await == 2
    });
    assert!(asked.await);
    let listed = to_follow(&app, &token).await;
    let ids: Vec<&Value> = listed.iter().map(|item| &item["referral"]["id"]).collect();
    assert_eq!(
        (ids, &listed[0]["follow_ups"], &listed[0]["reminders"]),
        (vec![&warm["id"]], &json!(1), &json!(0)),
        "no nagging for information"
    );
    // What came due before Monday is on this week's list.
    database.sql("UPDATE referral SET follow_up_due_at = now() - interval '8 days'").await;
    let listed = to_follow(&app, &token).await;
    let ids: Vec<&Value> = listed.iter().map(|item| &item["referral"]["id"]).collect();
    assert_eq!(ids, [&information["id"], &warm["id"]]);
    let only = app.get_as("/v1/follow-ups?mode=information", &token).await.json();
    assert_eq!((only["items"].as_array().unwrap().len(), &only["items"][0]["referral"]["id"]), (1, &information["id"]));
    assert_eq!(to_follow(&app, &stranger).await, Vec::<Value>::new());
    let page = app.get_as("/v1/follow-ups?limit=1", &token).await.json();
    let next = app.get_as(&format!("/v1/follow-ups?limit=1&cursor={}", text(&page["next_cursor"])), &token).await.json();
    assert_eq!((&next["items"][0]["referral"]["id"], &next["next_cursor"]), (&warm["id"], &Value::Null));
    for referral in [&warm, &information] {
        report(&app, &token, referral, "resolved").await;
    }
    assert_eq!(to_follow(&app, &token).await, Vec::<Value>::new(), "whoever told is not asked again");
    let editor = app.token("structure_editor", "agent-2", "ours");
    assert_eq!(app.get_as("/v1/follow-ups", &editor).await.status, 403);
}

#[tokio::test]
async fn who_asks_for_another_link_is_on_the_list() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let place = places(&app, "france-services").await[0].clone();
    let referral = refer(&app, &token, json!({"target": place})).await;
    let secret = crate::target_link(&app, &token, &referral).await;
    assert_eq!(crate::submit(&app, "/s/renewals", &[("token", &secret)]).await.status, 200);
    let listed = eventually(Duration::from_secs(3), || async {
        let listed = to_follow(&app, &token).await;
        listed.first().is_some_and(|item| item["links_asked"] == json!([referral["handoffs"][0]["id"]]))
    });
    assert!(listed.await, "{:?}", to_follow(&app, &token).await);
    assert_eq!(tag(&app, &token, &referral).await, "W/\"1\"", "that changes no state");
}
