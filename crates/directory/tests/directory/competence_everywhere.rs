//! Each rule of competence, over all communes of the country: nobody outside their area is ever offered, and who is competent is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use aiguilleur_connectors::{fund_areas, seed};
use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::orient::{ChoiceTarget, Orientation};
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::area::{FundArea, FundAreas};
use aiguilleur_domain::need::Need;
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::structure::{Kind, Structure};
use aiguilleur_domain::territory::{Commune, CommuneKind, Location};

use crate::builders::{RENNES, centre, code, need, now, procedure, words};

struct France {
    communes: Vec<Commune>,
    territory: Arc<Territory>,
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seed-data").join(file)).unwrap()
}

static FRANCE: LazyLock<France> = LazyLock::new(|| {
    let communes = seed::communes(&read("communes.csv")).unwrap();
    let territory = Arc::new(Territory::new(communes.clone(), HashMap::new()));
    // The few without a centre have nothing to measure from.
    let communes: Vec<Commune> =
        communes.into_iter().filter(|commune| commune.kind == CommuneKind::Commune && commune.centre.is_some()).collect();
    assert!(communes.len() > 34_900);
    France { communes, territory }
});

static FUNDS: LazyLock<Vec<FundArea>> = LazyLock::new(|| fund_areas::read(&read("fund_areas.csv")).unwrap());

fn country(procedure: Procedure, structures: Vec<Structure>) -> Directory {
    let catalogue = Catalogue::new(vec![procedure], seed::institutions(&read("institutions.csv"), chrono::NaiveDate::default()).unwrap());
    let catalogue = Arc::new(catalogue.with_fund_areas(FundAreas::new(&FUNDS)));
    Directory::build(1, catalogue, FRANCE.territory.clone(), structures, now())
}

fn at_the_centre_of(commune: &Commune, kind: Kind, name: &str) -> Structure {
    let source_id = format!("{name} {}", commune.code);
    let place = Structure::unknown("test", &source_id, kind, source_id.clone(), commune.code, now());
    Structure { location: commune.centre, source_date: Some(now().date_naive()), ..place }
}

/// Somebody at the centre of a commune who lives there.
fn inhabitant(commune: &Commune) -> Need {
    Need { commune: commune.code, residence: commune.code, location: commune.centre.unwrap(), ..need() }
}

/// The places offered, best first.
fn places<'d>(orientation: &Orientation<'d>) -> Vec<&'d Structure> {
    let structure = |target: &ChoiceTarget<'d>| match target {
        ChoiceTarget::Structure(door) => Some(door.structure()),
        ChoiceTarget::Institution(_) | ChoiceTarget::Hotline(_) => None,
    };
    orientation.options.iter().filter_map(|option| structure(&option.target)).collect()
}

#[test]
fn the_ccas_of_the_residence_or_its_town_hall_and_no_other() {
    let communes = &FRANCE.communes;
    let halls = communes.iter().map(|commune| at_the_centre_of(commune, Kind::Mairie, "mairie"));
    let with_ccas = || communes.iter().step_by(2);
    let structures = halls.chain(with_ccas().map(|commune| at_the_centre_of(commune, Kind::CcasCias, "ccas"))).collect();
    let directory = country(procedure("demarche", "ccas", TerritoryRule::National), structures);
    for (index, commune) in communes.iter().enumerate() {
        let expected = if index % 2 == 0 { Kind::CcasCias } else { Kind::Mairie };
        // At home, and far from home.
        let away = Need { commune: code(RENNES), location: centre(RENNES), ..inhabitant(commune) };
        for need in [inhabitant(commune), away] {
            let orientation = directory.orient(&need).unwrap();
            let found: Vec<_> = places(&orientation).into_iter().map(|it| (it.kind, &it.commune)).collect();
            assert_eq!(found, [(expected, &commune.code)], "{}", commune.name);
        }
    }
}

#[test]
fn the_town_hall_of_the_residence_and_no_other() {
    let communes = &FRANCE.communes;
    let halls = communes.iter().map(|commune| at_the_centre_of(commune, Kind::Mairie, "mairie")).collect();
    let directory = country(procedure("demarche", "mairie", TerritoryRule::Commune), halls);
    for commune in communes {
        let away = Need { commune: code(RENNES), location: centre(RENNES), ..inhabitant(commune) };
        for need in [inhabitant(commune), away] {
            let orientation = directory.orient(&need).unwrap();
            let found: Vec<_> = places(&orientation).into_iter().map(|it| &it.commune).collect();
            assert_eq!(found, [&commune.code], "{}", commune.name);
        }
    }
}

#[test]
fn the_town_hall_of_the_event_and_no_other() {
    let communes = &FRANCE.communes;
    let halls = communes.iter().map(|commune| at_the_centre_of(commune, Kind::Mairie, "mairie")).collect();
    let directory = country(procedure("demarche", "mairie_naissance>mairie", TerritoryRule::CommuneNaissance), halls);
    for commune in communes {
        let need = Need { event_commune: Some(commune.code), ..need() };
        let orientation = directory.orient(&need).unwrap();
        let found: Vec<_> = places(&orientation).into_iter().map(|it| &it.commune).collect();
        assert_eq!(found, [&commune.code], "{}", commune.name);
    }
    assert!(places(&directory.orient(&need()).unwrap()).is_empty(), "nobody guesses where somebody was born");
}

#[test]
fn any_town_hall_where_the_choice_is_free() {
    let communes = &FRANCE.communes;
    let halls = communes.iter().map(|commune| at_the_centre_of(commune, Kind::Mairie, "mairie")).collect();
    let directory = country(procedure("demarche", "mairie", TerritoryRule::CommuneLibre), halls);
    for commune in communes {
        let elsewhere = Need { residence: code(RENNES), ..inhabitant(commune) };
        let orientation = directory.orient(&elsewhere).unwrap();
        assert_eq!(places(&orientation)[0].commune, commune.code, "{}", commune.name);
    }
}

/// Desks of an institution in every département, and in many communes where its area is smaller.
/// Whatever the territory of the procedure, an inhabitant is sent to the nearest of those that `serves` them.
fn desks_serve(institution: &str, serves: impl Fn(&Commune, &Commune) -> bool) {
    let mut departements: HashMap<&str, u32> = HashMap::new();
    let seats = FRANCE.communes.iter().filter(|commune| {
        let seen = departements.entry(&commune.departement).or_default();
        *seen += 1;
        *seen % 100 == 1
    });
    let seats: Vec<&Commune> = seats.collect();
    let desk = |seat: &&Commune| Structure {
        institution: Some(institution.to_owned()),
        procedures: words(&["demarche"]),
        ..at_the_centre_of(seat, Kind::Guichet, institution)
    };
    let directory = country(procedure("demarche", "france_services", TerritoryRule::National), seats.iter().map(desk).collect());
    for commune in &FRANCE.communes {
        let need = inhabitant(commune);
        let orientation = directory.orient(&need).unwrap();
        let found = places(&orientation);
        for place in &found {
            let seat = FRANCE.territory.resolve(&place.commune).unwrap().commune;
            assert!(serves(seat, commune), "{institution}: {} for {}", seat.name, commune.name);
        }
        let metres = |seat: &Commune| need.location.distance_m(seat.centre.unwrap_or(Location { lat: 0.0, lon: 0.0 }));
        let own = seats.iter().filter(|seat| metres(seat) <= 100_000.0 && serves(seat, commune));
        let nearest = own.min_by(|a, b| metres(a).total_cmp(&metres(b)));
        assert_eq!(found.first().map(|place| &place.commune), nearest.map(|seat| &seat.code), "{institution}: {}", commune.name);
    }
}

/// As the seed file has it, read without the code under test.
fn same_fund(of: &str) -> impl Fn(&Commune, &Commune) -> bool {
    let areas = FUNDS.iter().filter(|area| area.institution == of);
    let fund_of: HashMap<&String, &String> =
        areas.flat_map(|area| area.departements.iter().map(move |departement| (departement, &area.code))).collect();
    move |seat, residence| {
        let fund = |commune: &Commune| fund_of.get(&commune.departement);
        seat.departement == residence.departement || (fund(seat).is_some() && fund(seat) == fund(residence))
    }
}

#[test]
fn a_département_s_desk_serves_the_département() {
    for institution in ["mdph", "prefecture", "dgfip"] {
        desks_serve(institution, |seat, residence| seat.departement == residence.departement);
    }
}

#[test]
fn a_fund_s_desk_serves_the_area_of_its_fund() {
    for institution in ["caf", "cpam", "carsat", "msa", "urssaf"] {
        desks_serve(institution, same_fund(institution));
    }
}

#[test]
fn an_académie_s_desk_serves_the_académie() {
    desks_serve("education", same_fund("academie"));
    let (own, shared) = (same_fund("crous"), same_fund("academie"));
    desks_serve("crous", |seat, residence| own(seat, residence) || shared(seat, residence));
}

#[test]
fn a_région_s_desk_serves_the_région() {
    let same = |seat: &Commune, residence: &Commune| seat.region == residence.region && seat.region.is_some();
    desks_serve("region", |seat, residence| same(seat, residence) || seat.departement == residence.departement);
}

#[test]
fn an_intercommunality_s_desk_serves_the_intercommunality() {
    desks_serve("anah", |seat, residence| seat.code == residence.code || (seat.epci.is_some() && seat.epci == residence.epci));
}

#[test]
fn a_national_institution_s_desk_serves_anybody() {
    desks_serve("consulat", |_, _| true);
}
