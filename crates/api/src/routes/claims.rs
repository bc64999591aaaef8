//! `/v1/structures/{id}/claims` and `/v1/claims`: organisations that ask to keep the record of a place they run.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use aiguilleur_domain::structure::Structure;
use aiguilleur_storage::claims::{self, CheckedBy, Claim, Link, Status};
use aiguilleur_storage::{Scope, StorageError, scoped, structures};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::kept_structures::hold;
use super::organisations::private;
use super::referrals::required_code;
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::invitation;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, segment};
use crate::spec;

/// For which the link in the mail is good.
const LINK_LASTS: Duration = Duration::days(7);

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create_claim).service(list_claims).service(update_claim);
}

/// An organisation that asks to keep a structure's record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ClaimItem {
    id: Uuid,
    structure_id: Uuid,
    /// Null when it is no longer in the directory.
    structure_name: Option<String>,
    /// Its slug.
    #[schema(example = "ccas-de-demonstration")]
    organisation: String,
    organisation_name: Option<String>,
    made_at: DateTime<Utc>,
    /// Who is to say whether it is right.
    check: ClaimCheck,
    /// Where a mail went: the record's own address, in part.
    #[schema(example = "cc…@example.org")]
    sent_to: Option<String>,
    /// Until when the link in the mail is good.
    expires_at: Option<DateTime<Utc>>,
    status: ClaimStatus,
    settled_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum ClaimCheck {
    /// Whoever reads the mail of the record's own address.
    Mail,
    Administrator,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum ClaimStatus {
    Open,
    Accepted,
    Refused,
    /// Its link was over, and another was asked for.
    Lapsed,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct ClaimVerdict {
    verdict: ClaimAnswer,
}

/// What becomes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ClaimAnswer {
    /// The organisation keeps the record from now on.
    Accepted,
    Refused,
}

/// Asks to keep the record of a structure, for the caller's organisation.
///
/// Where nobody keeps it and it has a mail address of its own, a link goes there, good for 7 days: whoever reads that mail says yes or no.
/// Else an administrator does. Nothing is changed until then.
#[utoipa::path(
    operation_id = "create_claim",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure")),
    responses(
        (status = 201, description = "It waits for the answer", body = ClaimItem),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/structures/{id}/claims")]
async fn create_claim(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_claim")?;
    let organisation = state.organisations.ensure(&agent.organisation).await?;
    // Claims of one structure take turns.
    let (mut scope, held) = hold(&state, segment(&request, "id")).await?;
    let place = held.structure;
    if held.keeper == Some(organisation) {
        return Err(Problem::new(Kind::AlreadyThere, "Votre organisation tient déjà cette fiche. Rien n'a été changé."));
    }
    let address = place.email.clone().filter(|_| held.keeper.is_none() && state.post.mailer.is_some());
    if let Some(address) = &address {
        state.limits.count_mail(&request, address)?;
    }
    let token = invitation::secret();
    let link = address.as_ref().map(|_| Link { digest: invitation::digest(&token), expires_at: Utc::now() + LINK_LASTS });
    let added = claims::add(&mut scope, &agent.actor(), place.id, organisation, link.as_ref()).await;
    let mut claim = added.map_err(|error| match error {
        StorageError::Taken => Problem::new(
            Kind::AlreadyThere,
            "Votre organisation a déjà une demande en cours pour ce lieu : elle attend sa réponse, par courriel au lieu ou d'un \
             administrateur. Rien n'a été changé.",
        ),
        error => error.into(),
    })?;
    scope.commit().await?;
    if let Some(address) = &address {
        let url = format!("{}/revendication/{token}", state.site.url);
        let asking = claim.name.as_deref().unwrap_or(&claim.slug);
        if let Err(error) = state.post.send_claim(address, &url, &place.name, asking).await {
            // Nobody has the link: an administrator decides. Neither the address nor what the server says of it is told.
            tracing::error!(%error, "a mail could not be sent");
            let mut scope = scoped(&state.database, Scope::System).await?;
            claim = claims::leave_to_administrator(&mut scope, claim.id).await?;
            scope.commit().await?;
        }
    }
    private(HttpResponse::Created(), &show(claim, Some(&place)))
}

/// The claims of one status, the oldest first.
///
/// The open ones unless another is asked for.
#[utoipa::path(
    operation_id = "list_claims",
    tag = "Annuaire",
    params(
        ("status" = Option<ClaimStatus>, Query, description = "`open` by default"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of claims", body = inline(Page<ClaimItem>)))
)]
#[get("/v1/claims")]
async fn list_claims(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    caller.may("list_claims")?;
    let (limit, after) = (limit(&fields), fields.uuid("cursor"));
    let status = if fields.has("status") { fields.code("status") } else { Some(Status::Open) };
    let status = fields.finish(status)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let found = claims::list(&mut scope, status, after, wanted(limit)).await?;
    scope.commit().await?;
    let directory = state.snapshot.get();
    let place = |claim: &Claim| directory.structure(claim.structure).map(|entry| &entry.structure);
    let show = |claim: Claim| {
        let place = place(&claim);
        show(claim, place)
    };
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// Accepts a claim, which gives the record to the organisation, or refuses it.
///
/// One that is settled already stays as it is. The record of a place that another organisation kept passes to the new one.
#[utoipa::path(
    operation_id = "update_claim",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the claim")),
    request_body = ClaimVerdict,
    responses((status = 200, description = "Settled", body = ClaimItem))
)]
#[patch("/v1/claims/{id}")]
async fn update_claim(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_claim")?;
    let fields = Fields::from_json(body, &spec::body_fields("ClaimVerdict"))?;
    let verdict: Option<ClaimAnswer> = required_code(&fields, "verdict");
    let verdict = fields.finish(verdict)?;
    let not_found = || Problem::not_found("Demande");
    let id = Uuid::parse_str(segment(&request, "id")).map_err(|_| not_found())?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let claim = claims::find(&mut scope, id).await?.ok_or_else(not_found)?;
    let held = structures::hold(&mut scope, claim.structure).await?.ok_or_else(not_found)?;
    let settled = claims::settle(&mut scope, &agent.actor(), &held, id, verdict == ClaimAnswer::Accepted).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(settled, Some(&held.structure)))
}

fn show(claim: Claim, place: Option<&Structure>) -> ClaimItem {
    let address = place.and_then(|place| place.email.as_deref()).filter(|_| claim.checked_by == CheckedBy::Mail);
    ClaimItem {
        id: claim.id,
        structure_id: claim.structure,
        structure_name: place.map(|place| place.name.clone()),
        organisation: claim.slug,
        organisation_name: claim.name,
        made_at: claim.made_at,
        check: match claim.checked_by {
            CheckedBy::Mail => ClaimCheck::Mail,
            CheckedBy::Administrator => ClaimCheck::Administrator,
        },
        sent_to: address.map(masked),
        expires_at: claim.expires_at,
        status: match claim.status {
            Status::Open => ClaimStatus::Open,
            Status::Accepted => ClaimStatus::Accepted,
            Status::Refused => ClaimStatus::Refused,
            Status::Lapsed => ClaimStatus::Lapsed,
        },
        settled_at: claim.settled_at,
    }
}

/// Enough of an address to know it again.
fn masked(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let seen: String = local.chars().take(2).collect();
    format!("{seen}…@{domain}")
}
