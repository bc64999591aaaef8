//! `/v1/communes`: by name, postal code, position or code. Former, delegated and associated communes and the
//! arrondissements lead to the commune of today, and the answer says so.

use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::territory::{Resolved, Territory};
use aiguilleur_domain::territory::{Commune, CommuneCode, CommuneKind, Location};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Page, limit};
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JSON, Query, State, bytes, directory_read, segment};

/// The longest code, or name instead of one, that is looked at.
const MAX_CODE: usize = 60;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_communes).service(get_commune);
}

/// A commune of today.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CommuneItem {
    #[schema(example = "35238")]
    code: String,
    #[schema(example = "Rennes")]
    name: String,
    postal_codes: Vec<String>,
    population: Option<i32>,
    /// SIREN of its intercommunality.
    epci: Option<String>,
    departement: String,
    region: Option<String>,
    centre: Option<Location>,
    #[schema(example = "Europe/Paris")]
    time_zone: String,
    /// What led here, when it is not a commune of today.
    resolved_from: Option<FormerCommune>,
}

/// A code that stands for something else than a commune of today.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct FormerCommune {
    #[schema(example = "75112")]
    code: String,
    /// Empty when only the code is on record.
    #[schema(example = "Paris 12e Arrondissement")]
    name: String,
    kind: CommuneKind,
}

impl From<&Commune> for FormerCommune {
    fn from(commune: &Commune) -> Self {
        Self { code: commune.code.to_string(), name: commune.name.clone(), kind: commune.kind }
    }
}

/// Communes by name, postal code or position; all of them without any.
///
/// With several of these, a commune must answer to each. One found by an old name is shown as the commune of today, and
/// `resolved_from` says what led to it.
#[utoipa::path(
    operation_id = "list_communes",
    tag = "Annuaire",
    params(
        ("q" = Option<String>, Query, min_length = 1, max_length = 200, example = "Rennes", description = "A name, or its beginning, even misspelt"),
        ("postal_code" = Option<String>, Query, pattern = "^[0-9]{5}$", description = "Five digits"),
        ("lat" = Option<f64>, Query, minimum = -90, maximum = 90, description = "Degrees WGS 84, with lon: the commune that the point lies in"),
        ("lon" = Option<f64>, Query, minimum = -180, maximum = 180, description = "Degrees WGS 84, with lat"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 2, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^n[0-9]{1,9}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of communes, best first", body = inline(Page<CommuneItem>)))
)]
#[get("/v1/communes")]
async fn list_communes(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let territory = &directory.territory;
    let limit = limit(&fields);
    let words = fields.text("q", 200).map(str::to_owned);
    let postal_code = fields.text("postal_code", 10).map(str::to_owned);
    if postal_code.as_ref().is_some_and(|code| code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_digit())) {
        fields.report(Kind::InvalidValue, "postal_code", "Un code postal a cinq chiffres.");
    }
    let location = position(&fields);
    let start = fields.text("cursor", 20).map_or(Some(0), |cursor| {
        let start = cursor.strip_prefix('n').and_then(|number| number.parse::<usize>().ok());
        if start.is_none() {
            fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
        }
        start
    });
    let start = fields.finish(start)?;
    directory_read(&request, directory.revision, JSON, |_| {
        let found: Vec<&Commune> = if let Some(location) = location {
            territory.locate(location).into_iter().collect()
        } else if let Some(postal_code) = &postal_code {
            territory.with_postal_code(postal_code)
        } else if let Some(words) = &words {
            territory.named(words)
        } else {
            territory.communes().iter().filter(|commune| commune.kind == CommuneKind::Commune).collect()
        };
        let matches_all = |commune: &&Commune| {
            let by_code = location.is_none() || postal_code.as_ref().is_none_or(|code| commune.postal_codes.contains(code));
            let by_name = words.as_ref().is_none_or(|words| (location.is_none() && postal_code.is_none()) || is_called(commune, words));
            by_code && by_name
        };
        let page: Vec<(usize, &Commune)> = found.into_iter().filter(matches_all).enumerate().skip(start).take(limit + 1).collect();
        bytes(&Page::cut(page, limit, |(index, _)| format!("n{}", index + 1), |(_, commune)| show(&resolved(territory, commune))))
    })
}

/// One commune, by any code that leads to it.
///
/// A former, delegated or associated commune and an arrondissement lead to the commune of today; `resolved_from` says so.
#[utoipa::path(
    operation_id = "get_commune",
    tag = "Annuaire",
    params(("code" = String, Path, description = "INSEE code", example = "35238")),
    responses((status = 200, description = "The commune of today", body = CommuneItem))
)]
#[get("/v1/communes/{code}")]
async fn get_commune(request: HttpRequest, state: State, _query: Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let asked = segment(&request, "code");
    let found = CommuneCode::parse(asked).and_then(|code| directory.territory.resolve(&code));
    let resolved = found.ok_or_else(|| {
        // Comparing a whole page of letters with 35,000 names would keep a worker busy for seconds.
        let asked: String = asked.chars().take(MAX_CODE).collect();
        let near = near(&directory.territory, &asked).join(", ");
        let detail = format!("« {asked} » n'est pas un code INSEE de commune connu.");
        Problem::new(Kind::NotFound, if near.is_empty() { detail } else { format!("{detail} Proches : {near}.") })
    })?;
    directory_read(&request, directory.revision, JSON, |_| bytes(&show(&resolved)))
}

fn is_called(commune: &Commune, words: &str) -> bool {
    use aiguilleur_domain::text::normalise;
    normalise(&commune.name).contains(&normalise(words))
}

/// A commune found by name may be one of old.
fn resolved<'t>(territory: &'t Territory, commune: &'t Commune) -> Resolved<'t> {
    let today = territory.resolve(&commune.resolves_to).map_or(commune, |resolved| resolved.commune);
    Resolved { commune: today, from: (commune.kind != CommuneKind::Commune).then_some(commune) }
}

fn show(resolved: &Resolved<'_>) -> CommuneItem {
    let commune = resolved.commune;
    CommuneItem {
        code: commune.code.to_string(),
        name: commune.name.clone(),
        postal_codes: commune.postal_codes.clone(),
        population: commune.population,
        epci: commune.epci.clone(),
        departement: commune.departement.clone(),
        region: commune.region.clone(),
        centre: commune.centre,
        time_zone: commune.time_zone.name().to_owned(),
        resolved_from: resolved.from.map(FormerCommune::from),
    }
}

/// `lat` and `lon`, which only go together.
pub(super) fn position(fields: &Fields) -> Option<Location> {
    for (given, missing) in [("lat", "lon"), ("lon", "lat")] {
        if fields.has(given) && !fields.has(missing) {
            fields.report(Kind::MalformedRequest, missing, format!("« {given} » ne va pas sans « {missing} »."));
        }
    }
    let (lat, lon) = (fields.number("lat", -90.0..=90.0), fields.number("lon", -180.0..=180.0));
    Location::new(lat?, lon?)
}

/// A commune code that must exist; the error gives the nearest spellings.
pub(super) fn commune<'t>(fields: &Fields, name: &str, territory: &'t Territory) -> Option<Resolved<'t>> {
    let code = fields.text(name, MAX_CODE)?;
    let found = CommuneCode::parse(code).and_then(|code| territory.resolve(&code));
    if found.is_none() {
        let detail = format!("« {code} » n'est pas un code INSEE de commune connu.");
        fields.report_with(Kind::InvalidValue, name, detail, near(territory, code));
    }
    found
}

/// The nearest spellings of an unknown code, for people.
fn near(territory: &Territory, unknown: &str) -> Vec<String> {
    territory.similar(unknown).iter().map(|commune| format!("{} ({})", commune.code, commune.name)).collect()
}
