//! Procedures and institutions.

use aiguilleur_domain::procedure::{FactSource, Institution, Procedure};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::{institution, procedure};
use crate::{StorageError, read_code};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = institution, treat_none_as_null = true)]
struct InstitutionRow {
    slug: String,
    label: String,
    name: String,
    website: Option<String>,
    phone: Option<String>,
    territory: Option<String>,
    former_names: Vec<String>,
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = procedure, treat_none_as_null = true)]
struct ProcedureRow {
    slug: String,
    procedure_group: String,
    label: String,
    synonyms: Vec<String>,
    institution: String,
    official_url: Option<String>,
    france_services: String,
    territory: String,
    mandate: String,
    documents: Vec<String>,
    urgency: i16,
    hotline: Option<String>,
    first_targets: Vec<String>,
    ladder: Vec<String>,
    sheet: Option<String>,
    safety: bool,
    sensitive: bool,
    basis: String,
    note: Option<String>,
    sources: serde_json::Value,
    checked_on: Option<NaiveDate>,
    about: Vec<String>,
    steps: Vec<String>,
    cost: Option<String>,
    delay: Option<String>,
    pitfalls: Vec<String>,
    appeals: serde_json::Value,
    doubt: Option<String>,
}

pub async fn load_institutions(connection: &mut AsyncPgConnection) -> Result<Vec<Institution>, StorageError> {
    let rows: Vec<InstitutionRow> = institution::table.select(InstitutionRow::as_select()).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| Institution {
            slug: row.slug,
            label: row.label,
            name: row.name,
            website: row.website,
            phone: row.phone,
            territory: row.territory,
            former_names: row.former_names,
        })
        .collect())
}

pub async fn load_procedures(connection: &mut AsyncPgConnection) -> Result<Vec<Procedure>, StorageError> {
    let rows: Vec<ProcedureRow> = procedure::table.select(ProcedureRow::as_select()).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// Writes the catalogue; rows that somebody edited here stay as they are.
pub async fn upsert(
    connection: &mut AsyncPgConnection,
    institutions: &[Institution],
    procedures: &[Procedure],
) -> Result<(), StorageError> {
    use diesel::query_dsl::methods::FilterDsl;
    for body in institutions {
        let row = InstitutionRow {
            slug: body.slug.clone(),
            label: body.label.clone(),
            name: body.name.clone(),
            website: body.website.clone(),
            phone: body.phone.clone(),
            territory: body.territory.clone(),
            former_names: body.former_names.clone(),
        };
        let upsert = diesel::insert_into(institution::table).values(&row).on_conflict(institution::slug).do_update().set(&row);
        FilterDsl::filter(upsert, institution::edited_at.is_null()).execute(connection).await?;
    }
    for it in procedures {
        let row = write(it)?;
        let upsert = diesel::insert_into(procedure::table).values(&row).on_conflict(procedure::slug).do_update().set(&row);
        FilterDsl::filter(upsert, procedure::edited_at.is_null()).execute(connection).await?;
    }
    Ok(())
}

fn read(row: ProcedureRow) -> Result<Procedure, StorageError> {
    let sources = read_sources(&row.sources);
    let appeals = serde_json::from_value(row.appeals).map_err(|error| unreadable("appeals", &error))?;
    Ok(Procedure {
        france_services: read_code("procedure", "france_services", &row.france_services)?,
        territory: read_code("procedure", "territory", &row.territory)?,
        mandate: read_code("procedure", "mandate", &row.mandate)?,
        basis: read_code("procedure", "basis", &row.basis)?,
        slug: row.slug,
        group: row.procedure_group,
        label: row.label,
        synonyms: row.synonyms,
        institution: row.institution,
        official_url: row.official_url,
        documents: row.documents,
        urgency: row.urgency,
        hotline: row.hotline,
        first_targets: row.first_targets,
        ladder: row.ladder,
        sheet: row.sheet,
        safety: row.safety,
        sensitive: row.sensitive,
        about: row.about,
        steps: row.steps,
        cost: row.cost,
        delay: row.delay,
        pitfalls: row.pitfalls,
        appeals,
        doubt: row.doubt,
        note: row.note,
        sources,
        checked_on: row.checked_on,
    })
}

fn read_sources(stored: &serde_json::Value) -> Vec<FactSource> {
    let text = |source: &serde_json::Value, key: &str| source.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    let sources = stored.as_array().into_iter().flatten();
    sources
        .filter_map(|source| {
            Some(FactSource {
                field: text(source, "field")?,
                title: text(source, "title")?,
                url: text(source, "url"),
                date: text(source, "date"),
            })
        })
        .collect()
}

fn write(it: &Procedure) -> Result<ProcedureRow, StorageError> {
    Ok(ProcedureRow {
        slug: it.slug.clone(),
        procedure_group: it.group.clone(),
        label: it.label.clone(),
        synonyms: it.synonyms.clone(),
        institution: it.institution.clone(),
        official_url: it.official_url.clone(),
        france_services: <&str>::from(it.france_services).to_owned(),
        territory: <&str>::from(it.territory).to_owned(),
        mandate: <&str>::from(it.mandate).to_owned(),
        documents: it.documents.clone(),
        urgency: it.urgency,
        hotline: it.hotline.clone(),
        first_targets: it.first_targets.clone(),
        ladder: it.ladder.clone(),
        sheet: it.sheet.clone(),
        safety: it.safety,
        sensitive: it.sensitive,
        basis: <&str>::from(it.basis).to_owned(),
        note: it.note.clone(),
        sources: serde_json::to_value(&it.sources).map_err(|error| unreadable("sources", &error))?,
        checked_on: it.checked_on,
        about: it.about.clone(),
        steps: it.steps.clone(),
        cost: it.cost.clone(),
        delay: it.delay.clone(),
        pitfalls: it.pitfalls.clone(),
        appeals: serde_json::to_value(&it.appeals).map_err(|error| unreadable("appeals", &error))?,
        doubt: it.doubt.clone(),
    })
}

fn unreadable(column: &'static str, error: &serde_json::Error) -> StorageError {
    StorageError::Unreadable { table: "procedure", column, value: error.to_string() }
}
