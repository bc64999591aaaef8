use std::time::Duration;

use aiguilleur_testkit::raw::{self, Raw};
use aiguilleur_testkit::{App, TestDatabase, eventually};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::join_all;
use serde_json::{Value, json};

const QUESTION: &str = "/v1/orientations?procedure=rsa&commune=35238";
/// More than the service has connections to its database.
const MANY: usize = 40;

fn referral() -> Value {
    json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"})
}

#[tokio::test]
async fn who_vanishes_leaves_no_transaction_open() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = referral();
    assert_eq!(app.post("/v1/referrals", &token, &body).await.status, 201);
    let posted = raw::post("/v1/referrals", &token, &body.to_string());
    // Nobody gets further than the middle of its transaction.
    let mut holder = AsyncPgConnection::establish(&database.url("postgres")).await.unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE referral").await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = Raw::connect(&app.address).await;
        client.write(&posted).await;
        clients.push(client);
    }
    let all_in = eventually(Duration::from_secs(10), || async { transactions(&database, "wait_event_type = 'Lock'").await > 1 });
    assert!(all_in.await, "several wait for the table");
    clients.into_iter().for_each(Raw::vanish);
    tokio::time::sleep(Duration::from_millis(300)).await;
    holder.batch_execute("COMMIT").await.unwrap();
    // What stayed open would do so until somebody else asks for that very connection, and nobody does but the directory, each second.
    let none_open = eventually(Duration::from_secs(3), || async { transactions(&database, "xact_start IS NOT NULL").await == 0 });
    assert!(none_open.await, "a transaction was left open");
    let answers = join_all((0..MANY).map(|_| app.post("/v1/referrals", &token, &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "the pool serves on");
}

/// The service's sessions that are in some state.
async fn transactions(database: &TestDatabase, state: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let mut watcher = AsyncPgConnection::establish(&database.url("postgres")).await.unwrap();
    let others = "datname = current_database() AND pid <> pg_backend_pid()";
    let sql = format!("SELECT count(*) AS count FROM pg_stat_activity WHERE {others} AND {state}");
    diesel::sql_query(sql).get_result::<Count>(&mut watcher).await.unwrap().count
}

#[tokio::test]
async fn who_closes_its_half_still_hears_the_answer() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    for (request, status) in [(raw::get(QUESTION), 200), (raw::post("/v1/referrals", &token, &referral().to_string()), 201)] {
        let mut client = Raw::connect(&app.address).await;
        client.write(&request).await;
        client.close_half().await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.head);
        assert!(serde_json::from_slice::<Value>(&answer.body).is_ok(), "whole");
        assert!(client.answer().await.is_none(), "and the connection ends");
    }
}

#[tokio::test]
async fn who_drips_a_body_is_cut_and_holds_nothing_up() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let whole = raw::post("/v1/referrals", &token, &referral().to_string());
    let (head, body) = whole.split_once('{').unwrap();
    let dripping = (0..MANY).map(|_| async {
        let mut client = Raw::connect(&app.address).await;
        client.write(&format!("{head}{{")).await;
        for byte in body.split("").filter(|byte| !byte.is_empty()).take(30) {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                answer = client.answer() => return answer,
            }
            client.write(byte).await;
        }
        None
    });
    let others = async {
        // When they all drip, and hold their connections.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(app.post("/v1/referrals", &token, &referral()).await.status, 201);
        assert_eq!(app.get(QUESTION).await.status, 200);
    };
    let (dripped, ()) = tokio::join!(join_all(dripping), others);
    for answer in dripped {
        let answer = answer.expect("cut before all of it came");
        assert_eq!(answer.status, 408, "{}", answer.head);
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["type"], "/problems/request-timeout");
        assert!(answer.says("connection", "close"), "{}", answer.head);
    }
}

#[tokio::test]
async fn who_is_silent_stops_nobody() {
    let (app, _database) = App::national().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut client = Raw::connect(&app.address).await;
        client.write(&raw::get("/v1/procedures/rsa")).await;
        assert_eq!(client.answer().await.map(|answer| answer.status), Some(200));
        idle.push(client);
    }
    let _mute = join_all((0..100).map(|_| Raw::connect(&app.address))).await;
    assert_eq!(app.get(QUESTION).await.status, 200);
    for client in &mut idle {
        client.write(&raw::get("/v1/procedures/rsa")).await;
        assert_eq!(client.answer().await.map(|answer| answer.status), Some(200), "each is still open");
    }
}

#[tokio::test]
async fn a_crowd_is_refused_at_once_and_the_operator_is_not() {
    let database = TestDatabase::clone_of(aiguilleur_testkit::NATIONAL).await;
    // Sent at once on one connection, they arrive in one round of one worker.
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_CROWD", "8")]);
    let mut client = Raw::connect(&app.address).await;
    let mut seen = (0, 0);
    for _ in 0..20 {
        client.write(&raw::get(QUESTION).repeat(16)).await;
        let operator = app.get("/health/ready").await;
        assert_eq!(operator.status, 200, "{}", operator.text);
        for _ in 0..16 {
            let answer = client.answer().await.expect("everybody is answered, on a connection that stays");
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            match answer.status {
                200 => seen.0 += 1,
                503 => {
                    seen.1 += 1;
                    assert_eq!(problem["type"], "/problems/overloaded");
                    assert!(answer.says("retry-after", "1\r\n"), "{}", answer.head);
                    assert!(answer.says("x-request-id", problem["request_id"].as_str().unwrap()), "{}", answer.head);
                }
                other => panic!("{other}: {problem}"),
            }
        }
    }
    assert!(seen.0 > 0 && seen.1 > 0, "answered {}, refused {}", seen.0, seen.1);
    let refused = format!("http_requests_refused_total {}\n", seen.1);
    assert!(app.get("/metrics").await.text.contains(&refused), "counted: {refused}");
    // And it passes.
    assert!(eventually(Duration::from_secs(5), || async { app.get(QUESTION).await.status == 200 }).await);
}
