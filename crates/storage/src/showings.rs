//! Showing a referent contact: counted in the transaction that shows it, by territory and procedure, never by whom. Within
//! [`Scope::System`](crate::Scope).

use aiguilleur_domain::referent::{Availability, Kept, week_of};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::schema::{referent, referent_showing, showing_allowance};

/// For what one is shown.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// In Paris.
    pub day: NaiveDate,
    /// Of the person's residence.
    pub departement: &'a str,
    /// `None` for what is handled discreetly.
    pub procedure: Option<&'a str>,
}

/// Shows a held one once more, if its week has room: past the cap nothing is counted, and the answer says until when.
pub async fn count(connection: &mut AsyncPgConnection, held: &Kept, occasion: Occasion<'_>) -> Result<Availability, StorageError> {
    let availability = held.availability(occasion.day);
    if availability != Availability::Available {
        return Ok(availability);
    }
    let (id, week) = (held.referent.id, week_of(occasion.day));
    let shown = if held.week == week { held.shown } else { 0 } + 1;
    diesel::update(referent::table.find(id))
        .set((referent::week.eq(week), referent::shown.eq(i32::try_from(shown).unwrap_or(i32::MAX))))
        .execute(connection)
        .await?;
    let counted = (
        referent_showing::referent_id.eq(id),
        referent_showing::week.eq(week),
        referent_showing::departement.eq(occasion.departement),
        referent_showing::procedure.eq(occasion.procedure),
        referent_showing::shown.eq(1_i64),
    );
    diesel::insert_into(referent_showing::table)
        .values(counted)
        .on_conflict((referent_showing::referent_id, referent_showing::week, referent_showing::departement, referent_showing::procedure))
        .do_update()
        .set(referent_showing::shown.eq(referent_showing::shown + excluded(referent_showing::shown)))
        .execute(connection)
        .await?;
    Ok(Availability::Available)
}

/// Uses one of the showings that somebody has on a day; false when none is left. `person`: see the table.
pub async fn use_allowance(connection: &mut AsyncPgConnection, day: NaiveDate, person: &str, most: i32) -> Result<bool, StorageError> {
    use diesel::query_dsl::methods::FilterDsl;
    let one = (showing_allowance::day.eq(day), showing_allowance::person.eq(person), showing_allowance::used.eq(1));
    let upsert = diesel::insert_into(showing_allowance::table)
        .values(one)
        .on_conflict((showing_allowance::day, showing_allowance::person))
        .do_update()
        .set(showing_allowance::used.eq(showing_allowance::used + 1));
    Ok(FilterDsl::filter(upsert, showing_allowance::used.lt(most)).execute(connection).await? > 0)
}

/// Forgets the days before one.
pub async fn forget_allowances(connection: &mut AsyncPgConnection, today: NaiveDate) -> Result<usize, StorageError> {
    Ok(diesel::delete(showing_allowance::table.filter(showing_allowance::day.lt(today))).execute(connection).await?)
}

/// How often one was shown in a week, for a territory and a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Count {
    /// Its Monday.
    pub week: NaiveDate,
    pub departement: String,
    /// `None` for what is handled discreetly.
    pub procedure: Option<String>,
    pub shown: i64,
}

/// In the weeks that start within a period.
pub async fn figures(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    weeks: std::ops::RangeInclusive<NaiveDate>,
) -> Result<Vec<Count>, StorageError> {
    Ok(referent_showing::table
        .filter(referent_showing::referent_id.eq(id))
        .filter(referent_showing::week.between(*weeks.start(), *weeks.end()))
        .select((referent_showing::week, referent_showing::departement, referent_showing::procedure, referent_showing::shown))
        .order((referent_showing::week, referent_showing::departement, referent_showing::procedure))
        .load(connection)
        .await?)
}
