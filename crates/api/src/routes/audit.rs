//! `/v1/audit`: who changed what, when and from where.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use aiguilleur_domain::access::Role;
use aiguilleur_storage::audit::{self, Entry, Filter};
use aiguilleur_storage::{Scope, StorageError, scoped};
use chrono::{DateTime, Utc};
use futures_util::stream;
use serde::Serialize;
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::private;
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::request::{Query, State, bytes};
use crate::state::AppState;

/// Lines read at once for an export.
const READ_AT_ONCE: i64 = 500;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_audit).service(stream_audit);
}

/// One change. It holds no secret, and of persons only what their tokens call them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AuditItem {
    id: Uuid,
    at: DateTime<Utc>,
    /// Who: subject of the token; `cli` for the command line.
    subject: String,
    /// Slug of the organisation it acted for.
    organisation: String,
    /// Operation that did it.
    #[schema(example = "update_member")]
    action: String,
    /// `organisation`, `member`, `partner_key`, `issuer` or `session`.
    #[schema(example = "member")]
    entity: String,
    entity_id: String,
    /// From where, in part: 24 bits of an IPv4 address, 48 of an IPv6 one; null for the command line.
    network: Option<String>,
    request_id: Option<String>,
    /// The record before; null when it was new.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    before: Option<Value>,
    /// The record after; null when it was gone.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    after: Option<Value>,
}

/// What was changed, the newest first.
///
/// An administrator sees all of it; an editor, what was done to the records of its own organisation.
#[utoipa::path(
    operation_id = "list_audit",
    tag = "Accès",
    params(
        ("entity" = Option<String>, Query, min_length = 1, max_length = 100, example = "organisation", description = "What sort of record"),
        ("entity_id" = Option<String>, Query, min_length = 1, max_length = 100, description = "Which one"),
        ("subject" = Option<String>, Query, min_length = 1, max_length = 200, description = "Who did it"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of the audit", body = inline(Page<AuditItem>)))
)]
#[get("/v1/audit")]
async fn list_audit(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_audit")?;
    let limit = limit(&fields);
    let filter = Filter {
        entity: fields.text("entity", 100).map(str::to_owned),
        entity_id: fields.text("entity_id", 100).map(str::to_owned),
        subject: fields.text("subject", 200).map(str::to_owned),
        before: fields.uuid("cursor"),
    };
    let filter = fields.finish(Some(filter))?;
    let own = match state.organisations.find(&agent.organisation).await? {
        _ if agent.has(Role::Administrator) => Scope::Administrator,
        Some(organisation) => Scope::Organisation(organisation),
        None => return private(HttpResponse::Ok(), &Page::<AuditItem> { items: Vec::new(), next_cursor: None }),
    };
    let mut scope = scoped(&state.database, own).await?;
    let found = audit::list(&mut scope, &filter, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// The whole audit, one JSON object per line, the newest first.
///
/// For whoever keeps it elsewhere.
#[utoipa::path(
    operation_id = "stream_audit",
    tag = "Accès",
    responses((status = 200, description = "One line per change", body = String, content_type = "application/x-ndjson"))
)]
#[get("/v1/audit.ndjson")]
async fn stream_audit(state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    caller.may("stream_audit")?;
    // The first lines before the answer begins: what can't be read is still told as a problem.
    let first = read(&state, None).await?;
    let rest = stream::try_unfold((state, Some(first)), |(state, lines)| async move {
        let Some(lines) = lines.filter(|lines| !lines.is_empty()) else { return Ok::<_, Problem>(None) };
        let last = lines.last().map(|line| line.id);
        let mut text = Vec::new();
        for line in lines {
            text.extend(bytes(&show(line))?);
            text.push(b'\n');
        }
        let next = read(&state, last).await?;
        Ok(Some((Bytes::from(text), (state, Some(next)))))
    });
    let mut response = HttpResponse::Ok();
    response.content_type("application/x-ndjson").insert_header(("Cache-Control", "no-store"));
    Ok(response.streaming(rest))
}

async fn read(state: &AppState, before: Option<Uuid>) -> Result<Vec<Entry>, StorageError> {
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let lines = audit::list(&mut scope, &Filter { before, ..Filter::default() }, READ_AT_ONCE).await?;
    scope.commit().await?;
    Ok(lines)
}

fn show(entry: Entry) -> AuditItem {
    AuditItem {
        id: entry.id,
        at: entry.at,
        subject: entry.subject,
        organisation: entry.organisation,
        action: entry.action,
        entity: entry.entity,
        entity_id: entry.entity_id,
        network: entry.network,
        request_id: entry.request_id,
        before: entry.before,
        after: entry.after,
    }
}
