//! The atlas says what `orient()` says, and what a slow, obvious version says.

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::coverage::{AreaCoverage, by_area};
use aiguilleur_directory::orient::CoverageLevel;
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::need::{Need, Precision};
use aiguilleur_domain::procedure::TerritoryRule;
use aiguilleur_domain::ranking::whole_metres;
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::territory::AreaKind;
use proptest::prelude::*;

use crate::builders::{
    BRUZ, CHATEAUBRIANT, DINAN, NANTES, RENNES, RENNES_METROPOLE, SAINT_JACQUES, VITRE, communes, directory, institutions, need_of, now,
    procedure, structure, structure_at,
};
use crate::draws::{any_procedure, any_registry};
use crate::oracle::Oracle;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_is_what_somebody_there_would_hear(structures in any_registry(40), procedure in any_procedure(), limit in 1..8_usize) {
        let directory = directory(procedure.clone(), structures.clone());
        let atlas = directory.coverage("demarche", now()).unwrap();
        prop_assert_eq!(atlas.len(), communes().len());
        for coverage in atlas {
            let code = directory.territory.communes()[coverage.commune].code.as_str();
            let reach = coverage.measured.unwrap();
            let need = Need { precision: Precision::Commune, limit, ..need_of(code) };
            let heard = directory.orient(&need).unwrap().coverage;
            prop_assert_eq!((reach.nearest_m, reach.level), (heard.nearest_m, heard.level), "{}", code);

            let everything = Need { limit: usize::MAX, ..need };
            let mut slow = Oracle::new(&procedure, &structures, &everything).answer((0, 0));
            // Who alone is competent is offered however far, and is within nobody's reach.
            slow.places.retain(|place| !place.is_far);
            let nearest = slow.places.iter().map(|place| place.distance_m).min_by(f64::total_cmp).map(whole_metres);
            prop_assert!(reach.nearest_m.zip(nearest).is_none_or(|(one, other)| one.abs_diff(other) <= 1), "{:?} {:?}", reach, nearest);
            prop_assert_eq!(reach.nearest_m.is_none(), nearest.is_none());
            let local = if slow.searched_m > 20_000.0 { 0 } else { slow.places.len() };
            prop_assert_eq!(usize::try_from(reach.local_places).unwrap(), local, "{}", code);
        }
    }
}

/// A France services in Rennes and one in Bruz.
fn small_country() -> Directory {
    let structures = vec![structure("a", Kind::FranceServices, RENNES), structure_at("b", Kind::FranceServices, BRUZ, 0.0)];
    directory(procedure("demarche", "france_services", TerritoryRule::National), structures)
}

#[test]
fn each_commune_has_its_nearest_and_its_choice() {
    let directory = small_country();
    let reach = |code: &str| {
        let atlas = directory.coverage("demarche", now()).unwrap();
        let found = atlas.into_iter().find(|coverage| directory.territory.communes()[coverage.commune].code.as_str() == code);
        let reach = found.unwrap().measured.unwrap();
        (reach.nearest_m, reach.local_places, reach.level)
    };
    assert_eq!(reach(RENNES), (Some(0), 2, CoverageLevel::Local), "in the commune: at no distance");
    assert_eq!(reach(BRUZ), (Some(0), 2, CoverageLevel::Local));
    let (nearest, places, level) = reach(VITRE);
    assert!((34_000..36_000).contains(&nearest.unwrap()) && places == 0 && level == CoverageLevel::Distant);
    assert_eq!(reach(SAINT_JACQUES).1, 2);
    let (nearest, _, level) = reach(NANTES);
    assert!(nearest.is_some_and(|metres| metres < 100_000) && level == CoverageLevel::Distant);
    assert!(directory.coverage("autre", now()).is_none());
}

#[test]
fn areas_add_up_their_communes() {
    let directory = small_country();
    let atlas = directory.coverage("demarche", now()).unwrap();
    let of = |kind, code: &str| by_area(&directory.territory, &atlas, kind).into_iter().find(|area| area.code == code).unwrap();
    let metropole = of(AreaKind::Epci, RENNES_METROPOLE);
    assert_eq!(
        metropole,
        AreaCoverage {
            code: RENNES_METROPOLE.to_owned(),
            communes: 3,
            population: 30_000,
            population_without: 0,
            median_nearest_m: Some(0)
        }
    );
    let departement = of(AreaKind::Departement, "35");
    assert_eq!((departement.communes, departement.population, departement.population_without), (4, 40_000, 10_000));
    let codes: Vec<String> = by_area(&directory.territory, &atlas, AreaKind::Departement).into_iter().map(|area| area.code).collect();
    assert_eq!(codes, ["22", "35", "44"]);
    assert_eq!(of(AreaKind::Departement, "22").population_without, 10_000, "{DINAN}, {CHATEAUBRIANT}");
}

#[test]
fn the_median_counts_people_not_communes() {
    let mut people = communes();
    for commune in &mut people {
        commune.population = Some(match commune.code.as_str() {
            RENNES => 220_000,
            SAINT_JACQUES => 15_000,
            BRUZ => 19_000,
            VITRE => 20_000,
            _ => 0,
        });
    }
    let catalogue = Arc::new(Catalogue::new(vec![procedure("demarche", "france_services", TerritoryRule::National)], institutions()));
    let build = |place| {
        let territory = Arc::new(Territory::new(people.clone(), HashMap::new()));
        let directory = Directory::build(1, catalogue.clone(), territory, vec![place], now());
        let atlas = directory.coverage("demarche", now()).unwrap();
        by_area(&directory.territory, &atlas, AreaKind::Departement)
    };
    let median = |areas: &[AreaCoverage], code: &str| areas.iter().find(|area| area.code == code).unwrap().median_nearest_m;
    let at_vitre = build(structure("a", Kind::FranceServices, VITRE));
    assert!(median(&at_vitre, "35").unwrap() > 30_000, "three communes of four are far, and most people are in one of them");
    assert_eq!(median(&at_vitre, "22"), None, "nobody lives there");
    assert_eq!(at_vitre.iter().find(|area| area.code == "35").unwrap().population_without, 254_000);
}

#[test]
fn without_a_centre_nothing_is_measured() {
    let mut people = communes();
    people.iter_mut().filter(|commune| commune.code.as_str() == VITRE).for_each(|commune| commune.centre = None);
    let catalogue = Arc::new(Catalogue::new(vec![procedure("demarche", "mairie", TerritoryRule::Commune)], institutions()));
    let territory = Arc::new(Territory::new(people, HashMap::new()));
    let directory = Directory::build(1, catalogue, territory, Vec::new(), now());
    let atlas = directory.coverage("demarche", now()).unwrap();
    let vitre = atlas.iter().find(|coverage| directory.territory.communes()[coverage.commune].code.as_str() == VITRE).unwrap();
    assert_eq!(vitre.measured, None);
    let departement = by_area(&directory.territory, &atlas, AreaKind::Departement).into_iter().find(|area| area.code == "35").unwrap();
    assert_eq!((departement.communes, departement.population, departement.population_without), (4, 40_000, 30_000));
    assert_eq!(departement.median_nearest_m, None, "more than half have none");
}
