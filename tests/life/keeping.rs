use std::collections::BTreeMap;
use std::time::Duration;

use aiguilleur_domain::privacy::month_of;
use aiguilleur_jobs::retention::{Forgotten, foresee, forget};
use aiguilleur_storage::Database;
use aiguilleur_testkit::{App, NATIONAL, TestDatabase, binary};
use chrono::{DateTime, Months, NaiveDate, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    ITS_TABLES, RENNES, arrive, dump, holding, kept, number, path, refer, report, sensitive_procedure, storage, submit, target_link, text,
    transition,
};

/// Whatever a text may say of somebody.
const WORDS: [&str; 5] = ["dossier-812", "vient de la part de sa fille", "parle surtout breton", "agent-de-bruz", "cle-de-bruz"];

async fn forgotten(pool: &Database, now: DateTime<Utc>) -> Forgotten {
    for _ in 0..100 {
        if let Some(forgotten) = forget(pool, now).await.unwrap() {
            return forgotten;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("another node never ends");
}

fn instant(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

/// A service that keeps notes, and a referral with all that may hang on one.
async fn lived() -> (App, TestDatabase, String, Value) {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_NOTES", "true")]);
    let token = app.token("mediator", "agent-de-bruz", "ours");
    let authorization = format!("Bearer {token}");
    let structure = crate::places(&app, "france-services").await[0].clone();
    let body = crate::referral_with(json!({
        "person_ref": "dossier-812", "note": "vient de la part de sa fille", "orientation_id": uuid::Uuid::new_v4(), "rank": 2,
        "made_at_structure": structure["id"], "moment": "reception", "help_kinds": ["form"], "constraints": ["distance"], "minutes_spent": 25,
        "repeat": "same", "setting": "individual", "reason": "no_capacity",
    }));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "cle-de-bruz")];
    let referral = app.send(Method::POST, "/v1/referrals", &headers, Some(&body)).await;
    assert_eq!(referral.status, 201, "{}", referral.text);
    let referral = referral.json();
    target_link(&app, &token, &referral).await;
    let noted = json!({"to": "declined", "reason": "other", "note": "parle surtout breton"});
    assert_eq!(transition(&app, &token, &referral, 0, &noted, Some("*")).await.status, 200);
    let arrival = json!({"code": referral["code"], "at": structure, "onward": {"type": "institution", "id": "cpam"}});
    assert_eq!(app.post("/v1/arrivals", &token, &arrival).await.status, 201);
    let outcome = json!({"outcome": "resolved", "reason": "other", "note": "vient de la part de sa fille"});
    assert_eq!(app.post(&format!("{}/outcomes", path(&referral)), &token, &outcome).await.status, 201);
    let referral = app.get_as(&path(&referral), &token).await.json();
    (app, database, token, referral)
}

/// Every date and instant in the rows of referrals.
fn instants(kept: &BTreeMap<String, Vec<String>>) -> Vec<(String, String, DateTime<Utc>)> {
    let mut found = Vec::new();
    for (table, rows) in kept {
        for row in rows {
            for (column, value) in serde_json::from_str::<Value>(row).unwrap().as_object().unwrap() {
                let Some(value) = value.as_str() else { continue };
                let day = || value.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|midnight| midnight.and_utc());
                if let Some(instant) = value.parse::<DateTime<Utc>>().ok().or_else(day) {
                    found.push((table.clone(), column.clone(), instant));
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn texts_go_six_months_after_the_end() {
    let (app, database, token, referral) = lived().await;
    let pool = storage(&database);
    let open = refer(&app, &token, json!({"person_ref": "dossier-813"})).await;
    let closed = database.query("SELECT to_jsonb(closed_at) #>> '{}' AS line FROM referral WHERE closed_at IS NOT NULL").await[0].clone();
    let due = closed.parse::<DateTime<Utc>>().unwrap() + Months::new(6);
    assert_eq!(forgotten(&pool, due - chrono::Duration::seconds(1)).await.wiped, 0);
    assert_eq!(foresee(&pool, due).await.unwrap().wiped, 1);
    assert_eq!(forgotten(&pool, due).await.wiped, 1);
    assert_eq!(forgotten(&pool, due).await.wiped, 0, "once");
    let whole = dump(&database).await;
    for gone in ["dossier-812", "vient de la part de sa fille", "parle surtout breton"] {
        assert_eq!(holding(&whole, gone), Vec::<&str>::new(), "{gone}");
    }
    assert_eq!(holding(&whole, "dossier-813"), ["referral"], "that one is open");
    let seen = app.get_as(&path(&referral), &token).await.json();
    for key in ["code", "commune", "minutes_spent", "status", "created_at"] {
        assert_eq!(seen[key], referral[key], "{key} stays");
    }
    assert_eq!((&seen["handoffs"][0]["events"][1]["reason"], &seen["outcomes"][0]["outcome"]), (&json!("other"), &json!("resolved")));
    // What never ends is kept no longer than anything else.
    let last = month_of(instant(&open["created_at"])) + Months::new(24);
    forgotten(&pool, last).await;
    assert_eq!(holding(&dump(&database).await, "dossier-813"), Vec::<&str>::new());
}

#[tokio::test]
async fn before_two_years_it_is_made_anonymous() {
    let (app, database, token, referral) = lived().await;
    let pool = storage(&database);
    let own = async || app.get_as("/v1/stats/referrals?group_by=procedure", &token).await.json();
    let figures = own().await;
    let born = instant(&referral["created_at"]);
    let due = month_of(born) + Months::new(24);
    assert!(due <= born + Months::new(24));
    assert_eq!(forgotten(&pool, due - chrono::Duration::seconds(1)).await.anonymised, 0);
    let before = dump(&database).await;
    assert_eq!(foresee(&pool, due).await.unwrap(), Forgotten { wiped: 0, anonymised: 1, keys: 0 });
    assert_eq!(dump(&database).await, before, "foreseeing changes nothing");
    assert_eq!(forgotten(&pool, due).await.anonymised, 1);

    // No identity, and nothing that leads back.
    let whole = dump(&database).await;
    let own_ids = referral["handoffs"].as_array().unwrap().iter().map(|one| text(&one["id"]));
    let reports = referral["outcomes"].as_array().unwrap().iter().map(|one| text(&one["id"]));
    let code = text(&referral["code"]);
    for gone in WORDS.into_iter().chain(own_ids).chain(reports).chain([text(&referral["id"]), code, text(&referral["orientation_id"])]) {
        assert_eq!(holding(&whole, gone), Vec::<&str>::new(), "{gone}");
    }
    let digest = &database.query(&format!("SELECT encode(sha256('{code}'), 'hex') AS line")).await[0];
    assert_eq!(holding(&whole, digest), Vec::<&str>::new());
    let left = kept(&database).await;
    for (table, rows) in
        [("referral", 1), ("handoff", 3), ("handoff_event", 5), ("outcome", 1), ("idempotency", 0), ("outbox", 0), ("referral_link", 0)]
    {
        assert_eq!(left[table].len(), rows, "{table}");
    }
    // Nothing tells when within the month.
    let told = instants(&left);
    assert!(told.len() > 10, "{told:?}");
    for (table, column, instant) in told {
        assert_eq!(instant, month_of(instant), "{table}.{column}");
    }
    assert!(!left["referral"][0].contains(RENNES) && left["referral"][0].contains("243500139"), "its intercommunality for its commune");
    assert_eq!(number(&database, "SELECT count(*) FROM referral WHERE made_at_structure IS NULL AND follow_up_due_at IS NULL").await, 1);
    // It counts still.
    assert_eq!(own().await, figures);
    assert_eq!(app.get_as(&path(&referral), &token).await.status, 404);
    assert_eq!(app.get(&format!("/c/{code}")).await.status, 404);
    assert_eq!(arrive(&app, &token, code, &json!({"type": "institution", "id": "caf"})).await.status, 404);
    let anonymous = left.clone();
    assert_eq!(forgotten(&pool, due + Months::new(240)).await, Forgotten::default(), "it is done once");
    assert_eq!(kept(&database).await, anonymous);
}

#[tokio::test]
async fn an_author_has_another_name_each_month() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let app = App::on(&database, "demo");
    let (one, other) = (app.token("mediator", "agent-de-bruz", "ours"), app.token("mediator", "agent-de-rennes", "ours"));
    for token in [&one, &one, &one, &other] {
        refer(&app, token, json!({})).await;
    }
    database
        .sql(
            "UPDATE referral SET created_at = created_at - interval '2 months', occurred_at = occurred_at - interval '2 months' \
             WHERE id IN (SELECT id FROM referral WHERE created_by = 'agent-de-bruz' ORDER BY id LIMIT 1)",
        )
        .await;
    forgotten(&storage(&database), Utc::now() + Months::new(30)).await;
    let by_month = "SELECT concat_ws(' ', to_char(created_at, 'YYYY-MM'), count(*), count(DISTINCT created_by)) AS line FROM referral GROUP BY to_char(created_at, 'YYYY-MM') ORDER BY 1";
    let named: Vec<String> = database.query(by_month).await.iter().map(|line| line[8..].to_owned()).collect();
    assert_eq!(named, ["1 1", "3 2"]);
    assert_eq!(number(&database, "SELECT count(DISTINCT created_by) FROM referral").await, 3, "no name runs through the months");
    assert_eq!(holding(&dump(&database).await, "agent-de-"), Vec::<&str>::new());
}

#[tokio::test]
async fn the_order_of_anonymous_rows_tells_nothing() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = json!({"items": (0..60).map(|number| crate::referral_with(json!({"minutes_spent": number}))).collect::<Vec<_>>()});
    assert_eq!(app.post("/v1/referrals/batch", &token, &body).await.status, 200);
    forgotten(&storage(&database), Utc::now() + Months::new(30)).await;
    for order in ["ctid", "id", "code"] {
        let minutes = database.query(&format!("SELECT minutes_spent::text AS line FROM referral ORDER BY {order}")).await;
        let rising = minutes.windows(2).filter(|pair| pair[0].parse::<i32>().unwrap() < pair[1].parse::<i32>().unwrap()).count();
        assert!((10..50).contains(&rising), "by {order} they stand as they were recorded: {minutes:?}");
    }
}

#[tokio::test]
async fn the_command_line_foresees_then_does() {
    let (_app, database, _token, _referral) = lived().await;
    let aged = |table: &str, columns: &[&str]| {
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = {column} - interval '3 years'")).collect();
        format!("UPDATE {table} SET {};", set.join(", "))
    };
    let past = [
        aged("referral", &["created_at", "occurred_at", "closed_at"]),
        aged("handoff", &["created_at", "changed_at"]),
        aged("handoff_event", &["at"]),
        aged("outcome", &["reported_at"]),
    ];
    database.sql(&past.concat()).await;
    let before = dump(&database).await;
    let url = database.url("postgres");
    let run = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let output = binary(&["retention", "--database-url", &url]).args(arguments).arg("--data-dir").arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let foreseen = run(&["--dry-run"]);
    assert!(foreseen.contains("effacer : 1 ") && foreseen.contains("anonymes : 1 ") && !foreseen.contains("fait)"), "{foreseen}");
    assert_eq!(dump(&database).await, before, "nothing has changed");
    let done = run(&[]);
    assert!(done.contains("anonymes : 1 ") && done.contains("(fait)"), "{done}");
    let whole = dump(&database).await;
    for gone in WORDS {
        assert_eq!(holding(&whole, gone), Vec::<&str>::new(), "{gone}");
    }
    assert!(run(&["--dry-run"]).contains("anonymes : 0 "));
}

#[tokio::test]
async fn whoever_holds_the_code_erases_it_all() {
    let (app, database, token, referral) = lived().await;
    let (code, id) = (text(&referral["code"]), text(&referral["id"]));
    let other = refer(&app, &token, json!({})).await;
    let page = app.get(&format!("/c/{code}/erase")).await;
    assert_eq!(page.status, 200);
    assert!(!kept(&database).await["outcome"].is_empty(), "asking whether one is sure erases nothing");
    assert_eq!(submit(&app, &format!("/c/{code}/erase"), &[]).await.status, 200);
    let whole = dump(&database).await;
    let attempts = referral["handoffs"].as_array().unwrap().iter().map(|one| text(&one["id"]));
    for gone in ["dossier-812", "de la part de sa fille", "surtout breton", "cle-de-bruz", code, id].into_iter().chain(attempts) {
        assert_eq!(holding(&whole, gone), Vec::<&str>::new(), "{gone}");
    }
    let left: Vec<usize> = ITS_TABLES.iter().map(|table| whole[*table].len()).collect();
    assert_eq!(left, [1, 1, 1, 0, 1, 0, 0], "the other one's");
    assert_eq!(app.get_as(&path(&referral), &token).await.status, 404);
    assert_eq!(app.get(&format!("/c/{code}")).await.status, 404);
    assert_eq!(submit(&app, &format!("/c/{code}/erase"), &[]).await.status, 404);
    assert_eq!(app.get_as(&path(&other), &token).await.status, 200);
}

#[tokio::test]
async fn the_export_holds_all_but_the_agent() {
    let (app, database, _token, referral) = lived().await;
    let code = text(&referral["code"]);
    let answer = app.get(&format!("/c/{code}/data.json")).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert!(answer.header("content-disposition").starts_with("attachment"));
    assert!(!answer.text.contains("agent-de-bruz"), "who recorded it is somebody else's datum");
    let exported = answer.json();
    for key in [
        "code",
        "procedure",
        "commune",
        "departement",
        "mode",
        "status",
        "moment",
        "reason",
        "help_kinds",
        "setting",
        "repeat",
        "constraints",
        "minutes_spent",
        "person_ref",
        "note",
        "made_at_structure",
        "occurred_at",
        "created_at",
        "follow_up_due_at",
    ] {
        assert_eq!(exported[key], referral[key], "{key}");
    }
    let row: Value = serde_json::from_str(&kept(&database).await["referral"][0]).unwrap();
    assert_eq!(exported["epci"], row["epci"]);
    assert_eq!(instant(&exported["closed_at"]), instant(&row["closed_at"]));
    for (attempt, known) in exported["attempts"].as_array().unwrap().iter().zip(referral["handoffs"].as_array().unwrap()) {
        for key in ["mode", "status", "expected_on"] {
            assert_eq!(attempt[key], known[key], "{key}");
        }
        assert_eq!((&attempt["target"]["type"], &attempt["target"]["id"]), (&known["target"]["type"], &known["target"]["id"]));
        for (change, event) in attempt["changes"].as_array().unwrap().iter().zip(known["events"].as_array().unwrap()) {
            for (key, same) in [("at", "at"), ("by", "actor"), ("from", "from"), ("to", "to"), ("reason", "reason"), ("note", "note")] {
                assert_eq!(change[key], event[same], "{key}");
            }
        }
        assert_eq!(attempt["changes"].as_array().unwrap().len(), known["events"].as_array().unwrap().len());
    }
    assert_eq!(exported["attempts"].as_array().unwrap().len(), 3);
    for (told, known) in exported["outcomes"].as_array().unwrap().iter().zip(referral["outcomes"].as_array().unwrap()) {
        for key in ["outcome", "reported_by", "reason", "note", "reported_at"] {
            assert_eq!(told[key], known[key], "{key}");
        }
    }
    assert_eq!(exported["outcomes"].as_array().unwrap().len(), 1);
}

/// Every column that is kept and means something of the person is in what they download.
#[tokio::test]
async fn the_export_leaves_out_no_column() {
    let (app, database, _token, referral) = lived().await;
    let exported = app.get(&format!("/c/{}/data.json", text(&referral["code"]))).await.text;
    // Whose it is and who wrote it down, what only the machine counts, and names of rows.
    let apart = ["id", "organisation_id", "created_by", "version", "wiped", "anonymised"];
    let row: Value = serde_json::from_str(&kept(&database).await["referral"][0]).unwrap();
    let missing: Vec<&String> = row
        .as_object()
        .unwrap()
        .iter()
        .filter(|(column, value)| !value.is_null() && !apart.contains(&column.as_str()))
        .filter(|(column, _)| !exported.contains(&format!("\"{}\"", if *column == "orientation_rank" { "rank" } else { column })))
        .map(|(column, _)| column)
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[tokio::test]
async fn of_a_sensitive_one_every_instant_is_its_months_first() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let procedure = sensitive_procedure(&app).await;
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "key-1")];
    let body = crate::referral_with(json!({"procedure": procedure, "orientation_id": uuid::Uuid::new_v4()}));
    let referral = app.send(Method::POST, "/v1/referrals", &headers, Some(&body)).await.json();
    target_link(&app, &token, &referral).await;
    assert_eq!(transition(&app, &token, &referral, 0, &json!({"to": "accepted"}), Some("*")).await.status, 200);
    assert_eq!(transition(&app, &token, &referral, 0, &json!({"to": "cancelled", "reason": "hours_wrong"}), Some("*")).await.status, 200);
    let arrival = json!({"code": referral["code"], "at": {"type": "institution", "id": "cpam"}});
    assert_eq!(app.send(Method::POST, "/v1/arrivals", &headers[..1], Some(&arrival)).await.status, 201);
    report(&app, &token, &referral, "resolved").await;
    let left = kept(&database).await;
    let told = instants(&left);
    assert!(told.len() >= 12, "{told:?}");
    for (table, column, instant) in told {
        assert_eq!(instant, month_of(instant), "{table}.{column}");
    }
    assert_eq!(holding(&left, RENNES), Vec::<&str>::new());
    // And nothing elsewhere tells the day.
    let today = Utc::now().format("%Y-%m-%d").to_string();
    if !today.ends_with("-01") {
        let new: BTreeMap<String, Vec<String>> =
            dump(&database).await.into_iter().filter(|(_, rows)| rows.iter().any(|row| row.contains(text(&referral["id"])))).collect();
        assert_eq!(holding(&new, &today), Vec::<&str>::new());
    }
}
