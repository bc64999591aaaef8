//! `make strain`: the service tried past what it can do, by clients that misbehave, for long, and by the clock. See README.md beside
//! this file.
#![allow(clippy::cast_precision_loss, reason = "a trial is outside what serves")]

mod arrivals;
mod clock;
mod idle;
mod leaving;
mod overload;
mod slow;
mod soak;

#[path = "../bench/load.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod load;
#[path = "../bench/questions.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod questions;
#[path = "../bench/report.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod report;
#[path = "../bench/service.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod service;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use aiguilleur_testkit::App;
use arrivals::Arrivals;
use indicatif::{ProgressBar, ProgressStyle};
use load::Load;
use questions::Question;
use report::Report;
use service::Prepared;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Of everything that is drawn.
const SEED: u64 = 20_261_122;
/// What asks without pause when it is measured how much the service can do.
const CONNECTIONS: usize = 32;

/// How long things are tried.
#[derive(Debug, Clone, Copy)]
struct Pace {
    pub is_quick: bool,
    pub rounds: usize,
    pub round_s: f64,
    pub soak_s: u64,
    pub idle: usize,
}

const FULL: Pace = Pace { is_quick: false, rounds: 3, round_s: 10.0, soak_s: 600, idle: 10_000 };
/// To try the trials themselves.
const QUICK: Pace = Pace { is_quick: true, rounds: 3, round_s: 1.0, soak_s: 30, idle: 1_000 };

/// The service that is tried, and what the trials know of it.
struct Tried {
    pub app: App,
    pub prepared: Prepared,
    /// 2,000 different questions.
    pub paths: Vec<String>,
    /// Questions that it answers per second when asked without pause.
    pub capacity_per_s: f64,
}

impl Tried {
    /// Questions at half of what it can do: quiet.
    fn quiet(&self) -> Arrivals {
        Arrivals::of_paths(&self.app.address, &self.paths, self.capacity_per_s / 2.0)
    }
}

/// The top of the checkout.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let pace = if arguments.iter().any(|argument| argument == "--quick") { QUICK } else { FULL };
    let only: Vec<&str> = arguments.iter().map(String::as_str).filter(|argument| *argument != "--quick").collect();
    let mut report = Report::default();
    report.describe_run();
    report.fact("quick", pace.is_quick);
    let outcome = tokio::select! {
        outcome = try_all(&mut report, pace, &only) => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    report.fact("failed", outcome.as_ref().err().map(ToString::to_string));
    report.print();
    let written = report.write(&root().join("bench/strain.json"));
    println!("written to bench/strain.json");
    let missed = report.missed();
    match outcome.and(written) {
        Ok(()) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(()) => {
            eprintln!("strain: not as it should be: {}", missed.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("strain: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every trial, or those named.
async fn try_all(report: &mut Report, pace: Pace, only: &[&str]) -> Result<(), Failure> {
    let wanted = |name: &str| only.is_empty() || only.contains(&name);
    rlimit::increase_nofile_limit(u64::MAX)?;
    let prepared = service::prepare("national", 100_000).await?;
    let asked = questions::draw(&prepared.communes, &prepared.procedures, SEED, 2_000);
    let paths: Vec<String> = asked.iter().map(Question::path).collect();

    // The service inherits the core that this process is on when it starts it, and counts its workers by it.
    let cores = std::thread::available_parallelism()?.get();
    let apart = cores > 1 && pin(&format!("0-{}", cores - 2));
    let (app, _) = prepared.serve().await;
    let apart = apart && pin(&(cores - 1).to_string());
    report.fact("client_on_a_core_of_its_own", apart);
    let measured = Load::of_paths(&app.address, CONNECTIONS, &paths);
    measured.for_seconds(pace.round_s).await?;
    let capacity_per_s = measured.for_seconds(pace.round_s).await?.per_s;
    report.add("capacity_per_s", "/s", vec![capacity_per_s]);
    let tried = Tried { app, prepared, paths, capacity_per_s };

    if wanted("overload") {
        println!("overload");
        overload::questions(report, pace, &tried).await?;
        overload::referrals(report, pace, &tried).await?;
    }
    if wanted("slow") {
        println!("slow clients");
        slow::measure(report, pace, &tried).await?;
    }
    if wanted("leaving") {
        println!("clients that leave");
        leaving::measure(report, pace, &tried).await?;
    }
    if wanted("idle") {
        println!("idle connections");
        idle::measure(report, pace, &tried).await?;
    }
    if wanted("soak") {
        println!("soak");
        soak::measure(report, pace, &tried).await?;
    }
    tokio::task::spawn_blocking(move || drop(tried)).await?;
    if wanted("clock") {
        println!("the clock");
        clock::measure(report).await?;
    }
    Ok(())
}

/// Keeps this process, and what it starts from now on, to some cores. `false` where that can't be done.
fn pin(cores: &str) -> bool {
    let pid = std::process::id().to_string();
    Command::new("taskset").args(["-apc", cores, &pid]).output().is_ok_and(|output| output.status.success())
}

/// A bar of seconds, beside something that lasts as long.
async fn with_bar<T>(what: &str, seconds: u64, running: impl Future<Output = T>) -> T {
    let bar = ProgressBar::new(seconds).with_message(what.to_owned());
    bar.set_style(ProgressStyle::with_template("  {msg} {bar:30} {pos}/{len} s").unwrap_or_else(|_| ProgressStyle::default_bar()));
    let ticking = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            bar.inc(1);
        }
    };
    let outcome = tokio::select! {
        outcome = running => outcome,
        () = ticking => unreachable!("it never ends"),
    };
    bar.finish_and_clear();
    outcome
}
