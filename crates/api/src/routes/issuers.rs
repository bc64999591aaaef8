//! `/v1/issuers`: the OpenID Connect providers whose tokens are taken here, beside this installation's own.

use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use aiguilleur_domain::access::Role;
use aiguilleur_outbound::oidc::parse_issuer;
use aiguilleur_storage::issuers::{self, Issuer};
use aiguilleur_storage::{Scope, scoped};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::{private, required_slug};
use crate::auth::Caller;
use crate::auth::issuers::{ALGORITHMS, DEFAULT_ALGORITHMS};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, segment};
use crate::spec;

const MAX_URL: usize = 500;
const MAX_LABEL: usize = 200;
const MAX_AUDIENCES: usize = 20;
const MAX_POINTER: usize = 200;
/// Words of its claims that are translated.
const MAX_WORDS: usize = 50;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_issuers).service(create_issuer).service(remove_issuer);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewIssuer {
    /// Its name in addresses and settings.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "connexion-de-demonstration")]
    slug: String,
    /// What the sign-in page calls it.
    #[schema(min_length = 1, max_length = 200, example = "Connexion de démonstration")]
    label: String,
    /// Its issuer identifier, as its tokens tell it: https, or http on this machine.
    #[schema(max_length = 500, example = "https://connexion.exemple.fr/realms/agents")]
    url: String,
    /// Audiences of its tokens that are meant for this service.
    #[schema(min_items = 1, max_items = 20, example = json!(["aiguilleur"]))]
    audiences: Vec<String>,
    /// Signature algorithms it uses, all asymmetric; RS256 and ES256 by default.
    #[schema(max_items = 9, example = json!(["RS256"]))]
    algorithms: Option<Vec<String>>,
    /// This service's name there, where one may sign in by browser.
    #[schema(min_length = 1, max_length = 200, example = "aiguilleur")]
    client_id: Option<String>,
    /// JSON pointer (RFC 6901) to the claim that holds roles, for who is no member here.
    #[schema(max_length = 200, example = "/realm_access/roles")]
    roles_claim: Option<String>,
    /// Value of that claim to role here. What isn't in it gives nothing.
    #[schema(example = json!({"mediation": "mediator"}))]
    role_map: Option<BTreeMap<String, Role>>,
    /// JSON pointer to the claim that holds the organisation's slug.
    #[schema(max_length = 200, example = "/siret")]
    organisation_claim: Option<String>,
    /// Slug of the organisation of all its subjects, in place of a claim.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$", example = json!(null))]
    organisation: Option<String>,
}

/// A provider, and what its tokens mean here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct IssuerItem {
    id: Uuid,
    slug: String,
    label: String,
    url: String,
    audiences: Vec<String>,
    algorithms: Vec<String>,
    client_id: Option<String>,
    roles_claim: Option<String>,
    #[schema(value_type = BTreeMap<String, Role>)]
    role_map: Value,
    organisation_claim: Option<String>,
    organisation: Option<String>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct IssuerList {
    items: Vec<IssuerItem>,
}

/// The issuers, by slug.
///
/// This installation's own key isn't listed: it is always one.
#[utoipa::path(
    operation_id = "list_issuers",
    tag = "Accès",
    responses((status = 200, description = "All of them", body = IssuerList))
)]
#[get("/v1/issuers")]
async fn list_issuers(state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    caller.may("list_issuers")?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let found = issuers::list(&mut scope).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &IssuerList { items: found.into_iter().map(show).collect() })
}

/// Takes the tokens of an issuer from now on.
///
/// Its keys are fetched from its own description, and followed as it changes them. A secret that it wants is a setting of the service
/// (`AIGUILLEUR_ISSUER_SECRETS`), never sent here.
#[utoipa::path(
    operation_id = "create_issuer",
    tag = "Accès",
    request_body = NewIssuer,
    responses(
        (status = 201, description = "Added", body = IssuerItem),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/issuers")]
async fn create_issuer(state: State, caller: Caller, JsonBody(mut body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_issuer")?;
    let role_map = body.as_object_mut().and_then(|body| body.remove("role_map")).filter(|map| !map.is_null());
    let fields = Fields::from_json(body, &spec::body_fields("NewIssuer"))?;
    let new = read(&fields, role_map);
    let new = fields.finish(new)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    issuers::add(&mut scope, &agent.actor(), &new).await?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Created(), &show(new))
}

/// Takes none of an issuer's tokens any more.
///
/// Its members stay on record; sessions opened through it are refused within seconds.
#[utoipa::path(
    operation_id = "remove_issuer",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f7-4e62-7b18-8c3d-7a9f1e2d6c44", description = "UUID of the issuer")),
    responses((status = 204, description = "Removed"))
)]
#[delete("/v1/issuers/{id}")]
async fn remove_issuer(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("remove_issuer")?;
    let unknown = || Problem::not_found("Émetteur");
    let id = Uuid::parse_str(segment(&request, "id")).map_err(|_| unknown())?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    if !issuers::remove(&mut scope, &agent.actor(), id).await? {
        return Err(unknown());
    }
    scope.commit().await?;
    state.access_changed().await;
    Ok(HttpResponse::NoContent().finish())
}

fn read(fields: &Fields, role_map: Option<Value>) -> Option<Issuer> {
    for name in ["label", "url", "audiences"].into_iter().filter(|name| !fields.has(name)) {
        fields.report(Kind::InvalidValue, name, "Une valeur est attendue.");
    }
    let slug = required_slug(fields, "slug");
    let label = fields.line("label", MAX_LABEL).map(str::to_owned);
    let url = fields.text("url", MAX_URL).and_then(|url| match parse_issuer(url) {
        Ok(_) => Some(url.to_owned()),
        Err(error) => {
            fields.report(Kind::InvalidValue, "url", format!("{error}."));
            None
        }
    });
    let audiences = fields.texts("audiences", MAX_AUDIENCES);
    let given = fields.texts("algorithms", ALGORITHMS.len());
    let unknown = given.iter().find(|given| !ALGORITHMS.contains(&given.as_str()));
    if let Some(unknown) = unknown {
        let detail = format!("« {unknown} » n'est pas admis : ni algorithme symétrique, ni « none ».");
        fields.report_with(Kind::InvalidValue, "algorithms", detail, ALGORITHMS.map(str::to_owned).to_vec());
    }
    let algorithms = if given.is_empty() { DEFAULT_ALGORITHMS.map(str::to_owned).to_vec() } else { given };
    let roles_claim = pointer(fields, "roles_claim");
    let organisation_claim = pointer(fields, "organisation_claim");
    let organisation = if fields.has("organisation") { required_slug(fields, "organisation") } else { None };
    if organisation.is_some() && organisation_claim.is_some() {
        fields.report(Kind::InvalidValue, "organisation", "Donnez « organisation » ou « organisation_claim », pas les deux.");
    }
    let role_map = read_role_map(fields, role_map);
    Some(Issuer {
        id: Uuid::now_v7(),
        slug: slug?,
        label: label?,
        url: url?,
        audiences: Some(audiences).filter(|audiences| !audiences.is_empty()).or_else(|| {
            fields.report(Kind::InvalidValue, "audiences", "Une audience au moins est attendue.");
            None
        })?,
        algorithms,
        client_id: fields.text("client_id", MAX_LABEL).map(str::to_owned),
        roles_claim,
        role_map: Value::Object(role_map),
        organisation_claim,
        organisation,
        created_at: Utc::now(),
    })
}

fn pointer(fields: &Fields, name: &str) -> Option<String> {
    let text = fields.text(name, MAX_POINTER)?;
    if !text.starts_with('/') {
        fields.report(Kind::InvalidValue, name, "Un pointeur JSON (RFC 6901) est attendu, par exemple /realm_access/roles.");
        return None;
    }
    Some(text.to_owned())
}

fn read_role_map(fields: &Fields, given: Option<Value>) -> Map<String, Value> {
    let expected = "Un objet est attendu : une valeur de l'émetteur, et le rôle qu'elle donne ici.";
    match given {
        None => Map::new(),
        Some(Value::Object(map)) if map.len() <= MAX_WORDS => {
            for (word, role) in &map {
                let role = role.as_str().unwrap_or_default();
                if word.is_empty() || word.contains('\0') || word.len() > 500 {
                    fields.report(Kind::InvalidValue, "role_map", expected);
                } else if let Err(error) = aiguilleur_domain::code::parse::<Role>(role) {
                    let (detail, allowed) = crate::problem::not_allowed(&error);
                    fields.report_with(Kind::InvalidValue, "role_map", detail, allowed);
                }
            }
            map
        }
        Some(Value::Object(_)) => {
            fields.report(Kind::InvalidValue, "role_map", format!("{MAX_WORDS} valeurs au plus."));
            Map::new()
        }
        Some(_) => {
            fields.report(Kind::MalformedRequest, "role_map", expected);
            Map::new()
        }
    }
}

fn show(issuer: Issuer) -> IssuerItem {
    IssuerItem {
        id: issuer.id,
        slug: issuer.slug,
        label: issuer.label,
        url: issuer.url,
        audiences: issuer.audiences,
        algorithms: issuer.algorithms,
        client_id: issuer.client_id,
        roles_claim: issuer.roles_claim,
        role_map: issuer.role_map,
        organisation_claim: issuer.organisation_claim,
        organisation: issuer.organisation,
        created_at: issuer.created_at,
    }
}
