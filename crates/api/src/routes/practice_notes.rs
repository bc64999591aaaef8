//! `/v1/networks/{id}/notes`: a network's practice notes, one for each procedure, written together.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, put};
use aiguilleur_storage::Scope;
use aiguilleur_storage::practice_notes::{self, Changed, Expected, Note};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::networks::{hold, see};
use super::organisations::private;
use super::referrals::free_text;
use super::{Named, Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::markdown;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{IfMatch, JsonBody, Query, State, if_match, segment};
use crate::spec;

/// Characters of a note.
const MAX_NOTE: usize = 20_000;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_practice_notes).service(get_practice_note).service(write_practice_note).service(remove_practice_note);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NoteText {
    /// `CommonMark`, with tables and strikethrough. It names nobody: no telephone number, mail address or number of a person.
    #[schema(min_length = 1, max_length = 20_000)]
    markdown: String,
}

/// A practice note.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NoteItem {
    /// That of its history.
    id: Uuid,
    procedure: Named,
    /// As it was written: not to be put into a page as it is.
    markdown: String,
    /// The same for a page: nothing in it runs or is loaded from elsewhere; its headings begin at `h3`.
    html: String,
    version: i32,
    updated_at: DateTime<Utc>,
    /// Slug of the organisation whose agent changed it last.
    updated_by: String,
}

/// A practice note, without its text.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NoteLine {
    id: Uuid,
    procedure: Named,
    version: i32,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

/// The practice notes of a network, by procedure.
///
/// Without their texts.
#[utoipa::path(
    operation_id = "list_practice_notes",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, min_length = 1, max_length = 200, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of notes", body = inline(Page<NoteLine>)))
)]
#[get("/v1/networks/{id}/notes")]
async fn list_practice_notes(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_practice_notes")?;
    let limit = limit(&fields);
    let after = fields.text("cursor", 200).map(str::to_owned);
    fields.finish(Some(()))?;
    let (mut scope, (network, _)) = see(&state, &agent, segment(&request, "id")).await?;
    let found = practice_notes::list(&mut scope, network.id, after.as_deref(), wanted(limit)).await?;
    scope.commit().await?;
    let line = |Note { id, procedure, version, updated_at, updated_by, .. }| NoteLine {
        id,
        procedure: named(&state, procedure),
        version,
        updated_at,
        updated_by,
    };
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.procedure.clone(), line))
}

/// A network's note on a procedure.
///
/// As it was written, and as a page may show it.
#[utoipa::path(
    operation_id = "get_practice_note",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("procedure" = String, Path, example = "rsa", description = "Slug of the procedure"),
    ),
    responses((status = 200, description = "The note", body = NoteItem, headers(("ETag" = String, description = "Its version"))))
)]
#[get("/v1/networks/{id}/notes/{procedure}")]
async fn get_practice_note(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_practice_note")?;
    let (mut scope, (network, _)) = see(&state, &agent, segment(&request, "id")).await?;
    let found = practice_notes::find(&mut scope, network.id, segment(&request, "procedure")).await?;
    scope.commit().await?;
    tagged(HttpResponse::Ok(), &state, found.ok_or_else(no_note)?)
}

/// Writes a network's note on a procedure.
///
/// In place of the one there is, which the caller must know (`If-Match`): two who write at once lose nothing. By any agent of a member
/// organisation.
#[utoipa::path(
    operation_id = "write_practice_note",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("procedure" = String, Path, example = "rsa", description = "Slug of the procedure"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the note as the caller knows it; not for a first one"),
    ),
    request_body = NoteText,
    responses(
        (status = 200, description = "The note as it is now", body = NoteItem, headers(("ETag" = String, description = "Its version"))),
        (status = 201, description = "The first one", body = NoteItem, headers(("ETag" = String, description = "Its version"))),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[put("/v1/networks/{id}/notes/{procedure}")]
async fn write_practice_note(
    request: HttpRequest,
    state: State,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let agent = caller.may("write_practice_note")?;
    let fields = Fields::from_json(body, &spec::body_fields("NoteText"))?;
    if !fields.has("markdown") {
        fields.report(Kind::InvalidValue, "markdown", "Un texte est attendu.");
    }
    let text = free_text(&fields, "markdown", MAX_NOTE);
    let text = fields.finish(text)?;
    let (mut scope, _) = see(&state, &agent, segment(&request, "id")).await?;
    let procedure = segment(&request, "procedure");
    if state.snapshot.get().catalogue.procedure(procedure).is_none() {
        return Err(Problem::not_found("Démarche"));
    }
    scope.enter(Scope::System).await?;
    let network = hold(&mut scope, segment(&request, "id")).await?;
    match practice_notes::write(&mut scope, &agent.actor(), &network, procedure, &text, &expected(&request)).await? {
        Changed::Created(note) => {
            scope.commit().await?;
            tagged(HttpResponse::Created(), &state, note)
        }
        Changed::Done(note) => {
            scope.commit().await?;
            tagged(HttpResponse::Ok(), &state, note)
        }
        refused => Err(refusal(&refused)),
    }
}

/// Removes a network's note on a procedure.
///
/// Its history stays, and it can be brought back from there.
#[utoipa::path(
    operation_id = "remove_practice_note",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("procedure" = String, Path, example = "rsa", description = "Slug of the procedure"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the note as the caller knows it"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 412, description = "Modifié entre-temps", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "Version attendue", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/networks/{id}/notes/{procedure}")]
async fn remove_practice_note(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("remove_practice_note")?;
    let (mut scope, _) = see(&state, &agent, segment(&request, "id")).await?;
    scope.enter(Scope::System).await?;
    let network = hold(&mut scope, segment(&request, "id")).await?;
    let procedure = segment(&request, "procedure");
    match practice_notes::remove(&mut scope, &agent.actor(), &network, procedure, &expected(&request)).await? {
        Changed::Done(_) => {
            scope.commit().await?;
            Ok(HttpResponse::NoContent().finish())
        }
        refused => Err(refusal(&refused)),
    }
}

fn expected(request: &HttpRequest) -> Expected {
    match if_match(request) {
        IfMatch::Missing => Expected::Nothing,
        IfMatch::Any => Expected::Any,
        IfMatch::Tags(tags) => Expected::Versions(tags.iter().filter_map(|tag| tag.parse().ok()).collect()),
    }
}

fn refusal(refused: &Changed) -> Problem {
    match refused {
        Changed::Unconditional => Problem::new(
            Kind::VersionRequired,
            "Il y a déjà une note : l'en-tête « If-Match » est attendu, avec son « ETag ». Rien n'a été changé.",
        ),
        Changed::Stale => Problem::new(
            Kind::VersionChanged,
            "Quelqu'un a changé cette note depuis que vous l'avez lue. Relisez-la, puis réessayez. Rien n'a été changé.",
        ),
        Changed::Missing | Changed::Created(_) | Changed::Done(_) => no_note(),
    }
}

fn no_note() -> Problem {
    Problem::not_found("Note de pratique")
}

fn named(state: &State, procedure: String) -> Named {
    let label = state.snapshot.get().catalogue.procedure(&procedure).map(|it| it.label.clone());
    Named { label: label.unwrap_or_else(|| procedure.clone()), slug: procedure }
}

fn tagged(mut response: HttpResponseBuilder, state: &State, note: Note) -> Result<HttpResponse, Problem> {
    let Note { id, procedure, markdown, version, updated_at, updated_by, .. } = note;
    let markdown = markdown.unwrap_or_default();
    let html = markdown::to_html(&markdown);
    response.insert_header((header::ETAG, format!("W/\"{version}\"")));
    private(response, &NoteItem { id, procedure: named(state, procedure), markdown, html, version, updated_at, updated_by })
}
