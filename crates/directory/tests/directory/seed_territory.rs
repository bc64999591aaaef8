//! The territory on the real communes and their simplified outlines: does a position lead to the commune that the full
//! contours say?

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use aiguilleur_connectors::{seed, topojson};
use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::coverage::by_area;
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::procedure::TerritoryRule;
use aiguilleur_domain::structure::{Kind, Structure};
use aiguilleur_domain::territory::{AreaKind, CommuneCode, CommuneKind, Location};
use geo::{Closest, ClosestPoint, MultiPolygon, Point};

use crate::builders::{code, institutions, now, procedure};

pub struct France {
    pub territory: Territory,
    outlines: HashMap<CommuneCode, MultiPolygon>,
}

pub static FRANCE: LazyLock<France> = LazyLock::new(|| {
    let outlines = topojson::communes(&read("outlines.topojson")).unwrap();
    let communes = seed::communes(&read("communes.csv")).unwrap();
    France { territory: Territory::new(communes, outlines.clone()), outlines }
});

pub fn read(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seed-data").join(file)).unwrap()
}

/// Points drawn in the full contours, with the commune that contains each.
fn points() -> Vec<(Location, CommuneCode)> {
    let text = String::from_utf8(read("checks/points.csv")).unwrap();
    let point = |line: &str| {
        let [lat, lon, commune] = <[&str; 3]>::try_from(line.split(',').collect::<Vec<_>>()).unwrap();
        (Location::new(lat.parse().unwrap(), lon.parse().unwrap()).unwrap(), code(commune))
    };
    text.lines().skip(1).map(point).collect()
}

fn located(lat: f64, lon: f64) -> Option<&'static str> {
    FRANCE.territory.locate(Location::new(lat, lon).unwrap()).map(|commune| commune.code.as_str())
}

/// Metres to the nearest border of a commune, from inside or outside.
fn to_border_m(location: Location, commune: CommuneCode) -> f64 {
    let point = Point::new(location.lon, location.lat);
    let rings = FRANCE.outlines[&commune].iter().flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    let metres = |ring: &geo::LineString| match ring.closest_point(&point) {
        Closest::Intersection(closest) | Closest::SinglePoint(closest) => {
            location.distance_m(Location { lat: closest.y(), lon: closest.x() })
        }
        Closest::Indeterminate => f64::INFINITY,
    };
    rings.map(metres).fold(f64::INFINITY, f64::min)
}

#[test]
fn simplified_outlines_agree_with_the_full_contours() {
    let points = points();
    assert_eq!(points.len(), 10_000);
    let found: Vec<Option<&CommuneCode>> =
        points.iter().map(|(location, _)| FRANCE.territory.locate(*location).map(|commune| &commune.code)).collect();
    let agreeing = points.iter().zip(&found).filter(|((_, expected), found)| **found == Some(expected)).count();
    assert!(agreeing >= 9_800, "{agreeing} of 10,000");

    let (mut far, mut far_and_wrong) = (0, 0);
    for ((location, expected), found) in points.iter().zip(&found) {
        if to_border_m(*location, *expected) > 100.0 {
            far += 1;
            far_and_wrong += usize::from(*found != Some(expected));
        }
        if *found != Some(expected) {
            assert!(to_border_m(*location, *expected) < 1_000.0, "{location:?} is far inside {expected}, not in {found:?}");
        }
    }
    assert!(far > 7_000, "{far}");
    // Borders are those of the outlines: a spike that was thinned away leaves a wrong point far from any of them.
    assert!(far_and_wrong * 500 < far, "{far_and_wrong} of {far} beyond 100 m of a border");
}

#[test]
fn centres_lie_in_their_own_commune() {
    let current = FRANCE.territory.communes().iter().filter(|commune| commune.kind == CommuneKind::Commune);
    let with_centre: Vec<_> = current.filter_map(|commune| Some((commune, commune.centre?))).collect();
    assert!(with_centre.len() > 34_900, "{}", with_centre.len());
    let own =
        with_centre.iter().filter(|(commune, centre)| FRANCE.territory.locate(*centre).is_some_and(|found| found.code == commune.code));
    let elsewhere = with_centre.len() - own.count();
    assert!(elsewhere <= 35, "{elsewhere} centres lie in another commune");
}

#[test]
fn at_sea_and_abroad_there_is_no_commune() {
    for (lat, lon, place) in [
        (47.0, -5.0, "Bay of Biscay"),
        (50.2, -1.5, "Channel"),
        (42.5, 5.0, "Gulf of Lion"),
        (0.0, 0.0, "Gulf of Guinea"),
        (50.85, 4.35, "Brussels"),
        (40.42, -3.70, "Madrid"),
        (46.52, 6.63, "Lausanne"),
        (43.7384, 7.4246, "Monte-Carlo"),
        (43.7310, 7.4200, "Monaco-Ville"),
        (43.7276, 7.4147, "Fontvieille"),
        (90.0, 0.0, "North Pole"),
        (-90.0, 180.0, "South Pole"),
    ] {
        assert_eq!(located(lat, lon), None, "{place}");
    }
}

#[test]
fn known_places_lie_where_everybody_knows() {
    for (lat, lon, commune, place) in [
        (48.8530, 2.3499, "75056", "Notre-Dame de Paris"),
        (45.7597, 4.8422, "69123", "Lyon, place Bellecour"),
        (48.1113, -1.6800, "35238", "Rennes, town hall"),
        (41.9192, 8.7386, "2A004", "Ajaccio"),
        (43.7440, 7.4240, "06012", "Beausoleil"),
        (-20.8789, 55.4481, "97411", "Saint-Denis de La Réunion"),
        (4.9227, -52.3269, "97302", "Cayenne"),
        (-22.2758, 166.4580, "98818", "Nouméa"),
    ] {
        assert_eq!(located(lat, lon), Some(commune), "{place}");
    }
}

#[test]
fn codes_lead_to_the_commune_of_today() {
    let resolve = |insee: &str| FRANCE.territory.resolve(&code(insee)).map(|resolved| resolved.commune.code.as_str());
    let ranges = [(75_101..=75_120, "75056"), (69_381..=69_389, "69123"), (13_201..=13_216, "13055")];
    for (arrondissements, city) in ranges {
        for arrondissement in arrondissements {
            assert_eq!(resolve(&arrondissement.to_string()), Some(city), "{arrondissement}");
        }
    }
    assert_eq!(resolve("35238"), Some("35238"));
    assert_eq!(resolve("35999"), None);
    for commune in FRANCE.territory.communes() {
        let resolved = FRANCE.territory.resolve(&commune.code).unwrap();
        assert_eq!(resolved.commune.kind, CommuneKind::Commune, "{}", commune.code);
        assert_eq!(resolved.from.is_none(), resolved.commune.code == commune.code, "{}", commune.code);
    }
}

/// The whole country, on the real town halls and with 3,000 invented places: a procedure whose rule names what is bound to a
/// commune, a free choice of town hall, and what anybody may go to.
#[test]
fn the_atlas_of_the_whole_country_takes_seconds() {
    let mut structures = seed::town_halls(&read("town_halls.csv"), now()).unwrap();
    let communes: Vec<&str> = FRANCE.territory.communes().iter().map(|commune| commune.code.as_str()).collect();
    let towns: Vec<String> = communes.iter().step_by(13).map(|&code| code.to_owned()).collect();
    for (number, town) in towns.iter().enumerate() {
        let kind = if number % 3 == 0 { Kind::CcasCias } else { Kind::FranceServices };
        structures.push(Structure::unknown("test", &number.to_string(), kind, String::new(), code(town), now()));
    }
    let rules = [("france_services>ccas>mairie", TerritoryRule::Commune), ("mairie", TerritoryRule::CommuneLibre)];
    for (rule, binds) in rules {
        let catalogue = Catalogue::new(vec![procedure("demarche", rule, binds)], institutions());
        let territory = Territory::new(FRANCE.territory.communes().to_vec(), HashMap::new());
        let directory = Directory::build(1, catalogue.into(), territory.into(), structures.clone(), now());
        let started = std::time::Instant::now();
        let atlas = directory.coverage("demarche", now()).unwrap();
        let took = started.elapsed();
        println!("{rule}: {} communes in {took:?}", atlas.len());
        assert!(atlas.len() > 34_900 && took.as_secs() < 10, "{rule}: {took:?}");
        assert_eq!(by_area(&directory.territory, &atlas, AreaKind::Departement).len(), 109);
    }
}
