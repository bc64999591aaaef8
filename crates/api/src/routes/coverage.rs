//! `/v1/stats/coverage`: for one procedure, how far everybody has to go, by commune, intercommunality or département.

use std::collections::HashSet;

use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::coverage::{AreaCoverage, CommuneCoverage};
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::territory::{AreaKind, Commune};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa_actix_web::service_config::ServiceConfig;

use super::structures::check_procedure;
use super::{Page, limit};
use crate::atlas::{Atlas, Figures};
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JSON, Query, State, bytes, tagged};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_coverage);
}

/// What the figures are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[schema(rename_all = "snake_case")]
enum Level {
    Commune,
    Epci,
    Departement,
}

/// Of a commune, or of an area.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum CoverageFigures {
    Commune(CommuneFigures),
    Area(AreaFigures),
}

/// What somebody who lives in this commune and asks from its centre finds: the same as an orientation says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CommuneFigures {
    #[schema(example = "35047")]
    code: String,
    #[schema(example = "Bruz")]
    name: String,
    departement: String,
    /// SIREN of its intercommunality.
    epci: Option<String>,
    /// Null: not known.
    population: Option<i32>,
    /// Metres from its centre, as the crow flies, to the nearest place apt for the procedure; what lies in the commune counts as
    /// zero. Null when there is none within 100 km.
    nearest_m: Option<u32>,
    /// How many apt places within 20 km. Null, with `level`, when the commune's centre isn't known: there is nowhere to measure from.
    within_20km: Option<u32>,
    /// `local` (within 20 km), `distant`, `remote_only` or `none`.
    #[schema(value_type = Option<String>, example = "local")]
    level: Option<&'static str>,
}

/// The communes of an intercommunality or a département, taken together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AreaFigures {
    /// SIREN of the intercommunality, or code of the département.
    #[schema(example = "243500139")]
    code: String,
    #[schema(example = "Rennes Métropole")]
    name: String,
    communes: u32,
    population: i64,
    /// Inhabitants of the communes with no apt place within 20 km of their centre.
    population_without: i64,
    /// Their share, one decimal; null where nobody lives.
    share_without_pct: Option<f64>,
    /// Half of the inhabitants have an apt place nearer than this, in metres; null when half have none within 100 km.
    median_nearest_m: Option<u32>,
}

/// How far everybody has to go for a procedure, from the directory as it is now.
///
/// An intercommunality of several départements is listed, whole, under each of them.
#[utoipa::path(
    operation_id = "list_coverage",
    tag = "Statistiques",
    params(
        ("procedure" = String, Query, min_length = 1, description = "Slug of the procedure", example = "rsa"),
        ("level" = inline(Level), Query, description = "What the figures are told by", example = "departement"),
        ("departement" = Option<String>, Query, min_length = 1, description = "Code of the département: that one alone, or what lies in it", example = "35"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 2, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9A-Za-z]{1,20}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of figures, in ascending order of code", body = inline(Page<CoverageFigures>)))
)]
#[get("/v1/stats/coverage")]
async fn list_coverage(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let limit = limit(&fields);
    let asked = parse(&fields, &directory);
    let Asked { procedure, level, departement, after } = fields.finish(asked)?;
    let mut response = match tagged(&request, &directory.revision) {
        Err(has_it) => return Ok(*has_it),
        Ok((response, _)) => response,
    };
    let kind = match level {
        Level::Commune => None,
        Level::Epci => Some(AreaKind::Epci),
        Level::Departement => Some(AreaKind::Departement),
    };
    let atlas = state.atlases.get(directory, &procedure, kind).await?;
    let page = page(&atlas, departement.as_deref(), &after, limit);
    Ok(response.content_type(JSON).body(bytes(&page)?))
}

struct Asked {
    procedure: String,
    level: Level,
    departement: Option<String>,
    /// The last code of the page before; empty on the first.
    after: String,
}

fn parse(fields: &Fields, directory: &aiguilleur_directory::Directory) -> Option<Asked> {
    let procedure = fields.text("procedure", 100).map(str::to_owned);
    match &procedure {
        Some(slug) => check_procedure(fields, "procedure", directory, slug),
        None if fields.has("procedure") => {}
        None => fields.report(Kind::InvalidValue, "procedure", "Une démarche est attendue, par son identifiant ; voir /v1/procedures."),
    }
    if !fields.has("level") {
        let allowed = Level::VARIANTS.iter().map(|level| <&str>::from(level).to_owned()).collect();
        fields.report_with(Kind::InvalidValue, "level", "Un niveau est attendu : par commune, intercommunalité ou département.", allowed);
    }
    let level = fields.code("level");
    let departement = fields.text("departement", 10).map(str::to_owned);
    if let Some(code) =
        departement.as_ref().filter(|code| directory.territory.communes().iter().all(|commune| commune.departement != **code))
    {
        fields.report(
            Kind::InvalidValue,
            "departement",
            format!("« {code} » n'est pas le code d'un département connu, comme 35, 2A ou 974."),
        );
    }
    let after = fields.text("cursor", 20);
    if after.is_some_and(|cursor| !cursor.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
    }
    Some(Asked { procedure: procedure?, level: level?, departement, after: after.unwrap_or_default().to_owned() })
}

fn page(atlas: &Atlas, departement: Option<&str>, after: &str, limit: usize) -> Page<CoverageFigures> {
    let territory = &atlas.territory;
    match &atlas.figures {
        Figures::Communes(communes) => {
            let named = communes.iter().filter_map(|coverage| Some((territory.communes().get(coverage.commune)?, coverage)));
            let wanted =
                named.filter(|(commune, _)| commune.code.as_str() > after && departement.is_none_or(|code| commune.departement == code));
            let found: Vec<_> = wanted.take(limit + 1).collect();
            Page::cut(found, limit, |(commune, _)| commune.code.to_string(), |(commune, coverage)| of_commune(commune, coverage))
        }
        Figures::Areas(kind, areas) => {
            let there = departement.map(|code| areas_of(territory, *kind, code));
            let wanted = areas
                .iter()
                .filter(|area| area.code.as_str() > after && there.as_ref().is_none_or(|there| there.contains(area.code.as_str())));
            let found: Vec<_> = wanted.take(limit + 1).collect();
            Page::cut(found, limit, |area| area.code.clone(), |area| of_area(territory, *kind, area))
        }
    }
}

/// The areas that have a commune in a département.
fn areas_of<'t>(territory: &'t Territory, kind: AreaKind, departement: &str) -> HashSet<&'t str> {
    let there = territory.communes().iter().filter(|commune| commune.departement == departement);
    there.filter_map(|commune| if kind == AreaKind::Epci { commune.epci.as_deref() } else { Some(&*commune.departement) }).collect()
}

fn of_commune(commune: &Commune, coverage: &CommuneCoverage) -> CoverageFigures {
    CoverageFigures::Commune(CommuneFigures {
        code: commune.code.to_string(),
        name: commune.name.clone(),
        departement: commune.departement.clone(),
        epci: commune.epci.clone(),
        population: commune.population,
        nearest_m: coverage.measured.and_then(|reach| reach.nearest_m),
        within_20km: coverage.measured.map(|reach| reach.local_places),
        level: coverage.measured.map(|reach| <&str>::from(reach.level)),
    })
}

fn of_area(territory: &Territory, kind: AreaKind, area: &AreaCoverage) -> CoverageFigures {
    CoverageFigures::Area(AreaFigures {
        code: area.code.clone(),
        name: territory.area_name(kind, &area.code).unwrap_or(&area.code).to_owned(),
        communes: area.communes,
        population: area.population,
        population_without: area.population_without,
        share_without_pct: share_pct(area.population_without, area.population),
        median_nearest_m: area.median_nearest_m,
    })
}

/// Per cent, one decimal. A population fits an `f64` exactly.
fn share_pct(part: i64, whole: i64) -> Option<f64> {
    let exact = |number: i64| i32::try_from(number).ok().map(f64::from);
    let share = exact(part)? / exact(whole).filter(|whole| *whole > 0.0)?;
    Some((share * 1000.0).round() / 10.0)
}
