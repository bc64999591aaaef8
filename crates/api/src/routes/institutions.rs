//! `/v1/institutions`: the bodies in charge.

use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_domain::procedure::{FactSource, Institution};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Page, limit};
use crate::problem::Problem;
use crate::request::{JSON, Query, State, bytes, directory_read, segment};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_institutions).service(get_institution);
}

/// An institution and its public channels.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct InstitutionItem {
    #[schema(example = "caf")]
    slug: String,
    #[schema(example = "CAF")]
    label: String,
    #[schema(example = "Caisse d'allocations familiales")]
    name: String,
    website: Option<String>,
    /// Digits as dialled.
    phone: Option<String>,
    /// The area one of its counters usually serves.
    territory: Option<String>,
    former_names: Vec<String>,
    /// Where each field was read, and its date.
    provenance: Vec<FactSource>,
}

/// The institutions, by slug.
///
/// The bodies in charge of procedures, with their public channels.
#[utoipa::path(
    operation_id = "list_institutions",
    tag = "Annuaire",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 2, description = "20 by default"),
        ("cursor" = Option<String>, Query, min_length = 1, max_length = 200, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of institutions", body = inline(Page<InstitutionItem>)))
)]
#[get("/v1/institutions")]
async fn list_institutions(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let limit = limit(&fields);
    let after = fields.text("cursor", 200).map(str::to_owned);
    fields.finish(Some(()))?;
    directory_read(&request, directory.revision, JSON, |_| {
        let all = directory.catalogue.institutions().iter();
        let found: Vec<&Institution> = all.filter(|it| after.as_ref().is_none_or(|after| it.slug > *after)).take(limit + 1).collect();
        bytes(&Page::cut(found, limit, |last| last.slug.clone(), show))
    })
}

/// One institution.
///
/// Its names, and how the public reaches it.
#[utoipa::path(
    operation_id = "get_institution",
    tag = "Annuaire",
    params(("slug" = String, Path, description = "Slug of the institution", example = "caf")),
    responses((status = 200, description = "The institution", body = InstitutionItem))
)]
#[get("/v1/institutions/{slug}")]
async fn get_institution(request: HttpRequest, state: State, _query: Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let institution = directory.catalogue.institution(segment(&request, "slug")).ok_or_else(|| Problem::not_found("Organisme"))?;
    directory_read(&request, directory.revision, JSON, |_| bytes(&show(institution)))
}

pub(super) fn show(institution: &Institution) -> InstitutionItem {
    InstitutionItem {
        slug: institution.slug.clone(),
        label: institution.label.clone(),
        name: institution.name.clone(),
        website: institution.website.clone(),
        phone: institution.phone.clone(),
        territory: institution.territory.clone(),
        former_names: institution.former_names.clone(),
        provenance: institution.sources.clone(),
    }
}
