//! `/v1/me`: who the caller is here, and what its rights are.

use actix_web::{HttpResponse, get};
use aiguilleur_domain::access::Role;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::request::{Query, State, json};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get_me);
}

/// Who the caller is, with the rights that are in force.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Me {
    /// What the issuer calls it.
    subject: String,
    organisation: OwnOrganisation,
    roles: Vec<Role>,
    /// Slug of the institution whose contacts it keeps.
    institution: Option<String>,
    /// Codes of départements, or `FR`: where its roles count, for those that have a territory.
    territory: Vec<String>,
    /// Who vouches for it: an issuer's URL, or `aiguilleur`.
    issuer: String,
    expires_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OwnOrganisation {
    /// Null while it has neither member nor referral here.
    id: Option<Uuid>,
    slug: String,
    name: Option<String>,
}

/// Who the caller is here.
///
/// The rights are those in force: a member's are the ones that its administrator gave, whatever its token says.
#[utoipa::path(
    operation_id = "get_me",
    tag = "Accès",
    responses((status = 200, description = "The caller", body = Me))
)]
#[get("/v1/me")]
async fn get_me(state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let identity = caller.may("get_me")?.identity;
    let register = state.access.get();
    let known = register.organisation(&identity.organisation);
    let id = match known {
        Some(known) => Some(known.id),
        None => state.organisations.find(&identity.organisation).await?,
    };
    let me = Me {
        organisation: OwnOrganisation { id, name: known.and_then(|known| known.name.clone()), slug: identity.organisation },
        subject: identity.subject,
        roles: identity.grant.roles,
        institution: identity.grant.institution,
        territory: identity.grant.territory.codes().to_vec(),
        issuer: identity.issuer,
        expires_at: identity.expires_at,
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    json(response, &me)
}
