//! `/v1/partner-keys`: what a partner's pages say of themselves, for quota, logging and framing.

use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use aiguilleur_outbound::Url;
use aiguilleur_storage::partner_keys::{self, PartnerKey, Turned};
use aiguilleur_storage::{Scope, scoped};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::{private, required_slug};
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, segment};
use crate::spec;

const MAX_LABEL: usize = 200;
const MAX_ORIGINS: usize = 20;
/// Requests per minute on each node.
const DEFAULT_QUOTA: u32 = 600;
const MAX_QUOTA: u32 = 1_000_000;
/// For which a rotated key stays good.
const DEFAULT_OVERLAP_HOURS: u32 = 7 * 24;
const MAX_OVERLAP_HOURS: u32 = 90 * 24;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_partner_keys).service(create_partner_key).service(revoke_partner_key).service(rotate_partner_key);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewPartnerKey {
    /// Slug of the partner, which is made if it is new.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "ville-de-demonstration")]
    organisation: String,
    /// What it is used for.
    #[schema(min_length = 1, max_length = 200, example = "Carte du site de la ville")]
    label: String,
    /// Scheme, host and port of the pages that use it, pre-production too: matched exactly.
    #[schema(min_items = 1, max_items = 20, example = json!(["https://www.ville.exemple.fr", "https://preprod.ville.exemple.fr:8443"]))]
    origins: Vec<String>,
    /// On each node; 600 by default.
    #[schema(minimum = 1, maximum = 1_000_000, example = 600)]
    quota_per_minute: Option<u32>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct Rotation {
    /// How long the old key stays good, so that pages can be changed; 168 by default.
    #[schema(minimum = 0, maximum = 2160, example = 24)]
    overlap_hours: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeyStatus {
    Active,
    /// Rotated, and still good for a while.
    Expiring,
    Expired,
    Revoked,
}

/// A key. It stands in public pages: nothing of it is secret, and it opens nothing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PartnerKeyItem {
    id: Uuid,
    /// UUID of the partner.
    organisation_id: Uuid,
    label: String,
    /// To be sent as `Aiguilleur-Key` by the partner's pages.
    #[schema(example = "pk_6f1c0f5b7a5d4a6e9f0d3c2b1a098765")]
    key: String,
    origins: Vec<String>,
    quota_per_minute: i32,
    status: KeyStatus,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// UUID of the key that it was rotated from.
    replaces: Option<Uuid>,
}

/// Every key, the oldest first.
///
/// Revoked and expired ones too.
#[utoipa::path(
    operation_id = "list_partner_keys",
    tag = "Accès",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of keys", body = inline(Page<PartnerKeyItem>)))
)]
#[get("/v1/partner-keys")]
async fn list_partner_keys(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    caller.may("list_partner_keys")?;
    let limit = limit(&fields);
    let after = fields.uuid("cursor");
    fields.finish(Some(()))?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let found = partner_keys::list(&mut scope, after, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// Makes a key for a partner's pages.
///
/// Everybody may read the directory without one: a key gives a quota of its own, and lets embedding be counted.
#[utoipa::path(
    operation_id = "create_partner_key",
    tag = "Accès",
    request_body = NewPartnerKey,
    responses((status = 201, description = "Made", body = PartnerKeyItem))
)]
#[post("/v1/partner-keys")]
async fn create_partner_key(state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_partner_key")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewPartnerKey"))?;
    let organisation = required_slug(&fields, "organisation");
    for name in ["label", "origins"].into_iter().filter(|name| !fields.has(name)) {
        fields.report(Kind::InvalidValue, name, "Une valeur est attendue.");
    }
    let label = fields.line("label", MAX_LABEL).map(str::to_owned);
    let origins = origins(&fields);
    let quota = if fields.has("quota_per_minute") { fields.integer("quota_per_minute", 1..=MAX_QUOTA) } else { Some(DEFAULT_QUOTA) };
    let quota = quota.and_then(|quota| i32::try_from(quota).ok());
    let ((organisation, label), (origins, quota)) = fields.finish(organisation.zip(label).zip(origins.zip(quota)))?;
    let organisation = state.organisations.ensure(&organisation).await?;
    let new = PartnerKey::new(organisation, &label, origins, quota);
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    partner_keys::add(&mut scope, &agent.actor(), &new).await?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Created(), &show(new))
}

/// Revokes a key: it is refused within seconds, on every node.
///
/// It can't be taken back: make another.
#[utoipa::path(
    operation_id = "revoke_partner_key",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f6-91b3-7a04-9d7e-2c6b5e8f7a33", description = "UUID of the key")),
    responses(
        (status = 200, description = "The key as it is now", body = PartnerKeyItem),
        (status = 409, description = "Déjà terminé", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/partner-keys/{id}")]
async fn revoke_partner_key(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("revoke_partner_key")?;
    let id = key_id(&request)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let revoked = done(partner_keys::revoke(&mut scope, &agent.actor(), id).await?)?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Ok(), &show(revoked))
}

/// Makes another key for the same pages; the old one stays good for a while.
///
/// Change the pages within that time: then the old key ends by itself.
#[utoipa::path(
    operation_id = "rotate_partner_key",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f6-91b3-7a04-9d7e-2c6b5e8f7a33", description = "UUID of the key")),
    request_body = Rotation,
    responses(
        (status = 201, description = "The new key", body = PartnerKeyItem),
        (status = 409, description = "Déjà terminé", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/partner-keys/{id}/rotations")]
async fn rotate_partner_key(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("rotate_partner_key")?;
    let fields = Fields::from_json(body, &spec::body_fields("Rotation"))?;
    let hours =
        if fields.has("overlap_hours") { fields.integer("overlap_hours", 0..=MAX_OVERLAP_HOURS) } else { Some(DEFAULT_OVERLAP_HOURS) };
    let overlap = Duration::hours(i64::from(fields.finish(hours)?));
    let id = key_id(&request)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let new = done(partner_keys::rotate(&mut scope, &agent.actor(), id, overlap).await?)?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Created(), &show(new))
}

fn key_id(request: &HttpRequest) -> Result<Uuid, Problem> {
    Uuid::parse_str(segment(request, "id")).map_err(|_| Problem::not_found("Clé partenaire"))
}

fn done(turned: Turned) -> Result<PartnerKey, Problem> {
    match turned {
        Turned::Done(key) => Ok(*key),
        Turned::Unknown => Err(Problem::not_found("Clé partenaire")),
        Turned::Over => Err(Problem::new(Kind::Over, "Cette clé est déjà révoquée ou remplacée. Rien n'a été changé.")),
    }
}

fn origins(fields: &Fields) -> Option<Vec<String>> {
    let given = fields.texts("origins", MAX_ORIGINS);
    if fields.has("origins") && given.is_empty() {
        fields.report(Kind::InvalidValue, "origins", "Une origine au moins est attendue.");
    }
    let read = given.iter().map(|text| {
        let origin = parse_origin(text);
        if origin.is_none() {
            let shown: String = text.chars().take(80).collect();
            let detail =
                format!("« {shown} » n'est pas une origine : https://, un hôte et rien après (http:// sur cette machine seulement).");
            fields.report(Kind::InvalidValue, "origins", detail);
        }
        origin
    });
    let mut origins = read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?;
    origins.sort();
    origins.dedup();
    Some(origins)
}

/// As browsers write it in `Origin`: no path, no default port, lower case, no credentials; https, or http on one's own machine.
pub fn parse_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_here = url.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
    let is_sound = (url.scheme() == "https" || (url.scheme() == "http" && is_here))
        && url.host_str().is_some_and(|host| !host.contains('*'))
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_sound.then(|| url.origin().ascii_serialization())
}

fn show(key: PartnerKey) -> PartnerKeyItem {
    let now = Utc::now();
    let status = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => KeyStatus::Revoked,
        (None, Some(end)) if end <= now => KeyStatus::Expired,
        (None, Some(_)) => KeyStatus::Expiring,
        (None, None) => KeyStatus::Active,
    };
    PartnerKeyItem {
        id: key.id,
        organisation_id: key.organisation_id,
        label: key.label,
        key: key.key,
        origins: key.origins,
        quota_per_minute: key.quota_per_minute,
        status,
        created_at: key.created_at,
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
        replaces: key.replaces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_do() {
        assert_eq!(parse_origin("https://WWW.Ville.exemple.fr:443/").as_deref(), Some("https://www.ville.exemple.fr"));
        assert_eq!(parse_origin("https://préprod.exemple.fr:8443").as_deref(), Some("https://xn--prprod-cva.exemple.fr:8443"));
        assert_eq!(parse_origin("http://localhost:5173").as_deref(), Some("http://localhost:5173"));
        for wrong in [
            "",
            "ville.fr",
            "*",
            "https://*.ville.fr",
            "https://ville.fr/x",
            "http://ville.fr",
            "https://a@ville.fr",
            "https://ville.fr?x",
            "null",
            "ftp://ville.fr",
        ] {
            assert_eq!(parse_origin(wrong), None, "{wrong}");
        }
    }
}
