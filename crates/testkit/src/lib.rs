//! What tests stand on: a database of their own, cloned in milliseconds from a template, and the real binary serving it.
//! A helper that can't do its part panics with what to do: a test has nobody else to tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "tests end by panicking")]

mod mailbox;
pub mod raw;
pub mod registry;
mod stub;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

pub use mailbox::Mailbox;
pub use stub::Stub;

/// Connection string of the run's cluster, with `{user}` and `{database}` to be filled in.
pub const CLUSTER: &str = "AIGUILLEUR_TEST_CLUSTER";
/// Path of the binary under test.
pub const BINARY: &str = "AIGUILLEUR_TEST_BINARY";
/// Migrated, with the catalogue.
pub const TEMPLATE: &str = "aiguilleur_template";
/// And communes, town halls and the demonstration layer.
pub const NATIONAL: &str = "aiguilleur_national";

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("tests need a database: run them with `make test` (or `testkit with-database -- …`)"))
}

/// A database of one test.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A clone of a template.
    pub async fn clone_of(template: &str) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let superuser = conninfo("postgres", "postgres");
        let mut connection = AsyncPgConnection::establish(&superuser).await.expect("the test cluster answers");
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy OWNER aiguilleur_owner");
        connection.batch_execute(&sql).await.expect("a template can be cloned while nobody uses it");
        Self { name }
    }

    /// A connection string for a user on this database.
    pub fn url(&self, user: &str) -> String {
        conninfo(user, &self.name)
    }

    /// Runs SQL as the superuser: to arrange what no request can, or to look behind the service.
    pub async fn sql(&self, sql: &str) {
        let mut connection = AsyncPgConnection::establish(&self.url("postgres")).await.expect("the test cluster answers");
        connection.batch_execute(sql).await.expect("the test's SQL is right");
    }

    /// The same where it may be refused; the error is PostgreSQL's.
    pub async fn try_sql(&self, sql: &str) -> Result<(), String> {
        let mut connection = AsyncPgConnection::establish(&self.url("postgres")).await.expect("the test cluster answers");
        connection.batch_execute(sql).await.map_err(|error| error.to_string())
    }

    /// Lets nobody in any more and throws out whoever is in: a database that is away.
    pub async fn shut(&self) {
        let mut connection = AsyncPgConnection::establish(&conninfo("postgres", "postgres")).await.expect("the test cluster answers");
        let name = &self.name;
        let sql = format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        connection.batch_execute(&sql).await.expect("the database can be shut");
    }

    pub async fn reopen(&self) {
        let mut connection = AsyncPgConnection::establish(&conninfo("postgres", "postgres")).await.expect("the test cluster answers");
        connection
            .batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name))
            .await
            .expect("the database can be reopened");
    }
}

fn conninfo(user: &str, database: &str) -> String {
    setting(CLUSTER).replace("{user}", user).replace("{database}", database)
}

/// The binary under test, with arguments and nothing of this process's own settings.
pub fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(setting(BINARY));
    command.args(arguments).env_remove("DATABASE_URL").env_remove(CLUSTER).env_remove(BINARY).stdin(Stdio::null());
    command
}

/// Where a service keeps its data.
#[derive(Debug)]
pub enum DataDir {
    /// Goes with its test.
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl DataDir {
    pub fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

impl From<tempfile::TempDir> for DataDir {
    fn from(folder: tempfile::TempDir) -> Self {
        Self::Temporary(folder)
    }
}

/// The real service on a port of its own. Ends with its test.
#[derive(Debug)]
pub struct App {
    pub address: String,
    pub data_dir: DataDir,
    client: Client,
    child: Child,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it isn't.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl App {
    /// The service on a test's database.
    pub fn on(database: &TestDatabase, seed: &str) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--seed", seed, "--database-url", &database.url("postgres")]);
        command.arg("--data-dir").arg(data_dir.path());
        Self::spawn(command, data_dir.into())
    }

    /// The same from the build that checks no role.
    pub fn unchecked_on(database: &TestDatabase, seed: &str) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary folder");
        let checked = PathBuf::from(setting(BINARY));
        let mut command = Command::new(checked.with_file_name("aiguilleur-unchecked"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--seed", seed, "--database-url", &database.url("postgres")]);
        command.arg("--data-dir").arg(data_dir.path()).env_remove("DATABASE_URL").stdin(Stdio::null());
        Self::spawn(command, data_dir.into())
    }

    /// The service on a test's database, with settings of its own and its log, `RUST_LOG` included, kept for [`App::log`].
    pub fn with_settings(database: &TestDatabase, seed: &str, settings: &[(&str, &str)]) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--seed", seed, "--database-url", &database.url("postgres")]);
        command.arg("--data-dir").arg(data_dir.path());
        let log = std::fs::File::create(data_dir.path().join("log")).expect("a file in a temporary folder");
        command.env("RUST_LOG", "warn").envs(settings.iter().copied()).stderr(log);
        Self::spawn(command, data_dir.into())
    }

    /// What the service logged so far, when it was started by [`App::with_settings`] or [`App::embedded_with`].
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data_dir.path().join("log")).unwrap_or_default()
    }

    /// Asks it to stop, as an operator would, and waits until it has.
    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let stopped = self.child.wait().expect("it was started here");
        assert!(stopped.success(), "a service that is told to stop ends well: {stopped}");
    }

    /// The service with its own private cluster, as a newcomer starts it.
    pub fn embedded(data_dir: impl Into<DataDir>, seed: &str) -> Self {
        let data_dir = data_dir.into();
        let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--seed", seed]);
        command.arg("--data-dir").arg(data_dir.path());
        Self::spawn(command, data_dir)
    }

    /// The same with variables of its own, and its log kept for [`App::log`].
    pub fn embedded_with(data_dir: impl Into<DataDir>, seed: &str, variables: &[(&str, &str)]) -> Self {
        let data_dir = data_dir.into();
        let mut command = binary(&["serve", "--listen", "127.0.0.1:0", "--seed", seed]);
        command.arg("--data-dir").arg(data_dir.path());
        let log = std::fs::File::create(data_dir.path().join("log")).expect("a file in the data directory");
        command.envs(variables.iter().copied()).stderr(log);
        Self::spawn(command, data_dir)
    }

    fn spawn(mut command: Command, data_dir: DataDir) -> Self {
        let is_set = |name: &str| command.get_envs().any(|(known, _)| known == name);
        // No test calls somebody else's server.
        for (name, value) in
            [("RUST_LOG", "warn"), ("AIGUILLEUR_GEOCODER_URL", "off")].into_iter().filter(|(name, _)| !is_set(name)).collect::<Vec<_>>()
        {
            command.env(name, value);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary was built");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let (_, rest) = first.split_once("http").unwrap_or_else(|| panic!("the service did not start: « {first} »"));
        let address = format!("http{rest}");
        // The other lines go on being read, or the service would block on a full pipe.
        std::thread::spawn(move || lines.count());
        Self { address, data_dir, client: client(), child }
    }

    /// The whole service on the national and demonstration seeds, on a database of its own.
    pub async fn national() -> (Self, TestDatabase) {
        let database = TestDatabase::clone_of(NATIONAL).await;
        (Self::on(&database, "demo"), database)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {token}");
        self.send(Method::POST, path, &[("Authorization", &authorization)], Some(body)).await
    }

    pub async fn get_as(&self, path: &str, token: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        self.send(Method::GET, path, &[("Authorization", &authorization)], None).await
    }

    /// Any request; a body is sent as JSON.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The same, where the service may be dying.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// A token of this installation.
    pub fn token(&self, role: &str, subject: &str, organisation: &str) -> String {
        token(self.data_dir.path(), &["--role", role, "--subject", subject, "--organisation", organisation])
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and the folder that outlives it.
    pub fn kill(mut self) -> DataDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started here");
        std::mem::replace(&mut self.data_dir, DataDir::Kept(PathBuf::new()))
    }
}

/// A token from the command line, for a data directory.
pub fn token(data_dir: &Path, arguments: &[&str]) -> String {
    let output = binary(&["token"]).args(arguments).arg("--data-dir").arg(data_dir).output().expect("the binary was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a token is ASCII").trim().to_owned()
}

impl Drop for App {
    /// Asks it to stop, as an operator would, so that a private cluster is stopped too; then insists.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(15);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection the service is about to close for idleness must not be taken again.
    Client::builder()
        .no_proxy()
        .pool_idle_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client without a proxy")
}

/// Tries until it holds, within some seconds; for what becomes true in its own time.
pub async fn eventually<F: Future<Output = bool>>(within: Duration, mut holds: impl FnMut() -> F) -> bool {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
