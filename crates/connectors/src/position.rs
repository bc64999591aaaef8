//! Positions: read, and weighed against where France and the commune are.

use std::ops::RangeInclusive;

use aiguilleur_domain::territory::{Commune, Location};

use crate::Fault;

/// The territories of the Republic where people live: degrees north, degrees east (WGS 84), generously drawn.
const TERRITORIES: [(RangeInclusive<f64>, RangeInclusive<f64>); 10] = [
    // Metropolitan France with Corsica.
    (41.2..=51.2, -5.3..=9.7),
    // Guadeloupe, Saint-Martin, Saint-Barthélemy.
    (15.7..=18.2, -63.3..=-60.9),
    // Martinique.
    (14.3..=15.0, -61.3..=-60.7),
    // Guyane.
    (2.0..=6.0, -54.7..=-51.5),
    // La Réunion.
    (-21.5..=-20.8, 55.1..=55.9),
    // Mayotte.
    (-13.1..=-12.5, 44.9..=45.4),
    // Saint-Pierre-et-Miquelon.
    (46.7..=47.2, -56.6..=-56.0),
    // Wallis-et-Futuna.
    (-14.5..=-13.1, -178.3..=-176.0),
    // Polynésie française.
    (-28.0..=-7.8, -154.8..=-134.3),
    // Nouvelle-Calédonie.
    (-23.0..=-19.4, 163.4..=168.3),
];

/// How far from its commune's centre a structure can honestly stand, in metres. Communes of Guyane are as large as a
/// département and the list has spaces 40 to 69 km from their centres; a commune of Polynésie can be several atolls.
fn farthest_m(departement: &str) -> f64 {
    match departement {
        "973" => 120_000.0,
        "987" => 500_000.0,
        _ => 50_000.0,
    }
}

/// The position in two cells, named by the columns they stand in, of a structure in that commune.
///
/// # Errors
/// The fault that rejects the row: missing, not numbers, outside France, too far from the commune.
pub fn read(latitude: (&str, &str), longitude: (&str, &str), commune: &Commune) -> Result<Location, Fault> {
    let lat = degrees(latitude)?;
    let lon = degrees(longitude)?;
    let columns = format!("{}, {}", latitude.0, longitude.0);
    let cells = format!("{}, {}", latitude.1, longitude.1);
    let fault = |code, reason: String| Err(Fault::new(code, &columns, &cells, reason));
    let swapped = Location::new(lon, lat).is_some_and(|swapped| is_in_france(swapped) && is_near(swapped, commune));
    let advice = if swapped { " ; la latitude et la longitude semblent inversées" } else { "" };
    match Location::new(lat, lon).filter(|location| is_in_france(*location)) {
        None => fault("position_outside", format!("La position n'est dans aucun territoire français{advice} : la ligne est rejetée.")),
        Some(location) if !is_near(location, commune) => {
            let kilometres = commune.centre.map_or(0.0, |centre| centre.distance_m(location) / 1000.0);
            let name = &commune.name;
            let reason = format!("La position est à {kilometres:.0} km du centre de {name}{advice} : la ligne est rejetée.");
            fault("position_far", reason)
        }
        Some(location) => Ok(location),
    }
}

fn degrees((column, cell): (&str, &str)) -> Result<f64, Fault> {
    if cell.is_empty() {
        return Err(Fault::new("position_missing", column, cell, "La position manque : la ligne est rejetée."));
    }
    // A spreadsheet set to French writes a decimal comma.
    let degrees: Option<f64> = cell.replace(',', ".").parse().ok();
    degrees
        .filter(|degrees| degrees.is_finite())
        .ok_or_else(|| Fault::new("position_unreadable", column, cell, "La position n'est pas un nombre de degrés : la ligne est rejetée."))
}

fn is_in_france(location: Location) -> bool {
    TERRITORIES.iter().any(|(north, east)| north.contains(&location.lat) && east.contains(&location.lon))
}

/// True where the centre isn't known: nothing can be held against the position.
fn is_near(location: Location, commune: &Commune) -> bool {
    commune.centre.is_none_or(|centre| centre.distance_m(location) <= farthest_m(&commune.departement))
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::territory::{CommuneCode, CommuneKind};

    use super::*;

    fn commune(code: &str, centre: Option<(f64, f64)>) -> Commune {
        let code = CommuneCode::parse(code).unwrap();
        Commune {
            kind: CommuneKind::Commune,
            name: "Ici".to_owned(),
            resolves_to: code,
            postal_codes: vec![],
            population: None,
            epci: None,
            departement: code.departement().to_owned(),
            region: None,
            centre: centre.and_then(|(lat, lon)| Location::new(lat, lon)),
            time_zone: chrono_tz::UTC,
            code,
        }
    }

    fn code(lat: &str, lon: &str, commune: &Commune) -> Result<Location, &'static str> {
        read(("latitude", lat), ("longitude", lon), commune).map_err(|fault| fault.code)
    }

    #[test]
    fn weighs_a_position_against_its_commune() {
        let rennes = commune("35238", Some((48.1147, -1.6794)));
        assert_eq!(code("48.12", "-1,68", &rennes), Ok(Location { lat: 48.12, lon: -1.68 }));
        assert_eq!(code("", "-1.68", &rennes), Err("position_missing"));
        assert_eq!(code("48.12", "ouest", &rennes), Err("position_unreadable"));
        assert_eq!(code("NaN", "-1.68", &rennes), Err("position_unreadable"));
        assert_eq!(code("0", "0", &rennes), Err("position_outside"));
        assert_eq!(code("1e30", "-1.68", &rennes), Err("position_outside"));
        assert_eq!(code("43.3", "5.4", &rennes), Err("position_far"));
        let swapped = read(("latitude", "-1.68"), ("longitude", "48.12"), &rennes).unwrap_err();
        assert!(swapped.reason.contains("inversées") && swapped.column == "latitude, longitude");
    }

    #[test]
    fn allows_for_large_and_for_unplaced_communes() {
        let maripasoula = commune("97353", Some((3.23, -53.90)));
        assert!(code("3.64", "-54.03", &maripasoula).is_ok());
        assert_eq!(code("4.94", "-52.33", &maripasoula), Err("position_far"));
        assert!(code("43.3", "5.4", &commune("35238", None)).is_ok());
    }
}
