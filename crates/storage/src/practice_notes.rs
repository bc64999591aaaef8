//! Practice notes: what a network's members tell each other of a procedure. Read as far as the scope sees the network; changed within
//! [`Scope::System`](crate::Scope), once the caller is known to belong to it.

use aiguilleur_domain::privacy::kept_instant;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StorageError;
use crate::audit::{self, Actor, Deed};
use crate::catalogue::RESTORED;
use crate::history::{self, Entity, Origin, Record, Version};
use crate::networks::Network;
use crate::schema::{network, practice_note};

/// A note. The row outlives its removal, so that a version is never another text's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = practice_note, treat_none_as_null = true)]
pub struct Note {
    pub id: Uuid,
    pub network_id: Uuid,
    /// Slug.
    pub procedure: String,
    /// `None` once removed.
    pub markdown: Option<String>,
    /// 1, then one more at each change.
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    /// Slug of the organisation whose agent changed it.
    pub updated_by: String,
}

/// What the history keeps of it: what going back brings back.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    procedure: String,
    markdown: Option<String>,
}

/// What is known of the version that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nothing was said: fine for a new one only.
    Nothing,
    Any,
    Versions(Vec<i32>),
}

/// What became of a change.
#[derive(Debug)]
pub enum Changed {
    Created(Note),
    Done(Note),
    /// There is one, and the caller didn't say that it knows it.
    Unconditional,
    Stale,
    /// There is none to remove.
    Missing,
}

/// A network's notes, without the removed ones, by procedure.
pub async fn list(connection: &mut AsyncPgConnection, network: Uuid, after: Option<&str>, limit: i64) -> Result<Vec<Note>, StorageError> {
    let own = practice_note::network_id.eq(network).and(practice_note::markdown.is_not_null());
    let mut query = practice_note::table.filter(own).select(Note::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(practice_note::procedure.gt(after.to_owned()));
    }
    Ok(query.order(practice_note::procedure).limit(limit).load(connection).await?)
}

/// A network's note on a procedure; `None` when it has none, or none any more.
pub async fn find(connection: &mut AsyncPgConnection, network: Uuid, procedure: &str) -> Result<Option<Note>, StorageError> {
    let own = practice_note::network_id.eq(network).and(practice_note::procedure.eq(procedure));
    let found = practice_note::table.filter(own).filter(practice_note::markdown.is_not_null());
    Ok(found.select(Note::as_select()).first(connection).await.optional()?)
}

/// The network of a note, removed or not, if the scope may see it: for whoever reads its history.
pub async fn network_of(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Uuid>, StorageError> {
    Ok(practice_note::table.find(id).select(practice_note::network_id).first(connection).await.optional()?)
}

/// Writes a held network's note on a procedure.
pub async fn write(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    network: &Network,
    procedure: &str,
    markdown: &str,
    expected: &Expected,
) -> Result<Changed, StorageError> {
    let before = hold(connection, network.id, procedure).await?;
    let live = before.as_ref().filter(|note| note.markdown.is_some());
    if let Some(refused) = refusal(live, expected) {
        return Ok(refused);
    }
    let is_new = live.is_none();
    let after = Note {
        id: before.as_ref().map_or_else(Uuid::now_v7, |note| note.id),
        network_id: network.id,
        procedure: procedure.to_owned(),
        markdown: Some(markdown.to_owned()),
        version: next(before.as_ref()),
        updated_at: kept_instant(false, Utc::now()),
        updated_by: actor.organisation.clone(),
    };
    put(connection, actor, network.keeper, "write_practice_note", Origin::Edit, before.as_ref(), &after).await?;
    Ok(if is_new { Changed::Created(after) } else { Changed::Done(after) })
}

/// Removes a held network's note on a procedure; its history stays.
pub async fn remove(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    network: &Network,
    procedure: &str,
    expected: &Expected,
) -> Result<Changed, StorageError> {
    let live = hold(connection, network.id, procedure).await?.filter(|note| note.markdown.is_some());
    let Some(before) = live else { return Ok(Changed::Missing) };
    if let Some(refused) = refusal(Some(&before), expected) {
        return Ok(refused);
    }
    let after = changed(&before, actor, None);
    put(connection, actor, network.keeper, "remove_practice_note", Origin::Removal, Some(&before), &after).await?;
    Ok(Changed::Done(after))
}

/// Goes back to an older text, or to none; `None` when there is no such note. Within [`Scope::System`](crate::Scope).
pub async fn restore(connection: &mut AsyncPgConnection, actor: &Actor, id: Uuid, version: &Version) -> Result<Option<Note>, StorageError> {
    let found = practice_note::table.find(id).select(Note::as_select()).for_no_key_update();
    let Some(before) = found.first(connection).await.optional()? else { return Ok(None) };
    let keeper: Uuid = network::table.find(before.network_id).select(network::keeper).first(connection).await?;
    let unreadable = |value| StorageError::Unreadable { table: "record_version", column: "state", value };
    let state: State = serde_json::from_value(version.state.clone()).map_err(|error| unreadable(error.to_string()))?;
    if state.procedure != before.procedure {
        return Err(unreadable(state.procedure));
    }
    let after = changed(&before, actor, state.markdown);
    put(connection, actor, keeper, RESTORED, Origin::Restoration, Some(&before), &after).await?;
    Ok(Some(after))
}

fn next(before: Option<&Note>) -> i32 {
    before.map_or(1, |note| note.version.saturating_add(1))
}

fn changed(before: &Note, actor: &Actor, markdown: Option<String>) -> Note {
    Note {
        markdown,
        version: next(Some(before)),
        updated_at: kept_instant(false, Utc::now()),
        updated_by: actor.organisation.clone(),
        ..before.clone()
    }
}

fn refusal(live: Option<&Note>, expected: &Expected) -> Option<Changed> {
    match (live, expected) {
        (Some(_), Expected::Nothing) => Some(Changed::Unconditional),
        (Some(note), Expected::Versions(known)) if !known.contains(&note.version) => Some(Changed::Stale),
        // Somebody removed the one that the caller knows.
        (None, Expected::Versions(_)) => Some(Changed::Stale),
        _ => None,
    }
}

async fn hold(connection: &mut AsyncPgConnection, network: Uuid, procedure: &str) -> Result<Option<Note>, StorageError> {
    let own = practice_note::network_id.eq(network).and(practice_note::procedure.eq(procedure));
    let found = practice_note::table.filter(own).select(Note::as_select()).for_no_key_update();
    Ok(found.first(connection).await.optional()?)
}

async fn put(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    keeper: Uuid,
    action: &str,
    origin: Origin,
    before: Option<&Note>,
    after: &Note,
) -> Result<(), StorageError> {
    diesel::insert_into(practice_note::table)
        .values(after)
        .on_conflict(practice_note::id)
        .do_update()
        .set(after)
        .execute(connection)
        .await?;
    let id = after.id.to_string();
    // Its keeper's alone by row-level security: whoever lets others read it asks whether they belong to the network.
    let record = Record { entity: Entity::PracticeNote, id: &id, keeper: Some(keeper) };
    let state = State { procedure: after.procedure.clone(), markdown: after.markdown.clone() };
    history::append(connection, record, origin, Some(&actor.organisation), &state).await?;
    let deed = Deed { action, entity: Entity::PracticeNote.into(), id, organisation: Some(keeper) };
    audit::write(connection, actor, deed, before, Some(after)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(version: i32) -> Note {
        Note {
            id: Uuid::nil(),
            network_id: Uuid::nil(),
            procedure: "rsa".to_owned(),
            markdown: Some("…".to_owned()),
            version,
            updated_at: DateTime::UNIX_EPOCH,
            updated_by: "ccas".to_owned(),
        }
    }

    #[test]
    fn nobody_replaces_what_they_have_not_read() {
        let told =
            |live: Option<i32>, expected: Expected| refusal(live.map(note).as_ref(), &expected).map(|refused| format!("{refused:?}"));
        assert_eq!(told(None, Expected::Nothing), None);
        assert_eq!(told(None, Expected::Any), None);
        assert_eq!(told(None, Expected::Versions(vec![1])).as_deref(), Some("Stale"));
        assert_eq!(told(Some(2), Expected::Nothing).as_deref(), Some("Unconditional"));
        assert_eq!(told(Some(2), Expected::Versions(vec![1])).as_deref(), Some("Stale"));
        assert_eq!(told(Some(2), Expected::Versions(vec![1, 2])), None);
        assert_eq!(told(Some(2), Expected::Any), None);
    }

    #[test]
    fn a_state_is_read_back_to_the_letter() {
        for markdown in [None, Some("# é\n\n\u{1f44d} <b>".to_owned())] {
            let state = State { procedure: "rsa".to_owned(), markdown };
            let kept = serde_json::to_value(&state).unwrap();
            assert_eq!(serde_json::from_value::<State>(kept).unwrap(), state);
        }
    }
}
