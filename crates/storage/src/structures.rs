//! Structures: loading them, and writing what a source or an editor says of them. An import keeps other imports of its source and every
//! edit of its records out until it is done.

use std::collections::HashMap;

use aiguilleur_domain::keeping::Edits;
use aiguilleur_domain::privacy::kept_instant;
use aiguilleur_domain::structure::{Capacity, ExceptionalClosure, HelpKind, Session, Structure};
use aiguilleur_domain::territory::CommuneCode;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::changes::{self, Changes};
use crate::history::{self, Entity, Origin, Record};
use crate::schema::{organisation, structure};
use crate::{StorageError, read_code, read_location};

/// Rows written in one statement: 42 parameters each, of PostgreSQL's 65,535.
const BATCH: usize = 1_000;

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = structure)]
struct StructureRow {
    id: Uuid,
    source: String,
    source_id: String,
    kind: String,
    institution: Option<String>,
    name: String,
    address: Option<String>,
    postal_code: Option<String>,
    commune: String,
    lat: Option<f64>,
    lon: Option<f64>,
    phone: Option<String>,
    email: Option<String>,
    website: Option<String>,
    opening_hours: Option<String>,
    hours_checked_on: Option<NaiveDate>,
    access: String,
    itinerant: bool,
    at_home: Option<bool>,
    languages: Vec<String>,
    wheelchair: Option<bool>,
    free: Option<bool>,
    procedures: Vec<String>,
    groups: Vec<String>,
    not_offered: Vec<String>,
    help_kinds: Vec<String>,
    aidants_connect: Option<bool>,
    vouchers: Option<bool>,
    capacity: Option<String>,
    capacity_until: Option<NaiveDate>,
    territory: Vec<String>,
    note: Option<String>,
    demonstration: bool,
    closed_on: Option<NaiveDate>,
    source_date: Option<NaiveDate>,
    updated_at: DateTime<Utc>,
    sessions: serde_json::Value,
    disputed: bool,
    keeper: Option<Uuid>,
    closures: serde_json::Value,
    edits: serde_json::Value,
    taken_on: NaiveDate,
}

/// A structure whose record nobody else changes until the transaction ends.
#[derive(Debug, Clone)]
pub struct Held {
    pub structure: Structure,
    /// The organisation that keeps it.
    pub keeper: Option<Uuid>,
}

/// Slugs of keepers, by their ids.
type Keepers = HashMap<Uuid, String>;

/// Every structure, closed ones included.
pub async fn load_all(connection: &mut AsyncPgConnection) -> Result<Vec<Structure>, StorageError> {
    let keepers = keepers(connection).await?;
    let rows = structure::table.select(StructureRow::as_select()).load_stream::<StructureRow>(connection).await?;
    rows.map(|row| read(row?, &keepers)).try_collect().await
}

pub async fn load(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<Structure>, StorageError> {
    let keepers = keepers(connection).await?;
    let rows: Vec<StructureRow> =
        structure::table.filter(structure::id.eq_any(ids)).select(StructureRow::as_select()).load(connection).await?;
    rows.into_iter().map(|row| read(row, &keepers)).collect()
}

/// What is stored of a source, by the source's own identifiers.
pub async fn load_source(connection: &mut AsyncPgConnection, source: &str) -> Result<HashMap<String, Structure>, StorageError> {
    let keepers = keepers(connection).await?;
    let rows: Vec<StructureRow> =
        structure::table.filter(structure::source.eq(source)).select(StructureRow::as_select()).load(connection).await?;
    rows.into_iter()
        .map(|row| {
            let structure = read(row, &keepers)?;
            Ok((structure.source_id.clone(), structure))
        })
        .collect()
}

async fn keepers(connection: &mut AsyncPgConnection) -> Result<Keepers, StorageError> {
    let kept = structure::table.filter(structure::keeper.is_not_null()).select(structure::keeper);
    let keepers = organisation::table.filter(organisation::id.nullable().eq_any(kept)).select((organisation::id, organisation::slug));
    Ok(keepers.load::<(Uuid, String)>(connection).await?.into_iter().collect())
}

/// Holds a record for a change; `None` when there is none such. Waits for an import of its source that is under way.
pub async fn hold(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Held>, StorageError> {
    let source: Option<String> = structure::table.find(id).select(structure::source).first(connection).await.optional()?;
    let Some(source) = source else { return Ok(None) };
    let sql = "SELECT pg_advisory_xact_lock_shared(hashtextextended('structures of ' || $1, 0))";
    diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(source).execute(connection).await?;
    let row: StructureRow = structure::table.find(id).select(StructureRow::as_select()).for_update().first(connection).await?;
    let keepers = keepers(connection).await?;
    Ok(Some(Held { keeper: row.keeper, structure: read(row, &keepers)? }))
}

/// Writes what became of a record that is held, with its history and its line of the audit; returns it, and the directory's revision
/// that shows it. Raises the revision, and so comes last in its transaction; what is as it was isn't written.
pub async fn change(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    held: Held,
    after: Structure,
    origin: Origin,
) -> Result<(Structure, i64), StorageError> {
    let Held { structure: before, keeper } = held;
    if after == before {
        return Ok((before, changes::revision(connection).await?));
    }
    let after = Structure { updated_at: kept_instant(false, Utc::now()), ..after };
    upsert(connection, std::slice::from_ref(&after), |_| ()).await?;
    let id = after.id.to_string();
    let record = Record { entity: Entity::Structure, id: &id, keeper };
    if !is_on_record(connection, &before).await? {
        history::append(connection, record, Origin::Source, None, &before).await?;
    }
    history::append(connection, record, origin, Some(&actor.organisation), &after).await?;
    let (was, is) = Structure::differences(&before, &after)?;
    audit::write(connection, actor, Deed { action, entity: "structure", id, organisation: keeper }, Some(&was), Some(&is)).await?;
    let changed = Changes { reference: false, structures: vec![after.id] };
    let revision = changes::record(connection, &changed, &after.source).await?;
    Ok((after, revision))
}

/// Whether the newest state on record is the present one: an import may have come since.
async fn is_on_record(connection: &mut AsyncPgConnection, present: &Structure) -> Result<bool, StorageError> {
    let newest = history::list(connection, Entity::Structure, &present.id.to_string(), None, 1).await?.pop();
    let Some(newest) = newest else { return Ok(false) };
    let unreadable = |error: serde_json::Error| unreadable_in("record_version", "state", &error.to_string());
    let newest: Structure = serde_json::from_value(newest.state).map_err(unreadable)?;
    // Who keeps it, and whether it is disputed, are told elsewhere.
    let (disputed, keeper, updated_at) = (present.disputed, present.keeper.clone(), present.updated_at);
    Ok(Structure { disputed, keeper, updated_at, ..newest } == *present)
}

/// Gives a record that is held to an organisation; returns the directory's revision that shows it. Comes last in its transaction.
pub async fn give_to(connection: &mut AsyncPgConnection, actor: &Actor, action: &str, held: &Held, to: Uuid) -> Result<i64, StorageError> {
    let id = held.structure.id;
    let now = kept_instant(false, Utc::now());
    diesel::update(structure::table.find(id))
        .set((structure::keeper.eq(Some(to)), structure::updated_at.eq(now)))
        .execute(connection)
        .await?;
    let slug: String = organisation::table.find(to).select(organisation::slug).first(connection).await?;
    let told = |keeper: &Option<String>| serde_json::json!({ "keeper": keeper });
    let deed = Deed { action, entity: "structure", id: id.to_string(), organisation: Some(to) };
    audit::write(connection, actor, deed, Some(&told(&held.structure.keeper)), Some(&told(&Some(slug)))).await?;
    changes::record(connection, &Changes { reference: false, structures: vec![id] }, &held.structure.source).await
}

/// Keeps other imports of the same source, and edits of its records, out until the transaction ends.
pub async fn lock_source(connection: &mut AsyncPgConnection, source: &str) -> Result<(), StorageError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('structures of ' || $1, 0))";
    diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(source).execute(connection).await?;
    Ok(())
}

/// Inserts and replaces records, in batches, but for who keeps them and whether they are disputed. Calls `progress` with how many were
/// written.
pub async fn upsert(
    connection: &mut AsyncPgConnection,
    structures: &[Structure],
    mut progress: impl FnMut(usize) + Send,
) -> Result<(), StorageError> {
    use diesel::upsert::excluded;

    macro_rules! all_from_source {
        ($($column:ident),*) => { ($(structure::$column.eq(excluded(structure::$column)),)*) };
    }
    for batch in structures.chunks(BATCH) {
        let rows: Vec<StructureRow> = batch.iter().map(write).collect::<Result<_, _>>()?;
        let columns = all_from_source!(
            kind,
            institution,
            name,
            address,
            postal_code,
            commune,
            lat,
            lon,
            phone,
            email,
            website,
            opening_hours,
            hours_checked_on,
            access,
            itinerant,
            at_home,
            languages,
            wheelchair,
            free,
            procedures,
            groups,
            not_offered,
            help_kinds,
            aidants_connect,
            vouchers,
            capacity,
            capacity_until,
            territory,
            note,
            demonstration,
            closed_on,
            source_date,
            updated_at,
            sessions,
            closures,
            edits,
            taken_on
        );
        let upsert = diesel::insert_into(structure::table).values(rows).on_conflict(structure::id).do_update().set(columns);
        upsert.execute(connection).await?;
        progress(batch.len());
    }
    Ok(())
}

fn unreadable_in(table: &'static str, column: &'static str, value: &str) -> StorageError {
    StorageError::Unreadable { table, column, value: value.to_owned() }
}

fn read(row: StructureRow, keepers: &Keepers) -> Result<Structure, StorageError> {
    let unreadable = |column, value: &str| unreadable_in("structure", column, value);
    let help_kinds: Result<Vec<HelpKind>, StorageError> =
        row.help_kinds.iter().map(|code| read_code("structure", "help_kinds", code)).collect();
    let capacity: Option<Capacity> = row.capacity.as_deref().map(|code| read_code("structure", "capacity", code)).transpose()?;
    let sessions: Result<Vec<Session>, StorageError> =
        serde_json::from_value(row.sessions).map_err(|error| unreadable("sessions", &error.to_string()));
    let closures: Result<Vec<ExceptionalClosure>, StorageError> =
        serde_json::from_value(row.closures).map_err(|error| unreadable("closures", &error.to_string()));
    let edits: Result<Edits, StorageError> = serde_json::from_value(row.edits).map_err(|error| unreadable("edits", &error.to_string()));
    Ok(Structure {
        id: row.id,
        kind: read_code("structure", "kind", &row.kind)?,
        commune: CommuneCode::parse(&row.commune).ok_or_else(|| unreadable("commune", &row.commune))?,
        location: read_location(row.lat, row.lon),
        access: read_code("structure", "access", &row.access)?,
        help_kinds: help_kinds?,
        capacity,
        source: row.source,
        source_id: row.source_id,
        institution: row.institution,
        name: row.name,
        address: row.address,
        postal_code: row.postal_code,
        phone: row.phone,
        email: row.email,
        website: row.website,
        opening_hours: row.opening_hours,
        hours_checked_on: row.hours_checked_on,
        itinerant: row.itinerant,
        at_home: row.at_home,
        languages: row.languages,
        wheelchair: row.wheelchair,
        free: row.free,
        procedures: row.procedures,
        groups: row.groups,
        not_offered: row.not_offered,
        aidants_connect: row.aidants_connect,
        vouchers: row.vouchers,
        capacity_until: row.capacity_until,
        territory: row.territory,
        sessions: sessions?,
        closures: closures?,
        edits: edits?,
        taken_on: row.taken_on,
        keeper: row.keeper.and_then(|id| keepers.get(&id).cloned()),
        note: row.note,
        demonstration: row.demonstration,
        disputed: row.disputed,
        closed_on: row.closed_on,
        source_date: row.source_date,
        updated_at: row.updated_at,
    })
}

fn write(it: &Structure) -> Result<StructureRow, StorageError> {
    fn json(column: &'static str, value: &impl serde::Serialize) -> Result<serde_json::Value, StorageError> {
        serde_json::to_value(value).map_err(|error| unreadable_in("structure", column, &error.to_string()))
    }
    Ok(StructureRow {
        id: it.id,
        source: it.source.clone(),
        source_id: it.source_id.clone(),
        kind: <&str>::from(it.kind).to_owned(),
        institution: it.institution.clone(),
        name: it.name.clone(),
        address: it.address.clone(),
        postal_code: it.postal_code.clone(),
        commune: it.commune.to_string(),
        lat: it.location.map(|location| location.lat),
        lon: it.location.map(|location| location.lon),
        phone: it.phone.clone(),
        email: it.email.clone(),
        website: it.website.clone(),
        opening_hours: it.opening_hours.clone(),
        hours_checked_on: it.hours_checked_on,
        access: <&str>::from(it.access).to_owned(),
        itinerant: it.itinerant,
        at_home: it.at_home,
        languages: it.languages.clone(),
        wheelchair: it.wheelchair,
        free: it.free,
        procedures: it.procedures.clone(),
        groups: it.groups.clone(),
        not_offered: it.not_offered.clone(),
        help_kinds: it.help_kinds.iter().map(|&kind| <&str>::from(kind).to_owned()).collect(),
        aidants_connect: it.aidants_connect,
        vouchers: it.vouchers,
        capacity: it.capacity.map(|capacity| <&str>::from(capacity).to_owned()),
        capacity_until: it.capacity_until,
        territory: it.territory.clone(),
        note: it.note.clone(),
        demonstration: it.demonstration,
        closed_on: it.closed_on,
        source_date: it.source_date,
        updated_at: it.updated_at,
        sessions: json("sessions", &it.sessions)?,
        disputed: it.disputed,
        // Given by `give_to` alone.
        keeper: None,
        closures: json("closures", &it.closures)?,
        edits: json("edits", &it.edits)?,
        taken_on: it.taken_on,
    })
}
