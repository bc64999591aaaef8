//! `/v1/procedures`: the démarches that people name.

use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_domain::procedure::{Basis, FactSource, FranceServicesHelp, Hotline, Mandate, Procedure, TerritoryRule};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Named, Page, limit};
use crate::problem::{Kind, Problem};
use crate::request::{JSON, Query, State, bytes, directory_read, segment};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_procedures).service(get_procedure);
}

/// A procedure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProcedureItem {
    #[schema(example = "rsa")]
    slug: String,
    #[schema(example = "Demander le RSA (revenu de solidarité active)")]
    label: String,
    group: String,
    institution: Named,
    /// Everyday words for it.
    synonyms: Vec<String>,
    /// 1 to 4; 4: danger, or hours count.
    #[schema(minimum = 1, maximum = 4)]
    urgency: i16,
    mandate: Mandate,
    territory: TerritoryRule,
    france_services: FranceServicesHelp,
    documents: Vec<String>,
    official_url: Option<String>,
    hotline: Option<Hotline>,
    /// Danger: the hotline stands first in every answer.
    safety: bool,
    /// Handled discreetly.
    sensitive: bool,
    /// The apt kinds of target, best first, in the catalogue's words.
    targets: Vec<String>,
    /// Identifier of the official sheet on service-public.
    sheet: Option<String>,
    /// Read at the source and without a doubt left.
    verified: bool,
    basis: Basis,
    /// The month of the last check, as its first day; null: never checked.
    checked_on: Option<NaiveDate>,
    /// Where its facts were read.
    sources: Vec<FactSource>,
    note: Option<String>,
}

/// The procedures, by slug.
#[utoipa::path(
    operation_id = "list_procedures",
    tag = "Annuaire",
    params(
        ("q" = Option<String>, Query, description = "Words that each begin a word of its label, slug or synonyms"),
        ("institution" = Option<String>, Query, description = "Slug of the institution in charge"),
        ("group" = Option<String>, Query, description = "Group of the catalogue"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of procedures", body = inline(Page<ProcedureItem>)))
)]
#[get("/v1/procedures")]
async fn list_procedures(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let catalogue = &directory.catalogue;
    let limit = limit(&fields);
    let words = fields.text("q", 200).map(str::to_owned);
    let after = fields.text("cursor", 200).map(str::to_owned);
    let institution = fields.text("institution", 100).map(str::to_owned);
    if let Some(slug) = institution.as_deref().filter(|slug| catalogue.institution(slug).is_none()) {
        let known = catalogue.institutions().iter().map(|body| body.slug.clone()).collect();
        fields.report_with(Kind::InvalidValue, "institution", format!("« {slug} » n'est pas un organisme connu."), known);
    }
    let group = fields.text("group", 100).map(str::to_owned);
    let groups: std::collections::BTreeSet<&str> = catalogue.procedures().iter().map(|it| it.group.as_str()).collect();
    if let Some(group) = group.as_deref().filter(|group| !groups.contains(group)) {
        let known = groups.iter().map(|&group| group.to_owned()).collect();
        fields.report_with(Kind::InvalidValue, "group", format!("« {group} » n'est pas un groupe connu."), known);
    }
    fields.finish(Some(()))?;
    directory_read(&request, directory.revision, JSON, |_| {
        let named: Box<dyn Iterator<Item = &Procedure>> = match &words {
            Some(words) => Box::new(catalogue.named(words)),
            None => Box::new(catalogue.procedures().iter()),
        };
        let found: Vec<&Procedure> = named
            .filter(|it| institution.as_ref().is_none_or(|slug| it.institution == *slug))
            .filter(|it| group.as_ref().is_none_or(|group| it.group == *group))
            .filter(|it| after.as_ref().is_none_or(|after| it.slug > *after))
            .take(limit + 1)
            .collect();
        bytes(&Page::cut(found, limit, |last| last.slug.clone(), |it| show(catalogue, it)))
    })
}

/// One procedure.
#[utoipa::path(
    operation_id = "get_procedure",
    tag = "Annuaire",
    params(("slug" = String, Path, example = "rsa")),
    responses((status = 200, description = "The procedure", body = ProcedureItem))
)]
#[get("/v1/procedures/{slug}")]
async fn get_procedure(request: HttpRequest, state: State, _query: Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let procedure = directory.catalogue.procedure(segment(&request, "slug")).ok_or_else(|| Problem::not_found("Démarche"))?;
    directory_read(&request, directory.revision, JSON, |_| bytes(&show(&directory.catalogue, procedure)))
}

fn show(catalogue: &Catalogue, procedure: &Procedure) -> ProcedureItem {
    let institution = institution_of(catalogue, procedure);
    ProcedureItem {
        hotline: procedure.hotline.as_deref().and_then(|line| Hotline::parse(line, &institution.label)),
        institution,
        slug: procedure.slug.clone(),
        label: procedure.label.clone(),
        group: procedure.group.clone(),
        synonyms: procedure.synonyms.clone(),
        urgency: procedure.urgency,
        mandate: procedure.mandate,
        territory: procedure.territory,
        france_services: procedure.france_services,
        documents: procedure.documents.clone(),
        official_url: procedure.official_url.clone(),
        safety: procedure.safety,
        sensitive: procedure.sensitive,
        targets: procedure.first_targets.clone(),
        sheet: procedure.sheet.clone(),
        verified: procedure.is_verified(),
        basis: procedure.basis,
        checked_on: procedure.checked_on,
        sources: procedure.sources.clone(),
        note: procedure.note.clone(),
    }
}

/// The institution in charge, named.
pub(super) fn institution_of(catalogue: &Catalogue, procedure: &Procedure) -> Named {
    let label = catalogue.institution(&procedure.institution).map_or(&procedure.institution, |institution| &institution.label);
    Named { slug: procedure.institution.clone(), label: label.clone() }
}
