//! `/v1/referrals/{id}/handoffs`: a further attempt, and what becomes of each; the links by which a target answers.

use actix_web::{HttpRequest, HttpResponse, post};
use aiguilleur_domain::privacy::{kept_instant, month_of};
use aiguilleur_domain::referral::{Actor, HandoffStatus, Mode, Reason};
use aiguilleur_storage::handoffs::{self, Changed, Condition, MAX_HANDOFFS, Voice, Wish};
use aiguilleur_storage::links::{self, Link};
use aiguilleur_storage::referrals::{self, Author, Handoff, Held, Key};
use chrono::{DateTime, Duration, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::referrals::{
    NewTarget, ReferralItem, created, digest, free_text, hold, idempotency_key, is_first, kept_until, required_code, tagged, target,
};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::invitation;
use crate::problem::{FieldError, Kind, Problem, ProblemDocument};
use crate::request::{IfMatch, JsonBody, State, day_of, if_match, json, segment};
use crate::spec;

/// For which a target's link is good.
pub const LINK_LASTS: Duration = Duration::days(7);
/// A reason's own words.
pub const MAX_WORDS: usize = 280;
/// How far ahead a place may be expected.
const MAX_WAIT_DAYS: i64 = 730;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(add_handoff).service(create_transition).service(create_link);
}

/// A further attempt.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewHandoff {
    target: NewTarget,
    mode: Mode,
    /// The attempt that it redirects, which ends; without it, both go on.
    #[schema(example = json!(null))]
    previous_id: Option<Uuid>,
    /// Why.
    #[schema(example = json!(null))]
    reason: Option<Reason>,
}

/// What an attempt becomes.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewTransition {
    to: HandoffStatus,
    /// Wanted for `declined`, `failed` and `cancelled`.
    #[schema(example = json!(null))]
    reason: Option<Reason>,
    /// With the reason `other`: at most 280 characters.
    #[schema(min_length = 1, max_length = 280, example = json!(null))]
    note: Option<String>,
    /// With `waitlisted`: when a place is expected.
    #[schema(example = json!(null))]
    expected_on: Option<NaiveDate>,
}

/// Whom a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Audience {
    Target,
    Person,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewLink {
    r#for: Audience,
    /// For a target: the attempt that it answers for; the newest open one by default.
    #[schema(example = json!(null))]
    handoff_id: Option<Uuid>,
}

/// A page that needs no account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LinkItem {
    r#for: Audience,
    /// Whoever has it may answer: shown this once, kept nowhere.
    #[schema(example = "https://aiguilleur.exemple.fr/s/…")]
    url: String,
    /// Null where it is good as long as the code is.
    expires_at: Option<DateTime<Utc>>,
}

/// Adds an attempt towards another target; with `previous_id`, redirects that one.
///
/// Without `previous_id` both go on side by side, until one is accepted: the others are then cancelled (`superseded`).
#[utoipa::path(
    operation_id = "add_handoff",
    tag = "Réorientations",
    params(
        ("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, pattern = "^[ -~]+$", description = "The same key and body add one attempt"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the referral as the caller knows it; not needed here"),
    ),
    request_body = NewHandoff,
    responses(
        (status = 201, description = "Added: the referral with every attempt", body = ReferralItem, headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "Changement d'état non permis", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals/{id}/handoffs")]
async fn add_handoff(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("add_handoff")?;
    let id = segment(&request, "id");
    let request_digest = digest(&format!("handoff {id}"), &body);
    let key = idempotency_key(&request)?;
    let fields = Fields::from_json(body, &spec::body_fields("NewHandoff"))?;
    let target = target(&fields, &state.snapshot.get(), "target");
    let mode: Option<Mode> = required_code(&fields, "mode");
    let (previous, reason) = (fields.uuid("previous_id"), reason(&fields));
    let (target, mode) = fields.finish(target.zip(mode))?;
    let condition = condition(&request).unwrap_or(Condition::Waived);
    let (mut scope, mut held) = hold(&state, &agent, id).await?;
    let author = Author { organisation: held.organisation, subject: &agent.subject };
    if let Some(key) = key {
        let key = Key { key, request_digest, kept_until: kept_until(held.referral.sensitive) };
        if !is_first(&referrals::remember(&mut scope, author, &key, held.referral.id).await?)? {
            return created(&held.referral);
        }
    }
    if previous.is_some_and(|id| held.referral.handoffs.iter().all(|one| one.id != id)) {
        return Err(wrong("previous_id", "Cette réorientation n'a pas de tentative de cet identifiant."));
    }
    let now = Utc::now();
    let kept = kept_instant(held.referral.sensitive, now);
    let new = Handoff::born(target, mode, mode.first_status(), Actor::Mediator, kept);
    let previous = previous.map(|id| (id, Voice::Mediator(&agent.subject)));
    let wish = Wish { condition, reason, ..Wish::default() };
    let changed = handoffs::add(&mut scope, &mut held, new, previous, &wish, now).await?;
    match changed {
        Changed::Done => {
            scope.commit().await?;
            created(&held.referral)
        }
        // The previous one was redirected before, by somebody else.
        Changed::Already => Err(not_allowed("previous_id", HandoffStatus::Redirected, &[])),
        refused => Err(refusal(refused, "previous_id")),
    }
}

/// Changes the state of an attempt: what the mediator does, or writes down of what the target told.
///
/// Judged in this order: already so (200, nothing is done); no `If-Match` (428); a version that is no longer the referral's (412); not
/// allowed (409, with what is). To redirect is to add an attempt with `previous_id`.
#[utoipa::path(
    operation_id = "create_transition",
    tag = "Réorientations",
    params(
        ("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral"),
        ("handoff_id" = Uuid, Path, example = "2b1f0c3a-9d11-4cc2-8f2e-6c0e5a0b4b1c", description = "UUID of the attempt"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the referral as the caller knows it"),
    ),
    request_body = NewTransition,
    responses(
        (status = 200, description = "The referral as it is now", body = ReferralItem, headers(("ETag" = String, description = "Its version"))),
        (status = 409, description = "Changement d'état non permis", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals/{id}/handoffs/{handoff_id}/transitions")]
async fn create_transition(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_transition")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewTransition"))?;
    let to: Option<HandoffStatus> = required_code(&fields, "to");
    let now = Utc::now();
    let wish = wish(&fields, to, day_of(now));
    let to = fields.finish(to)?;
    let wish = Wish { condition: condition(&request).unwrap_or(Condition::Missing), ..wish };
    let (mut scope, mut held) = hold(&state, &agent, segment(&request, "id")).await?;
    let handoff = Uuid::parse_str(segment(&request, "handoff_id")).ok();
    let handoff = handoff.filter(|id| held.referral.handoffs.iter().any(|one| one.id == *id));
    let handoff = handoff.ok_or_else(|| Problem::not_found("Tentative"))?;
    let voice = Voice::Mediator(&agent.subject);
    let is_so = held.referral.handoffs.iter().any(|one| one.id == handoff && one.status == to);
    if to == HandoffStatus::Redirected && !is_so {
        return Err(no_successor(&held, handoff, &wish.condition));
    }
    match handoffs::change(&mut scope, &mut held, handoff, to, voice, &wish, now).await? {
        Changed::Done => {
            scope.commit().await?;
            tagged(HttpResponse::Ok(), &held.referral)
        }
        Changed::Already => tagged(HttpResponse::Ok(), &held.referral),
        refused => Err(refusal(refused, "to")),
    }
}

/// A page by which the target answers, or the person says what became of the need.
///
/// The target's is a secret, good for 7 days; a new one ends those before it. The person's is that of the code.
#[utoipa::path(
    operation_id = "create_link",
    tag = "Réorientations",
    params(("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral")),
    request_body = NewLink,
    responses(
        (status = 201, description = "The link, shown this once", body = LinkItem),
        (status = 409, description = "Changement d'état non permis", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referrals/{id}/links")]
async fn create_link(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_link")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewLink"))?;
    let audience: Option<Audience> = required_code(&fields, "for");
    let asked = fields.uuid("handoff_id");
    if asked.is_some() && audience == Some(Audience::Person) {
        fields.report(Kind::InvalidValue, "handoff_id", "Une tentative ne va qu'avec « target » : la personne répond pour son besoin.");
    }
    let audience = fields.finish(audience)?;
    let (mut scope, held) = hold(&state, &agent, segment(&request, "id")).await?;
    let item = match audience {
        Audience::Person => LinkItem { r#for: audience, url: format!("{}/c/{}", state.site.url, held.referral.code), expires_at: None },
        Audience::Target => {
            let handoff = match asked {
                Some(id) => held.referral.handoffs.iter().find(|one| one.id == id),
                None => held.referral.handoffs.iter().rfind(|one| one.status.is_open()).or(held.referral.handoffs.last()),
            };
            let handoff = handoff.ok_or_else(|| wrong("handoff_id", "Cette réorientation n'a pas de tentative de cet identifiant."))?;
            if !handoff.status.is_open() {
                return Err(Problem::new(
                    Kind::TransitionNotAllowed,
                    "Cette tentative est terminée : personne n'a plus à y répondre. Renvoyez-la, ou ajoutez-en une autre.",
                ));
            }
            let (token, link) = target_link(&held, handoff.id, Utc::now());
            links::forget(&mut scope, handoff.id).await?;
            links::add(&mut scope, &link).await?;
            let expires_at = Some(link.expires_at);
            LinkItem { r#for: audience, url: format!("{}/s/{token}", state.site.url), expires_at }
        }
    };
    scope.commit().await?;
    let mut response = HttpResponse::Created();
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &item)
}

/// A new secret link, and what is kept of it.
pub fn target_link(held: &Held, handoff_id: Uuid, now: DateTime<Utc>) -> (String, Link) {
    let token = invitation::secret();
    let until = now + LINK_LASTS;
    let expires_at = if held.referral.sensitive { month_of(until) + Months::new(1) } else { kept_instant(false, until) };
    let link = Link {
        token_digest: invitation::digest(&token),
        referral_id: held.referral.id,
        handoff_id,
        organisation_id: held.organisation,
        expires_at,
        renewal_asked: false,
    };
    (token, link)
}

/// What is known of the referral's version; `None` when nothing is said.
fn condition(request: &HttpRequest) -> Option<Condition> {
    match if_match(request) {
        IfMatch::Missing => None,
        IfMatch::Any => Some(Condition::Any),
        IfMatch::Tags(tags) => Some(Condition::Versions(tags.iter().filter_map(|tag| tag.parse().ok()).collect())),
    }
}

/// Reasons that people give: what is superseded is the system's to say.
pub(super) fn reason(fields: &Fields) -> Option<Reason> {
    let reason = fields.code("reason");
    if reason == Some(Reason::Superseded) {
        fields.report(Kind::InvalidValue, "reason", "« superseded » est dit par le service, quand une autre tentative est acceptée.");
    }
    reason
}

/// What goes with a state: a reason, its words, a date.
fn wish(fields: &Fields, to: Option<HandoffStatus>, today: NaiveDate) -> Wish {
    let reason = reason(fields);
    if to.is_some_and(HandoffStatus::wants_reason) && !fields.has("reason") {
        let allowed =
            aiguilleur_domain::code::all::<Reason>().into_iter().filter(|code| *code != "superseded").map(str::to_owned).collect();
        fields.report_with(Kind::InvalidValue, "reason", "Cet état demande une raison.", allowed);
    }
    let note = free_text(fields, "note", MAX_WORDS);
    if note.is_some() && reason != Some(Reason::Other) {
        fields.report(Kind::InvalidValue, "note", "Un texte ne va qu'avec la raison « other ».");
    }
    let expected_on = fields.day("expected_on");
    if expected_on.is_some() && to.is_some_and(|to| to != HandoffStatus::Waitlisted) {
        fields.report(Kind::InvalidValue, "expected_on", "Une date ne va qu'avec l'état « waitlisted ».");
    }
    if expected_on.is_some_and(|day| day < today || day > today + Duration::days(MAX_WAIT_DAYS)) {
        fields.report(Kind::InvalidValue, "expected_on", "Une date à venir est attendue, dans les deux ans.");
    }
    Wish { reason, note, expected_on, ..Wish::default() }
}

/// Redirecting needs a successor. Judged in the same order as any other change.
fn no_successor(held: &Held, handoff: Uuid, condition: &Condition) -> Problem {
    let Some(one) = held.referral.handoffs.iter().find(|one| one.id == handoff) else { return Problem::not_found("Tentative") };
    match condition {
        Condition::Missing => refusal(Changed::Unconditional, "to"),
        Condition::Versions(known) if !known.contains(&held.referral.version) => refusal(Changed::Stale, "to"),
        _ if one.status.is_open() => {
            wrong("to", "Pour rediriger, ajoutez la tentative suivante, avec « previous_id » : POST /v1/referrals/{id}/handoffs.")
        }
        _ => {
            let actors = [Actor::Mediator, Actor::Target];
            not_allowed("to", one.status, &aiguilleur_domain::referral::allowed(one.status, &actors))
        }
    }
}

/// Why a change wasn't made.
pub fn refusal(changed: Changed, pointer: &str) -> Problem {
    match changed {
        Changed::Unconditional => Problem::new(
            Kind::VersionRequired,
            "L'en-tête « If-Match » est attendu, avec l'« ETag » de la réorientation. Rien n'a été changé.",
        ),
        Changed::Stale => Problem::new(
            Kind::VersionChanged,
            "Quelqu'un a changé cette réorientation depuis que vous l'avez lue. Relisez-la, puis réessayez. Rien n'a été changé.",
        ),
        Changed::NotAllowed { from, allowed } => not_allowed(pointer, from, &allowed),
        Changed::NotTheirs => {
            Problem::new(Kind::TransitionNotAllowed, "Seul l'agent qui l'a envoyée peut la renvoyer. Rien n'a été changé.")
        }
        Changed::TooLate => Problem::new(
            Kind::TransitionNotAllowed,
            "Elle est terminée depuis plus de 90 jours : enregistrez une nouvelle réorientation. Rien n'a été changé.",
        ),
        Changed::Full => Problem::new(
            Kind::TransitionNotAllowed,
            format!("Une réorientation garde {MAX_HANDOFFS} tentatives au plus. Rien n'a été changé."),
        ),
        Changed::Done | Changed::Already => Problem::new(Kind::Internal, "Une erreur imprévue s'est produite."),
    }
}

fn not_allowed(pointer: &str, from: HandoffStatus, allowed: &[HandoffStatus]) -> Problem {
    let allowed: Vec<String> = allowed.iter().map(|&status| <&str>::from(status).to_owned()).collect();
    let may = if allowed.is_empty() { "plus rien".to_owned() } else { allowed.join(", ") };
    let detail = format!("Depuis l'état « {} », elle peut devenir : {may}. Rien n'a été changé.", <&str>::from(from));
    let error = FieldError { pointer: Some(format!("/{pointer}")), parameter: None, detail, allowed };
    Problem::fields(Kind::TransitionNotAllowed, vec![error])
}

fn wrong(pointer: &str, detail: &str) -> Problem {
    let error = FieldError { pointer: Some(format!("/{pointer}")), parameter: None, detail: detail.to_owned(), allowed: Vec::new() };
    Problem::fields(Kind::InvalidValue, vec![error])
}
