//! The one binary. Each command has its file; this one reads the settings and says in one sentence what went wrong.

mod audit;
mod database;
mod export;
mod import;
mod issuer;
mod key;
mod member;
mod organisation;
mod retention;
mod serve;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use aiguilleur_api::auth::{DEFAULT_ORGANISATION, InstallationKey, KeyError, is_slug};
use aiguilleur_domain::access::{Grant, Role, Territory};
use clap::{Args, CommandFactory, Parser, Subcommand};

/// Answers read scattered memory: with this allocator they cost a tenth less, a quarter less among a million structures, and what a swap
/// lets go of goes back to the system.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Où réorienter cette personne, pour cette démarche ?
#[derive(Debug, Parser)]
#[command(name = "aiguilleur", version, after_help = "Sans DATABASE_URL, une base PostgreSQL privée vit dans le dossier de données.")]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// What every command may need.
#[derive(Debug, Clone, Args)]
struct Settings {
    /// Dossier des données : base privée et clé de l'installation
    #[arg(long, global = true, env = "AIGUILLEUR_DATA_DIR", default_value = "./data", value_name = "DOSSIER")]
    data_dir: PathBuf,
    /// Base PostgreSQL à utiliser, au lieu de la base privée
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Démarre le service
    Serve(serve::Serve),
    /// Importe une source de lieux
    Import(import::Import),
    /// Écrit en fichiers ce que tient le service
    #[command(subcommand)]
    Export(export::Export),
    /// Met la base à jour, et crée ses rôles
    Migrate,
    /// Écrit le document OpenAPI sur la sortie
    Openapi,
    /// Organisations : liste, création, droits
    #[command(subcommand)]
    Organisation(organisation::Organisation),
    /// Membres : liste, ajout, invitation, retrait
    #[command(subcommand)]
    Member(member::Member),
    /// Clés partenaires : liste, création, rotation, révocation
    #[command(subcommand)]
    Key(key::Key),
    /// Émetteurs de jetons (OpenID Connect) : liste, ajout, retrait
    #[command(subcommand)]
    Issuer(issuer::Issuer),
    /// Écrit le journal des changements sur la sortie, une ligne JSON par changement
    Audit,
    /// Efface et anonymise ce qui a fait son temps, comme le service le fait chaque heure
    Retention(retention::Retention),
    /// Écrit la table de qui peut faire quoi, en Markdown
    #[command(hide = true)]
    Access,
    /// Délivre un jeton signé par la clé de l'installation, seul sur la sortie
    Token(Token),
}

#[derive(Debug, Args)]
struct Token {
    /// Rôle ; l'option peut être répétée
    #[arg(long, required = true, value_parser = role, value_name = "RÔLE")]
    role: Vec<Role>,
    /// Pour qui : l'identifiant d'un agent ou d'un outil, sans rien de personnel
    #[arg(long, value_parser = name, value_name = "SUJET")]
    subject: String,
    /// Organisation, par son nom court
    #[arg(long, default_value = DEFAULT_ORGANISATION, value_parser = slug, value_name = "ORGANISATION")]
    organisation: String,
    /// Organisme dont il tient les contacts, pour un gestionnaire d'organisme
    #[arg(long, value_name = "ORGANISME")]
    institution: Option<String>,
    /// Départements où le rôle vaut (35,2A,974), ou FR
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    territory: Vec<String>,
    /// Durée de validité : 30m, 8h, 7d
    #[arg(long, default_value = "8h", value_parser = ttl, value_name = "DURÉE")]
    ttl: chrono::Duration,
}

/// Rights as options give them. A token may lack a territory, and is then worth nothing where one is asked for.
fn grant(roles: Vec<Role>, institution: Option<String>, territory: &[String]) -> Result<Grant, CliError> {
    let wrong = |code| CliError::Sentence(format!("« {code} » n'est ni un code de département (35, 2A, 974), ni « FR »"));
    Ok(Grant { roles, institution, territory: Territory::parse(territory).map_err(wrong)? })
}

fn role(text: &str) -> Result<Role, String> {
    aiguilleur_domain::code::parse(text).map_err(|error| format!("rôles admis : {}", error.allowed.join(", ")))
}

fn name(text: &str) -> Result<String, String> {
    let sound = !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(char::is_control);
    sound.then(|| text.to_owned()).ok_or_else(|| "un texte de 1 à 200 caractères est attendu".to_owned())
}

fn slug(text: &str) -> Result<String, String> {
    let expected = || "un nom court est attendu : lettres, chiffres, points, tirets ; 100 caractères au plus".to_owned();
    is_slug(text).then(|| text.to_owned()).ok_or_else(expected)
}

fn ttl(text: &str) -> Result<chrono::Duration, String> {
    let parsed = humantime::parse_duration(text).ok().and_then(|duration| chrono::Duration::from_std(duration).ok());
    let sound = parsed.filter(|ttl| *ttl > chrono::Duration::zero() && *ttl <= chrono::Duration::days(366));
    sound.ok_or_else(|| "une durée de 1s à 366d est attendue, par exemple 30m, 8h ou 7d".to_owned())
}

/// What stops a command. The message is a sentence for whoever typed it.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("{0}")]
    Sentence(String),
    #[error(transparent)]
    Embedded(#[from] aiguilleur_storage::embedded::EmbeddedError),
    #[error(transparent)]
    Storage(#[from] aiguilleur_storage::StorageError),
    #[error(transparent)]
    Job(#[from] aiguilleur_jobs::JobError),
    #[error(transparent)]
    Mail(#[from] aiguilleur_outbound::mail::MailError),
    #[error(transparent)]
    Post(#[from] aiguilleur_api::invitation::PostError),
    #[error(transparent)]
    Outbound(#[from] aiguilleur_outbound::OutboundError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut cli = Cli::parse();
    // An empty variable is how many a launcher says "unset".
    cli.settings.database_url = cli.settings.database_url.filter(|url| !url.trim().is_empty());
    log_to_stderr();
    report_unknown_settings();
    let outcome = match cli.command {
        Command::Serve(serve) => serve::run(&cli.settings, serve).await,
        Command::Import(import) => import::run(&cli.settings, import).await,
        Command::Export(command) => export::run(&cli.settings, command).await,
        Command::Migrate => migrate(&cli.settings).await,
        Command::Openapi => openapi(),
        Command::Organisation(command) => organisation::run(&cli.settings, command).await,
        Command::Member(command) => member::run(&cli.settings, command).await,
        Command::Key(command) => key::run(&cli.settings, command).await,
        Command::Issuer(command) => issuer::run(&cli.settings, command).await,
        Command::Audit => audit::run(&cli.settings).await,
        Command::Retention(command) => retention::run(&cli.settings, command).await,
        Command::Access => {
            say(aiguilleur_api::access::table().trim_end());
            Ok(())
        }
        Command::Token(token) => issue(&cli.settings, &token),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aiguilleur : {error}");
            ExitCode::FAILURE
        }
    }
}

async fn migrate(settings: &Settings) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    match opened.migrated.as_slice() {
        [] => say("La base est à jour."),
        ran => say(&format!("Migrations faites : {}.", ran.join(", "))),
    }
    opened.close().await
}

fn openapi() -> Result<(), CliError> {
    let document = serde_json::to_string_pretty(aiguilleur_api::spec::document()).map_err(std::io::Error::other)?;
    say(&document);
    Ok(())
}

fn issue(settings: &Settings, token: &Token) -> Result<(), CliError> {
    let grant = grant(token.role.clone(), token.institution.clone(), &token.territory)?;
    let key = InstallationKey::open(&settings.data_dir)?;
    say(&key.issue(&token.subject, &token.organisation, &grant, token.ttl)?);
    Ok(())
}

/// A line on standard output. Whoever reads it may have gone: that is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Text for a terminal, JSON for a collector.
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).compact().init();
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
}

/// A setting that nothing reads is likely a misspelt one.
fn report_unknown_settings() {
    let command = Cli::command();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let mut known: Vec<&str> =
        commands.flat_map(clap::Command::get_arguments).filter_map(|argument| argument.get_env()?.to_str()).collect();
    known.retain(|name| name.starts_with("AIGUILLEUR_"));
    known.sort_unstable();
    known.dedup();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("AIGUILLEUR_") && !known.contains(&&*name) {
            tracing::warn!("réglage inconnu, sans effet : {name} ; réglages connus : {}", known.join(", "));
        }
    }
}
