//! Clients that drip what they send, or never read what they asked for.

use std::time::{Duration, Instant};

use aiguilleur_testkit::raw::{self, Raw};
use futures_util::future::join_all;

use crate::report::{Aim, Report};
use crate::service::memory_mb;
use crate::{Failure, Pace, Tried};

const DRIPPING_HEADS: u32 = 300;
const DRIPPING_BODIES: u32 = 300;
const NEVER_READING: u32 = 100;
/// Longer than any of them is suffered.
const LASTING_S: u64 = 30;

pub async fn measure(report: &mut Report, pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let quiet = tried.quiet();
    let alone = quiet.for_seconds(pace.round_s).await?.p99_us();
    let memory = memory_mb(tried.app.pid());
    let token = tried.app.token("mediator", "strain", "strain");
    let address = &tried.app.address;
    let post = raw::post("/v1/referrals", &token, &"x".repeat(1_000));
    let body_at = post.len() - 1_000;
    let heads = join_all((0..DRIPPING_HEADS).map(|number| drip(address, &post, 0, number)));
    let bodies = join_all((0..DRIPPING_BODIES).map(|number| drip(address, &post, body_at, number)));
    let deaf = join_all((0..NEVER_READING).map(async |number| {
        one_by_one(number).await;
        let mut client = Raw::connect(address).await;
        client.write(&raw::get("/v1/structures.ndjson")).await;
        tokio::time::sleep(Duration::from_secs(LASTING_S)).await;
        // Only now, so that the connection lasts until then.
        drop(client);
    }));
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let beside = quiet.for_seconds(pace.round_s * 2.0).await?.p99_us();
        Ok::<_, Failure>((beside, memory_mb(tried.app.pid()) - memory))
    };
    let trying = async { tokio::join!(heads, bodies, deaf, others) };
    let (heads, bodies, _, others) = crate::with_bar("dripping", LASTING_S, trying).await;
    let (beside, grown) = others?;
    report.aim("slow_beside_p99_over_quiet", "×", vec![beside / alone], Aim::AtMost(2.0));
    report.aim("slow_head_cut_s", "s", worst(&heads), Aim::AtMost(10.0));
    report.aim("slow_body_cut_s", "s", worst(&bodies), Aim::AtMost(20.0));
    report.add("slow_memory_grown_mb", "MB", vec![grown]);
    Ok(())
}

fn worst(seconds: &[f64]) -> Vec<f64> {
    vec![seconds.iter().copied().fold(0.0, f64::max)]
}

/// Not all of them come in one instant, which would be a crowd.
async fn one_by_one(number: u32) {
    tokio::time::sleep(Duration::from_millis(10) * number).await;
}

/// Sends the beginning at once and then a byte each half second; seconds until it was cut (408, or the connection closed).
async fn drip(address: &str, request: &str, at_once: usize, number: u32) -> f64 {
    one_by_one(number).await;
    let mut client = Raw::connect(address).await;
    client.write(&request[..at_once]).await;
    let began = Instant::now();
    for at in at_once..request.len() {
        client.write(&request[at..=at]).await;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            answer = client.answer() => {
                let cut = answer.is_none_or(|answer| answer.status == 408);
                return if cut { began.elapsed().as_secs_f64() } else { f64::INFINITY };
            }
        }
        if began.elapsed() > Duration::from_secs(LASTING_S) {
            break;
        }
    }
    f64::INFINITY
}
