//! Forgetting in time what was only to be kept for a while.

use std::time::Duration;

use aiguilleur_storage::{Database, Scope, StorageError, follow_up, keeping, links, referrals, scoped, sessions, showings};
use chrono::{DateTime, Utc};

/// How often it is looked for.
const EVERY: Duration = Duration::from_hours(1);
/// After which it is tried again when the clock, or another node, was at work on the same referrals.
const SOON: Duration = Duration::from_millis(500);
/// For which a link that is over is remembered, so that its holder may ask for another.
const ENDED_LINKS_KEPT: chrono::Duration = chrono::Duration::days(90);

/// What was forgotten, or is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Referrals whose free texts and references go.
    pub wiped: usize,
    /// Referrals that are made anonymous.
    pub anonymised: usize,
    /// Idempotency keys.
    pub keys: usize,
}

/// Forgets what is due, at once and then hourly. Never ends; several nodes may do it side by side.
pub async fn keep_forgetting(database: Database) {
    loop {
        let mut pause = EVERY;
        match forget(&database, Utc::now()).await {
            Ok(Some(Forgotten { wiped, anonymised, keys })) if wiped + anonymised + keys > 0 => {
                tracing::info!(wiped, anonymised, keys, "forgotten in time");
            }
            Ok(Some(_)) => {}
            Ok(None) => pause = SOON,
            Err(error) => tracing::warn!(%error, "what is due could not be forgotten; tried again in an hour"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Forgets what is due at an instant, in one transaction; `None` when another node is doing it, or the clock's work.
pub async fn forget(database: &Database, now: DateTime<Utc>) -> Result<Option<Forgotten>, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    if !follow_up::is_alone(&mut scope).await? {
        return Ok(None);
    }
    sessions::forget(&mut scope, now).await?;
    showings::forget_allowances(&mut scope, now.date_naive()).await?;
    links::forget_expired(&mut scope, now - ENDED_LINKS_KEPT).await?;
    let keys = referrals::forget_keys(&mut scope, now.date_naive()).await?;
    let (to_wipe, to_anonymise) = (keeping::to_wipe(&mut scope, now).await?, keeping::to_anonymise(&mut scope, now).await?);
    keeping::wipe(&mut scope, &to_wipe).await?;
    keeping::anonymise(&mut scope, &to_anonymise).await?;
    keeping::blur_corrections(&mut scope, now).await?;
    scope.commit().await?;
    Ok(Some(Forgotten { wiped: to_wipe.len(), anonymised: to_anonymise.len(), keys }))
}

/// What [`forget`] would do to referrals; nothing is done.
pub async fn foresee(database: &Database, now: DateTime<Utc>) -> Result<Forgotten, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let (wiped, anonymised) = (keeping::to_wipe(&mut scope, now).await?.len(), keeping::to_anonymise(&mut scope, now).await?.len());
    scope.commit().await?;
    Ok(Forgotten { wiped, anonymised, keys: 0 })
}
