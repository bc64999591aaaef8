//! `/v1/referents`: institutions' contacts for professionals. Mediators see who there is; how to reach one is shown by
//! [`super::showings`]. Whoever keeps one sees it whole.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, patch, post};
use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_domain::access::{Role, Territory};
use aiguilleur_domain::code::all;
use aiguilleur_domain::referent::{
    Absence, Availability, Channels, ContactReason, Freshness, Kept, PlatformLink, Referent, Told, Visibility, overlap,
};
use aiguilleur_domain::{contact, opening};
use aiguilleur_storage::history::Origin;
use aiguilleur_storage::referents::{self, Record};
use aiguilleur_storage::{Scope, Scoped, organisations, scoped};
use chrono::{Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::private;
use super::referrals::free_text;
use super::structures::check_procedure;
use super::{Named, Page, limit};
use crate::auth::{Agent, Caller};
use crate::fields::{Fields, Moment};
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, check_version, day_of, json, segment};
use crate::spec;
use crate::texts::{self, Language};

/// For how long one counts as right, unless its editor says otherwise.
const VERIFIED_FOR: Months = Months::new(6);
/// The farthest verify-by date, in days.
const LONGEST_VERIFIED: Days = Days::new(366);
const MAX_FUNCTION: usize = 120;
const MAX_NOTE: usize = 500;
const MAX_HOURS: usize = 500;
const MAX_PROCEDURES: usize = 50;
const MAX_PREREQUISITES: usize = 10;
const MAX_ABSENCES: usize = 50;
const MAX_WEEKLY: u32 = 1_000;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_referents).service(create_referent).service(get_referent).service(update_referent).service(remove_referent);
}

/// A referent contact.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewReferent {
    /// Slug of the editor's own institution, which is the default.
    #[schema(min_length = 1, max_length = 100, example = "caf")]
    institution: Option<String>,
    /// A role, never a person's name.
    #[schema(min_length = 1, max_length = 120, example = "Référente partenaires, accès aux droits")]
    function: String,
    /// Codes of départements, or `FR`: whose residents it is for; the editor's own territory by default.
    #[schema(max_items = 50, example = json!(["35"]))]
    territory: Option<Vec<String>>,
    /// Slugs; all those of the institution by default.
    #[schema(max_items = 50, example = json!(["rsa"]))]
    procedures: Option<Vec<String>>,
    channels: NewChannels,
    /// OSM `opening_hours` syntax.
    #[schema(min_length = 1, max_length = 500, example = "Mo-Fr 09:00-12:00")]
    hours: Option<String>,
    /// What it may be used for; all by default.
    #[schema(max_items = 50)]
    reasons: Option<Vec<ContactReason>>,
    /// `same_territory` by default.
    visibility: Option<Visibility>,
    /// The last day on which it counts as right: in six months by default, in a year at most.
    #[schema(example = json!(null))]
    verify_by: Option<NaiveDate>,
    /// What a mediator confirms before it is shown.
    #[schema(max_items = 10, example = json!(["La personne a déposé une réclamation écrite"]))]
    prerequisites: Option<Vec<String>>,
    /// How often it is shown in a week, from Monday to Sunday; as often as asked for by default.
    #[schema(minimum = 0, maximum = 1000, example = 20)]
    weekly_cap: Option<u32>,
    /// Days off, the first and the last included: `2026-12-24/2027-01-02`.
    #[schema(max_items = 50, example = json!(["2026-12-24/2027-01-02"]))]
    absences: Option<Vec<String>>,
    /// Another referent of the same institution, that stands in while this one is absent.
    #[schema(example = json!(null))]
    substitute: Option<Uuid>,
    /// Shown to nobody until it says otherwise.
    #[schema(example = false)]
    suspended: Option<bool>,
    /// What to know before reaching it.
    #[schema(min_length = 1, max_length = 500, example = json!(null))]
    note: Option<String>,
}

/// How to reach it: one of them at least.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewChannels {
    /// The function's own address.
    #[schema(min_length = 3, max_length = 254, example = "referents-partenaires@exemple.fr")]
    email: Option<String>,
    /// In whatever spelling.
    #[schema(min_length = 2, max_length = 40, example = "02 99 00 00 00")]
    phone: Option<String>,
    platform: Option<NewPlatform>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewPlatform {
    #[schema(min_length = 1, max_length = 120, example = "Espace partenaires")]
    label: Option<String>,
    #[schema(min_length = 1, max_length = 500, example = "https://partenaires.exemple.fr")]
    url: Option<String>,
}

/// What changes of one; what isn't given stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct ReferentChange {
    #[schema(min_length = 1, max_length = 120, example = json!(null))]
    function: Option<String>,
    #[schema(max_items = 50, example = json!(["35"]))]
    territory: Option<Vec<String>>,
    #[schema(max_items = 50, example = json!(["rsa"]))]
    procedures: Option<Vec<String>>,
    channels: Option<NewChannels>,
    #[schema(min_length = 1, max_length = 500, example = json!(null))]
    hours: Option<String>,
    #[schema(max_items = 50)]
    reasons: Option<Vec<ContactReason>>,
    visibility: Option<Visibility>,
    #[schema(example = json!(null))]
    verify_by: Option<NaiveDate>,
    #[schema(max_items = 10, example = json!([]))]
    prerequisites: Option<Vec<String>>,
    #[schema(minimum = 0, maximum = 1000, example = json!(null))]
    weekly_cap: Option<u32>,
    #[schema(max_items = 50, example = json!([]))]
    absences: Option<Vec<String>>,
    #[schema(example = json!(null))]
    substitute: Option<Uuid>,
    #[schema(example = true)]
    suspended: Option<bool>,
    #[schema(min_length = 1, max_length = 500, example = json!(null))]
    note: Option<String>,
    /// The fields to be emptied.
    #[schema(max_items = 50, example = json!([]))]
    clear: Option<Vec<Clearable>>,
    /// Slug of the organisation that it is handed over to; alone in its change.
    #[schema(min_length = 1, max_length = 100, example = json!(null))]
    keeper: Option<String>,
}

/// A field that may be empty.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Clearable {
    Email,
    Phone,
    Platform,
    Hours,
    WeeklyCap,
    Substitute,
    Note,
}

/// A referent contact, without what is for its keeper where the caller isn't.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ReferentItem {
    id: Uuid,
    institution: Named,
    /// A role.
    #[schema(example = "Référente partenaires, accès aux droits")]
    function: String,
    /// Codes of départements, or `FR`: whose residents it is for.
    #[schema(example = json!(["35"]))]
    territory: Vec<String>,
    /// The procedures it is for; empty: all those of its institution.
    procedures: Vec<Named>,
    reasons: Vec<ContactReason>,
    /// OSM `opening_hours` syntax.
    hours: Option<String>,
    /// To be confirmed before it is shown, each word for word.
    prerequisites: Vec<String>,
    /// What to know before reaching it.
    note: Option<String>,
    visibility: Visibility,
    availability: ReferentAvailability,
    /// The day on which it can be reached again; null: it can now.
    reopens_on: Option<NaiveDate>,
    freshness: Freshness,
    /// In a sentence.
    #[schema(example = "Joignable cette semaine.")]
    label: String,
    /// The function whose place it takes while that one is away.
    stands_in_for: Option<String>,
    /// What to send, with which body, to be shown how to reach it, or to have a message forwarded; null: not now.
    ask: Option<Ask>,
    /// For its keeper alone; to others it is shown by `ask`.
    channels: Option<Channels>,
    keeping: Option<Keeping>,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReferentAvailability {
    Available,
    /// Shown as often as it may be this week.
    Full,
    Absent,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Ask {
    #[schema(example = "POST")]
    method: &'static str,
    #[schema(example = "/v1/referents/019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11/showings")]
    url: String,
}

/// What its keeper sees of one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Keeping {
    verify_by: NaiveDate,
    weekly_cap: Option<u16>,
    /// How often it was shown this week.
    shown_this_week: u32,
    /// First and last day.
    #[schema(value_type = Vec<String>, example = json!(["2026-12-24/2027-01-02"]))]
    absences: Vec<Absence>,
    substitute: Option<Uuid>,
    suspended: bool,
    /// As in its `ETag`.
    version: i32,
    /// Its address seems to be one person's: one of the function goes on working when that person leaves, or is away.
    email_looks_personal: bool,
    /// Where each field comes from, and since when.
    provenance: BTreeMap<String, FieldOrigin>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FieldOrigin {
    /// Slug of the organisation that keeps it.
    #[schema(example = "caf-35")]
    source: String,
    date: NaiveDate,
}

/// The referent contacts that the caller may know of, by id.
///
/// To a mediator: those seen from its territory, without how to reach them. To an institution's editor, with `kept`: those that its
/// organisation keeps, whole.
#[utoipa::path(
    operation_id = "list_referents",
    tag = "Contacts",
    params(
        ("institution" = Option<String>, Query, min_length = 1, description = "Slug of the institution"),
        ("departement" = Option<String>, Query, min_length = 2, max_length = 3, description = "INSEE code of the département of residence"),
        ("procedure" = Option<String>, Query, min_length = 1, description = "Slug of the procedure"),
        ("reason" = Option<ContactReason>, Query, description = "What it is to be used for"),
        ("kept" = Option<bool>, Query, description = "Those that the caller's own organisation keeps; by default for who is no mediator"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of referent contacts", body = inline(Page<ReferentItem>)))
)]
#[get("/v1/referents")]
async fn list_referents(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_referents")?;
    let limit = limit(&fields);
    let after = fields.uuid("cursor");
    let directory = state.snapshot.get();
    let procedure = fields.text("procedure", 100).map(str::to_owned);
    if let Some(slug) = &procedure {
        check_procedure(&fields, "procedure", &directory, slug);
    }
    let institution = fields.text("institution", 100).map(str::to_owned);
    if let Some(slug) = institution.as_deref().filter(|slug| directory.catalogue.institution(slug).is_none()) {
        fields.report(Kind::InvalidValue, "institution", format!("« {slug} » n'est pas un organisme connu ; voir /v1/institutions."));
    }
    let departement = fields.text("departement", 3).map(str::to_owned);
    if let Some(code) = departement.as_deref().filter(|code| Territory::parse(&[code]).is_err()) {
        fields.report(Kind::InvalidValue, "departement", format!("« {code} » n'est pas un code de département : 35, 2A, 974."));
    }
    let reason: Option<ContactReason> = fields.code("reason");
    let kept = if fields.has("kept") { fields.flag("kept") } else { Some(!agent.has(Role::Mediator)) };
    let kept = fields.finish(kept)?;
    let shown = Shown { catalogue: &directory.catalogue, language: Language::of(&request), day: day_of(Utc::now()) };
    let is_wanted = |referent: &Referent| {
        institution.as_ref().is_none_or(|slug| referent.institution == *slug)
            && departement.as_deref().is_none_or(|code| referent.territory.covers(code))
            && procedure.as_ref().is_none_or(|slug| referent.procedures.is_empty() || referent.procedures.contains(slug))
            && reason.is_none_or(|reason| referent.reasons.contains(&reason))
    };
    if kept {
        if !agent.has(Role::InstitutionEditor) {
            return Err(Problem::new(Kind::Forbidden, "Seul un gestionnaire d'organisme tient des contacts."));
        }
        let mut scope = own_scope(&state, &agent).await?;
        let found = referents::list(&mut scope, after, i64::MAX).await?;
        scope.commit().await?;
        let found: Vec<Record> = found.into_iter().filter(|record| is_wanted(&record.kept.referent)).take(limit + 1).collect();
        let cursor = |last: &Record| last.kept.referent.id.to_string();
        return private(HttpResponse::Ok(), &Page::cut(found, limit, cursor, |record| shown.whole(&record, &agent.organisation)));
    }
    if !agent.has(Role::Mediator) {
        return Err(Problem::new(Kind::Forbidden, "Les contacts des organismes sont montrés aux médiateurs."));
    }
    let book = state.referents.get();
    let territory = &agent.identity.grant.territory;
    let is_told = |kept: &&Kept| kept.referent.is_live(shown.day) && kept.referent.is_seen_from(territory) && is_wanted(&kept.referent);
    let found: Vec<&Kept> = book.after(after).filter(is_told).take(limit + 1).collect();
    let page = Page::cut(found, limit, |last| last.referent.id.to_string(), |kept| shown.for_mediator(kept));
    private(HttpResponse::Ok(), &page)
}

/// Adds a contact of the editor's institution.
///
/// It is told of in answers within two seconds, on every node.
#[utoipa::path(
    operation_id = "create_referent",
    tag = "Contacts",
    request_body = NewReferent,
    responses((status = 201, description = "Added", body = ReferentItem, headers(
        ("Location" = String, description = "Where it can be read"),
        ("ETag" = String, description = "Its version"),
    )))
)]
#[post("/v1/referents")]
async fn create_referent(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_referent")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewReferent"))?;
    let (directory, today) = (state.snapshot.get(), day_of(Utc::now()));
    let blank = blank(&agent, today);
    let read = read(&fields, &directory, &blank, today);
    let new = fields.finish(read)?;
    check_rights(&agent, &new)?;
    let mut scope = own_scope(&state, &agent).await?;
    check_substitute(&mut scope, &new).await?;
    let keeper = own_organisation(&state, &agent).await?;
    let record = referents::create(&mut scope, &agent.actor(), keeper, new, Origin::Edit, today).await?;
    scope.commit().await?;
    state.contacts_changed().await;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/v1/referents/{}", record.kept.referent.id)));
    tagged(response, &request, &directory, &record, &agent)
}

/// One contact, as far as the caller may know it.
///
/// Whole for its keeper; to a mediator, without how to reach it.
#[utoipa::path(
    operation_id = "get_referent",
    tag = "Contacts",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent")),
    responses((status = 200, description = "The contact", body = ReferentItem))
)]
#[get("/v1/referents/{id}")]
async fn get_referent(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_referent")?;
    let id = referent_id(&request)?;
    let directory = state.snapshot.get();
    if agent.has(Role::InstitutionEditor) {
        let mut scope = own_scope(&state, &agent).await?;
        let held = referents::hold(&mut scope, id).await?;
        scope.commit().await?;
        if let Some(record) = held {
            return tagged(HttpResponse::Ok(), &request, &directory, &record, &agent);
        }
    }
    let shown = Shown { catalogue: &directory.catalogue, language: Language::of(&request), day: day_of(Utc::now()) };
    let book = state.referents.get();
    let is_told = |kept: &&Kept| kept.referent.is_live(shown.day) && kept.referent.is_seen_from(&agent.identity.grant.territory);
    let kept = book.find(id).filter(is_told).filter(|_| agent.has(Role::Mediator)).ok_or_else(unknown)?;
    private(HttpResponse::Ok(), &shown.for_mediator(kept))
}

/// Changes a contact, suspends it, says that it is still right, or hands it over.
///
/// `verify_by` alone says that it is still right. With `keeper`, another organisation keeps it from now on.
#[utoipa::path(
    operation_id = "update_referent",
    tag = "Contacts",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent"),
        ("If-Match" = String, Header, example = "*", description = "`ETag` of the contact as the caller knows it, or `*`"),
    ),
    request_body = ReferentChange,
    responses(
        (status = 200, description = "The contact as it is now", body = ReferentItem, headers(("ETag" = String, description = "Its version"))),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[patch("/v1/referents/{id}")]
async fn update_referent(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_referent")?;
    let fields = Fields::from_json(body, &spec::body_fields("ReferentChange"))?;
    let id = referent_id(&request)?;
    let (directory, today) = (state.snapshot.get(), day_of(Utc::now()));
    let mut scope = own_scope(&state, &agent).await?;
    let held = referents::hold(&mut scope, id).await?.ok_or_else(unknown)?;
    check_version(&request, held.version)?;
    let to = fields.text("keeper", 100).map(str::to_owned);
    let read = read(&fields, &directory, &held.kept.referent, today);
    if to.is_some() && read.as_ref().is_some_and(|after| *after != held.kept.referent) {
        fields.report(Kind::InvalidValue, "keeper", "Un contact se transmet tel quel : changez-le avant, ou après.");
    }
    let after = fields.finish(read)?;
    check_rights(&agent, &held.kept.referent)?;
    check_rights(&agent, &after)?;
    let record = if let Some(to) = to {
        let to = organisations::with_slug(&mut scope, &to).await?.ok_or_else(|| {
            let detail = format!("« {to} » n'est pas une organisation connue ici : son administrateur doit d'abord l'y inscrire.");
            Problem::field(Kind::InvalidValue, "/keeper", detail)
        })?;
        // The row leaves what this organisation sees.
        scope.enter(Scope::System).await?;
        referents::hand_over(&mut scope, &agent.actor(), &held, to.id, today).await?
    } else {
        check_substitute(&mut scope, &after).await?;
        referents::change(&mut scope, &agent.actor(), &held, after, Origin::Edit, today).await?
    };
    scope.commit().await?;
    state.contacts_changed().await;
    tagged(HttpResponse::Ok(), &request, &directory, &record, &agent)
}

/// Removes a contact.
///
/// Its history stays, and it can be brought back from there.
#[utoipa::path(
    operation_id = "remove_referent",
    tag = "Contacts",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent"),
        ("If-Match" = String, Header, example = "*", description = "`ETag` of the contact as the caller knows it, or `*`"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/referents/{id}")]
async fn remove_referent(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("remove_referent")?;
    let id = referent_id(&request)?;
    let mut scope = own_scope(&state, &agent).await?;
    let held = referents::hold(&mut scope, id).await?.ok_or_else(unknown)?;
    check_version(&request, held.version)?;
    check_rights(&agent, &held.kept.referent)?;
    referents::remove(&mut scope, &agent.actor(), &held).await?;
    scope.commit().await?;
    state.contacts_changed().await;
    Ok(HttpResponse::NoContent().finish())
}

/// What a new one is before anything is said of it.
fn blank(agent: &Agent, today: NaiveDate) -> Referent {
    let grant = &agent.identity.grant;
    Referent {
        id: Uuid::now_v7(),
        institution: grant.institution.clone().unwrap_or_default(),
        function: String::new(),
        territory: grant.territory.clone(),
        procedures: Vec::new(),
        channels: Channels::default(),
        hours: None,
        reasons: <ContactReason as strum::VariantArray>::VARIANTS.to_vec(),
        visibility: Visibility::SameTerritory,
        verify_by: today.checked_add_months(VERIFIED_FOR).unwrap_or(today),
        prerequisites: Vec::new(),
        weekly_cap: None,
        absences: Vec::new(),
        substitute: None,
        suspended: false,
        note: None,
    }
}

/// What a body makes of one; what isn't given stays. Everything wrong is noted in `fields`.
fn read(fields: &Fields, directory: &Directory, before: &Referent, today: NaiveDate) -> Option<Referent> {
    let mut it = before.clone();
    clear(fields, &mut it);
    if let Some(slug) = fields.text("institution", 100) {
        slug.clone_into(&mut it.institution);
    }
    if directory.catalogue.institution(&it.institution).is_none() {
        let detail = format!("« {} » n'est pas un organisme connu ; voir /v1/institutions.", it.institution);
        fields.report(Kind::InvalidValue, "institution", detail);
    }
    if fields.has("function") {
        it.function = line(fields, "function", MAX_FUNCTION).unwrap_or_default();
    }
    if it.function.is_empty() && fields.is_sound() {
        fields.report(Kind::InvalidValue, "function", "Une fonction est attendue : un rôle, jamais le nom de quelqu'un.");
    }
    if fields.has("territory") {
        match Territory::parse(&fields.texts("territory", MAX_PROCEDURES)) {
            Ok(territory) => it.territory = territory,
            Err(code) => fields.report(
                Kind::InvalidValue,
                "territory",
                format!("« {code} » n'est pas un code de département (35, 2A, 974), ni « FR »."),
            ),
        }
    }
    if it.territory.codes().is_empty() && fields.is_sound() {
        fields.report(Kind::InvalidValue, "territory", "Un département au moins est attendu, ou « FR ».");
    }
    if fields.has("procedures") {
        it.procedures = fields.texts("procedures", MAX_PROCEDURES);
        it.procedures.sort();
        it.procedures.dedup();
        it.procedures.iter().for_each(|slug| check_procedure(fields, "procedures", directory, slug));
    }
    read_channels(fields, &mut it);
    if let Some(hours) = fields.text("hours", MAX_HOURS) {
        if let Err(fault) = opening::check_syntax(hours) {
            let detail = format!("Des horaires au format OSM sont attendus, par exemple « Mo-Fr 09:00-12:00 » ({fault}).");
            fields.report(Kind::InvalidValue, "hours", detail);
        }
        it.hours = Some(hours.to_owned());
    }
    if fields.has("reasons") {
        it.reasons = fields.codes("reasons");
        if it.reasons.is_empty() && fields.is_sound() {
            let allowed = all::<ContactReason>().into_iter().map(str::to_owned).collect();
            fields.report_with(Kind::InvalidValue, "reasons", "Une raison au moins est attendue.", allowed);
        }
    }
    it.visibility = fields.code("visibility").unwrap_or(it.visibility);
    if let Some(day) = day(fields, "verify_by") {
        let latest = today.checked_add_days(LONGEST_VERIFIED).unwrap_or(today);
        if day < today || day > latest {
            fields.report(Kind::InvalidValue, "verify_by", format!("Un jour du {today} au {latest} est attendu."));
        }
        it.verify_by = day;
    }
    if fields.has("prerequisites") {
        it.prerequisites = lines(fields, "prerequisites", MAX_PREREQUISITES);
    }
    if let Some(cap) = fields.integer("weekly_cap", 0..=MAX_WEEKLY) {
        it.weekly_cap = u16::try_from(cap).ok();
    }
    if fields.has("absences") {
        it.absences = absences(fields);
    }
    if let Some(id) = fields.uuid("substitute") {
        if id == it.id {
            fields.report(Kind::InvalidValue, "substitute", "Un contact ne se remplace pas lui-même.");
        }
        it.substitute = Some(id);
    }
    if fields.has("suspended") {
        it.suspended = fields.flag("suspended").unwrap_or(it.suspended);
    }
    if fields.has("note") {
        it.note = free_text(fields, "note", MAX_NOTE);
    }
    if it.channels.is_empty() && fields.is_sound() {
        let detail = "Une voie au moins est attendue : « channels/email », « channels/phone » ou « channels/platform ».";
        fields.report(Kind::InvalidValue, "channels/email", detail);
    }
    if it.visibility == Visibility::Relay && it.channels.email.is_none() && fields.is_sound() {
        fields.report(
            Kind::InvalidValue,
            "channels/email",
            "Un relais transmet les messages par courriel : donnez l'adresse de la fonction.",
        );
    }
    fields.is_sound().then_some(it)
}

/// Empties the fields that a body says to.
fn clear(fields: &Fields, it: &mut Referent) {
    for field in fields.codes::<Clearable>("clear") {
        match field {
            Clearable::Email => it.channels.email = None,
            Clearable::Phone => it.channels.phone = None,
            Clearable::Platform => it.channels.platform = None,
            Clearable::Hours => it.hours = None,
            Clearable::WeeklyCap => it.weekly_cap = None,
            Clearable::Substitute => it.substitute = None,
            Clearable::Note => it.note = None,
        }
    }
}

fn read_channels(fields: &Fields, it: &mut Referent) {
    if let Some(text) = fields.text("channels/email", 254) {
        let found = contact::emails(text);
        if found.first.is_none() || !found.others.is_empty() || found.unreadable {
            fields.report(Kind::InvalidValue, "channels/email", "Une adresse de courriel est attendue, et une seule.");
        }
        it.channels.email = found.first;
    }
    if let Some(text) = fields.text("channels/phone", 40) {
        let departement = it.territory.codes().first().map_or("", String::as_str);
        let found = contact::phones(text, departement);
        if found.first.is_none() || !found.others.is_empty() || found.unreadable {
            fields.report(Kind::InvalidValue, "channels/phone", "Un numéro de téléphone est attendu, et un seul : 02 99 00 00 00, 3646.");
        }
        it.channels.phone = found.first;
    }
    let (label, url) = (line(fields, "channels/platform/label", MAX_FUNCTION), fields.text("channels/platform/url", 500));
    if let Some(url) = url {
        let is_sound = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        if !is_sound {
            fields.report(Kind::InvalidValue, "channels/platform/url", "Une adresse « https://… » est attendue.");
        }
        let label = label.or_else(|| it.channels.platform.take().map(|link| link.label));
        it.channels.platform = Some(PlatformLink { label: label.unwrap_or_else(|| "Plateforme".to_owned()), url: url.to_owned() });
    } else if let Some(label) = label {
        match &mut it.channels.platform {
            Some(link) => link.label = label,
            None => fields.report(Kind::InvalidValue, "channels/platform/url", "L'adresse de cette plateforme est attendue."),
        }
    }
}

/// A line without identifiers of persons.
fn line(fields: &Fields, name: &str, longest: usize) -> Option<String> {
    fields.line(name, longest)?;
    free_text(fields, name, longest).map(|text| text.trim().to_owned())
}

/// Distinct lines, in the order given.
fn lines(fields: &Fields, name: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in fields.texts(name, most) {
        let text = text.trim().to_owned();
        if text.chars().any(char::is_control) || text.chars().count() > 200 {
            fields.report(Kind::InvalidValue, name, "Chaque valeur est une ligne de 200 caractères au plus.");
        } else if !lines.contains(&text) {
            lines.push(text);
        }
    }
    lines
}

fn absences(fields: &Fields) -> Vec<Absence> {
    let mut absences = Vec::new();
    for text in fields.texts("absences", MAX_ABSENCES) {
        match Absence::parse(&text) {
            Some(absence) => absences.push(absence),
            None => fields.report(
                Kind::InvalidValue,
                "absences",
                format!("« {text} » n'est pas une absence : le premier et le dernier jour, par exemple 2026-12-24/2027-01-02."),
            ),
        }
    }
    absences.sort();
    if let Some((one, other)) = overlap(&absences) {
        let detail = format!("Deux absences se recouvrent : {} et {}.", String::from(one), String::from(other));
        fields.report(Kind::InvalidValue, "absences", detail);
    }
    absences
}

fn day(fields: &Fields, name: &str) -> Option<NaiveDate> {
    match fields.moment(name)? {
        Moment::Day(day) => Some(day),
        Moment::Instant(_) => {
            fields.report(Kind::InvalidValue, name, "Un jour est attendu, par exemple 2027-05-31.");
            None
        }
    }
}

/// An editor keeps the contacts of one institution, on one territory.
///
/// # Errors
/// 403, saying which.
pub(super) fn check_rights(agent: &Agent, referent: &Referent) -> Result<(), Problem> {
    let grant = &agent.identity.grant;
    if grant.edits_institution(&referent.institution, &referent.territory) {
        return Ok(());
    }
    let own = grant.institution.as_deref().unwrap_or("aucun organisme");
    let detail = if grant.institution.as_deref() == Some(referent.institution.as_str()) {
        let (wanted, own) = (referent.territory.codes().join(", "), grant.territory.codes().join(", "));
        format!("Votre territoire est : {own}. Ce contact serait pour : {wanted}. Rien n'a été changé.")
    } else {
        format!("Vous tenez les contacts de « {own} », pas ceux de « {} ». Rien n'a été changé.", referent.institution)
    };
    Err(Problem::new(Kind::Forbidden, detail))
}

/// A substitute is of the same institution, and kept by the same organisation.
async fn check_substitute(scope: &mut Scoped, referent: &Referent) -> Result<(), Problem> {
    let Some(id) = referent.substitute else { return Ok(()) };
    if referents::institution_of(scope, id).await?.is_some_and(|institution| institution == referent.institution) {
        return Ok(());
    }
    let detail = "Aucun contact de cet identifiant parmi ceux que votre organisation tient pour le même organisme.";
    Err(Problem::field(Kind::InvalidValue, "/substitute", detail))
}

/// The organisation of the caller, and what belongs to it.
pub(super) async fn own_scope(state: &State, agent: &Agent) -> Result<Scoped, Problem> {
    let organisation = own_organisation(state, agent).await?;
    Ok(scoped(&state.database, Scope::Organisation(organisation)).await?)
}

async fn own_organisation(state: &State, agent: &Agent) -> Result<Uuid, Problem> {
    Ok(state.organisations.ensure(&agent.organisation).await?)
}

pub(super) fn referent_id(request: &HttpRequest) -> Result<Uuid, Problem> {
    Uuid::parse_str(segment(request, "id")).map_err(|_| unknown())
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("Contact")
}

/// An answer to its keeper, with its version.
fn tagged(
    mut response: HttpResponseBuilder,
    request: &HttpRequest,
    directory: &Directory,
    record: &Record,
    agent: &Agent,
) -> Result<HttpResponse, Problem> {
    let shown = Shown { catalogue: &directory.catalogue, language: Language::of(request), day: day_of(Utc::now()) };
    response.insert_header((header::ETAG, format!("W/\"{}\"", record.version)));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    json(response, &shown.whole(record, &agent.organisation))
}

/// How contacts are told of, in one language, on one day.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub catalogue: &'a Catalogue,
    pub language: Language,
    pub day: NaiveDate,
}

impl Shown<'_> {
    /// As an answer tells of one.
    pub(super) fn told(&self, told: &Told<'_>) -> ReferentItem {
        let Told { referent, availability, freshness, stands_in_for } = *told;
        let label = |slug: &str, found: Option<&str>| Named { slug: slug.to_owned(), label: found.unwrap_or(slug).to_owned() };
        let procedure = |slug: &String| label(slug, self.catalogue.procedure(slug).map(|it| it.label.as_str()));
        let step = if referent.visibility == Visibility::Relay { "messages" } else { "showings" };
        let is_available = availability == Availability::Available;
        ReferentItem {
            id: referent.id,
            institution: label(&referent.institution, self.catalogue.institution(&referent.institution).map(|it| it.label.as_str())),
            function: referent.function.clone(),
            territory: referent.territory.codes().to_vec(),
            procedures: referent.procedures.iter().map(procedure).collect(),
            reasons: referent.reasons.clone(),
            hours: referent.hours.clone(),
            prerequisites: referent.prerequisites.clone(),
            note: referent.note.clone(),
            visibility: referent.visibility,
            availability: match availability {
                Availability::Available => ReferentAvailability::Available,
                Availability::Full { .. } => ReferentAvailability::Full,
                Availability::Absent { .. } => ReferentAvailability::Absent,
            },
            reopens_on: availability.reopens_on(),
            freshness,
            label: texts::referent(self.language, availability, freshness),
            stands_in_for: stands_in_for.map(|absent| absent.function.clone()),
            ask: is_available.then(|| Ask { method: "POST", url: format!("/v1/referents/{}/{step}", referent.id) }),
            channels: None,
            keeping: None,
        }
    }

    fn for_mediator(&self, kept: &Kept) -> ReferentItem {
        self.told(&Told {
            referent: &kept.referent,
            availability: kept.availability(self.day),
            freshness: kept.referent.freshness(self.day),
            stands_in_for: None,
        })
    }

    /// As its keeper sees it. `keeper`: the slug of its organisation.
    pub(super) fn whole(&self, record: &Record, keeper: &str) -> ReferentItem {
        let it = &record.kept.referent;
        let is_this_week = record.kept.week == aiguilleur_domain::referent::week_of(self.day);
        ReferentItem {
            channels: Some(it.channels.clone()),
            keeping: Some(Keeping {
                verify_by: it.verify_by,
                weekly_cap: it.weekly_cap,
                shown_this_week: if is_this_week { record.kept.shown } else { 0 },
                absences: it.absences.clone(),
                substitute: it.substitute,
                suspended: it.suspended,
                version: record.version,
                email_looks_personal: it.channels.email.as_deref().and_then(contact::looks_private).is_some(),
                provenance: record
                    .dates
                    .iter()
                    .map(|(field, date)| (field.clone(), FieldOrigin { source: keeper.to_owned(), date: *date }))
                    .collect(),
            }),
            ..self.for_mediator(&record.kept)
        }
    }
}
