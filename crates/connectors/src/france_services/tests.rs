use aiguilleur_domain::opening::check_syntax;
use aiguilleur_domain::territory::{CommuneKind, Location};
use proptest::prelude::*;

use super::*;
use crate::Communes;

/// A directory of four communes; Paris has its first arrondissement, Val-d'Anast its former Campel.
#[derive(Debug)]
struct Four(Vec<Commune>);

impl Four {
    fn new() -> Self {
        let commune = |code: &str, name: &str, lat, lon| {
            let code = CommuneCode::parse(code).unwrap();
            Commune {
                kind: CommuneKind::Commune,
                name: name.to_owned(),
                resolves_to: code,
                postal_codes: vec![],
                population: None,
                epci: None,
                departement: code.departement().to_owned(),
                region: None,
                centre: Location::new(lat, lon),
                time_zone: chrono_tz::UTC,
                code,
            }
        };
        Self(vec![
            commune("35238", "Rennes", 48.1147, -1.6794),
            commune("75056", "Paris", 48.8566, 2.3522),
            commune("35168", "Val d'Anast", 47.9213, -2.0259),
            commune("01033", "Valserhône", 46.1103, 5.8243),
        ])
    }
}

impl Communes for Four {
    fn resolve(&self, code: &CommuneCode) -> Option<&Commune> {
        let today = match code.as_str() {
            "75101" => "75056",
            "35048" => "35168",
            code => code,
        };
        self.0.iter().find(|commune| commune.code.as_str() == today)
    }

    fn find(&self, departement: &str, name: &str) -> Option<&Commune> {
        self.0.iter().find(|commune| commune.departement == departement && normalise(&commune.name) == name)
    }
}

fn day() -> NaiveDate {
    "2024-08-01".parse().unwrap()
}

fn read_with(bytes: &[u8], communes: &Four) -> Result<Vec<Row>, BrokenFile> {
    read(bytes, &Setting { communes, source_date: Some(day()), now: "2026-11-22T08:00:00Z".parse().unwrap() })
}

/// One row, Rennes unless a cell says otherwise.
fn row(cells: &[(&str, &str)]) -> Row {
    let mut row =
        vec![("id_fs", "7"), ("lib_fs", "France services"), ("insee_com", "35238"), ("latitude", "48.11"), ("longitude", "-1.68")];
    for (column, value) in cells {
        row.retain(|(known, _)| known != column);
        row.push((column, value));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row.iter().map(|(column, _)| column)).unwrap();
    writer.write_record(row.iter().map(|(_, value)| value)).unwrap();
    read_with(&writer.into_inner().unwrap(), &Four::new()).unwrap().remove(0)
}

fn accepted(cells: &[(&str, &str)]) -> (Structure, Vec<&'static str>) {
    let row = row(cells);
    (row.outcome.unwrap(), row.remarks.iter().map(|remark| remark.code).collect())
}

fn rejected(cells: &[(&str, &str)]) -> &'static str {
    row(cells).outcome.unwrap_err().code
}

#[test]
fn maps_a_whole_row() {
    let (structure, remarks) = accepted(&[
        ("lib_fs", r"  France\x20services  d&#39;Ici "),
        ("adresse", "27 Avenue Schuman\n\n"),
        ("complement_adresse", "Mairie"),
        ("code_postal", "35000"),
        ("mail", "Accueil@Exemple.fr"),
        ("telephone", "02 99 00 00 00"),
        ("h_lundi", "09:00 - 12:00 / 13:30 - 17:00"),
        ("h_mardi", "09:00 - 12:00 / 13:30 - 17:00"),
        ("h_samedi", "09:00 - 12:00"),
        ("prise_rdv", "Non"),
        ("commentaire", r"Ferm\xE9 en août"),
        ("format_fs", "Fixe"),
        ("labellisation_fs", "Espace labellisé 01/01/2020"),
    ]);
    assert_eq!(remarks, [""; 0]);
    assert_eq!(structure.id, Structure::id_from_source("france-services", "7"));
    assert_eq!(structure.name, "France services d'Ici");
    assert_eq!(structure.address.as_deref(), Some("27 Avenue Schuman, Mairie"));
    assert_eq!(structure.postal_code.as_deref(), Some("35000"));
    assert_eq!((structure.commune.as_str(), structure.location), ("35238", Location::new(48.11, -1.68)));
    assert_eq!(structure.email.as_deref(), Some("accueil@exemple.fr"));
    assert_eq!(structure.phone.as_deref(), Some("+33299000000"));
    assert_eq!(structure.opening_hours.as_deref(), Some("Mo-Tu 09:00-12:00,13:30-17:00; Sa 09:00-12:00"));
    assert_eq!((structure.hours_checked_on, structure.source_date), (Some(day()), Some(day())));
    assert_eq!((structure.access, structure.itinerant, structure.free), (Access::DropIn, false, Some(true)));
    assert_eq!(structure.note.as_deref(), Some("Fermé en août"));
}

#[test]
fn rejects_rows_that_would_mislead() {
    assert_eq!(rejected(&[("id_fs", " ")]), "id_missing");
    assert_eq!(rejected(&[("lib_fs", r"\x20")]), "name_missing");
    assert_eq!(rejected(&[("insee_com", "99999")]), "commune_unknown");
    assert_eq!(rejected(&[("insee_com", "")]), "commune_unknown");
    assert_eq!(rejected(&[("latitude", "")]), "position_missing");
    assert_eq!(rejected(&[("longitude", "x")]), "position_unreadable");
    assert_eq!(rejected(&[("latitude", "0"), ("longitude", "0")]), "position_outside");
    assert_eq!(rejected(&[("latitude", "43.3"), ("longitude", "5.4")]), "position_far");
}

#[test]
fn rejects_the_second_of_two_rows_with_one_identifier_and_says_where() {
    let file = "id_fs;lib_fs;insee_com;latitude;longitude\n1;\"a\nb\";35238;48,11;-1,68\n1;c;35238;48,11;-1,68\n";
    let rows = read_with(file.as_bytes(), &Four::new()).unwrap();
    assert!(rows[0].outcome.is_ok());
    let fault = rows[1].outcome.clone().unwrap_err();
    assert_eq!((rows[1].line, rows[1].source_id.as_deref(), fault.code), (4, Some("1"), "id_duplicate"));
    assert!(fault.reason.contains("ligne 2") && fault.column == "id_fs" && fault.value == "1");
}

#[test]
fn refuses_a_file_without_its_columns() {
    let broken = read_with(b"id_fs,lib_fs,insee_com,latitude\n1,a,35238,48.1\n", &Four::new()).unwrap_err();
    assert_eq!(broken, BrokenFile::MissingColumns { line: 1, missing: vec!["longitude"] });
}

#[test]
fn finds_the_commune_of_today() {
    let paris = [("insee_com", "75101"), ("latitude", "48.86"), ("longitude", "2.34")];
    let (structure, remarks) = accepted(&paris);
    assert_eq!((structure.commune.as_str(), remarks.as_slice()), ("75056", ["commune_resolved"].as_slice()));
    let valserhone = [("insee_com", "1033"), ("latitude", "46.11"), ("longitude", "5.82")];
    assert_eq!(accepted(&valserhone).0.commune.as_str(), "01033");
    let (structure, remarks) = accepted(&[("insee_com", "35999"), ("insee_dep", "35"), ("lib_com", "RENNES")]);
    assert_eq!((structure.commune.as_str(), remarks.as_slice()), ("35238", ["commune_repaired"].as_slice()));
    assert_eq!(accepted(&[("insee_com", "35999"), ("lib_com", "rennes")]).0.commune.as_str(), "35238");
}

#[test]
fn repairs_hours_and_says_so() {
    let (structure, remarks) = accepted(&[("h_lundi", "00:00 - 00:00 / 09:00 - 12:00 / 11:00 - 13:00"), ("h_mardi", "00:00 - 00:00")]);
    assert_eq!(structure.opening_hours.as_deref(), Some("Mo 09:00-13:00"));
    assert_eq!(remarks, ["hours_filler", "hours_overlap", "hours_filler"]);
    let (structure, _) = accepted(&[("h_dimanche", "09:00 - 12:00")]);
    assert_eq!(structure.opening_hours.as_deref(), Some("Su 09:00-12:00"));
    let (structure, remarks) = accepted(&[("h_lundi", "00:00 - 00:00")]);
    assert_eq!((structure.opening_hours, structure.hours_checked_on, remarks.len()), (None, None, 1));
}

#[test]
fn one_unreadable_day_makes_the_week_unknown_not_that_day_closed() {
    let (structure, remarks) = accepted(&[("h_lundi", "09:00 - 12:00"), ("h_mardi", "sur rdv"), ("commentaire", "Accueil.")]);
    assert_eq!((structure.opening_hours, structure.hours_checked_on), (None, None));
    assert_eq!(structure.note.as_deref(), Some("Accueil. Horaires indiqués : lundi 09:00 - 12:00 ; mardi sur rdv."));
    assert_eq!(remarks, ["hours_unreadable"]);
}

#[test]
fn notes_what_is_wrong_with_contacts() {
    assert_eq!(accepted(&[("telephone", "")]).1, ["phone_missing"]);
    let (structure, remarks) = accepted(&[("telephone", "à la mairie"), ("mail", "accueil"), ("code_postal", "CEDEX")]);
    assert_eq!((structure.phone, structure.email, structure.postal_code), (None, None, None));
    assert_eq!(remarks, ["phone_unreadable", "email_malformed", "postal_code_unreadable"]);
    let (structure, remarks) = accepted(&[("telephone", "0299000000 / 0600000000"), ("mail", "a@b.fr - c@d.fr")]);
    assert_eq!((structure.phone.as_deref(), structure.email.as_deref()), (Some("+33299000000"), Some("a@b.fr")));
    assert_eq!(structure.note.as_deref(), Some("Autre téléphone : +33600000000. Autre adresse électronique : c@d.fr."));
    assert_eq!(remarks, ["phone_several", "email_several"]);
}

#[test]
fn says_what_moves_and_how_one_gets_in() {
    for (format, moves) in [("Fixe", false), ("", false), ("Bus_équivalent", true), ("Multisites", true), ("Fixe_antenne(s)", true)] {
        assert_eq!(accepted(&[("format_fs", format)]).0.itinerant, moves, "{format}");
    }
    for (appointments, comment, access) in [
        ("Non", "", Access::DropIn),
        ("Oui", "", Access::Unknown),
        ("", "", Access::Unknown),
        ("Non", "Uniquement sur rendez-vous le vendredi", Access::Unknown),
        ("Non", "UNIQUEMENT SUR RDV", Access::Unknown),
    ] {
        assert_eq!(accepted(&[("prise_rdv", appointments), ("commentaire", comment)]).0.access, access, "{appointments} {comment}");
    }
}

#[test]
fn reads_the_date_in_a_file_name() {
    let date = |name: &str| source_date_from_name(name).map(|day| day.to_string());
    for name in [
        "france_services_20240801.csv",
        "liste-20240801.csv",
        "2024-08-01_liste.csv",
        "https://exemple.fr/liste/20240715-083012/liste-fs-2024-08-01.csv",
        "liste-fs-12-2024-08-01",
    ] {
        assert_eq!(date(name).as_deref(), Some("2024-08-01"), "{name}");
    }
    for name in ["", "liste.csv", "20241301.csv", "2024-02-30.csv", "120240801.csv", "99999999", "2024-8-1"] {
        assert_eq!(date(name), None, "{name}");
    }
}

const SAMPLE: &str = "\u{feff}\"id_fs\",\"insee_dep\",\"lib_fs\",\"insee_com\",\"lib_com\",\"code_postal\",\"latitude\",\"longitude\",\
\"mail\",\"telephone\",\"h_lundi\",\"h_mardi\",\"prise_rdv\",\"commentaire\",\"format_fs\"\r\n\
\"1\",\"35\",\"France services A\",\"35238\",\"Rennes\",\"35000\",48.11,-1.68,\"a@b.fr\",\"02 99 00 00 00\",\"09:00 - 12:00 / 13:30 - 17:00\",,\"Non\",\"L\\x2019accueil \\uD83D\",\"Fixe\"\r\n\
\"2\",\"75\",\"France services B\",\"75101\",\"Paris\",\"75001\",48.86,2.34,,\"+33 (0)1 00 00 00 00 / 3939\",\"00:00 - 00:00\",\"9h-12h\",\"Oui\",\"&eacute;&amp;\n\n\",\"Bus\"\r\n";

proptest! {
    #[test]
    fn survives_any_bytes(bytes: Vec<u8>) {
        let _ = read_with(&bytes, &Four::new());
    }

    #[test]
    fn survives_a_mangled_list(edits in proptest::collection::vec((0..SAMPLE.len(), 0..6_usize, ".{0,4}"), 0..8)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (start, length, inserted) in edits {
            let start = start.min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, inserted.bytes());
        }
        let communes = Four::new();
        let rows = read_with(&bytes, &communes).unwrap_or_default();
        prop_assert!(rows.is_sorted_by(|row, next| row.line < next.line));
        for structure in rows.into_iter().filter_map(|row| row.outcome.ok()) {
            prop_assert!(communes.resolve(&structure.commune).is_some());
            prop_assert!(!structure.name.is_empty() && structure.location.is_some());
            prop_assert!(structure.opening_hours.is_none_or(|hours| check_syntax(&hours).is_ok()));
            let texts = [Some(structure.name), structure.address, structure.note, structure.phone, structure.email];
            prop_assert!(texts.into_iter().flatten().all(|text| !text.chars().any(char::is_control)));
        }
    }

    #[test]
    fn a_cut_file_is_broken_or_ends_between_rows(cut in 1..SAMPLE.len()) {
        let bytes = &SAMPLE.as_bytes()[..cut];
        if let Ok(rows) = read_with(bytes, &Four::new()) {
            prop_assert!(rows.iter().all(|row| row.outcome.is_ok()));
        }
    }
}
