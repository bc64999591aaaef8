//! The service as a user runs it, on a data directory that holds a registry of some size.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::territory::Commune;
use aiguilleur_jobs::seed::{self, Seed};
use aiguilleur_storage::changes::{self, Changes};
use aiguilleur_storage::embedded::{Cluster, Settings};
use aiguilleur_storage::{Database, catalogue, migrations, structures, territory};
use aiguilleur_testkit::registry::{self, Reference, registry};
use aiguilleur_testkit::{App, DataDir};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{Failure, SEED, root};

/// The database that `serve` makes in its private cluster.
pub const DATABASE: &str = "aiguilleur";
/// Where the registries are kept from one run to the next.
const KEPT: &str = "target/bench";
/// Written last: a folder without it was never finished.
const FINISHED: &str = "prepared";
/// Structures handed to the database at once, by each of several connections.
const BATCH: usize = 5_000;

/// A registry on disk, ready to be served.
pub struct Prepared {
    pub name: &'static str,
    pub data_dir: PathBuf,
    pub communes: Vec<Commune>,
    pub procedures: Vec<Procedure>,
}

/// The private cluster, joined beside the service or alone; the last to leave stops it.
pub struct Joined {
    cluster: Option<Cluster>,
    pub database: Database,
}

impl Joined {
    pub async fn open(data_dir: &Path) -> Result<Self, Failure> {
        let settings = Settings { data_dir: data_dir.to_owned(), durable: true };
        let cluster = tokio::task::spawn_blocking(move || Cluster::open(&settings)).await??;
        migrations::ensure_database(&cluster.conninfo("postgres", "postgres"), DATABASE, &cluster.conninfo("postgres", DATABASE)).await?;
        migrations::run(&cluster.conninfo("aiguilleur_owner", DATABASE)).await?;
        let database = Database::new(&cluster.conninfo("aiguilleur_app", DATABASE), 4)?;
        Ok(Self { cluster: Some(cluster), database })
    }

    pub fn conninfo(&self, user: &str, database: &str) -> String {
        self.cluster.as_ref().map_or_else(String::new, |cluster| cluster.conninfo(user, database))
    }

    /// Runs SQL as the superuser.
    pub async fn sql(&self, sql: &str) -> Result<(), Failure> {
        let mut connection = AsyncPgConnection::establish(&self.conninfo("postgres", DATABASE)).await?;
        Ok(connection.batch_execute(sql).await?)
    }

    pub async fn close(mut self) -> Result<(), Failure> {
        if let Some(cluster) = self.cluster.take() {
            tokio::task::spawn_blocking(move || cluster.close()).await??;
        }
        Ok(())
    }

    async fn discard(mut self) -> Result<(), Failure> {
        if let Some(cluster) = self.cluster.take() {
            tokio::task::spawn_blocking(move || cluster.discard()).await??;
        }
        Ok(())
    }
}

/// The national seed, and generated structures up to `size` in all. Made once, kept until the generator changes.
pub async fn prepare(name: &'static str, size: usize) -> Result<Prepared, Failure> {
    let mut version = DefaultHasher::new();
    (include_str!("../../crates/testkit/src/registry.rs"), size, SEED).hash(&mut version);
    let family = format!("{name}-{size}");
    let data_dir = root().join(KEPT).join(format!("{family}-{:016x}", version.finish()));
    forget_others(&family, &data_dir).await?;
    let joined = Joined::open(&data_dir).await?;
    seed::apply(&joined.database, Seed::National, |layer| println!("  {name}: seeding {layer}")).await?;
    let mut connection = joined.database.get().await?;
    let communes = territory::load_communes(&mut connection).await?;
    let procedures = catalogue::load_procedures(&mut connection).await?;
    if !data_dir.join(FINISHED).exists() {
        let known = structures::load_all(&mut connection).await?;
        let seeded = known.iter().filter(|structure| structure.source != registry::SOURCE).count();
        let reference = Reference { communes: &communes, procedures: &procedures, today: chrono::Utc::now().date_naive() };
        fill(&joined.database, reference, size.saturating_sub(seeded), name).await?;
        changes::record(&mut connection, &Changes { reference: true, structures: Vec::new() }, registry::SOURCE).await?;
        joined.sql("VACUUM ANALYZE").await?;
        std::fs::write(data_dir.join(FINISHED), "")?;
    }
    drop(connection);
    joined.sql("CHECKPOINT").await?;
    joined.close().await?;
    Ok(Prepared { name, data_dir, communes, procedures })
}

async fn fill(database: &Database, reference: Reference<'_>, count: usize, name: &str) -> Result<(), Failure> {
    let bar = ProgressBar::new(count.try_into()?).with_message(format!("{name}: generating"));
    bar.set_style(ProgressStyle::with_template("  {msg} {bar:30} {human_pos}/{human_len} ({elapsed})")?);
    let mut generated = registry(reference, SEED, count);
    let batches = std::iter::from_fn(|| Some(generated.by_ref().take(BATCH).collect::<Vec<_>>()).filter(|batch| !batch.is_empty()));
    let writes = stream::iter(batches).map(|batch| async {
        let batch = batch;
        let mut connection = database.get().await?;
        structures::upsert(&mut connection, &batch, |written| bar.inc(u64::try_from(written).unwrap_or_default())).await?;
        Ok::<(), Failure>(())
    });
    writes.buffer_unordered(3).try_collect::<()>().await?;
    bar.finish();
    println!("  {name}: {count} structures generated in {} s", bar.elapsed().as_secs());
    Ok(())
}

/// Deletes the registries of that name and size made by another generator.
async fn forget_others(family: &str, kept: &Path) -> Result<(), Failure> {
    let folder = root().join(KEPT);
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(&folder)? {
        let folder = entry?.path();
        let is_of_family = folder.file_name().is_some_and(|it| it.to_string_lossy().rsplit_once('-').is_some_and(|(of, _)| of == family));
        if is_of_family && Some(folder.file_name()) != Some(kept.file_name()) {
            Joined::open(&folder).await?.discard().await?;
            std::fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}

impl Prepared {
    /// Serves it; with the time from the start of the process to the first 200 of `/health/ready`, in seconds.
    pub async fn serve(&self) -> (App, f64) {
        let began = Instant::now();
        let app = App::embedded(DataDir::Kept(self.data_dir.clone()), "national");
        while !app.get("/health/ready").await.status.is_success() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (app, began.elapsed().as_secs_f64())
    }
}

/// Seconds of processor that a process and its children have used.
pub fn cpu_s(pid: u32) -> f64 {
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold spaces: utime and stime are the 12th and 13th fields after it.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let own = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_S;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    own + children.split_whitespace().filter_map(|child| child.parse().ok()).map(cpu_s).sum::<f64>()
}

/// Megabytes of memory that a process holds now.
pub fn memory_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}
