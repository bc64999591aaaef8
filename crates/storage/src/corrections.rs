//! Corrections: what users found wrong in the directory, open until somebody settles it. A record with an open one is disputed, and
//! stands lower.

use aiguilleur_domain::referral::{Reason, TargetType};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::changes::{self, Changes};
use crate::referrals::{Handoff, Referral};
use crate::schema::{correction, structure};
use crate::{StorageError, read_code};

/// A record that is said to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub id: Uuid,
    pub structure: Uuid,
    pub reason: Reason,
    /// How many said so.
    pub reports: i32,
    pub opened_on: NaiveDate,
    pub settled_on: Option<NaiveDate>,
    pub verdict: Option<Verdict>,
}

/// How a correction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// The record was wrong, and is right now.
    Corrected,
    /// It was right.
    Unfounded,
}

type Row = (Uuid, Uuid, String, i32, NaiveDate, Option<NaiveDate>, Option<String>);

/// Opens one, or counts one more report, when a reason says that the directory is wrong of a place. Not for a sensitive referral: the
/// day would be told. Raises the directory's revision, and so comes last in its transaction.
pub(crate) async fn open_for(
    connection: &mut AsyncPgConnection,
    referral: &Referral,
    handoff: &Handoff,
    reason: Option<Reason>,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let reason = reason.filter(|reason| reason.is_directory_error() && !referral.sensitive && handoff.target_type == TargetType::Structure);
    let (Some(reason), Ok(place)) = (reason, Uuid::parse_str(&handoff.target_id)) else { return Ok(()) };
    let still_there: Option<bool> =
        structure::table.find(place).select(structure::disputed).for_update().first(connection).await.optional()?;
    let Some(is_disputed) = still_there else { return Ok(()) };
    let reason: &str = reason.into();
    let same = correction::table
        .filter(correction::structure_id.eq(place).and(correction::reason.eq(reason)).and(correction::settled_on.is_null()));
    if diesel::update(same).set(correction::reports.eq(correction::reports + 1)).execute(connection).await? == 0 {
        let new = (
            correction::id.eq(Uuid::new_v4()),
            correction::structure_id.eq(place),
            correction::reason.eq(reason),
            correction::opened_on.eq(at.date_naive()),
        );
        diesel::insert_into(correction::table).values(new).execute(connection).await?;
    }
    if is_disputed { Ok(()) } else { dispute(connection, place, true).await }
}

/// The open ones or the settled ones, the oldest first; of one structure, or of all.
pub async fn list(
    connection: &mut AsyncPgConnection,
    place: Option<Uuid>,
    settled: bool,
    after: Option<(NaiveDate, Uuid)>,
    limit: i64,
) -> Result<Vec<Correction>, StorageError> {
    let mut query = correction::table.select(COLUMNS).into_boxed();
    query = if settled { query.filter(correction::settled_on.is_not_null()) } else { query.filter(correction::settled_on.is_null()) };
    if let Some(place) = place {
        query = query.filter(correction::structure_id.eq(place));
    }
    if let Some((day, id)) = after {
        query = query.filter(correction::opened_on.gt(day).or(correction::opened_on.eq(day).and(correction::id.gt(id))));
    }
    let rows: Vec<Row> = query.order((correction::opened_on, correction::id)).limit(limit).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// Settles one; `None` when there is none such. One that is settled already stays as it is.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    verdict: Verdict,
    by: &str,
    today: NaiveDate,
) -> Result<Option<Correction>, StorageError> {
    let place: Option<Uuid> = correction::table.find(id).select(correction::structure_id).first(connection).await.optional()?;
    let Some(place) = place else { return Ok(None) };
    // As whoever opens one does, so that none is opened in between.
    structure::table.find(place).select(structure::id).for_update().first::<Uuid>(connection).await?;
    let settling =
        (correction::settled_on.eq(Some(today)), correction::settled_by.eq(Some(by)), correction::verdict.eq(Some(<&str>::from(verdict))));
    let open = correction::table.find(id).filter(correction::settled_on.is_null());
    let settled_now = diesel::update(open).set(settling).execute(connection).await? > 0;
    let row: Row = correction::table.find(id).select(COLUMNS).first(connection).await?;
    let others = correction::table.filter(correction::structure_id.eq(place).and(correction::settled_on.is_null()));
    let still_disputed: bool = diesel::select(diesel::dsl::exists(others)).get_result(connection).await?;
    if settled_now && !still_disputed {
        dispute(connection, place, false).await?;
    }
    read(row).map(Some)
}

const COLUMNS: (
    correction::id,
    correction::structure_id,
    correction::reason,
    correction::reports,
    correction::opened_on,
    correction::settled_on,
    correction::verdict,
) = (
    correction::id,
    correction::structure_id,
    correction::reason,
    correction::reports,
    correction::opened_on,
    correction::settled_on,
    correction::verdict,
);

fn read((id, structure, reason, reports, opened_on, settled_on, verdict): Row) -> Result<Correction, StorageError> {
    let verdict = verdict.map(|code| read_code("correction", "verdict", &code)).transpose()?;
    Ok(Correction { id, structure, reason: read_code("correction", "reason", &reason)?, reports, opened_on, settled_on, verdict })
}

async fn dispute(connection: &mut AsyncPgConnection, place: Uuid, disputed: bool) -> Result<(), StorageError> {
    diesel::update(structure::table.find(place)).set(structure::disputed.eq(disputed)).execute(connection).await?;
    changes::record(connection, &Changes { reference: false, structures: vec![place] }, "correction").await?;
    Ok(())
}
