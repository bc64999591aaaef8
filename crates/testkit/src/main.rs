//! `testkit with-database -- COMMAND…`: runs a command with a private, throw-away PostgreSQL cluster for its tests.
//! The cluster is not durable: no test may conclude anything from a crash of the whole machine.

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use aiguilleur_jobs::seed::{self, Seed};
use aiguilleur_storage::embedded::{Cluster, Settings};
use aiguilleur_storage::{Database, migrations};
use aiguilleur_testkit::{BINARY, CLUSTER, NATIONAL, TEMPLATE};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command: Vec<String> = match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (Some("with-database"), Some("--")) => arguments.collect(),
        _ => Vec::new(),
    };
    if command.is_empty() {
        eprintln!("usage: testkit with-database -- COMMAND…");
        return ExitCode::from(2);
    }
    match with_database(&command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("testkit: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the command succeeded.
async fn with_database(command: &[String]) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    // Another user runs PostgreSQL when this one is root.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let settings = Settings { data_dir: folder.path().to_owned(), durable: false };
    let cluster = tokio::task::spawn_blocking(move || Cluster::open(&settings)).await??;
    let ran = run(&cluster, command).await;
    tokio::task::spawn_blocking(move || cluster.discard()).await??;
    ran
}

async fn run(cluster: &Cluster, command: &[String]) -> Result<bool, Failure> {
    eprintln!("testkit: preparing the template databases");
    for (template, seed) in [(TEMPLATE, Seed::None), (NATIONAL, Seed::Demo)] {
        migrations::ensure_database(&cluster.conninfo("postgres", "postgres"), template, &cluster.conninfo("postgres", template)).await?;
        migrations::run(&cluster.conninfo("aiguilleur_owner", template)).await?;
        let database = Database::new(&cluster.conninfo("aiguilleur_app", template), 1)?;
        seed::apply(&database, seed, |_| ()).await?;
    }
    let binary = std::env::current_exe()?.with_file_name("aiguilleur");
    let [program, arguments @ ..] = command else { return Ok(false) };
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env(CLUSTER, cluster.conninfo("{user}", "{database}"))
        .env(BINARY, binary)
        .status()
        .await
        .map_err(|error| format!("{program} can't be run: {error}"))?;
    Ok(status.success())
}
