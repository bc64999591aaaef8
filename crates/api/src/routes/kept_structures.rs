//! `PATCH /v1/structures/{id}` and its capacity: what whoever runs a place says of it, against its source where they differ.

use actix_web::{HttpRequest, HttpResponse, patch, put};
use aiguilleur_directory::Directory;
use aiguilleur_domain::access::Role;
use aiguilleur_domain::keeping::{Change, EditOrigin, Editor, Field};
use aiguilleur_domain::structure::{Capacity, Structure};
use aiguilleur_storage::history::Origin;
use aiguilleur_storage::structures::{self, Held};
use aiguilleur_storage::{Scope, Scoped, StorageError, changes, scoped};
use chrono::{Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::structures::{StructureRecord, record};
use crate::auth::{Agent, Caller};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{IfMatch, JsonBody, State, day_of, if_match, json, segment};
use crate::spec;
use crate::structure_change::{self, StructureChange, Warning};
use crate::texts::Language;

/// How far ahead a declared capacity may count, in days.
const CAPACITY_DAYS: i64 = 90;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(update_structure).service(update_capacity);
}

/// The record as it is now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct EditedStructure {
    #[serde(flatten)]
    record: StructureRecord,
    /// What was taken as it is, and is worth a second look.
    warnings: Vec<Warning>,
}

/// The room that a place says it has.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewCapacity {
    /// Null: it says nothing of it any more.
    #[schema(example = "few_places")]
    capacity: Option<Capacity>,
    /// The last day on which it counts, in the next 90; wanted with a capacity.
    until: Option<NaiveDate>,
}

/// Changes the record of a structure that the caller's organisation keeps.
///
/// What is set here stays when its source is imported again, which says so; `revert` gives a field back to the source, exactly. Judged in
/// this order: the body (422); whose record it is (403); no `If-Match` (428); a version that is no longer the record's (412).
#[utoipa::path(
    operation_id = "update_structure",
    tag = "Annuaire",
    params(
        ("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the record as the caller read it, or `*`"),
    ),
    request_body = StructureChange,
    responses(
        (status = 200, description = "The record as it is now", body = EditedStructure, headers(("ETag" = String, description = "Its version"))),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[patch("/v1/structures/{id}")]
async fn update_structure(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_structure")?;
    let fields = Fields::from_json(body, &spec::body_fields("StructureChange"))?;
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    let directory = state.snapshot.get();
    let today = day_of(Utc::now());
    let (change, warnings) = structure_change::edit(&fields, &held.structure, &directory, today);
    let change = fields.finish(Some(change))?;
    check_keeper(&agent, &held.structure)?;
    check_version(&request, &mut scope, &held.structure).await?;
    let (after, revision) = make(&mut scope, &agent, "update_structure", held, &change, today).await?;
    scope.commit().await?;
    shown(&request, &directory, &after, revision, warnings)
}

/// Declares the room that a structure has: open, few places, a waiting list, full.
///
/// It counts until the day given, 90 days ahead at most, and is then no longer told.
#[utoipa::path(
    operation_id = "update_capacity",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure")),
    request_body = NewCapacity,
    responses(
        (status = 200, description = "The record as it is now", body = EditedStructure, headers(("ETag" = String, description = "Its version"))),
    )
)]
#[put("/v1/structures/{id}/capacity")]
async fn update_capacity(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_capacity")?;
    let has_said = body.get("capacity").is_some();
    let fields = Fields::from_json(body, &spec::body_fields("NewCapacity"))?;
    let today = day_of(Utc::now());
    if !has_said {
        let allowed = aiguilleur_domain::code::all::<Capacity>().into_iter().map(str::to_owned).collect();
        fields.report_with(Kind::InvalidValue, "capacity", "Ce champ est attendu ; null pour ne plus rien en dire.", allowed);
    }
    let capacity: Option<Capacity> = fields.has("capacity").then(|| fields.code("capacity")).flatten();
    let until = fields.day("until");
    let is_sound = |until: NaiveDate| (today..=today + Duration::days(CAPACITY_DAYS)).contains(&until);
    if fields.has("capacity") != fields.has("until") {
        fields.report(Kind::InvalidValue, "until", "Un dernier jour va avec une capacité, et avec elle seule.");
    } else if until.is_some_and(|until| !is_sound(until)) {
        fields.report(Kind::InvalidValue, "until", format!("Un jour à venir est attendu, dans les {CAPACITY_DAYS} jours."));
    }
    fields.finish(Some(()))?;
    let values = json!({"capacity": capacity, "capacity_until": until});
    let values = values.as_object().cloned().unwrap_or_default();
    let change = Change { set: [(Field::Capacity, values)].into(), ..Change::default() };
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    check_keeper(&agent, &held.structure)?;
    let (after, revision) = make(&mut scope, &agent, "update_capacity", held, &change, today).await?;
    scope.commit().await?;
    shown(&request, &state.snapshot.get(), &after, revision, Vec::new())
}

/// A structure whose record nobody else changes until the transaction ends.
pub(super) async fn hold(state: &State, id: &str) -> Result<(Scoped, Held), Problem> {
    let not_found = || Problem::not_found("Lieu");
    let id = Uuid::parse_str(id).map_err(|_| not_found())?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let held = structures::hold(&mut scope, id).await?.ok_or_else(not_found)?;
    Ok((scope, held))
}

/// Whether an agent keeps a structure's record: its organisation does, or it is an administrator.
pub(super) fn check_keeper(agent: &Agent, structure: &Structure) -> Result<(), Problem> {
    let is_keeper = agent.has(Role::StructureEditor) && structure.keeper.as_ref() == Some(&agent.organisation);
    if is_keeper || agent.has(Role::Administrator) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Forbidden,
        if structure.keeper.is_some() {
            "Une autre organisation tient cette fiche : proposez-lui votre changement (POST /v1/structures/{id}/suggestions)."
        } else {
            "Votre organisation ne tient pas cette fiche : demandez à la tenir (POST /v1/structures/{id}/claims), ou proposez votre \
             changement (POST /v1/structures/{id}/suggestions)."
        },
    ))
}

/// Makes an edit of what is held, in the name of the agent's organisation; returns the record, and the revision that shows it.
async fn make(
    scope: &mut Scoped,
    agent: &Agent,
    action: &str,
    held: Held,
    change: &Change,
    today: NaiveDate,
) -> Result<(Structure, i64), Problem> {
    let editor = Editor { by: &agent.organisation, on: today, origin: EditOrigin::Edit };
    let after = held.structure.edited(change, editor).map_err(StorageError::from)?;
    Ok(structures::change(scope, &agent.actor(), action, held, after, Origin::Edit).await?)
}

/// Whether the caller knows the record as it is: by the directory's revision at which it was read.
async fn check_version(request: &HttpRequest, scope: &mut Scoped, structure: &Structure) -> Result<(), Problem> {
    let known = match if_match(request) {
        IfMatch::Any => return Ok(()),
        IfMatch::Tags(tags) => tags.iter().filter_map(|tag| tag.split('-').next()?.parse::<i64>().ok()).max(),
        IfMatch::Missing => {
            return Err(Problem::new(
                Kind::VersionRequired,
                "L'en-tête « If-Match » est attendu, avec l'« ETag » de la fiche telle que vous l'avez lue. Rien n'a été changé.",
            ));
        }
    };
    let is_stale = match known {
        Some(revision) => changes::has_changed(scope, structure.id, &structure.source, revision).await?,
        None => true,
    };
    if is_stale {
        return Err(Problem::new(
            Kind::VersionChanged,
            "Cette fiche a changé depuis que vous l'avez lue. Relisez-la, puis réessayez. Rien n'a été changé.",
        ));
    }
    Ok(())
}

fn shown(
    request: &HttpRequest,
    directory: &Directory,
    structure: &Structure,
    revision: i64,
    warnings: Vec<Warning>,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response.insert_header(("ETag", format!("W/\"{revision}-{}\"", Language::of(request).code())));
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &EditedStructure { record: record(directory, structure), warnings })
}
