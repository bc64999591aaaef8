//! What was measured: a table on the screen, and `bench/latest.json`.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::Failure;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", number(least)),
            Self::AtMost(most) => format!("≤ {}", number(most)),
        }
    }
}

/// One figure of every round.
struct Figure {
    key: String,
    unit: &'static str,
    values: Vec<f64>,
    aim: Option<Aim>,
}

impl Figure {
    fn median(&self) -> f64 {
        median(&self.values)
    }

    fn range(&self) -> (f64, f64) {
        self.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &value| (min.min(value), max.max(value)))
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The figures so far. Each is of several rounds.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    /// Figures that could not be had, and why.
    missing: Vec<(String, String)>,
    facts: Map<String, Value>,
}

impl Report {
    pub fn add(&mut self, key: impl Into<String>, unit: &'static str, values: Vec<f64>) {
        self.figures.push(Figure { key: key.into(), unit, values, aim: None });
    }

    /// A figure with an aim. Missing it is told, and fails nothing.
    pub fn aim(&mut self, key: impl Into<String>, unit: &'static str, values: Vec<f64>, aim: Aim) {
        self.figures.push(Figure { key: key.into(), unit, values, aim: Some(aim) });
    }

    pub fn lacks(&mut self, key: &str, why: impl std::fmt::Display) {
        self.missing.push((key.to_owned(), why.to_string()));
    }

    /// Something to know of the run.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// The figures that aren't what they should be.
    #[allow(dead_code, reason = "the benchmark fails for none of them")]
    pub fn missed(&self) -> Vec<&str> {
        let missed = self.figures.iter().filter(|figure| figure.aim.is_some_and(|aim| !aim.is_met(figure.median())));
        missed.map(|figure| figure.key.as_str()).collect()
    }

    pub fn print(&self) {
        let widest = self.figures.iter().map(|figure| figure.key.len()).max().unwrap_or_default();
        println!("\n{:widest$}  {:>11}  {:>23}  {:8}  {:>8}", "", "median", "min – max", "", "aim");
        for figure in &self.figures {
            let (min, max) = figure.range();
            let range = format!("{} – {}", number(min), number(max));
            let (aim, verdict) = match figure.aim {
                Some(aim) => (aim.text(), if aim.is_met(figure.median()) { "ok" } else { "NO" }),
                None => (String::new(), ""),
            };
            println!("{:widest$}  {:>11}  {range:>23}  {:8}  {aim:>8}  {verdict}", figure.key, number(figure.median()), figure.unit);
        }
        for (key, why) in &self.missing {
            println!("{key:widest$}  {:>11}  {why}", "–");
        }
        println!();
        for (name, value) in &self.facts {
            println!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut whole = self.facts.clone();
        for figure in &self.figures {
            let (min, max) = figure.range();
            let mut told = json!({"median": figure.median(), "min": min, "max": max, "unit": figure.unit, "rounds": figure.values});
            if let Some(aim) = figure.aim {
                told["aim"] = aim.text().into();
                told["met"] = aim.is_met(figure.median()).into();
            }
            whole.insert(figure.key.clone(), told);
        }
        for (key, why) in &self.missing {
            whole.insert(key.clone(), Value::Null);
            whole.insert(format!("{key}_why_not"), why.clone().into());
        }
        std::fs::create_dir_all(path.parent().ok_or("a file in a folder")?)?;
        Ok(std::fs::write(path, serde_json::to_string_pretty(&whole)? + "\n")?)
    }

    /// The machine, the versions and the commit.
    pub fn describe_run(&mut self) {
        let said = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
        };
        let line = |file: &str, name: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let postgres = said("pg_config", &["--version"]).or_else(|| said("sh", &["-c", "ls -d /usr/lib/postgresql/*/bin | tail -1"]));
        self.fact(
            "machine",
            json!({
                "cores": std::thread::available_parallelism().map_or(0, usize::from),
                "cpu": line("/proc/cpuinfo", "model name"),
                "memory": line("/proc/meminfo", "MemTotal"),
                "kernel": said("uname", &["-sr"]),
                "load_before": std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
            }),
        );
        let versions = json!({"aiguilleur": env!("CARGO_PKG_VERSION"), "rustc": said("rustc", &["--version"]), "postgres": postgres});
        self.fact("versions", versions);
        self.fact("commit", said("git", &["rev-parse", "HEAD"]));
        self.fact("tree_is_dirty", said("git", &["status", "--porcelain"]).is_some());
        self.fact("at", chrono::Utc::now().to_rfc3339());
    }
}

/// Three or four figures that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        huge if huge >= 100.0 => format!("{value:.0}"),
        some if some >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
