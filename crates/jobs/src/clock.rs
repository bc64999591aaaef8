//! The clock: what comes due by itself in the life of referrals. It runs in every node; whichever is first does a round's work.

use std::time::Duration;

use aiguilleur_storage::follow_up::{self, Round};
use aiguilleur_storage::{Database, Scope, StorageError, scoped};
use chrono::{DateTime, Utc};

/// How often it is looked for.
const EVERY: Duration = Duration::from_mins(1);
/// By how much this machine's clock and the database's may differ: past it one of them has jumped, and what it says is due may not be.
const MOST_SKEW: chrono::Duration = chrono::Duration::minutes(5);

/// What one round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticked {
    Done(Round),
    /// Another node is doing it.
    Elsewhere,
    /// The clocks differ; nothing was done.
    Jumped,
}

/// Does what is due, each minute. Never ends; several nodes may do it side by side.
pub async fn keep_time(database: Database) {
    let mut has_jumped = false;
    loop {
        match agree(&database, Utc::now()).await {
            Ok(Ticked::Done(round)) => {
                has_jumped = false;
                count(round);
            }
            Ok(Ticked::Elsewhere) => {}
            Ok(Ticked::Jumped) => {
                if !std::mem::replace(&mut has_jumped, true) {
                    tracing::warn!("this machine's clock and the database's differ by minutes: nothing comes due until they agree");
                }
            }
            Err(error) => tracing::warn!(%error, "what is due could not be done; tried again in a minute"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One round, unless the database tells another time.
pub async fn agree(database: &Database, now: DateTime<Utc>) -> Result<Ticked, StorageError> {
    let theirs = follow_up::database_time(&mut *database.get().await?).await?;
    if (now - theirs).abs() > MOST_SKEW { Ok(Ticked::Jumped) } else { tick(database, now).await }
}

/// One round at an instant, in one transaction: all that is due, or nothing.
pub async fn tick(database: &Database, now: DateTime<Utc>) -> Result<Ticked, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    if !follow_up::is_alone(&mut scope).await? {
        return Ok(Ticked::Elsewhere);
    }
    let round = follow_up::act(&mut scope, now).await?;
    scope.commit().await?;
    Ok(Ticked::Done(round))
}

fn count(round: Round) {
    for (what, number) in [("reminder", round.reminders), ("expiry", round.expired), ("question", round.asked), ("unknown", round.unknown)]
    {
        if number > 0 {
            metrics::counter!("follow_ups_due_total", "what" => what).increment(u64::try_from(number).unwrap_or_default());
        }
    }
    if round != Round::default() {
        let Round { reminders, expired, asked, unknown } = round;
        tracing::info!(reminders, expired, asked, unknown, "the clock");
    }
}
