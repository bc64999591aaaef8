//! Connections that were used once and then stay open, silent.

use aiguilleur_testkit::raw::{self, Raw};
use futures_util::stream::{self, StreamExt};

use crate::report::{Aim, Report};
use crate::service::memory_mb;
use crate::{Failure, Pace, Tried};

/// Files that either side needs besides.
const ROOM: u64 = 1_000;

pub async fn measure(report: &mut Report, pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let (files, _) = rlimit::getrlimit(rlimit::Resource::NOFILE)?;
    if files < u64::try_from(pace.idle)? + ROOM {
        report.lacks("idle_beside_p99_over_quiet", format!("this machine lets a process open {files} files"));
        return Ok(());
    }
    let quiet = tried.quiet();
    let alone = quiet.for_seconds(pace.round_s).await?.p99_us();
    let memory = memory_mb(tried.app.pid());
    let address = &tried.app.address;
    let opening = stream::iter(0..pace.idle).map(|_| async move {
        let mut client = Raw::connect(address).await;
        (ask(&mut client).await, client)
    });
    let mut idle: Vec<(bool, Raw)> = opening.buffer_unordered(16).collect().await;
    let grown = memory_mb(tried.app.pid()) - memory;
    let beside = quiet.for_seconds(pace.round_s * 2.0).await?.p99_us();
    let mut lost = 0.0;
    for (answered, client) in &mut idle {
        if !*answered || !ask(client).await {
            lost += 1.0;
        }
    }
    report.add("idle_connections", "", vec![pace.idle as f64]);
    report.aim("idle_lost", "", vec![lost], Aim::AtMost(0.0));
    report.aim("idle_beside_p99_over_quiet", "×", vec![beside / alone], Aim::AtMost(2.0));
    report.add("idle_memory_kb_each", "KB", vec![grown * 1024.0 / pace.idle as f64]);
    Ok(())
}

async fn ask(client: &mut Raw) -> bool {
    client.write(&raw::get("/v1/procedures/rsa")).await;
    client.answer().await.is_some_and(|answer| answer.status == 200)
}
