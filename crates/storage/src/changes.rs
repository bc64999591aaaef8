//! The change list: every change of the directory raises its revision, says what it changed, and tells the nodes.

use diesel::prelude::*;
use diesel::sql_types::{Array, Int8, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::schema::{directory_change, directory_state};

/// The channel on which nodes listen.
pub const CHANNEL: &str = "aiguilleur_directory";

/// What a revision changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Communes or catalogue: to be loaded whole.
    pub reference: bool,
    pub structures: Vec<Uuid>,
}

#[derive(QueryableByName)]
struct Raised {
    #[diesel(sql_type = Int8)]
    revision: i64,
}

/// Raises the revision: the last statement of the transaction, since it holds every other change back until the commit.
pub async fn record(connection: &mut AsyncPgConnection, changes: &Changes, layer: &str) -> Result<i64, StorageError> {
    let mut entities = vec!["structure"; changes.structures.len()];
    let mut ids: Vec<String> = changes.structures.iter().map(Uuid::to_string).collect();
    if changes.reference {
        entities.push("reference");
        ids.push(layer.to_owned());
    }
    let sql = "WITH raised AS (UPDATE directory_state SET revision = revision + 1 RETURNING revision), \
               listed AS (INSERT INTO directory_change (revision, entity, id) \
                          SELECT revision, entity, id FROM raised, unnest($1, $2) AS changed (entity, id) ON CONFLICT DO NOTHING) \
               SELECT revision, pg_notify($3, revision::text) FROM raised";
    let raised: Raised = diesel::sql_query(sql)
        .bind::<Array<Text>, _>(entities)
        .bind::<Array<Text>, _>(ids)
        .bind::<Text, _>(CHANNEL)
        .get_result(connection)
        .await?;
    Ok(raised.revision)
}

/// The revision in force.
pub async fn revision(connection: &mut AsyncPgConnection) -> Result<i64, StorageError> {
    Ok(directory_state::table.select(directory_state::revision).first(connection).await?)
}

/// Whether a structure's record, of a source, may have changed after a revision; one that isn't reached yet is nobody's to know.
pub async fn has_changed(connection: &mut AsyncPgConnection, id: Uuid, source: &str, after: i64) -> Result<bool, StorageError> {
    if after > revision(connection).await? {
        return Ok(true);
    }
    // An import that changed very many records lists its layer, not each of them.
    let itself = directory_change::entity.eq("structure").and(directory_change::id.eq(id.to_string()));
    let its_source = directory_change::entity.eq("reference").and(directory_change::id.eq(source));
    let later = directory_change::table.filter(directory_change::revision.gt(after)).filter(itself.or(its_source));
    Ok(diesel::select(diesel::dsl::exists(later)).get_result(connection).await?)
}

/// What changed after a revision.
pub async fn since(connection: &mut AsyncPgConnection, revision: i64) -> Result<Changes, StorageError> {
    let listed: Vec<(String, String)> = directory_change::table
        .filter(directory_change::revision.gt(revision))
        .select((directory_change::entity, directory_change::id))
        .distinct()
        .load(connection)
        .await?;
    let mut changes = Changes::default();
    for (entity, id) in listed {
        match (entity.as_str(), Uuid::parse_str(&id)) {
            ("structure", Ok(id)) => changes.structures.push(id),
            _ => changes.reference = true,
        }
    }
    Ok(changes)
}
