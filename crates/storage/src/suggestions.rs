//! Suggestions: what somebody signed in says should be changed of a structure's record, until its keeper says yes or no.
//! Within [`Scope::System`](crate::Scope): they belong to whoever made them, and are read by whoever keeps the record.

use aiguilleur_domain::keeping::Change;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::schema::{organisation, suggestion};
use crate::structures::Held;
use crate::{StorageError, read_code};

/// Open ones that a record may have.
pub const MOST_OPEN: i64 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    Accepted,
    Refused,
}

/// What should be changed of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub id: Uuid,
    pub structure: Uuid,
    /// Slug of the organisation whose agent says so.
    pub organisation: String,
    pub made_at: DateTime<Utc>,
    pub change: Change,
    /// Why, or how it is known.
    pub note: Option<String>,
    pub verdict: Option<Verdict>,
    pub settled_at: Option<DateTime<Utc>>,
}

type Row = (Uuid, Uuid, String, DateTime<Utc>, Value, Option<String>, Option<String>, Option<DateTime<Utc>>);

#[diesel::dsl::auto_type(no_type_alias)]
fn rows() -> _ {
    suggestion::table.inner_join(organisation::table).select((
        suggestion::id,
        suggestion::structure_id,
        organisation::slug,
        suggestion::made_at,
        suggestion::changes,
        suggestion::note,
        suggestion::verdict,
        suggestion::settled_at,
    ))
}

/// Notes a suggestion on a record that is held; `None` when [`MOST_OPEN`] wait already.
pub async fn add(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    held: &Held,
    organisation: Uuid,
    change: &Change,
    note: Option<&str>,
) -> Result<Option<Suggestion>, StorageError> {
    let place = held.structure.id;
    let open = suggestion::table.filter(suggestion::structure_id.eq(place).and(suggestion::verdict.is_null()));
    if open.count().get_result::<i64>(connection).await? >= MOST_OPEN {
        return Ok(None);
    }
    let id = Uuid::now_v7();
    let changes = serde_json::to_value(change).map_err(|error| unreadable(&error))?;
    let new = (
        suggestion::id.eq(id),
        suggestion::structure_id.eq(place),
        suggestion::organisation_id.eq(organisation),
        suggestion::made_at.eq(Utc::now()),
        suggestion::changes.eq(changes),
        suggestion::note.eq(note),
    );
    diesel::insert_into(suggestion::table).values(new).execute(connection).await?;
    let deed = Deed { action: "create_suggestion", entity: "suggestion", id: id.to_string(), organisation: held.keeper };
    audit::write(connection, actor, deed, None::<&()>, Some(&serde_json::json!({"structure": place}))).await?;
    Ok(Some(read(rows().filter(suggestion::id.eq(id)).first(connection).await?)?))
}

/// Of a structure, the open ones or the settled ones, the oldest first.
pub async fn list(
    connection: &mut AsyncPgConnection,
    place: Uuid,
    settled: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Suggestion>, StorageError> {
    let mut query = rows().into_boxed().filter(suggestion::structure_id.eq(place));
    query = if settled { query.filter(suggestion::verdict.is_not_null()) } else { query.filter(suggestion::verdict.is_null()) };
    if let Some(after) = after {
        query = query.filter(suggestion::id.gt(after));
    }
    let found: Vec<Row> = query.order(suggestion::id).limit(limit).load(connection).await?;
    found.into_iter().map(read).collect()
}

/// One of a structure's.
pub async fn find(connection: &mut AsyncPgConnection, place: Uuid, id: Uuid) -> Result<Option<Suggestion>, StorageError> {
    let found = rows().filter(suggestion::id.eq(id)).filter(suggestion::structure_id.eq(place));
    let row: Option<Row> = found.first(connection).await.optional()?;
    row.map(read).transpose()
}

/// Settles an open one on a record that is held. To make the change is the caller's, in the same transaction.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    held: &Held,
    id: Uuid,
    verdict: Verdict,
) -> Result<Suggestion, StorageError> {
    diesel::update(suggestion::table.find(id))
        .set((suggestion::verdict.eq(Some(<&str>::from(verdict))), suggestion::settled_at.eq(Some(Utc::now()))))
        .execute(connection)
        .await?;
    let deed = Deed { action: "update_suggestion", entity: "suggestion", id: id.to_string(), organisation: held.keeper };
    let told = |verdict: Option<Verdict>| serde_json::json!({"structure": held.structure.id, "verdict": verdict.map(<&str>::from)});
    audit::write(connection, actor, deed, Some(&told(None)), Some(&told(Some(verdict)))).await?;
    read(rows().filter(suggestion::id.eq(id)).first(connection).await?)
}

fn read((id, structure, organisation, made_at, changes, note, verdict, settled_at): Row) -> Result<Suggestion, StorageError> {
    let verdict = verdict.map(|code| read_code("suggestion", "verdict", &code)).transpose()?;
    let change = serde_json::from_value(changes).map_err(|error| unreadable(&error))?;
    Ok(Suggestion { id, structure, organisation, made_at, change, note, verdict, settled_at })
}

fn unreadable(error: &serde_json::Error) -> StorageError {
    StorageError::Unreadable { table: "suggestion", column: "changes", value: error.to_string() }
}
