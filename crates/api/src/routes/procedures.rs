//! `/v1/procedures`: the démarches that people name.

use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_domain::fact::{Fact, Known};
use aiguilleur_domain::procedure::{Basis, FactSource, FranceServicesHelp, Hotline, Mandate, Procedure, TerritoryRule};
use chrono::{NaiveDate, Utc};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::escalation::{Escalation, escalation};
use super::{Named, Page, limit};
use crate::problem::{Kind, Problem};
use crate::request::{JSON, Query, State, bytes, day_of, directory_read_on, segment};
use crate::texts::Language;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_procedures).service(get_procedure);
}

/// A procedure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ProcedureItem {
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
    /// The papers to bring.
    documents: Vec<String>,
    /// What to do, in order.
    steps: Vec<String>,
    /// What it costs the person; null: not known.
    cost: Option<String>,
    /// How long it usually takes; null: not known.
    delay: Option<String>,
    /// What people stumble over, one line each.
    pitfalls: Vec<String>,
    escalation: Escalation,
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
    /// What remains to be verified.
    doubt: Option<String>,
    /// How each fact stated here is known. It depends on the day, as does the answer's tag.
    facts: Vec<FactItem>,
    /// Where its facts were read.
    sources: Vec<FactSource>,
    note: Option<String>,
}

/// How one fact of a procedure is known.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FactItem {
    fact: Fact,
    /// `read`, or from `memory`.
    basis: Basis,
    /// The day it was true, as far as is known.
    as_of: Option<NaiveDate>,
    /// The last day it may be relied upon; null: it was never checked.
    check_by: Option<NaiveDate>,
    /// Past that day, or never checked: check it before relying on it.
    to_check: bool,
}

impl FactItem {
    fn of(known: &Known, today: NaiveDate) -> Self {
        let Known { fact, basis, as_of, check_by } = *known;
        Self { fact, basis, as_of, check_by, to_check: known.is_to_check(today) }
    }
}

/// The procedures, by slug.
///
/// All of them, or those that a word, an institution or a group leaves.
#[utoipa::path(
    operation_id = "list_procedures",
    tag = "Annuaire",
    params(
        ("q" = Option<String>, Query, min_length = 1, max_length = 200, example = "rsa", description = "Words that each begin a word of its label, slug or synonyms"),
        ("institution" = Option<String>, Query, min_length = 1, description = "Slug of the institution in charge"),
        ("group" = Option<String>, Query, min_length = 1, description = "Group of the catalogue"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 1, description = "20 by default"),
        ("cursor" = Option<String>, Query, min_length = 1, max_length = 200, description = "`next_cursor` of the page before, as it was given"),
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
    let today = day_of(Utc::now());
    directory_read_on(&request, (directory.revision, today), JSON, |language| {
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
        bytes(&Page::cut(found, limit, |last| last.slug.clone(), |it| show(catalogue, it, language, today)))
    })
}

/// One procedure.
///
/// What to bring, what to do when blocked, and how each fact is known.
#[utoipa::path(
    operation_id = "get_procedure",
    tag = "Annuaire",
    params(("slug" = String, Path, description = "Slug of the procedure", example = "rsa")),
    responses((status = 200, description = "The procedure", body = ProcedureItem))
)]
#[get("/v1/procedures/{slug}")]
async fn get_procedure(request: HttpRequest, state: State, _query: Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let procedure = directory.catalogue.procedure(segment(&request, "slug")).ok_or_else(|| Problem::not_found("Démarche"))?;
    let today = day_of(Utc::now());
    directory_read_on(&request, (directory.revision, today), JSON, |language| {
        bytes(&show(&directory.catalogue, procedure, language, today))
    })
}

pub(super) fn show(catalogue: &Catalogue, procedure: &Procedure, language: Language, today: NaiveDate) -> ProcedureItem {
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
        steps: procedure.steps.clone(),
        cost: procedure.cost.clone(),
        delay: procedure.delay.clone(),
        pitfalls: procedure.pitfalls.clone(),
        escalation: escalation(procedure, false, language),
        official_url: procedure.official_url.clone(),
        safety: procedure.safety,
        sensitive: procedure.sensitive,
        targets: procedure.first_targets.clone(),
        sheet: procedure.sheet.clone(),
        verified: procedure.is_verified(),
        basis: procedure.basis,
        checked_on: procedure.checked_on,
        doubt: procedure.doubt.clone(),
        facts: procedure.facts().iter().map(|known| FactItem::of(known, today)).collect(),
        sources: procedure.sources.clone(),
        note: procedure.note.clone(),
    }
}

/// The institution in charge, named.
pub(super) fn institution_of(catalogue: &Catalogue, procedure: &Procedure) -> Named {
    let label = catalogue.institution(&procedure.institution).map_or(&procedure.institution, |institution| &institution.label);
    Named { slug: procedure.institution.clone(), label: label.clone() }
}
