//! The funds and académies that span several départements.

use aiguilleur_domain::area::FundArea;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::StorageError;
use crate::schema::fund_area;

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = fund_area)]
struct FundAreaRow {
    institution: String,
    code: String,
    name: String,
    departements: Vec<String>,
}

pub async fn load(connection: &mut AsyncPgConnection) -> Result<Vec<FundArea>, StorageError> {
    let rows: Vec<FundAreaRow> = fund_area::table.select(FundAreaRow::as_select()).load(connection).await?;
    let read = |row: FundAreaRow| FundArea { institution: row.institution, code: row.code, name: row.name, departements: row.departements };
    Ok(rows.into_iter().map(read).collect())
}

/// Replaces them all.
pub async fn replace(connection: &mut AsyncPgConnection, areas: &[FundArea]) -> Result<(), StorageError> {
    let write = |it: &FundArea| FundAreaRow {
        institution: it.institution.clone(),
        code: it.code.clone(),
        name: it.name.clone(),
        departements: it.departements.clone(),
    };
    diesel::delete(fund_area::table).execute(connection).await?;
    diesel::insert_into(fund_area::table).values(areas.iter().map(write).collect::<Vec<_>>()).execute(connection).await?;
    Ok(())
}
