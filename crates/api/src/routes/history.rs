//! `/v1/history`: every state that the records kept here were in, and going back to any of them.

use actix_web::{HttpRequest, HttpResponse, get, post};
use aiguilleur_domain::access::Role;
use aiguilleur_domain::keeping::{EditOrigin, Editor};
use aiguilleur_domain::referent::Referent;
use aiguilleur_storage::history::{self, Entity, Origin, Version};
use aiguilleur_storage::{Scope, Scoped, StorageError, catalogue, practice_notes, referents, scoped, structures};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::kept_structures::{check_keeper, hold};
use super::networks::{must_manage, see};
use super::organisations::private;
use super::referents::{check_rights, own_scope};
use super::{Page, limit, wanted};
use crate::auth::{Agent, Caller};
use crate::fields::Fields;
use crate::problem::{FieldError, Kind, Problem};
use crate::request::{JsonBody, Query, State, day_of, segment};
use crate::spec;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_history).service(restore_record);
}

/// A state that a record was in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct VersionItem {
    /// 1 for the first on record.
    #[schema(example = 2)]
    version: i32,
    made_at: DateTime<Utc>,
    /// `source`, `edit`, `suggestion`, `restoration` or `removal`.
    #[schema(example = "edit")]
    origin: &'static str,
    /// Slug of the organisation whose agent brought it there; null for a source.
    #[schema(example = "ccas-de-demonstration")]
    made_by: Option<String>,
    /// The whole record, as it is kept.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    state: Value,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct Restoration {
    /// The state to go back to.
    #[schema(minimum = 1, example = 1)]
    version: i32,
}

/// The states of a record, the newest first, for whoever keeps it.
///
/// A record that nobody ever changed here has none: its source tells all.
#[utoipa::path(
    operation_id = "list_history",
    tag = "Annuaire",
    params(
        ("entity" = String, Path, example = "structure", description = "What sort of record: `structure`, `referent`, `procedure`, `institution` or `practice_note`"),
        ("id" = String, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "Its id, or its slug"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<u32>, Query, minimum = 1, maximum = 2_147_483_647, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of states", body = inline(Page<VersionItem>)))
)]
#[get("/v1/history/{entity}/{id}")]
async fn list_history(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_history")?;
    let (limit, before) = (limit(&fields), version(&fields, "cursor"));
    fields.finish(Some(()))?;
    let (entity, id) = (entity(&request)?, segment(&request, "id"));
    let (mut scope, id) = readable(&state, &agent, entity, id).await?;
    let found = history::list(&mut scope, entity, &id, before, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.version.to_string(), show))
}

/// Brings a record back to a state that it was in, exactly.
///
/// That is a change like another: it adds a state, and nothing is lost.
#[utoipa::path(
    operation_id = "restore_record",
    tag = "Annuaire",
    params(
        ("entity" = String, Path, example = "structure", description = "What sort of record"),
        ("id" = String, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "Its id, or its slug"),
    ),
    request_body = Restoration,
    responses((status = 200, description = "The state that it is in now", body = VersionItem))
)]
#[post("/v1/history/{entity}/{id}")]
async fn restore_record(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("restore_record")?;
    let fields = Fields::from_json(body, &spec::body_fields("Restoration"))?;
    if !fields.has("version") {
        fields.report(Kind::InvalidValue, "version", "Ce champ est attendu.");
    }
    let wanted = version(&fields, "version");
    let wanted = fields.finish(wanted)?;
    let (entity, id) = (entity(&request)?, segment(&request, "id"));
    let restored = match entity {
        Entity::Structure => restore_structure(&state, &agent, id, wanted).await?,
        Entity::Referent => restore_referent(&state, &agent, id, wanted).await?,
        Entity::Procedure | Entity::Institution => restore_catalogue(&state, &agent, entity, id, wanted).await?,
        Entity::PracticeNote => restore_practice_note(&state, &agent, id, wanted).await?,
    };
    private(HttpResponse::Ok(), &show(restored))
}

/// The scope in which the states of a record may be read, and its id as they have it; an error where the agent may not.
async fn readable(state: &State, agent: &Agent, entity: Entity, id: &str) -> Result<(Scoped, String), Problem> {
    match entity {
        Entity::Structure => {
            let (scope, held) = hold(state, id).await?;
            check_keeper(agent, &held.structure)?;
            Ok((scope, held.structure.id.to_string()))
        }
        Entity::Referent => {
            must_have(agent, Role::InstitutionEditor)?;
            // Another organisation's states aren't seen there, as its contacts aren't.
            Ok((own_scope(state, agent).await?, id.to_owned()))
        }
        Entity::Procedure | Entity::Institution => {
            must_have(agent, Role::Administrator)?;
            Ok((scoped(&state.database, Scope::Administrator).await?, id.to_owned()))
        }
        Entity::PracticeNote => Ok((hold_note(state, agent, id).await?.0, id.to_owned())),
    }
}

/// # Errors
/// 403 for who has another role.
fn must_have(agent: &Agent, role: Role) -> Result<(), Problem> {
    if agent.has(role) {
        Ok(())
    } else {
        Err(Problem::new(Kind::Forbidden, "Votre rôle ne permet pas de lire les états de cette fiche."))
    }
}

/// A practice note whose network the agent manages, within the system's scope.
async fn hold_note(state: &State, agent: &Agent, id: &str) -> Result<(Scoped, Uuid), Problem> {
    let id = Uuid::parse_str(id).map_err(|_| not_found())?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let network = practice_notes::network_of(&mut scope, id).await?.ok_or_else(not_found)?;
    let (theirs, found) = see(state, agent, &network.to_string()).await.map_err(|_| not_found())?;
    theirs.commit().await?;
    if !agent.has(Role::Administrator) {
        must_manage(agent, &found)?;
    }
    Ok((scope, id))
}

async fn restore_practice_note(state: &State, agent: &Agent, id: &str, wanted: i32) -> Result<Version, Problem> {
    let (mut scope, note) = hold_note(state, agent, id).await?;
    let then = history::find(&mut scope, Entity::PracticeNote, id, wanted).await?.ok_or_else(no_such_version)?;
    practice_notes::restore(&mut scope, &agent.actor(), note, &then).await?.ok_or_else(not_found)?;
    newest(scope, Entity::PracticeNote, id).await
}

async fn restore_catalogue(state: &State, agent: &Agent, entity: Entity, slug: &str, wanted: i32) -> Result<Version, Problem> {
    let (mut scope, _) = readable(state, agent, entity, slug).await?;
    let then = history::find(&mut scope, entity, slug, wanted).await?.ok_or_else(no_such_version)?;
    let restored = match entity {
        Entity::Institution => catalogue::restore_institution(&mut scope, &agent.actor(), slug, &then).await?,
        _ => catalogue::restore_procedure(&mut scope, &agent.actor(), slug, &then).await?,
    };
    restored.ok_or_else(not_found)?;
    newest(scope, entity, slug).await
}

/// One that was removed is there again.
async fn restore_referent(state: &State, agent: &Agent, id: &str, wanted: i32) -> Result<Version, Problem> {
    let (mut scope, _) = readable(state, agent, Entity::Referent, id).await?;
    let then = history::find(&mut scope, Entity::Referent, id, wanted).await?.ok_or_else(no_such_version)?;
    let unreadable =
        |error: serde_json::Error| StorageError::Unreadable { table: "record_version", column: "state", value: error.to_string() };
    let after: Referent = serde_json::from_value(then.state).map_err(unreadable)?;
    check_rights(agent, &after)?;
    let (actor, today) = (agent.actor(), day_of(Utc::now()));
    if let Some(held) = referents::hold(&mut scope, after.id).await? {
        check_rights(agent, &held.kept.referent)?;
        referents::change(&mut scope, &actor, &held, after, Origin::Restoration, today).await?;
    } else {
        let keeper = state.organisations.ensure(&agent.organisation).await?;
        referents::create(&mut scope, &actor, keeper, after, Origin::Restoration, today).await?;
    }
    let newest = newest(scope, Entity::Referent, id).await?;
    state.contacts_changed().await;
    Ok(newest)
}

/// The state that a record is in, once it is kept.
async fn newest(mut scope: Scoped, entity: Entity, id: &str) -> Result<Version, Problem> {
    let newest = history::list(&mut scope, entity, id, None, 1).await?.pop().ok_or_else(no_such_version)?;
    scope.commit().await?;
    Ok(newest)
}

async fn restore_structure(state: &State, agent: &Agent, id: &str, wanted: i32) -> Result<Version, Problem> {
    let (mut scope, held) = hold(state, id).await?;
    check_keeper(agent, &held.structure)?;
    let id = held.structure.id.to_string();
    let then = history::find(&mut scope, Entity::Structure, &id, wanted).await?.ok_or_else(no_such_version)?;
    let editor = Editor { by: &agent.organisation, on: day_of(Utc::now()), origin: EditOrigin::Edit };
    let after = held.structure.restored(&then.state, editor).map_err(StorageError::from)?;
    structures::change(&mut scope, &agent.actor(), "restore_record", held, after, Origin::Restoration).await?;
    newest(scope, Entity::Structure, &id).await
}

fn version(fields: &Fields, name: &str) -> Option<i32> {
    fields.integer(name, 1..=i32::MAX.unsigned_abs()).and_then(|version| i32::try_from(version).ok())
}

fn entity(request: &HttpRequest) -> Result<Entity, Problem> {
    segment(request, "entity").parse().map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::not_found("Fiche")
}

/// A state that the record was never in.
fn no_such_version() -> Problem {
    let detail = "Cette fiche n'a pas d'état de ce numéro : la liste de ses états donne ceux qu'elle a.".to_owned();
    let error = FieldError { pointer: Some("/version".to_owned()), parameter: None, detail, allowed: Vec::new() };
    Problem::fields(Kind::InvalidValue, vec![error])
}

fn show(version: Version) -> VersionItem {
    let Version { version, made_at, origin, made_by, state } = version;
    VersionItem { version, made_at, origin: origin.into(), made_by, state }
}
