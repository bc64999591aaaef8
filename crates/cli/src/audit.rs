//! `aiguilleur audit`: everything that was changed, the newest first.

use aiguilleur_storage::audit::{self, Filter};
use aiguilleur_storage::{Database, Scope, scoped};

use crate::{CliError, Settings, database, say};

/// Lines read at once.
const READ_AT_ONCE: i64 = 1_000;

pub async fn run(settings: &Settings) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let outcome = export(&opened.database).await;
    opened.close().await?;
    outcome
}

async fn export(database: &Database) -> Result<(), CliError> {
    let mut filter = Filter::default();
    loop {
        let mut scope = scoped(database, Scope::Administrator).await?;
        let lines = audit::list(&mut scope, &filter, READ_AT_ONCE).await?;
        scope.commit().await?;
        let Some(last) = lines.last() else { return Ok(()) };
        filter.before = Some(last.id);
        for line in &lines {
            say(&serde_json::to_string(line).map_err(std::io::Error::other)?);
        }
    }
}
