//! Referrals: recorded in one statement, read within a scope, their outcomes appended.

use aiguilleur_domain::code::SlipCode;
use aiguilleur_domain::referral::{Constraint, HandoffStatus, Mode, Moment, Outcome, Reason, Repeat, ReportedBy, Setting, TargetType};
use aiguilleur_domain::structure::HelpKind;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Int8, Jsonb};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::schema::{handoff, idempotency, outcome, referral};
use crate::{StorageError, read_code};

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
struct ReferralRow {
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
}

#[derive(Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = handoff)]
struct HandoffRow {
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
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = outcome)]
struct OutcomeRow {
    id: Uuid,
    referral_id: Uuid,
    result: String,
    reported_by: String,
    reason: Option<String>,
    note: Option<String>,
    reported_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = Int8)]
    referrals: i64,
}

/// Who records.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    pub organisation: Uuid,
    /// Subject of the token.
    pub subject: &'a str,
}

/// Everything in one statement: the referral, its first handoff and event, its outbox row when somebody is to be told, its key.
/// A row is born only if the key is new, so that parallel requests with one key record once.
const RECORD: &str = "\
WITH key AS (INSERT INTO idempotency SELECT (jsonb_populate_record(NULL::idempotency, $1)).* WHERE NOT $2
             ON CONFLICT DO NOTHING RETURNING 1),
     born AS (INSERT INTO referral SELECT (jsonb_populate_record(NULL::referral, $3)).*
              WHERE $2 OR EXISTS (SELECT 1 FROM key) RETURNING id),
     attempt AS (INSERT INTO handoff SELECT (jsonb_populate_record(NULL::handoff, $4)).* WHERE EXISTS (SELECT 1 FROM born)),
     event AS (INSERT INTO handoff_event SELECT (jsonb_populate_record(NULL::handoff_event, $5)).* WHERE EXISTS (SELECT 1 FROM born)),
     told AS (INSERT INTO outbox SELECT (jsonb_populate_record(NULL::outbox, $6)).*
              WHERE $6 <> 'null'::jsonb AND EXISTS (SELECT 1 FROM born))
SELECT count(*) AS referrals FROM born";

/// Records a referral with its single handoff. The transaction must be scoped to the author's organisation.
pub async fn record(
    connection: &mut AsyncPgConnection,
    author: Author<'_>,
    new: &Referral,
    key: Option<&Key>,
) -> Result<Recorded, StorageError> {
    if let Some(known) = find_key(connection, author, key).await? {
        return Ok(known);
    }
    let handoffs: Vec<HandoffRow> =
        new.handoffs.iter().zip(1..).map(|(handoff, position)| write_handoff(author, new, handoff, position)).collect();
    let [first] = handoffs.as_slice() else {
        return Err(StorageError::Unreadable { table: "handoff", column: "position", value: "none".to_owned() });
    };
    let event = serde_json::json!({
        "id": Uuid::new_v4(), "handoff_id": first.id, "referral_id": new.id, "organisation_id": author.organisation,
        "at": first.created_at, "actor": "mediator", "to_status": first.status,
    });
    let outbox = match new.mode {
        Mode::Information => serde_json::Value::Null,
        Mode::Warm | Mode::Unblock => serde_json::json!({
            "id": Uuid::new_v4(), "organisation_id": author.organisation, "referral_id": new.id, "topic": "referral.sent", "attempts": 0,
        }),
    };
    let key_row = key.map(|key| {
        serde_json::json!({
            "organisation_id": author.organisation, "subject": author.subject, "key": key.key,
            "request_digest": key.request_digest, "referral_id": new.id, "kept_until": key.kept_until,
        })
    });
    let inserted: Inserted = diesel::sql_query(RECORD)
        .bind::<Jsonb, _>(key_row.clone().unwrap_or_default())
        .bind::<Bool, _>(key_row.is_none())
        .bind::<Jsonb, _>(to_json(&write(author, new))?)
        .bind::<Jsonb, _>(to_json(first)?)
        .bind::<Jsonb, _>(event)
        .bind::<Jsonb, _>(outbox)
        .get_result(connection)
        .await?;
    if inserted.referrals == 1 {
        return Ok(Recorded::Created);
    }
    // A parallel request with the same key committed between the look-up and the insertion.
    find_key(connection, author, key)
        .await?
        .ok_or_else(|| StorageError::Unavailable("the key's first request is still under way".to_owned()))
}

async fn find_key(connection: &mut AsyncPgConnection, author: Author<'_>, key: Option<&Key>) -> Result<Option<Recorded>, StorageError> {
    let Some(key) = key else { return Ok(None) };
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
    pub status: Option<HandoffStatus>,
    /// Some report told this outcome.
    pub outcome: Option<Outcome>,
    pub procedure: Option<String>,
    pub due_before: Option<DateTime<Utc>>,
    /// After this one, in the order of the list.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// The newest first.
pub async fn list(connection: &mut AsyncPgConnection, filter: &Filter, limit: i64) -> Result<Vec<Referral>, StorageError> {
    let mut query = referral::table.select(ReferralRow::as_select()).into_boxed();
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

/// Appends what somebody tells of the need, once for a key. The referral must be visible in the scope.
pub async fn report_outcome(
    connection: &mut AsyncPgConnection,
    author: Author<'_>,
    referral_id: Uuid,
    report: &OutcomeReport,
    key: Option<&Key>,
) -> Result<Recorded, StorageError> {
    if let Some(key) = key {
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
        if inserted == 0 {
            let known = find_key(connection, author, Some(key)).await?;
            return known.ok_or_else(|| StorageError::Unavailable("the key's first request is still under way".to_owned()));
        }
    }
    // Held until the commit, so that two reports at once are numbered one after the other.
    referral::table.find(referral_id).select(referral::id).for_update().first::<Uuid>(connection).await?;
    let last: Option<i16> =
        outcome::table.filter(outcome::referral_id.eq(referral_id)).select(diesel::dsl::max(outcome::position)).first(connection).await?;
    diesel::insert_into(outcome::table)
        .values((
            outcome::position.eq(last.unwrap_or_default().saturating_add(1)),
            outcome::id.eq(report.id),
            outcome::referral_id.eq(referral_id),
            outcome::organisation_id.eq(author.organisation),
            outcome::result.eq(<&str>::from(report.outcome)),
            outcome::reported_by.eq(<&str>::from(report.reported_by)),
            outcome::reason.eq(report.reason.map(<&str>::from)),
            outcome::note.eq(&report.note),
            outcome::reported_at.eq(report.reported_at),
        ))
        .execute(connection)
        .await?;
    Ok(Recorded::Created)
}

async fn with_parts(connection: &mut AsyncPgConnection, rows: Vec<ReferralRow>) -> Result<Vec<Referral>, StorageError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let handoffs: Vec<HandoffRow> = handoff::table
        .filter(handoff::referral_id.eq_any(&ids))
        .order(handoff::position)
        .select(HandoffRow::as_select())
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
            let own_handoffs = handoffs.iter().filter(|handoff| handoff.referral_id == row.id).map(read_handoff);
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
        version: row.version,
        handoffs,
        outcomes,
    })
}

fn read_handoff(row: &HandoffRow) -> Result<Handoff, StorageError> {
    Ok(Handoff {
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

fn write(author: Author<'_>, new: &Referral) -> ReferralRow {
    let owned = |code: &str| code.to_owned();
    ReferralRow {
        id: new.id,
        organisation_id: author.organisation,
        created_by: author.subject.to_owned(),
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
    }
}

fn write_handoff(author: Author<'_>, new: &Referral, handoff: &Handoff, position: i16) -> HandoffRow {
    HandoffRow {
        id: handoff.id,
        referral_id: new.id,
        organisation_id: author.organisation,
        position,
        previous_id: handoff.previous_id,
        target_type: <&str>::from(handoff.target_type).to_owned(),
        target_id: handoff.target_id.clone(),
        target_kind: handoff.target_kind.clone(),
        mode: <&str>::from(handoff.mode).to_owned(),
        status: <&str>::from(handoff.status).to_owned(),
        expected_on: handoff.expected_on,
        created_at: handoff.created_at,
    }
}

fn to_json(row: &impl Serialize) -> Result<serde_json::Value, StorageError> {
    serde_json::to_value(row).map_err(|error| StorageError::Unreadable { table: "referral", column: "*", value: error.to_string() })
}

/// A new code for a slip; the unique constraint refuses the one in 35 thousand billion that is taken.
pub fn new_code() -> SlipCode {
    SlipCode::from_random(Uuid::new_v4())
}
