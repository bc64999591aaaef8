//! Half of what it can do, for long: memory must not grow.

use std::time::Duration;

use crate::report::{Aim, Report};
use crate::service::memory_mb;
use crate::{Failure, Pace, Tried};

pub async fn measure(report: &mut Report, pace: Pace, tried: &Tried) -> Result<(), Failure> {
    let seconds = pace.soak_s;
    let pid = tried.app.pid();
    let mut samples = Vec::new();
    let sampling = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            samples.push(memory_mb(pid));
        }
    };
    let quiet = tried.quiet();
    let running = async {
        tokio::select! {
            arrived = quiet.for_seconds(seconds as f64) => arrived,
            () = sampling => unreachable!("it never ends"),
        }
    };
    let arrived = crate::with_bar("half load", seconds, running).await?;
    // Of ten minutes: the second, and the last.
    let tenth = samples.len() / 10;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (early, late) = (mean(&samples[tenth..2 * tenth]), mean(&samples[samples.len() - tenth..]));
    // A quick run ends before the allocator has settled.
    let growth = (late - early) / early * 100.0;
    if pace.is_quick {
        report.add("soak_memory_growth_pct", "%", vec![growth]);
    } else {
        report.aim("soak_memory_growth_pct", "%", vec![growth], Aim::AtMost(2.0));
    }
    report.add("soak_memory_mb", "MB", vec![early, late]);
    report.aim("soak_refused", "", vec![arrived.refused.len() as f64], Aim::AtMost(0.0));
    report.add("soak_questions", "", vec![arrived.count()]);
    report.add("soak_p99_us", "µs", vec![arrived.p99_us()]);
    report.add("soak_s", "s", vec![seconds as f64]);
    Ok(())
}
