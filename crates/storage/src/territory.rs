//! Communes and the names of areas.

use std::collections::HashMap;

use aiguilleur_domain::territory::{AreaKind, Commune, CommuneCode};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::{area, commune};
use crate::{StorageError, read_code, read_location};

/// Rows written in one statement; PostgreSQL takes 65,535 parameters.
const BATCH: usize = 2_000;

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = commune)]
struct CommuneRow {
    code: String,
    kind: String,
    name: String,
    resolves_to: String,
    postal_codes: Vec<String>,
    population: Option<i32>,
    epci: Option<String>,
    departement: String,
    region: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    time_zone: String,
}

/// The name of an intercommunality, a département or a région.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = area)]
pub struct Area {
    /// `epci`, `departement` or `region`.
    pub kind: String,
    pub code: String,
    pub name: String,
}

pub async fn load_communes(connection: &mut AsyncPgConnection) -> Result<Vec<Commune>, StorageError> {
    let rows: Vec<CommuneRow> = commune::table.select(CommuneRow::as_select()).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// The names of areas, by kind and code.
pub async fn load_area_names(connection: &mut AsyncPgConnection) -> Result<HashMap<(AreaKind, String), String>, StorageError> {
    let rows: Vec<Area> = area::table.select(Area::as_select()).load(connection).await?;
    rows.into_iter().map(|row| Ok(((read_code("area", "kind", &row.kind)?, row.code), row.name))).collect()
}

/// Replaces all communes and names of areas.
pub async fn replace(connection: &mut AsyncPgConnection, communes: &[Commune], areas: &[Area]) -> Result<(), StorageError> {
    diesel::delete(commune::table).execute(connection).await?;
    diesel::delete(area::table).execute(connection).await?;
    for batch in communes.chunks(BATCH) {
        let rows: Vec<CommuneRow> = batch.iter().map(write).collect();
        diesel::insert_into(commune::table).values(rows).execute(connection).await?;
    }
    for batch in areas.chunks(BATCH) {
        diesel::insert_into(area::table)
            .values(batch.iter().map(|it| (area::kind.eq(&it.kind), area::code.eq(&it.code), area::name.eq(&it.name))).collect::<Vec<_>>())
            .execute(connection)
            .await?;
    }
    Ok(())
}

fn read(row: CommuneRow) -> Result<Commune, StorageError> {
    let code = |value: &str| {
        CommuneCode::parse(value).ok_or_else(|| StorageError::Unreadable { table: "commune", column: "code", value: value.to_owned() })
    };
    Ok(Commune {
        code: code(&row.code)?,
        kind: read_code("commune", "kind", &row.kind)?,
        name: row.name,
        resolves_to: code(&row.resolves_to)?,
        postal_codes: row.postal_codes,
        population: row.population,
        epci: row.epci,
        departement: row.departement,
        region: row.region,
        centre: read_location(row.lat, row.lon),
        time_zone: read_code("commune", "time_zone", &row.time_zone)?,
    })
}

fn write(commune: &Commune) -> CommuneRow {
    CommuneRow {
        code: commune.code.to_string(),
        kind: <&str>::from(commune.kind).to_owned(),
        name: commune.name.clone(),
        resolves_to: commune.resolves_to.to_string(),
        postal_codes: commune.postal_codes.clone(),
        population: commune.population,
        epci: commune.epci.clone(),
        departement: commune.departement.clone(),
        region: commune.region.clone(),
        lat: commune.centre.map(|centre| centre.lat),
        lon: commune.centre.map(|centre| centre.lon),
        time_zone: commune.time_zone.name().to_owned(),
    }
}
