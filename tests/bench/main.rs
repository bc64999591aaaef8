//! `make bench`: the service's figures, each against something to compare it with. See README.md beside this file.
#![allow(clippy::cast_precision_loss, reason = "a benchmark is outside what serves")]

mod asked;
mod fastapi;
mod hello;
mod living;
mod load;
mod orient;
mod questions;
mod referrals;
mod report;
mod service;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use asked::Contestant;
use fastapi::FastApi;
use hello::Hello;
use load::Load;
use questions::Question;
use report::Report;
use service::{Joined, Prepared};
use tokio::signal::unix::{SignalKind, signal};

/// That of the service, for what is measured in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Of everything that is drawn.
const SEED: u64 = 20_261_122;
const CONNECTIONS: usize = 32;
const QUESTIONS: usize = 2_000;

/// What can be measured by itself.
const PARTS: [&str; 4] = ["questions", "referrals", "orient", "living"];

/// How long things are measured.
#[derive(Debug, Clone, Copy)]
struct Pace {
    pub rounds: usize,
    pub round_s: f64,
    pub warm_up_s: f64,
    /// Structures of the larger registry.
    pub million: usize,
}

const FULL: Pace = Pace { rounds: 5, round_s: 3.0, warm_up_s: 2.0, million: 1_000_000 };
/// To try the benchmark itself; its figures mean nothing.
const QUICK: Pace = Pace { rounds: 2, round_s: 0.5, warm_up_s: 0.2, million: 150_000 };

/// The top of the checkout.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = async {
        if let [hello::ARGUMENT, size, conninfo] = arguments.as_slice() {
            return hello::serve(size.parse()?, conninfo).await;
        }
        let (options, parts): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|argument| argument.starts_with("--"));
        bench(if options.contains(&"--quick") { QUICK } else { FULL }, &parts).await
    };
    // Dropped when told to stop, with all the servers it had started.
    let outcome = tokio::select! {
        outcome = run => outcome,
        () = told_to_stop() => Err("interrupted".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// `parts`: what is measured; empty means everything.
async fn bench(pace: Pace, parts: &[&str]) -> Result<(), Failure> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        return Err(format!("« {unknown} » is no part; there are: {}", PARTS.join(", ")).into());
    }
    let parts: &[&str] = if parts.is_empty() { &PARTS } else { parts };
    let mut report = Report::default();
    report.describe_run();
    report.fact("quick", pace.rounds < FULL.rounds);
    report.fact("parts", parts);
    let mut phases = Phases::default();
    let outcome = measure(&mut report, &mut phases, pace, parts).await;
    phases.end(&mut report);
    // What was measured before a failure is still worth knowing.
    report.fact("failed", outcome.as_ref().err().map(ToString::to_string));
    report.print();
    report.write(&root().join("bench/latest.json"))?;
    println!("written to bench/latest.json");
    outcome
}

async fn measure(report: &mut Report, phases: &mut Phases, pace: Pace, parts: &[&str]) -> Result<(), Failure> {
    let wanted = |part| parts.contains(&part);
    phases.begin("registries");
    let national = service::prepare("national", 100_000).await?;
    let million = service::prepare("million", pace.million).await?;
    let asked = questions::draw(&national.communes, &national.procedures, SEED, QUESTIONS);
    let paths: Vec<String> = asked.iter().map(Question::path).collect();

    if wanted("questions") {
        phases.begin("questions over HTTP");
        over_http(report, pace, &national, &million, &paths).await?;
    }
    if wanted("referrals") {
        phases.begin("referrals over HTTP");
        referrals::measure(report, pace, &national).await?;
    }
    for prepared in [&national, &million].into_iter().filter(|_| wanted("orient")) {
        phases.begin(&format!("orient() alone, {}", prepared.name));
        orient::measure(report, pace, prepared, &asked).await?;
    }
    for (prepared, ready_within_s) in [(&national, 2.0), (&million, 10.0)].into_iter().filter(|_| wanted("living")) {
        phases.begin(&format!("start, edit, swap, {}", prepared.name));
        living::starts(report, prepared, ready_within_s).await?;
        living::changes(report, pace, prepared, &paths).await?;
    }
    Ok(())
}

/// How long each part of the run took.
#[derive(Default)]
struct Phases {
    ended: Vec<(String, f64)>,
    current: Option<(String, Instant)>,
}

impl Phases {
    fn begin(&mut self, name: &str) {
        self.close();
        println!("{name}");
        self.current = Some((name.to_owned(), Instant::now()));
    }

    fn close(&mut self) {
        if let Some((name, began)) = self.current.take() {
            self.ended.push((name, began.elapsed().as_secs_f64().round()));
        }
    }

    fn end(&mut self, report: &mut Report) {
        self.close();
        report.fact("seconds", serde_json::json!(self.ended.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()));
    }
}

async fn over_http(report: &mut Report, pace: Pace, national: &Prepared, million: &Prepared, paths: &[String]) -> Result<(), Failure> {
    let words = questions::in_words(&national.communes, SEED, 500);
    let ((served, _), (larger, _)) = (national.serve().await, million.serve().await);
    let joined = Joined::open(&national.data_dir).await?;

    let sizing = Load::of_paths(&served.address, CONNECTIONS, paths);
    let sizes = sizing.for_seconds(pace.round_s).await?.sizes;
    let hello = Hello::start(&joined.conninfo("aiguilleur_app", service::DATABASE), sizes.value_at_quantile(0.5))?;
    report.fact("answer_bytes", sizes.value_at_quantile(0.5));
    let of = |name, address: &str, paths: &[String], pid| Contestant { name, load: Load::of_paths(address, CONNECTIONS, paths), pid };
    let mut contestants = vec![
        of("hello", &hello.address, &[hello::PATH.to_owned()], hello.pid()),
        of("national", &served.address, paths, served.pid()),
        of("million", &larger.address, paths, larger.pid()),
        of("words", &served.address, &words, served.pid()),
    ];
    let fastapi = FastApi::start(&joined, &national.procedures).await;
    match &fastapi {
        Ok(fastapi) => contestants.push(of("fastapi", &fastapi.address, paths, fastapi.pid())),
        Err(why) => report.lacks("fastapi_over", why),
    }
    let over = [
        ("orientation_over_hello", "national", "hello", Some(0.5)),
        ("million_over_national", "million", "national", Some(0.95)),
        ("fastapi_over", "national", "fastapi", Some(300.0)),
        ("words_over_hello", "words", "hello", None),
    ];
    asked::measure(report, pace, &contestants, &over).await?;
    tokio::task::spawn_blocking(move || drop((fastapi, hello))).await?;
    fastapi::forget(&joined).await?;
    joined.close().await?;
    Ok(tokio::task::spawn_blocking(move || drop((served, larger))).await?)
}
