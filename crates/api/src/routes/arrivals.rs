//! The code on paper as a baton: `/v1/arrivals` and `/v1/outcomes`, at any counter; and the referrals that people refuse.

use actix_web::{HttpRequest, HttpResponse, post, web};
use aiguilleur_directory::Directory;
use aiguilleur_domain::privacy::{kept_instant, month_of};
use aiguilleur_domain::referral::{Actor, HandoffStatus, Mode, Outcome, Reason, ReportedBy, TargetType};
use aiguilleur_storage::handoffs::{self, Changed, Target, Voice, Wish};
use aiguilleur_storage::referrals::{self, Author, Handoff, Held, Key};
use aiguilleur_storage::{Scope, Scoped, refusals, scoped};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::communes::commune;
use super::handoffs::{MAX_WORDS, reason, refusal};
use super::referrals::{
    HandoffTarget, NewTarget, digest, free_text, idempotency_key, is_first, kept_until, report, required_code, required_text, target,
};
use super::structures::check_procedure;
use super::{Named, not_found};
use crate::auth::{Agent, Caller};
use crate::codes::{self, guesser};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, State, json};
use crate::spec;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(report_arrival).service(report_outcome_by_code).service(report_refusal);
    // « refusals » is nobody's id, no more than « batch ».
    config.route("/v1/referrals/refusals", web::route().to(not_found));
}

/// Somebody arrived with the code.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewArrival {
    /// As it is written on the slip: case, spaces and dashes don't matter.
    #[schema(min_length = 1, max_length = 40, example = "7Q4M2-XK9D3")]
    code: String,
    /// Where they arrived.
    at: NewTarget,
    /// Where they are sent on from there, if they are.
    onward: Option<NewTarget>,
    /// Why they are.
    #[schema(example = json!(null))]
    reason: Option<Reason>,
}

/// What the bearer of the code says became of the need.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewOutcomeByCode {
    #[schema(min_length = 1, max_length = 40, example = "7Q4M2-XK9D3")]
    code: String,
    outcome: Outcome,
    /// True, the default: these are the bearer's words. False: the agent's own.
    #[schema(example = true)]
    relayed: Option<bool>,
    #[schema(example = json!(null))]
    reason: Option<Reason>,
    /// With the reason `other`: at most 280 characters.
    #[schema(min_length = 1, max_length = 280, example = json!(null))]
    note: Option<String>,
}

/// Somebody refused to be referred.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewRefusal {
    #[schema(min_length = 1, example = "rsa")]
    procedure: String,
    /// INSEE code of the commune of residence; its département alone is counted.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238")]
    commune: String,
}

/// What the agent at a door needs to know; never what the origin noted, nor who it was.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ArrivalItem {
    procedure: Named,
    /// The papers to bring.
    documents: Vec<String>,
    official_url: Option<String>,
    /// The attempt that this arrival belongs to.
    handoff_id: Uuid,
    /// That of the newest open attempt, else of the newest.
    status: HandoffStatus,
    /// Where they were sent before, and what came of it, the oldest first.
    steps: Vec<Step>,
}

/// One door.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Step {
    handoff_id: Uuid,
    target: HandoffTarget,
    /// Null when it is no longer in the directory.
    name: Option<String>,
    mode: Mode,
    status: HandoffStatus,
    /// Of its last change.
    reason: Option<Reason>,
    expected_on: Option<NaiveDate>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OutcomeReceipt {
    outcome: Outcome,
    reported_by: ReportedBy,
    reason: Option<Reason>,
}

/// An arrival at a door, by the code on the slip; with `onward`, sent on from there.
///
/// At the target of an open attempt, that one is acknowledged; elsewhere it is one attempt more, already acknowledged. No name, telephone
/// or address is needed. 200 when nothing changed.
#[utoipa::path(
    operation_id = "report_arrival",
    tag = "Réorientations",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "The same key and body are reported once")),
    request_body = NewArrival,
    responses(
        (status = 200, description = "It was known", body = ArrivalItem),
        (status = 201, description = "On record", body = ArrivalItem),
        (status = 404, description = "Introuvable", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Changement d'état non permis", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/arrivals")]
async fn report_arrival(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("report_arrival")?;
    let request_digest = digest("arrival", &body);
    let key = idempotency_key(&request)?;
    let fields = Fields::from_json(body, &spec::body_fields("NewArrival"))?;
    let directory = state.snapshot.get();
    let code = required_text(&fields, "code", 40).map(str::to_owned);
    let at = target(&fields, &directory, "at");
    let is_sent_on = fields.has("onward/type") || fields.has("onward/id");
    let onward = if is_sent_on { target(&fields, &directory, "onward").map(Some) } else { Some(None) };
    let reason = reason(&fields);
    if reason.is_some() && !is_sent_on {
        fields.report(Kind::InvalidValue, "reason", "Une raison dit pourquoi la personne est envoyée plus loin : elle va avec « onward ».");
    }
    if at.is_some() && onward.as_ref().is_some_and(|onward| *onward == at) {
        fields.report(Kind::InvalidValue, "onward/id", "C'est le lieu où la personne vient d'arriver.");
    }
    let (code, (at, onward)) = fields.finish(code.zip(at.zip(onward)))?;
    let (mut scope, mut held) = codes::open(&state, guesser(&state, &request, Some(&agent)), &code).await?;
    if let Some(key) = key
        && !is_first(&remember(&state, &mut scope, &agent, &held, key, request_digest).await?)?
    {
        let handoff = held.referral.handoffs.iter().rfind(|one| one.is_towards(&at)).map_or(held.referral.id, |one| one.id);
        return json(HttpResponse::Created(), &show(&held, &directory, handoff));
    }
    if let Some(known) = onward.as_ref().and_then(|onward| sent_on_before(&held, &at, onward)) {
        return json(HttpResponse::Ok(), &show(&held, &directory, known));
    }
    let now = Utc::now();
    let (handoff, mut changed) = handoffs::arrive(&mut scope, &mut held, at, now).await?;
    if let Some(onward) = onward.filter(|_| matches!(changed, Changed::Done | Changed::Already)) {
        let kept = kept_instant(held.referral.sensitive, now);
        let new = Handoff::born(onward, Mode::Information, HandoffStatus::Given, Actor::Agent, kept);
        let previous = Some((handoff, Voice::Own(Actor::Agent)));
        changed = handoffs::add(&mut scope, &mut held, new, previous, &Wish { reason, ..Wish::default() }, now).await?;
    }
    let response = match changed {
        Changed::Done => HttpResponse::Created(),
        Changed::Already => HttpResponse::Ok(),
        refused => return Err(refusal(refused, "at")),
    };
    scope.commit().await?;
    metrics::counter!("arrivals_reported_total").increment(1);
    json(response, &show(&held, &directory, handoff))
}

/// What the bearer of a code says became of the need, written down by any agent.
///
/// With `relayed` false, the agent's own word: the mediator's if the referral is its organisation's, else the target's.
#[utoipa::path(
    operation_id = "report_outcome_by_code",
    tag = "Réorientations",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "The same key and body are reported once")),
    request_body = NewOutcomeByCode,
    responses(
        (status = 201, description = "On record", body = OutcomeReceipt),
        (status = 404, description = "Introuvable", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Clé d'idempotence déjà utilisée", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/outcomes")]
async fn report_outcome_by_code(
    request: HttpRequest,
    state: State,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let agent = caller.may("report_outcome_by_code")?;
    let request_digest = digest("outcome by code", &body);
    let key = idempotency_key(&request)?;
    let fields = Fields::from_json(body, &spec::body_fields("NewOutcomeByCode"))?;
    let code = required_text(&fields, "code", 40).map(str::to_owned);
    let outcome: Option<Outcome> = required_code(&fields, "outcome");
    let is_relayed = !fields.has("relayed") || fields.flag("relayed").unwrap_or_default();
    let reason = reason(&fields);
    let note = free_text(&fields, "note", MAX_WORDS);
    if note.is_some() && reason != Some(Reason::Other) {
        fields.report(Kind::InvalidValue, "note", "Un texte ne va qu'avec la raison « other ».");
    }
    let (code, outcome) = fields.finish(code.zip(outcome))?;
    let (mut scope, mut held) = codes::open(&state, guesser(&state, &request, Some(&agent)), &code).await?;
    let is_own = state.organisations.find(&agent.organisation).await? == Some(held.organisation);
    let reported_by = match (is_relayed, is_own) {
        (true, _) => ReportedBy::Person,
        (false, true) => ReportedBy::Mediator,
        (false, false) => ReportedBy::Target,
    };
    let receipt = OutcomeReceipt { outcome, reported_by, reason };
    if let Some(key) = key
        && !is_first(&remember(&state, &mut scope, &agent, &held, key, request_digest).await?)?
    {
        return json(HttpResponse::Created(), &receipt);
    }
    report(&mut scope, &mut held, outcome, reported_by, reason, note).await?;
    scope.commit().await?;
    json(HttpResponse::Created(), &receipt)
}

/// Counts a referral that the person refused. Nothing else of it is kept.
///
/// By month, procedure and département.
#[utoipa::path(
    operation_id = "report_refusal",
    tag = "Réorientations",
    request_body = NewRefusal,
    responses((status = 204, description = "Counted"))
)]
#[post("/v1/referrals/refusals")]
async fn report_refusal(state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("report_refusal")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewRefusal"))?;
    let directory = state.snapshot.get();
    let procedure = required_text(&fields, "procedure", 100).map(str::to_owned);
    if let Some(slug) = &procedure {
        check_procedure(&fields, "procedure", &directory, slug);
    }
    if !fields.has("commune") {
        fields.report(Kind::InvalidValue, "commune", "La commune de résidence est attendue (code INSEE).");
    }
    let departement = commune(&fields, "commune", &directory.territory).map(|resolved| resolved.commune.departement.clone());
    let (procedure, departement) = fields.finish(procedure.zip(departement))?;
    let organisation = state.organisations.ensure(&agent.organisation).await?;
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    refusals::count(&mut scope, organisation, month_of(Utc::now()).date_naive(), &procedure, &departement).await?;
    scope.commit().await?;
    metrics::counter!("referrals_refused_total").increment(1);
    Ok(HttpResponse::NoContent().finish())
}

/// The attempt at a place from which the person was sent on to another, where that is still open: told again, it is nothing new.
fn sent_on_before(held: &Held, at: &Target, onward: &Target) -> Option<Uuid> {
    let next = held.referral.handoffs.iter().find(|one| one.status.is_open() && one.is_towards(onward))?;
    held.referral.handoffs.iter().find(|one| Some(one.id) == next.previous_id && one.is_towards(at)).map(|one| one.id)
}

/// Keeps an agent's key, which is its own organisation's, with a referral that may be another's.
async fn remember(
    state: &State,
    scope: &mut Scoped,
    agent: &Agent,
    held: &Held,
    key: String,
    request_digest: String,
) -> Result<referrals::Recorded, Problem> {
    let organisation = state.organisations.ensure(&agent.organisation).await?;
    let key = Key { key, request_digest, kept_until: kept_until(held.referral.sensitive) };
    scope.enter(Scope::Organisation(organisation)).await?;
    let recorded = referrals::remember(scope, Author { organisation, subject: &agent.subject }, &key, held.referral.id).await?;
    scope.enter(Scope::Organisation(held.organisation)).await?;
    Ok(recorded)
}

fn show(held: &Held, directory: &Directory, handoff_id: Uuid) -> ArrivalItem {
    let it = &held.referral;
    let procedure = directory.catalogue.procedure(&it.procedure);
    let steps = it.handoffs.iter().map(|one| Step {
        handoff_id: one.id,
        name: name_of(directory, one),
        target: HandoffTarget { r#type: one.target_type, id: one.target_id.clone(), kind: one.target_kind.clone() },
        mode: one.mode,
        status: one.status,
        reason: one.events.last().and_then(|event| event.reason),
        expected_on: one.expected_on,
    });
    ArrivalItem {
        procedure: Named {
            slug: it.procedure.clone(),
            label: procedure.map_or_else(|| it.procedure.clone(), |procedure| procedure.label.clone()),
        },
        documents: procedure.map(|procedure| procedure.documents.clone()).unwrap_or_default(),
        official_url: procedure.and_then(|procedure| procedure.official_url.clone()),
        handoff_id,
        status: it.status,
        steps: steps.collect(),
    }
}

/// What a handoff's target is called, if it is still in the directory.
pub fn name_of(directory: &Directory, handoff: &Handoff) -> Option<String> {
    match handoff.target_type {
        TargetType::Structure => {
            Uuid::parse_str(&handoff.target_id).ok().and_then(|id| directory.structure(id)).map(|entry| entry.structure.name.clone())
        }
        TargetType::Institution => directory.catalogue.institution(&handoff.target_id).map(|institution| institution.label.clone()),
        TargetType::Hotline => Some(handoff.target_id.clone()),
    }
}
