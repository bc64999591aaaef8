//! Keeping the directory in memory current: an overlay for what changed, a new base in the background when the overlay grows
//! or the hours' window has moved on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::layer::Layer;
use aiguilleur_directory::territory::Territory;
use aiguilleur_directory::{Directory, OVERLAY_LIMIT};
use aiguilleur_domain::area::FundAreas;
use aiguilleur_storage::{Database, StorageError, catalogue, changes, fund_areas, structures, territory};
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::{JobError, seed};

/// How often the revision is asked for, since a NOTIFY can be lost.
const POLL: Duration = Duration::from_secs(1);
/// How much a new base gives way to requests (`nice`).
const NICENESS: i32 = 5;
/// Hours are expanded for some days ahead: bases are renewed daily.
const BASE_KEPT: chrono::Duration = chrono::Duration::hours(24);

/// The directory that requests read, and how sure we are that it is the database's.
#[derive(Debug)]
pub struct Snapshot {
    current: ArcSwap<Directory>,
    /// When the database last confirmed the revision, milliseconds since 1970.
    confirmed_at: AtomicI64,
}

impl Snapshot {
    /// Loads the directory for the first time.
    pub async fn load(database: &Database) -> Result<Arc<Self>, JobError> {
        let directory = load(database, None).await?;
        let confirmed_at = AtomicI64::new(Utc::now().timestamp_millis());
        Ok(Arc::new(Self { current: ArcSwap::from_pointee(directory), confirmed_at }))
    }

    /// The directory as it is now; holding it holds that very state.
    pub fn get(&self) -> Arc<Directory> {
        self.current.load_full()
    }

    /// Seconds since the database last confirmed that this is its state.
    pub fn age_s(&self, now: DateTime<Utc>) -> i64 {
        ((now.timestamp_millis() - self.confirmed_at.load(Ordering::Relaxed)) / 1000).max(0)
    }

    /// Follows the database until dropped: on every notification, and each second. Never ends by itself.
    pub async fn follow(self: Arc<Self>, database: Database) {
        let mut listener: Option<AsyncPgConnection> = None;
        let mut rebuilding: Option<thread::JoinHandle<Result<Directory, JobError>>> = None;
        let mut was_away = false;
        loop {
            if listener.is_none() {
                listener = listen(&database).await.ok();
            }
            let is_listening = match &mut listener {
                Some(connection) => wait_for_word(connection).await,
                None => false,
            };
            if !is_listening {
                listener = None;
                tokio::time::sleep(POLL).await;
            }
            let from = match rebuilding.take_if(|task| task.is_finished()) {
                Some(task) => new_base(task).unwrap_or_else(|| self.get()),
                None => self.get(),
            };
            match self.catch_up(&database, from).await {
                Ok(()) => {
                    if std::mem::take(&mut was_away) {
                        tracing::info!("the database is back");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut was_away, true) {
                        tracing::warn!(%error, "the directory can't be followed; questions go on from memory");
                    }
                    listener = None;
                }
            }
            let directory = self.current.load();
            // A clock that was set back is as far from the hours' days as one that was set forward.
            let stale = directory.overlay_len() > OVERLAY_LIMIT || (Utc::now() - directory.base_built_at).abs() > BASE_KEPT;
            if stale && rebuilding.is_none() && !was_away {
                rebuilding = rebuild(&database, self.get());
            }
        }
    }

    /// Makes `from`, brought up to the database's revision, the directory that requests read.
    async fn catch_up(&self, database: &Database, from: Arc<Directory>) -> Result<(), JobError> {
        let mut connection = database.get().await?;
        let mut newest = from;
        if changes::revision(&mut connection).await? != newest.revision {
            let (revision, changed, structures) = changed_since(&mut connection, newest.revision).await?;
            newest = Arc::new(if changed.reference {
                load(database, None).await?
            } else {
                let now = Utc::now();
                tokio::task::spawn_blocking(move || newest.with_changes(revision, structures, now)).await?
            });
            tracing::info!(revision = newest.revision, overlay = newest.overlay_len(), "directory updated");
        }
        if !Arc::ptr_eq(&newest, &self.current.load()) {
            let old = self.current.swap(newest);
            tokio::spawn(let_go(old));
        }
        self.confirmed_at.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
        Ok(())
    }
}

/// Builds a new base on a thread of its own, of lower priority than those that answer requests. `None` when there is no thread to be
/// had: the next round tries again.
fn rebuild(database: &Database, known: Arc<Directory>) -> Option<thread::JoinHandle<Result<Directory, JobError>>> {
    let (database, runtime) = (database.clone(), Handle::current());
    let build = move || {
        // Refused, it builds at the priority of all.
        let _ = rustix::process::nice(NICENESS);
        runtime.block_on(load(&database, Some(&known)))
    };
    thread::Builder::new().name("new base".to_owned()).spawn(build).ok()
}

/// A base built in the background; `None` when that failed, and the old one goes on.
fn new_base(task: thread::JoinHandle<Result<Directory, JobError>>) -> Option<Arc<Directory>> {
    match task.join() {
        Ok(Ok(directory)) => {
            tracing::info!(revision = directory.revision, "new base");
            Some(Arc::new(directory))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a new base could not be built; the old one goes on");
            None
        }
        Err(_) => {
            tracing::error!("building a new base ended in a panic; the old one goes on");
            None
        }
    }
}

/// Waits for a notification, but no longer than [`POLL`]. `false` when the connection is lost.
async fn wait_for_word(connection: &mut AsyncPgConnection) -> bool {
    let mut notifications = std::pin::pin!(connection.notifications_stream());
    !matches!(tokio::time::timeout(POLL, notifications.next()).await, Ok(None | Some(Err(_))))
}

async fn listen(database: &Database) -> Result<AsyncPgConnection, StorageError> {
    let mut connection = database.dedicated().await?;
    connection.batch_execute(&format!("LISTEN {}", changes::CHANNEL)).await?;
    Ok(connection)
}

type Changed = (i64, changes::Changes, Vec<aiguilleur_domain::structure::Structure>);

async fn changed_since(connection: &mut AsyncPgConnection, revision: i64) -> Result<Changed, JobError> {
    read_consistently(connection).await?;
    let now = changes::revision(connection).await?;
    let changed = changes::since(connection, revision).await?;
    let structures = structures::load(connection, &changed.structures).await?;
    AnsiTransactionManager::commit_transaction(connection).await.map_err(StorageError::from)?;
    Ok((now, changed, structures))
}

/// One state of the database for all the reads that follow, until the commit. A whole country read at a low priority, beside requests
/// that leave little of the processor, takes longer than a statement otherwise may.
async fn read_consistently(connection: &mut AsyncPgConnection) -> Result<(), StorageError> {
    AnsiTransactionManager::begin_transaction(connection).await?;
    let settings = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = '15min'";
    Ok(connection.batch_execute(settings).await?)
}

/// Waits until no request reads a directory any more, so that none of them pays for freeing it.
async fn let_go(mut old: Arc<Directory>) {
    loop {
        match Arc::try_unwrap(old) {
            Ok(unread) => break drop(tokio::task::spawn_blocking(move || drop(unread)).await),
            Err(read) => old = read,
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Loads everything, at one revision; what `known` has of the catalogue and the territory is kept where it hasn't changed since.
async fn load(database: &Database, known: Option<&Directory>) -> Result<Directory, JobError> {
    let mut connection = database.get().await?;
    read_consistently(&mut connection).await?;
    let revision = changes::revision(&mut connection).await?;
    let changed = match known {
        Some(known) => changes::since(&mut connection, known.revision).await?.reference,
        None => true,
    };
    let reference = if changed { Some(load_reference(&mut connection).await?) } else { None };
    let structures = structures::load_all(&mut connection).await?;
    AnsiTransactionManager::commit_transaction(&mut *connection).await.map_err(StorageError::from)?;
    drop(connection);
    let now = Utc::now();
    match (reference, known) {
        (None, Some(known)) => {
            // Only where a new base replaces an old one: on the thread that `rebuild` made for it.
            Ok(Directory::build(revision, known.catalogue.clone(), known.territory.clone(), structures, now))
        }
        (None, None) => Err(StorageError::Unavailable("nothing is known yet".to_owned()).into()),
        (Some(reference), _) => {
            let (unlearned, territory) = (reference.unlearned, reference.territory.await??);
            let built = tokio::task::spawn_blocking(move || (Layer::build(structures, &unlearned, &territory, now), territory));
            let (base, territory) = built.await?;
            Ok(Directory::of(revision, Arc::new(reference.catalogue.await?), Arc::new(territory), base, now))
        }
    }
}

/// What a base is built on, put together on threads of their own while the caller goes on reading.
struct Reference {
    /// Enough to build a base with: learning words takes as long as all the rest.
    unlearned: Catalogue,
    catalogue: JoinHandle<Catalogue>,
    territory: JoinHandle<Result<Territory, JobError>>,
}

async fn load_reference(connection: &mut AsyncPgConnection) -> Result<Reference, JobError> {
    let institutions = catalogue::load_institutions(connection).await?;
    let procedures = catalogue::load_procedures(connection).await?;
    let fund_areas = FundAreas::new(&fund_areas::load(connection).await?);
    let unlearned = Catalogue::new(procedures.clone(), institutions.clone()).with_fund_areas(fund_areas.clone());
    let learn = move || Catalogue::new(procedures, institutions).with_fund_areas(fund_areas).learn();
    let catalogue = tokio::task::spawn_blocking(learn);
    let communes = territory::load_communes(connection).await?;
    let area_names = territory::load_area_names(connection).await?;
    let territory = tokio::task::spawn_blocking(move || {
        let outlines = if communes.is_empty() { HashMap::new() } else { outlines()?.clone() };
        Ok(Territory::new(communes, outlines).with_area_names(area_names))
    });
    Ok(Reference { unlearned, catalogue, territory })
}

type Outlines = HashMap<aiguilleur_domain::territory::CommuneCode, geo::MultiPolygon>;

/// Unpacked once: reading eight megabytes of topology takes a while.
fn outlines() -> Result<&'static Outlines, JobError> {
    static OUTLINES: OnceLock<Outlines> = OnceLock::new();
    if let Some(outlines) = OUTLINES.get() {
        return Ok(outlines);
    }
    let read = seed::outlines()?;
    Ok(OUTLINES.get_or_init(|| read))
}
