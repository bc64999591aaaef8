//! The pattern in wide use, beside the service: `FastAPI` with `SQLAlchemy` and `PostGIS`, on the same cluster and the same structures.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::target::Target;

use crate::service::{DATABASE, Joined};
use crate::{Failure, root};

/// As many processes as the workers that the service has on two cores.
const WORKERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(30);

/// The server; ends when dropped.
pub struct FastApi {
    pub address: String,
    child: Child,
}

impl FastApi {
    /// Copies the structures into a schema of their own, with `PostGIS` and its index, and serves them.
    pub async fn start(joined: &Joined, procedures: &[Procedure]) -> Result<Self, Failure> {
        let uvicorn = root().join("target/bench/venv/bin/uvicorn");
        if !uvicorn.is_file() {
            return Err("FastAPI is not installed in target/bench/venv (scripts/setup.sh bench says why)".into());
        }
        joined.sql(&schema(procedures)).await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(uvicorn);
        command.args(["app:app", "--host", "127.0.0.1", "--no-access-log", "--log-level", "warning"]);
        command.arg(format!("--port={port}")).arg(format!("--workers={WORKERS}")).current_dir(root().join("tests/bench/fastapi"));
        let socket = joined.conninfo("", "").split('\'').nth(1).unwrap_or_default().to_owned();
        command.env("BENCH_DATABASE_URL", format!("postgresql+asyncpg://postgres@/{DATABASE}?host={socket}"));
        let child = command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).spawn()?;
        let mut server = Self { address: format!("http://127.0.0.1:{port}"), child };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE && self.child.try_wait()?.is_none() {
            let answer = reqwest::get(format!("{}/health/ready", self.address)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("FastAPI did not start".into())
    }

    /// Of the process that watches the workers.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for FastApi {
    /// Asks first, so that the workers end with it.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes the copy away again.
pub async fn forget(joined: &Joined) -> Result<(), Failure> {
    joined.sql("DROP SCHEMA IF EXISTS bench CASCADE").await
}

fn schema(procedures: &[Procedure]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let array = |texts: Vec<&str>| format!("ARRAY[{}]::text[]", texts.into_iter().map(quoted).collect::<Vec<_>>().join(","));
    let row = |procedure: &Procedure| {
        let targets: Vec<Target> = procedure.targets().collect();
        let kinds = targets.iter().filter_map(|target| if let Target::Kind(kind) = target { Some(<&str>::from(*kind)) } else { None });
        let desks = targets.iter().filter_map(|target| if let Target::Desk(desk) = target { Some(*desk) } else { None });
        let (kinds, desks) = (array(kinds.collect()), array(desks.collect()));
        format!("({}, {kinds}, {desks})", quoted(&procedure.slug))
    };
    let rules: Vec<String> = procedures.iter().map(row).collect();
    format!(
        "DROP SCHEMA IF EXISTS bench CASCADE;
         CREATE SCHEMA bench;
         CREATE EXTENSION IF NOT EXISTS postgis SCHEMA bench;
         SET search_path TO bench, public;
         CREATE TABLE bench.rule (slug text, kinds text[], desks text[]);
         INSERT INTO bench.rule VALUES {};
         CREATE TABLE bench.procedure AS
             SELECT slug, label, procedure_group, documents, kinds, desks FROM public.procedure JOIN bench.rule USING (slug);
         ALTER TABLE bench.procedure ADD PRIMARY KEY (slug);
         CREATE TABLE bench.commune AS
             SELECT DISTINCT ON (code) code, name, lat, lon FROM public.commune WHERE lat IS NOT NULL ORDER BY code, kind;
         ALTER TABLE bench.commune ADD PRIMARY KEY (code);
         CREATE TABLE bench.structure AS
             SELECT id::text, kind, CASE kind WHEN '{}' THEN institution END AS institution, name, address, postal_code, commune,
                    lat, lon, phone, email, website, opening_hours, hours_checked_on, access, languages, procedures, groups,
                    ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography AS geom
             FROM public.structure WHERE closed_on IS NULL AND lat IS NOT NULL;
         ALTER TABLE bench.structure ADD PRIMARY KEY (id);
         CREATE INDEX ON bench.structure USING gist (geom);
         CREATE INDEX ON bench.structure (kind);
         ANALYZE;",
        rules.join(","),
        <&str>::from(Kind::Guichet),
    )
}
