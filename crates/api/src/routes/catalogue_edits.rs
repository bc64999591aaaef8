//! `PATCH /v1/procedures/{slug}` and `PATCH /v1/institutions/{slug}`: the administrator's hand on the catalogue. Each edit says where
//! what it changes was read, and its record's history keeps the state before.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, patch};
use aiguilleur_domain::catalogue_rules::Fault;
use aiguilleur_domain::escalation::{Appeal, Contested, Start, TimeLimit};
use aiguilleur_domain::fact::Fact;
use aiguilleur_domain::procedure::{Basis, FactSource, FranceServicesHelp, Institution, Mandate, Procedure, TerritoryRule};
use aiguilleur_storage::history::Entity;
use aiguilleur_storage::{Scope, Scoped, catalogue, scoped};
use chrono::{Datelike, NaiveDate, Utc};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::institutions::{self, InstitutionItem};
use super::organisations::private;
use super::procedures::{self, ProcedureItem};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{IfMatch, JsonBody, State, day_of, if_match, segment, tag};
use crate::spec;
use crate::texts::Language;

const MAX_LINE: usize = 500;
const MAX_ITEMS: usize = 50;
const MAX_STAGES: usize = 20;
/// How long an answer waits for this node to know what it changed.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(update_procedure).service(update_institution);
}

/// Where what is changed was read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct ChangeSource {
    #[schema(min_length = 1, max_length = 500)]
    title: String,
    #[schema(min_length = 1, max_length = 500)]
    url: Option<String>,
    /// The day, or the year, that the source itself bears; today, the day it was read, when left out.
    #[schema(pattern = "^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$")]
    date: Option<String>,
}

/// What isn't given stays. Null takes away what may be unknown: an address, a sheet, a line, a cost, a delay, a doubt, a note. What is
/// given again as it was counts as checked anew.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct ProcedureChange {
    #[schema(min_length = 1, max_length = 500)]
    label: Option<String>,
    #[schema(min_items = 1, max_items = 50)]
    synonyms: Option<Vec<String>>,
    /// Slug of the institution in charge.
    #[schema(min_length = 1, max_length = 100)]
    institution: Option<String>,
    #[schema(pattern = "^https://", max_length = 500)]
    official_url: Option<String>,
    /// Identifier of the official sheet on service-public.
    #[schema(min_length = 1, max_length = 100)]
    sheet: Option<String>,
    territory: Option<TerritoryRule>,
    mandate: Option<Mandate>,
    france_services: Option<FranceServicesHelp>,
    #[schema(minimum = 1, maximum = 4)]
    urgency: Option<i16>,
    /// The number, then what is said of it: `3230 (Caf)`.
    #[schema(min_length = 1, max_length = 500)]
    hotline: Option<String>,
    safety: Option<bool>,
    sensitive: Option<bool>,
    /// The apt kinds of target, best first, in the catalogue's words.
    #[schema(min_items = 1, max_items = 50)]
    targets: Option<Vec<String>>,
    /// The amicable track, in the catalogue's words.
    #[schema(min_items = 1, max_items = 50)]
    ladder: Option<Vec<String>>,
    #[schema(max_items = 50)]
    documents: Option<Vec<String>>,
    #[schema(max_items = 50)]
    steps: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 500)]
    cost: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    delay: Option<String>,
    #[schema(max_items = 50)]
    pitfalls: Option<Vec<String>>,
    /// The appeal, stage by stage: all of them.
    #[schema(max_items = 20)]
    appeals: Option<Vec<AppealChange>>,
    basis: Option<Basis>,
    /// What remains to be verified.
    #[schema(min_length = 1, max_length = 500)]
    doubt: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    note: Option<String>,
    source: ChangeSource,
}

/// One stage of the appeal track.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct AppealChange {
    /// The kind of decision it is for; any when left out.
    against: Option<Contested>,
    #[schema(min_length = 1, max_length = 500)]
    body: String,
    /// As the law writes it: `PT48H`, `P7D`, `P2M`, `P2Y`, or `YE+2`: until 31 December of the second year after.
    #[schema(pattern = "^(PT[0-9]{1,3}H|P[0-9]{1,3}[DMY]|YE\\+[0-9]{1,3})$")]
    deadline: Option<String>,
    from: Option<Start>,
    /// Computed as a *délai franc*.
    franc: Option<bool>,
    compulsory: Option<bool>,
    #[schema(min_length = 1, max_length = 500)]
    effect: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    law: Option<String>,
    /// Read at the source; no by default. What isn't is never shown with its time limit.
    verified: Option<bool>,
}

/// What isn't given stays. Null takes away an address, a number, a territory.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct InstitutionChange {
    #[schema(min_length = 1, max_length = 500)]
    label: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    name: Option<String>,
    #[schema(pattern = "^https://", max_length = 500)]
    website: Option<String>,
    /// Digits as dialled.
    #[schema(pattern = "^[0-9]{2,15}$")]
    phone: Option<String>,
    /// The area one of its counters usually serves: `commune`, `epci`, `departement`, `region`, `caisse`, `academie` or `national`.
    #[schema(min_length = 1, max_length = 100)]
    territory: Option<String>,
    #[schema(max_items = 50)]
    former_names: Option<Vec<String>>,
    source: ChangeSource,
}

/// Changes a procedure of the catalogue.
///
/// Each field that is given is from then on said to be known from `source`. The record's seed no longer touches it. Judged in this
/// order: no such procedure (404), each field of the body (422), no `If-Match` (428), a revision since which it changed (412), what the
/// catalogue's rules say of the whole (422).
#[utoipa::path(
    operation_id = "update_procedure",
    tag = "Annuaire",
    params(
        ("slug" = String, Path, description = "Slug of the procedure", example = "rsa"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the procedure as the caller knows it"),
    ),
    request_body = ProcedureChange,
    responses(
        (status = 200, description = "The procedure as it is now", body = ProcedureItem, headers(("ETag" = String, description = "Its version"))),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[patch("/v1/procedures/{slug}")]
async fn update_procedure(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_procedure")?;
    let fields = Fields::from_json(body, &spec::body_fields("ProcedureChange"))?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let slug = segment(&request, "slug");
    let Some(before) = catalogue::hold_procedure(&mut scope, slug).await? else { return Err(Problem::not_found("Démarche")) };
    let now = Utc::now();
    let after = changed_procedure(&fields, &before, day_of(now));
    let institutions = state.snapshot.get();
    if institutions.catalogue.institution(&after.institution).is_none() {
        let known = institutions.catalogue.institutions().iter().map(|body| body.slug.clone()).collect();
        let detail = format!("« {} » n'est pas un organisme connu.", after.institution);
        fields.report_with(Kind::InvalidValue, "institution", detail, known);
    }
    if fields.is_sound() {
        must_be_known(&request, &mut scope, Entity::Procedure, slug).await?;
    }
    report(&fields, after.faults());
    let after = fields.finish(Some(after))?;
    let revision = catalogue::edit_procedure(&mut scope, &agent.actor(), &after).await?;
    scope.commit().await?;
    until(&state, revision).await;
    let (language, today) = (Language::of(&request), day_of(now));
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, tag(&format!("{revision}-{today}"), language)));
    private(response, &procedures::show(&state.snapshot.get().catalogue, &after, language, today))
}

/// Changes an institution of the catalogue.
///
/// As a procedure: each field that is given is from then on said to be known from `source`.
#[utoipa::path(
    operation_id = "update_institution",
    tag = "Annuaire",
    params(
        ("slug" = String, Path, description = "Slug of the institution", example = "caf"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the institution as the caller knows it"),
    ),
    request_body = InstitutionChange,
    responses(
        (status = 200, description = "The institution as it is now", body = InstitutionItem, headers(("ETag" = String, description = "Its version"))),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[patch("/v1/institutions/{slug}")]
async fn update_institution(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_institution")?;
    let fields = Fields::from_json(body, &spec::body_fields("InstitutionChange"))?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let slug = segment(&request, "slug");
    let Some(before) = catalogue::hold_institution(&mut scope, slug).await? else { return Err(Problem::not_found("Organisme")) };
    let after = changed_institution(&fields, &before, day_of(Utc::now()));
    if fields.is_sound() {
        must_be_known(&request, &mut scope, Entity::Institution, slug).await?;
    }
    report(&fields, after.faults());
    let after = fields.finish(Some(after))?;
    let revision = catalogue::edit_institution(&mut scope, &agent.actor(), &after).await?;
    scope.commit().await?;
    until(&state, revision).await;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ETAG, tag(&revision, Language::of(&request))));
    private(response, &institutions::show(&after))
}

/// The same procedure with what a change gives, and where it was read.
fn changed_procedure(fields: &Fields, before: &Procedure, today: NaiveDate) -> Procedure {
    let mut edit = Edit { fields, given: Vec::new() };
    let mut after = before.clone();
    edit.line("label", &mut after.label);
    edit.list("synonyms", &mut after.synonyms);
    edit.line("institution", &mut after.institution);
    edit.some("official_url", &mut after.official_url);
    edit.some("sheet", &mut after.sheet);
    edit.value("territory", &mut after.territory, || fields.code("territory"));
    edit.value("mandate", &mut after.mandate, || fields.code("mandate"));
    edit.value("france_services", &mut after.france_services, || fields.code("france_services"));
    edit.value("urgency", &mut after.urgency, || fields.integer("urgency", 1..=4).and_then(|urgency| urgency.try_into().ok()));
    edit.some("hotline", &mut after.hotline);
    edit.value("safety", &mut after.safety, || fields.flag("safety"));
    edit.value("sensitive", &mut after.sensitive, || fields.flag("sensitive"));
    edit.list("targets", &mut after.first_targets);
    edit.list("ladder", &mut after.ladder);
    edit.list("documents", &mut after.documents);
    edit.list("steps", &mut after.steps);
    edit.some("cost", &mut after.cost);
    edit.some("delay", &mut after.delay);
    edit.list("pitfalls", &mut after.pitfalls);
    edit.value("basis", &mut after.basis, || fields.code("basis"));
    edit.some("doubt", &mut after.doubt);
    edit.some("note", &mut after.note);
    if fields.has("appeals") {
        let stages = fields.items("appeals");
        if stages > MAX_STAGES {
            fields.report(Kind::InvalidValue, "appeals", format!("{MAX_STAGES} étapes au plus."));
        }
        after.appeals = (0..stages).map(|place| stage(fields, place)).collect();
        edit.given.push(Fact::Appeal.into());
    }
    if edit.given.contains(&"basis") {
        // What stands from memory alone was never checked.
        after.checked_on = if after.basis == Basis::Memory { None } else { today.with_day(1) };
    }
    edit.source(&mut after.sources, today);
    after
}

fn stage(fields: &Fields, place: usize) -> Appeal {
    let name = |name: &str| format!("appeals/{place}/{name}");
    let line = |it: &str| fields.line(&name(it), MAX_LINE).map(str::to_owned);
    let flag = |it: &str| if fields.has(&name(it)) { fields.flag(&name(it)) } else { None };
    let against = match (line("against/slug"), line("against/label")) {
        (Some(slug), Some(label)) => Some(Contested { slug, label }),
        (None, None) => None,
        _ => {
            fields.report(Kind::InvalidValue, &name("against"), "« slug » et « label » vont ensemble.");
            None
        }
    };
    let within = fields.text(&name("deadline"), 10).and_then(|text| {
        let limit = TimeLimit::parse(text);
        if limit.is_none() {
            fields.report(Kind::InvalidValue, &name("deadline"), "Un délai est attendu : PT48H, P7D, P2M, P2Y ou YE+2.");
        }
        limit
    });
    let from: Option<Start> = if fields.has(&name("from")) { fields.code(&name("from")) } else { None };
    Appeal {
        against,
        body: line("body").unwrap_or_default(),
        within,
        from,
        franc: flag("franc").unwrap_or_default(),
        compulsory: flag("compulsory"),
        effect: line("effect"),
        law: line("law"),
        verified: flag("verified").unwrap_or_default(),
    }
}

/// The same institution with what a change gives, and where it was read.
fn changed_institution(fields: &Fields, before: &Institution, today: NaiveDate) -> Institution {
    let mut edit = Edit { fields, given: Vec::new() };
    let mut after = before.clone();
    edit.line("label", &mut after.label);
    edit.line("name", &mut after.name);
    edit.some("website", &mut after.website);
    edit.some("phone", &mut after.phone);
    edit.some("territory", &mut after.territory);
    edit.list("former_names", &mut after.former_names);
    edit.source(&mut after.sources, today);
    after
}

/// A change that is being read, and the fields that it gives.
struct Edit<'f> {
    fields: &'f Fields,
    given: Vec<&'static str>,
}

impl Edit<'_> {
    fn value<T>(&mut self, name: &'static str, into: &mut T, read: impl FnOnce() -> Option<T>) {
        if self.fields.is_null(name) {
            self.fields.report(Kind::InvalidValue, name, "Ce champ ne peut pas être vidé.");
        } else if self.fields.has(name) {
            self.given.push(name);
            if let Some(value) = read() {
                *into = value;
            }
        }
    }

    fn line(&mut self, name: &'static str, into: &mut String) {
        let fields = self.fields;
        self.value(name, into, || fields.line(name, MAX_LINE).map(str::to_owned));
    }

    fn list(&mut self, name: &'static str, into: &mut Vec<String>) {
        let fields = self.fields;
        self.value(name, into, || {
            let items = fields.texts(name, MAX_ITEMS);
            if items.iter().any(|item| item.chars().any(char::is_control)) {
                fields.report(Kind::InvalidValue, name, "Chaque valeur tient sur une ligne, sans caractère de commande.");
            }
            Some(items)
        });
    }

    /// What may be unknown: null takes it away.
    fn some(&mut self, name: &'static str, into: &mut Option<String>) {
        if self.fields.is_null(name) {
            self.given.push(name);
            *into = None;
        } else {
            let fields = self.fields;
            self.value(name, into, || fields.line(name, MAX_LINE).map(|text| Some(text.to_owned())));
        }
    }

    /// The sources of what is given: the one that the change names, in place of those before.
    fn source(self, sources: &mut Vec<FactSource>, today: NaiveDate) {
        let fields = self.fields;
        if !fields.has("source/title") {
            fields.report(Kind::InvalidValue, "source/title", "Dites où cela a été lu : le titre de la source est attendu.");
        }
        if self.given.is_empty() && fields.is_sound() {
            fields.report(Kind::InvalidValue, "label", "Donnez au moins un champ à changer.");
        }
        let title = fields.line("source/title", MAX_LINE).unwrap_or_default();
        let url = fields.line("source/url", MAX_LINE);
        if url.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            fields.report(Kind::InvalidValue, "source/url", "Une adresse en « https:// » est attendue.");
        }
        let date = fields.line("source/date", 10);
        let dated = FactSource {
            field: String::new(),
            title: title.to_owned(),
            url: url.map(str::to_owned),
            date: Some(date.map_or_else(|| today.to_string(), str::to_owned)),
        };
        if date.is_some_and(|date| ![4, 10].contains(&date.len())) || dated.day().is_none_or(|day| day > today) {
            fields.report(Kind::InvalidValue, "source/date", "Un jour passé est attendu, par exemple 2026-11-23, ou une année.");
        }
        sources.retain(|source| !self.given.contains(&source.field.as_str()));
        sources.extend(self.given.iter().map(|field| FactSource { field: (*field).to_owned(), ..dated.clone() }));
    }
}

/// Faults of the record as it would be, of the fields that have none yet.
fn report(fields: &Fields, faults: Vec<Fault>) {
    for Fault { field, detail, allowed } in faults {
        if !fields.is_faulty(&field) {
            fields.report_with(Kind::InvalidValue, &field, detail, allowed);
        }
    }
}

/// # Errors
/// 428 when the caller doesn't say what it knows of the record, 412 when that is no longer so.
async fn must_be_known(request: &HttpRequest, scope: &mut Scoped, entity: Entity, slug: &str) -> Result<(), Problem> {
    let tags = match if_match(request) {
        IfMatch::Any => return Ok(()),
        IfMatch::Missing => {
            let detail = "L'en-tête « If-Match » est attendu, avec l'« ETag » de la fiche telle que vous l'avez lue. Rien n'a été changé.";
            return Err(Problem::new(Kind::VersionRequired, detail));
        }
        IfMatch::Tags(tags) => tags,
    };
    // A tag begins with the directory's revision.
    for revision in tags.iter().filter_map(|tag| tag.split('-').next()?.parse().ok()) {
        if catalogue::is_as_of(scope, entity, slug, revision).await? {
            return Ok(());
        }
    }
    let detail = "Quelqu'un a changé cette fiche depuis que vous l'avez lue. Relisez-la, puis réessayez. Rien n'a été changé.";
    Err(Problem::new(Kind::VersionChanged, detail))
}

/// Waits until this node's directory has a revision, so that whoever changed something reads it; other nodes follow by themselves.
async fn until(state: &State, revision: i64) {
    let known = async {
        while state.snapshot.get().revision < revision {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Later is no fault: the change is made.
    let _ = tokio::time::timeout(PATIENCE, known).await;
}
