//! `/v1/organisations/{id}/members`: who acts for an organisation. Invited by mail, or known to an issuer.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use aiguilleur_domain::access::{Grant, Role, Territory};
use aiguilleur_outbound::mail::parse_address;
use aiguilleur_storage::members::{self, Known, Member, OURSELVES};
use aiguilleur_storage::{Scope, organisations, scoped};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::{organisation_id, private, unknown};
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, segment};
use crate::spec;

const MAX_ISSUER: usize = 500;
const MAX_SUBJECT: usize = 200;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_members).service(add_member).service(update_member).service(remove_member);
}

/// Either `email`, or `subject` (and `issuer`, unless it is this installation).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewMember {
    /// A professional address: an invitation is sent there. It serves to sign in and to nothing else.
    #[schema(max_length = 254, example = json!(null))]
    email: Option<String>,
    /// URL of the issuer that vouches for the subject; `aiguilleur`, this installation, by default.
    #[schema(max_length = 500, example = json!(null))]
    issuer: Option<String>,
    /// What the issuer calls it.
    #[schema(min_length = 1, max_length = 200, example = "agent-7")]
    subject: Option<String>,
    #[schema(min_items = 1, max_items = 50)]
    roles: Vec<Role>,
    /// Slug of the institution whose contacts an institution editor keeps.
    #[schema(min_length = 1, max_length = 100, example = json!(null))]
    institution: Option<String>,
    /// Codes of départements, or `FR`, for an institution editor or a network manager.
    #[schema(max_items = 120, example = json!(null))]
    territory: Option<Vec<String>>,
}

/// The rights given from now on, in place of all those before.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct MemberChange {
    #[schema(min_items = 1, max_items = 50)]
    roles: Vec<Role>,
    #[schema(min_length = 1, max_length = 100, example = json!(null))]
    institution: Option<String>,
    #[schema(max_items = 120, example = json!(null))]
    territory: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum MemberStatus {
    /// Has not signed in yet.
    Invited,
    Active,
    /// Its tokens are refused.
    Removed,
}

/// Somebody who acts for an organisation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MemberItem {
    id: Uuid,
    status: MemberStatus,
    /// Null for one known to an issuer, and once removed.
    email: Option<String>,
    issuer: String,
    subject: String,
    roles: Vec<Role>,
    institution: Option<String>,
    territory: Vec<String>,
    created_at: DateTime<Utc>,
    joined_at: Option<DateTime<Utc>>,
    removed_at: Option<DateTime<Utc>>,
}

/// The members of an organisation, the oldest first.
///
/// Removed ones stay listed, without their address.
#[utoipa::path(
    operation_id = "list_members",
    tag = "Accès",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of members", body = inline(Page<MemberItem>)))
)]
#[get("/v1/organisations/{id}/members")]
async fn list_members(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    caller.may("list_members")?;
    let limit = limit(&fields);
    let after = fields.uuid("cursor");
    fields.finish(Some(()))?;
    let organisation = organisation_id(&request)?;
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    organisations::find(&mut scope, organisation).await?.ok_or_else(unknown)?;
    let found = members::list(&mut scope, organisation, after, wanted(limit)).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.id.to_string(), show))
}

/// Adds a member: invited by mail, or known to an issuer.
///
/// Whoever is invited signs in by the link in the mail; no token is ever handled.
#[utoipa::path(
    operation_id = "add_member",
    tag = "Accès",
    params(("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation")),
    request_body = NewMember,
    responses(
        (status = 201, description = "Added, and invited where it has an address", body = MemberItem),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/organisations/{id}/members")]
async fn add_member(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("add_member")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewMember"))?;
    let known = known(&fields);
    let grant = grant(&fields);
    let (known, grant) = fields.finish(known.zip(grant))?;
    let organisation = organisation_id(&request)?;
    let invited = if let Known::Mail(address) = &known { Some(address.clone()) } else { None };
    if let Some(address) = &invited {
        state.limits.count_mail(&request, address)?;
    }
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let host = organisations::find(&mut scope, organisation).await?.ok_or_else(unknown)?;
    let added = members::add(&mut scope, &agent.actor(), organisation, known, grant).await?;
    // Told before the commit: a mail that can't be sent leaves no member behind.
    if let Some(address) = &invited {
        state.post.invite(address, host.name.as_deref().unwrap_or(&host.slug)).await?;
    }
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Created(), &show(added))
}

/// Gives a member other rights, in force within seconds.
///
/// All of them: what isn't given is taken away.
#[utoipa::path(
    operation_id = "update_member",
    tag = "Accès",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation"),
        ("member_id" = Uuid, Path, example = "019ab0f5-2d17-7c66-b0a9-5f1d4c7e8a22", description = "UUID of the member"),
    ),
    request_body = MemberChange,
    responses((status = 200, description = "The member as it is now", body = MemberItem))
)]
#[patch("/v1/organisations/{id}/members/{member_id}")]
async fn update_member(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_member")?;
    let fields = Fields::from_json(body, &spec::body_fields("MemberChange"))?;
    let grant = grant(&fields);
    let grant = fields.finish(grant)?;
    let (organisation, id) = (organisation_id(&request)?, member_id(&request)?);
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    let changed = members::change(&mut scope, &agent.actor(), organisation, id, grant).await?.ok_or_else(no_member)?;
    scope.commit().await?;
    state.access_changed().await;
    private(HttpResponse::Ok(), &show(changed))
}

/// Removes a member: its tokens and sessions are refused within seconds, and its address is forgotten.
///
/// What it recorded stays its organisation's.
#[utoipa::path(
    operation_id = "remove_member",
    tag = "Accès",
    params(
        ("id" = Uuid, Path, example = "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11", description = "UUID of the organisation"),
        ("member_id" = Uuid, Path, example = "019ab0f5-2d17-7c66-b0a9-5f1d4c7e8a22", description = "UUID of the member"),
    ),
    responses((status = 204, description = "Removed"))
)]
#[delete("/v1/organisations/{id}/members/{member_id}")]
async fn remove_member(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("remove_member")?;
    let (organisation, id) = (organisation_id(&request)?, member_id(&request)?);
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    if !members::remove(&mut scope, &agent.actor(), organisation, id).await? {
        return Err(no_member());
    }
    scope.commit().await?;
    state.access_changed().await;
    Ok(HttpResponse::NoContent().finish())
}

fn member_id(request: &HttpRequest) -> Result<Uuid, Problem> {
    Uuid::parse_str(segment(request, "member_id")).map_err(|_| no_member())
}

fn no_member() -> Problem {
    Problem::not_found("Membre")
}

/// How the new member will be known: by mail or by subject, one of them.
fn known(fields: &Fields) -> Option<Known> {
    let wrong = |name: &str, detail: &str| {
        fields.report(Kind::InvalidValue, name, detail);
        None
    };
    match (fields.has("email"), fields.has("subject")) {
        (true, false) if fields.has("issuer") => wrong("issuer", "Une personne invitée par courriel n'a pas d'émetteur."),
        (true, false) => {
            let address = parse_address(fields.text("email", 254)?);
            address
                .map(Known::Mail)
                .or_else(|| wrong("email", "Une adresse de courriel est attendue, par exemple accueil@ccas.exemple.fr."))
        }
        (false, true) => {
            let issuer = if fields.has("issuer") { fields.text("issuer", MAX_ISSUER)? } else { OURSELVES };
            Some(Known::Subject { issuer: issuer.to_owned(), subject: fields.text("subject", MAX_SUBJECT)?.to_owned() })
        }
        _ => wrong("email", "Donnez « email », ou « subject » : l'un des deux."),
    }
}

/// The rights that a body gives.
fn grant(fields: &Fields) -> Option<Grant> {
    let roles: Vec<Role> = if fields.has("roles") { fields.codes("roles") } else { Vec::new() };
    let institution = fields.text("institution", 100).map(str::to_owned);
    let territory = fields.texts("territory", Territory::MOST);
    let territory = Territory::parse(&territory)
        .map_err(|code| {
            let detail = format!("« {code} » n'est ni un code de département (35, 2A, 974), ni « FR ».");
            fields.report(Kind::InvalidValue, "territory", detail);
        })
        .ok()?;
    let grant = Grant { roles, institution, territory };
    if fields.is_sound()
        && let Some(fault) = grant.fault()
    {
        fields.report(Kind::InvalidValue, "roles", fault);
    }
    Some(grant)
}

fn show(member: Member) -> MemberItem {
    let status = match (member.removed_at, member.joined_at) {
        (Some(_), _) => MemberStatus::Removed,
        (None, Some(_)) => MemberStatus::Active,
        (None, None) => MemberStatus::Invited,
    };
    MemberItem {
        id: member.id,
        status,
        email: member.email,
        issuer: member.issuer,
        subject: member.subject,
        territory: member.grant.territory.codes().to_vec(),
        roles: member.grant.roles,
        institution: member.grant.institution,
        created_at: member.created_at,
        joined_at: member.joined_at,
        removed_at: member.removed_at,
    }
}
