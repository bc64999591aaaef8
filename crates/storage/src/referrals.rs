//! Referrals: recorded many at a time, read within a scope, their outcomes appended.

use std::collections::HashSet;

use aiguilleur_domain::code::SlipCode;
use aiguilleur_domain::referral::{
    Actor, Constraint, HandoffStatus, Mode, Moment, OPEN, Outcome, Reason, Repeat, ReportedBy, Setting, TargetType,
};
use aiguilleur_domain::structure::HelpKind;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{self, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::schema::{handoff, handoff_event, idempotency, outcome, referral, referral_link};
use crate::{Scope, Scoped, StorageError, corrections, read_code};

/// How long an idempotency key is remembered, in days.
pub const KEY_KEPT_DAYS: i64 = 30;

/// A referral as recorded, with its attempts and what was told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Referral {
    pub id: Uuid,
    pub code: String,
    pub procedure: String,
    pub sensitive: bool,
    pub commune: Option<String>,
    pub epci: Option<String>,
    pub departement: String,
    pub mode: Mode,
    pub status: HandoffStatus,
    pub orientation_id: Option<Uuid>,
    pub orientation_rank: Option<i16>,
    pub moment: Option<Moment>,
    pub reason: Option<Reason>,
    pub help_kinds: Vec<HelpKind>,
    pub setting: Option<Setting>,
    pub repeat: Option<Repeat>,
    pub constraints: Vec<Constraint>,
    pub minutes_spent: Option<i16>,
    pub person_ref: Option<String>,
    pub note: Option<String>,
    pub made_at_structure: Option<Uuid>,
    pub occurred_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub follow_up_due_at: Option<DateTime<Utc>>,
    /// How often it was asked what became of the need.
    pub follow_ups: i16,
    /// When no attempt was open any more, or the outcome was told.
    pub closed_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub handoffs: Vec<Handoff>,
    pub outcomes: Vec<OutcomeReport>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Handoff {
    pub id: Uuid,
    pub previous_id: Option<Uuid>,
    pub target_type: TargetType,
    pub target_id: String,
    /// A structure's kind, `institution` or `hotline`.
    pub target_kind: String,
    pub mode: Mode,
    pub status: HandoffStatus,
    pub expected_on: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    /// Reminders that have come due.
    pub reminders: i16,
    /// Working hours from its birth.
    pub acknowledged_after_h: Option<f64>,
    pub accepted_after_h: Option<f64>,
    /// Every change of its state, the oldest first.
    pub events: Vec<Event>,
}

/// A change of a handoff's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The mediator wrote down what the actor told.
    pub relayed: bool,
    /// `None` at its birth.
    pub from: Option<HandoffStatus>,
    pub to: HandoffStatus,
    pub reason: Option<Reason>,
    pub note: Option<String>,
}

/// What somebody told of the need.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeReport {
    pub id: Uuid,
    pub outcome: Outcome,
    pub reported_by: ReportedBy,
    pub reason: Option<Reason>,
    pub note: Option<String>,
    pub reported_at: DateTime<Utc>,
}

/// An idempotency key with the digest of the request it came with.
#[derive(Debug, Clone)]
pub struct Key {
    pub key: String,
    /// SHA-256 of what may be kept of the request, hexadecimal.
    pub request_digest: String,
    /// [`KEY_KEPT_DAYS`] from now; longer, to the first of a month, where the day itself may not be kept.
    pub kept_until: NaiveDate,
}

/// A referral to be recorded.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose it is.
    pub organisation: Uuid,
    /// Subject of the token.
    pub subject: String,
    pub referral: Referral,
    pub key: Option<Key>,
}

/// What became of recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is on record once the transaction commits.
    Created,
    /// The same request was answered before, with this referral.
    Known(Uuid),
    /// The key was used with another request.
    KeyReused,
}

#[derive(Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = referral)]
pub(crate) struct ReferralRow {
    id: Uuid,
    organisation_id: Uuid,
    created_by: String,
    code: String,
    procedure: String,
    sensitive: bool,
    commune: Option<String>,
    epci: Option<String>,
    departement: String,
    mode: String,
    status: String,
    orientation_id: Option<Uuid>,
    orientation_rank: Option<i16>,
    moment: Option<String>,
    reason: Option<String>,
    help_kinds: Vec<String>,
    setting: Option<String>,
    repeat: Option<String>,
    constraints: Vec<String>,
    minutes_spent: Option<i16>,
    person_ref: Option<String>,
    note: Option<String>,
    made_at_structure: Option<Uuid>,
    occurred_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    follow_up_due_at: Option<DateTime<Utc>>,
    version: i32,
    follow_ups: i16,
    closed_at: Option<DateTime<Utc>>,
    pub(crate) wiped: bool,
    pub(crate) anonymised: bool,
}

#[derive(Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = handoff)]
pub(crate) struct HandoffRow {
    id: Uuid,
    referral_id: Uuid,
    organisation_id: Uuid,
    position: i16,
    previous_id: Option<Uuid>,
    target_type: String,
    target_id: String,
    target_kind: String,
    mode: String,
    status: String,
    expected_on: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    reminders: i16,
    acknowledged_after_h: Option<f64>,
    accepted_after_h: Option<f64>,
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = outcome)]
pub(crate) struct OutcomeRow {
    id: Uuid,
    referral_id: Uuid,
    organisation_id: Uuid,
    position: i16,
    result: String,
    reported_by: String,
    reason: Option<String>,
    note: Option<String>,
    reported_at: DateTime<Utc>,
}

#[derive(Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = handoff_event)]
pub(crate) struct EventRow {
    id: Uuid,
    handoff_id: Uuid,
    referral_id: Uuid,
    organisation_id: Uuid,
    position: i16,
    at: DateTime<Utc>,
    actor: String,
    relayed: bool,
    from_status: Option<String>,
    to_status: String,
    reason: Option<String>,
    note: Option<String>,
}

#[derive(Serialize)]
struct MessageRow {
    id: Uuid,
    organisation_id: Uuid,
    referral_id: Uuid,
    topic: &'static str,
    attempts: i16,
}

#[derive(Serialize)]
struct KeyRow<'e> {
    organisation_id: Uuid,
    subject: &'e str,
    key: &'e str,
    request_digest: &'e str,
    referral_id: Uuid,
    kept_until: NaiveDate,
}

/// The rows of some referrals, by table.
#[derive(Default, Serialize)]
struct Rows<'e> {
    idempotency: Vec<KeyRow<'e>>,
    referral: Vec<ReferralRow>,
    handoff: Vec<HandoffRow>,
    handoff_event: Vec<EventRow>,
    /// Somebody is to be told.
    outbox: Vec<MessageRow>,
}

/// Who records.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    pub organisation: Uuid,
    /// Subject of the token.
    pub subject: &'a str,
}

/// Writes the [`Rows`] in one statement and gives the ids of the referrals born: those without a key, and those whose key is new,
/// so that parallel requests with one key record once. A query of its own, since what `sql_query` runs is prepared anew each time.
#[derive(QueryId)]
struct Record {
    /// JSON.
    rows: String,
}

impl Query for Record {
    type SqlType = sql_types::Uuid;
}

impl QueryFragment<Pg> for Record {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH given (rows) AS (SELECT ");
        out.push_bind_param::<Text, _>(&self.rows)?;
        out.push_sql(
            "::jsonb),
             asked AS (SELECT row.* FROM given, jsonb_populate_recordset(NULL::idempotency, rows->'idempotency') AS row),
             key AS (INSERT INTO idempotency SELECT * FROM asked ON CONFLICT DO NOTHING RETURNING referral_id),
             born AS (INSERT INTO referral SELECT row.* FROM given, jsonb_populate_recordset(NULL::referral, rows->'referral') AS row
                      WHERE id NOT IN (SELECT referral_id FROM asked) OR id IN (SELECT referral_id FROM key) RETURNING id),
             attempt AS (INSERT INTO handoff SELECT row.* FROM given, jsonb_populate_recordset(NULL::handoff, rows->'handoff') AS row
                         WHERE referral_id IN (SELECT id FROM born)),
             event AS (INSERT INTO handoff_event
                       SELECT row.* FROM given, jsonb_populate_recordset(NULL::handoff_event, rows->'handoff_event') AS row
                       WHERE referral_id IN (SELECT id FROM born)),
             told AS (INSERT INTO outbox SELECT row.* FROM given, jsonb_populate_recordset(NULL::outbox, rows->'outbox') AS row
                      WHERE referral_id IN (SELECT id FROM born))
             SELECT id FROM born",
        );
        Ok(())
    }
}

/// Records referrals, each in the scope of its organisation; says what became of each, in their order. Of two with the same key, the
/// first is recorded. They are on record once the transaction commits, all of them or none; an error is the whole transaction's.
pub async fn record(transaction: &mut Scoped, entries: &[&Entry]) -> Result<Vec<Recorded>, StorageError> {
    let mut ordered: Vec<(usize, &Entry)> = entries.iter().copied().enumerate().collect();
    // Locks are taken in the same order by everybody, so that no two transactions wait for each other's keys.
    ordered.sort_by_key(|(_, entry)| (entry.organisation, &entry.subject, entry.key.as_ref().map(|key| &key.key)));
    let mut recorded = Vec::with_capacity(entries.len());
    for own in ordered.chunk_by(|(_, one), (_, next)| one.organisation == next.organisation) {
        let Some((_, first)) = own.first() else { continue };
        transaction.enter(Scope::Organisation(first.organisation)).await?;
        recorded.extend(record_own(transaction, first.organisation, own).await?);
    }
    recorded.sort_by_key(|(position, _)| *position);
    Ok(recorded.into_iter().map(|(_, recorded)| recorded).collect())
}

/// Of one organisation, whose scope it is; with the position of each.
async fn record_own(
    connection: &mut AsyncPgConnection,
    organisation: Uuid,
    entries: &[(usize, &Entry)],
) -> Result<Vec<(usize, Recorded)>, StorageError> {
    let mut rows = Rows::default();
    for (_, entry) in entries {
        rows.add(entry);
    }
    let rows = serde_json::to_string(&rows).map_err(|error| StorageError::Unreadable {
        table: "referral",
        column: "*",
        value: error.to_string(),
    })?;
    let born: HashSet<Uuid> = Record { rows }.load(connection).await?.into_iter().collect();
    let unborn = || entries.iter().filter(|(_, entry)| !born.contains(&entry.referral.id));
    let known: Vec<(String, String, String, Uuid)> = if unborn().next().is_none() {
        Vec::new()
    } else {
        idempotency::table
            .filter(idempotency::organisation_id.eq(organisation))
            .filter(idempotency::key.eq_any(unborn().filter_map(|(_, entry)| Some(&entry.key.as_ref()?.key))))
            .select((idempotency::subject, idempotency::key, idempotency::request_digest, idempotency::referral_id))
            .load(connection)
            .await?
    };
    let told = |entry: &Entry| -> Result<Recorded, StorageError> {
        if born.contains(&entry.referral.id) {
            return Ok(Recorded::Created);
        }
        let asked = entry.key.as_ref();
        let row = known.iter().find(|(subject, key, ..)| *subject == entry.subject && asked.is_some_and(|asked| asked.key == *key));
        let (.., digest, id) = row.ok_or_else(key_under_way)?;
        Ok(if asked.is_some_and(|asked| asked.request_digest == *digest) { Recorded::Known(*id) } else { Recorded::KeyReused })
    };
    entries.iter().map(|(position, entry)| Ok((*position, told(entry)?))).collect()
}

impl<'e> Rows<'e> {
    fn add(&mut self, entry: &'e Entry) {
        let Entry { organisation, subject, referral: new, key } = entry;
        let organisation_id = *organisation;
        self.idempotency.extend(key.as_ref().map(|key| KeyRow {
            organisation_id,
            subject,
            key: &key.key,
            request_digest: &key.request_digest,
            referral_id: new.id,
            kept_until: key.kept_until,
        }));
        self.referral.push(write(organisation_id, subject, new));
        for (handoff, position) in new.handoffs.iter().zip(1..) {
            self.handoff.push(write_handoff(organisation_id, new, handoff, position));
            for event in &handoff.events {
                self.handoff_event.push(write_event(organisation_id, new.id, handoff.id, event, position));
            }
        }
        if new.mode != Mode::Information {
            let id = Uuid::new_v4();
            self.outbox.push(MessageRow { id, organisation_id, referral_id: new.id, topic: "referral.sent", attempts: 0 });
        }
    }
}

/// The transaction that holds the key was not over when it was looked for, or its key has just been forgotten.
fn key_under_way() -> StorageError {
    StorageError::Unavailable("the key's first request is still under way".to_owned())
}

async fn find_key(connection: &mut AsyncPgConnection, author: Author<'_>, key: &Key) -> Result<Option<Recorded>, StorageError> {
    let known: Option<(String, Uuid)> = idempotency::table
        .find((author.organisation, author.subject, &key.key))
        .select((idempotency::request_digest, idempotency::referral_id))
        .first(connection)
        .await
        .optional()?;
    Ok(known.map(|(digest, id)| if digest == key.request_digest { Recorded::Known(id) } else { Recorded::KeyReused }))
}

/// Whether one of these keys was used with another request.
pub async fn any_key_reused(
    connection: &mut AsyncPgConnection,
    author: Author<'_>,
    keys: &[String],
    request_digest: &str,
) -> Result<bool, StorageError> {
    let reused = idempotency::table
        .filter(idempotency::organisation_id.eq(author.organisation))
        .filter(idempotency::subject.eq(author.subject))
        .filter(idempotency::key.eq_any(keys))
        .filter(idempotency::request_digest.ne(request_digest));
    Ok(diesel::select(diesel::dsl::exists(reused)).get_result(connection).await?)
}

/// Forgets the keys whose last day is before `today`; says how many.
pub async fn forget_keys(connection: &mut AsyncPgConnection, today: NaiveDate) -> Result<usize, StorageError> {
    Ok(diesel::delete(idempotency::table.filter(idempotency::kept_until.lt(today))).execute(connection).await?)
}

/// Which referrals are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Row-level security shows no other than the scope's; named, it lets the index be used.
    pub organisation: Option<Uuid>,
    pub status: Option<HandoffStatus>,
    /// Some report told this outcome.
    pub outcome: Option<Outcome>,
    pub procedure: Option<String>,
    pub due_before: Option<DateTime<Utc>>,
    pub mode: Option<Mode>,
    /// Something is to be asked by this instant: of the target, or what became of the need.
    pub to_follow: Option<ToFollow>,
    /// After this one, in the order of the list.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// What is to be followed, in the state that the clock left.
#[derive(Debug, Clone, Copy)]
pub struct ToFollow {
    /// Of those for information, only what had come due by then is listed: they are followed once a week.
    pub week_began: DateTime<Utc>,
}

/// The newest first.
pub async fn list(connection: &mut AsyncPgConnection, filter: &Filter, limit: i64) -> Result<Vec<Referral>, StorageError> {
    let mut query = referral::table.select(ReferralRow::as_select()).into_boxed();
    if let Some(organisation) = filter.organisation {
        query = query.filter(referral::organisation_id.eq(organisation));
    }
    if let Some(mode) = filter.mode {
        query = query.filter(referral::mode.eq(<&str>::from(mode)));
    }
    if let Some(ToFollow { week_began }) = filter.to_follow {
        let information = <&str>::from(Mode::Information);
        let waiting = handoff::table.filter(handoff::status.eq("sent").and(handoff::reminders.gt(0))).select(handoff::referral_id);
        let asked = referral::follow_ups.gt(0).and(referral::follow_up_due_at.is_not_null());
        let in_its_week = referral::mode.ne(information).or(referral::follow_up_due_at.lt(week_began));
        let open = handoff::status.eq_any(OPEN.map(<&str>::from));
        let link_wanted = referral_link::table
            .inner_join(handoff::table.on(handoff::id.eq(referral_link::handoff_id)))
            .filter(referral_link::renewal_asked.and(open))
            .select(referral_link::referral_id);
        let due = asked.and(in_its_week.assume_not_null());
        query = query.filter(due.or(referral::id.eq_any(waiting)).or(referral::id.eq_any(link_wanted)));
    }
    if let Some(status) = filter.status {
        query = query.filter(referral::status.eq(<&str>::from(status)));
    }
    if let Some(procedure) = &filter.procedure {
        query = query.filter(referral::procedure.eq(procedure));
    }
    if let Some(due_before) = filter.due_before {
        query = query.filter(referral::follow_up_due_at.lt(due_before));
    }
    if let Some(told) = filter.outcome {
        let with_it = outcome::table.filter(outcome::result.eq(<&str>::from(told))).select(outcome::referral_id);
        query = query.filter(referral::id.eq_any(with_it));
    }
    if let Some((created_at, id)) = filter.after {
        query = query.filter(referral::created_at.lt(created_at).or(referral::created_at.eq(created_at).and(referral::id.lt(id))));
    }
    let rows: Vec<ReferralRow> = query.order((referral::created_at.desc(), referral::id.desc())).limit(limit).load(connection).await?;
    with_parts(connection, rows).await
}

/// One referral, if the scope may see it.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Referral>, StorageError> {
    let row: Option<ReferralRow> = referral::table.find(id).select(ReferralRow::as_select()).first(connection).await.optional()?;
    Ok(with_parts(connection, row.into_iter().collect()).await?.pop())
}

/// A referral that nobody else changes until the transaction ends, with whose it is.
#[derive(Debug)]
pub struct Held {
    pub organisation: Uuid,
    /// Subject of whoever recorded it.
    pub author: String,
    pub referral: Referral,
}

/// The same, held until the transaction ends.
pub async fn hold(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Held>, StorageError> {
    let row: Option<ReferralRow> =
        referral::table.find(id).select(ReferralRow::as_select()).for_update().first(connection).await.optional()?;
    let Some(row) = row else { return Ok(None) };
    let (organisation, author) = (row.organisation_id, row.created_by.clone());
    Ok(with_parts(connection, vec![row]).await?.pop().map(|referral| Held { organisation, author, referral }))
}

/// Whose referral a code belongs to, and which one. Within [`Scope::Bearer`] of its digest.
pub async fn find_by_digest(connection: &mut AsyncPgConnection, digest: &str) -> Result<Option<(Uuid, Uuid)>, StorageError> {
    let coded = referral::table.filter(digest_of(referral::code).eq(digest));
    Ok(coded.select((referral::organisation_id, referral::id)).first(connection).await.optional()?)
}

/// Forgets a referral with all that hangs on it.
pub async fn erase(connection: &mut AsyncPgConnection, id: Uuid) -> Result<bool, StorageError> {
    Ok(diesel::delete(referral::table.find(id)).execute(connection).await? > 0)
}

/// Keeps a key with what it is about to do; what became of it when it was used before.
pub async fn remember(
    connection: &mut AsyncPgConnection,
    author: Author<'_>,
    key: &Key,
    referral_id: Uuid,
) -> Result<Recorded, StorageError> {
    let inserted = diesel::insert_into(idempotency::table)
        .values((
            idempotency::organisation_id.eq(author.organisation),
            idempotency::subject.eq(author.subject),
            idempotency::key.eq(&key.key),
            idempotency::request_digest.eq(&key.request_digest),
            idempotency::referral_id.eq(referral_id),
            idempotency::kept_until.eq(key.kept_until),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    if inserted > 0 {
        return Ok(Recorded::Created);
    }
    find_key(connection, author, key).await?.ok_or_else(key_under_way)
}

/// Appends what somebody tells of the need. Whoever told is not asked again, but for an `unknown`.
pub async fn report_outcome(connection: &mut AsyncPgConnection, held: &mut Held, report: OutcomeReport) -> Result<(), StorageError> {
    let referral = &mut held.referral;
    let position = i16::try_from(referral.outcomes.len() + 1).unwrap_or(i16::MAX);
    diesel::insert_into(outcome::table)
        .values(write_outcome(held.organisation, referral.id, &report, position))
        .execute(connection)
        .await?;
    let is_told = report.outcome != Outcome::Unknown || report.reported_by == ReportedBy::Clock;
    if is_told {
        referral.follow_up_due_at = None;
        referral.closed_at = referral.closed_at.or(Some(report.reported_at));
        let values = (referral::follow_up_due_at.eq(referral.follow_up_due_at), referral::closed_at.eq(referral.closed_at));
        diesel::update(referral::table.find(referral.id)).set(values).execute(connection).await?;
    }
    let place = referral.handoffs.last().cloned();
    referral.outcomes.push(report.clone());
    if let Some(place) = place {
        corrections::open_for(connection, &held.referral, &place, report.reason, report.reported_at).await?;
    }
    Ok(())
}

async fn with_parts(connection: &mut AsyncPgConnection, rows: Vec<ReferralRow>) -> Result<Vec<Referral>, StorageError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let handoffs: Vec<HandoffRow> = handoff::table
        .filter(handoff::referral_id.eq_any(&ids))
        .order(handoff::position)
        .select(HandoffRow::as_select())
        .load(connection)
        .await?;
    let events: Vec<EventRow> = handoff_event::table
        .filter(handoff_event::referral_id.eq_any(&ids))
        .order(handoff_event::position)
        .select(EventRow::as_select())
        .load(connection)
        .await?;
    let outcomes: Vec<OutcomeRow> = outcome::table
        .filter(outcome::referral_id.eq_any(&ids))
        .order(outcome::position)
        .select(OutcomeRow::as_select())
        .load(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let own_handoffs =
                handoffs.iter().filter(|handoff| handoff.referral_id == row.id).map(|handoff| read_handoff(handoff, &events));
            let own_outcomes = outcomes.iter().filter(|outcome| outcome.referral_id == row.id).map(read_outcome);
            let (handoffs, outcomes) = (own_handoffs.collect::<Result<_, _>>()?, own_outcomes.collect::<Result<_, _>>()?);
            read(row, handoffs, outcomes)
        })
        .collect()
}

fn read(row: ReferralRow, handoffs: Vec<Handoff>, outcomes: Vec<OutcomeReport>) -> Result<Referral, StorageError> {
    Ok(Referral {
        mode: read_code("referral", "mode", &row.mode)?,
        status: read_code("referral", "status", &row.status)?,
        moment: read_optional("referral", "moment", row.moment.as_deref())?,
        reason: read_optional("referral", "reason", row.reason.as_deref())?,
        help_kinds: row.help_kinds.iter().map(|code| read_code("referral", "help_kinds", code)).collect::<Result<_, _>>()?,
        setting: read_optional("referral", "setting", row.setting.as_deref())?,
        repeat: read_optional("referral", "repeat", row.repeat.as_deref())?,
        constraints: row.constraints.iter().map(|code| read_code("referral", "constraints", code)).collect::<Result<_, _>>()?,
        id: row.id,
        code: row.code,
        procedure: row.procedure,
        sensitive: row.sensitive,
        commune: row.commune,
        epci: row.epci,
        departement: row.departement,
        orientation_id: row.orientation_id,
        orientation_rank: row.orientation_rank,
        minutes_spent: row.minutes_spent,
        person_ref: row.person_ref,
        note: row.note,
        made_at_structure: row.made_at_structure,
        occurred_at: row.occurred_at,
        created_at: row.created_at,
        follow_up_due_at: row.follow_up_due_at,
        follow_ups: row.follow_ups,
        closed_at: row.closed_at,
        version: row.version,
        handoffs,
        outcomes,
    })
}

fn read_handoff(row: &HandoffRow, events: &[EventRow]) -> Result<Handoff, StorageError> {
    let own_events = events.iter().filter(|event| event.handoff_id == row.id).map(read_event);
    Ok(Handoff {
        events: own_events.collect::<Result<_, _>>()?,
        changed_at: row.changed_at,
        reminders: row.reminders,
        acknowledged_after_h: row.acknowledged_after_h,
        accepted_after_h: row.accepted_after_h,
        id: row.id,
        previous_id: row.previous_id,
        target_type: read_code("handoff", "target_type", &row.target_type)?,
        target_id: row.target_id.clone(),
        target_kind: row.target_kind.clone(),
        mode: read_code("handoff", "mode", &row.mode)?,
        status: read_code("handoff", "status", &row.status)?,
        expected_on: row.expected_on,
        created_at: row.created_at,
    })
}

fn read_event(row: &EventRow) -> Result<Event, StorageError> {
    Ok(Event {
        at: row.at,
        actor: read_code("handoff_event", "actor", &row.actor)?,
        relayed: row.relayed,
        from: read_optional("handoff_event", "from_status", row.from_status.as_deref())?,
        to: read_code("handoff_event", "to_status", &row.to_status)?,
        reason: read_optional("handoff_event", "reason", row.reason.as_deref())?,
        note: row.note.clone(),
    })
}

fn read_outcome(row: &OutcomeRow) -> Result<OutcomeReport, StorageError> {
    Ok(OutcomeReport {
        id: row.id,
        outcome: read_code("outcome", "result", &row.result)?,
        reported_by: read_code("outcome", "reported_by", &row.reported_by)?,
        reason: read_optional("outcome", "reason", row.reason.as_deref())?,
        note: row.note.clone(),
        reported_at: row.reported_at,
    })
}

fn read_optional<T: std::str::FromStr>(table: &'static str, column: &'static str, value: Option<&str>) -> Result<Option<T>, StorageError> {
    value.map(|value| read_code(table, column, value)).transpose()
}

pub(crate) fn write(organisation_id: Uuid, created_by: &str, new: &Referral) -> ReferralRow {
    let owned = |code: &str| code.to_owned();
    ReferralRow {
        id: new.id,
        organisation_id,
        created_by: created_by.to_owned(),
        code: new.code.clone(),
        procedure: new.procedure.clone(),
        sensitive: new.sensitive,
        commune: new.commune.clone(),
        epci: new.epci.clone(),
        departement: new.departement.clone(),
        mode: owned(new.mode.into()),
        status: owned(new.status.into()),
        orientation_id: new.orientation_id,
        orientation_rank: new.orientation_rank,
        moment: new.moment.map(|code| owned(code.into())),
        reason: new.reason.map(|code| owned(code.into())),
        help_kinds: new.help_kinds.iter().map(|&code| owned(code.into())).collect(),
        setting: new.setting.map(|code| owned(code.into())),
        repeat: new.repeat.map(|code| owned(code.into())),
        constraints: new.constraints.iter().map(|&code| owned(code.into())).collect(),
        minutes_spent: new.minutes_spent,
        person_ref: new.person_ref.clone(),
        note: new.note.clone(),
        made_at_structure: new.made_at_structure,
        occurred_at: new.occurred_at,
        created_at: new.created_at,
        follow_up_due_at: new.follow_up_due_at,
        version: new.version,
        follow_ups: new.follow_ups,
        closed_at: new.closed_at,
        wiped: false,
        anonymised: false,
    }
}

pub(crate) fn write_handoff(organisation_id: Uuid, new: &Referral, handoff: &Handoff, position: i16) -> HandoffRow {
    HandoffRow {
        id: handoff.id,
        referral_id: new.id,
        organisation_id,
        position,
        previous_id: handoff.previous_id,
        target_type: <&str>::from(handoff.target_type).to_owned(),
        target_id: handoff.target_id.clone(),
        target_kind: handoff.target_kind.clone(),
        mode: <&str>::from(handoff.mode).to_owned(),
        status: <&str>::from(handoff.status).to_owned(),
        expected_on: handoff.expected_on,
        created_at: handoff.created_at,
        changed_at: handoff.changed_at,
        reminders: handoff.reminders,
        acknowledged_after_h: handoff.acknowledged_after_h,
        accepted_after_h: handoff.accepted_after_h,
    }
}

pub(crate) fn write_event(organisation_id: Uuid, referral_id: Uuid, handoff_id: Uuid, event: &Event, position: i16) -> EventRow {
    EventRow {
        id: Uuid::new_v4(),
        handoff_id,
        referral_id,
        organisation_id,
        position,
        at: event.at,
        actor: <&str>::from(event.actor).to_owned(),
        relayed: event.relayed,
        from_status: event.from.map(|status| <&str>::from(status).to_owned()),
        to_status: <&str>::from(event.to).to_owned(),
        reason: event.reason.map(|reason| <&str>::from(reason).to_owned()),
        note: event.note.clone(),
    }
}

pub(crate) fn write_outcome(organisation_id: Uuid, referral_id: Uuid, report: &OutcomeReport, position: i16) -> OutcomeRow {
    OutcomeRow {
        id: report.id,
        referral_id,
        organisation_id,
        position,
        result: <&str>::from(report.outcome).to_owned(),
        reported_by: <&str>::from(report.reported_by).to_owned(),
        reason: report.reason.map(|reason| <&str>::from(reason).to_owned()),
        note: report.note.clone(),
        reported_at: report.reported_at,
    }
}

diesel::define_sql_function! {
    fn digest_of(code: Text) -> Text;
}

/// A new code for a slip; the unique constraint refuses the one in 35 thousand billion that is taken.
pub fn new_code() -> SlipCode {
    SlipCode::from_random(Uuid::new_v4())
}
