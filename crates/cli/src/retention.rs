//! `aiguilleur retention`: forgets what is due, by hand.

use aiguilleur_jobs::retention;
use chrono::Utc;
use clap::Args;

use crate::{CliError, Settings, database, say};

#[derive(Debug, Args)]
pub struct Retention {
    /// Dit ce qui le serait, sans rien changer
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(settings: &Settings, command: Retention) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let forgotten = if command.dry_run {
        retention::foresee(&opened.database, Utc::now()).await.map(Some)
    } else {
        retention::forget(&opened.database, Utc::now()).await
    };
    opened.close().await?;
    let Some(forgotten) = forgotten? else {
        return Err(CliError::Sentence("un nœud s'en occupe en ce moment ; réessayez dans une minute".to_owned()));
    };
    let verb = if command.dry_run { "à faire" } else { "fait" };
    say(&format!("Textes libres et références à effacer : {} réorientations ({verb})", forgotten.wiped));
    say(&format!("À rendre anonymes : {} réorientations ({verb})", forgotten.anonymised));
    Ok(())
}
