//! A small country to test in: seven communes, and the fewest words in which to say what stands there.
//!
//! Distances from Rennes: Saint-Jacques 4 km, Bruz 11 km, Vitré 35 km, Dinan 46 km, Châteaubriant 49 km, Nantes 100 km.

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::orient::{Choice, ChoiceTarget, Orientation};
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::area::{FundArea, FundAreas};
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::procedure::{Basis, FranceServicesHelp, Institution, Mandate, Procedure, TerritoryRule};
use aiguilleur_domain::structure::{Access, Kind, Session, Structure};
use aiguilleur_domain::territory::{Commune, CommuneCode, CommuneKind, Location};
use chrono::{DateTime, NaiveDate, Utc};

pub const RENNES: &str = "35238";
/// In the EPCI of Rennes, as Bruz is.
pub const SAINT_JACQUES: &str = "35281";
pub const BRUZ: &str = "35047";
/// In the same département, in another EPCI.
pub const VITRE: &str = "35360";
/// In another département.
pub const DINAN: &str = "22050";
/// In another région, as Nantes is.
pub const CHATEAUBRIANT: &str = "44036";
pub const NANTES: &str = "44109";

pub const RENNES_METROPOLE: &str = "243500139";

/// What the tests need to know of a commune.
pub struct Place {
    pub code: &'static str,
    name: &'static str,
    epci: &'static str,
    region: &'static str,
    /// Degrees north and east.
    centre: (f64, f64),
}

const fn place(code: &'static str, name: &'static str, epci: &'static str, region: &'static str, centre: (f64, f64)) -> Place {
    Place { code, name, epci, region, centre }
}

pub const COMMUNES: [Place; 7] = [
    place(RENNES, "Rennes", RENNES_METROPOLE, "53", (48.11, -1.68)),
    place(SAINT_JACQUES, "Saint-Jacques-de-la-Lande", RENNES_METROPOLE, "53", (48.085, -1.72)),
    place(BRUZ, "Bruz", RENNES_METROPOLE, "53", (48.02, -1.75)),
    place(VITRE, "Vitré", "200039022", "53", (48.12, -1.21)),
    place(DINAN, "Dinan", "200068989", "53", (48.45, -2.05)),
    place(CHATEAUBRIANT, "Châteaubriant", "200072726", "52", (47.72, -1.38)),
    place(NANTES, "Nantes", "244400404", "52", (47.22, -1.55)),
];

/// A Monday, 10:30 in Rennes.
pub fn now() -> DateTime<Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn code(code: &str) -> CommuneCode {
    CommuneCode::parse(code).unwrap()
}

pub fn centre(commune: &str) -> Location {
    let (lat, lon) = COMMUNES.iter().find(|place| place.code == commune).unwrap().centre;
    Location::new(lat, lon).unwrap()
}

/// So many metres north of a place.
pub fn north_of(from: Location, metres: f64) -> Location {
    Location::new(from.lat + metres / 111_195.08, from.lon).unwrap()
}

pub fn communes() -> Vec<Commune> {
    let commune = |place: &Place| Commune {
        code: code(place.code),
        kind: CommuneKind::Commune,
        name: place.name.to_owned(),
        resolves_to: code(place.code),
        postal_codes: Vec::new(),
        population: Some(10_000),
        epci: Some(place.epci.to_owned()),
        departement: code(place.code).departement().to_owned(),
        region: Some(place.region.to_owned()),
        centre: Some(centre(place.code)),
        time_zone: chrono_tz::Europe::Paris,
    };
    COMMUNES.iter().map(commune).collect()
}

/// A structure at the centre of a commune, of which little else is known.
pub fn structure(name: &str, kind: Kind, commune: &str) -> Structure {
    Structure {
        location: Some(centre(commune)),
        source_date: Some(day("2026-11-01")),
        ..Structure::unknown("test", name, kind, name.to_owned(), code(commune), now())
    }
}

/// The same, so many metres north of the commune's centre.
pub fn structure_at(name: &str, kind: Kind, commune: &str, metres_north: f64) -> Structure {
    Structure { location: Some(north_of(centre(commune), metres_north)), ..structure(name, kind, commune) }
}

pub fn desk(name: &str, institution: &str, commune: &str) -> Structure {
    Structure { institution: Some(institution.to_owned()), ..structure(name, Kind::Guichet, commune) }
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A procedure in charge of "organisme", in the group "groupe", with a rule such as `france_services>ccas`.
pub fn procedure(slug: &str, rule: &str, territory: TerritoryRule) -> Procedure {
    Procedure {
        slug: slug.to_owned(),
        group: "groupe".to_owned(),
        label: slug.to_owned(),
        synonyms: Vec::new(),
        about: Vec::new(),
        institution: "organisme".to_owned(),
        official_url: None,
        france_services: FranceServicesHelp::Yes,
        territory,
        mandate: Mandate::No,
        documents: Vec::new(),
        steps: Vec::new(),
        cost: None,
        delay: None,
        pitfalls: Vec::new(),
        urgency: 1,
        hotline: None,
        first_targets: rule.split('>').map(str::to_owned).collect(),
        ladder: Vec::new(),
        appeals: Vec::new(),
        sheet: None,
        safety: false,
        sensitive: false,
        basis: Basis::Read,
        doubt: None,
        note: None,
        sources: Vec::new(),
        checked_on: None,
    }
}

pub fn institution(slug: &str, territory: &str) -> Institution {
    Institution {
        slug: slug.to_owned(),
        label: slug.to_uppercase(),
        name: slug.to_owned(),
        website: None,
        phone: Some("3939".to_owned()),
        territory: Some(territory.to_owned()),
        former_names: Vec::new(),
        sources: Vec::new(),
    }
}

pub fn institutions() -> Vec<Institution> {
    let known = [
        ("organisme", "national"),
        ("caf", "departement"),
        ("cpam", "caisse"),
        ("msa", "caisse"),
        ("mdph", "departement"),
        ("region", "region"),
        ("consulat", "national"),
        ("anah", "epci"),
    ];
    known.map(|(slug, territory)| institution(slug, territory)).into()
}

/// One fund spans two départements.
pub fn fund_areas() -> FundAreas {
    let departements = words(&["22", "35"]);
    FundAreas::new(&[FundArea { institution: "msa".to_owned(), code: "nord".to_owned(), name: "MSA du Nord".to_owned(), departements }])
}

/// Who comes to a structure at times.
pub fn session(holder: &str, kind: Kind, institution: Option<&str>) -> Session {
    Session {
        holder: holder.to_owned(),
        kind,
        institution: institution.map(str::to_owned),
        procedures: Vec::new(),
        groups: Vec::new(),
        opening_hours: None,
        hours_checked_on: None,
        access: Access::Unknown,
        places: None,
        note: None,
    }
}

/// A directory of one procedure, in the small country.
pub fn directory(procedure: Procedure, structures: Vec<Structure>) -> Directory {
    let catalogue = Arc::new(Catalogue::new(vec![procedure], institutions()).with_fund_areas(fund_areas()));
    Directory::build(1, catalogue, Arc::new(Territory::new(communes(), HashMap::new())), structures, now())
}

/// Somebody of Rennes, at its centre, on that Monday morning, who asks for the procedure "demarche".
pub fn need() -> Need {
    need_of(RENNES)
}

/// The same, of another commune.
pub fn need_of(commune: &str) -> Need {
    Need {
        procedure: Some("demarche".to_owned()),
        danger: None,
        commune: code(commune),
        location: centre(commune),
        precision: Precision::Point,
        residence: code(commune),
        event_commune: None,
        at: now(),
        max_distance_m: None,
        kinds: Vec::new(),
        help_kind: None,
        channel: Channel::InPerson,
        drop_in: false,
        language: None,
        wheelchair: false,
        regime: Regime::General,
        experience: None,
        limit: 5,
    }
}

/// What an option leads to: a structure's name, `institution <slug>` or `hotline <digits>`.
pub fn name(option: &Choice) -> String {
    match &option.target {
        ChoiceTarget::Structure(door) => door.structure().name.clone(),
        ChoiceTarget::Institution(institution) => format!("institution {}", institution.slug),
        ChoiceTarget::Hotline(line) => format!("hotline {}", line.phone),
    }
}

/// The options, best first.
pub fn options(directory: &Directory, need: &Need) -> Vec<String> {
    directory.orient(need).unwrap().options.iter().map(name).collect()
}

/// The structures left out, nearest first, each with the code of the reason.
pub fn left_out(directory: &Directory, need: &Need) -> Vec<(String, &'static str)> {
    let orientation = directory.orient(need).unwrap();
    orientation.left_out.iter().map(|left| (left.door.structure().name.clone(), left.reason.code())).collect()
}

pub fn option<'o, 'd>(orientation: &'o Orientation<'d>, wanted: &str) -> &'o Choice<'d> {
    orientation.options.iter().find(|option| name(option) == wanted).unwrap()
}

pub fn caution_codes(option: &Choice) -> Vec<&'static str> {
    option.cautions.iter().map(aiguilleur_domain::reason::Caution::code).collect()
}

pub fn reason_codes(option: &Choice) -> Vec<&'static str> {
    option.reasons.iter().map(aiguilleur_domain::reason::Reason::code).collect()
}
