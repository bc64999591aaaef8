//! Referrals over HTTP against pgbench writing the same rows, each client in transactions of its own, on the same cluster.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use aiguilleur_testkit::App;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use http_body_util::Full;
use hyper::{Request, header};
use serde_json::json;
use uuid::Uuid;

use crate::load::{Load, micros};
use crate::report::{Aim, Report};
use crate::service::{DATABASE, Joined, Prepared, cpu_s};
use crate::{Failure, Pace};

/// As many as mediators at once in a large network; pgbench is given as many.
const CLIENTS: usize = 64;
const ORGANISATION: &str = "bench";

pub async fn measure(report: &mut Report, pace: Pace, prepared: &Prepared) -> Result<(), Failure> {
    let Some(pgbench) = pgbench() else {
        report.lacks("referral_over_pgbench", "pgbench is not among PostgreSQL's programs here");
        return Ok(());
    };
    let (app, _) = prepared.serve().await;
    let joined = Joined::open(&prepared.data_dir).await?;
    clear(&joined).await?;
    joined.sql("DROP TABLE IF EXISTS bench_row; CREATE TABLE bench_row (id uuid PRIMARY KEY, at timestamptz NOT NULL)").await?;
    joined.sql("GRANT INSERT ON bench_row TO aiguilleur_app").await?;
    let posting = posting(&app).await?;
    // The first one makes the organisation too.
    posting.for_seconds(pace.warm_up_s).await?;
    let scripts = tempfile::tempdir()?;
    let (same_rows, one_row) = (scripts.path().join("referral.sql"), scripts.path().join("row.sql"));
    std::fs::write(&same_rows, same_rows_as_a_referral(organisation(&joined).await?))?;
    std::fs::write(&one_row, "INSERT INTO bench_row VALUES (gen_random_uuid(), now());\n")?;

    let (mut ours, mut theirs, mut rows, mut latency, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=pace.rounds {
        let before = cpu_s(app.pid());
        let measured = posting.for_seconds(pace.round_s).await?;
        cpu.push((cpu_s(app.pid()) - before) * 1e6 / micros(measured.latency.len()));
        ours.push(measured.per_s);
        latency.push(measured.p99_us());
        for (script, figures) in [(&same_rows, &mut theirs), (&one_row, &mut rows)] {
            let mut command = Command::new(&pgbench);
            command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]).arg(format!("--client={CLIENTS}")).arg("--file").arg(script);
            // Whole seconds are all it takes.
            command.arg(format!("--time={:.0}", pace.round_s.max(1.0))).arg(joined.conninfo("aiguilleur_app", DATABASE));
            figures.push(tokio::task::spawn_blocking(move || transactions_per_s(command)).await??);
        }
        let told = [&ours, &theirs, &rows].map(|figures| figures.last().copied().unwrap_or_default());
        println!("  round {round} of {}: referrals {:.0}/s, pgbench {:.0}/s, single rows {:.0}/s", pace.rounds, told[0], told[1], told[2]);
    }
    let over = |base: &[f64]| ours.iter().zip(base).map(|(ours, base)| ours / base).collect::<Vec<_>>();
    report.aim("referral_over_pgbench", "×", over(&theirs), Aim::AtLeast(0.6));
    report.add("referral_over_single_row", "×", over(&rows));
    report.add("referral_per_s", "/s", ours);
    report.add("referral_p99_us", "µs", latency);
    report.add("referral_cpu_us", "µs", cpu);
    report.add("pgbench_per_s", "/s", theirs);
    report.add("single_row_per_s", "/s", rows);
    clear(&joined).await?;
    joined.sql("DROP TABLE bench_row").await?;
    joined.close().await?;
    tokio::task::spawn_blocking(move || drop(app)).await?;
    Ok(())
}

/// What is recorded here is nobody's: the next run begins as this one did.
async fn clear(joined: &Joined) -> Result<(), Failure> {
    joined.sql("TRUNCATE referral, handoff, handoff_event, outcome, outbox, idempotency; CHECKPOINT").await
}

/// A mediator's referral to a place, with everything that makes a row: an event, a message to be sent, a key.
async fn posting(app: &App) -> Result<Load, Failure> {
    let authorization = format!("Bearer {}", app.token("mediator", "bench", ORGANISATION));
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    let options = answer["options"].as_array().cloned().unwrap_or_default();
    let place = options.iter().find(|option| option["target"]["type"] == "structure").ok_or("no place for RSA in Rennes")?;
    let body = json!({
        "procedure": "rsa", "commune": "35238", "target": {"type": "structure", "id": place["target"]["id"]}, "mode": "warm", "rank": 1,
        "orientation_id": answer["orientation_id"], "moment": "reception", "help_kinds": ["account", "form"], "setting": "individual",
        "repeat": "none", "constraints": ["distance"], "minutes_spent": 12, "person_ref": "dossier-812",
    });
    let body = body.to_string();
    let host = app.address.trim_start_matches("http://").to_owned();
    let of_host = host.clone();
    let ask = move |_| {
        let request = Request::post("/v1/referrals").header(header::HOST, &of_host).header(header::AUTHORIZATION, &authorization);
        let request = request.header(header::CONTENT_TYPE, "application/json").header("Idempotency-Key", Uuid::new_v4().to_string());
        request.body(Full::from(body.clone())).expect("a sound request")
    };
    Ok(Load { host, connections: CLIENTS, ask: Arc::new(ask) })
}

async fn organisation(joined: &Joined) -> Result<Uuid, Failure> {
    use aiguilleur_storage::schema::organisation::{id, slug, table};
    let mut connection = joined.database.get().await?;
    Ok(table.filter(slug.eq(ORGANISATION)).select(id).first(&mut connection).await?)
}

/// The rows of [`posting`]'s referral in as few statements as they can be written by, as plain values: the database's own speed.
fn same_rows_as_a_referral(organisation: Uuid) -> String {
    let lines = [
        "BEGIN;",
        "SELECT set_config('aiguilleur.organisation', '{organisation}', true);",
        "WITH made AS MATERIALIZED (SELECT gen_random_uuid() AS referral, gen_random_uuid() AS handoff, gen_random_uuid()::text AS key),",
        "key AS (INSERT INTO idempotency (organisation_id, subject, key, request_digest, referral_id, kept_until)",
        "  SELECT '{organisation}', 'bench', key, repeat('0', 64), referral, current_date + 30 FROM made),",
        "born AS (INSERT INTO referral (id, organisation_id, created_by, code, procedure, sensitive, commune, epci, departement, mode, status,",
        "    orientation_id, orientation_rank, moment, help_kinds, setting, repeat, constraints, minutes_spent, person_ref, occurred_at,",
        "    created_at, follow_up_due_at, version)",
        "  SELECT referral, '{organisation}', 'bench', upper(left(key, 8)) || right(key, 12), 'rsa', false, '35238', '243500139', '35', 'warm',",
        "    'sent', gen_random_uuid(), 1, 'reception', '{account,form}', 'individual', 'none', '{distance}', 12, 'dossier-812', now(),",
        "    now(), now() + '14 days', 1 FROM made),",
        "attempt AS (INSERT INTO handoff (id, referral_id, organisation_id, position, target_type, target_id, target_kind, mode, status,",
        "    created_at, changed_at)",
        "  SELECT handoff, referral, '{organisation}', 1, 'structure', key, 'france-services', 'warm', 'sent', now(), now() FROM made),",
        "event AS (INSERT INTO handoff_event (id, handoff_id, referral_id, organisation_id, position, at, actor, to_status)",
        "  SELECT gen_random_uuid(), handoff, referral, '{organisation}', 1, now(), 'mediator', 'sent' FROM made),",
        "told AS (INSERT INTO outbox (id, organisation_id, referral_id, topic, attempts)",
        "  SELECT gen_random_uuid(), '{organisation}', referral, 'referral.sent', 0 FROM made)",
        "SELECT 1;",
        "COMMIT;\n",
    ];
    lines.join("\n").replace("{organisation}", &organisation.to_string())
}

fn transactions_per_s(mut command: Command) -> Result<f64, Failure> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    if !output.status.success() || tps.is_none() {
        return Err(format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(tps.unwrap_or_default().parse()?)
}

/// Beside the other programs of `PostgreSQL`, where distributions keep it.
fn pgbench() -> Option<PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = named.into_iter().chain(asked).chain(versions).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("pgbench")).find(|program| program.is_file())
}
