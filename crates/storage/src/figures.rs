//! Figures of referrals: how many, by whom how many, how far they came. Never by mediator.

use aiguilleur_domain::experience::Past;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;

/// What figures are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// A structure's kind, `institution` (its remote channels and its own desks together) or `hotline`.
    TargetKind,
    /// The body in charge of the procedure.
    Institution,
    Procedure,
    /// Of residence.
    Commune,
    Epci,
    Departement,
    /// The kind of the structure where the mediator works.
    OriginKind,
    OriginStructure,
    HelpKind,
    Moment,
    Constraint,
    Reason,
    Repeat,
    Month,
}

impl Grouping {
    /// The keys of a referral `c`, and what has to be joined to tell them. Where a referral tells none, it is null.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::TargetKind => {
                ("CASE WHEN h.target_kind = 'guichet' THEN 'institution' ELSE h.target_kind END", "JOIN handoff h ON h.referral_id = c.id")
            }
            Self::Institution => ("p.institution", "JOIN procedure p ON p.slug = c.procedure"),
            Self::Procedure => ("c.procedure", ""),
            Self::Commune => ("c.commune", ""),
            Self::Epci => ("c.epci", ""),
            Self::Departement => ("c.departement", ""),
            Self::OriginKind => ("s.kind", "LEFT JOIN structure s ON s.id = c.made_at_structure"),
            Self::OriginStructure => ("c.made_at_structure::text", ""),
            Self::HelpKind => ("k.key", "LEFT JOIN LATERAL unnest(c.help_kinds) AS k (key) ON true"),
            Self::Moment => ("c.moment", ""),
            Self::Constraint => ("k.key", "LEFT JOIN LATERAL unnest(c.constraints) AS k (key) ON true"),
            Self::Reason => ("c.reason", ""),
            Self::Repeat => ("c.repeat", ""),
            Self::Month => ("to_char(c.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM')", ""),
        }
    }

    /// The keys that the questions of `q` count for; `None` where they tell none.
    fn keys_of_questions(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Institution => Some(("p.institution", "JOIN procedure p ON p.slug = q.procedure")),
            Self::Procedure => Some(("nullif(q.procedure, '')", "")),
            Self::Commune => Some(("CASE q.place_kind WHEN 'commune' THEN q.place END", "")),
            Self::Epci => Some(("t.epci", "LEFT JOIN commune t ON q.place_kind = 'commune' AND t.kind = 'commune' AND t.code = q.place")),
            Self::Departement => Some((
                "coalesce(t.departement, q.place)",
                "LEFT JOIN commune t ON q.place_kind = 'commune' AND t.kind = 'commune' AND t.code = q.place",
            )),
            Self::Month => Some(("to_char(q.day, 'YYYY-MM')", "")),
            _ => None,
        }
    }
}

/// Keys that lie within each other: the coarser ones are the finer ones' sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nested {
    /// Département, the part of an intercommunality that lies in it, commune.
    Places,
    /// Institution, procedure.
    Procedures,
    /// Kind, structure.
    Origins,
}

/// Between the keys of a nested one, the coarsest first.
pub const WITHIN: char = '/';

impl Nested {
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Places => ("c.departement || '/' || coalesce(c.epci, '') || '/' || coalesce(c.commune, '')", ""),
            Self::Procedures => ("p.institution || '/' || p.slug", "JOIN procedure p ON p.slug = c.procedure"),
            Self::Origins => (
                "coalesce(s.kind, '') || '/' || coalesce(c.made_at_structure::text, '')",
                "LEFT JOIN structure s ON s.id = c.made_at_structure",
            ),
        }
    }
}

/// Of whose referrals, and when they occurred: from the first instant until before the second.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub whose: Whose,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// Whose referrals. But for an organisation's own, within [`Scope::System`](crate::Scope) and without the sensitive ones: those have no
/// commune, and what lacks one would be known to be theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    Organisation(Uuid),
    /// Those that members recorded while they were members, on its territory and of its theme.
    Network(Uuid),
    Everybody,
}

impl Whose {
    fn organisation(self) -> Option<Uuid> {
        if let Self::Organisation(id) = self { Some(id) } else { None }
    }

    fn network(self) -> Option<Uuid> {
        if let Self::Network(id) = self { Some(id) } else { None }
    }
}

/// What is told of a key, or of all. Counts of referrals, but for the last ones.
#[derive(Debug, Clone, Default, PartialEq, QueryableByName)]
pub struct Figures {
    /// Null where the referrals tell none.
    #[diesel(sql_type = Nullable<Text>)]
    pub key: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub referrals: i64,
    /// Agents who recorded them.
    #[diesel(sql_type = BigInt)]
    pub mediators: i64,
    /// Taken up by the target.
    #[diesel(sql_type = BigInt)]
    pub acknowledged: i64,
    #[diesel(sql_type = BigInt)]
    pub accepted: i64,
    /// Of which somebody told what became of the need.
    #[diesel(sql_type = BigInt)]
    pub known: i64,
    /// Of those: resolved.
    #[diesel(sql_type = BigInt)]
    pub resolved: i64,
    /// Attempts.
    #[diesel(sql_type = BigInt)]
    pub doors: i64,
    #[diesel(sql_type = BigInt)]
    pub minutes: i64,
    /// Of which minutes were told.
    #[diesel(sql_type = BigInt)]
    pub timed: i64,
    /// Working hours, of those where they are known.
    #[diesel(sql_type = Nullable<Double>)]
    pub median_h_to_acknowledge: Option<f64>,
    #[diesel(sql_type = BigInt)]
    pub timed_acknowledged: i64,
    #[diesel(sql_type = Nullable<Double>)]
    pub median_h_to_accept: Option<f64>,
    #[diesel(sql_type = BigInt)]
    pub timed_accepted: i64,
}

/// By key, ascending; the key that is none last.
pub async fn by(connection: &mut AsyncPgConnection, extent: Extent, grouping: Grouping) -> Result<Vec<Figures>, StorageError> {
    let (key, join) = grouping.keys();
    // Of a kind of target, only what became of the attempts towards it.
    let own = if grouping == Grouping::TargetKind {
        "AND (CASE WHEN h.target_kind = 'guichet' THEN 'institution' ELSE h.target_kind END) = k.key"
    } else {
        ""
    };
    load(connection, extent, &keyed(key, join, own)).await
}

/// By the whole row of keys, joined by [`WITHIN`].
pub async fn by_nested(connection: &mut AsyncPgConnection, extent: Extent, nested: Nested) -> Result<Vec<Figures>, StorageError> {
    let (key, join) = nested.keys();
    load(connection, extent, &keyed(key, join, "")).await
}

fn keyed(key: &str, join: &str, own: &str) -> String {
    let told = told("k.key", own);
    format!("{CHOSEN}, keyed AS (SELECT DISTINCT c.id, {key} AS key FROM chosen c {join}) {told} GROUP BY k.key ORDER BY k.key")
}

/// Of all of them.
pub async fn total(connection: &mut AsyncPgConnection, extent: Extent) -> Result<Figures, StorageError> {
    let sql = format!("{CHOSEN}, keyed AS (SELECT c.id, NULL::text AS key FROM chosen c) {}", told("NULL::text", ""));
    Ok(load(connection, extent, &sql).await?.pop().unwrap_or_default())
}

#[derive(QueryableByName)]
struct Years {
    #[diesel(sql_type = Nullable<Integer>)]
    first: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    last: Option<i32>,
}

/// The first and the last calendar year (UTC) of which there is anything to count.
pub async fn years(connection: &mut AsyncPgConnection) -> Result<Option<(i32, i32)>, StorageError> {
    let sql = "SELECT extract(year FROM least(r.first, q.first))::int AS first, extract(year FROM greatest(r.last, q.last))::int AS last
               FROM (SELECT min(occurred_at) AT TIME ZONE 'UTC' AS first, max(occurred_at) AT TIME ZONE 'UTC' AS last FROM referral) r,
                    (SELECT min(day)::timestamp AS first, max(day)::timestamp AS last FROM question_count) q";
    let years: Years = diesel::sql_query(sql).get_result(connection).await?;
    Ok(Option::zip(years.first, years.last))
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Questions for which no apt place was within reach (20 km), of all who asked: by key, and in all. `None` where questions don't tell
/// the key.
pub async fn unmet(
    connection: &mut AsyncPgConnection,
    extent: Extent,
    grouping: Option<Grouping>,
) -> Result<Option<Vec<(Option<String>, i64)>>, StorageError> {
    let Some((key, join)) = grouping.map_or(Some(("NULL::text", "")), Grouping::keys_of_questions) else { return Ok(None) };
    let sql = format!(
        "SELECT {key} AS key, sum(q.questions)::bigint AS count FROM question_count q {join}
         WHERE q.coverage <> 'local' AND q.day >= ($1 AT TIME ZONE 'UTC')::date AND q.day < ($2 AT TIME ZONE 'UTC')::date GROUP BY 1 ORDER BY 1"
    );
    let query = diesel::sql_query(sql).bind::<Timestamptz, _>(extent.from).bind::<Timestamptz, _>(extent.to);
    Ok(Some(query.load(connection).await?.into_iter().map(|Counted { key, count }| (key, count)).collect()))
}

/// Referrals that people refused, in the months of an extent.
pub async fn refused(connection: &mut AsyncPgConnection, extent: Extent) -> Result<i64, StorageError> {
    let sql = "SELECT NULL::text AS key, coalesce(sum(refusals), 0)::bigint AS count FROM refusal_count
               WHERE month >= date_trunc('month', $1 AT TIME ZONE 'UTC')::date AND month < ($2 AT TIME ZONE 'UTC')::date
               AND ($3 IS NULL OR organisation_id = $3)
               AND ($4 IS NULL OR EXISTS (SELECT 1 FROM network n JOIN network_member m ON m.network_id = n.id
                   WHERE n.id = $4 AND m.organisation_id = refusal_count.organisation_id
                     AND m.joined_at < (month + interval '1 month') AT TIME ZONE 'UTC' AND (m.left_at IS NULL OR m.left_at >= month AT TIME ZONE 'UTC')
                     AND (n.territory && ARRAY['FR', refusal_count.departement])
                     AND (n.theme IS NULL OR EXISTS (SELECT 1 FROM procedure p WHERE p.slug = refusal_count.procedure AND p.procedure_group = n.theme))))";
    let rows: Vec<Counted> = load(connection, extent, sql).await?;
    Ok(rows.iter().map(|row| row.count).sum())
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    procedure: String,
    #[diesel(sql_type = BigInt)]
    known: i64,
    #[diesel(sql_type = BigInt)]
    resolved: i64,
}

/// What became of the needs whose last attempt was at a structure, since an instant: structure, procedure, how many are known and
/// resolved. Without the sensitive ones. Within [`Scope::System`](crate::Scope).
pub async fn experience(connection: &mut AsyncPgConnection, since: DateTime<Utc>) -> Result<Vec<(Uuid, String, Past)>, StorageError> {
    let sql = "SELECT h.target_id AS place, r.procedure, count(*) AS known, count(*) FILTER (WHERE o.result = 'resolved') AS resolved
               FROM referral r
               JOIN LATERAL (SELECT h.target_id, h.target_type FROM handoff h WHERE h.referral_id = r.id ORDER BY h.position DESC LIMIT 1) h ON true
               JOIN LATERAL (SELECT o.result FROM outcome o WHERE o.referral_id = r.id AND o.result IN ('resolved', 'partially_resolved', 'unresolved')
                             ORDER BY o.reported_by = 'person' DESC, o.position DESC LIMIT 1) o ON true
               WHERE NOT r.sensitive AND r.occurred_at >= $1 AND h.target_type = 'structure' GROUP BY 1, 2";
    let rows: Vec<Ended> = diesel::sql_query(sql).bind::<Timestamptz, _>(since).load(connection).await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let past = |row: Ended| Some((row.place.parse().ok()?, row.procedure, Past { known: count(row.known), resolved: count(row.resolved) }));
    Ok(rows.into_iter().filter_map(past).collect())
}

const CHOSEN: &str = "WITH chosen AS (SELECT * FROM referral r WHERE r.occurred_at >= $1 AND r.occurred_at < $2
    AND CASE WHEN $3 IS NULL THEN NOT r.sensitive ELSE r.organisation_id = $3 END
    AND ($4 IS NULL OR EXISTS (SELECT 1 FROM network n JOIN network_member m ON m.network_id = n.id
        WHERE n.id = $4 AND m.organisation_id = r.organisation_id
          AND m.joined_at <= r.occurred_at AND (m.left_at IS NULL OR r.occurred_at < m.left_at)
          AND n.territory && ARRAY['FR', r.departement]
          AND (n.theme IS NULL OR EXISTS (SELECT 1 FROM procedure p WHERE p.slug = r.procedure AND p.procedure_group = n.theme)))))";

/// The person's own word on the outcome goes before the others', the newest before the older ones; `unknown` is no word.
fn told(key: &str, own: &str) -> String {
    format!(
        "SELECT {key} AS key, count(*) AS referrals, count(DISTINCT (c.organisation_id, c.created_by)) AS mediators,
            count(*) FILTER (WHERE a.acknowledged) AS acknowledged, count(*) FILTER (WHERE a.accepted) AS accepted,
            count(o.result) AS known, count(*) FILTER (WHERE o.result = 'resolved') AS resolved,
            coalesce(sum(d.doors), 0)::bigint AS doors, coalesce(sum(c.minutes_spent), 0)::bigint AS minutes, count(c.minutes_spent) AS timed,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY a.h_to_acknowledge) AS median_h_to_acknowledge,
            count(a.h_to_acknowledge) AS timed_acknowledged,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY a.h_to_accept) AS median_h_to_accept, count(a.h_to_accept) AS timed_accepted
         FROM keyed k JOIN chosen c ON c.id = k.id
         LEFT JOIN LATERAL (SELECT count(*) AS doors FROM handoff h WHERE h.referral_id = c.id) d ON true
         LEFT JOIN LATERAL (SELECT min(h.acknowledged_after_h) AS h_to_acknowledge, min(h.accepted_after_h) AS h_to_accept,
                bool_or(e.to_status IN ('acknowledged', 'under_review', 'waitlisted', 'accepted', 'in_progress', 'completed')) AS acknowledged,
                bool_or(e.to_status IN ('accepted', 'in_progress', 'completed')) AS accepted
            FROM handoff h JOIN handoff_event e ON e.referral_id = c.id AND e.handoff_id = h.id WHERE h.referral_id = c.id {own}) a ON true
         LEFT JOIN LATERAL (SELECT o.result FROM outcome o WHERE o.referral_id = c.id AND o.result <> 'unknown'
            ORDER BY o.reported_by = 'person' DESC, o.position DESC LIMIT 1) o ON true"
    )
}

/// The rows of a query with its extent: from `$1` until before `$2`, of the organisation `$3`, of the network `$4`.
async fn load<R>(connection: &mut AsyncPgConnection, extent: Extent, sql: &str) -> Result<Vec<R>, StorageError>
where
    R: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let query = diesel::sql_query(sql).bind::<Timestamptz, _>(extent.from).bind::<Timestamptz, _>(extent.to);
    let query = query.bind::<Nullable<SqlUuid>, _>(extent.whose.organisation()).bind::<Nullable<SqlUuid>, _>(extent.whose.network());
    Ok(query.load(connection).await?)
}
