//! One file per resource: its parameters, its answers, its handlers and their registration, in reading order.

pub(crate) mod arrivals;
mod audit;
mod catalogue_edits;
mod charter;
pub(crate) mod claims;
mod communes;
mod corrections;
mod coverage;
mod deadlines;
pub(crate) mod escalation;
pub(crate) mod figures;
mod follow_ups;
pub(crate) mod handoffs;
mod history;
mod institutions;
mod issuers;
mod kept_structures;
mod me;
mod members;
mod misuse_reports;
mod networks;
mod operations;
mod organisations;
mod orientations;
pub(crate) mod partner_keys;
mod practice_notes;
mod procedures;
mod referents;
pub(crate) mod referrals;
mod showings;
mod slips;
pub(crate) mod structures;
mod suggestions;

use actix_web::{HttpRequest, HttpResponse};
use aiguilleur_domain::territory::Commune;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::envelope::told;
use crate::fields::Fields;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::spec;
use crate::tongue::Tongue;

/// Components that no single route owns.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(ProblemDocument, FieldError, Tongue)),
    tags(
        (name = "Accès", description = "Qui peut faire quoi : organisations, membres, clés, émetteurs, journal"),
        (name = "Annuaire", description = "Les démarches, les organismes, les communes et les lieux"),
        (name = "Contacts", description = "Les contacts des organismes, pour les professionnels"),
        (name = "Exploitation", description = "Ce que demande l'exploitant du service"),
        (name = "Orientation", description = "Où réorienter cette personne, et jusqu'à quand contester"),
        (name = "Réorientations", description = "Ce qui a été fait, et ce qu'il en est advenu"),
        (name = "Réseaux", description = "Des organisations qui travaillent ensemble : membres, notes de pratique, contacts qui manquent"),
        (name = "Statistiques", description = "Ce que l'annuaire couvre"),
    )
)]
pub(crate) struct Shared;

/// Registers every route; the same registration is its documentation.
pub fn configure(config: &mut ServiceConfig<'_>) {
    procedures::configure(config);
    institutions::configure(config);
    catalogue_edits::configure(config);
    communes::configure(config);
    structures::configure(config);
    kept_structures::configure(config);
    claims::configure(config);
    suggestions::configure(config);
    history::configure(config);
    orientations::configure(config);
    deadlines::configure(config);
    // Before `/v1/referrals/{id}`, whose ids are no words.
    arrivals::configure(config);
    referrals::configure(config);
    handoffs::configure(config);
    slips::configure(config);
    follow_ups::configure(config);
    corrections::configure(config);
    referents::configure(config);
    showings::configure(config);
    charter::configure(config);
    misuse_reports::configure(config);
    coverage::configure(config);
    figures::configure(config);
    me::configure(config);
    members::configure(config);
    organisations::configure(config);
    partner_keys::configure(config);
    issuers::configure(config);
    audit::configure(config);
    networks::configure(config);
    practice_notes::configure(config);
    operations::configure(config);
}

/// What answers where no route does: the methods that exist there, or nothing.
pub async fn not_found(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let methods = spec::methods_of(request.path());
    Err(if methods.is_empty() { Problem::not_found(told(request.path())) } else { Problem::method_not_allowed(methods) })
}

/// How many items a list gives unless asked.
const DEFAULT_LIMIT: u32 = 20;
/// How many it gives at most.
const MAX_LIMIT: u32 = 100;

/// `limit`, with its default.
fn limit(fields: &Fields) -> usize {
    let limit = if fields.has("limit") { fields.integer("limit", 1..=MAX_LIMIT) } else { Some(DEFAULT_LIMIT) };
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or_default()
}

/// How many to ask the database for: one more than a page holds tells whether there is another.
fn wanted(limit: usize) -> i64 {
    i64::try_from(limit + 1).unwrap_or(i64::MAX)
}

/// A page of a list, and where the next one starts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Page<T> {
    items: Vec<T>,
    /// To be given back as `cursor`; null on the last page.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// From one item more than the page holds, if there is one.
    fn cut<S>(mut found: Vec<S>, limit: usize, cursor: impl Fn(&S) -> String, show: impl FnMut(S) -> T) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(cursor);
        Self { items: found.into_iter().map(show).collect(), next_cursor }
    }
}

/// A commune, named.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct CommuneRef {
    /// INSEE code.
    #[schema(example = "35238")]
    code: String,
    #[schema(example = "Rennes")]
    name: String,
}

impl From<&Commune> for CommuneRef {
    fn from(commune: &Commune) -> Self {
        Self { code: commune.code.to_string(), name: commune.name.clone() }
    }
}

/// Something with a slug and a label.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Named {
    #[schema(example = "caf")]
    slug: String,
    #[schema(example = "CAF")]
    label: String,
}
