//! Structures: loading them, and writing what a source or an editor says of them.

use std::collections::HashMap;

use aiguilleur_domain::structure::{Capacity, HelpKind, Session, Structure};
use aiguilleur_domain::territory::CommuneCode;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::schema::structure;
use crate::{StorageError, read_code, read_location};

/// Rows written in one statement: 38 parameters each, of PostgreSQL's 65,535.
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
}

/// A structure as stored, and whether somebody edited it here.
#[derive(Debug, Clone)]
pub struct Stored {
    pub structure: Structure,
    pub edited: bool,
}

/// Every structure, closed ones included.
pub async fn load_all(connection: &mut AsyncPgConnection) -> Result<Vec<Structure>, StorageError> {
    let rows = structure::table.select(StructureRow::as_select()).load_stream::<StructureRow>(connection).await?;
    rows.map(|row| read(row?)).try_collect().await
}

pub async fn load(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<Structure>, StorageError> {
    let rows: Vec<StructureRow> =
        structure::table.filter(structure::id.eq_any(ids)).select(StructureRow::as_select()).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// What is stored of a source, by the source's own identifiers.
pub async fn load_source(connection: &mut AsyncPgConnection, source: &str) -> Result<HashMap<String, Stored>, StorageError> {
    let rows: Vec<(StructureRow, Option<DateTime<Utc>>)> = structure::table
        .filter(structure::source.eq(source))
        .select((StructureRow::as_select(), structure::edited_at))
        .load(connection)
        .await?;
    rows.into_iter()
        .map(|(row, edited_at)| {
            let structure = read(row)?;
            Ok((structure.source_id.clone(), Stored { structure, edited: edited_at.is_some() }))
        })
        .collect()
}

/// Keeps other imports of the same source out until the transaction ends.
pub async fn lock_source(connection: &mut AsyncPgConnection, source: &str) -> Result<(), StorageError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('structures of ' || $1, 0))";
    diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(source).execute(connection).await?;
    Ok(())
}

/// Inserts and replaces records, in batches; one that somebody edited here stays as it is. Calls `progress` with how many were written.
pub async fn upsert(
    connection: &mut AsyncPgConnection,
    structures: &[Structure],
    mut progress: impl FnMut(usize) + Send,
) -> Result<(), StorageError> {
    use diesel::query_dsl::methods::FilterDsl;
    use diesel::upsert::excluded;

    macro_rules! all_from_source {
        ($($column:ident),*) => { ($(structure::$column.eq(excluded(structure::$column)),)*) };
    }
    for batch in structures.chunks(BATCH) {
        let rows: Vec<StructureRow> = batch.iter().map(write).collect::<Result<_, _>>()?;
        let upsert = diesel::insert_into(structure::table).values(rows).on_conflict(structure::id).do_update().set(all_from_source!(
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
            sessions
        ));
        FilterDsl::filter(upsert, structure::edited_at.is_null()).execute(connection).await?;
        progress(batch.len());
    }
    Ok(())
}

fn read(row: StructureRow) -> Result<Structure, StorageError> {
    let unreadable = |column, value: &str| StorageError::Unreadable { table: "structure", column, value: value.to_owned() };
    let help_kinds: Result<Vec<HelpKind>, StorageError> =
        row.help_kinds.iter().map(|code| read_code("structure", "help_kinds", code)).collect();
    let capacity: Option<Capacity> = row.capacity.as_deref().map(|code| read_code("structure", "capacity", code)).transpose()?;
    let sessions: Result<Vec<Session>, StorageError> =
        serde_json::from_value(row.sessions).map_err(|error| unreadable("sessions", &error.to_string()));
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
        note: row.note,
        demonstration: row.demonstration,
        disputed: row.disputed,
        closed_on: row.closed_on,
        source_date: row.source_date,
        updated_at: row.updated_at,
    })
}

fn write(it: &Structure) -> Result<StructureRow, StorageError> {
    let sessions = serde_json::to_value(&it.sessions).map_err(|error| StorageError::Unreadable {
        table: "structure",
        column: "sessions",
        value: error.to_string(),
    })?;
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
        sessions,
        disputed: it.disputed,
    })
}
