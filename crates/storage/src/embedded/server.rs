//! The server process of a cluster: whether it runs, how it is started and stopped.
//!
//! Whether it runs is decided by talking to its socket: `postmaster.pid`, which `pg_ctl status` trusts, may be stale.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::place::{Place, fnv1a, write_whole};
use super::programs::{self, Programs};
use super::{EmbeddedError, at};

/// Names the socket file; nothing listens on TCP.
pub(super) const PORT: u16 = 5432;
/// How long a start is tried again: after a `kill -9` the dead server's children take a moment to let go.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long a server that says it is starting up is waited for: it replays what came after the last checkpoint.
const RECOVERY_PATIENCE: Duration = Duration::from_mins(5);
const LOG_LIMIT_BYTES: u64 = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// Something holds the socket but takes no connection: starting up, recovering, stopping.
    Busy,
    Absent,
}

#[derive(Debug)]
pub(super) struct Server {
    place: Place,
    programs: Programs,
    durable: bool,
    socket_dir: PathBuf,
}

impl Server {
    /// The server of an initialised cluster.
    pub(super) fn new(place: Place, programs: Programs, durable: bool) -> Result<Self, EmbeddedError> {
        // The same for every process whatever its TMPDIR, and short: a socket's path has 103 bytes at most.
        let shared = Path::new("/tmp");
        let temporary = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        // The moment of initdb too: a server whose deleted files it outlives must not be taken for the new one.
        let version_file = place.cluster.join("PG_VERSION");
        let made = fs::metadata(&version_file).map_err(at(&version_file))?;
        let name = fnv1a([place.data_dir.as_os_str().as_encoded_bytes(), &made.mtime().to_be_bytes(), &made.mtime_nsec().to_be_bytes()]);
        let socket_dir = temporary.join(format!("aiguilleur-{name:016x}"));
        Ok(Self { place, programs, durable, socket_dir })
    }

    pub(super) fn cluster(&self) -> &Path {
        &self.place.cluster
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Says hello as a client would and reads the first answer.
    pub(super) fn probe(&self) -> State {
        match self.hello() {
            Ok(answer) if answer.starts_with(b"R") => State::Ready,
            // SQLSTATE 57P03, cannot_connect_now; another refusal (too many connections) comes from a working server.
            Ok(answer) if answer.starts_with(b"E") && !answer.windows(7).any(|it| it == b"C57P03\0") => State::Ready,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => State::Absent,
            Ok(_) | Err(_) => State::Busy,
        }
    }

    fn hello(&self) -> io::Result<Vec<u8>> {
        const STARTUP: &[u8] = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
        const TERMINATE: &[u8] = b"X\0\0\0\x04";
        let mut socket = UnixStream::connect(self.socket_dir.join(format!(".s.PGSQL.{PORT}")))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let length = u32::try_from(STARTUP.len() + 4).map_err(io::Error::other)?;
        socket.write_all(&[&length.to_be_bytes(), STARTUP].concat())?;
        let mut answer = vec![0; 512];
        let read = socket.read(&mut answer)?;
        answer.truncate(read);
        let _ = socket.write_all(TERMINATE);
        Ok(answer)
    }

    /// Starts the server unless it runs; `unused` says that no other process of ours uses it. To be called under the
    /// start lock. Leaves nothing half started behind.
    pub(super) fn ensure_running(&self, unused: bool) -> Result<(), EmbeddedError> {
        let outcome = self.start_until_ready(unused);
        if outcome.is_err()
            && unused
            && let Err(error) = self.stop()
        {
            tracing::error!(%error, "a server that didn't start could not be stopped either");
        }
        outcome
    }

    fn start_until_ready(&self, unused: bool) -> Result<(), EmbeddedError> {
        let began = Instant::now();
        let mut give_up = None;
        loop {
            match self.probe() {
                State::Ready => return Ok(()),
                State::Busy if began.elapsed() < RECOVERY_PATIENCE => {
                    sleep(Duration::from_millis(100));
                }
                State::Busy => {
                    return Err(EmbeddedError::Busy { waited: began.elapsed(), log: self.log() });
                }
                State::Absent => {
                    self.clear_the_way(unused)?;
                    let give_up = *give_up.get_or_insert_with(|| Instant::now() + START_PATIENCE);
                    if let Err(error) = self.start() {
                        if Instant::now() > give_up {
                            return Err(error);
                        }
                        sleep(Duration::from_millis(300));
                    }
                }
            }
        }
    }

    fn start(&self) -> Result<(), EmbeddedError> {
        self.place.make_private_dir(&self.socket_dir)?;
        write_whole(&self.place.cluster.join("postgresql.conf"), &self.configuration())?;
        let log = self.log();
        let logged = fs::metadata(&log).map_or(0, |it| it.len());
        if logged > LOG_LIMIT_BYTES {
            fs::rename(&log, log.with_extension("log.old")).map_err(at(&log))?;
        }
        if let Some(namespace) = process_namespace() {
            write_whole(&self.namespace_record(), &namespace)?;
        }
        let mut command = self.pg_ctl(&["start", "--log=postgres/server.log"]);
        // Null, and the log named: the server would otherwise keep our caller's pipe open for as long as it runs.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().map_err(|source| EmbeddedError::Run { program: "pg_ctl start", source })?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read(&log).unwrap_or_default();
        let said = said.get(usize::try_from(logged).unwrap_or(0)..).unwrap_or_default();
        let said = format!("{} (log: {})", String::from_utf8_lossy(said).trim(), log.display());
        Err(EmbeddedError::Failed { program: "pg_ctl start", said })
    }

    /// Stops the server, if it runs, without waiting for its clients to leave.
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        let runs = self.recorded_pid().is_some_and(|pid| self.works_here(pid) != Some(false));
        if runs
            && let Err(error) = programs::finish("pg_ctl stop", &mut self.pg_ctl(&["stop", "--mode=fast"]))
            && self.probe() != State::Absent
        {
            return Err(error);
        }
        // Already gone, or holding what somebody put there: neither matters.
        let _ = fs::remove_dir(&self.socket_dir);
        Ok(())
    }

    /// In a process group of its own, since a Ctrl-C meant for us mustn't cut a start or a stop short; the server
    /// itself gets its own session from `pg_ctl`. Paths are relative because `pg_ctl` has a shell read them.
    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let mut command = self.programs.command("pg_ctl", self.place.run_as(), &self.place.home);
        command.args(arguments).args(["--pgdata=postgres", "--wait", "--timeout=60", "--silent"]).process_group(0);
        command
    }

    /// Written at each start, so that a newer Aiguilleur's settings apply to older clusters.
    fn configuration(&self) -> String {
        let durable = if self.durable { "on" } else { "off" };
        format!(
            "# Written at each start; to change a setting use ALTER SYSTEM, which comes before this file.\n\
             cluster_name = 'aiguilleur'\n\
             listen_addresses = ''\n\
             port = {PORT}\n\
             unix_socket_directories = '{}'\n\
             max_connections = 100\n\
             shared_buffers = 128MB\n\
             fsync = {durable}\n\
             synchronous_commit = {durable}\n\
             full_page_writes = {durable}\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_checkpoints = off\n\
             log_line_prefix = '%m [%p] %q%u@%d '\n",
            self.socket_dir.display()
        )
    }

    /// Deals with what a dead or unreachable server left behind.
    fn clear_the_way(&self, unused: bool) -> Result<(), EmbeddedError> {
        let Some(pid) = self.recorded_pid() else {
            return Ok(());
        };
        let started_in = fs::read_to_string(self.namespace_record()).ok();
        // PostgreSQL itself would not see a server of another container, and two on the same files ruin them.
        if !unused && started_in.is_some() && started_in != process_namespace() {
            return Err(EmbeddedError::Elsewhere { data_dir: self.place.data_dir.clone() });
        }
        match self.works_here(pid) {
            // It runs, but its socket is gone: somebody emptied the temporary folder.
            Some(true) if unused => self.stop(),
            // The number belongs to another process now, or to a zombie nobody waits for: PostgreSQL takes either for
            // the running server.
            Some(false) if process_exists(pid) && !self.anybody_works_here() => {
                let record = self.place.cluster.join("postmaster.pid");
                fs::remove_file(&record).map_err(at(&record))
            }
            _ => Ok(()),
        }
    }

    fn recorded_pid(&self) -> Option<u32> {
        fs::read_to_string(self.place.cluster.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Whether a process is one of this cluster's server, which all work in its folder; `None` where it can't be told.
    fn works_here(&self, pid: u32) -> Option<bool> {
        if !process_exists(std::process::id()) {
            return None;
        }
        match fs::read_link(format!("/proc/{pid}/cwd")) {
            Ok(folder) => Some(folder == self.place.cluster),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
            Err(_) => None,
        }
    }

    fn anybody_works_here(&self) -> bool {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter(|it| it.metadata().is_ok_and(|it| it.uid() == self.place.owner.uid))
            .filter_map(|it| it.file_name().to_str()?.parse().ok())
            .any(|pid| self.works_here(pid) != Some(false))
    }

    fn namespace_record(&self) -> PathBuf {
        self.place.data_dir.join("postgres.started-in")
    }

    fn log(&self) -> PathBuf {
        self.place.cluster.join("server.log")
    }
}

/// Which set of process numbers this process sees (one per container); `None` where there is but one.
fn process_namespace() -> Option<String> {
    Some(fs::read_link("/proc/self/ns/pid").ok()?.display().to_string())
}

fn process_exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
