//! Every state of the records that people keep here: appended in the transaction of the change, never changed.

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::schema::record_version;
use crate::{StorageError, read_code};

/// What sort of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Entity {
    Structure,
    Referent,
    Procedure,
    Institution,
    PracticeNote,
}

/// What brought a record into a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// The import, or the seed, that it came with.
    Source,
    Edit,
    /// A suggestion that its keeper accepted.
    Suggestion,
    /// Going back to an older state.
    Restoration,
    Removal,
}

/// Which record a state is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub entity: Entity,
    /// Its id, or its slug.
    pub id: &'a str,
    /// The organisation whose record it is, where nobody else may read it.
    pub keeper: Option<Uuid>,
}

/// One state of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// 1 for the first on record.
    pub version: i32,
    pub made_at: DateTime<Utc>,
    pub origin: Origin,
    /// Slug of the organisation whose agent brought it there; `None` for a source.
    pub made_by: Option<String>,
    pub state: Value,
}

type Row = (i32, DateTime<Utc>, String, Option<String>, Value);

const COLUMNS: (record_version::version, record_version::made_at, record_version::origin, record_version::made_by, record_version::state) =
    (record_version::version, record_version::made_at, record_version::origin, record_version::made_by, record_version::state);

/// Appends a state; returns its number. The caller holds the record's row, so that two states never take the same.
pub async fn append(
    connection: &mut AsyncPgConnection,
    record: Record<'_>,
    origin: Origin,
    made_by: Option<&str>,
    state: &impl Serialize,
) -> Result<i32, StorageError> {
    let (entity, id): (&str, &str) = (record.entity.into(), record.id);
    let before: Option<i32> = of(entity, id).select(max(record_version::version)).first(connection).await?;
    let version = before.unwrap_or_default() + 1;
    let state = serde_json::to_value(state).map_err(|error| StorageError::Unreadable {
        table: "record_version",
        column: "state",
        value: error.to_string(),
    })?;
    let row = (
        record_version::entity.eq(entity),
        record_version::record_id.eq(id),
        record_version::version.eq(version),
        record_version::made_at.eq(Utc::now()),
        record_version::origin.eq(<&str>::from(origin)),
        record_version::made_by.eq(made_by),
        record_version::keeper.eq(record.keeper),
        record_version::state.eq(state),
    );
    diesel::insert_into(record_version::table).values(row).execute(connection).await?;
    Ok(version)
}

/// The newest first, older than `before`; of those that the scope may see.
pub async fn list(
    connection: &mut AsyncPgConnection,
    entity: Entity,
    id: &str,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Version>, StorageError> {
    let mut query = of(entity.into(), id).select(COLUMNS).into_boxed();
    if let Some(before) = before {
        query = query.filter(record_version::version.lt(before));
    }
    let rows: Vec<Row> = query.order(record_version::version.desc()).limit(limit).load(connection).await?;
    rows.into_iter().map(read).collect()
}

pub async fn find(connection: &mut AsyncPgConnection, entity: Entity, id: &str, version: i32) -> Result<Option<Version>, StorageError> {
    let row: Option<Row> =
        of(entity.into(), id).filter(record_version::version.eq(version)).select(COLUMNS).first(connection).await.optional()?;
    row.map(read).transpose()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of<'a>(entity: &'a str, id: &'a str) -> _ {
    record_version::table.filter(record_version::entity.eq(entity)).filter(record_version::record_id.eq(id))
}

fn read((version, made_at, origin, made_by, state): Row) -> Result<Version, StorageError> {
    Ok(Version { version, made_at, origin: read_code("record_version", "origin", &origin)?, made_by, state })
}
