//! Referent contacts, as their institutions keep them. Each belongs to one organisation, and nobody else's transaction sees its row;
//! what mediators are told of is read by the system alone.

use std::collections::BTreeMap;

use aiguilleur_domain::access::Territory;
use aiguilleur_domain::referent::{Absence, Channels, Kept, PlatformLink, Referent, week_of};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::history::{self, Entity, Origin};
use crate::schema::{contact_state, referent};
use crate::{Database, Scope, StorageError, read_code, scoped};

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = referent, treat_none_as_null = true)]
struct Row {
    id: Uuid,
    institution: String,
    keeper: Uuid,
    function: String,
    territory: Vec<String>,
    procedures: Vec<String>,
    email: Option<String>,
    phone: Option<String>,
    platform_label: Option<String>,
    platform_url: Option<String>,
    hours: Option<String>,
    reasons: Vec<String>,
    visibility: String,
    verify_by: NaiveDate,
    prerequisites: Vec<String>,
    weekly_cap: Option<i16>,
    absences: Vec<String>,
    substitute: Option<Uuid>,
    suspended: bool,
    note: Option<String>,
    version: i32,
    updated_on: NaiveDate,
    dates: Value,
    week: NaiveDate,
    shown: i32,
    reminded: bool,
}

/// One on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub kept: Kept,
    /// The organisation that keeps it.
    pub keeper: Uuid,
    /// Number of its state in the history.
    pub version: i32,
    pub updated_on: NaiveDate,
    /// Day of the last change of each field, by its name.
    pub dates: BTreeMap<String, NaiveDate>,
}

/// All of them, and the revision they are of. What changes meanwhile raises it again.
pub async fn load(database: &Database) -> Result<(i64, Vec<Kept>), StorageError> {
    let mut scope = scoped(database, Scope::System).await?;
    let revision = contact_state::table.select(contact_state::revision).first(&mut *scope).await?;
    let rows: Vec<Row> = referent::table.select(Row::as_select()).order(referent::id).load(&mut *scope).await?;
    scope.commit().await?;
    Ok((revision, rows.into_iter().map(|row| read(row).map(|record| record.kept)).collect::<Result<_, _>>()?))
}

/// How often they changed.
pub async fn revision(database: &Database) -> Result<i64, StorageError> {
    Ok(contact_state::table.select(contact_state::revision).first(&mut *database.get().await?).await?)
}

/// Those that the scope may see, by id.
pub async fn list(connection: &mut AsyncPgConnection, after: Option<Uuid>, limit: i64) -> Result<Vec<Record>, StorageError> {
    let mut query = referent::table.select(Row::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(referent::id.gt(after));
    }
    let rows: Vec<Row> = query.order(referent::id).limit(limit).load(connection).await?;
    rows.into_iter().map(read).collect()
}

/// One that the scope may see, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Record>, StorageError> {
    let row: Option<Row> = referent::table.find(id).select(Row::as_select()).for_update().first(connection).await.optional()?;
    row.map(read).transpose()
}

/// Which institution one is of, for whoever may see it.
pub async fn institution_of(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<String>, StorageError> {
    Ok(referent::table.find(id).select(referent::institution).first(connection).await.optional()?)
}

pub async fn create(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    keeper: Uuid,
    new: Referent,
    origin: Origin,
    today: NaiveDate,
) -> Result<Record, StorageError> {
    let dates = fields_of(&new).into_iter().map(|(name, _)| (name, today)).collect();
    let mut record = Record { kept: Kept { referent: new, week: week_of(today), shown: 0 }, keeper, version: 0, updated_on: today, dates };
    append(connection, actor, &mut record, origin).await?;
    diesel::insert_into(referent::table).values(write(&record)).execute(connection).await?;
    tell(connection, actor, "create_referent", None, Some(&record)).await?;
    Ok(record)
}

/// Puts a held one into another state.
pub async fn change(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    before: &Record,
    after: Referent,
    origin: Origin,
    today: NaiveDate,
) -> Result<Record, StorageError> {
    let changed = changed(&before.kept.referent, &after);
    if changed.is_empty() {
        return Ok(before.clone());
    }
    let mut record = before.clone();
    record.kept.referent = after;
    record.updated_on = today;
    record.dates.extend(changed.into_iter().map(|name| (name, today)));
    append(connection, actor, &mut record, origin).await?;
    diesel::update(referent::table.find(before.kept.referent.id)).set(write(&record)).execute(connection).await?;
    tell(connection, actor, "update_referent", Some(before), Some(&record)).await?;
    Ok(record)
}

/// Gives a held one into another organisation's keeping. The scope must be the system's: the row leaves the keeper's.
pub async fn hand_over(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    before: &Record,
    to: Uuid,
    today: NaiveDate,
) -> Result<Record, StorageError> {
    let mut record = Record { keeper: to, updated_on: today, ..before.clone() };
    record.dates.insert("keeper".to_owned(), today);
    append(connection, actor, &mut record, Origin::Edit).await?;
    diesel::update(referent::table.find(before.kept.referent.id)).set(write(&record)).execute(connection).await?;
    tell(connection, actor, "hand_over_referent", Some(before), Some(&record)).await?;
    Ok(record)
}

/// Removes a held one; its history stays.
pub async fn remove(connection: &mut AsyncPgConnection, actor: &Actor, before: &Record) -> Result<(), StorageError> {
    append(connection, actor, &mut before.clone(), Origin::Removal).await?;
    diesel::delete(referent::table.find(before.kept.referent.id)).execute(connection).await?;
    tell(connection, actor, "remove_referent", Some(before), None).await
}

/// One whose verify-by date is past, of which nobody was told yet. Of several nodes, each gets another.
pub async fn next_lapsed(connection: &mut AsyncPgConnection, today: NaiveDate) -> Result<Option<Record>, StorageError> {
    let lapsed = referent::table.filter(referent::verify_by.lt(today)).filter(referent::reminded.eq(false));
    let lapsed = lapsed.filter(referent::suspended.eq(false)).select(Row::as_select()).order(referent::id);
    let row: Option<Row> = lapsed.for_update().skip_locked().first(connection).await.optional()?;
    row.map(read).transpose()
}

/// Keeps that its editors were told, until it changes.
pub async fn note_reminder(connection: &mut AsyncPgConnection, id: Uuid) -> Result<(), StorageError> {
    diesel::update(referent::table.find(id)).set(referent::reminded.eq(true)).execute(connection).await?;
    Ok(())
}

/// One state more of its history.
async fn append(connection: &mut AsyncPgConnection, actor: &Actor, record: &mut Record, origin: Origin) -> Result<(), StorageError> {
    let id = record.kept.referent.id.to_string();
    let one = history::Record { entity: Entity::Referent, id: &id, keeper: Some(record.keeper) };
    record.version = history::append(connection, one, origin, Some(&actor.organisation), &record.kept.referent).await?;
    Ok(())
}

/// The audit tells which fields changed, not what is in them: an institution's contacts are read by nobody else.
async fn tell(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    action: &str,
    before: Option<&Record>,
    after: Option<&Record>,
) -> Result<(), StorageError> {
    let Some(record) = after.or(before) else { return Ok(()) };
    let deed =
        Deed { action, entity: "referent", id: record.kept.referent.id.to_string(), organisation: before.or(after).map(|it| it.keeper) };
    let fields = match (before, after) {
        (Some(before), Some(after)) => changed(&before.kept.referent, &after.kept.referent),
        _ => Vec::new(),
    };
    let told = |record: &Record| json!({"version": record.version, "keeper": record.keeper, "changed": fields});
    audit::write(connection, actor, deed, before.map(told).as_ref(), after.map(told).as_ref()).await
}

fn fields_of(referent: &Referent) -> Vec<(String, Value)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(referent) else { return Vec::new() };
    fields.into_iter().filter(|(name, _)| name != "id").collect()
}

/// The names of the fields in which two states differ.
fn changed(before: &Referent, after: &Referent) -> Vec<String> {
    let after = fields_of(after);
    fields_of(before).into_iter().zip(after).filter(|(before, after)| before != after).map(|((name, _), _)| name).collect()
}

fn read(row: Row) -> Result<Record, StorageError> {
    let unreadable = |column, value: String| StorageError::Unreadable { table: "referent", column, value };
    let reasons = row.reasons.iter().map(|code| read_code("referent", "reasons", code)).collect::<Result<_, _>>()?;
    let absences = row.absences.iter().map(|text| Absence::parse(text).ok_or_else(|| unreadable("absences", text.clone())));
    let referent = Referent {
        id: row.id,
        institution: row.institution,
        function: row.function,
        territory: Territory::parse(&row.territory).map_err(|code| unreadable("territory", code))?,
        procedures: row.procedures,
        channels: Channels {
            email: row.email,
            phone: row.phone,
            platform: row.platform_label.zip(row.platform_url).map(|(label, url)| PlatformLink { label, url }),
        },
        hours: row.hours,
        reasons,
        visibility: read_code("referent", "visibility", &row.visibility)?,
        verify_by: row.verify_by,
        prerequisites: row.prerequisites,
        weekly_cap: row.weekly_cap.and_then(|cap| u16::try_from(cap).ok()),
        absences: absences.collect::<Result<_, _>>()?,
        substitute: row.substitute,
        suspended: row.suspended,
        note: row.note,
    };
    let shown = u32::try_from(row.shown).unwrap_or_default();
    Ok(Record {
        kept: Kept { referent, week: row.week, shown },
        keeper: row.keeper,
        version: row.version,
        updated_on: row.updated_on,
        dates: serde_json::from_value(row.dates).map_err(|error| unreadable("dates", error.to_string()))?,
    })
}

fn write(record: &Record) -> Row {
    let it = record.kept.referent.clone();
    let (platform_label, platform_url) = it.channels.platform.map(|link| (link.label, link.url)).unzip();
    Row {
        id: it.id,
        institution: it.institution,
        keeper: record.keeper,
        function: it.function,
        territory: it.territory.codes().to_vec(),
        procedures: it.procedures,
        email: it.channels.email,
        phone: it.channels.phone,
        platform_label,
        platform_url,
        hours: it.hours,
        reasons: it.reasons.iter().map(|&reason| <&str>::from(reason).to_owned()).collect(),
        visibility: <&str>::from(it.visibility).to_owned(),
        verify_by: it.verify_by,
        prerequisites: it.prerequisites,
        weekly_cap: it.weekly_cap.and_then(|cap| i16::try_from(cap).ok()),
        absences: it.absences.into_iter().map(String::from).collect(),
        substitute: it.substitute,
        suspended: it.suspended,
        note: it.note,
        version: record.version,
        updated_on: record.updated_on,
        dates: json!(record.dates),
        week: record.kept.week,
        shown: i32::try_from(record.kept.shown).unwrap_or(i32::MAX),
        // Whoever keeps it has just looked at it.
        reminded: false,
    }
}
