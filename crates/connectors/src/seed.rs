//! The seed files: what a new installation starts with, from the bytes of `seed-data/` to domain values.
//! They are our own and checked when they are made, so that a fault in them is an error, not a remark.

use aiguilleur_domain::code;
use aiguilleur_domain::procedure::{FactSource, Institution};
use aiguilleur_domain::structure::{Kind, Structure};
use aiguilleur_domain::territory::{Commune, CommuneCode, CommuneKind, Location};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Source of the town halls (annuaire de l'administration, DILA).
pub const TOWN_HALLS: &str = "town-halls";
/// Source of the demonstration layer.
pub const DEMONSTRATION: &str = "demonstration";

/// A seed file that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct BrokenSeed {
    pub file: &'static str,
    pub line: u64,
    pub reason: String,
}

pub(crate) type Seeds<T> = Result<Vec<T>, BrokenSeed>;

/// Reads every line of a file with `read`.
pub(crate) fn lines<R: DeserializeOwned, T>(file: &'static str, bytes: &[u8], read: impl Fn(R) -> Result<T, String>) -> Seeds<T> {
    let mut reader = csv::Reader::from_reader(bytes);
    let mut items = Vec::new();
    for (record, line) in reader.deserialize::<R>().zip(2..) {
        let item = record.map_err(|error| error.to_string()).and_then(&read);
        items.push(item.map_err(|reason| BrokenSeed { file, line, reason })?);
    }
    Ok(items)
}

pub(crate) fn list(cell: &str) -> Vec<String> {
    cell.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

pub(crate) fn some(cell: String) -> Option<String> {
    (!cell.trim().is_empty()).then_some(cell)
}

pub(crate) fn read_code<T>(value: &str) -> Result<T, String>
where
    T: std::str::FromStr + strum::VariantArray + Copy + Into<&'static str>,
{
    code::parse(value).map_err(|error| error.to_string())
}

fn commune_code(value: &str) -> Result<CommuneCode, String> {
    CommuneCode::parse(value).ok_or_else(|| format!("« {value} » is not a commune code"))
}

#[derive(Deserialize)]
struct CommuneLine {
    code: String,
    name: String,
    r#type: String,
    resolves_to: String,
    postal_codes: String,
    population: Option<i32>,
    epci: Option<String>,
    departement: String,
    region: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    timezone: String,
}

/// `communes.csv`.
pub fn communes(bytes: &[u8]) -> Seeds<Commune> {
    lines("communes.csv", bytes, |line: CommuneLine| {
        let kind: CommuneKind = line.r#type.parse().map_err(|_| format!("« {} » is not a type of commune", line.r#type))?;
        let code = commune_code(&line.code)?;
        Ok(Commune {
            resolves_to: if line.resolves_to.is_empty() { code } else { commune_code(&line.resolves_to)? },
            code,
            kind,
            name: line.name,
            postal_codes: list(&line.postal_codes),
            population: line.population,
            epci: line.epci,
            departement: line.departement,
            region: line.region,
            centre: line.lat.zip(line.lon).and_then(|(lat, lon)| Location::new(lat, lon)),
            time_zone: line.timezone.parse().map_err(|_| format!("« {} » is not a time zone", line.timezone))?,
        })
    })
}

/// `epci.csv`, `departements.csv` or `regions.csv`: codes and names.
pub fn names(bytes: &[u8]) -> Seeds<(String, String)> {
    #[derive(Deserialize)]
    struct Line {
        code: String,
        name: String,
    }
    lines("epci.csv, departements.csv or regions.csv", bytes, |line: Line| Ok((line.code, line.name)))
}

/// Where what `institutions.csv` says comes from.
const OUR_OWN: &str = "Catalogue fourni avec Aiguilleur";

/// `institutions.csv`, last checked in the month that begins on `checked_on`.
pub fn institutions(bytes: &[u8], checked_on: NaiveDate) -> Seeds<Institution> {
    #[derive(Deserialize)]
    struct Line {
        slug: String,
        label: String,
        name: String,
        website: Option<String>,
        phone: Option<String>,
        territory: Option<String>,
        former_names: String,
    }
    lines("institutions.csv", bytes, |line: Line| {
        let mut it = Institution {
            slug: line.slug,
            label: line.label,
            name: line.name,
            website: line.website,
            phone: line.phone,
            territory: line.territory,
            former_names: list(&line.former_names),
            sources: Vec::new(),
        };
        it.sources = it.stated().into_iter().map(|field| FactSource { field: field.to_owned(), ..our_own(checked_on) }).collect();
        match it.faults().as_slice() {
            [] => Ok(it),
            [fault, ..] => Err(format!("{}: {}", fault.field, fault.detail)),
        }
    })
}

fn our_own(checked_on: NaiveDate) -> FactSource {
    FactSource { field: String::new(), title: OUR_OWN.to_owned(), url: None, date: Some(checked_on.to_string()) }
}

/// `town_halls.csv`. The source gives no date: neither the records nor their hours count as checked.
pub fn town_halls(bytes: &[u8], now: DateTime<Utc>) -> Seeds<Structure> {
    #[derive(Deserialize)]
    struct Line {
        code: String,
        commune: String,
        name: String,
        address: Option<String>,
        postal_code: Option<String>,
        lat: Option<f64>,
        lon: Option<f64>,
        phone: Option<String>,
        email: Option<String>,
        website: Option<String>,
        opening_hours: Option<String>,
    }
    lines("town_halls.csv", bytes, |line: Line| {
        Ok(Structure {
            address: line.address,
            postal_code: line.postal_code,
            location: line.lat.zip(line.lon).and_then(|(lat, lon)| Location::new(lat, lon)),
            phone: line.phone,
            email: line.email,
            website: line.website,
            opening_hours: line.opening_hours,
            ..Structure::unknown(TOWN_HALLS, &line.code, Kind::Mairie, line.name, commune_code(&line.commune)?, now)
        })
    })
}

#[derive(Deserialize)]
struct DemonstrationLine {
    source_id: String,
    kind: String,
    institution: Option<String>,
    name: String,
    address: Option<String>,
    postal_code: Option<String>,
    commune: String,
    lat: Option<f64>,
    lon: Option<f64>,
    phone: Option<String>,
    email: Option<String>,
    website: Option<String>,
    opening_hours: Option<String>,
    hours_checked_on: Option<NaiveDate>,
    access: String,
    itinerant: bool,
    at_home: Option<bool>,
    languages: String,
    wheelchair: Option<bool>,
    free: Option<bool>,
    procedures: String,
    groups: String,
    not_offered: String,
    help_kinds: String,
    aidants_connect: Option<bool>,
    vouchers: Option<bool>,
    capacity: Option<String>,
    capacity_until: Option<NaiveDate>,
    territory: String,
    note: Option<String>,
}

/// `demo/structures.csv`: every structure flagged as invented.
pub fn demonstration(bytes: &[u8], now: DateTime<Utc>) -> Seeds<Structure> {
    lines("demo/structures.csv", bytes, |line: DemonstrationLine| {
        let kind: Kind = read_code(&line.kind)?;
        Ok(Structure {
            institution: line.institution,
            address: line.address,
            postal_code: line.postal_code,
            location: line.lat.zip(line.lon).and_then(|(lat, lon)| Location::new(lat, lon)),
            phone: line.phone,
            email: line.email,
            website: line.website,
            opening_hours: line.opening_hours,
            hours_checked_on: line.hours_checked_on,
            access: read_code(&line.access)?,
            itinerant: line.itinerant,
            at_home: line.at_home,
            languages: list(&line.languages),
            wheelchair: line.wheelchair,
            free: line.free,
            procedures: list(&line.procedures),
            groups: list(&line.groups),
            not_offered: list(&line.not_offered),
            help_kinds: list(&line.help_kinds).iter().map(|kind| read_code(kind)).collect::<Result<_, _>>()?,
            aidants_connect: line.aidants_connect,
            vouchers: line.vouchers,
            capacity: line.capacity.as_deref().map(read_code).transpose()?,
            capacity_until: line.capacity_until,
            territory: list(&line.territory),
            note: line.note,
            demonstration: true,
            source_date: line.hours_checked_on,
            ..Structure::unknown(DEMONSTRATION, &line.source_id, kind, line.name, commune_code(&line.commune)?, now)
        })
    })
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::opening::check_syntax;

    use super::*;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/../../seed-data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn every_institution_named_is_on_record() {
        let institutions: Vec<String> =
            institutions(&file("institutions.csv"), NaiveDate::default()).unwrap().into_iter().map(|it| it.slug).collect();
        for structure in demonstration(&file("demo/structures.csv"), Utc::now()).unwrap() {
            assert!(structure.institution.is_none_or(|slug| institutions.contains(&slug)), "{}", structure.source_id);
        }
    }

    #[test]
    fn communes_are_all_there_and_lead_to_one_of_today() {
        let communes = communes(&file("communes.csv")).unwrap();
        let of_today: std::collections::HashSet<&CommuneCode> =
            communes.iter().filter(|commune| commune.kind == CommuneKind::Commune).map(|commune| &commune.code).collect();
        assert_eq!(of_today.len(), 34_875 + 94);
        assert_eq!(communes.iter().filter(|commune| commune.kind == CommuneKind::Arrondissement).count(), 45);
        assert!(communes.iter().all(|commune| of_today.contains(&commune.resolves_to)));
    }

    #[test]
    fn every_hours_text_is_osm_syntax() {
        let town_halls = town_halls(&file("town_halls.csv"), Utc::now()).unwrap();
        assert_eq!(town_halls.len(), 34_827 + 34, "of communes, and of arrondissements");
        let demonstration = demonstration(&file("demo/structures.csv"), Utc::now()).unwrap();
        let texts: std::collections::HashSet<String> =
            town_halls.into_iter().chain(demonstration).filter_map(|structure| structure.opening_hours).collect();
        for text in texts {
            assert_eq!(check_syntax(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_demonstration_has_every_kind_and_reserved_numbers() {
        let demonstration = demonstration(&file("demo/structures.csv"), Utc::now()).unwrap();
        for kind in code::all::<Kind>() {
            assert!(demonstration.iter().any(|structure| <&str>::from(structure.kind) == kind), "{kind}");
        }
        for structure in demonstration {
            assert!(structure.phone.is_none_or(|phone| phone.starts_with("+3326191")), "{}", structure.source_id);
            assert!(structure.email.is_none_or(|email| email.ends_with("@example.org")), "{}", structure.source_id);
        }
    }
}
