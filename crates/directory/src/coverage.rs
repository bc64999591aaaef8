//! The atlas of coverage: for one procedure, how far everybody has to go. It says of each commune what `orient()` would say to
//! somebody who lives there and asks from its centre, for it is the same search.

use std::collections::BTreeMap;

use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::ranking::{LOCAL_M, SEARCH_RADII_M, whole_metres};
use aiguilleur_domain::territory::{AreaKind, Commune, CommuneKind};
use chrono::{DateTime, Utc};

use crate::Directory;
use crate::orient::{CoverageLevel, Search};
use crate::territory::Territory;

/// What there is for a commune of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommuneCoverage {
    /// Its number in [`Territory::communes`].
    pub commune: usize,
    /// `None` when its centre isn't known: there is nowhere to measure from.
    pub measured: Option<Reach>,
}

/// What is within reach of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Metres to the nearest apt place; `None` when there is none within the farthest radius, 100 km.
    pub nearest_m: Option<u32>,
    /// Apt places within the first radius, 20 km.
    pub local_places: u32,
    pub level: CoverageLevel,
}

/// What there is for the communes of an area, taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaCoverage {
    pub code: String,
    pub communes: u32,
    pub population: i64,
    /// Inhabitants of the communes with no apt place within 20 km.
    pub population_without: i64,
    /// Half of the inhabitants have an apt place nearer than this, in metres. `None` when half have none within 100 km, or nobody
    /// lives there.
    pub median_nearest_m: Option<u32>,
}

impl Directory {
    /// Every commune of today in ascending order of code; `None` when there is no such procedure. Takes seconds on the whole country.
    pub fn coverage(&self, procedure: &str, at: DateTime<Utc>) -> Option<Vec<CommuneCoverage>> {
        self.catalogue.procedure(procedure)?;
        let communes = self.territory.communes().iter().enumerate();
        let today = communes.filter(|(_, commune)| commune.kind == CommuneKind::Commune);
        Some(today.map(|(index, commune)| CommuneCoverage { commune: index, measured: self.reach(procedure, commune, at) }).collect())
    }

    fn reach(&self, slug: &str, commune: &Commune, at: DateTime<Utc>) -> Option<Reach> {
        let need = anybody(slug, commune, at)?;
        let search = Search::new(self, &need, self.catalogue.procedure(slug)?, commune, None)?;
        let mut apt = SEARCH_RADII_M.iter().map(|radius| (radius, search.apt_within(*radius)));
        let (nearest_m, local_places) = match apt.find(|(_, apt)| !apt.is_empty()) {
            Some((radius, apt)) => {
                let places = if *radius > LOCAL_M { 0 } else { u32::try_from(apt.len()).unwrap_or(u32::MAX) };
                (apt.into_iter().min_by(f64::total_cmp).map(whole_metres), places)
            }
            None => (None, 0),
        };
        Some(Reach { nearest_m, local_places, level: search.level(nearest_m) })
    }
}

/// Somebody who lives in a commune, asks from its centre and wants nothing special.
fn anybody(slug: &str, commune: &Commune, at: DateTime<Utc>) -> Option<Need> {
    Some(Need {
        procedure: Some(slug.to_owned()),
        danger: None,
        commune: commune.code,
        location: commune.centre?,
        precision: Precision::Commune,
        residence: commune.code,
        event_commune: None,
        at,
        max_distance_m: None,
        kinds: Vec::new(),
        help_kind: None,
        channel: Channel::InPerson,
        drop_in: false,
        language: None,
        wheelchair: false,
        regime: Regime::General,
        experience: None,
        limit: usize::MAX,
    })
}

/// The same by area, in ascending order of code. Communes that belong to none of that kind are in none.
pub fn by_area(territory: &Territory, communes: &[CommuneCoverage], kind: AreaKind) -> Vec<AreaCoverage> {
    let mut areas: BTreeMap<&str, Vec<(&Commune, Option<Reach>)>> = BTreeMap::new();
    for coverage in communes {
        let Some(commune) = territory.communes().get(coverage.commune) else { continue };
        let area = match kind {
            AreaKind::Epci => commune.epci.as_deref(),
            AreaKind::Departement => Some(commune.departement.as_str()),
            AreaKind::Region => commune.region.as_deref(),
        };
        if let Some(area) = area {
            areas.entry(area).or_default().push((commune, coverage.measured));
        }
    }
    areas.into_iter().map(|(code, members)| together(code, &members)).collect()
}

fn together(code: &str, members: &[(&Commune, Option<Reach>)]) -> AreaCoverage {
    let inhabitants = |commune: &Commune| i64::from(commune.population.unwrap_or_default());
    let measured = || members.iter().filter_map(|(commune, reach)| Some((inhabitants(commune), (*reach)?)));
    let mut by_distance: Vec<(u32, i64)> = measured().map(|(people, reach)| (reach.nearest_m.unwrap_or(u32::MAX), people)).collect();
    by_distance.sort_unstable();
    AreaCoverage {
        code: code.to_owned(),
        communes: u32::try_from(members.len()).unwrap_or(u32::MAX),
        population: members.iter().map(|(commune, _)| inhabitants(commune)).sum(),
        population_without: measured().filter(|(_, reach)| reach.local_places == 0).map(|(people, _)| people).sum(),
        median_nearest_m: median(&by_distance).filter(|metres| *metres != u32::MAX),
    }
}

/// The first distance within which half of the people are. `by_distance` is in ascending order.
fn median(by_distance: &[(u32, i64)]) -> Option<u32> {
    let all: i64 = by_distance.iter().map(|(_, people)| people).sum();
    let mut so_far = 0;
    by_distance
        .iter()
        .find(|(_, people)| {
            so_far += people;
            *people > 0 && 2 * so_far >= all
        })
        .map(|(metres, _)| *metres)
}
