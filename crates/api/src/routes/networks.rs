//! `/v1/networks`: organisations of a département, a region or a theme that work together, and where they lack a contact.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use aiguilleur_directory::Directory;
use aiguilleur_domain::access::{Role, Territory};
use aiguilleur_domain::gaps::{LiveContact, gaps};
use aiguilleur_domain::territory::AreaKind;
use aiguilleur_storage::networks::{self, Kept, Member, Network};
use aiguilleur_storage::{Scope, Scoped, scoped};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::{private, required_slug};
use super::{Named, Page, limit, wanted};
use crate::auth::{Agent, Caller, is_slug};
use crate::fields::Fields;
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, Query, State, day_of, segment};
use crate::spec;

const MAX_LABEL: usize = 200;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_networks).service(create_network).service(get_network).service(update_network);
    config.service(list_network_members).service(add_network_member).service(remove_network_member).service(list_network_gaps);
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewNetwork {
    /// Its short name; it never changes.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "reseau-35")]
    slug: String,
    #[schema(min_length = 1, max_length = 200)]
    label: String,
    /// Codes of départements, or `FR`.
    #[schema(min_items = 1, max_items = 120)]
    territory: Vec<String>,
    /// The group of procedures it is about; all of them when left out.
    #[schema(min_length = 1, max_length = 100, example = json!(null))]
    theme: Option<String>,
    /// Slug of the organisation of its managers.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$")]
    keeper: String,
}

/// What isn't given stays; a theme that is null is taken away.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
struct NetworkChange {
    #[schema(min_length = 1, max_length = 200)]
    label: Option<String>,
    #[schema(min_items = 1, max_items = 120)]
    territory: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 100)]
    theme: Option<String>,
    #[schema(pattern = "^[A-Za-z0-9._-]{1,100}$")]
    keeper: Option<String>,
}

/// A network.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NetworkItem {
    id: Uuid,
    #[schema(example = "reseau-35")]
    slug: String,
    label: String,
    /// Codes of départements, or `FR`.
    territory: Vec<String>,
    /// The group of procedures it is about; null: all of them.
    theme: Option<String>,
    /// Slug of the organisation of its managers.
    keeper: String,
    created_at: DateTime<Utc>,
}

/// An organisation of a network.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NetworkMemberItem {
    /// Slug.
    organisation: String,
    name: Option<String>,
    joined_at: DateTime<Utc>,
}

/// Where nobody inside an institution can be reached.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Gaps {
    /// The départements that were looked at: the network's.
    departements: Vec<String>,
    /// By institution in charge of a procedure (of the theme, where there is one); those with a contact everywhere are left out.
    items: Vec<GapItem>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct GapItem {
    institution: Named,
    /// Those without a live referent contact of the institution.
    departements: Vec<Named>,
}

/// The networks that the caller's organisation belongs to or keeps, by slug; for an administrator, all.
///
/// Nobody else's are shown.
#[utoipa::path(
    operation_id = "list_networks",
    tag = "Réseaux",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[A-Za-z0-9._-]{1,100}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of networks", body = inline(Page<NetworkItem>)))
)]
#[get("/v1/networks")]
async fn list_networks(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_networks")?;
    let (limit, after) = (limit(&fields), slug_cursor(&fields));
    fields.finish(Some(()))?;
    let found = match own_scope(&state, &agent).await? {
        Some(mut scope) => {
            let found = networks::list(&mut scope, after.as_deref(), wanted(limit)).await?;
            scope.commit().await?;
            found
        }
        None => Vec::new(),
    };
    private(HttpResponse::Ok(), &Page::cut(found, limit, |(last, _)| last.slug.clone(), show))
}

/// Makes a network.
///
/// Its keeper's network managers then add its members.
#[utoipa::path(
    operation_id = "create_network",
    tag = "Réseaux",
    request_body = NewNetwork,
    responses(
        (status = 201, description = "Made", body = NetworkItem, headers(("Location" = String, description = "Where it can be read"))),
        (status = 409, description = "Déjà enregistré", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/networks")]
async fn create_network(state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("create_network")?;
    let fields = Fields::from_json(body, &spec::body_fields("NewNetwork"))?;
    for name in ["label", "territory"] {
        if !fields.has(name) {
            fields.report(Kind::InvalidValue, name, "Une valeur est attendue.");
        }
    }
    let (slug, keeper) = (required_slug(&fields, "slug"), required_slug(&fields, "keeper"));
    let label = fields.line("label", MAX_LABEL).map(str::to_owned);
    let (territory, theme) = (territory(&fields), theme(&fields, &state.snapshot.get()));
    let keeper = keeper_id(&state, &fields, keeper).await?;
    let given = slug.zip(label).zip(territory.zip(keeper));
    let ((slug, label), (territory, (keeper, keeper_slug))) = fields.finish(given)?;
    let new = Network { id: Uuid::now_v7(), slug, label, territory, theme, keeper, created_at: Utc::now() };
    let mut scope = scoped(&state.database, Scope::Administrator).await?;
    networks::create(&mut scope, &agent.actor(), &new).await?;
    scope.commit().await?;
    let mut response = HttpResponse::Created();
    response.insert_header(("Location", format!("/v1/networks/{}", new.id)));
    private(response, &show((new, keeper_slug)))
}

/// One network.
///
/// Of the caller's; another answers 404.
#[utoipa::path(
    operation_id = "get_network",
    tag = "Réseaux",
    params(("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network")),
    responses((status = 200, description = "The network", body = NetworkItem))
)]
#[get("/v1/networks/{id}")]
async fn get_network(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("get_network")?;
    let (scope, found) = see(&state, &agent, segment(&request, "id")).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show(found))
}

/// Changes a network.
///
/// What isn't given stays; a theme that is null is taken away.
#[utoipa::path(
    operation_id = "update_network",
    tag = "Réseaux",
    params(("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network")),
    request_body = NetworkChange,
    responses((status = 200, description = "The network as it is now", body = NetworkItem))
)]
#[patch("/v1/networks/{id}")]
async fn update_network(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let agent = caller.may("update_network")?;
    let fields = Fields::from_json(body, &spec::body_fields("NetworkChange"))?;
    let label = fields.line("label", MAX_LABEL).map(str::to_owned);
    let territory = if fields.has("territory") { territory(&fields) } else { None };
    let theme = theme(&fields, &state.snapshot.get());
    let slug = if fields.has("keeper") { required_slug(&fields, "keeper") } else { None };
    let keeper = keeper_id(&state, &fields, slug).await?;
    let takes_theme_away = fields.is_null("theme");
    let changes_nothing = label.is_none() && territory.is_none() && theme.is_none() && keeper.is_none() && !takes_theme_away;
    if fields.is_sound() && changes_nothing {
        fields.report(Kind::InvalidValue, "label", "Donnez ce qui change : « label », « territory », « theme » ou « keeper ».");
    }
    fields.finish(Some(()))?;
    let (mut scope, (_, keeper_slug)) = see(&state, &agent, segment(&request, "id")).await?;
    let before = hold(&mut scope, segment(&request, "id")).await?;
    let (keeper, keeper_slug) = keeper.unwrap_or((before.keeper, keeper_slug));
    let after = Network {
        label: label.unwrap_or_else(|| before.label.clone()),
        territory: territory.unwrap_or_else(|| before.territory.clone()),
        theme: theme.or_else(|| before.theme.clone()).filter(|_| !takes_theme_away),
        keeper,
        ..before.clone()
    };
    networks::update(&mut scope, &agent.actor(), &before, &after).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &show((after, keeper_slug)))
}

/// The organisations of a network, by slug.
///
/// Those of today.
#[utoipa::path(
    operation_id = "list_network_members",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[A-Za-z0-9._-]{1,100}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of members", body = inline(Page<NetworkMemberItem>)))
)]
#[get("/v1/networks/{id}/members")]
async fn list_network_members(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_network_members")?;
    let (limit, after) = (limit(&fields), slug_cursor(&fields));
    fields.finish(Some(()))?;
    let (mut scope, (network, _)) = see(&state, &agent, segment(&request, "id")).await?;
    let found = networks::members(&mut scope, network.id, after.as_deref(), wanted(limit)).await?;
    scope.commit().await?;
    let show = |Member { organisation, name, joined_at }| NetworkMemberItem { organisation, name, joined_at };
    private(HttpResponse::Ok(), &Page::cut(found, limit, |last| last.organisation.clone(), show))
}

/// Adds an organisation to a network; one that belongs to it already stays.
///
/// By a manager of the organisation that keeps it, on a territory that includes the network's, or by an administrator.
#[utoipa::path(
    operation_id = "add_network_member",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("organisation" = String, Path, example = "somewhere", description = "Slug of the organisation"),
    ),
    responses((status = 204, description = "It belongs to the network"))
)]
#[put("/v1/networks/{id}/members/{organisation}")]
async fn add_network_member(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("add_network_member")?;
    let (mut scope, network) = keep(&state, &agent, segment(&request, "id")).await?;
    let slug = segment(&request, "organisation");
    let organisation = state.organisations.find(slug).await?.ok_or_else(|| Problem::not_found("Organisation"))?;
    networks::add_member(&mut scope, &agent.actor(), network.id, (organisation, slug)).await?;
    scope.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes an organisation out of a network.
///
/// What it wrote there stays, and so does what it did as a member in the network's figures.
#[utoipa::path(
    operation_id = "remove_network_member",
    tag = "Réseaux",
    params(
        ("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network"),
        ("organisation" = String, Path, example = "somewhere", description = "Slug of the organisation"),
    ),
    responses((status = 204, description = "It no longer belongs to the network"))
)]
#[delete("/v1/networks/{id}/members/{organisation}")]
async fn remove_network_member(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("remove_network_member")?;
    let no_member = || Problem::not_found("Membre");
    let (mut scope, network) = keep(&state, &agent, segment(&request, "id")).await?;
    let slug = segment(&request, "organisation");
    let organisation = state.organisations.find(slug).await?.ok_or_else(no_member)?;
    if !networks::remove_member(&mut scope, &agent.actor(), network.id, (organisation, slug)).await? {
        return Err(no_member());
    }
    scope.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Where the network has nobody to call inside an institution.
///
/// By institution in charge of a procedure of the catalogue (of the network's theme), the départements of the network without a live
/// referent contact.
#[utoipa::path(
    operation_id = "list_network_gaps",
    tag = "Réseaux",
    params(("id" = Uuid, Path, example = "019ab0f6-1d3e-7a5a-8f2b-3b8a4f0e9d12", description = "UUID of the network")),
    responses((status = 200, description = "The gaps, by institution", body = Gaps))
)]
#[get("/v1/networks/{id}/gaps")]
async fn list_network_gaps(request: HttpRequest, state: State, caller: Caller, _query: Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_network_gaps")?;
    let (scope, (network, _)) = see(&state, &agent, segment(&request, "id")).await?;
    scope.commit().await?;
    let directory = state.snapshot.get();
    let is_of_theme = |group: &str| network.theme.as_ref().is_none_or(|theme| theme == group);
    let procedures = directory.catalogue.procedures().iter().filter(|it| is_of_theme(&it.group));
    let institutions: Vec<&str> = procedures.map(|it| it.institution.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let departements = departements_of(&network, &directory);
    let live = live_contacts(&state);
    let items = gaps(&institutions, &departements, &live).into_iter().map(|gap| GapItem {
        institution: named(gap.institution, directory.catalogue.institution(gap.institution).map(|body| body.label.as_str())),
        departements: gap
            .departements
            .into_iter()
            .map(|code| named(code, directory.territory.area_name(AreaKind::Departement, code)))
            .collect(),
    });
    let items = items.collect();
    private(HttpResponse::Ok(), &Gaps { departements: departements.into_iter().map(str::to_owned).collect(), items })
}

/// The referent contacts that are told of today, whoever may see them: a network's agents learn that there is one, not which.
fn live_contacts(state: &State) -> Vec<LiveContact> {
    let (book, today) = (state.referents.get(), day_of(Utc::now()));
    let live = book.after(None).map(|kept| &kept.referent).filter(|referent| referent.is_live(today));
    live.map(|referent| LiveContact { institution: referent.institution.clone(), territory: referent.territory.clone() }).collect()
}

/// The départements of a network's territory, one by one.
fn departements_of<'a>(network: &'a Network, directory: &'a Directory) -> Vec<&'a str> {
    if network.territory.iter().any(|code| code == Territory::COUNTRY) {
        let all: BTreeSet<&str> = directory.territory.communes().iter().map(|commune| commune.departement.as_str()).collect();
        all.into_iter().collect()
    } else {
        network.territory.iter().map(String::as_str).collect()
    }
}

fn named(slug: &str, label: Option<&str>) -> Named {
    Named { slug: slug.to_owned(), label: label.unwrap_or(slug).to_owned() }
}

/// What the caller may see of networks; `None` for an organisation that never was here.
async fn own_scope(state: &State, agent: &Agent) -> Result<Option<Scoped>, Problem> {
    if agent.has(Role::Administrator) {
        return Ok(Some(scoped(&state.database, Scope::Administrator).await?));
    }
    let Some(organisation) = state.organisations.find(&agent.organisation).await? else { return Ok(None) };
    Ok(Some(scoped(&state.database, Scope::Organisation(organisation)).await?))
}

/// A network that the caller may see, and the transaction that showed it.
///
/// # Errors
/// 404 for another.
pub(super) async fn see(state: &State, agent: &Agent, id: &str) -> Result<(Scoped, Kept), Problem> {
    let id = Uuid::parse_str(id).map_err(|_| unknown())?;
    let mut scope = own_scope(state, agent).await?.ok_or_else(unknown)?;
    let found = networks::find(&mut scope, id).await?.ok_or_else(unknown)?;
    Ok((scope, found))
}

/// A network whose members the caller may change, held, within [`Scope::Administrator`].
async fn keep(state: &State, agent: &Agent, id: &str) -> Result<(Scoped, Network), Problem> {
    let (mut scope, found) = see(state, agent, id).await?;
    if !agent.has(Role::Administrator) {
        must_manage(agent, &found)?;
    }
    scope.enter(Scope::Administrator).await?;
    let network = hold(&mut scope, id).await?;
    Ok((scope, network))
}

/// # Errors
/// 403 unless the caller manages the network: for the organisation that keeps it, on a territory that includes its own.
pub(super) fn must_manage(agent: &Agent, (network, keeper): &Kept) -> Result<(), Problem> {
    let territory = &agent.identity.grant.territory;
    let is_theirs = network.territory.iter().all(|code| territory.covers(code));
    let detail = if !agent.has(Role::NetworkManager) || agent.organisation != *keeper {
        "Seuls les responsables de ce réseau peuvent le faire."
    } else if !is_theirs {
        "Ce réseau s'étend au-delà du territoire dont vous êtes responsable."
    } else {
        return Ok(());
    };
    Err(Problem::new(Kind::Forbidden, detail))
}

pub(super) async fn hold(scope: &mut Scoped, id: &str) -> Result<Network, Problem> {
    let id = Uuid::parse_str(id).map_err(|_| unknown())?;
    networks::hold(scope, id).await?.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("Réseau")
}

fn slug_cursor(fields: &Fields) -> Option<String> {
    let after = fields.text("cursor", 100).map(str::to_owned);
    if after.as_deref().is_some_and(|slug| !is_slug(slug)) {
        fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
    }
    after
}

fn territory(fields: &Fields) -> Option<Vec<String>> {
    let codes = fields.texts("territory", Territory::MOST);
    if fields.has("territory") && fields.is_sound() && codes.is_empty() {
        fields.report(Kind::InvalidValue, "territory", "Un code de département au moins est attendu, ou « FR ».");
    }
    match Territory::parse(&codes) {
        Ok(territory) => Some(territory.codes().to_vec()),
        Err(code) => {
            let detail = format!("« {code} » n'est ni un code de département (35, 2A, 974), ni « FR ».");
            fields.report(Kind::InvalidValue, "territory", detail);
            None
        }
    }
}

fn theme(fields: &Fields, directory: &Directory) -> Option<String> {
    let theme = fields.text("theme", 100)?;
    let groups: BTreeSet<&str> = directory.catalogue.procedures().iter().map(|it| it.group.as_str()).collect();
    if groups.contains(theme) {
        return Some(theme.to_owned());
    }
    let allowed = groups.into_iter().map(str::to_owned).collect();
    fields.report_with(Kind::InvalidValue, "theme", format!("« {theme} » n'est pas un groupe de démarches."), allowed);
    None
}

/// The organisation of that slug, which must be on record: a slip of the pen would give the network to nobody.
async fn keeper_id(state: &State, fields: &Fields, slug: Option<String>) -> Result<Option<(Uuid, String)>, Problem> {
    let Some(slug) = slug else { return Ok(None) };
    let found = state.organisations.find(&slug).await?;
    if found.is_none() {
        fields.report(Kind::InvalidValue, "keeper", "Cette organisation n'est pas connue : créez-la d'abord.");
    }
    Ok(found.map(|id| (id, slug)))
}

fn show((network, keeper): Kept) -> NetworkItem {
    let Network { id, slug, label, territory, theme, created_at, .. } = network;
    NetworkItem { id, slug, label, territory, theme, keeper, created_at }
}
