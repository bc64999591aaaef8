//! `aiguilleur key`: partner keys.

use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::organisations::Organisations;
use aiguilleur_storage::partner_keys::{self, PartnerKey, Turned};
use aiguilleur_storage::{Database, Scope, scoped};
use clap::Subcommand;
use uuid::Uuid;

use crate::{CliError, Settings, database, say, slug, ttl};

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Les écrit sur la sortie, une ligne JSON par clé
    List,
    /// En crée une et l'écrit, seule, sur la sortie
    Create {
        /// Le partenaire
        #[arg(long, value_parser = slug)]
        organisation: String,
        /// Ce à quoi elle sert
        #[arg(long)]
        label: String,
        /// Origine des pages qui s'en servent, sans chemin ; l'option peut être répétée
        #[arg(long, required = true, value_parser = origin, value_name = "ORIGINE")]
        origin: Vec<String>,
        /// Demandes par minute, sur chaque nœud
        #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(i32).range(1..=1_000_000))]
        quota_per_minute: i32,
    },
    /// En crée une autre pour les mêmes pages et l'écrit ; l'ancienne reste bonne un temps
    Rotate {
        id: Uuid,
        /// Ce temps : 24h, 7d
        #[arg(long, default_value = "7d", value_parser = ttl, value_name = "DURÉE")]
        overlap: chrono::Duration,
    },
    /// La refuse désormais, partout et en quelques secondes
    Revoke { id: Uuid },
}

fn origin(text: &str) -> Result<String, String> {
    aiguilleur_api::parse_origin(text).ok_or_else(|| "https://hôte est attendu, avec un port s'il le faut, et rien après".to_owned())
}

pub async fn run(settings: &Settings, command: Key) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let outcome = act(&opened.database, command).await;
    opened.close().await?;
    outcome
}

async fn act(database: &Database, command: Key) -> Result<(), CliError> {
    let actor = Actor::command_line();
    let mut scope = scoped(database, Scope::Administrator).await?;
    match command {
        Key::List => {
            for key in partner_keys::list(&mut scope, None, i64::MAX).await? {
                say(&serde_json::to_string(&key).map_err(std::io::Error::other)?);
            }
        }
        Key::Create { organisation, label, origin, quota_per_minute } => {
            let organisation = Organisations::of(database.clone()).ensure(&organisation).await?;
            let new = PartnerKey::new(organisation, &label, origin, quota_per_minute);
            partner_keys::add(&mut scope, &actor, &new).await?;
            say(&new.key);
        }
        Key::Rotate { id, overlap } => say(&done(partner_keys::rotate(&mut scope, &actor, id, overlap).await?)?.key),
        Key::Revoke { id } => {
            done(partner_keys::revoke(&mut scope, &actor, id).await?)?;
            say("Clé révoquée.");
        }
    }
    Ok(scope.commit().await?)
}

fn done(turned: Turned) -> Result<PartnerKey, CliError> {
    match turned {
        Turned::Done(key) => Ok(*key),
        Turned::Unknown => Err(CliError::Sentence("aucune clé n'a cet identifiant : « aiguilleur key list » les dit".to_owned())),
        Turned::Over => Err(CliError::Sentence("cette clé est déjà révoquée ou remplacée".to_owned())),
    }
}
