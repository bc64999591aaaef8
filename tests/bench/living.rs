//! The service's life: from start to ready, an edit becoming visible, a new snapshot swapped in under load.

use std::time::{Duration, Instant};

use aiguilleur_directory::OVERLAY_LIMIT;
use aiguilleur_domain::structure::Structure;
use aiguilleur_storage::changes::{self, Changes};
use aiguilleur_storage::{Database, schema, structures};
use aiguilleur_testkit::{Answer, App, registry};
use chrono::Utc;
use diesel::prelude::*;
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};
use reqwest::Method;
use uuid::Uuid;

use crate::load::Load;
use crate::report::{Aim, Report};
use crate::service::{Joined, Prepared, cpu_s, memory_mb};
use crate::{Failure, Pace};

const STARTS: usize = 3;
const EDITS: usize = 5;
const SWAPS: usize = 3;
/// Fewer than when throughput is measured: what is looked at is how long one of them waits.
const CONNECTIONS: usize = 8;
/// What is past this is broken, not slow.
const PATIENCE: Duration = Duration::from_mins(5);

pub async fn starts(report: &mut Report, prepared: &Prepared, ready_within_s: f64) -> Result<(), Failure> {
    let (mut ready, mut cpu, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for start in 1..=STARTS {
        let (app, seconds) = prepared.serve().await;
        println!("  start {start} of {STARTS}: ready after {seconds:.1} s");
        ready.push(seconds);
        cpu.push(cpu_s(app.pid()));
        memory.push(memory_mb(app.pid()));
        tokio::task::spawn_blocking(move || drop(app)).await?;
    }
    report.aim(format!("ready_s_{}", prepared.name), "s", ready, Aim::AtMost(ready_within_s));
    report.add(format!("ready_cpu_s_{}", prepared.name), "s", cpu);
    report.add(format!("memory_mb_{}", prepared.name), "MB", memory);
    Ok(())
}

/// Edits one structure, then enough of them for a new base, while questions are asked.
pub async fn changes(report: &mut Report, pace: Pace, prepared: &Prepared, paths: &[String]) -> Result<(), Failure> {
    let (app, _) = prepared.serve().await;
    let joined = Joined::open(&prepared.data_dir).await?;
    let edited = some_generated(&joined.database, OVERLAY_LIMIT + 1).await?;
    let load = Load::of_paths(&app.address, CONNECTIONS, paths);
    load.for_seconds(pace.warm_up_s).await?;

    let asking = load.in_background();
    let mut visible = Vec::new();
    for _ in 0..EDITS {
        visible.push(edit_one(&app, &joined.database, &edited[0]).await?);
    }
    asking.stop().await?;
    write(&joined.database, &edited[..1]).await?;

    let (mut slowest, mut ratio, mut p99, mut took) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for swapped in 1..=SWAPS {
        let quiet_p99 = load.for_seconds(pace.round_s).await?.p99_us();
        let asking = load.in_background();
        let seconds = swap(&app, &joined.database, &edited).await?;
        println!("  swap {swapped} of {SWAPS}: {seconds:.1} s");
        took.push(seconds);
        let measured = asking.stop().await?;
        slowest.push(measured.slowest_us());
        p99.push(measured.p99_us());
        ratio.push(measured.slowest_us() / quiet_p99);
    }
    let name = prepared.name;
    report.aim(format!("edit_visible_s_{name}"), "s", visible, Aim::AtMost(2.0));
    report.aim(format!("swap_slowest_over_quiet_p99_{name}"), "×", ratio, Aim::AtMost(2.0));
    report.add(format!("swap_slowest_us_{name}"), "µs", slowest);
    report.add(format!("swap_p99_us_{name}"), "µs", p99);
    report.add(format!("swap_s_{name}"), "s", took);
    report.add(format!("memory_mb_{name}_after_swaps"), "MB", vec![memory_mb(app.pid())]);
    joined.close().await?;
    tokio::task::spawn_blocking(move || drop(app)).await?;
    Ok(())
}

/// Seconds from the commit until the API shows it.
async fn edit_one(app: &App, database: &Database, structure: &Structure) -> Result<f64, Failure> {
    let name = format!("{} ({})", structure.name, Uuid::new_v4());
    write(database, &[Structure { name: name.clone(), ..structure.clone() }]).await?;
    let committed = Instant::now();
    let path = format!("/v1/structures/{}", structure.id);
    while ask(app, &path).await.is_none_or(|answer| answer.json()["name"] != name.as_str()) {
        if committed.elapsed() > PATIENCE {
            return Err(format!("an edit of {path} never showed").into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(committed.elapsed().as_secs_f64())
}

/// Seconds from the commit of more changes than the overlay may hold until a new base has taken them in.
async fn swap(app: &App, database: &Database, structures: &[Structure]) -> Result<f64, Failure> {
    write(database, structures).await?;
    let committed = Instant::now();
    let mut was_full = false;
    loop {
        let is_full = overlay(app).await.map(|overlay| overlay >= structures.len());
        if was_full && is_full == Some(false) {
            return Ok(committed.elapsed().as_secs_f64());
        }
        was_full |= is_full == Some(true);
        if committed.elapsed() > PATIENCE {
            return Err("no new base was swapped in".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn overlay(app: &App) -> Option<usize> {
    let metrics = ask(app, "/metrics").await?.text;
    metrics.lines().find_map(|line| line.strip_prefix("directory_overlay_structures "))?.trim().parse().ok()
}

/// Looking is not measuring: an answer that doesn't come is asked for again.
async fn ask(app: &App, path: &str) -> Option<Answer> {
    app.try_send(Method::GET, path, &[], None).await.ok()
}

/// As an editor's change is written: the rows and their listing, in one transaction.
async fn write(database: &Database, structures: &[Structure]) -> Result<(), Failure> {
    let now = Utc::now();
    let changed: Vec<Structure> = structures.iter().map(|structure| Structure { updated_at: now, ..structure.clone() }).collect();
    let mut connection = database.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *connection).await?;
    structures::upsert(&mut connection, &changed, |_| ()).await?;
    let listed = Changes { reference: false, structures: changed.iter().map(|structure| structure.id).collect() };
    changes::record(&mut connection, &listed, "bench").await?;
    Ok(AnsiTransactionManager::commit_transaction(&mut *connection).await?)
}

async fn some_generated(database: &Database, count: usize) -> Result<Vec<Structure>, Failure> {
    use schema::structure::{closed_on, id, source, table};
    let mut connection = database.get().await?;
    let open = table.filter(source.eq(registry::SOURCE)).filter(closed_on.is_null());
    let ids: Vec<Uuid> = open.select(id).order(id).limit(count.try_into()?).load(&mut connection).await?;
    Ok(structures::load(&mut connection, &ids).await?)
}
