//! `aiguilleur export`: what the service holds, as files.

use std::path::PathBuf;

use aiguilleur_jobs::seed;
use clap::Subcommand;

use crate::{CliError, Settings, database, say};

#[derive(Debug, Subcommand)]
pub enum Export {
    /// Le catalogue tel qu'il est ici, modifications comprises, dans la forme des fichiers de seed-data
    Catalogue {
        /// Dossier où les écrire ; il est créé s'il manque
        #[arg(long, value_name = "DOSSIER")]
        into: PathBuf,
    },
}

pub async fn run(settings: &Settings, command: Export) -> Result<(), CliError> {
    let Export::Catalogue { into } = command;
    let opened = database::open(settings).await?;
    let files = seed::export_catalogue(&opened.database).await;
    opened.close().await?;
    let files = files?;
    for file in &files {
        let path = into.join(&file.path);
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(path, &file.bytes).await?;
    }
    say(&format!("{} fichiers écrits dans {}.", files.len(), into.display()));
    Ok(())
}
