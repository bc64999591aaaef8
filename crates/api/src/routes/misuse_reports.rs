//! `/v1/misuse-reports`: what institutions say of contacts that weren't used as agreed, for the administrator.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use aiguilleur_domain::access::Role;
use aiguilleur_domain::referent::Misuse;
use aiguilleur_storage::misuse::{self, Report};
use aiguilleur_storage::{Scope, referents, scoped};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::private;
use super::referents::{own_scope, referent_id, unknown};
use super::referrals::{free_text, required_code};
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JsonBody, Query, State, day_of, segment};
use crate::spec;

const MAX_NOTE: usize = 280;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(report_misuse).service(list_misuse_reports).service(update_misuse_report);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NewMisuseReport {
    reason: Misuse,
    /// With the reason `other`, or to say more, of nobody in particular.
    #[schema(min_length = 1, max_length = 280, example = "Des particuliers appellent la ligne réservée.")]
    note: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct MisuseSettlement {
    /// It was dealt with.
    #[schema(example = true)]
    settled: bool,
}

/// A contact that wasn't used as agreed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MisuseItem {
    id: Uuid,
    /// UUID of the contact.
    referent_id: Uuid,
    reason: Misuse,
    note: Option<String>,
    reported_on: NaiveDate,
    /// Null while nobody dealt with it.
    settled_on: Option<NaiveDate>,
}

/// Says that a contact wasn't used as agreed.
///
/// By its keeper; the administrator sees it. To stop it meanwhile: `suspended`, or a lower `weekly_cap`.
#[utoipa::path(
    operation_id = "report_misuse",
    tag = "Contacts",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the referent")),
    request_body = NewMisuseReport,
    responses((status = 201, description = "Reported", body = MisuseItem))
)]
#[post("/v1/referents/{id}/misuse-reports")]
async fn report_misuse(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("report_misuse")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewMisuseReport"))?;
    let reason: Option<Misuse> = required_code(&fields, "reason");
    let note = free_text(&fields, "note", MAX_NOTE);
    if matches!(reason, Some(Misuse::Other)) && !fields.has("note") {
        fields.report(Kind::InvalidValue, "note", "Dites en quelques mots ce qui s'est passé.");
    }
    let reason = fields.finish(reason)?;
    let id = referent_id(&request)?;
    let mut scope = own_scope(&state, &agent).await?;
    let held = referents::hold(&mut scope, id).await?.ok_or_else(unknown)?;
    let report =
        Report { id: Uuid::now_v7(), referent: id, keeper: held.keeper, reason, note, reported_on: day_of(Utc::now()), settled_on: None };
    misuse::report(&mut scope, &report).await?;
    scope.commit().await?;
    private(HttpResponse::Created(), &show(report))
}

/// Contacts that weren't used as agreed, the newest report first.
///
/// An editor sees those of its own organisation.
#[utoipa::path(
    operation_id = "list_misuse_reports",
    tag = "Contacts",
    params(
        ("settled" = Option<bool>, Query, description = "The settled ones instead of the open ones"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of reports", body = inline(Page<MisuseItem>)))
)]
#[get("/v1/misuse-reports")]
async fn list_misuse_reports(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_misuse_reports")?;
    let limit = limit(&fields);
    let (settled, before) = (fields.flag("settled").unwrap_or_default(), fields.uuid("cursor"));
    fields.finish(Some(()))?;
    let mut scope = if agent.has(Role::Administrator) {
        scoped(&state.database, Scope::Administrator).await?
    } else {
        own_scope(&state, &agent).await?
    };
    let found = misuse::list(&mut scope, settled, before, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// Says that a report was dealt with.
///
/// One that is settled already stays as it is.
#[utoipa::path(
    operation_id = "update_misuse_report",
    tag = "Contacts",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the report")),
    request_body = MisuseSettlement,
    responses((status = 200, description = "Settled", body = MisuseItem))
)]
#[patch("/v1/misuse-reports/{id}")]
async fn update_misuse_report(
    request: HttpRequest,
    state: State,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    caller.may("update_misuse_report")?;
    let fields = Fields::from_json(body, &spec::body_fields("MisuseSettlement"))?;
    if fields.flag("settled") != Some(true) && fields.is_sound() {
        fields.report_with(Kind::InvalidValue, "settled", "« true » est attendu.", vec!["true".to_owned()]);
    }
    fields.finish(Some(()))?;
    let not_found = || Problem::not_found("Signalement");
    let id = Uuid::parse_str(segment(&request, "id")).map_err(|_| not_found())?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let settled = misuse::settle(&mut scope, id, day_of(Utc::now())).await?.ok_or_else(not_found)?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(settled))
}

fn show(report: Report) -> MisuseItem {
    MisuseItem {
        id: report.id,
        referent_id: report.referent,
        reason: report.reason,
        note: report.note,
        reported_on: report.reported_on,
        settled_on: report.settled_on,
    }
}
