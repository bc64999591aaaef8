//! `aiguilleur organisation`: for whom agents act.

use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::organisations::{self, Organisation as Kept};
use aiguilleur_storage::{Database, Scope, Scoped, StorageError, scoped};
use chrono::Utc;
use clap::Subcommand;
use uuid::Uuid;

use crate::{CliError, Settings, database, say, slug};

#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Les écrit sur la sortie, une ligne JSON par organisation
    List,
    /// En crée une
    Create {
        /// Nom court, celui des jetons ; il ne change plus
        #[arg(value_parser = slug)]
        slug: String,
        /// Nom
        #[arg(long)]
        name: Option<String>,
        /// Donne à ses outils partenaires le droit d'enregistrer des réorientations
        #[arg(long)]
        may_refer: bool,
    },
    /// Change son nom ou son droit
    Update {
        #[arg(value_parser = slug)]
        slug: String,
        #[arg(long)]
        name: Option<String>,
        /// Donne ou retire le droit d'enregistrer des réorientations à ses outils partenaires
        #[arg(long, value_name = "true|false")]
        may_refer: Option<bool>,
    },
}

pub async fn run(settings: &Settings, command: Organisation) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let outcome = act(&opened.database, command).await;
    opened.close().await?;
    outcome
}

async fn act(database: &Database, command: Organisation) -> Result<(), CliError> {
    let mut scope = scoped(database, Scope::Administrator).await?;
    let actor = Actor::command_line();
    match command {
        Organisation::List => {
            for one in organisations::list(&mut scope, None, i64::MAX).await? {
                say(&serde_json::to_string(&one).map_err(std::io::Error::other)?);
            }
        }
        Organisation::Create { slug, name, may_refer } => {
            let new = Kept { id: Uuid::now_v7(), slug, created_at: Utc::now(), name, may_refer };
            organisations::create(&mut scope, &actor, &new).await?;
            say(&format!("Organisation « {} » créée.", new.slug));
        }
        Organisation::Update { slug, name, may_refer } => {
            let known = known(&mut scope, &slug).await?;
            organisations::update(&mut scope, &actor, known.id, name, may_refer).await?;
            say(&format!("Organisation « {slug} » changée."));
        }
    }
    Ok(scope.commit().await?)
}

/// The organisation of that slug.
pub async fn known(scope: &mut Scoped, slug: &str) -> Result<Kept, CliError> {
    let found = organisations::with_slug(scope, slug).await?;
    found.ok_or_else(|| {
        CliError::Sentence(format!("aucune organisation ne s'appelle « {slug} » : créez-la avec « aiguilleur organisation create {slug} »"))
    })
}

/// What a name that is taken means for whoever typed it.
pub fn taken(error: StorageError, sentence: &str) -> CliError {
    match error {
        StorageError::Taken => CliError::Sentence(sentence.to_owned()),
        error => error.into(),
    }
}
