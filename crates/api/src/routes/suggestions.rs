//! `/v1/structures/{id}/suggestions`: what anybody signed in says should be changed of a record, for whoever keeps it.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use aiguilleur_domain::keeping::{Change, EditOrigin, Editor};
use aiguilleur_storage::history::Origin;
use aiguilleur_storage::suggestions::{self, MOST_OPEN, Suggestion, Verdict};
use aiguilleur_storage::{StorageError, structures};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::kept_structures::{check_keeper, hold};
use super::organisations::private;
use super::referrals::{free_text, required_code};
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, day_of, segment};
use crate::spec;
use crate::structure_change::{self, StructureChange};

const MAX_WHY: usize = 280;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create_suggestion).service(list_suggestions).service(update_suggestion);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewSuggestion {
    changes: StructureChange,
    /// Why, or how it is known; nothing that points at somebody.
    #[schema(min_length = 1, max_length = 280, example = "Le répondeur donne ce numéro.")]
    note: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct SuggestionVerdict {
    verdict: SuggestionAnswer,
}

/// What becomes of a suggestion.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum SuggestionAnswer {
    /// The change is made.
    Accepted,
    Refused,
}

/// A change that somebody suggests.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SuggestionItem {
    id: Uuid,
    structure_id: Uuid,
    /// Slug of the organisation whose agent suggests it.
    #[schema(example = "ccas-de-demonstration")]
    organisation: String,
    made_at: DateTime<Utc>,
    /// The values suggested, as the record would have them.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    changes: Map<String, Value>,
    /// Fields that should be given back to their source.
    revert: Vec<String>,
    note: Option<String>,
    /// Null while it waits.
    verdict: Option<SuggestionAnswer>,
    settled_at: Option<DateTime<Utc>>,
}

/// Suggests a change of a structure's record.
///
/// Whoever keeps the record accepts or refuses it; 50 may wait for one record.
#[utoipa::path(
    operation_id = "create_suggestion",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure")),
    request_body = NewSuggestion,
    responses(
        (status = 201, description = "It waits for the record's keeper", body = SuggestionItem),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/structures/{id}/suggestions")]
async fn create_suggestion(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_suggestion")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewSuggestion"))?;
    let organisation = state.organisations.ensure(&agent.organisation).await?;
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    let (change, _) = structure_change::suggestion(&fields, &held.structure, &state.snapshot.get(), day_of(Utc::now()));
    let note = free_text(&fields, "note", MAX_WHY);
    let change = fields.finish(Some(change))?;
    let added = suggestions::add(&mut scope, &agent.actor(), &held, organisation, &change, note.as_deref()).await?;
    let added = added.ok_or_else(|| {
        Problem::new(Kind::AlreadyThere, format!("{MOST_OPEN} suggestions attendent déjà pour ce lieu. Celle-ci n'a pas été enregistrée."))
    })?;
    scope.commit().await?;
    private(HttpResponse::Created(), &show(added))
}

/// What is suggested of a record, the oldest first, for whoever keeps it.
///
/// An administrator sees those of any record.
#[utoipa::path(
    operation_id = "list_suggestions",
    tag = "Annuaire",
    params(
        ("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure"),
        ("settled" = Option<bool>, Query, description = "The settled ones instead of those that wait"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of suggestions", body = inline(Page<SuggestionItem>)))
)]
#[get("/v1/structures/{id}/suggestions")]
async fn list_suggestions(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_suggestions")?;
    let (limit, settled, after) = (limit(&fields), fields.flag("settled").unwrap_or_default(), fields.uuid("cursor"));
    fields.finish(Some(()))?;
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    check_keeper(&agent, &held.structure)?;
    let found = suggestions::list(&mut scope, held.structure.id, settled, after, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// Accepts a suggestion, which makes the change, or refuses it.
///
/// One that is settled already stays as it is.
#[utoipa::path(
    operation_id = "update_suggestion",
    tag = "Annuaire",
    params(
        ("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure"),
        ("suggestion_id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the suggestion"),
    ),
    request_body = SuggestionVerdict,
    responses((status = 200, description = "Settled", body = SuggestionItem))
)]
#[patch("/v1/structures/{id}/suggestions/{suggestion_id}")]
async fn update_suggestion(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_suggestion")?;
    let fields = Fields::from_json(body, &spec::body_fields("SuggestionVerdict"))?;
    let verdict: Option<Verdict> = required_code(&fields, "verdict");
    let verdict = fields.finish(verdict)?;
    let not_found = || Problem::not_found("Suggestion");
    let id = Uuid::parse_str(segment(&request, "suggestion_id")).map_err(|_| not_found())?;
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    check_keeper(&agent, &held.structure)?;
    let found = suggestions::find(&mut scope, held.structure.id, id).await?.ok_or_else(not_found)?;
    if found.verdict.is_some() {
        return private(HttpResponse::Ok(), &show(found));
    }
    let settled = suggestions::settle(&mut scope, &agent.actor(), &held, id, verdict).await?;
    if verdict == Verdict::Accepted {
        let editor = Editor { by: &agent.organisation, on: day_of(Utc::now()), origin: EditOrigin::Suggestion };
        let after = held.structure.edited(&settled.change, editor).map_err(StorageError::from)?;
        structures::change(&mut scope, &agent.actor(), "update_suggestion", held, after, Origin::Suggestion).await?;
    }
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(settled))
}

fn show(suggestion: Suggestion) -> SuggestionItem {
    let Change { set, revert } = suggestion.change;
    SuggestionItem {
        id: suggestion.id,
        structure_id: suggestion.structure,
        organisation: suggestion.organisation,
        made_at: suggestion.made_at,
        changes: set.into_values().flatten().collect(),
        revert: revert.into_iter().map(|field| field.name().to_owned()).collect(),
        note: suggestion.note,
        verdict: suggestion.verdict.map(|verdict| match verdict {
            Verdict::Accepted => SuggestionAnswer::Accepted,
            Verdict::Refused => SuggestionAnswer::Refused,
        }),
        settled_at: suggestion.settled_at,
    }
}
