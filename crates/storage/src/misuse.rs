//! What institutions say of contacts that weren't used as agreed, until an administrator dealt with it.

use aiguilleur_domain::referent::Misuse;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::schema::misuse_report;
use crate::{StorageError, read_code};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub id: Uuid,
    pub referent: Uuid,
    /// The organisation that says so.
    pub keeper: Uuid,
    pub reason: Misuse,
    pub note: Option<String>,
    pub reported_on: NaiveDate,
    pub settled_on: Option<NaiveDate>,
}

type Row = (Uuid, Uuid, Uuid, String, Option<String>, NaiveDate, Option<NaiveDate>);

pub async fn report(connection: &mut AsyncPgConnection, report: &Report) -> Result<(), StorageError> {
    let row = (
        misuse_report::id.eq(report.id),
        misuse_report::referent_id.eq(report.referent),
        misuse_report::keeper.eq(report.keeper),
        misuse_report::reason.eq(<&str>::from(report.reason)),
        misuse_report::note.eq(&report.note),
        misuse_report::reported_on.eq(report.reported_on),
    );
    diesel::insert_into(misuse_report::table).values(row).execute(connection).await?;
    Ok(())
}

/// Those that the scope may see, the newest first.
pub async fn list(
    connection: &mut AsyncPgConnection,
    settled: bool,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Report>, StorageError> {
    let mut query = misuse_report::table.into_boxed();
    query = if settled { query.filter(misuse_report::settled_on.is_not_null()) } else { query.filter(misuse_report::settled_on.is_null()) };
    if let Some(before) = before {
        query = query.filter(misuse_report::id.lt(before));
    }
    let rows: Vec<Row> = query.order(misuse_report::id.desc()).limit(limit).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// Settles one; `None` when there is none such. One that is settled already stays as it is.
pub async fn settle(connection: &mut AsyncPgConnection, id: Uuid, today: NaiveDate) -> Result<Option<Report>, StorageError> {
    let open = misuse_report::table.find(id).filter(misuse_report::settled_on.is_null());
    diesel::update(open).set(misuse_report::settled_on.eq(Some(today))).execute(connection).await?;
    let row: Option<Row> = misuse_report::table.find(id).first(connection).await.optional()?;
    row.map(read).transpose()
}

fn read((id, referent, keeper, reason, note, reported_on, settled_on): Row) -> Result<Report, StorageError> {
    Ok(Report { id, referent, keeper, reason: read_code("misuse_report", "reason", &reason)?, note, reported_on, settled_on })
}
