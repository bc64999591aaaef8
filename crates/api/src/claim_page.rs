//! `/revendication`: the page behind the link that a place's own mail address was sent, by which whoever reads it says who keeps the
//! place's record. Whoever opens it only sees it: mail scanners do.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use aiguilleur_domain::code::parse;
use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::claims::{self, Claim, Status};
use aiguilleur_storage::{Scope, Scoped, StorageError, scoped, structures};
use chrono::Utc;
use html_escape::encode_safe as safe;
use serde::Deserialize;

use crate::invitation::digest;
use crate::limits::network;
use crate::pages::{page, page_with, private};
use crate::problem::Problem;
use crate::request::{Form, State, segment};
use crate::routes::claims::ClaimAnswer;

pub fn configure(config: &mut web::ServiceConfig) {
    config.service(see).service(act);
}

#[derive(Debug, Deserialize)]
struct Reply {
    verdict: String,
}

#[get("/revendication/{token}")]
async fn see(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let token = segment(&request, "token");
    let Some((mut scope, claim)) = open(&state, token).await? else { return Ok(no_such_link()) };
    let Some(place) = structures::load(&mut scope, &[claim.structure]).await?.pop() else { return Ok(no_such_link()) };
    let asking = claim.name.as_deref().unwrap_or(&claim.slug);
    let place_address = [place.address.as_deref(), place.postal_code.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let body = format!(
        "<h1>Qui tient la fiche de votre lieu ?</h1>\
         <p>L'organisation « {asking} » demande à tenir, dans l'annuaire Aiguilleur, la fiche de ce lieu :</p>\
         <dl><dt>Lieu</dt><dd>{}</dd><dt>Adresse</dt><dd>{}</dd></dl>\
         <p>Si vous acceptez, ses agents pourront changer les horaires, les coordonnées, les fermetures et les places annoncées. Chaque \
         changement reste visible et peut être défait.</p>\
         <form method=\"post\" action=\"/revendication/{}\"><div class=\"answers\">\
         <button name=\"verdict\" value=\"accepted\" class=\"main\">Oui, cette organisation tient la fiche</button>\
         <button name=\"verdict\" value=\"refused\">Non, je refuse</button></div></form>\
         <p>Vous hésitez ? Ne faites rien : sans réponse de votre part, rien n'est changé.</p>",
        safe(&place.name),
        safe(&place_address),
        safe(token),
        asking = safe(asking),
    );
    Ok(private(page("Qui tient la fiche de votre lieu ?", &body)))
}

#[post("/revendication/{token}")]
async fn act(request: HttpRequest, state: State, Form(reply): Form<Reply>) -> Result<HttpResponse, Problem> {
    let Some((mut scope, claim)) = open(&state, segment(&request, "token")).await? else { return Ok(no_such_link()) };
    let Ok(verdict) = parse::<ClaimAnswer>(&reply.verdict) else {
        return Ok(told(StatusCode::UNPROCESSABLE_ENTITY, "Choisissez une réponse", "Revenez à la page et choisissez « oui » ou « non »."));
    };
    scope.enter(Scope::System).await?;
    let Some(held) = structures::hold(&mut scope, claim.structure).await? else { return Ok(no_such_link()) };
    // While this waited for its turn, an administrator may have decided, or another organisation been accepted.
    let is_still_theirs_to_say = claims::find(&mut scope, claim.id).await?.is_some_and(|now| is_open(&now));
    if !is_still_theirs_to_say {
        return Ok(no_such_link());
    }
    let actor = Actor {
        subject: "mail".to_owned(),
        organisation: claim.slug.clone(),
        network: state.limits.client(&request).map(network),
        request_id: None,
    };
    let is_accepted = verdict == ClaimAnswer::Accepted;
    claims::settle(&mut scope, &actor, &held, claim.id, is_accepted).await?;
    scope.commit().await?;
    Ok(if is_accepted {
        told(StatusCode::OK, "C'est fait", "Cette organisation tient désormais la fiche de votre lieu.")
    } else {
        told(StatusCode::OK, "C'est refusé", "Rien n'a été changé dans l'annuaire.")
    })
}

/// A claim whose mail's link is good; in the scope of whoever holds it.
async fn open(state: &State, token: &str) -> Result<Option<(Scoped, Claim)>, StorageError> {
    let digest = digest(token);
    let mut scope = scoped(&state.database, Scope::Bearer(&digest)).await?;
    let claim = claims::with_link(&mut scope, &digest).await?.filter(is_open);
    Ok(claim.map(|claim| (scope, claim)))
}

fn is_open(claim: &Claim) -> bool {
    claim.status == Status::Open && claim.expires_at.is_some_and(|until| Utc::now() < until)
}

fn no_such_link() -> HttpResponse {
    told(
        StatusCode::NOT_FOUND,
        "Ce lien ne sert plus",
        "Il a expiré au bout de 7 jours, il a déjà servi, ou il est incomplet. L'organisation peut refaire sa demande ; si une autre tient \
         déjà la fiche, un administrateur décide.",
    )
}

fn told(status: StatusCode, title: &str, words: &str) -> HttpResponse {
    private(page_with(status, title, &format!("<h1>{title}</h1><p class=\"notice\" role=\"status\">{words}</p>")))
}
