use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase};
use chrono::{Duration, SecondsFormat, Utc};
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(app: &App, body: Value) -> Answer {
    app.send(Method::POST, "/v1/deadlines", &[], Some(&body)).await
}

/// A service with the catalogue, without communes.
async fn catalogue() -> (App, TestDatabase) {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    (App::on(&database, "none"), database)
}

#[tokio::test]
async fn the_last_day_is_told_and_how_it_was_counted() {
    let (app, _database) = catalogue().await;
    let answer = ask(&app, json!({"procedure": "rsa", "notified_on": "2026-09-22"})).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{}", answer.text);
    let answer = answer.json();
    assert_eq!(answer["procedure"]["slug"], "rsa");
    assert!(answer["decision"].is_null());
    assert_eq!(answer["notified_on"], "2026-09-22");
    let first = &answer["deadlines"][0];
    for key in ["body", "deadline", "from", "last_day", "last_instant", "counted", "label", "past", "compulsory", "effect", "law"] {
        assert!(first.get(key).is_some(), "{key}");
    }
    assert_eq!((first["deadline"].as_str(), first["from"].as_str()), (Some("P2M"), Some("notification")));
    assert_eq!((first["last_day"].as_str(), first["counted"].as_str()), (Some("2026-11-23"), Some("calendar")));
    assert!(first["label"].as_str().unwrap().contains("finissait le dimanche 22 novembre 2026"), "{first}");
    assert!(answer["advice"].as_str().unwrap().contains("R421-7"), "delays of distance are mentioned");
    // The court comes after the first answer: from when, but no day yet.
    let next = &answer["deadlines"][1];
    assert_eq!((next["from"].as_str(), next["last_day"].is_null(), next["counted"].is_null()), (Some("previous_step"), true, true));
    let body = json!({"procedure": "rsa", "notified_on": "2026-09-22"});
    let english = app.send(Method::POST, "/v1/deadlines", &[("Accept-Language", "en")], Some(&body)).await.json();
    assert!(english["deadlines"][0]["label"].as_str().unwrap().contains("Monday 23 November 2026"), "{english}");
}

#[tokio::test]
async fn hours_days_and_months_depend_on_the_decision() {
    let (app, _database) = catalogue().await;
    let count =
        |decision: &'static str, on: String| ask(&app, json!({"procedure": "oqtf-recours", "decision": decision, "notified_on": on}));
    let noon = Utc::now() - Duration::hours(3);
    let exact = count("retention", noon.to_rfc3339_opts(SecondsFormat::Secs, true)).await.json();
    let first = &exact["deadlines"][0];
    assert_eq!(
        (first["deadline"].as_str(), first["counted"].as_str(), first["past"].as_bool()),
        (Some("PT48H"), Some("hours"), Some(false))
    );
    let last: chrono::DateTime<Utc> = first["last_instant"].as_str().unwrap().parse().unwrap();
    assert!([47, 48].contains(&(last - noon).num_hours()), "48 hours, or an hour less when clocks change: {first}");
    let safe = count("retention", "2026-11-20".to_owned()).await.json();
    assert_eq!(safe["deadlines"][0]["last_instant"], "2026-11-21T23:00:00Z", "from the first hour of that day in Paris");
    assert_eq!(safe["deadlines"][0]["last_day"], "2026-11-21");
    assert!(safe["advice"].as_str().unwrap().contains("Les heures comptent"));
    // A week later is a Sunday: not moved.
    assert_eq!(count("assignation", "2026-11-15".to_owned()).await.json()["deadlines"][0]["last_day"], "2026-11-22");
    let free = count("libre", "2026-10-12".to_owned()).await.json();
    assert_eq!((free["deadlines"][0]["last_day"].as_str(), free["deadlines"][0]["counted"].as_str()), (Some("2026-11-13"), Some("franc")));
    assert_eq!(free["decision"]["slug"], "libre");
}

#[tokio::test]
async fn local_holidays_count_where_the_person_lives() {
    let (app, _database) = App::national().await;
    // 3 April 2026 is Good Friday, kept in Strasbourg and not in Rennes.
    let last_day = async |commune: &str| {
        let answer = ask(&app, json!({"procedure": "rsa", "notified_on": "2026-02-03", "commune": commune})).await.json();
        answer["deadlines"][0].clone()
    };
    let (strasbourg, rennes) = (last_day("67482").await, last_day("35238").await);
    assert_eq!((strasbourg["last_day"].as_str(), rennes["last_day"].as_str()), (Some("2026-04-07"), Some("2026-04-03")));
    assert!(strasbourg["label"].as_str().unwrap().contains("jour férié local"), "{strasbourg}");
    assert_eq!(ask(&app, json!({"procedure": "rsa", "notified_on": "2026-02-03", "commune": "35999"})).await.status, 422);
}

#[tokio::test]
async fn what_is_past_says_so_and_whom_to_see() {
    let (app, _database) = catalogue().await;
    let answer = ask(&app, json!({"procedure": "rsa", "notified_on": "2025-01-06"})).await.json();
    assert_eq!(answer["deadlines"][0]["past"], true);
    assert!(answer["deadlines"][0]["label"].as_str().unwrap().contains("ce délai est passé"));
    assert!(answer["advice"].as_str().unwrap().starts_with("Un délai est passé"), "{answer}");
}

#[tokio::test]
async fn bad_questions_are_told_what_is_allowed() {
    let (app, _database) = catalogue().await;
    let ahead = (Utc::now() + Duration::days(2)).date_naive().to_string();
    for (body, status, pointer) in [
        (json!({}), 422, "/procedure"),
        (json!({"procedure": "rsa"}), 422, "/notified_on"),
        (json!({"procedure": "rsaa", "notified_on": "2026-09-22"}), 422, "/procedure"),
        (json!({"procedure": "rsa", "notified_on": ahead}), 422, "/notified_on"),
        (json!({"procedure": "rsa", "notified_on": "2001-01-01"}), 422, "/notified_on"),
        (json!({"procedure": "rsa", "notified_on": "22/09/2026"}), 400, "/notified_on"),
        (json!({"procedure": "rsa", "notified_on": "2026-02-30"}), 400, "/notified_on"),
        (json!({"procedure": "rsa", "notified_on": 20_260_922}), 400, "/notified_on"),
        (json!({"procedure": "rsa", "decision": "indu-rsa", "notified_on": "2026-09-22"}), 422, "/decision"),
        (json!({"procedure": "oqtf-recours", "notified_on": "2026-09-22"}), 422, "/decision"),
        (json!({"procedure": "oqtf-recours", "decision": "autre", "notified_on": "2026-09-22"}), 422, "/decision"),
        (json!({"procedure": "oqtf-recours", "decision": 1, "notified_on": "2026-09-22"}), 400, "/decision"),
        (json!({"procedure": "rsa", "notified_on": "2026-09-22", "name": "x"}), 400, "/name"),
    ] {
        let answer = ask(&app, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}: {}", answer.text);
    }
    let missing = ask(&app, json!({"procedure": "oqtf-recours", "notified_on": "2026-09-22"})).await.json();
    assert_eq!(missing["errors"][0]["allowed"], json!(["retention", "assignation", "libre"]));
}

#[tokio::test]
async fn a_time_limit_that_nobody_verified_is_not_counted() {
    let (app, _database) = catalogue().await;
    let (mut counted, mut refused) = (0, 0);
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/v1/procedures?limit=100{cursor}")).await.json();
        for procedure in page["items"].as_array().unwrap() {
            let stages = procedure["escalation"]["appeal"].as_array().unwrap();
            let begins = |stage: &&Value| stage["deadline"].is_string() && stage["from"] != "previous_step";
            let of_any = stages.iter().find(|stage| begins(stage));
            let decision = of_any.map_or(&Value::Null, |stage| &stage["against"]["slug"]);
            let answer = ask(&app, json!({"procedure": procedure["slug"], "decision": decision, "notified_on": "2026-10-01"})).await;
            if of_any.is_some() && !(decision.is_null() && stages.iter().any(|stage| stage["against"].is_object())) {
                assert_eq!(answer.status, 200, "{procedure}: {}", answer.text);
                counted += 1;
            } else if answer.status != 200 && answer.json()["errors"].is_null() {
                assert_eq!(answer.json()["type"], "/problems/deadline-not-verified", "{}", answer.text);
                refused += 1;
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(counted > 50 && refused > 50, "{counted} counted, {refused} refused");
    assert_eq!(app.get("/problems/deadline-not-verified").await.status, 200);
}
