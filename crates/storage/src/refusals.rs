//! Referrals that people refused: added up, and nothing else kept. Within the scope of an organisation.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::schema::refusal_count;

/// Counts one more. `month`: its first day.
pub async fn count(
    connection: &mut AsyncPgConnection,
    organisation: Uuid,
    month: NaiveDate,
    procedure: &str,
    departement: &str,
) -> Result<(), StorageError> {
    diesel::insert_into(refusal_count::table)
        .values((
            refusal_count::month.eq(month),
            refusal_count::organisation_id.eq(organisation),
            refusal_count::procedure.eq(procedure),
            refusal_count::departement.eq(departement),
            refusal_count::refusals.eq(1),
        ))
        .on_conflict((refusal_count::month, refusal_count::organisation_id, refusal_count::procedure, refusal_count::departement))
        .do_update()
        .set(refusal_count::refusals.eq(refusal_count::refusals + 1))
        .execute(connection)
        .await?;
    Ok(())
}
