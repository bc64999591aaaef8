//! Signing in with a browser: by a one-time link sent by mail, or at an issuer (authorization code with PKCE). Pages work without
//! script. Whoever opens a link only sees a page: mail scanners do, and must not use it up.

use std::collections::HashMap;
use std::fmt::Write as _;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use aiguilleur_domain::access::Grant;
use aiguilleur_jobs::access::Register;
use aiguilleur_outbound::mail::parse_address;
use aiguilleur_outbound::oidc::{Journey, Registration};
use aiguilleur_storage::audit::{self, Deed};
use aiguilleur_storage::issuers::Issuer;
use aiguilleur_storage::members::{self, Member, OURSELVES};
use aiguilleur_storage::{Scope, Scoped, organisations, scoped, sessions};
use chrono::Duration;
use html_escape::encode_safe as safe;
use serde::{Deserialize, Serialize};

use crate::auth::session::LASTS;
use crate::auth::{Caller, Identity, is_slug};
use crate::invitation;
use crate::pages::{page, page_with, private};
use crate::problem::Problem;
use crate::request::{Form, State, segment};

/// What the addresses of one-time links begin with; what follows is a secret.
pub const LINKS: &str = "/sign-in/link/";
/// How long a visit to an issuer may take.
const JOURNEY_LASTS: Duration = Duration::minutes(10);
/// The cookie that remembers it.
const JOURNEY: &str = "aiguilleur-journey";

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(sign_in)
        .service(ask_for_link)
        .service(see_link)
        .service(use_link)
        .service(go_to_issuer)
        .service(come_back)
        .service(account)
        .service(sign_out);
}

#[derive(Deserialize)]
struct Address {
    email: String,
}

#[derive(Deserialize)]
struct Choice {
    /// Slug; where somebody is member of several.
    organisation: Option<String>,
}

/// A visit to an issuer, sealed in a cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Visit {
    issuer: String,
    journey: Journey,
}

#[get("/sign-in")]
async fn sign_in(state: State) -> HttpResponse {
    let mut body = String::from("<h1>Se connecter</h1>");
    let register = state.access.get();
    let issuers: Vec<String> = register
        .issuers()
        .iter()
        .filter(|issuer| issuer.client_id.is_some())
        .map(|issuer| format!("<li><a class=\"button\" href=\"/sign-in/with/{}\">{}</a></li>", safe(&issuer.slug), safe(&issuer.label)))
        .collect();
    if !issuers.is_empty() {
        let _ = write!(body, "<h2>Avec le compte de votre organisation</h2><ul class=\"choices\">{}</ul>", issuers.concat());
    }
    if state.post.mailer.is_some() {
        body += "<h2>Par courriel</h2><form method=\"post\" action=\"/sign-in/mail\">\
                 <label for=\"email\">Votre adresse professionnelle</label>\
                 <p class=\"hint\" id=\"email-hint\">Celle où vous avez reçu votre invitation.</p>\
                 <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" maxlength=\"254\" required aria-describedby=\"email-hint\">\
                 <div><button>Recevoir un lien de connexion</button></div></form>";
    } else if issuers.is_empty() {
        body += "<p>Cette installation n'a pas encore de moyen de se connecter : son exploitant peut y ajouter un serveur de courriel \
                 (<code>AIGUILLEUR_SMTP_URL</code>) ou un fournisseur d'identité (<code>aiguilleur issuer add</code>).</p>";
    }
    body += "<p>L'annuaire et les questions d'orientation sont ouverts à tout le monde, sans compte.</p>";
    page("Se connecter", &body)
}

/// Says the same whoever asks: an address that is nobody's here isn't told so, and no mail is waited for.
#[post("/sign-in/mail")]
async fn ask_for_link(request: HttpRequest, state: State, Form(form): Form<Address>) -> Result<HttpResponse, Problem> {
    let Some(address) = parse_address(&form.email) else {
        let body = "<h1>Adresse à corriger</h1><p class=\"notice\">Ce n'est pas une adresse de courriel complète, comme accueil@ccas.exemple.fr. \
                    <a href=\"/sign-in\">Corriger l'adresse</a></p>";
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, "Adresse à corriger", body));
    };
    state.limits.count_mail(&request, &address)?;
    if state.post.mailer.is_none() {
        let body = "<h1>Pas de connexion par courriel ici</h1><p class=\"notice\">Cette installation n'envoie pas de courriel : adressez-vous à \
                    son administrateur, qui peut vous remettre un lien.</p>";
        return Ok(page_with(StatusCode::SERVICE_UNAVAILABLE, "Pas de connexion par courriel ici", body));
    }
    let body = format!(
        "<h1>Consultez votre messagerie</h1><p class=\"notice\" role=\"status\">Si {} est l'adresse d'un membre, un lien de connexion vient \
         d'y être envoyé. Il est valable 15 minutes et ne sert qu'une fois.</p>\
         <p>Rien n'arrive ? Regardez dans les indésirables, vérifiez l'adresse, puis <a href=\"/sign-in\">demandez un autre lien</a>. \
         Si vous n'avez jamais été invité, adressez-vous à l'administrateur de votre installation.</p>",
        safe(&address)
    );
    actix_web::rt::spawn(async move {
        if let Err(problem) = send_to_member(&state, &address).await {
            tracing::warn!(kind = problem.kind().slug(), "a link to sign in was not sent");
        }
    });
    Ok(page("Consultez votre messagerie", &body))
}

async fn send_to_member(state: &State, address: &str) -> Result<(), Problem> {
    let mut scope = scoped(&state.database, Scope::System).await?;
    let is_member = !members::with_email(&mut scope, address).await?.is_empty();
    scope.commit().await?;
    if is_member {
        state.post.send_link(address).await?;
    }
    Ok(())
}

#[get("/sign-in/link/{token}")]
async fn see_link(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let token = segment(&request, "token");
    let mut scope = scoped(&state.database, Scope::System).await?;
    let address = sessions::look_at_link(&mut scope, &invitation::digest(token)).await?;
    let standings = match &address {
        Some(address) => standings_of(&mut scope, address).await?,
        None => Vec::new(),
    };
    scope.commit().await?;
    let (Some(address), [first, others @ ..]) = (address, standings.as_slice()) else { return Ok(no_such_link()) };
    let choice = if others.is_empty() {
        format!("<p>Vous agirez pour : <strong>{}</strong></p>", safe(&first.name))
    } else {
        let option = |one: &Named, checked: &str| {
            let (slug, name) = (safe(&one.slug), safe(&one.name));
            format!("<label><input type=\"radio\" name=\"organisation\" value=\"{slug}\"{checked}> {name}</label>")
        };
        let options: String = others.iter().map(|one| option(one, "")).collect();
        format!("<fieldset><legend>Pour quelle organisation ?</legend>{}{options}</fieldset>", option(first, " checked"))
    };
    let body = format!(
        "<h1>Se connecter à Aiguilleur</h1><p>Avec l'adresse {}.</p>\
         <form method=\"post\" action=\"/sign-in/link/{}\">{choice}<button>Me connecter</button></form>",
        safe(&address),
        safe(token)
    );
    Ok(private(page("Se connecter", &body)))
}

#[post("/sign-in/link/{token}")]
async fn use_link(request: HttpRequest, state: State, Form(form): Form<Choice>) -> Result<HttpResponse, Problem> {
    // Nobody is signed in from another site's page, as somebody else than they believe.
    if !state.site.is_origin_of(&request) {
        return Ok(not_signed_in("Cette demande vient d'une page d'un autre site. Rouvrez le lien reçu par courriel."));
    }
    let digest = invitation::digest(segment(&request, "token"));
    let mut scope = scoped(&state.database, Scope::System).await?;
    let Some(address) = sessions::use_link(&mut scope, &digest).await? else { return Ok(no_such_link()) };
    let standings = standings_of(&mut scope, &address).await?;
    let chosen = match &form.organisation {
        Some(slug) => standings.into_iter().find(|one| one.slug == *slug),
        None => standings.into_iter().next(),
    };
    let Some(chosen) = chosen else { return Ok(no_such_link()) };
    let member = &chosen.member;
    members::join(&mut scope, member.id).await?;
    let actor = audit::Actor {
        subject: member.subject.clone(),
        organisation: chosen.slug.clone(),
        network: state.limits.client(&request).map(crate::limits::network),
        request_id: None,
    };
    let deed = Deed { action: "sign_in", entity: "session", id: member.id.to_string(), organisation: Some(member.organisation_id) };
    audit::write(&mut scope, &actor, deed, None::<&Member>, None::<&Member>).await?;
    scope.commit().await?;
    state.access_changed().await;
    let token = state.key.issue(&member.subject, &chosen.slug, &member.grant, LASTS);
    Ok(signed_in(&state, token))
}

/// A membership, and what its organisation is called.
struct Named {
    slug: String,
    name: String,
    member: Member,
}

async fn standings_of(scope: &mut Scoped, address: &str) -> Result<Vec<Named>, Problem> {
    let found = members::with_email(scope, address).await?;
    let mut standings = Vec::with_capacity(found.len());
    for member in found {
        if let Some(organisation) = organisations::find(scope, member.organisation_id).await? {
            let name = organisation.name.clone().unwrap_or_else(|| organisation.slug.clone());
            standings.push(Named { slug: organisation.slug, name, member });
        }
    }
    Ok(standings)
}

fn no_such_link() -> HttpResponse {
    let body = "<h1>Ce lien ne sert plus</h1><p class=\"notice\">Il a déjà été utilisé, il a expiré, ou il est incomplet. Rien n'a été \
                ouvert.</p><p><a class=\"button\" href=\"/sign-in\">Demander un autre lien</a></p>";
    page_with(StatusCode::NOT_FOUND, "Ce lien ne sert plus", body)
}

#[get("/sign-in/with/{slug}")]
async fn go_to_issuer(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let register = state.access.get();
    let slug = segment(&request, "slug");
    let Some((issuer, registration)) = registered(&state, &register, slug) else {
        return Ok(not_signed_in("Ce fournisseur d'identité n'est pas admis ici."));
    };
    let Some(provider) = state.providers.of(issuer) else { return Ok(issuer_away(issuer)) };
    match provider.begin(&registration).await {
        Ok((url, journey)) => {
            let visit = Visit { issuer: slug.to_owned(), journey };
            let sealed = state.key.seal(JOURNEY, &visit, JOURNEY_LASTS).unwrap_or_default();
            let mut response = HttpResponse::SeeOther();
            response.insert_header((header::LOCATION, url.to_string()));
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            response.cookie(state.site.cookie(JOURNEY, sealed, JOURNEY_LASTS));
            Ok(response.finish())
        }
        Err(error) => {
            tracing::warn!(issuer = issuer.url, %error, "a sign-in could not begin");
            Ok(issuer_away(issuer))
        }
    }
}

#[get("/sign-in/callback")]
async fn come_back(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let query: HashMap<String, String> = web::Query::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
    let visit: Option<Visit> = state.site.value_of(&request, JOURNEY).and_then(|sealed| state.key.unseal(JOURNEY, &sealed));
    let Some(visit) = visit.filter(|visit| query.get("state").is_some_and(|told| *told == visit.journey.state)) else {
        return Ok(not_signed_in("Cette connexion n'a pas été commencée dans ce navigateur, ou elle a duré plus de dix minutes."));
    };
    let register = state.access.get();
    let Some((issuer, registration)) = registered(&state, &register, &visit.issuer) else {
        return Ok(not_signed_in("Ce fournisseur d'identité n'est plus admis ici."));
    };
    // An answer that another provider gave is not for this one (RFC 9207).
    if query.get("iss").is_some_and(|told| *told != issuer.url) {
        return Ok(not_signed_in("Cette réponse vient d'un autre fournisseur d'identité que celui que vous aviez choisi."));
    }
    let issuer = register.issuer(&issuer.url).cloned();
    let (Some(code), Some(issuer)) = (query.get("code"), issuer) else {
        return Ok(not_signed_in("Le fournisseur d'identité n'a pas confirmé qui vous êtes, ou vous avez renoncé."));
    };
    let Some(provider) = state.providers.of(&issuer) else { return Ok(issuer_away(&issuer)) };
    let Ok(id_token) = provider.exchange(&registration, code.clone(), visit.journey.verifier.clone()).await else {
        return Ok(issuer_away(&issuer));
    };
    let audience = [registration.client_id];
    let vouched = match state.providers.check_for(&issuer, &id_token, &audience).await {
        Ok(vouched) if vouched.nonce.as_deref() == Some(visit.journey.nonce.as_str()) => vouched,
        refused => {
            tracing::warn!(issuer = issuer.url, reason = refused.err().unwrap_or("nonce"), "an ID token was refused");
            return Ok(not_signed_in("La réponse du fournisseur d'identité n'a pas pu être vérifiée."));
        }
    };
    let Some((organisation, grant)) = right_of(&register, &vouched) else {
        return Ok(not_signed_in(
            "Vous êtes bien reconnu, mais vous n'êtes membre d'aucune organisation ici. Demandez à l'administrateur de vous y ajouter.",
        ));
    };
    note_sign_in(&request, &state, &vouched.subject, &organisation).await?;
    let token = state.key.issue_via(Some(&issuer.url), &vouched.subject, &organisation, &grant, LASTS);
    Ok(signed_in(&state, token))
}

/// For whom somebody vouched for acts, and with which rights: the membership on record, else what the claims say.
fn right_of(register: &Register, vouched: &crate::auth::issuers::Vouched) -> Option<(String, Grant)> {
    let standings = register.standings(&vouched.issuer.url, &vouched.subject);
    let told = vouched.organisation.as_deref().filter(|slug| is_slug(slug));
    let standing = match told {
        Some(slug) => standings.iter().find(|standing| standing.organisation == slug),
        None => standings.iter().find(|standing| !standing.is_removed),
    };
    match (standing, told) {
        (Some(standing), _) if standing.is_removed => None,
        (Some(standing), _) => Some((standing.organisation.clone(), standing.grant.clone())),
        (None, Some(slug)) if !vouched.roles.is_empty() => Some((slug.to_owned(), Grant::of(&vouched.roles))),
        (None, _) => None,
    }
}

async fn note_sign_in(request: &HttpRequest, state: &State, subject: &str, organisation: &str) -> Result<(), Problem> {
    let id = state.organisations.ensure(organisation).await?;
    let actor = audit::Actor {
        subject: subject.to_owned(),
        organisation: organisation.to_owned(),
        network: state.limits.client(request).map(crate::limits::network),
        request_id: None,
    };
    let mut scope = scoped(&state.database, Scope::System).await?;
    let deed = Deed { action: "sign_in", entity: "session", id: id.to_string(), organisation: Some(id) };
    audit::write(&mut scope, &actor, deed, None::<&Member>, None::<&Member>).await?;
    scope.commit().await?;
    Ok(())
}

/// An issuer where one may sign in, and what this service is there.
fn registered<'r>(state: &State, register: &'r Register, slug: &str) -> Option<(&'r Issuer, Registration)> {
    let issuer = register.issuers().iter().find(|issuer| issuer.slug == slug)?;
    let registration = Registration {
        client_id: issuer.client_id.clone()?,
        client_secret: state.issuer_secrets.get(slug).cloned(),
        redirect_uri: format!("{}/sign-in/callback", state.site.url),
    };
    Some((issuer, registration))
}

fn issuer_away(issuer: &Issuer) -> HttpResponse {
    let body = format!(
        "<h1>Connexion momentanément impossible</h1><p class=\"notice\">{} ne répond pas comme attendu. Réessayez dans quelques minutes.</p>\
         <p><a href=\"/sign-in\">Choisir un autre moyen</a></p>",
        safe(&issuer.label)
    );
    page_with(StatusCode::SERVICE_UNAVAILABLE, "Connexion momentanément impossible", &body)
}

fn not_signed_in(why: &str) -> HttpResponse {
    let body = format!(
        "<h1>Connexion refusée</h1><p class=\"notice\">{}</p><p><a class=\"button\" href=\"/sign-in\">Recommencer</a></p>",
        safe(why)
    );
    page_with(StatusCode::FORBIDDEN, "Connexion refusée", &body)
}

fn signed_in(state: &State, token: Result<String, crate::auth::KeyError>) -> HttpResponse {
    let Ok(token) = token.inspect_err(|error| tracing::error!(%error, "a session could not be opened")) else {
        return not_signed_in("Une erreur imprévue s'est produite de notre côté.");
    };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, "/account"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.cookie(state.site.session(token));
    response.cookie(state.site.cookie(JOURNEY, String::new(), Duration::zero()));
    response.finish()
}

#[get("/account")]
async fn account(state: State, caller: Result<Caller, Problem>) -> HttpResponse {
    let Some(identity) = caller.ok().and_then(|caller| caller.identity().cloned()) else {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, "/sign-in"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        // One that is no longer good would be presented for ever.
        response.cookie(state.site.no_session());
        return response.finish();
    };
    let register = state.access.get();
    let organisation = register.organisation(&identity.organisation).and_then(|one| one.name.as_deref()).unwrap_or(&identity.organisation);
    let body = format!(
        "<h1>Votre compte</h1><dl><dt>Organisation</dt><dd>{}</dd><dt>Vous y êtes</dt><dd>{}</dd>{}{}</dl>\
         <form method=\"post\" action=\"/sign-out\"><button>Me déconnecter</button></form>",
        safe(organisation),
        safe(&roles(&identity)),
        place(&identity),
        vouched_by(&identity),
    );
    private(page("Votre compte", &body))
}

/// Who vouches for somebody, and as whom; nothing for one who signed in by mail, whom only this installation knows.
fn vouched_by(identity: &Identity) -> String {
    if identity.issuer == OURSELVES {
        return String::new();
    }
    let (issuer, subject) = (safe(&identity.issuer), safe(&identity.subject));
    format!("<dt>Reconnu par</dt><dd>{issuer}</dd><dt>Identifiant</dt><dd>{subject}</dd>")
}

fn roles(identity: &Identity) -> String {
    let labels: Vec<&str> = identity.grant.roles.iter().map(|role| role.label()).collect();
    labels.join(", ")
}

fn place(identity: &Identity) -> String {
    let mut rows = String::new();
    if let Some(institution) = &identity.grant.institution {
        let _ = write!(rows, "<dt>Organisme</dt><dd>{}</dd>", safe(institution));
    }
    if !identity.grant.territory.codes().is_empty() {
        let codes = identity.grant.territory.codes().join(", ").replace("FR", "tout le pays");
        let _ = write!(rows, "<dt>Territoire</dt><dd>{}</dd>", safe(&codes));
    }
    rows
}

#[post("/sign-out")]
async fn sign_out(request: HttpRequest, state: State, caller: Result<Caller, Problem>) -> Result<HttpResponse, Problem> {
    if !state.site.is_origin_of(&request) {
        return Ok(not_signed_in("Cette demande vient d'une page d'un autre site : vous êtes toujours connecté."));
    }
    // A session that is over already has nothing left to end.
    let caller = caller.ok();
    if let Some((token_id, expires_at)) = caller.as_ref().and_then(Caller::identity).and_then(|one| Some((one.token_id?, one.expires_at))) {
        let mut scope = scoped(&state.database, Scope::System).await?;
        sessions::end(&mut scope, token_id, expires_at).await?;
        scope.commit().await?;
        state.access_changed().await;
    }
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, "/sign-in"));
    response.cookie(state.site.no_session());
    Ok(response.finish())
}
