//! The private `PostgreSQL` cluster that an installation without `DATABASE_URL` keeps in its data directory.
//!
//! Every process that uses the cluster holds a shared lock on `postgres.users.lock` for life; starting and stopping
//! happen under an exclusive lock on `postgres.start.lock`, and whoever leaves last stops the server. Locks vanish
//! with their process, so after a `kill -9` the server goes on and the next process joins it.
//!
//! Everything here blocks, for seconds at times: from async code, call it through `spawn_blocking`.

mod place;
mod programs;
mod server;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use place::Place;
use programs::Programs;
use server::{PORT, Server, State};

#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    /// `false` is for tests only: a power cut would ruin the cluster.
    pub durable: bool,
}

/// What keeps the private cluster from running, said to whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "les programmes de PostgreSQL (initdb, pg_ctl, postgres) manquent : installez-les avec « {remedy} », \
         ou donnez leur dossier par PG_BIN, ou un serveur par DATABASE_URL"
    )]
    Missing { remedy: String },
    #[error(
        "la base a été créée par PostgreSQL {cluster} et les programmes trouvés sont en version {programs} : \
         installez les bons avec « {remedy} », ou donnez leur dossier par PG_BIN"
    )]
    Version { cluster: String, programs: String, remedy: String },
    #[error("aucun compte pour faire tourner PostgreSQL : `id` ne connaît ni postgres ni nobody")]
    NoAccount,
    #[error("{} appartient à un autre utilisateur (numéro {owner}) : prenez un autre dossier de données", path.display())]
    NotOurs { path: PathBuf, owner: u32 },
    #[error(
        "la base de {} est servie depuis un autre conteneur, où sa socket n'est pas joignable : utilisez DATABASE_URL",
        data_dir.display()
    )]
    Elsewhere { data_dir: PathBuf },
    #[error("{} : {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{program} ne peut pas être lancé : {source}")]
    Run { program: &'static str, source: io::Error },
    #[error("{program} a échoué : {said}")]
    Failed { program: &'static str, said: String },
    #[error("après {} s, PostgreSQL n'accepte toujours pas de connexion ; son journal est {}", waited.as_secs(), log.display())]
    Busy { waited: Duration, log: PathBuf },
}

/// A running cluster that this process shares with others; dropping it leaves, as [`Cluster::close`] does.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    start_lock: PathBuf,
    /// Holds the shared lock; `None` once this process has left.
    users: Option<File>,
}

impl Cluster {
    /// Initialises the cluster when it is new, starts it when it isn't running, joins it when another process runs it.
    ///
    /// As root, the server runs as the user `postgres` (or `nobody`, or whoever made the cluster). Where that user
    /// can't enter the data directory, the cluster goes to a folder of `/var/lib/aiguilleur`, which
    /// `postgres.location` in the data directory then names.
    pub fn open(settings: &Settings) -> Result<Self, EmbeddedError> {
        fs::create_dir_all(&settings.data_dir).map_err(at(&settings.data_dir))?;
        let data_dir = settings.data_dir.canonicalize().map_err(at(&settings.data_dir))?;
        let start_lock = data_dir.join("postgres.start.lock");
        let starting = lock_exclusively(&start_lock)?;
        let users = lock_file(&data_dir.join("postgres.users.lock"))?;

        let place = Place::choose(data_dir)?;
        let version = place.version()?;
        let programs = Programs::find(version.as_deref())?;
        if version.is_none() {
            place.initialise(&programs, settings.durable)?;
        }
        let server = Server::new(place, programs, settings.durable)?;
        server.ensure_running(is_unused(&users)?)?;
        // Nobody holds it exclusively without the start lock, so this is immediate.
        if let Err(error) = users.lock_shared() {
            server.stop()?;
            return Err(at(&start_lock)(error));
        }
        drop(starting);
        Ok(Self { server, start_lock, users: Some(users) })
    }

    /// A tokio-postgres connection string for `user` on `database`. It stays the same when the server is revived.
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let host = self.server.socket_dir().display().to_string();
        format!("host='{}' port={PORT} user='{}' dbname='{}'", quoted(&host), quoted(user), quoted(database))
    }

    /// The folder of the server's files; its log there is `server.log`.
    pub fn location(&self) -> &Path {
        self.server.cluster()
    }

    /// Whether the server takes connections now; waits 2 s at most for its answer.
    pub fn is_alive(&self) -> bool {
        self.server.probe() == State::Ready
    }

    /// Starts the server again if it died. For a supervisor, which spaces its attempts.
    pub fn revive(&self) -> Result<(), EmbeddedError> {
        let Some(users) = &self.users else {
            return Ok(());
        };
        let _starting = lock_exclusively(&self.start_lock)?;
        users.unlock().map_err(at(&self.start_lock))?;
        let outcome = is_unused(users).and_then(|unused| self.server.ensure_running(unused));
        users.lock_shared().map_err(at(&self.start_lock))?;
        outcome
    }

    /// Leaves the cluster; whoever leaves last stops the server, ending the connections that remain.
    pub fn close(mut self) -> Result<(), EmbeddedError> {
        self.leave(Server::stop)
    }

    /// Leaves the cluster; whoever leaves last stops the server and deletes its files. For throw-away clusters.
    pub fn discard(mut self) -> Result<(), EmbeddedError> {
        self.leave(|server| {
            server.stop()?;
            fs::remove_dir_all(server.cluster()).map_err(at(server.cluster()))
        })
    }

    fn leave(&mut self, when_last: impl FnOnce(&Server) -> Result<(), EmbeddedError>) -> Result<(), EmbeddedError> {
        let Some(users) = self.users.take() else {
            return Ok(());
        };
        let _starting = lock_exclusively(&self.start_lock)?;
        users.unlock().map_err(at(&self.start_lock))?;
        if is_unused(&users)? { when_last(&self.server) } else { Ok(()) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.leave(Server::stop) {
            tracing::error!(%error, "the embedded PostgreSQL could not be stopped");
        }
    }
}

fn lock_file(path: &Path) -> Result<File, EmbeddedError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    options.open(path).map_err(|source| match fs::metadata(path) {
        Ok(found) if source.kind() == io::ErrorKind::PermissionDenied => {
            EmbeddedError::NotOurs { path: path.to_owned(), owner: found.uid() }
        }
        _ => at(path)(source),
    })
}

fn lock_exclusively(path: &Path) -> Result<File, EmbeddedError> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            tracing::info!("waiting for another process that starts or stops PostgreSQL");
        }
        Err(TryLockError::Error(error)) => return Err(at(path)(error)),
    }
    file.lock().map_err(at(path))?;
    Ok(file)
}

/// Whether no process holds the users' lock. To be asked under the start lock, while not holding it oneself.
fn is_unused(users: &File) -> Result<bool, EmbeddedError> {
    match users.try_lock() {
        Ok(()) => users.unlock().map(|()| true).map_err(at(Path::new("postgres.users.lock"))),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(at(Path::new("postgres.users.lock"))(error)),
    }
}

/// Says which file an input/output error is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    |source| EmbeddedError::File { path, source }
}
