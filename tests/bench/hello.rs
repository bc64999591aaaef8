//! The ceiling: a constant answer through the service's own middleware, from a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use actix_web::{HttpResponse, web};
use aiguilleur_api::atlas::Atlases;
use aiguilleur_api::auth::InstallationKey;
use aiguilleur_api::auth::issuers::Providers;
use aiguilleur_api::auth::session::Site;
use aiguilleur_api::invitation::Post;
use aiguilleur_api::limits::{self, Limits};
use aiguilleur_api::state::AppState;
use aiguilleur_jobs::access::Access;
use aiguilleur_jobs::recorder;
use aiguilleur_jobs::snapshot::Snapshot;
use aiguilleur_storage::Database;
use aiguilleur_storage::organisations::Organisations;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::Failure;

/// The first argument of the process that answers.
pub const ARGUMENT: &str = "hello";
pub const PATH: &str = "/hello";

/// The process that answers; ends when dropped.
pub struct Hello {
    pub address: String,
    child: Child,
}

impl Hello {
    /// Answers `size` bytes on a port of its own. `conninfo`: the database whose directory it holds, as the service does.
    pub fn start(conninfo: &str, size: u64) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ARGUMENT, &size.to_string(), conninfo]).env("RUST_LOG", "warn");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut hello = Self { address: String::new(), child };
        let stdout = hello.child.stdout.take().ok_or("its output is piped")?;
        BufReader::new(stdout).read_line(&mut hello.address)?;
        hello.address.truncate(hello.address.trim_end().len());
        if hello.address.is_empty() {
            return Err("the constant answer's server did not start".into());
        }
        Ok(hello)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

static BODY: OnceLock<web::Bytes> = OnceLock::new();

/// What that process runs.
pub async fn serve(size: usize, conninfo: &str) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_writer(std::io::stderr).json().init();
    BODY.get_or_init(|| "x".repeat(size).into());
    let database = Database::new(conninfo, 1)?;
    let data_dir = tempfile::tempdir()?;
    let database_of_access = database.clone();
    let state = AppState {
        snapshot: Snapshot::load(&database).await?,
        key: InstallationKey::open(data_dir.path())?,
        organisations: Organisations::of(database.clone()),
        // Nobody records here.
        recorder: recorder::recorder().0,
        database,
        metrics: PrometheusBuilder::new().install_recorder()?,
        geocoder: None,
        questions: std::sync::Arc::default(),
        atlases: Atlases::default(),
        escalations: aiguilleur_api::escalations::Escalations::default(),
        access: Access::load(&database_of_access).await?,
        referents: aiguilleur_jobs::referents::Referents::load(&database_of_access).await?,
        providers: Providers::default(),
        issuer_secrets: std::sync::Arc::default(),
        limits: Limits::new(limits::Settings { per_subject: 0, per_address: 0, trusted_proxies: Vec::new() }),
        site: Site { url: String::new() },
        post: Post { database: database_of_access, mailer: None, site_url: String::new() },
        crowd: 256,
        learnt: std::sync::Arc::default(),
        published: std::sync::Arc::default(),
        notes: false,
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = aiguilleur_api::serve(listener, state, |config| {
        config.route(PATH, web::get().to(answer));
    })?;
    writeln!(std::io::stdout(), "http://{address}")?;
    // Whoever started it may be killed: the end of its input says so.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(server.await?)
}

/// With the headers that an orientation bears.
async fn answer() -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    response.insert_header(("Vary", "Accept-Language, Authorization, Accept-Encoding"));
    response.insert_header(("Content-Language", "fr"));
    response.content_type("application/json; charset=utf-8").body(BODY.get().cloned().unwrap_or_default())
}
