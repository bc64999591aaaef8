//! `/v1/referrals/{id}/slip`: the paper that the person takes along.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::Utc;
use utoipa_actix_web::service_config::ServiceConfig;

use super::referrals::find;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::request::{Query, State, day_of, segment};
use crate::slip::slip;
use crate::tongue::Tongue;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get_slip);
}

/// The slip, as a page to print: where to go, when, with what, and the code.
///
/// In French, and line by line in one other language. For a sensitive procedure it names neither procedure nor institution.
#[utoipa::path(
    operation_id = "get_slip",
    tag = "Réorientations",
    params(
        ("id" = Uuid, Path, example = "8e0f6c0e-5a0b-4b1c-9a39-0d6f1f7c2b11", description = "UUID of the referral"),
        ("lang" = Option<Tongue>, Query, description = "The language beside French; none by default"),
    ),
    responses((status = 200, description = "The slip", body = String, content_type = "text/html"))
)]
#[get("/v1/referrals/{id}/slip")]
async fn get_slip(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_slip")?;
    let tongue: Option<Tongue> = fields.code("lang");
    fields.finish(Some(()))?;
    let referral = find(&state, &agent, segment(&request, "id")).await?;
    let directory = state.snapshot.get();
    Ok(slip(&referral, &directory, tongue.unwrap_or(Tongue::Fr), &state.site.url, day_of(Utc::now())))
}
