//! Clients that close their half and listen, and clients that vanish in the middle of a referral.

use std::time::Duration;

use aiguilleur_testkit::raw::{self, Raw};
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::report::{Aim, Report};
use crate::service::Joined;
use crate::{Failure, Pace, SEED, Tried};

const HALF_CLOSED: usize = 1_000;
const VANISHING: usize = 2_000;
/// At once: more than the service has connections to its database, fewer than it calls a crowd.
const AT_ONCE: usize = 48;

pub async fn measure(report: &mut Report, _pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let joined = Joined::open(&tried.prepared.data_dir).await?;
    let token = tried.app.token("mediator", "strain", "strain");
    let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    let post = raw::post("/v1/referrals", &token, &body.to_string());
    let question = raw::get(&tried.paths[0]);
    let (post, question, address) = (&post, &question, &tried.app.address);

    let halves = stream::iter(0..HALF_CLOSED).map(|number| async move {
        let mut client = Raw::connect(address).await;
        client.write(if number % 2 == 0 { post } else { question }).await;
        client.close_half().await;
        client.answer().await.is_some_and(|answer| answer.status == if number % 2 == 0 { 201 } else { 200 })
    });
    let unanswered = halves.buffer_unordered(AT_ONCE).filter(|answered| std::future::ready(!answered)).count().await;
    report.aim("half_closed_unanswered", "", vec![unanswered as f64], Aim::AtMost(0.0));

    let mut random = fastrand::Rng::with_seed(SEED);
    let moments: Vec<(usize, u64)> = (0..VANISHING).map(|_| (random.usize(0..post.len() * 4), random.u64(0..20_000))).collect();
    let vanishing = stream::iter(moments).map(|(cut, micros)| async move {
        let mut client = Raw::connect(address).await;
        // One in four doesn't even send its request whole.
        client.write(post.get(..cut).unwrap_or(post)).await;
        tokio::time::sleep(Duration::from_micros(micros)).await;
        client.vanish();
    });
    vanishing.buffer_unordered(AT_ONCE).count().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    report.aim("vanished_open_transactions", "", vec![open_transactions(&joined).await? as f64], Aim::AtMost(0.0));
    joined.sql("TRUNCATE referral, handoff, handoff_event, outcome, outbox, idempotency").await?;
    joined.close().await
}

/// Transactions of the service that wait for their next word.
async fn open_transactions(joined: &Joined) -> Result<i64, Failure> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = "SELECT count(*) AS count FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    let mut connection = joined.database.get().await?;
    Ok(diesel::sql_query(sql).get_result::<Count>(&mut connection).await?.count)
}
