//! Who accepted the charter of referent contacts. Within [`Scope::System`](crate::Scope).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::StorageError;
use crate::schema::charter_acceptance;

/// The day somebody accepted a version; `None` when they didn't. `person`: see the table.
pub async fn accepted_on(connection: &mut AsyncPgConnection, person: &str, version: i16) -> Result<Option<NaiveDate>, StorageError> {
    let accepted = charter_acceptance::table.find((person, version)).select(charter_acceptance::accepted_on);
    Ok(accepted.first(connection).await.optional()?)
}

/// Keeps that they do; the first time counts.
pub async fn accept(connection: &mut AsyncPgConnection, person: &str, version: i16, today: NaiveDate) -> Result<(), StorageError> {
    let row = (charter_acceptance::person.eq(person), charter_acceptance::version.eq(version), charter_acceptance::accepted_on.eq(today));
    diesel::insert_into(charter_acceptance::table).values(row).on_conflict_do_nothing().execute(connection).await?;
    Ok(())
}
