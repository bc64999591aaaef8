//! What past referrals tell of places, kept in memory and renewed; only where the installation lets it count.

use std::sync::Arc;
use std::time::Duration;

use aiguilleur_domain::experience::Experience;
use aiguilleur_storage::{Database, Scope, StorageError, figures, scoped};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, Months, Utc};

/// How often it is renewed.
const EVERY: Duration = Duration::from_hours(1);
/// How far back it looks: as far as anything is kept that isn't anonymous.
const MONTHS: u32 = 24;

/// What every question may weigh; empty where it doesn't count. Cloning shares it.
pub type Learnt = Arc<ArcSwapOption<Experience>>;

/// Renews it at once and then hourly. Never ends.
pub async fn keep_learning(learnt: Learnt, database: Database) {
    loop {
        match learn(&database, Utc::now()).await {
            Ok(experience) => learnt.store(Some(Arc::new(experience))),
            Err(error) => tracing::warn!(%error, "past outcomes could not be read; tried again in an hour"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What is told at an instant.
pub async fn learn(database: &Database, now: DateTime<Utc>) -> Result<Experience, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let rows = figures::experience(&mut scope, now - Months::new(MONTHS)).await?;
    scope.commit().await?;
    Ok(Experience::of(rows))
}
