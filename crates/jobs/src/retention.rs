//! Forgetting in time what was only to be kept for a while.

use std::time::Duration;

use aiguilleur_storage::{Database, Scope, StorageError, referrals, scoped, sessions};

/// How often it is looked for.
const EVERY: Duration = Duration::from_hours(1);

/// Forgets idempotency keys, links and ended sessions whose time is over, at once and then hourly. Never ends; several nodes may do it side by side.
pub async fn keep_forgetting(database: Database) {
    loop {
        if let Err(error) = forget_sessions(&database).await {
            tracing::warn!(%error, "links and ended sessions could not be forgotten; tried again in an hour");
        }
        match forget_keys(&database).await {
            Ok(0) => {}
            Ok(keys) => tracing::info!(keys, "idempotency keys forgotten"),
            Err(error) => tracing::warn!(%error, "idempotency keys could not be forgotten; tried again in an hour"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn forget_keys(database: &Database) -> Result<usize, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let forgotten = referrals::forget_keys(&mut scope, chrono::Utc::now().date_naive()).await?;
    scope.commit().await?;
    Ok(forgotten)
}

async fn forget_sessions(database: &Database) -> Result<(), StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    sessions::forget(&mut scope, chrono::Utc::now()).await?;
    scope.commit().await
}
