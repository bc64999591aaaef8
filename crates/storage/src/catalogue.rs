//! Procedures and institutions: as their seed gives them, or as somebody edits them here.

use aiguilleur_domain::privacy::kept_instant;
use aiguilleur_domain::procedure::{FactSource, Institution, Procedure};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Actor, Deed};
use crate::changes::{self, Changes};
use crate::history::{self, Entity, Origin, Record, Version};
use crate::schema::{directory_change, institution, procedure};
use crate::{StorageError, read_code};

/// The seed layer that both come from.
pub const LAYER: &str = "catalogue";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = institution, treat_none_as_null = true)]
struct InstitutionRow {
    slug: String,
    label: String,
    name: String,
    website: Option<String>,
    phone: Option<String>,
    territory: Option<String>,
    former_names: Vec<String>,
    sources: serde_json::Value,
    /// A seed no longer touches it since; `None`: it is as its source gave it.
    edited_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, Insertable, AsChangeset)]
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
    edited_at: Option<DateTime<Utc>>,
}

pub async fn load_institutions(connection: &mut AsyncPgConnection) -> Result<Vec<Institution>, StorageError> {
    let rows: Vec<InstitutionRow> = institution::table.select(InstitutionRow::as_select()).load(connection).await?;
    Ok(rows.into_iter().map(read_institution).collect())
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
        let row = write_institution(body)?;
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

/// One, for whoever is about to change it: it stays as it is until the transaction ends.
pub async fn hold_procedure(connection: &mut AsyncPgConnection, slug: &str) -> Result<Option<Procedure>, StorageError> {
    hold_procedure_row(connection, slug).await?.map(read).transpose()
}

/// The same of an institution.
pub async fn hold_institution(connection: &mut AsyncPgConnection, slug: &str) -> Result<Option<Institution>, StorageError> {
    Ok(hold_institution_row(connection, slug).await?.map(read_institution))
}

/// Whether a record is still as the directory of a revision had it.
pub async fn is_as_of(connection: &mut AsyncPgConnection, entity: Entity, slug: &str, revision: i64) -> Result<bool, StorageError> {
    let changed = directory_change::table
        .filter(directory_change::revision.gt(revision))
        .filter(directory_change::entity.eq("reference"))
        .filter(directory_change::id.eq_any([LAYER.to_owned(), change_id(entity, slug)]));
    let is_changed: bool = diesel::select(diesel::dsl::exists(changed)).get_result(connection).await?;
    Ok(!is_changed && revision <= changes::revision(connection).await?)
}

/// Puts a held procedure in the state that somebody gives it; returns the directory's revision. Comes last in its transaction.
pub async fn edit_procedure(connection: &mut AsyncPgConnection, actor: &Actor, after: &Procedure) -> Result<i64, StorageError> {
    let row = ProcedureRow { edited_at: Some(kept_instant(false, Utc::now())), ..write(after)? };
    put_procedure(connection, actor, "update_procedure", Origin::Edit, row).await?.ok_or_else(|| gone("procedure", &after.slug))
}

/// The same of an institution.
pub async fn edit_institution(connection: &mut AsyncPgConnection, actor: &Actor, after: &Institution) -> Result<i64, StorageError> {
    let row = InstitutionRow { edited_at: Some(kept_instant(false, Utc::now())), ..write_institution(after)? };
    put_institution(connection, actor, "update_institution", Origin::Edit, row).await?.ok_or_else(|| gone("institution", &after.slug))
}

/// Goes back to an older state, to the letter: to that of its source, it is the seeds' again. Returns the directory's revision; `None`
/// when there is no such procedure. Comes last in its transaction.
pub async fn restore_procedure(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    slug: &str,
    version: &Version,
) -> Result<Option<i64>, StorageError> {
    let row: ProcedureRow = history_row(version, slug, |row: &ProcedureRow| &row.slug)?;
    put_procedure(connection, actor, RESTORED, Origin::Restoration, row).await
}

/// The same of an institution.
pub async fn restore_institution(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    slug: &str,
    version: &Version,
) -> Result<Option<i64>, StorageError> {
    let row: InstitutionRow = history_row(version, slug, |row: &InstitutionRow| &row.slug)?;
    put_institution(connection, actor, RESTORED, Origin::Restoration, row).await
}

/// What the audit calls going back to an older state.
pub(crate) const RESTORED: &str = "restore_version";

async fn put_procedure(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    origin: Origin,
    after: ProcedureRow,
) -> Result<Option<i64>, StorageError> {
    let Some(before) = hold_procedure_row(connection, &after.slug).await? else { return Ok(None) };
    diesel::update(procedure::table.find(&after.slug)).set(&after).execute(connection).await?;
    note_change(connection, actor, Change { entity: Entity::Procedure, id: &after.slug, action, origin }, &before, &after).await.map(Some)
}

async fn put_institution(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    origin: Origin,
    after: InstitutionRow,
) -> Result<Option<i64>, StorageError> {
    let Some(before) = hold_institution_row(connection, &after.slug).await? else { return Ok(None) };
    diesel::update(institution::table.find(&after.slug)).set(&after).execute(connection).await?;
    note_change(connection, actor, Change { entity: Entity::Institution, id: &after.slug, action, origin }, &before, &after).await.map(Some)
}

/// What is done to which record.
struct Change<'a> {
    entity: Entity,
    id: &'a str,
    action: &'a str,
    origin: Origin,
}

/// Writes down a change that was made: in the record's history, which begins with the state that its source gave it, in the audit and
/// in the change list.
async fn note_change(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    change: Change<'_>,
    before: &impl Serialize,
    after: &impl Serialize,
) -> Result<i64, StorageError> {
    let Change { entity, id, action, origin } = change;
    let record = Record { entity, id, keeper: None };
    if history::list(connection, entity, id, None, 1).await?.is_empty() {
        history::append(connection, record, Origin::Source, None, before).await?;
    }
    history::append(connection, record, origin, Some(&actor.organisation), after).await?;
    let deed = Deed { action, entity: entity.into(), id: id.to_owned(), organisation: None };
    audit::write(connection, actor, deed, Some(before), Some(after)).await?;
    changes::record(connection, &Changes { reference: true, structures: Vec::new() }, &change_id(entity, id)).await
}

/// What the change list calls a record of the catalogue.
fn change_id(entity: Entity, slug: &str) -> String {
    format!("{}/{slug}", <&str>::from(entity))
}

async fn hold_procedure_row(connection: &mut AsyncPgConnection, slug: &str) -> Result<Option<ProcedureRow>, StorageError> {
    let held = procedure::table.find(slug).select(ProcedureRow::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

async fn hold_institution_row(connection: &mut AsyncPgConnection, slug: &str) -> Result<Option<InstitutionRow>, StorageError> {
    let held = institution::table.find(slug).select(InstitutionRow::as_select()).for_no_key_update();
    Ok(held.first(connection).await.optional()?)
}

/// The row that a state in the history holds; it must be that record's.
fn history_row<R: for<'de> Deserialize<'de>>(version: &Version, slug: &str, slug_of: impl Fn(&R) -> &String) -> Result<R, StorageError> {
    let unreadable = |value| StorageError::Unreadable { table: "record_version", column: "state", value };
    let row: R = serde_json::from_value(version.state.clone()).map_err(|error| unreadable(error.to_string()))?;
    if slug_of(&row) == slug { Ok(row) } else { Err(unreadable(slug_of(&row).clone())) }
}

fn gone(table: &'static str, slug: &str) -> StorageError {
    StorageError::Unreadable { table, column: "slug", value: slug.to_owned() }
}

fn read_institution(row: InstitutionRow) -> Institution {
    Institution {
        sources: read_sources(&row.sources),
        slug: row.slug,
        label: row.label,
        name: row.name,
        website: row.website,
        phone: row.phone,
        territory: row.territory,
        former_names: row.former_names,
    }
}

fn write_institution(it: &Institution) -> Result<InstitutionRow, StorageError> {
    let unreadable =
        |error: serde_json::Error| StorageError::Unreadable { table: "institution", column: "sources", value: error.to_string() };
    Ok(InstitutionRow {
        slug: it.slug.clone(),
        label: it.label.clone(),
        name: it.name.clone(),
        website: it.website.clone(),
        phone: it.phone.clone(),
        territory: it.territory.clone(),
        former_names: it.former_names.clone(),
        sources: serde_json::to_value(&it.sources).map_err(unreadable)?,
        edited_at: None,
    })
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
        edited_at: None,
    })
}

fn unreadable(column: &'static str, error: &serde_json::Error) -> StorageError {
    StorageError::Unreadable { table: "procedure", column, value: error.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> ProcedureRow {
        serde_json::from_value(json!({
            "slug": "rsa", "procedure_group": "caf", "label": "Demander le RSA", "synonyms": ["RSA"], "institution": "caf",
            "official_url": "https://caf.fr", "france_services": "yes", "territory": "departement", "mandate": "if_acting_for",
            "documents": [], "urgency": 3, "hotline": null, "first_targets": ["caf"], "ladder": ["contact_institution"], "sheet": null,
            "safety": false, "sensitive": false, "basis": "read", "note": null,
            "sources": [{"field": "cost", "title": "fiche", "url": null, "date": "2024"}], "checked_on": "2026-11-01",
            "about": ["plus un sou"], "steps": [], "cost": "Gratuit.", "delay": null, "pitfalls": [],
            "appeals": [{"against": null, "body": "tribunal", "within": "P2M", "from": "notification", "franc": true, "compulsory": null,
                         "effect": null, "law": "CASF L262-47", "verified": true}],
            "doubt": null, "edited_at": "2026-11-23T09:30:00.123456Z"
        }))
        .unwrap()
    }

    fn version(state: serde_json::Value) -> Version {
        Version { version: 1, made_at: Utc::now(), origin: Origin::Edit, made_by: None, state }
    }

    #[test]
    fn a_state_is_the_row_to_the_letter() {
        let kept = version(serde_json::to_value(row()).unwrap());
        let back: ProcedureRow = history_row(&kept, "rsa", |row: &ProcedureRow| &row.slug).unwrap();
        assert_eq!(back, row());
        assert_eq!(back.edited_at, Some(kept_instant(false, row().edited_at.unwrap())), "no finer than the database keeps it");
        assert_eq!(write(&read(back).unwrap()).unwrap(), ProcedureRow { edited_at: None, ..row() });
        assert!(history_row(&kept, "aide-logement", |row: &ProcedureRow| &row.slug).is_err(), "another's state");
        assert!(history_row::<ProcedureRow>(&version(json!({"slug": "rsa"})), "rsa", |row| &row.slug).is_err());
    }
}
