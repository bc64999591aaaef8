//! `/v1/charter`: what a mediator agrees to before a referent contact is shown.

use actix_web::{HttpResponse, get, post};
use aiguilleur_storage::{Scope, charter, scoped};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;

use super::organisations::private;
use crate::auth::{Agent, Caller, Identity};
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JsonBody, Query, State, day_of};
use crate::spec;

/// Raised with every change of what it asks for: then it is to be accepted anew.
pub const CHARTER_VERSION: i16 = 1;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get_charter).service(create_charter_acceptance);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct Acceptance {
    /// The version that was read.
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    version: u32,
}

/// The charter of referent contacts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Charter {
    #[schema(example = 1)]
    version: i16,
    /// Where it is to be read.
    #[schema(example = "/charte")]
    url: &'static str,
    /// The day on which the caller accepted this version; null: not yet.
    accepted_on: Option<NaiveDate>,
}

/// The charter in force, and whether the caller accepted it.
///
/// Its text is a page, for people.
#[utoipa::path(
    operation_id = "get_charter",
    tag = "Contacts",
    responses((status = 200, description = "The charter", body = Charter))
)]
#[get("/v1/charter")]
async fn get_charter(state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_charter")?;
    let mut scope = scoped(&state.database, Scope::System).await?;
    let accepted_on = charter::accepted_on(&mut scope, &person(&agent.identity), CHARTER_VERSION).await?;
    scope.commit().await?;
    show(accepted_on)
}

/// Accepts the charter.
///
/// For oneself, once for each version.
#[utoipa::path(
    operation_id = "create_charter_acceptance",
    tag = "Contacts",
    request_body = Acceptance,
    responses((status = 200, description = "Accepted", body = Charter))
)]
#[post("/v1/charter/acceptances")]
async fn create_charter_acceptance(state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent: Agent = caller.may("create_charter_acceptance")?;
    let fields = Fields::from_json(body, &spec::body_fields("Acceptance"))?;
    if !fields.has("version") {
        fields.report(Kind::InvalidValue, "version", "La version lue est attendue.");
    }
    let version = fields.integer("version", 1..=1_000);
    if version.is_some_and(|version| version != u32::from(CHARTER_VERSION.unsigned_abs())) {
        let detail = "Ce n'est pas la version en vigueur : lisez /charte, puis acceptez celle-ci.";
        fields.report_with(Kind::InvalidValue, "version", detail, vec![CHARTER_VERSION.to_string()]);
    }
    fields.finish(version)?;
    let who = person(&agent.identity);
    let mut scope = scoped(&state.database, Scope::System).await?;
    charter::accept(&mut scope, &who, CHARTER_VERSION, day_of(Utc::now())).await?;
    let accepted_on = charter::accepted_on(&mut scope, &who, CHARTER_VERSION).await?;
    scope.commit().await?;
    show(accepted_on)
}

fn show(accepted_on: Option<NaiveDate>) -> Result<HttpResponse, Problem> {
    private(HttpResponse::Ok(), &Charter { version: CHARTER_VERSION, url: "/charte", accepted_on })
}

/// Somebody, as acceptances and daily limits know them: a digest, of which neither tells the other.
pub(super) fn person(identity: &Identity) -> String {
    format!("{:x}", Sha256::digest(format!("{}\n{}", identity.issuer, identity.subject)))
}
