//! Four times what it can do.

use aiguilleur_testkit::raw;
use serde_json::json;

use crate::arrivals::{Arrivals, Arrived};
use crate::load::{Load, micros};
use crate::questions::in_words;
use crate::report::{Aim, Report};
use crate::service::{Joined, cpu_s};
use crate::{CONNECTIONS, Failure, Pace, SEED, Tried};

const TIMES: f64 = 4.0;

/// Questions in people's own words, answered from memory: the dearest that are usual, so that one client can ask four times as many as
/// the service answers.
pub async fn questions(report: &mut Report, pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let (address, paths) = (&tried.app.address, in_words(&tried.prepared.communes, SEED, 500));
    let capacity = Load::of_paths(address, CONNECTIONS, &paths).for_seconds(pace.round_s).await?.per_s;
    report.add("overload_capacity_per_s", "/s", vec![capacity]);
    measure(report, pace, tried, "overload", &Arrivals::of_paths(address, &paths, capacity / 2.0)).await
}

/// Referrals, which wait for the database.
pub async fn referrals(report: &mut Report, pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let joined = Joined::open(&tried.prepared.data_dir).await?;
    joined.sql("TRUNCATE referral, handoff, handoff_event, outcome, outbox, idempotency").await?;
    let token = tried.app.token("mediator", "strain", "strain");
    let body = json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    let ask = raw::post("/v1/referrals", &token, &body.to_string());
    let posting = Arrivals { address: tried.app.address.clone(), asks: vec![ask].into(), per_s: 1.0 };
    let capacity = capacity_of_referrals(&posting, pace).await?;
    report.add("referral_capacity_per_s", "/s", vec![capacity]);
    measure(report, pace, tried, "referral_overload", &posting.at(capacity / 2.0)).await?;
    joined.sql("TRUNCATE referral, handoff, handoff_event, outcome, outbox, idempotency").await?;
    joined.close().await
}

/// Admitted per second when more and more arrive, until no more are admitted.
async fn capacity_of_referrals(posting: &Arrivals, pace: Pace) -> Result<f64, Failure> {
    let (mut best, mut offered) = (0.0, 500.0);
    loop {
        let arrived = posting.at(offered).for_seconds(pace.round_s).await?;
        let admitted = micros(arrived.admitted.len()) / pace.round_s;
        if admitted < best * 1.05 {
            return Ok(f64::max(best, admitted));
        }
        best = admitted;
        offered *= 1.5;
    }
}

async fn measure(report: &mut Report, pace: Pace, tried: &Tried, name: &str, quiet: &Arrivals) -> Result<(), Failure> {
    let (mut over, mut quiet_p99, mut p99, mut refusals, mut kept, mut cost) = (vec![], vec![], vec![], vec![], vec![], vec![]);
    let (mut late, mut refused_when_quiet) = (vec![], vec![]);
    for round in 1..=pace.rounds {
        let (before, answer_us) = cpu_of(tried, quiet, pace).await?;
        let (during, all_us) = cpu_of(tried, &quiet.at(quiet.per_s * 2.0 * TIMES), pace).await?;
        let (admitted, refused) = (micros(during.admitted.len()), micros(during.refused.len()));
        quiet_p99.push(before.p99_us());
        p99.push(during.p99_us());
        over.push(during.p99_us() / before.p99_us());
        refusals.push(micros(during.refused.value_at_quantile(0.99)));
        kept.push(admitted / pace.round_s / (quiet.per_s * 2.0));
        cost.push((all_us * during.count() - answer_us * admitted) / refused / answer_us);
        late.push(micros(during.sent_late.value_at_quantile(0.99)));
        refused_when_quiet.push(micros(before.refused.len()));
        println!(
            "  round {round} of {}: quiet p99 {:.0} µs; four times: {admitted:.0} admitted, p99 {:.0} µs, {refused:.0} refused",
            pace.rounds,
            before.p99_us(),
            during.p99_us()
        );
    }
    report.aim(format!("{name}_p99_over_quiet"), "×", over, Aim::AtMost(2.0));
    report.add(format!("{name}_p99_us"), "µs", p99);
    report.add(format!("{name}_refusal_p99_us"), "µs", refusals);
    report.add(format!("{name}_admitted_over_capacity"), "×", kept);
    report.add(format!("{name}_refusal_over_answer_cpu"), "×", cost);
    report.add(format!("{name}_sent_late_p99_us"), "µs", late);
    report.add(format!("{name}_quiet_p99_us"), "µs", quiet_p99);
    report.aim(format!("{name}_refused_when_quiet"), "", refused_when_quiet, Aim::AtMost(0.0));
    Ok(())
}

/// What became of them, and the processor time of the server and its database for each, in microseconds.
async fn cpu_of(tried: &Tried, arrivals: &Arrivals, pace: Pace) -> Result<(Arrived, f64), Failure> {
    let before = cpu_s(tried.app.pid());
    let arrived = arrivals.for_seconds(pace.round_s).await?;
    let cpu_us = (cpu_s(tried.app.pid()) - before) * 1e6 / arrived.count();
    Ok((arrived, cpu_us))
}
