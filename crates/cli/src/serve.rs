//! `aiguilleur serve`: database, seed, directory in memory, then requests, until told to stop.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use aiguilleur_api::atlas::Atlases;
use aiguilleur_api::auth::issuers::Providers;
use aiguilleur_api::auth::session::Site;
use aiguilleur_api::auth::{InstallationKey, is_slug};
use aiguilleur_api::escalations::Escalations;
use aiguilleur_api::invitation::Post;
use aiguilleur_api::limits::{self, Limits};
use aiguilleur_api::state::AppState;
use aiguilleur_jobs::access::Access;
use aiguilleur_jobs::learning::{Learnt, keep_learning};
use aiguilleur_jobs::questions::keep_flushing;
use aiguilleur_jobs::recorder::{self, Queue, keep_recording};
use aiguilleur_jobs::referents::Referents;
use aiguilleur_jobs::reminders::keep_reminding;
use aiguilleur_jobs::seed::{self, Seed};
use aiguilleur_jobs::snapshot::Snapshot;
use aiguilleur_jobs::{clock, retention};
use aiguilleur_outbound::Url;
use aiguilleur_outbound::geocoder::{self, Geocoder, Patience};
use aiguilleur_outbound::mail::Mailer;
use aiguilleur_storage::organisations::Organisations;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::database::{self, Opened};
use crate::{CliError, Settings, say};

/// How often measures are summed up.
const SUMMING: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Serve {
    /// Adresse d'écoute
    #[arg(long, env = "AIGUILLEUR_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADRESSE:PORT")]
    listen: SocketAddr,
    /// Ce avec quoi une installation commence
    #[arg(long, env = "AIGUILLEUR_SEED", value_enum, default_value_t = SeedChoice::National)]
    seed: SeedChoice,
    /// Laisse compter, en dernier, ce qu'il est advenu des réorientations passées (11 au moins par lieu et démarche)
    #[arg(long, env = "AIGUILLEUR_LEARN_FROM_OUTCOMES", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    learn_from_outcomes: bool,
    /// Garde les notes libres des réorientations
    #[arg(long, env = "AIGUILLEUR_NOTES", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    notes: bool,
    /// Requêtes qui peuvent attendre un même fil avant qu'il en refuse (503)
    #[arg(long, env = "AIGUILLEUR_CROWD", default_value_t = 192, value_name = "NOMBRE")]
    crowd: usize,
    /// Géocodeur qui situe les adresses (« off » : aucun)
    #[arg(long, env = "AIGUILLEUR_GEOCODER_URL", default_value = geocoder::BASE, value_parser = geocoder_url, value_name = "URL|off")]
    geocoder_url: GeocoderUrl,
    #[command(flatten)]
    reach: Reach,
    /// Secrets que des émetteurs demandent : nom-court=secret, séparés par des virgules
    #[arg(long, env = "AIGUILLEUR_ISSUER_SECRETS", hide_env_values = true, value_name = "NOM=SECRET,…")]
    issuer_secrets: Option<Secret>,
    /// Réseaux des mandataires dont on croit « X-Forwarded-For », séparés par des virgules
    #[arg(long, env = "AIGUILLEUR_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "RÉSEAU")]
    trusted_proxies: Vec<IpNet>,
    /// Demandes par seconde d'un même porteur de jeton, en moyenne sur 30 secondes (0 : sans limite)
    #[arg(long, env = "AIGUILLEUR_RATE_SUBJECT", default_value_t = 2_000, value_name = "NOMBRE")]
    rate_subject: u32,
    /// Demandes par seconde d'une même adresse, en moyenne sur 30 secondes ; celles de cette machine n'en ont pas (0 : sans limite)
    #[arg(long, env = "AIGUILLEUR_RATE_ADDRESS", default_value_t = 100, value_name = "NOMBRE")]
    rate_address: u32,
}

/// How people reach the service, and how it reaches them.
#[derive(Debug, Args)]
pub struct Reach {
    /// Adresse par laquelle on joint ce service, pour ses liens (par défaut, celle d'écoute)
    #[arg(long, env = "AIGUILLEUR_PUBLIC_URL", value_parser = public_url, value_name = "URL")]
    pub public_url: Option<String>,
    /// Serveur qui prend les courriels, en `smtps:` ou en `smtp:` ; sans lui, aucun n'est envoyé
    #[arg(long, env = "AIGUILLEUR_SMTP_URL", hide_env_values = true, value_name = "URL")]
    smtp_url: Option<String>,
    /// Expéditeur des courriels
    #[arg(
        long,
        env = "AIGUILLEUR_MAIL_FROM",
        default_value = "Aiguilleur <ne-pas-repondre@localhost.localdomain>",
        value_name = "ADRESSE"
    )]
    mail_from: String,
}

impl Reach {
    /// Who sends mail; `None` when nobody was named.
    pub fn mailer(&self) -> Result<Option<Mailer>, CliError> {
        Ok(self.smtp_url.as_deref().filter(|url| !url.is_empty()).map(|url| Mailer::new(url, &self.mail_from)).transpose()?)
    }
}

/// Never shown, not even by `Debug`.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("…")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// By the issuer's slug. What can't be read isn't shown: it may be a secret.
fn issuer_secrets(given: Option<&Secret>) -> Result<HashMap<String, String>, CliError> {
    let wrong = || CliError::Sentence("AIGUILLEUR_ISSUER_SECRETS : nom-court=secret est attendu, séparés par des virgules".to_owned());
    let pairs = given.map_or("", |given| &given.0).split(',').filter(|pair| !pair.is_empty());
    let read = pairs.map(|pair| pair.split_once('=').filter(|(slug, secret)| is_slug(slug) && !secret.is_empty()));
    read.map(|pair| pair.map(|(slug, secret)| (slug.to_owned(), secret.to_owned())).ok_or_else(wrong)).collect()
}

fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/");
    url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| "https://hôte ou http://hôte est attendu, sans chemin".to_owned())
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.trim().parse::<IpNet>().ok().or_else(|| text.trim().parse::<std::net::IpAddr>().ok().map(IpNet::from));
    network.ok_or_else(|| "une adresse ou un réseau est attendu, par exemple 10.0.0.0/8".to_owned())
}

#[derive(Debug, Clone)]
enum GeocoderUrl {
    Off,
    At(Url),
}

fn geocoder_url(text: &str) -> Result<GeocoderUrl, String> {
    if text == "off" {
        return Ok(GeocoderUrl::Off);
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(GeocoderUrl::At).ok_or_else(|| "une adresse en https:// ou http:// est attendue, ou « off »".to_owned())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SeedChoice {
    /// Les communes, les mairies et le catalogue
    National,
    /// Et des lieux fictifs autour de Rennes
    Demo,
    /// Le catalogue seul
    None,
}

impl From<SeedChoice> for Seed {
    fn from(choice: SeedChoice) -> Self {
        match choice {
            SeedChoice::National => Self::National,
            SeedChoice::Demo => Self::Demo,
            SeedChoice::None => Self::None,
        }
    }
}

pub async fn run(settings: &Settings, serve: Serve) -> Result<(), CliError> {
    let in_use = |error| {
        CliError::Sentence(format!("l'adresse {} ne peut pas être écoutée ({error}) ; choisissez-en une autre avec --listen", serve.listen))
    };
    let listener = TcpListener::bind(serve.listen).map_err(in_use)?;
    allow_connections();
    let mut stop = Stop::new()?;
    let opened = tokio::select! {
        opened = database::open(settings) => opened?,
        () = stop.asked() => return Ok(()),
    };
    let prepared = tokio::select! {
        prepared = prepare(settings, &serve, listener.local_addr()?, &opened) => Some(prepared),
        () = stop.asked() => None,
    };
    let served = match prepared {
        Some(Ok((state, queue))) => {
            let learning = serve.learn_from_outcomes.then(|| tokio::spawn(keep_learning(state.learnt.clone(), opened.database.clone())));
            let served = answer(state, queue, &opened, listener, stop).await;
            learning.inspect(tokio::task::JoinHandle::abort);
            served
        }
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    opened.close().await?;
    served
}

/// Seeds, and loads what requests are answered from; with the referrals that will wait to be recorded.
async fn prepare(settings: &Settings, serve: &Serve, address: SocketAddr, opened: &Opened) -> Result<(AppState, Queue), CliError> {
    let database = &opened.database;
    let url = serve.reach.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let mailer = serve.reach.mailer()?;
    seed::apply(database, serve.seed.into(), |layer| tracing::info!(layer, "seeding")).await?;
    let geocoder = match &serve.geocoder_url {
        GeocoderUrl::Off => None,
        GeocoderUrl::At(url) => Some(Arc::new(Geocoder::new(url, Patience::default())?)),
    };
    let (recorder, queue) = recorder::recorder();
    let state = AppState {
        snapshot: Snapshot::load(database).await?,
        database: database.clone(),
        organisations: Organisations::of(database.clone()),
        recorder,
        key: InstallationKey::open(&settings.data_dir)?,
        access: Access::load(database).await?,
        referents: Referents::load(database).await?,
        providers: Providers::default(),
        issuer_secrets: Arc::new(issuer_secrets(serve.issuer_secrets.as_ref())?),
        limits: Limits::new(limits::Settings {
            per_subject: serve.rate_subject,
            per_address: serve.rate_address,
            trusted_proxies: serve.trusted_proxies.clone(),
        }),
        post: Post { database: database.clone(), mailer, site_url: url.clone() },
        site: Site { url },
        metrics: PrometheusBuilder::new().install_recorder().map_err(std::io::Error::other)?,
        geocoder,
        questions: Arc::default(),
        atlases: Atlases::default(),
        escalations: Escalations::default(),
        crowd: serve.crowd,
        learnt: Learnt::default(),
        published: Arc::default(),
        notes: serve.notes,
    };
    Ok((state, queue))
}

/// Serves until the process is asked to stop, then lets the requests under way end, records the referrals that still wait, and writes
/// down what was only counted.
async fn answer(state: AppState, queue: Queue, opened: &Opened, listener: TcpListener, mut stop: Stop) -> Result<(), CliError> {
    let database = opened.database.clone();
    let (snapshot, questions) = (state.snapshot.clone(), state.questions.clone());
    let (access, referents, post) = (state.access.clone(), state.referents.clone(), state.post.clone());
    let measures = tokio::spawn(keep_summing(state.metrics.clone()));
    let address = listener.local_addr()?;
    let server = aiguilleur_api::serve(listener, state, |_| ())?;
    let handle = server.handle();
    let (ended, told) = oneshot::channel();
    let counter = tokio::spawn(keep_flushing(questions, database.clone(), told));
    let (ended_too, told) = oneshot::channel();
    let recording = tokio::spawn(keep_recording(queue, database.clone(), told));
    let follower = tokio::spawn(snapshot.follow(database.clone()));
    let access = tokio::spawn(access.follow());
    let referents = tokio::spawn(referents.follow());
    let reminding = tokio::spawn(keep_reminding(database.clone(), post.mailer, post.site_url));
    let supervisor = tokio::spawn(opened.supervise());
    let retention = tokio::spawn(retention::keep_forgetting(database.clone()));
    let clock = tokio::spawn(clock::keep_time(database));
    let serving = tokio::spawn(server);
    announce(address);
    let outcome = tokio::select! {
        ended = serving => ended?.map_err(CliError::from),
        () = stop.asked() => {
            handle.stop(true).await;
            Ok(())
        }
    };
    drop((ended, ended_too));
    let _ = tokio::join!(recording, counter);
    follower.abort();
    access.abort();
    referents.abort();
    reminding.abort();
    supervisor.abort();
    retention.abort();
    clock.abort();
    measures.abort();
    let _ = tokio::join!(follower, access, referents, reminding, supervisor, retention, clock, measures);
    outcome
}

/// Each connection is an open file, and most systems give a process 1,024 unless it asks for more.
fn allow_connections() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "connections and files that may be open at once"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

/// Sums up the measures of requests now and then: each would be kept apart until somebody asks for `/metrics`.
async fn keep_summing(measures: PrometheusHandle) {
    loop {
        tokio::time::sleep(SUMMING).await;
        measures.run_upkeep();
    }
}

/// The three lines a newcomer needs.
fn announce(address: SocketAddr) {
    say(&format!("Aiguilleur : http://{address}"));
    say(&format!("Documentation : http://{address}/docs/"));
    say(&format!("Une question : curl 'http://{address}/v1/orientations?procedure=rsa&commune=35238'"));
}

/// SIGINT and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
