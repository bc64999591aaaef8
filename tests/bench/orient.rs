//! `orient()` alone, in this process, against looking at every structure.

use std::hint::black_box;
use std::time::Instant;

use aiguilleur_directory::Directory;
use aiguilleur_directory::layer::Entry;
use aiguilleur_domain::need::Need;
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::target::Target;
use aiguilleur_jobs::snapshot::Snapshot;
use chrono::Utc;

use crate::questions::Question;
use crate::report::{Aim, Report, median};
use crate::service::{Joined, Prepared};
use crate::{Failure, Pace};

/// Questions that the scan is given in a round: each takes it a while.
const SCANNED: usize = 20;
/// The dearest questions that the report names.
const NAMED: usize = 5;

pub async fn measure(report: &mut Report, pace: Pace, prepared: &Prepared, questions: &[Question]) -> Result<(), Failure> {
    let joined = Joined::open(&prepared.data_dir).await?;
    let directory = Snapshot::load(&joined.database).await?.get();
    joined.close().await?;
    let (name, now) = (prepared.name, Utc::now());
    let needs: Vec<Need> = questions.iter().map(|question| question.need(now)).collect();
    let everything: Vec<&Entry> = directory.structures().collect();
    report.fact(&format!("structures_{name}"), everything.len());

    // A first round, uncounted, brings the indexes into the processor's caches as the service's own work does.
    time_all(&directory, &needs)?;
    let (mut p50, mut p99, mut scan) = (Vec::new(), Vec::new(), Vec::new());
    let mut dearest = vec![f64::INFINITY; needs.len()];
    for _ in 0..pace.rounds {
        let times = time_all(&directory, &needs)?;
        dearest.iter_mut().zip(&times).for_each(|(least, time)| *least = least.min(*time));
        p50.push(quantile(&times, 0.5));
        p99.push(quantile(&times, 0.99));
        let scanned = needs.iter().take(SCANNED).map(|need| {
            let began = Instant::now();
            black_box(linear_scan(&directory, &everything, need));
            began.elapsed().as_secs_f64() * 1e6
        });
        scan.push(median(&scanned.collect::<Vec<_>>()));
    }
    let mut by_cost: Vec<(f64, &Question)> = dearest.into_iter().zip(questions).collect();
    by_cost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let named = by_cost.iter().take(NAMED).map(|(cost, question)| format!("{cost:.0} µs {}", question.path()));
    report.fact(&format!("orient_dearest_{name}"), named.collect::<Vec<_>>());
    report.add(format!("orient_p50_us_{name}"), "µs", p50.clone());
    report.aim(format!("orient_p99_us_{name}"), "µs", p99, Aim::AtMost(20.0));
    report.add(format!("scan_over_orient_{name}"), "×", scan.iter().zip(&p50).map(|(scan, orient)| scan / orient).collect());
    Ok(())
}

/// Microseconds of each.
fn time_all(directory: &Directory, needs: &[Need]) -> Result<Vec<f64>, Failure> {
    let time = |need: &Need| {
        let began = Instant::now();
        let orientation = black_box(directory.orient(black_box(need)));
        let elapsed = began.elapsed();
        orientation.map(|_| elapsed.as_secs_f64() * 1e6).ok_or_else(|| format!("no answer to {need:?}").into())
    };
    needs.iter().map(time).collect()
}

fn quantile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    // As many as the caller's needs: a whole number far below 2^52.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the length")]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index]
}

/// The nearest of those that the rule names, among all. It leaves out who is competent, the hours, the constraints of the person,
/// the sessions, what is left out and why: it does less than `orient()`.
fn linear_scan<'d>(directory: &Directory, everything: &[&'d Entry], need: &Need) -> Vec<(f64, &'d Entry)> {
    let Some(procedure) = need.procedure.as_deref().and_then(|slug| directory.catalogue.procedure(slug)) else { return Vec::new() };
    let targets: Vec<Target> = procedure.targets().collect();
    let is_named = |entry: &Entry| {
        let structure = &entry.structure;
        targets.iter().any(|target| match target {
            Target::Kind(kind) => structure.kind == *kind,
            Target::Desk(institution) => structure.kind == Kind::Guichet && structure.institution.as_deref() == Some(institution),
            Target::Declared(_) | Target::EventTownHall | Target::NoPlace => false,
        }) || structure.declares(&procedure.slug, &procedure.group)
    };
    let open = everything.iter().filter(|entry| !entry.structure.is_closed() && is_named(entry));
    let mut found: Vec<(f64, &Entry)> = open.filter_map(|entry| Some((need.location.distance_m(entry.position?), *entry))).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.truncate(need.limit);
    found
}
