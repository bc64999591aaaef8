//! Reminding an institution's editors of a contact whose verify-by date is past: once, by mail.

use std::time::Duration;

use aiguilleur_outbound::mail::Mailer;
use aiguilleur_storage::referents::{self, Record};
use aiguilleur_storage::{Database, Scope, StorageError, members, scoped};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Paris;

/// How often it is looked for.
const EVERY: Duration = Duration::from_hours(1);

/// Reminds of what is due, at once and then hourly. Never ends; several nodes may do it side by side.
pub async fn keep_reminding(database: Database, mailer: Option<Mailer>, site_url: String) {
    let Some(mailer) = mailer else { return std::future::pending().await };
    loop {
        match remind(&database, &mailer, &site_url, Utc::now()).await {
            Ok(0) => {}
            Ok(reminded) => tracing::info!(reminded, "editors were told of contacts to be verified"),
            Err(error) => tracing::warn!(%error, "editors could not be told of contacts to be verified; tried again in an hour"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells the editors of every lapsed contact that wasn't told of yet; says of how many.
pub async fn remind(database: &Database, mailer: &Mailer, site_url: &str, now: DateTime<Utc>) -> Result<usize, StorageError> {
    let today = now.with_timezone(&Paris).date_naive();
    let mut reminded = 0;
    while let Some(record) = next(database, today).await? {
        reminded += 1;
        let addresses = editors(database, &record).await?;
        for address in addresses {
            if let Err(error) = mailer.send(&address, "Un contact à vérifier", text(&record, site_url)).await {
                tracing::warn!(%error, "an editor could not be told of a contact to be verified");
            }
        }
    }
    Ok(reminded)
}

/// One that nobody will be told of again: were its mail to fail, its editors still see in the list that it lapsed.
async fn next(database: &Database, today: NaiveDate) -> Result<Option<Record>, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let record = referents::next_lapsed(&mut scope, today).await?;
    if let Some(record) = &record {
        referents::note_reminder(&mut scope, record.kept.referent.id).await?;
    }
    scope.commit().await?;
    Ok(record)
}

/// Those of its keeper who may change it and sign in by mail.
async fn editors(database: &Database, record: &Record) -> Result<Vec<String>, StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let all = members::list(&mut scope, record.keeper, None, i64::MAX).await?;
    scope.commit().await?;
    let it = &record.kept.referent;
    let may =
        all.into_iter().filter(|member| member.removed_at.is_none() && member.grant.edits_institution(&it.institution, &it.territory));
    Ok(may.filter_map(|member| member.email).collect())
}

fn text(record: &Record, site_url: &str) -> String {
    let it = &record.kept.referent;
    format!(
        "Bonjour,\n\nLe contact « {} » que votre organisme confie aux médiateurs était à vérifier avant le {}. Il est montré plus bas \
         depuis, et ne le sera plus du tout après 30 jours.\n\nEst-il encore juste ? Reportez la date ; sinon corrigez-le ou \
         suspendez-le :\n\n{site_url}/v1/referents/{}\n",
        it.function,
        it.verify_by.format("%d/%m/%Y"),
        it.id
    )
}
