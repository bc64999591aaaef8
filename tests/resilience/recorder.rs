use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aiguilleur_domain::referral::{Actor, HandoffStatus, Mode, TargetType};
use aiguilleur_jobs::recorder::{Recorder, keep_recording, recorder};
use aiguilleur_storage::handoffs::Target;
use aiguilleur_storage::organisations::Organisations;
use aiguilleur_storage::referrals::{self, Entry, Filter, Handoff, Key, Recorded, Referral};
use aiguilleur_storage::{Database, Scope, Scoped, StorageError, scoped};
use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};
use chrono::{DateTime, Utc};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

fn entry(organisation: Uuid, key: Option<&str>) -> Entry {
    let now = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
    let target = Target { r#type: TargetType::Institution, id: "caf".to_owned(), kind: "institution".to_owned() };
    let handoff = Handoff::born(target, Mode::Warm, HandoffStatus::Sent, Actor::Mediator, now);
    let referral = Referral {
        id: Uuid::new_v4(),
        code: referrals::new_code().to_string(),
        procedure: "rsa".to_owned(),
        sensitive: false,
        commune: Some("35238".to_owned()),
        epci: None,
        departement: "35".to_owned(),
        mode: Mode::Warm,
        status: HandoffStatus::Sent,
        orientation_id: None,
        orientation_rank: Some(1),
        moment: None,
        reason: None,
        help_kinds: Vec::new(),
        setting: None,
        repeat: None,
        constraints: Vec::new(),
        minutes_spent: None,
        person_ref: Some("« 12\\\" »".to_owned()),
        note: None,
        made_at_structure: None,
        occurred_at: now,
        created_at: now,
        follow_up_due_at: None,
        follow_ups: 0,
        closed_at: None,
        version: 1,
        handoffs: vec![handoff],
        outcomes: Vec::new(),
    };
    let key = key.map(|key| Key { key: key.to_owned(), request_digest: "one".to_owned(), kept_until: now.date_naive() });
    Entry { organisation, subject: "agent-1".to_owned(), referral, key }
}

/// The database refuses it: no such procedure.
fn poisoned(organisation: Uuid) -> Entry {
    let mut entry = entry(organisation, None);
    "no-such".clone_into(&mut entry.referral.procedure);
    entry
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn lines(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(connection).await.unwrap();
    lines.into_iter().map(|row| row.line).collect()
}

/// Behind the service's back.
async fn seen_by_all(database: &TestDatabase, sql: &str) -> Vec<String> {
    lines(&mut AsyncPgConnection::establish(&database.url("postgres")).await.unwrap(), sql).await
}

/// Everything on record but the ids drawn while writing; instants and keys included.
async fn on_record(database: &TestDatabase) -> Vec<String> {
    let sql = "SELECT row_to_json(r)::text AS line FROM referral r UNION ALL SELECT row_to_json(h)::text FROM handoff h \
        UNION ALL SELECT row_to_json(i)::text FROM idempotency i \
        UNION ALL SELECT format('%s %s %s %s %s %s', handoff_id, referral_id, organisation_id, at, actor, to_status) FROM handoff_event \
        UNION ALL SELECT format('%s %s %s %s', organisation_id, referral_id, topic, attempts) FROM outbox ORDER BY line";
    seen_by_all(database, sql).await
}

async fn two_organisations(pool: &Database) -> [Uuid; 2] {
    let organisations = Organisations::of(pool.clone());
    [organisations.ensure("ours").await.unwrap(), organisations.ensure("theirs").await.unwrap()]
}

/// A recorder at work on a database until the sender is dropped.
fn at_work(pool: &Database) -> (Recorder, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (recorder, queue) = recorder();
    let (stop, told) = tokio::sync::oneshot::channel();
    (recorder, stop, tokio::spawn(keep_recording(queue, pool.clone(), told)))
}

/// Drawn sequences of entries, with few keys: recorded together they leave what they leave one after the other, and the same is told.
#[tokio::test]
async fn together_is_as_alone() {
    let (together, alone) = (TestDatabase::clone_of(TEMPLATE).await, TestDatabase::clone_of(TEMPLATE).await);
    let pools = [Database::new(&together.url("postgres"), 2).unwrap(), Database::new(&alone.url("postgres"), 2).unwrap()];
    // The same ids on both sides.
    let organisations: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    for database in [&together, &alone] {
        for (number, id) in organisations.iter().enumerate() {
            database.sql(&format!("INSERT INTO organisation (id, slug) VALUES ('{id}', 'organisation-{number}')")).await;
        }
    }
    let mut drawn = fastrand::Rng::with_seed(20_261_122);
    let (mut created, mut known, mut reused) = (0, 0, 0);
    for round in 0..60 {
        let entries: Vec<Entry> = (0..drawn.usize(1..=12))
            .map(|_| {
                let key = drawn.bool().then(|| format!("key-{}", drawn.u8(0..6) + round / 6 * 3));
                let mut entry = entry(*drawn.choice(&organisations).unwrap(), key.as_deref());
                entry.subject = format!("agent-{}", drawn.u8(0..2));
                if drawn.u8(0..4) == 0
                    && let Some(key) = &mut entry.key
                {
                    "another".clone_into(&mut key.request_digest);
                }
                if drawn.bool() {
                    entry.referral.mode = Mode::Information;
                }
                entry
            })
            .collect();
        let mut transaction = Scoped::open(&pools[0]).await.unwrap();
        let told = referrals::record(&mut transaction, &entries.iter().collect::<Vec<_>>()).await.unwrap();
        transaction.commit().await.unwrap();
        let mut told_alone = Vec::new();
        for entry in &entries {
            let mut transaction = Scoped::open(&pools[1]).await.unwrap();
            told_alone.extend(referrals::record(&mut transaction, &[entry]).await.unwrap());
            transaction.commit().await.unwrap();
        }
        assert_eq!(told, told_alone, "round {round}: {entries:?}");
        for one in told {
            *match one {
                Recorded::Created => &mut created,
                Recorded::Known(_) => &mut known,
                Recorded::KeyReused => &mut reused,
            } += 1;
        }
    }
    assert!(created > 50 && known > 10 && reused > 10, "too little was tried: {created} {known} {reused}");
    assert_eq!(on_record(&together).await, on_record(&alone).await);
}

#[tokio::test]
async fn a_batch_of_several_organisations_keeps_them_apart() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 2).unwrap();
    let [ours, theirs] = two_organisations(&pool).await;
    let (one, other) = (entry(ours, Some("key")), entry(theirs, Some("key")));
    let mut transaction = Scoped::open(&pool).await.unwrap();
    assert_eq!(referrals::record(&mut transaction, &[&one, &other]).await.unwrap(), [Recorded::Created, Recorded::Created]);
    for (scope, own, foreign) in [(ours, &one, &other), (theirs, &other, &one)] {
        // In the very transaction that wrote both.
        transaction.enter(Scope::Organisation(scope)).await.unwrap();
        assert_eq!(referrals::find(&mut transaction, own.referral.id).await.unwrap().as_ref(), Some(&own.referral));
        assert_eq!(referrals::find(&mut transaction, foreign.referral.id).await.unwrap(), None);
        assert_eq!(referrals::list(&mut transaction, &Filter::default(), 10).await.unwrap().len(), 1);
    }
    transaction.enter(Scope::System).await.unwrap();
    assert_eq!(referrals::list(&mut transaction, &Filter::default(), 10).await.unwrap().len(), 2);
    transaction.enter(Scope::Organisation(ours)).await.unwrap();
    assert_eq!(referrals::list(&mut transaction, &Filter::default(), 10).await.unwrap().len(), 1, "nothing of the scope before remains");
    transaction.commit().await.unwrap();
    let mut unscoped = Scoped::open(&pool).await.unwrap();
    assert_eq!(referrals::list(&mut unscoped, &Filter::default(), 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_refused_harms_no_neighbour() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 4).unwrap();
    let [ours, theirs] = two_organisations(&pool).await;
    let (recorder, _stop, _task) = at_work(&pool);
    let entries: Vec<Entry> = (0..100)
        .map(|number| match number % 25 {
            7 => poisoned(ours),
            number if number % 2 == 0 => entry(theirs, None),
            number => entry(ours, Some(&format!("key-{number}"))),
        })
        .collect();
    // All wait before the first is taken: this test has one thread.
    let told = join_all(entries.iter().map(|entry| recorder.record(entry.clone()))).await;
    let keys: BTreeSet<&str> = entries.iter().filter_map(|entry| Some(entry.key.as_ref()?.key.as_str())).collect();
    for (entry, told) in entries.iter().zip(&told) {
        match told {
            Err(StorageError::Query(_)) => assert_eq!(entry.referral.procedure, "no-such"),
            Ok(Recorded::Created | Recorded::Known(_)) => assert_eq!(entry.referral.procedure, "rsa"),
            other => panic!("{other:?}"),
        }
    }
    let without_key = entries.iter().filter(|entry| entry.key.is_none() && entry.referral.procedure == "rsa").count();
    let created = told.iter().filter(|told| matches!(told, Ok(Recorded::Created))).count();
    assert_eq!(created, without_key + keys.len());
    assert_eq!(seen_by_all(&database, "SELECT count(*)::text AS line FROM referral").await, [created.to_string()]);
}

#[tokio::test]
async fn whoever_goes_away_harms_nobody() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 4).unwrap();
    let [ours, _] = two_organisations(&pool).await;
    let (recorder, _stop, _task) = at_work(&pool);
    for _ in 0..20 {
        let (gone, here) = (entry(ours, None), entry(ours, None));
        let going = recorder.record(gone);
        let _ = tokio::time::timeout(Duration::ZERO, going).await;
        assert_eq!(recorder.record(here).await.unwrap(), Recorded::Created);
    }
    let open =
        "SELECT count(*)::text AS line FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(seen_by_all(&database, open).await, ["0"]);
    // What was taken before its asker went is on record, whole.
    let counts = "SELECT count(*)::text AS line FROM referral UNION ALL SELECT count(*)::text FROM handoff UNION ALL \
        SELECT count(*)::text FROM handoff_event UNION ALL SELECT count(*)::text FROM outbox";
    let counts: BTreeSet<String> = seen_by_all(&database, counts).await.into_iter().collect();
    assert_eq!(counts.len(), 1, "{counts:?}");
}

#[tokio::test]
async fn what_was_accepted_is_recorded_before_the_end() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 4).unwrap();
    let [ours, theirs] = two_organisations(&pool).await;
    let (recorder, queue) = recorder();
    let (stop, told) = tokio::sync::oneshot::channel();
    let waiting: Vec<_> = (0..200)
        .map(|number| {
            let (recorder, entry) = (recorder.clone(), entry([ours, theirs][number % 2], None));
            tokio::spawn(async move { recorder.record(entry).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(stop);
    keep_recording(queue, pool, told).await;
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap(), Recorded::Created);
    }
    assert_eq!(seen_by_all(&database, "SELECT count(*)::text AS line FROM referral").await, ["200"]);
    assert!(matches!(recorder.record(entry(ours, None)).await, Err(StorageError::Unavailable(_))));
}

#[tokio::test]
async fn who_comes_to_a_full_queue_hears_so_at_once() {
    let (recorder, _queue) = recorder();
    let organisation = Uuid::now_v7();
    let mut waiting: Vec<_> = (0..10_000).map(|_| Box::pin(recorder.record(entry(organisation, None)))).collect();
    let refused = waiting.iter_mut().filter_map(|one| futures_util::FutureExt::now_or_never(one.as_mut()));
    let refused: Vec<_> = refused.collect();
    assert!((1..10_000).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|told| matches!(told, Err(StorageError::Crowded))));
}

/// Two nodes whose batches hold the same keys in opposite orders: neither waits for the other for ever, and each key is recorded once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_the_same_keys_do_not_lock_each_other_out() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 4).unwrap();
    let [ours, theirs] = two_organisations(&pool).await;
    for round in 0..30 {
        let node = |reversed: bool| {
            let pool = pool.clone();
            let mut keys: Vec<(Uuid, String)> = (0..40).map(|number| ([ours, theirs][number % 2], format!("{round}-{number}"))).collect();
            if reversed {
                keys.reverse();
            }
            tokio::spawn(async move {
                let entries: Vec<Entry> = keys.iter().map(|(organisation, key)| entry(*organisation, Some(key))).collect();
                let mut transaction = Scoped::open(&pool).await.unwrap();
                let told = referrals::record(&mut transaction, &entries.iter().collect::<Vec<_>>()).await;
                transaction.commit().await.unwrap();
                told.unwrap().into_iter().filter(|told| *told == Recorded::Created).count()
            })
        };
        let (one, other) = (node(false), node(true));
        assert_eq!(one.await.unwrap() + other.await.unwrap(), 40);
    }
}

#[tokio::test]
async fn statements_are_prepared_once_for_a_connection() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 1).unwrap();
    let [ours, _] = two_organisations(&pool).await;
    let prepared = "SELECT count(*)::text AS line FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%' \
        AND (statement LIKE '%jsonb_populate_recordset%' OR statement LIKE '%set_config%')";
    for size in [1, 5, 64] {
        let entries: Vec<Entry> = (0..size).map(|_| entry(ours, Some(&Uuid::new_v4().to_string()))).collect();
        let mut transaction = Scoped::open(&pool).await.unwrap();
        referrals::record(&mut transaction, &entries.iter().collect::<Vec<_>>()).await.unwrap();
        transaction.commit().await.unwrap();
        let mut same_connection = scoped(&pool, Scope::System).await.unwrap();
        assert_eq!(lines(&mut same_connection, prepared).await, ["2"], "the scope's and the rows', whatever the size of the batch");
        same_connection.commit().await.unwrap();
    }
}

/// Told to stop in the middle of its work: every 201 is on record at the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_keeps_every_promise() {
    let (app, database) = App::national().await;
    let app = Arc::new(app);
    let authorization = format!("Bearer {}", app.token("mediator", "agent-1", "ours"));
    let posts: Vec<_> = (0..32)
        .map(|_| {
            let (app, authorization) = (app.clone(), authorization.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "warm"});
                loop {
                    match app.try_send(Method::POST, "/v1/referrals", &[("Authorization", &authorization)], Some(&body)).await {
                        Ok(answer) if answer.status == 201 => ids.push(answer.json()["id"].as_str().unwrap().to_owned()),
                        Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text),
                        Err(_) => return ids,
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    std::process::Command::new("kill").arg(app.pid().to_string()).status().unwrap();
    let mut promised = BTreeSet::new();
    for post in posts {
        promised.extend(post.await.unwrap());
    }
    Arc::into_inner(app).unwrap().stop();
    let recorded: BTreeSet<String> = seen_by_all(&database, "SELECT id::text AS line FROM referral").await.into_iter().collect();
    assert!(promised.len() > 32, "{} promises are too few to tell", promised.len());
    assert!(promised.is_subset(&recorded));
}
