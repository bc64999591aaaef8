//! `/v1/corrections`: what users found wrong in the directory, for whoever keeps it.

use actix_web::{HttpRequest, HttpResponse, get, patch};
use aiguilleur_directory::Directory;
use aiguilleur_domain::referral::Reason;
use aiguilleur_storage::Scope;
use aiguilleur_storage::corrections::{self, Correction, Verdict};
use aiguilleur_storage::scoped;
use chrono::{Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::private;
use super::referrals::required_code;
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JsonBody, Query, State, day_of, segment};
use crate::spec;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_corrections).service(update_correction);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct Settlement {
    verdict: SettledAs,
}

/// How a correction ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum SettledAs {
    /// The record was wrong, and is right now.
    Corrected,
    /// It was right.
    Unfounded,
}

/// A record that is said to be wrong. Nothing leads from it to a referral.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CorrectionItem {
    id: Uuid,
    /// UUID of the structure.
    structure_id: Uuid,
    /// Null when it is no longer in the directory.
    structure_name: Option<String>,
    /// `contact_wrong`, `hours_wrong`, `moved_or_closed` or `procedure_not_offered`.
    reason: Reason,
    /// How many said so.
    reports: i32,
    opened_on: NaiveDate,
    /// Null while it is open: until then the structure stands lower.
    settled_on: Option<NaiveDate>,
    verdict: Option<SettledAs>,
}

/// What users found wrong in the directory, the oldest first.
///
/// A reason given with a referral (`contact_wrong`, `hours_wrong`, `moved_or_closed`, `procedure_not_offered`) opens one, or counts one
/// more report of the same. Until it is settled, the structure stands lower among those that cost nearly the same.
#[utoipa::path(
    operation_id = "list_corrections",
    tag = "Annuaire",
    params(
        ("structure" = Option<Uuid>, Query, description = "UUID of the structure"),
        ("settled" = Option<bool>, Query, description = "The settled ones instead of the open ones"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{6}-[0-9a-f]{32}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of corrections", body = inline(Page<CorrectionItem>)))
)]
#[get("/v1/corrections")]
async fn list_corrections(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    caller.may("list_corrections")?;
    let limit = limit(&fields);
    let (place, settled) = (fields.uuid("structure"), fields.flag("settled").unwrap_or_default());
    let after = fields.text("cursor", 100).map(|cursor| {
        let position = read_cursor(cursor);
        if position.is_none() {
            fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
        }
        position
    });
    fields.finish(Some(()))?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let found = corrections::list(&mut scope, place, settled, after.flatten(), wanted(limit)).await?;
    scope.commit().await?;
    let directory = state.snapshot.get();
    let cursor = |last: &Correction| format!("{:06}-{}", last.opened_on.num_days_from_ce(), last.id.simple());
    private(HttpResponse::Ok(), &Page::cut(found, limit, cursor, |correction| show(&correction, &directory)))
}

/// Settles a correction: the record has been corrected, or was right.
///
/// One that is settled already stays as it is.
#[utoipa::path(
    operation_id = "update_correction",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the correction")),
    request_body = Settlement,
    responses((status = 200, description = "Settled", body = CorrectionItem))
)]
#[patch("/v1/corrections/{id}")]
async fn update_correction(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_correction")?;
    let fields = Fields::from_json(body, &spec::body_fields("Settlement"))?;
    let verdict: Option<Verdict> = required_code(&fields, "verdict");
    let verdict = fields.finish(verdict)?;
    let not_found = || Problem::not_found("Correction");
    let id = Uuid::parse_str(segment(&request, "id")).map_err(|_| not_found())?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let settled = corrections::settle(&mut scope, id, verdict, &agent.subject, day_of(Utc::now())).await?.ok_or_else(not_found)?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(&settled, &state.snapshot.get()))
}

fn read_cursor(cursor: &str) -> Option<(NaiveDate, Uuid)> {
    let (day, id) = cursor.rsplit_once('-')?;
    Some((NaiveDate::from_num_days_from_ce_opt(day.parse().ok()?)?, Uuid::parse_str(id).ok()?))
}

fn show(correction: &Correction, directory: &Directory) -> CorrectionItem {
    CorrectionItem {
        id: correction.id,
        structure_id: correction.structure,
        structure_name: directory.structure(correction.structure).map(|entry| entry.structure.name.clone()),
        reason: correction.reason,
        reports: correction.reports,
        opened_on: correction.opened_on,
        settled_on: correction.settled_on,
        verdict: correction.verdict.map(|verdict| match verdict {
            Verdict::Corrected => SettledAs::Corrected,
            Verdict::Unfounded => SettledAs::Unfounded,
        }),
    }
}
