//! `/v1/stats/referrals`: how many referrals, how far they came, and how many questions found nothing within reach. Never by mediator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::Directory;
use aiguilleur_domain::disclosure::{Cell, Published, SMALLEST};
use aiguilleur_domain::structure::Kind as StructureKind;
use aiguilleur_domain::territory::{AreaKind, CommuneCode};
use aiguilleur_storage::figures::{self, Extent, Figures, Grouping, Nested, WITHIN, Whose};
use aiguilleur_storage::{Scope, Scoped, scoped};
use chrono::{DateTime, Datelike, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::networks::{must_manage, see};
use crate::auth::Caller;
use crate::fields::{Fields, Moment};
use crate::problem::{Kind, Problem};
use crate::request::{Query, State, json};

/// Years that published figures are looked for in, at most.
const MOST_YEARS: i32 = 20;
/// For which they are told again as they were.
const TOLD_AGAIN_FOR: Duration = Duration::from_secs(5);

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_referral_figures);
}

/// What the figures are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    TargetKind,
    Institution,
    Procedure,
    Commune,
    Epci,
    Departement,
    OriginKind,
    OriginStructure,
    HelpKind,
    Moment,
    Constraint,
    Reason,
    Repeat,
    Month,
}

/// Whose referrals, and how much of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Extension {
    /// The caller's organisation's, whole.
    Own,
    /// Everybody's, without what is too small to be published.
    Published,
    /// What a network's members recorded as such, on its territory and of its theme; as published. For its managers.
    Network,
}

/// How many referrals, by a key. What is null is not known, or (published) hidden.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReferralFigures {
    scope: Extension,
    group_by: GroupBy,
    /// The first instant of the period; published: of its first calendar year.
    from: Option<DateTime<Utc>>,
    /// The first instant after the period; published: after its last calendar year.
    to: Option<DateTime<Utc>>,
    total: TotalFigures,
    items: Vec<KeyFigures>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct TotalFigures {
    referrals: Option<i64>,
    /// Agents who recorded at least one.
    mediators: Option<i64>,
    /// Referrals that people refused.
    refusals: Option<i64>,
    /// Questions that found no apt place within 20 km, of everybody who asked.
    unmet_questions: Option<i64>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct KeyFigures {
    /// Null: the referrals of this row tell none.
    key: Option<String>,
    label: String,
    referrals: Option<i64>,
    mediators: Option<i64>,
    /// Of the agents who recorded at least one referral.
    share_of_mediators_pct: Option<f64>,
    /// Of the referrals: taken up by the target.
    acknowledged_rate_pct: Option<f64>,
    accepted_rate_pct: Option<f64>,
    /// Of the referrals: somebody told what became of the need.
    known_outcome_rate_pct: Option<f64>,
    /// Of those: resolved.
    resolved_rate_pct: Option<f64>,
    median_working_hours_to_acknowledge: Option<f64>,
    median_working_hours_to_accept: Option<f64>,
    /// Attempts per referral.
    doors_per_need: Option<f64>,
    /// Minutes that mediators said they spent.
    minutes_spent: Option<i64>,
    /// Questions that found no apt place within 20 km; null where questions don't tell the key.
    unmet_questions: Option<i64>,
}

/// Figures of referrals, by a key: an organisation's own, or everybody's as published.
///
/// Published ones, and a network's for its managers, are without sensitive procedures, and by calendar year: a period is widened to whole years, 20 at most, none to come. Cells under 11 are null, and as many others as it takes that
/// they can't be computed back; a period of several years shows what each of its years does. Keys of few are listed, but for a table
/// of which nothing can be told.
#[utoipa::path(
    operation_id = "list_referral_figures",
    tag = "Statistiques",
    params(
        ("group_by" = GroupBy, Query, description = "What the figures are told by", example = "target_kind"),
        ("from" = Option<String>, Query, description = "A day, or an instant (RFC 3339): referrals from then on"),
        ("to" = Option<String>, Query, description = "A day, or an instant (RFC 3339): referrals before"),
        ("scope" = Option<Extension>, Query, description = "`own` by default for whoever may read referrals, else `published`"),
        ("network" = Option<Uuid>, Query, description = "UUID of the network, with `network`"),
    ),
    responses((status = 200, description = "The figures, by ascending key; the row without a key last", content(
        (ReferralFigures = "application/json"), (String = "text/csv"),
    )))
)]
#[get("/v1/stats/referrals")]
async fn list_referral_figures(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let may_own = caller.may("list_referrals");
    if !fields.has("group_by") {
        let allowed = GroupBy::VARIANTS.iter().map(|one| <&str>::from(one).to_owned()).collect();
        fields.report_with(Kind::InvalidValue, "group_by", "Ce que les chiffres distinguent est attendu.", allowed);
    }
    let group_by: Option<GroupBy> = fields.code("group_by");
    let asked: Option<Extension> = fields.code("scope");
    let network = fields.uuid("network");
    if fields.is_sound() && network.is_some() != (asked == Some(Extension::Network)) {
        fields.report(Kind::InvalidValue, "network", "Un réseau va avec « scope=network », et avec lui seul.");
    }
    let (from, to) = (bound(&fields, "from"), bound(&fields, "to"));
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        fields.report(Kind::InvalidValue, "to", "La fin de la période vient après son début.");
    }
    let network = match network.filter(|_| fields.is_sound()) {
        Some(id) => managed(&state, &caller, id, &fields).await?,
        None => None,
    };
    let group_by = fields.finish(group_by)?;
    let extension = asked.unwrap_or(if may_own.is_ok() { Extension::Own } else { Extension::Published });
    let figures = match extension {
        Extension::Own => {
            let agent = may_own?;
            own(&state, &agent.organisation, group_by, from, to).await?
        }
        Extension::Network => {
            let network = network.ok_or_else(|| Problem::not_found("Réseau"))?;
            state.published.get(&state, Whose::Network(network), group_by, from, to).await?
        }
        Extension::Published => state.published.get(&state, Whose::Everybody, group_by, from, to).await?,
    };
    if wants_csv(&request) {
        csv(&figures)
    } else {
        json(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).take(), &figures)
    }
}

/// A network that the caller manages; one that it can't see is no value for a parameter.
async fn managed(state: &State, caller: &Caller, id: Uuid, fields: &Fields) -> Result<Option<Uuid>, Problem> {
    let agent = caller.may("get_network")?;
    match see(state, &agent, &id.to_string()).await {
        Ok((scope, found)) => {
            scope.commit().await?;
            must_manage(&agent, &found)?;
            Ok(Some(id))
        }
        Err(problem) if problem.kind() == Kind::NotFound => {
            fields.report(Kind::InvalidValue, "network", "Ce réseau n'est pas des vôtres.");
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// A day begins at midnight UTC, as months do where only they are kept.
fn bound(fields: &Fields, name: &str) -> Option<DateTime<Utc>> {
    let instant = match fields.moment(name)? {
        Moment::Day(day) => day.and_hms_opt(0, 0, 0)?.and_utc(),
        Moment::Instant(instant) => instant,
    };
    // What PostgreSQL can hold, and nobody means anything beyond.
    if !(1..=9_999).contains(&instant.year()) {
        fields.report(Kind::InvalidValue, name, "Une année de 1 à 9999 est attendue.");
        return None;
    }
    Some(instant)
}

fn ever() -> (DateTime<Utc>, DateTime<Utc>) {
    (first_of(1970), first_of(9_999))
}

fn first_of(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().unwrap_or_default()
}

async fn own(
    state: &State,
    organisation: &str,
    group_by: GroupBy,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<ReferralFigures, Problem> {
    let Some(organisation) = state.organisations.find(organisation).await? else {
        let total = TotalFigures { referrals: Some(0), mediators: Some(0), refusals: Some(0), unmet_questions: Some(0) };
        return Ok(ReferralFigures { scope: Extension::Own, group_by, from, to, total, items: Vec::new() });
    };
    let extent = Extent { whose: Whose::Organisation(organisation), from: from.unwrap_or(ever().0), to: to.unwrap_or(ever().1) };
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    let told = Told::read(&mut scope, extent, group_by).await?;
    scope.commit().await?;
    let directory = state.snapshot.get();
    let items = told.rows.iter().map(|row| item(row, &told, group_by, &directory)).collect();
    let total = TotalFigures {
        referrals: Some(told.total.referrals),
        mediators: Some(told.total.mediators),
        refusals: Some(told.refusals),
        unmet_questions: Some(told.all_unmet),
    };
    Ok(ReferralFigures { scope: Extension::Own, group_by, from, to, total, items })
}

/// What was read of a period.
struct Told {
    rows: Vec<Figures>,
    total: Figures,
    refusals: i64,
    /// By key; `None` where questions don't tell it.
    unmet: Option<BTreeMap<Option<String>, i64>>,
    all_unmet: i64,
}

impl Told {
    async fn read(scope: &mut Scoped, extent: Extent, group_by: GroupBy) -> Result<Self, Problem> {
        let grouping = group_by.into();
        let all_unmet = figures::unmet(scope, extent, None).await?;
        Ok(Self {
            rows: figures::by(scope, extent, grouping).await?,
            total: figures::total(scope, extent).await?,
            refusals: figures::refused(scope, extent).await?,
            unmet: match extent.whose {
                Whose::Network(_) => None,
                _ => figures::unmet(scope, extent, Some(grouping)).await?.map(|rows| rows.into_iter().collect()),
            },
            all_unmet: all_unmet.into_iter().flatten().map(|(_, count)| count).sum(),
        })
    }
}

fn item(row: &Figures, told: &Told, group_by: GroupBy, directory: &Directory) -> KeyFigures {
    KeyFigures {
        label: label(group_by, row.key.as_deref(), directory),
        key: row.key.clone(),
        referrals: Some(row.referrals),
        mediators: Some(row.mediators),
        share_of_mediators_pct: pct(row.mediators, told.total.mediators),
        acknowledged_rate_pct: pct(row.acknowledged, row.referrals),
        accepted_rate_pct: pct(row.accepted, row.referrals),
        known_outcome_rate_pct: pct(row.known, row.referrals),
        resolved_rate_pct: pct(row.resolved, row.known),
        median_working_hours_to_acknowledge: row.median_h_to_acknowledge.map(tenths),
        median_working_hours_to_accept: row.median_h_to_accept.map(tenths),
        doors_per_need: ratio(row.doors, row.referrals),
        minutes_spent: Some(row.minutes),
        unmet_questions: told.unmet.as_ref().map(|unmet| unmet.get(&row.key).copied().unwrap_or_default()),
    }
}

/// Published figures, each told again for a moment: they are everybody's to ask for, and counting takes as long as there are referrals.
#[derive(Debug)]
pub struct PublishedFigures {
    told: moka::sync::Cache<(Whose, GroupBy, Option<i32>, Option<i32>), ReferralFigures>,
    /// One is counted at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Default for PublishedFigures {
    fn default() -> Self {
        let told = moka::sync::Cache::builder().max_capacity(1_000).time_to_live(TOLD_AGAIN_FOR).build();
        Self { told, turn: tokio::sync::Mutex::default() }
    }
}

impl PublishedFigures {
    async fn get(
        &self,
        state: &State,
        whose: Whose,
        group_by: GroupBy,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<ReferralFigures, Problem> {
        // `to` is the first instant after: of a year's first, the year before.
        let (first, last) = (from.map(|from| from.year()), to.map(|to| (to - chrono::Duration::microseconds(1)).year()));
        let key = (whose, group_by, first, last);
        if let Some(told) = self.told.get(&key) {
            return Ok(told);
        }
        let _turn = self.turn.lock().await;
        if let Some(told) = self.told.get(&key) {
            return Ok(told);
        }
        let told = published(state, whose, group_by, first, last).await?;
        self.told.insert(key, told.clone());
        Ok(told)
    }
}

/// Everybody's or a network's, by whole years, and only what may be told.
async fn published(state: &State, whose: Whose, group_by: GroupBy, from: Option<i32>, to: Option<i32>) -> Result<ReferralFigures, Problem> {
    let mut scope = scoped(&state.database, Scope::System).await?;
    let recorded = figures::years(&mut scope).await?;
    let this_year = Utc::now().year();
    let (first, last) = recorded.unwrap_or((this_year, this_year));
    let end = to.unwrap_or(last.max(from.unwrap_or(last))).min(last.max(this_year));
    let begin = from.unwrap_or(first.min(end)).max(end - MOST_YEARS + 1);
    let years = begin.max(first)..=end.min(last);
    let extent = Extent { whose, from: first_of(begin), to: first_of(end + 1) };
    let told = Told::read(&mut scope, extent, group_by).await?;
    let mut shown: Option<Shown> = None;
    for year in years {
        let extent = Extent { whose, from: first_of(year), to: first_of(year + 1) };
        let year = Shown::of(&mut scope, extent, group_by).await?;
        shown = Some(match shown {
            Some(before) => before.and(year),
            None => year,
        });
    }
    scope.commit().await?;
    let shown = shown.unwrap_or_default();
    let directory = state.snapshot.get();
    let rows = told.rows.iter().filter(|_| !shown.hides_table);
    let items = rows.map(|row| shown.censor(item(row, &told, group_by, &directory), row)).collect();
    let large = |count: i64| Some(count).filter(|count| !is_small(*count));
    let total = TotalFigures {
        referrals: Some(told.total.referrals).filter(|_| !shown.hides_table).and_then(large),
        mediators: Some(told.total.mediators).filter(|_| !shown.hides_table).and_then(large),
        refusals: large(told.refusals),
        // Of everybody who asked: a network's are not told apart.
        unmet_questions: large(told.all_unmet).filter(|_| whose == Whose::Everybody),
    };
    let scope = if whose == Whose::Everybody { Extension::Published } else { Extension::Network };
    Ok(ReferralFigures { scope, group_by, from: Some(extent.from), to: Some(extent.to), total, items })
}

fn is_small(count: i64) -> bool {
    u64::try_from(count).is_ok_and(|count| (1..SMALLEST).contains(&count))
}

/// What counts of referrals are told of a row, each protected by itself.
const MEASURES: [fn(&Figures) -> i64; 9] = [
    |row| row.referrals,
    |row| row.acknowledged,
    |row| row.referrals - row.acknowledged,
    |row| row.accepted,
    |row| row.referrals - row.accepted,
    |row| row.known,
    |row| row.referrals - row.known,
    |row| row.resolved,
    |row| row.known - row.resolved,
];
/// Doors past the first.
const DOORS: fn(&Figures) -> i64 = |row| row.doors - row.referrals;
const TIMED: fn(&Figures) -> i64 = |row| row.timed;
const MEDIATORS: fn(&Figures) -> i64 = |row| row.mediators;

/// What may be told of a period's rows.
#[derive(Debug, Default)]
struct Shown {
    /// By measure, the keys that may not be told: those of [`MEASURES`], then doors, minutes, mediators, unmet questions.
    hidden: Vec<BTreeSet<Option<String>>>,
    /// Not even how many rows there are may be told.
    hides_table: bool,
}

impl Shown {
    async fn of(scope: &mut Scoped, extent: Extent, group_by: GroupBy) -> Result<Self, Problem> {
        let nested = group_by.nested();
        let rest = Extent { whose: Whose::Everybody, ..extent };
        let is_part = extent.whose != Whose::Everybody;
        let (leaves, everybodys) = match nested {
            Some((nested, _)) => (
                figures::by_nested(scope, extent, nested).await?,
                if is_part { figures::by_nested(scope, rest, nested).await? } else { Vec::new() },
            ),
            None => (
                figures::by(scope, extent, group_by.into()).await?,
                if is_part { figures::by(scope, rest, group_by.into()).await? } else { Vec::new() },
            ),
        };
        let leaves = beside(leaves, everybodys);
        let depth = nested.map_or(0, |(_, depth)| depth);
        let is_nested = nested.is_some();
        let mut hidden = Vec::new();
        let mut hides_table = false;
        for measure in MEASURES.into_iter().chain([DOORS, TIMED]) {
            let (keys, is_whole_hidden) = protect(&leaves, is_nested, depth, measure);
            // Of the referrals themselves.
            hides_table |= hidden.is_empty() && is_whole_hidden;
            hidden.push(keys);
        }
        if group_by.is_manifold() {
            // What counts for several keys isn't added up: those who don't have a key are the total without it.
            let total = figures::total(scope, extent).await?.referrals;
            let nearly_all = leaves.iter().filter(|(row, _)| is_small(total - row.referrals)).map(|(row, _)| row.key.clone());
            hidden.iter_mut().take(1).for_each(|hidden| hidden.extend(nearly_all.clone()));
        }
        // Agents aren't added up: those of two keys may be the same. Protected as if they were, at the level that is told.
        let told = figures::by(scope, extent, group_by.into()).await?;
        let everybodys = if is_part { figures::by(scope, rest, group_by.into()).await? } else { Vec::new() };
        hidden.push(protect(&beside(told, everybodys), false, 0, MEDIATORS).0);
        let unmet = figures::unmet(scope, extent, Some(group_by.into())).await?.unwrap_or_default();
        let unmet: Vec<Figures> = unmet.into_iter().map(|(key, referrals)| Figures { key, referrals, ..Figures::default() }).collect();
        hidden.push(protect(&beside(unmet, Vec::new()), false, 0, MEASURES[0]).0);
        Ok(Self { hidden, hides_table })
    }

    /// What both may tell.
    fn and(self, other: Self) -> Self {
        let hidden = self.hidden.into_iter().zip(other.hidden).map(|(one, other)| one.union(&other).cloned().collect()).collect();
        Self { hidden, hides_table: self.hides_table || other.hides_table }
    }

    fn tells(&self, measure: usize, key: Option<&String>) -> bool {
        self.hidden.get(measure).is_none_or(|hidden| !hidden.contains(&key.cloned()))
    }

    fn censor(&self, item: KeyFigures, row: &Figures) -> KeyFigures {
        let key = row.key.as_ref();
        let tells = |measures: &[usize]| measures.iter().all(|measure| self.tells(*measure, key));
        let (row_told, many) = (tells(&[0]), |count: i64| !is_small(count) && count > 0);
        let mediators_told = row_told && tells(&[11]);
        KeyFigures {
            referrals: item.referrals.filter(|_| row_told),
            mediators: item.mediators.filter(|_| mediators_told),
            share_of_mediators_pct: item.share_of_mediators_pct.filter(|_| mediators_told),
            acknowledged_rate_pct: item.acknowledged_rate_pct.filter(|_| row_told && tells(&[1, 2])),
            accepted_rate_pct: item.accepted_rate_pct.filter(|_| row_told && tells(&[3, 4])),
            known_outcome_rate_pct: item.known_outcome_rate_pct.filter(|_| row_told && tells(&[5, 6])),
            resolved_rate_pct: item.resolved_rate_pct.filter(|_| row_told && tells(&[5, 6, 7, 8])),
            median_working_hours_to_acknowledge: item
                .median_working_hours_to_acknowledge
                .filter(|_| row_told && many(row.timed_acknowledged) && tells(&[1, 2])),
            median_working_hours_to_accept: item
                .median_working_hours_to_accept
                .filter(|_| row_told && many(row.timed_accepted) && tells(&[3, 4])),
            doors_per_need: item.doors_per_need.filter(|_| row_told && tells(&[9])),
            minutes_spent: item.minutes_spent.filter(|_| row_told && tells(&[10])),
            unmet_questions: item.unmet_questions.filter(|_| tells(&[12])),
            ..item
        }
    }
}

/// Each row with everybody's of the same key, where it is a part of theirs: what is left of those must not be small either. Rows that
/// are only theirs stand here too, empty.
fn beside(rows: Vec<Figures>, everybodys: Vec<Figures>) -> Vec<(Figures, Option<Figures>)> {
    let mut everybodys: BTreeMap<Option<String>, Figures> = everybodys.into_iter().map(|row| (row.key.clone(), row)).collect();
    let mut pairs: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let whole = everybodys.remove(&row.key);
            (row, whole)
        })
        .collect();
    pairs.extend(everybodys.into_iter().map(|(key, whole)| (Figures { key, ..Figures::default() }, Some(whole))));
    pairs
}

/// The keys of a measure that may not be told, at a depth of the tree that they make; and whether their sum may not be.
fn protect(
    rows: &[(Figures, Option<Figures>)],
    is_nested: bool,
    depth: usize,
    measure: fn(&Figures) -> i64,
) -> (BTreeSet<Option<String>>, bool) {
    let count = |row: &Figures| u64::try_from(measure(row)).unwrap_or_default();
    let rows = rows.iter().map(|(row, whole)| {
        let others = whole.as_ref().map_or(0, |whole| count(whole).saturating_sub(count(row)));
        (path(row.key.as_deref(), is_nested), Count { value: count(row), others })
    });
    let root = tree(Vec::new(), 0, rows.collect::<Vec<_>>());
    let root = root.publish();
    let is_hidden = root.value.is_none();
    let mut hidden = BTreeSet::new();
    note_hidden(&root, depth + 1, &mut hidden);
    (hidden, is_hidden)
}

/// The steps of a key, the coarsest first.
fn path(key: Option<&str>, is_nested: bool) -> Vec<Option<String>> {
    let step = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match key {
        Some(key) if is_nested => key.split(WITHIN).map(step).collect(),
        key => vec![key.and_then(step)],
    }
}

type Row = (Vec<Option<String>>, Count);

/// A count, and what everybody's has beside it.
#[derive(Debug, Clone, Copy)]
struct Count {
    value: u64,
    others: u64,
}

/// What lies under a row of keys, each a sum of what lies under it.
fn tree(above: Vec<Option<String>>, level: usize, rows: Vec<Row>) -> Cell<Vec<Option<String>>> {
    let mut groups: BTreeMap<Option<String>, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.0.get(level).cloned().flatten()).or_default().push(row);
    }
    let parts = groups.into_iter().map(|(step, rows)| {
        let mut keys = above.clone();
        keys.push(step);
        let is_leaf = rows.iter().all(|(path, _)| path.len() <= level + 1);
        if is_leaf {
            let sum = |of: fn(&Count) -> u64| rows.iter().map(|(_, count)| of(count)).sum();
            Cell::count(keys, sum(|count| count.value)).beside(sum(|count| count.others))
        } else {
            tree(keys, level + 1, rows)
        }
    });
    let parts = parts.collect();
    Cell::sum(above, parts)
}

/// The hidden ones at a level, by their own key. What has several places there (an intercommunality of two départements) is hidden where
/// one of them is.
fn note_hidden(cell: &Published<Vec<Option<String>>>, level: usize, hidden: &mut BTreeSet<Option<String>>) {
    if cell.key.len() == level && cell.value.is_none() {
        hidden.insert(cell.key.last().cloned().flatten());
    }
    for part in &cell.parts {
        note_hidden(part, level, hidden);
    }
}

impl GroupBy {
    /// Whether a referral counts for several keys.
    fn is_manifold(self) -> bool {
        matches!(self, Self::TargetKind | Self::HelpKind | Self::Constraint)
    }

    /// What keys it shares a table with, and how deep in it its own are.
    fn nested(self) -> Option<(Nested, usize)> {
        match self {
            Self::Departement => Some((Nested::Places, 0)),
            Self::Epci => Some((Nested::Places, 1)),
            Self::Commune => Some((Nested::Places, 2)),
            Self::Institution => Some((Nested::Procedures, 0)),
            Self::Procedure => Some((Nested::Procedures, 1)),
            Self::OriginKind => Some((Nested::Origins, 0)),
            Self::OriginStructure => Some((Nested::Origins, 1)),
            _ => None,
        }
    }
}

impl From<GroupBy> for Grouping {
    fn from(group_by: GroupBy) -> Self {
        match group_by {
            GroupBy::TargetKind => Self::TargetKind,
            GroupBy::Institution => Self::Institution,
            GroupBy::Procedure => Self::Procedure,
            GroupBy::Commune => Self::Commune,
            GroupBy::Epci => Self::Epci,
            GroupBy::Departement => Self::Departement,
            GroupBy::OriginKind => Self::OriginKind,
            GroupBy::OriginStructure => Self::OriginStructure,
            GroupBy::HelpKind => Self::HelpKind,
            GroupBy::Moment => Self::Moment,
            GroupBy::Constraint => Self::Constraint,
            GroupBy::Reason => Self::Reason,
            GroupBy::Repeat => Self::Repeat,
            GroupBy::Month => Self::Month,
        }
    }
}

/// What a key is called; where nothing better is known, itself.
fn label(group_by: GroupBy, key: Option<&str>, directory: &Directory) -> String {
    let Some(key) = key else { return "Non précisé".to_owned() };
    let named = match group_by {
        GroupBy::Institution => directory.catalogue.institution(key).map(|one| one.label.clone()),
        GroupBy::Procedure => directory.catalogue.procedure(key).map(|one| one.label.clone()),
        GroupBy::Commune => CommuneCode::parse(key).and_then(|code| directory.territory.resolve(&code)).map(|one| one.commune.name.clone()),
        GroupBy::Epci => directory.territory.area_name(AreaKind::Epci, key).map(str::to_owned),
        GroupBy::Departement => directory.territory.area_name(AreaKind::Departement, key).map(str::to_owned),
        GroupBy::OriginStructure => {
            Uuid::parse_str(key).ok().and_then(|id| directory.structure(id)).map(|entry| entry.structure.name.clone())
        }
        GroupBy::TargetKind | GroupBy::OriginKind => kind_label(key).map(str::to_owned),
        _ => None,
    };
    named.unwrap_or_else(|| key.to_owned())
}

fn kind_label(key: &str) -> Option<&'static str> {
    match key {
        "institution" => return Some("L'organisme compétent"),
        "hotline" => return Some("Ligne téléphonique"),
        _ => {}
    }
    Some(match key.parse().ok()? {
        StructureKind::FranceServices => "France services",
        StructureKind::CcasCias => "CCAS ou CIAS",
        StructureKind::PimmsMediation => "PIMMS",
        StructureKind::Mairie => "Mairie",
        StructureKind::Association => "Association",
        StructureKind::EspaceNumerique => "Espace numérique",
        StructureKind::Mediatheque => "Médiathèque",
        StructureKind::CentreSocial => "Centre social",
        StructureKind::MaisonDesSolidarites => "Maison des solidarités",
        StructureKind::PointJustice => "Point-justice",
        StructureKind::PointNumeriquePrefecture => "Point numérique en préfecture",
        StructureKind::MissionLocale => "Mission locale",
        StructureKind::PointConseilBudget => "Point conseil budget",
        StructureKind::InformationJeunesse => "Information jeunesse",
        StructureKind::EcrivainPublic => "Écrivain public",
        StructureKind::DelegueDefenseurDesDroits => "Délégué du Défenseur des droits",
        StructureKind::BureauDePoste => "Bureau de poste",
        StructureKind::Adil => "ADIL",
        StructureKind::Cidff => "CIDFF",
        StructureKind::Udaf => "UDAF",
        StructureKind::Spada => "SPADA",
        StructureKind::Siao => "SIAO",
        StructureKind::PoliceGendarmerie => "Police ou gendarmerie",
        StructureKind::EtablissementScolaire => "Établissement scolaire",
        StructureKind::Guichet => "Guichet d'un organisme",
        StructureKind::Autre => "Autre",
    })
}

fn exact(count: i64) -> f64 {
    // More than 2^31 referrals would only lose their last digits.
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

/// Per cent, one decimal; `None` of nothing.
fn pct(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| tenths(exact(part) * 100.0 / exact(whole)))
}

fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (exact(part) / exact(whole) * 100.0).round() / 100.0)
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn wants_csv(request: &HttpRequest) -> bool {
    let accepts = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    // The first of the two that is named.
    let named = accepts.flat_map(|value| value.split(',')).find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
        "text/csv" | "text/*" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    });
    named.unwrap_or_default()
}

/// A line per key, with the names of the columns first. The totals are not in it: they would be taken for a key.
fn csv(figures: &ReferralFigures) -> Result<HttpResponse, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: String| {
        tracing::error!(error, "figures could not be written");
        Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")
    };
    for item in &figures.items {
        let line = KeyFigures { label: plain_cell(&item.label), ..item.clone() };
        writer.serialize(line).map_err(|error| failed(error.to_string()))?;
    }
    let body = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/csv; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"reorientations.csv\""));
    Ok(response.body(body))
}

/// A name out of the directory that a spreadsheet would take for a formula is shown as text.
fn plain_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
