//! `/v1/referents/{id}/showings` and `/messages`: how to reach a referent contact, for somebody who accepted the charter and did what
//! its institution asks for first. Each time is counted, by territory and procedure, never by whom.

use actix_web::{HttpRequest, HttpResponse, get, post};
use aiguilleur_domain::referent::{Availability, Channels, ContactReason, Freshness, Visibility, week_of};
use aiguilleur_outbound::mail::parse_address;
use aiguilleur_storage::referents::{self, Record};
use aiguilleur_storage::showings::{self, Count, Occasion};
use aiguilleur_storage::{Scope, Scoped, charter, scoped};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::Named;
use super::charter::{CHARTER_VERSION, person};
use super::communes::commune;
use super::escalation::step_after_referent;
use super::organisations::private;
use super::referents::{own_scope, referent_id, unknown};
use super::referrals::{free_text, required_code, required_text};
use super::structures::check_procedure;
use crate::auth::{Agent, Caller};
use crate::fields::{Fields, Moment};
use crate::problem::{FieldError, Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, day_of};
use crate::spec;
use crate::texts::{self, Language};

/// Contacts that one person is shown in a day.
const SHOWINGS_PER_DAY: i32 = 20;
const MAX_MESSAGE: usize = 2_000;
/// Weeks told of by default.
const WEEKS: u64 = 12;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create_showing).service(create_message).service(list_showings);
}

/// For what a contact is asked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewShowing {
    /// Slug of the procedure.
    #[schema(min_length = 1, max_length = 100, example = "rsa")]
    procedure: String,
    /// INSEE code of the commune of residence.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238")]
    commune: String,
    reason: ContactReason,
    /// What was done, each word for word as the contact asks for it.
    #[schema(max_items = 50, example = json!([]))]
    prerequisites: Option<Vec<String>>,
}

/// A message to a contact whose address isn't shown.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewMessage {
    /// Slug of the procedure.
    #[schema(min_length = 1, max_length = 100, example = "rsa")]
    procedure: String,
    /// INSEE code of the commune of residence.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238")]
    commune: String,
    reason: ContactReason,
    /// What was done, each word for word as the contact asks for it.
    #[schema(max_items = 50, example = json!([]))]
    prerequisites: Option<Vec<String>>,
    /// Without anything that tells who the person is.
    #[schema(min_length = 1, max_length = 2000, example = "Une réclamation écrite est sans réponse depuis deux mois. Que faire ?")]
    message: String,
    /// The mediator's professional address, to which the answer goes; kept nowhere.
    #[schema(min_length = 3, max_length = 254, example = "mediation@exemple.fr")]
    reply_to: String,
}

/// How to reach a contact, this time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ShownReferent {
    id: Uuid,
    #[schema(example = "Référente partenaires, accès aux droits")]
    function: String,
    channels: Channels,
    /// OSM `opening_hours` syntax.
    hours: Option<String>,
    note: Option<String>,
    freshness: Freshness,
}

/// A message went on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Forwarded {
    /// The function that received it.
    #[schema(example = "Référente partenaires, accès aux droits")]
    to: String,
}

/// How often a contact was shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ShowingFigures {
    total: i64,
    items: Vec<ShowingCount>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ShowingCount {
    /// The week's Monday.
    week: NaiveDate,
    /// Code of the département of residence.
    #[schema(example = "35")]
    departement: String,
    /// Null for what is handled discreetly.
    procedure: Option<Named>,
    shown: i64,
}

/// Shows how to reach a contact: counted.
///
/// Wants the charter accepted (`/v1/charter`) and each prerequisite confirmed. Past the contact's weekly cap nothing is shown: the
/// answer says when it reopens, and what else to do.
#[utoipa::path(
    operation_id = "create_showing",
    tag = "Contacts",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent")),
    request_body = NewShowing,
    responses(
        (status = 200, description = "How to reach it", body = ShownReferent),
        (status = 409, description = "Contact non joignable", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referents/{id}/showings")]
async fn create_showing(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_showing")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewShowing"))?;
    let wish = wish(&fields, &state);
    let wish = fields.finish(wish)?;
    let (scope, record) = approach(&request, &state, &agent, &wish, false).await?;
    scope.commit().await?;
    state.contacts_changed_if_full(&record.kept, wish.day).await;
    let it = record.kept.referent;
    let freshness = it.freshness(wish.day);
    let shown = ShownReferent { id: it.id, function: it.function, channels: it.channels, hours: it.hours, note: it.note, freshness };
    private(HttpResponse::Ok(), &shown)
}

/// Forwards a message to a contact that stays behind a relay: counted as a showing.
///
/// It receives the message by mail and answers to `reply_to`. Neither is kept here.
#[utoipa::path(
    operation_id = "create_message",
    tag = "Contacts",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent")),
    request_body = NewMessage,
    responses(
        (status = 200, description = "Taken by the mail server", body = Forwarded),
        (status = 409, description = "Contact non joignable", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/referents/{id}/messages")]
async fn create_message(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_message")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewMessage"))?;
    let wish = wish(&fields, &state);
    required_text(&fields, "message", MAX_MESSAGE);
    let message = free_text(&fields, "message", MAX_MESSAGE);
    let reply_to = required_text(&fields, "reply_to", 254).and_then(|text| {
        let address = parse_address(text);
        if address.is_none() {
            fields.report(Kind::InvalidValue, "reply_to", "Une adresse de courriel professionnelle est attendue.");
        }
        address
    });
    let (wish, (message, reply_to)) = fields.finish(wish.zip(message.zip(reply_to)))?;
    let (scope, record) = approach(&request, &state, &agent, &wish, true).await?;
    let it = &record.kept.referent;
    let address = it.channels.email.as_deref().ok_or_else(unknown)?;
    let label = state.snapshot.get().catalogue.procedure(&wish.procedure).map_or_else(String::new, |it| it.label.clone());
    // Counted if it went, and only then.
    state.post.forward(address, &reply_to, &label, &message).await?;
    scope.commit().await?;
    state.contacts_changed_if_full(&record.kept, wish.day).await;
    private(HttpResponse::Ok(), &Forwarded { to: it.function.clone() })
}

/// How often a contact was shown, for its keeper: by week, territory and procedure.
///
/// Never by whom: that is kept nowhere.
#[utoipa::path(
    operation_id = "list_showings",
    tag = "Contacts",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent"),
        ("from" = Option<NaiveDate>, Query, description = "Weeks that hold this day or begin after it; the twelve last ones by default"),
        ("to" = Option<NaiveDate>, Query, description = "Weeks that begin on this day at the latest; today by default"),
    ),
    responses((status = 200, description = "The counts", body = ShowingFigures))
)]
#[get("/v1/referents/{id}/showings")]
async fn list_showings(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_showings")?;
    let today = day_of(Utc::now());
    let day = |name| match fields.moment(name) {
        Some(Moment::Day(day)) => Some(day),
        Some(Moment::Instant(instant)) => Some(day_of(instant)),
        None => None,
    };
    let from = day("from").unwrap_or_else(|| today.checked_sub_days(Days::new(7 * (WEEKS - 1))).unwrap_or(today));
    let to = day("to").unwrap_or(today);
    if from > to {
        fields.report(Kind::InvalidValue, "to", "« to » ne peut pas précéder « from ».");
    }
    fields.finish(Some(()))?;
    let id = referent_id(&request)?;
    let mut scope = own_scope(&state, &agent).await?;
    referents::institution_of(&mut scope, id).await?.ok_or_else(unknown)?;
    let counts = showings::figures(&mut scope, id, week_of(from)..=to).await?;
    scope.commit().await?;
    let directory = state.snapshot.get();
    let named = |slug: String| {
        let label = directory.catalogue.procedure(&slug).map_or_else(|| slug.clone(), |it| it.label.clone());
        Named { slug, label }
    };
    let total = counts.iter().map(|count| count.shown).sum();
    let show = |Count { week, departement, procedure, shown }| ShowingCount { week, departement, procedure: procedure.map(named), shown };
    private(HttpResponse::Ok(), &ShowingFigures { total, items: counts.into_iter().map(show).collect() })
}

/// For what a contact is asked, checked.
struct Wish {
    procedure: String,
    sensitive: bool,
    departement: String,
    reason: ContactReason,
    prerequisites: Vec<String>,
    day: NaiveDate,
    now: DateTime<Utc>,
}

fn wish(fields: &Fields, state: &State) -> Option<Wish> {
    let directory = state.snapshot.get();
    let now = Utc::now();
    let procedure = required_text(fields, "procedure", 100).map(str::to_owned);
    if let Some(slug) = &procedure {
        check_procedure(fields, "procedure", &directory, slug);
    }
    required_text(fields, "commune", 10);
    let departement = commune(fields, "commune", &directory.territory).map(|resolved| resolved.commune.departement.clone());
    let reason = required_code(fields, "reason");
    let prerequisites = if fields.has("prerequisites") { fields.texts("prerequisites", 50) } else { Vec::new() };
    let sensitive = procedure.as_deref().and_then(|slug| directory.catalogue.procedure(slug)).is_some_and(|it| it.sensitive);
    Some(Wish { procedure: procedure?, sensitive, departement: departement?, reason: reason?, prerequisites, day: day_of(now), now })
}

/// Everything that comes before a contact is shown, in one transaction that counts it; the caller commits. `by_relay`: a message is to
/// be forwarded.
///
/// # Errors
/// 404 for a contact that the caller may not know of, 403 without the charter, 422 where something is missing, 429 past the day's
/// showings, 409 when it can't be reached now.
async fn approach(request: &HttpRequest, state: &State, agent: &Agent, wish: &Wish, by_relay: bool) -> Result<(Scoped, Record), Problem> {
    let id = referent_id(request)?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let record = referents::hold(&mut scope, id).await?.ok_or_else(unknown)?;
    let it = &record.kept.referent;
    if !it.is_live(wish.day) || !it.is_seen_from(&agent.identity.grant.territory) {
        return Err(unknown());
    }
    let who = person(&agent.identity);
    if charter::accepted_on(&mut scope, &who, CHARTER_VERSION).await?.is_none() {
        let detail = "Les contacts des organismes demandent d'accepter d'abord leur charte : lisez /charte, puis POST \
                      /v1/charter/acceptances. Rien n'a été montré.";
        return Err(Problem::new(Kind::CharterNotAccepted, detail));
    }
    check_wish(&record, wish)?;
    if (it.visibility == Visibility::Relay) != by_relay {
        let other = if by_relay { "showings" } else { "messages" };
        let detail = format!("Ce contact se joint autrement : POST /v1/referents/{id}/{other}. Rien n'a été montré ni transmis.");
        return Err(Problem::new(Kind::ContactUnavailable, detail));
    }
    // Of what is handled discreetly the procedure isn't counted.
    let procedure = (!wish.sensitive).then_some(wish.procedure.as_str());
    let occasion = Occasion { day: wish.day, departement: &wish.departement, procedure };
    let availability = showings::count(&mut scope, &record.kept, occasion).await?;
    if availability != Availability::Available {
        return Err(not_now(request, state, wish, availability));
    }
    let today = hex(&format!("{}\n{who}", wish.day));
    if !showings::use_allowance(&mut scope, wish.day, &today, SHOWINGS_PER_DAY).await? {
        let detail = format!("{SHOWINGS_PER_DAY} contacts vous ont été montrés aujourd'hui, c'est la limite. Rien n'a été montré de plus.");
        let tomorrow = wish.day.succ_opt().and_then(|day| Paris.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest());
        let wait = tomorrow.map_or(3_600, |until| (until.to_utc() - wish.now).num_seconds().max(1));
        return Err(Problem::rate_limited(detail, std::time::Duration::from_secs(u64::try_from(wait).unwrap_or(3_600))));
    }
    Ok((scope, record))
}

/// Whether the contact is for this need, and all that it asks for was done.
fn check_wish(record: &Record, wish: &Wish) -> Result<(), Problem> {
    let it = &record.kept.referent;
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: &str, allowed: Vec<String>| {
        errors.push(FieldError { pointer: Some(pointer.to_owned()), parameter: None, detail: detail.to_owned(), allowed });
    };
    if !it.territory.covers(&wish.departement) {
        wrong("/commune", "Ce contact est pour les habitants d'un autre territoire.", it.territory.codes().to_vec());
    }
    if !it.procedures.is_empty() && !it.procedures.contains(&wish.procedure) {
        wrong("/procedure", "Ce contact n'est pas pour cette démarche.", it.procedures.clone());
    }
    if !it.reasons.contains(&wish.reason) {
        let allowed = it.reasons.iter().map(|&reason| <&str>::from(reason).to_owned()).collect();
        wrong("/reason", "Ce contact ne sert pas à cela.", allowed);
    }
    let missing: Vec<String> = it.prerequisites.iter().filter(|one| !wish.prerequisites.contains(one)).cloned().collect();
    if !missing.is_empty() {
        wrong("/prerequisites", "Ceci est à faire avant, et à confirmer mot pour mot.", missing);
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(Kind::InvalidValue, errors)) }
}

/// A contact that can't be reached now: until when, and what to do meanwhile.
fn not_now(request: &HttpRequest, state: &State, wish: &Wish, availability: Availability) -> Problem {
    let language = Language::of(request);
    let directory = state.snapshot.get();
    let next = directory.catalogue.procedure(&wish.procedure).and_then(step_after_referent);
    let next = next.map_or_else(String::new, |step| format!(" {}", texts::step(language, &step)));
    let detail = format!("{} Rien n'a été montré.{next}", texts::referent(language, availability, Freshness::Current));
    Problem::new(Kind::ContactUnavailable, detail)
}

fn hex(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}
