//! `/v1/organisations`: for whom agents act. One is also born at its first referral; here it gets a name and rights.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use aiguilleur_storage::organisations::{self, Organisation};
use aiguilleur_storage::{Scope, scoped};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{Page, limit, wanted};
use crate::auth::{Caller, is_slug};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, json, segment};
use crate::spec;

const MAX_NAME: usize = 200;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_organisations).service(create_organisation).service(get_organisation).service(update_organisation);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewOrganisation {
    /// Its name in tokens; it never changes.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "ccas-de-demonstration")]
    slug: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "CCAS de démonstration")]
    name: Option<String>,
    /// Whether its partner tools may record referrals; no by default.
    may_refer: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct OrganisationChange {
    #[schema(min_length = 1, max_length = 200, example = "CCAS de démonstration")]
    name: Option<String>,
    #[schema(example = true)]
    may_refer: Option<bool>,
}

/// An organisation, as its administrator keeps it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OrganisationItem {
    id: Uuid,
    #[schema(example = "ccas-de-demonstration")]
    slug: String,
    name: Option<String>,
    /// Whether its partner tools may record referrals.
    may_refer: bool,
    created_at: DateTime<Utc>,
}

/// Every organisation, by slug.
///
/// Those too that nobody made: one is born at its first referral.
#[utoipa::path(
    operation_id = "list_organisations",
    tag = "Accès",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[A-Za-z0-9._-]{1,100}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of organisations", body = inline(Page<OrganisationItem>)))
)]
#[get("/v1/organisations")]
async fn list_organisations(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    caller.may("list_organisations")?;
    let limit = limit(&fields);
    let after = fields.text("cursor", 100).map(str::to_owned);
    if after.as_deref().is_some_and(|slug| !is_slug(slug)) {
        fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
    }
    fields.finish(Some(()))?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let found = organisations::list(&mut scope, after.as_deref(), wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.slug.clone(), show))
}

/// Makes an organisation.
///
/// Its slug is what tokens name it by.
#[utoipa::path(
    operation_id = "create_organisation",
    tag = "Accès",
    request_body = NewOrganisation,
    responses(
        (status = 201, description = "Made", body = OrganisationItem, headers(("Location" = String, description = "Where it can be read"))),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/organisations")]
async fn create_organisation(state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_organisation")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewOrganisation"))?;
    let slug = required_slug(&fields, "slug");
    let name = fields.line("name", MAX_NAME).map(str::to_owned);
    let may_refer = if fields.has("may_refer") { fields.flag("may_refer") } else { None };
    let slug = fields.finish(slug)?;
    let new = Organisation { id: Uuid::now_v7(), slug, created_at: Utc::now(), name, may_refer: may_refer.unwrap_or_default() };
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    organisations::create(&mut scope, &agent.actor(), &new).await?;
    scope.commit().await?;
    state.access_changed().await;
    let mut response = HttpResponse::Created();
    response.insert_header(("Location", format!("/v1/organisations/{}", new.id)));
    private(response, &show(new))
}

/// One organisation.
///
/// By its id.
#[utoipa::path(
    operation_id = "get_organisation",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation")),
    responses((status = 200, description = "The organisation", body = OrganisationItem))
)]
#[get("/v1/organisations/{id}")]
async fn get_organisation(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    caller.may("get_organisation")?;
    let id = organisation_id(&request)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let found = organisations::find(&mut scope, id).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(found.ok_or_else(unknown)?))
}

/// Changes an organisation's name or its right to refer.
///
/// What isn't given stays.
#[utoipa::path(
    operation_id = "update_organisation",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation")),
    request_body = OrganisationChange,
    responses((status = 200, description = "The organisation as it is now", body = OrganisationItem))
)]
#[patch("/v1/organisations/{id}")]
async fn update_organisation(
    request: HttpRequest,
    state: State,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_organisation")?;
    let fields = Fields::from_json(body, &spec::body_fields("OrganisationChange"))?;
    let name = fields.line("name", MAX_NAME).map(str::to_owned);
    let may_refer = if fields.has("may_refer") { fields.flag("may_refer") } else { None };
    if fields.is_sound() && name.is_none() && may_refer.is_none() {
        fields.report(Kind::InvalidValue, "name", "Donnez ce qui change : « name », « may_refer », ou les deux.");
    }
    fields.finish(Some(()))?;
    let id = organisation_id(&request)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let changed = organisations::update(&mut scope, &agent.actor(), id, name, may_refer).await?.ok_or_else(unknown)?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Ok(), &show(changed))
}

/// The organisation that a path names.
pub(super) fn organisation_id(request: &HttpRequest) -> Result<Uuid, Problem> {
    Uuid::parse_str(segment(request, "id")).map_err(|_| unknown())
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("Organisation")
}

/// A slug that must be there.
pub(super) fn required_slug(fields: &Fields, name: &str) -> Option<String> {
    if !fields.has(name) {
        fields.report(Kind::InvalidValue, name, "Une valeur est attendue.");
    }
    let slug = fields.text(name, 100)?;
    if !is_slug(slug) {
        fields.report(Kind::InvalidValue, name, "Un nom court est attendu : lettres sans accent, chiffres, points, tirets.");
        return None;
    }
    Some(slug.to_owned())
}

/// An answer that nobody but the caller may keep.
pub(super) fn private(mut response: actix_web::HttpResponseBuilder, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    response.insert_header(("Cache-Control", "no-store"));
    json(response, body)
}

fn show(organisation: Organisation) -> OrganisationItem {
    let Organisation { id, slug, created_at, name, may_refer } = organisation;
    OrganisationItem { id, slug, name, may_refer, created_at }
}
