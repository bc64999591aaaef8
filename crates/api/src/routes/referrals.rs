//! `/v1/referrals`: this person was sent there, for this procedure; and what became of it.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, get, post, web};
use aiguilleur_directory::Directory;
use aiguilleur_domain::follow_up::FOLLOW_UP_AFTER_DAYS;
use aiguilleur_domain::privacy::{Identifier, find_identifier, kept_instant, month_of};
use aiguilleur_domain::procedure::Hotline;
use aiguilleur_domain::referral::{
    Actor, BACKDATE_DAYS, Constraint, HandoffStatus, Mode, Moment, Outcome, Reason, Repeat, ReportedBy, Setting, TargetType,
};
use aiguilleur_domain::structure::HelpKind;
use aiguilleur_storage::handoffs::Target;
use aiguilleur_storage::referrals::{self, Author, Entry, Event, Filter, Handoff, Held, Key, OutcomeReport, Recorded, Referral};
use aiguilleur_storage::{Scope, Scoped, scoped};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing_actix_web::RequestId;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::communes::commune;
use super::structures::check_procedure;
use super::{Page, limit, not_found, wanted};
use crate::auth::{Agent, Caller};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, json, segment};
use crate::spec;

/// Referrals taken in one batch.
const MAX_BATCH: usize = 100;
/// Reports kept of one referral.
const MAX_OUTCOMES: usize = 100;
const MAX_NOTE: usize = 1_000;
const MAX_PERSON_REF: usize = 64;
const MAX_KEY: usize = 200;
/// How far ahead of ours a caller's clock may be.
const CLOCK_SKEW_MINUTES: i64 = 5;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create_referrals_batch).service(create_referral).service(list_referrals).service(report_outcome);
    // « batch » is nobody's id: its other methods are refused before an id is looked for.
    config.route("/v1/referrals/batch", web::route().to(not_found)).service(get_referral);
}

/// What a mediator says of a referral. Nothing in it tells who the person is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewReferral {
    /// Slug of the procedure.
    #[schema(min_length = 1, example = "rsa")]
    procedure: String,
    /// INSEE code of the commune of residence.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238")]
    commune: String,
    target: NewTarget,
    mode: Mode,
    /// That of the answer it follows.
    #[schema(example = json!(null))]
    orientation_id: Option<Uuid>,
    /// Rank of the option chosen.
    #[schema(minimum = 1, maximum = 100, example = 1)]
    rank: Option<u32>,
    moment: Option<Moment>,
    /// Why the person is redirected.
    #[schema(example = json!(null))]
    reason: Option<Reason>,
    #[schema(max_items = 50)]
    help_kinds: Option<Vec<HelpKind>>,
    setting: Option<Setting>,
    repeat: Option<Repeat>,
    #[schema(max_items = 50)]
    constraints: Option<Vec<Constraint>>,
    #[schema(minimum = 0, maximum = 1440, example = 15)]
    minutes_spent: Option<u32>,
    /// Opaque reference of the caller's own tool.
    #[schema(min_length = 1, max_length = 64, example = json!(null))]
    person_ref: Option<String>,
    /// Free text; kept only where the installation keeps notes.
    #[schema(min_length = 1, max_length = 1000, example = json!(null))]
    note: Option<String>,
    /// The structure where the mediator works.
    #[schema(example = json!(null))]
    made_at_structure: Option<Uuid>,
    /// At most 7 days back; now by default.
    #[schema(example = json!(null))]
    occurred_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
pub(super) struct NewTarget {
    r#type: TargetType,
    /// UUID of a structure, slug of an institution, digits of a hotline.
    #[schema(min_length = 1, max_length = 100, example = "caf")]
    id: String,
}

/// At most 100 referrals, for entry at the end of the day: as a list in an object, or the list alone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documents the body")]
enum NewReferrals {
    InAnObject(ReferralList),
    Alone(Vec<NewReferral>),
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct ReferralList {
    #[schema(max_items = 100)]
    items: Vec<NewReferral>,
}

/// What somebody tells of the need.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewOutcome {
    outcome: Outcome,
    #[schema(example = json!(null))]
    reason: Option<Reason>,
    /// With the reason `other`: at most 280 characters.
    #[schema(min_length = 1, max_length = 280, example = json!(null))]
    note: Option<String>,
}

/// A referral on record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ReferralItem {
    id: Uuid,
    /// The baton on the person's slip: ten characters, to be read aloud or copied by hand.
    #[schema(example = "7Q4M2XK9D3")]
    code: String,
    /// While an institution's referent is asked (`unblock`): to be pasted into the institution's own secure channel (Administration+,
    /// secure mail), where it identifies the person; null otherwise. It identifies nobody.
    #[schema(example = json!(null))]
    unblock: Option<String>,
    procedure: String,
    /// Null when the procedure is sensitive.
    commune: Option<String>,
    departement: String,
    mode: Mode,
    /// That of the newest open handoff, else of the newest.
    status: HandoffStatus,
    orientation_id: Option<Uuid>,
    rank: Option<i16>,
    moment: Option<Moment>,
    reason: Option<Reason>,
    help_kinds: Vec<HelpKind>,
    setting: Option<Setting>,
    repeat: Option<Repeat>,
    constraints: Vec<Constraint>,
    minutes_spent: Option<i16>,
    person_ref: Option<String>,
    note: Option<String>,
    made_at_structure: Option<Uuid>,
    /// The month's first instant when the procedure is sensitive.
    occurred_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    /// When to ask what became of it, or when it was last asked; null once somebody told, and when the procedure is sensitive.
    follow_up_due_at: Option<DateTime<Utc>>,
    /// How often it was asked what became of the need: twice at most.
    follow_ups: i16,
    handoffs: Vec<HandoffItem>,
    /// Every report, the oldest first; disagreeing ones are all kept.
    outcomes: Vec<OutcomeItem>,
    /// Some report told that the need was resolved, in part or not at all.
    closed: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct HandoffItem {
    id: Uuid,
    previous_id: Option<Uuid>,
    target: HandoffTarget,
    mode: Mode,
    status: HandoffStatus,
    /// When a place is expected, of one that waits.
    expected_on: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    /// Reminders to the target that have come due, after 3 and 10 business days without an answer.
    reminders: i16,
    /// Every change of its state, the oldest first.
    events: Vec<EventItem>,
}

/// A change of a handoff's state.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct EventItem {
    /// The month's first instant when the procedure is sensitive.
    at: DateTime<Utc>,
    actor: Actor,
    /// The mediator wrote down what the actor told.
    relayed: bool,
    /// Null at its birth.
    from: Option<HandoffStatus>,
    to: HandoffStatus,
    reason: Option<Reason>,
    note: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct HandoffTarget {
    pub(super) r#type: TargetType,
    pub(super) id: String,
    /// A structure's kind, `institution` or `hotline`.
    pub(super) kind: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OutcomeItem {
    id: Uuid,
    outcome: Outcome,
    reported_by: ReportedBy,
    reason: Option<Reason>,
    note: Option<String>,
    reported_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BatchAnswer {
    items: Vec<BatchItem>,
}

/// What became of one referral of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BatchItem {
    index: usize,
    /// 201, or the status of the problem.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    referral: Option<ReferralItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemDocument>,
}

/// Records a referral. It is on record once this answers 201.
///
/// Nothing in it may tell who the person is: what looks like an identifier of somebody is refused.
#[utoipa::path(
    operation_id = "create_referral",
    tag = "Réorientations",
    request_body = NewReferral,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "The same key and body get the first answer again, for 30 days")),
    responses(
        (status = 201, description = "On record", body = ReferralItem, headers(
            ("Location" = String, description = "Where it can be read"),
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Clé d'idempotence déjà utilisée", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals")]
async fn create_referral(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_referral")?;
    let key = idempotency_key(&request)?;
    let key = key.map(|key| (key, digest("referral", &kept_of(&state.snapshot.get(), &body))));
    let referral = record(&state, &agent, body, key).await?;
    let mut response = HttpResponse::Created();
    response.insert_header(("Location", format!("/v1/referrals/{}", referral.id)));
    response.insert_header(("ETag", etag(&referral)));
    json(response, &show(referral))
}

/// Records up to 100 referrals, each on its own: one that is refused doesn't hold the others back.
///
/// The answer is 200 whatever became of each: read `items[].status`.
#[utoipa::path(
    operation_id = "create_referrals_batch",
    tag = "Réorientations",
    request_body = NewReferrals,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "Counts for every item, with its index")),
    responses(
        (status = 200, description = "What became of each", body = BatchAnswer),
        (status = 409, description = "Clé d'idempotence déjà utilisée", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals/batch")]
async fn create_referrals_batch(
    request: HttpRequest,
    state: State,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_referrals_batch")?;
    let key = idempotency_key(&request)?;
    let items = match body {
        Value::Array(items) => items,
        Value::Object(mut object) if object.len() == 1 => match object.remove("items") {
            Some(Value::Array(items)) => items,
            _ => return Err(no_items()),
        },
        _ => return Err(no_items()),
    };
    if items.len() > MAX_BATCH {
        return Err(Problem::new(Kind::InvalidValue, format!("Un envoi groupé compte {MAX_BATCH} réorientations au plus.")));
    }
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    // Every item's key carries the whole batch: the same key with another batch is refused before any of it is recorded.
    let kept: Vec<Value> = items.iter().map(|item| kept_of(&state.snapshot.get(), item)).collect();
    let batch_digest = digest("batch", &Value::Array(kept));
    if let Some(key) = &key {
        let organisation = state.organisations.ensure(&agent.organisation).await?;
        let author = Author { organisation, subject: &agent.subject };
        let keys: Vec<String> = (0..MAX_BATCH).map(|index| item_key(key, index)).collect();
        let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
        let reused = referrals::any_key_reused(&mut scope, author, &keys, &batch_digest).await?;
        scope.commit().await?;
        if reused {
            return Err(key_reused());
        }
    }
    // All at once, and so in few transactions.
    let recording = items.into_iter().enumerate().map(|(index, item)| {
        let key = key.as_ref().map(|key| (item_key(key, index), batch_digest.clone()));
        record(&state, &agent, item, key)
    });
    let mut answer = BatchAnswer { items: Vec::new() };
    for (index, recorded) in join_all(recording).await.into_iter().enumerate() {
        answer.items.push(match recorded {
            Ok(referral) => BatchItem { index, status: 201, referral: Some(show(referral)), problem: None },
            Err(problem) if problem.kind() == Kind::IdempotencyKeyReused => return Err(problem),
            Err(problem) => BatchItem {
                index,
                status: problem.kind().status().as_u16(),
                referral: None,
                problem: Some(problem.document(request.path(), &request_id)),
            },
        });
    }
    json(HttpResponse::Ok(), &answer)
}

/// A header can't hold a line break: no single request's key is ever the same.
fn item_key(key: &str, index: usize) -> String {
    format!("{key}\n{index}")
}

fn no_items() -> Problem {
    Problem::new(Kind::MalformedRequest, "Un objet « {\"items\": […]} » est attendu.")
}

/// The referrals of the caller's organisation, the newest first.
///
/// Another organisation's are never listed.
#[utoipa::path(
    operation_id = "list_referrals",
    tag = "Réorientations",
    params(
        ("status" = Option<HandoffStatus>, Query, description = "Status of the referral"),
        ("outcome" = Option<Outcome>, Query, description = "Some report told this outcome"),
        ("procedure" = Option<String>, Query, min_length = 1, description = "Slug"),
        ("mode" = Option<Mode>, Query, description = "How the target is involved"),
        ("due_before" = Option<DateTime<Utc>>, Query, description = "RFC 3339: follow-up due before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 2, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,15}-[0-9a-f]{32}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of referrals", body = inline(Page<ReferralItem>)))
)]
#[get("/v1/referrals")]
async fn list_referrals(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_referrals")?;
    let limit = limit(&fields);
    let procedure = fields.text("procedure", 100).map(str::to_owned);
    if let Some(slug) = &procedure {
        check_procedure(&fields, "procedure", &state.snapshot.get(), slug);
    }
    let after = fields.text("cursor", 100).map_or(Some(None), |cursor| {
        let position = read_cursor(cursor);
        if position.is_none() {
            fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
        }
        position.map(Some)
    });
    let filter = Filter {
        organisation: None,
        status: fields.code("status"),
        outcome: fields.code("outcome"),
        due_before: fields.instant("due_before"),
        mode: fields.code("mode"),
        procedure,
        to_follow: None,
        after: None,
    };
    let after = fields.finish(after)?;
    let filter = Filter { after, ..filter };
    let Some(organisation) = state.organisations.find(&agent.organisation).await? else {
        return json(HttpResponse::Ok(), &Page::<ReferralItem> { items: Vec::new(), next_cursor: None });
    };
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    let found = referrals::list(&mut scope, &Filter { organisation: Some(organisation), ..filter }, wanted(limit)).await?;
    scope.commit().await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &Page::cut(found, limit, cursor_of, show))
}

/// One referral of the caller's organisation; another's is not found.
///
/// With its handoffs and every report of what became of it.
#[utoipa::path(
    operation_id = "get_referral",
    tag = "Réorientations",
    params(("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral")),
    responses((status = 200, description = "The referral", body = ReferralItem, headers(("ETag" = String, description = "Its version"))))
)]
#[get("/v1/referrals/{id}")]
async fn get_referral(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_referral")?;
    let referral = find(&state, &agent, segment(&request, "id")).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("ETag", etag(&referral)));
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &show(referral))
}

/// Appends what became of the need. Reports are never replaced.
///
/// Reports that disagree are all kept, each with who told it.
#[utoipa::path(
    operation_id = "report_outcome",
    tag = "Réorientations",
    params(
        ("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "The same key and body are reported once"),
    ),
    request_body = NewOutcome,
    responses(
        (status = 201, description = "On record: the referral with every report", body = ReferralItem, headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "Clé d'idempotence déjà utilisée", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals/{id}/outcomes")]
async fn report_outcome(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("report_outcome")?;
    let id = segment(&request, "id");
    let request_digest = digest(&format!("outcome {id}"), &body);
    let key = idempotency_key(&request)?;
    let fields = Fields::from_json(body, &spec::body_fields("NewOutcome"))?;
    let reason = super::handoffs::reason(&fields);
    let note = free_text(&fields, "note", 280);
    if note.is_some() && reason != Some(Reason::Other) {
        fields.report(Kind::InvalidValue, "note", "Un texte ne va qu'avec la raison « other ».");
    }
    let outcome: Option<Outcome> = required_code(&fields, "outcome");
    let outcome = fields.finish(outcome)?;

    let (mut scope, mut held) = hold(&state, &agent, id).await?;
    if let Some(key) = key {
        let key = Key { key, request_digest, kept_until: kept_until(held.referral.sensitive) };
        let author = Author { organisation: held.organisation, subject: &agent.subject };
        if !is_first(&referrals::remember(&mut scope, author, &key, held.referral.id).await?)? {
            return created(&held.referral);
        }
    }
    report(&mut scope, &mut held, outcome, ReportedBy::Mediator, reason, note).await?;
    scope.commit().await?;
    created(&held.referral)
}

/// Appends a report of what became of the need.
pub(crate) async fn report(
    scope: &mut Scoped,
    held: &mut Held,
    outcome: Outcome,
    reported_by: ReportedBy,
    reason: Option<Reason>,
    note: Option<String>,
) -> Result<(), Problem> {
    if held.referral.outcomes.len() >= MAX_OUTCOMES {
        return Err(Problem::new(Kind::InvalidValue, format!("Une réorientation garde {MAX_OUTCOMES} comptes rendus au plus.")));
    }
    let reported_at = kept_instant(held.referral.sensitive, Utc::now());
    // Of what is sensitive no text is kept.
    let note = note.filter(|_| !held.referral.sensitive);
    let report = OutcomeReport { id: Uuid::new_v4(), outcome, reported_by, reason, note, reported_at };
    metrics::counter!("outcomes_reported_total", "by" => <&str>::from(reported_by)).increment(1);
    Ok(referrals::report_outcome(scope, held, report).await?)
}

/// Whether what a key came with is to be done; not when it was done before.
///
/// # Errors
/// 409 when it was used for something else.
pub(super) fn is_first(recorded: &Recorded) -> Result<bool, Problem> {
    match recorded {
        Recorded::Created => Ok(true),
        Recorded::Known(_) => Ok(false),
        Recorded::KeyReused => Err(key_reused()),
    }
}

/// 201, with the referral as it is now.
pub(super) fn created(referral: &Referral) -> Result<HttpResponse, Problem> {
    tagged(HttpResponse::Created(), referral)
}

/// The referral, with its version.
pub(super) fn tagged(mut response: HttpResponseBuilder, referral: &Referral) -> Result<HttpResponse, Problem> {
    response.insert_header(("ETag", etag(referral)));
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &show(referral.clone()))
}

/// A referral of the caller's organisation that nobody else changes until the transaction ends; another's is not found.
pub(super) async fn hold(state: &State, agent: &Agent, id: &str) -> Result<(Scoped, Held), Problem> {
    let not_found = || Problem::not_found("Réorientation");
    let id = Uuid::parse_str(id).map_err(|_| not_found())?;
    let organisation = state.organisations.find(&agent.organisation).await?.ok_or_else(not_found)?;
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    let held = referrals::hold(&mut scope, id).await?.ok_or_else(not_found)?;
    Ok((scope, held))
}

/// From a body to a row on record.
async fn record(state: &State, agent: &Agent, body: Value, key: Option<(String, String)>) -> Result<Referral, Problem> {
    let directory = state.snapshot.get();
    let fields = Fields::from_json(body, &spec::body_fields("NewReferral"))?;
    let parsed = parse(&fields, &directory, state.notes, Utc::now());
    let new = fields.finish(parsed)?;
    drop(directory);
    let key = key.map(|(key, request_digest)| Key { key, request_digest, kept_until: kept_until(new.sensitive) });
    let organisation = state.organisations.ensure(&agent.organisation).await?;
    let entry = Entry { organisation, subject: agent.subject.clone(), referral: new.clone(), key };
    match state.recorder.record(entry).await? {
        Recorded::Created => {
            metrics::counter!("referrals_recorded_total").increment(1);
            Ok(new)
        }
        Recorded::Known(id) => {
            let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
            let known = referrals::find(&mut scope, id).await?.ok_or_else(|| Problem::not_found("Réorientation"))?;
            scope.commit().await?;
            Ok(known)
        }
        Recorded::KeyReused => Err(key_reused()),
    }
}

fn key_reused() -> Problem {
    Problem::new(Kind::IdempotencyKeyReused, "Cette clé a déjà servi pour une autre requête : rien n'a été enregistré.")
}

pub(super) async fn find(state: &State, agent: &Agent, id: &str) -> Result<Referral, Problem> {
    let not_found = || Problem::not_found("Réorientation");
    let id = Uuid::parse_str(id).map_err(|_| not_found())?;
    let organisation = state.organisations.find(&agent.organisation).await?.ok_or_else(not_found)?;
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    let found = referrals::find(&mut scope, id).await?;
    scope.commit().await?;
    found.ok_or_else(not_found)
}

/// The referral behind the fields; everything wrong is noted in them. What privacy forbids is not taken over.
fn parse(fields: &Fields, directory: &Directory, keeps_notes: bool, now: DateTime<Utc>) -> Option<Referral> {
    let slug = required_text(fields, "procedure", 100);
    if let Some(slug) = slug {
        check_procedure(fields, "procedure", directory, slug);
    }
    let procedure = slug.and_then(|slug| directory.catalogue.procedure(slug));
    if !fields.has("commune") {
        fields.report(Kind::InvalidValue, "commune", "La commune de résidence est attendue (code INSEE).");
    }
    let residence = commune(fields, "commune", &directory.territory).map(|resolved| resolved.commune);
    let target = target(fields, directory, "target");
    let mode: Option<Mode> = required_code(fields, "mode");
    let occurred_at = if fields.has("occurred_at") { occurred_at(fields, now) } else { Some(now) };
    let made_at = fields.uuid("made_at_structure");
    if made_at.is_some_and(|id| directory.structure(id).is_none()) {
        fields.report(Kind::InvalidValue, "made_at_structure", "Ce lieu n'existe pas dans l'annuaire.");
    }
    // Of what is sensitive no text is kept, whatever the installation keeps.
    let is_sensitive = procedure.is_some_and(|procedure| procedure.sensitive);
    let note = free_text(fields, "note", MAX_NOTE).filter(|_| keeps_notes && !is_sensitive);
    let person_ref = free_text(fields, "person_ref", MAX_PERSON_REF);
    let small = |name, most: u32| fields.integer(name, u32::from(name == "rank")..=most).and_then(|number| i16::try_from(number).ok());
    let (orientation_rank, minutes_spent) = (small("rank", 100), small("minutes_spent", 1_440));
    let orientation_id = fields.uuid("orientation_id");
    let (moment, reason, setting, repeat) =
        (fields.code("moment"), super::handoffs::reason(fields), fields.code("setting"), fields.code("repeat"));
    let (help_kinds, constraints) = (fields.codes("help_kinds"), fields.codes("constraints"));

    let (procedure, residence, target, mode) = (procedure?, residence?, target?, mode?);
    // For a sensitive procedure, the département and the month.
    let (sensitive, keeps_all) = (procedure.sensitive, !procedure.sensitive);
    let created_at = kept_instant(sensitive, now);
    let occurred_at = kept_instant(sensitive, occurred_at?);
    let handoff = Handoff::born(target, mode, mode.first_status(), Actor::Mediator, created_at);
    Some(Referral {
        id: Uuid::new_v4(),
        code: referrals::new_code().to_string(),
        procedure: procedure.slug.clone(),
        sensitive,
        commune: keeps_all.then(|| residence.code.to_string()),
        epci: residence.epci.clone().filter(|_| keeps_all),
        departement: residence.departement.clone(),
        mode,
        status: handoff.status,
        orientation_id: orientation_id.filter(|_| keeps_all),
        orientation_rank,
        moment,
        reason,
        help_kinds,
        setting,
        repeat,
        constraints,
        minutes_spent,
        person_ref,
        note,
        made_at_structure: made_at.filter(|_| keeps_all),
        occurred_at,
        created_at,
        follow_up_due_at: keeps_all.then(|| created_at + Duration::days(FOLLOW_UP_AFTER_DAYS)),
        follow_ups: 0,
        closed_at: None,
        version: 1,
        handoffs: vec![handoff],
        outcomes: Vec::new(),
    })
}

/// Type, id and kind of a target that exists; apt or not, open or closed: a referral records what was done.
pub(super) fn target(fields: &Fields, directory: &Directory, name: &str) -> Option<Target> {
    let (type_name, id_name) = (format!("{name}/type"), format!("{name}/id"));
    let r#type: TargetType = required_code(fields, &type_name)?;
    let id = required_text(fields, &id_name, 100)?;
    let known = find_target(directory, r#type, id);
    if known.is_none() {
        fields.report(Kind::InvalidValue, &id_name, "Aucune cible de ce type ne porte cet identifiant.");
    }
    known
}

/// The target of a type and an id, if there is one.
pub(crate) fn find_target(directory: &Directory, r#type: TargetType, id: &str) -> Option<Target> {
    let (id, kind) = match r#type {
        TargetType::Structure => {
            let entry = Uuid::parse_str(id).ok().and_then(|id| directory.structure(id));
            entry.map(|entry| (entry.structure.id.to_string(), <&str>::from(entry.structure.kind)))
        }
        TargetType::Institution => directory.catalogue.institution(id).map(|institution| (institution.slug.clone(), "institution")),
        TargetType::Hotline => {
            let digits: String = id.chars().filter(char::is_ascii_digit).collect();
            let lines = directory.catalogue.procedures().iter().filter_map(|it| Hotline::parse(it.hotline.as_deref()?, ""));
            lines.map(|line| line.phone).find(|phone| *phone == digits).map(|phone| (phone, "hotline"))
        }
    }?;
    Some(Target { r#type, id, kind: kind.to_owned() })
}

fn occurred_at(fields: &Fields, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let instant = fields.instant("occurred_at")?;
    if instant > now + Duration::minutes(CLOCK_SKEW_MINUTES) || instant < now - Duration::days(BACKDATE_DAYS) {
        fields.report(Kind::InvalidValue, "occurred_at", format!("Un instant passé de {BACKDATE_DAYS} jours au plus est attendu."));
        return None;
    }
    Some(instant.min(now))
}

pub(crate) fn named(identifier: Identifier) -> &'static str {
    match identifier {
        Identifier::SocialSecurityNumber => "un numéro de sécurité sociale",
        Identifier::TaxNumber => "un numéro fiscal",
        Identifier::CafNumber => "un numéro d'allocataire CAF",
        Identifier::Email => "une adresse électronique",
        Identifier::Telephone => "un numéro de téléphone",
    }
}

/// A text of somebody's own, refused when it carries an identifier of the person.
pub(crate) fn free_text(fields: &Fields, name: &str, longest: usize) -> Option<String> {
    let text = fields.text(name, longest)?;
    let found = match find_identifier(text) {
        None => return Some(text.to_owned()),
        Some(identifier) => named(identifier),
    };
    fields.report(
        Kind::InvalidValue,
        name,
        format!("Ce texte semble contenir {found} : retirez-le, le service ne garde rien qui désigne la personne."),
    );
    None
}

pub(super) fn required_text<'f>(fields: &'f Fields, name: &str, longest: usize) -> Option<&'f str> {
    if !fields.has(name) {
        fields.report(Kind::InvalidValue, name, "Ce champ est attendu.");
    }
    fields.text(name, longest)
}

pub(super) fn required_code<T>(fields: &Fields, name: &str) -> Option<T>
where
    T: std::str::FromStr + strum::VariantArray + Copy + Into<&'static str>,
{
    if !fields.has(name) {
        let allowed = aiguilleur_domain::code::all::<T>().into_iter().map(str::to_owned).collect();
        fields.report_with(Kind::InvalidValue, name, "Ce champ est attendu.", allowed);
    }
    fields.code(name)
}

pub(super) fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| Problem::new(Kind::MalformedRequest, format!("« Idempotency-Key » est un texte ASCII de 1 à {MAX_KEY} caractères.")))
}

/// What may be remembered of a request, to know it again: of a sensitive one, nothing that tells where or when. A digest of a
/// commune is no secret: there are 35,000 to try.
fn kept_of(directory: &Directory, body: &Value) -> Value {
    const NOT_KEPT: [&str; 5] = ["commune", "orientation_id", "occurred_at", "made_at_structure", "note"];
    let mut kept = body.clone();
    let procedure = body.get("procedure").and_then(Value::as_str).and_then(|slug| directory.catalogue.procedure(slug));
    if let Some(fields) = kept.as_object_mut().filter(|_| procedure.is_some_and(|procedure| procedure.sensitive)) {
        fields.retain(|name, _| !NOT_KEPT.contains(&name.as_str()));
    }
    kept
}

/// The last day of a key; of a sensitive request, the first of the month after next, which tells the month only.
pub(super) fn kept_until(sensitive: bool) -> NaiveDate {
    let now = Utc::now();
    if sensitive {
        month_of(now).date_naive() + chrono::Months::new(2)
    } else {
        (now + Duration::days(referrals::KEY_KEPT_DAYS)).date_naive()
    }
}

/// The same for the same request, whatever the order of its keys.
pub(super) fn digest(what: &str, body: &Value) -> String {
    format!("{:x}", Sha256::digest(format!("{what} {body}")))
}

/// Where a page ends.
pub(super) fn cursor_of(last: &Referral) -> String {
    format!("{}-{}", last.created_at.timestamp_micros(), last.id.simple())
}

pub(super) fn read_cursor(cursor: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let (micros, id) = cursor.split_once('-')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, Uuid::parse_str(id).ok()?))
}

fn show_handoff(handoff: Handoff) -> HandoffItem {
    HandoffItem {
        id: handoff.id,
        previous_id: handoff.previous_id,
        target: HandoffTarget { r#type: handoff.target_type, id: handoff.target_id, kind: handoff.target_kind },
        mode: handoff.mode,
        status: handoff.status,
        expected_on: handoff.expected_on,
        created_at: handoff.created_at,
        reminders: handoff.reminders,
        events: handoff.events.into_iter().map(show_event).collect(),
    }
}

pub(super) fn show_event(event: Event) -> EventItem {
    EventItem {
        at: event.at,
        actor: event.actor,
        relayed: event.relayed,
        from: event.from,
        to: event.to,
        reason: event.reason,
        note: event.note,
    }
}

/// A referral's tag is its version, which reports of outcomes don't raise.
pub(super) fn etag(referral: &Referral) -> String {
    format!("W/\"{}\"", referral.version)
}

/// What goes into an institution's own secure channel: the code, by which its answer is followed, and nothing that identifies anybody.
fn to_paste(code: &str) -> String {
    format!(
        "Référence Aiguilleur : {code}. Merci de la rappeler dans votre réponse. Elle n'identifie personne et ne vaut ni mandat ni \
         consentement : vérifiez l'identité de la personne dans ce canal, et nulle part ailleurs."
    )
}

pub(super) fn show(referral: Referral) -> ReferralItem {
    let is_asked = referral.handoffs.iter().any(|one| one.mode == Mode::Unblock && one.status.is_open());
    ReferralItem {
        unblock: is_asked.then(|| to_paste(&referral.code)),
        closed: referral.outcomes.iter().any(|report| report.outcome.closes_the_loop()),
        id: referral.id,
        code: referral.code,
        procedure: referral.procedure,
        commune: referral.commune,
        departement: referral.departement,
        mode: referral.mode,
        status: referral.status,
        orientation_id: referral.orientation_id,
        rank: referral.orientation_rank,
        moment: referral.moment,
        reason: referral.reason,
        help_kinds: referral.help_kinds,
        setting: referral.setting,
        repeat: referral.repeat,
        constraints: referral.constraints,
        minutes_spent: referral.minutes_spent,
        person_ref: referral.person_ref,
        note: referral.note,
        made_at_structure: referral.made_at_structure,
        occurred_at: referral.occurred_at,
        created_at: referral.created_at,
        follow_up_due_at: referral.follow_up_due_at,
        follow_ups: referral.follow_ups,
        handoffs: referral.handoffs.into_iter().map(show_handoff).collect(),
        outcomes: referral
            .outcomes
            .into_iter()
            .map(|report| OutcomeItem {
                id: report.id,
                outcome: report.outcome,
                reported_by: report.reported_by,
                reason: report.reason,
                note: report.note,
                reported_at: report.reported_at,
            })
            .collect(),
    }
}
