//! The rules of `orient()`, one example each.

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::orient::CoverageLevel;
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::OpeningStatus;
use aiguilleur_domain::procedure::{FranceServicesHelp, Mandate, Procedure, TerritoryRule};
use aiguilleur_domain::reason::{Caution, Exclusion, Reason};
use aiguilleur_domain::structure::{Access, Capacity, HelpKind, Kind, Structure};
use aiguilleur_domain::territory::Commune;

use crate::builders::{
    BRUZ, CHATEAUBRIANT, DINAN, NANTES, RENNES, RENNES_METROPOLE, SAINT_JACQUES, VITRE, caution_codes, centre, code, communes, day, desk,
    directory, institutions, left_out, name, need, need_of, now, option, options, procedure, reason_codes, structure, structure_at, words,
};

fn rule(rule: &str) -> Procedure {
    procedure("demarche", rule, TerritoryRule::Commune)
}

fn nothing() -> Vec<String> {
    Vec::new()
}

mod ranking {
    use super::*;

    #[test]
    fn a_step_of_preference_weighs_four_kilometres() {
        let beside = |metres| {
            let near = structure_at("pimms", Kind::PimmsMediation, RENNES, 100.0);
            let preferred = structure_at("france services", Kind::FranceServices, RENNES, metres);
            options(&directory(rule("france_services>pimms"), vec![near, preferred]), &need())
        };
        assert_eq!(beside(4_000.0), ["france services", "pimms"]);
        assert_eq!(beside(4_200.0), ["pimms", "france services"]);
    }

    #[test]
    fn with_only_a_commune_known_what_lies_in_it_is_at_no_distance() {
        let town = structure_at("in town", Kind::FranceServices, RENNES, 4_500.0);
        let centre = structure_at("in town, nearer to the centre", Kind::FranceServices, RENNES, -3_900.0);
        let neighbour = structure("next town", Kind::FranceServices, SAINT_JACQUES);
        let directory = directory(rule("france_services"), vec![town, centre, neighbour]);
        assert_eq!(options(&directory, &need()), ["in town, nearer to the centre", "next town", "in town"]);
        let somewhere = Need { precision: Precision::Commune, ..need() };
        assert_eq!(options(&directory, &somewhere), ["in town, nearer to the centre", "in town", "next town"]);
        let orientation = directory.orient(&somewhere).unwrap();
        assert_eq!(option(&orientation, "in town").distance_m, Some(0));
        assert!(reason_codes(option(&orientation, "in town")).contains(&"in_commune"));
        assert!(option(&orientation, "next town").reasons.contains(&Reason::Distance { metres: 4_068 }));
    }

    #[test]
    fn a_place_without_a_position_counts_from_its_commune_s_centre() {
        let nowhere = Structure { location: None, ..structure("nowhere", Kind::FranceServices, BRUZ) };
        let directory = directory(rule("france_services"), vec![nowhere]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(orientation.options[0].distance_m, Some(11_279));
        assert!(caution_codes(&orientation.options[0]).contains(&"position_approximate"));
    }

    #[test]
    fn at_most_as_many_as_asked_for() {
        let places = (0..20).map(|number| structure_at(&number.to_string(), Kind::FranceServices, RENNES, f64::from(number) * 1_000.0));
        let directory = directory(rule("france_services"), places.collect());
        assert_eq!(options(&directory, &Need { limit: 3, ..need() }), ["0", "1", "2"]);
    }
}

mod opening {
    use super::*;

    fn open(name: &str, metres_north: f64) -> Structure {
        Structure {
            opening_hours: Some("Mo 10:00-11:00; We 10:00-12:00".to_owned()),
            hours_checked_on: Some(day("2026-11-01")),
            ..structure_at(name, Kind::FranceServices, RENNES, metres_north)
        }
    }

    fn closed(name: &str, metres_north: f64) -> Structure {
        Structure { opening_hours: Some("Tu 10:00-11:00".to_owned()), ..open(name, metres_north) }
    }

    #[test]
    fn open_now_passes_closed_among_nearly_equal_costs_only() {
        let first = |open_at: f64| {
            let directory = directory(rule("france_services"), vec![closed("closed", 1_000.0), open("open", open_at)]);
            options(&directory, &need())[0].clone()
        };
        assert_eq!(first(1_490.0), "open", "within 500 m of the nearest");
        assert_eq!(first(1_510.0), "closed", "farther");
        let first_far = |open_at: f64| {
            let directory = directory(rule("france_services"), vec![closed("closed", 10_000.0), open("open", open_at)]);
            options(&directory, &need())[0].clone()
        };
        assert_eq!(first_far(11_490.0), "open", "within 15 % of the nearest");
        assert_eq!(first_far(11_510.0), "closed", "farther");
    }

    #[test]
    fn unknown_stands_between_open_and_closed() {
        let unknown = structure_at("unknown", Kind::FranceServices, RENNES, 1_100.0);
        let directory = directory(rule("france_services"), vec![closed("closed", 1_000.0), unknown, open("open", 1_200.0)]);
        assert_eq!(options(&directory, &need()), ["open", "unknown", "closed"]);
    }

    #[test]
    fn says_until_when_it_is_open_and_when_it_opens_next() {
        let directory = directory(rule("france_services"), vec![closed("closed", 1_000.0), open("open", 1_200.0)]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        let until = "2026-11-23T10:00:00Z".parse().unwrap();
        assert!(option(&orientation, "open").reasons.contains(&Reason::OpenNow { until }));
        let at = "2026-11-24T09:00:00Z".parse().unwrap();
        assert!(option(&orientation, "closed").reasons.contains(&Reason::NextOpening { at }));
    }

    #[test]
    fn hours_that_nobody_checked_for_a_year_are_unknown() {
        let checked_on = |day| Structure { hours_checked_on: day, ..open("open", 0.0) };
        let state = |hours_checked_on| {
            let directory = directory(rule("france_services"), vec![checked_on(hours_checked_on)]);
            let need = need();
            let orientation = directory.orient(&need).unwrap();
            (orientation.options[0].opening.status, caution_codes(&orientation.options[0]).first().copied())
        };
        assert_eq!(state(Some(day("2025-11-23"))), (OpeningStatus::Open, None));
        assert_eq!(state(Some(day("2025-11-22"))), (OpeningStatus::Unknown, Some("hours_unchecked")));
        assert_eq!(state(None), (OpeningStatus::Unknown, Some("hours_unchecked")));
    }

    #[test]
    fn hours_grow_old_in_a_directory_that_stays() {
        let place = Structure { hours_checked_on: Some(day("2025-11-24")), ..open("open", 0.0) };
        let directory = directory(rule("france_services"), vec![place]);
        let status = |at: &str| directory.orient(&Need { at: at.parse().unwrap(), ..need() }).unwrap().options[0].opening.status;
        assert_eq!(status("2026-11-23T09:30:00Z"), OpeningStatus::Open);
        assert_eq!(status("2026-11-25T09:30:00Z"), OpeningStatus::Unknown);
    }

    #[test]
    fn no_hours_and_hours_without_an_opening_soon_say_so() {
        let none = structure("none", Kind::FranceServices, RENNES);
        let never = Structure { opening_hours: Some("Jul Mo 10:00-11:00".to_owned()), ..closed("summer only", 0.0) };
        let directory = directory(rule("france_services"), vec![none, never]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(caution_codes(option(&orientation, "none")), ["hours_unknown"]);
        assert_eq!(caution_codes(option(&orientation, "summer only")), ["no_opening_soon"]);
    }

    #[test]
    fn the_same_hours_count_in_the_time_of_each_island() {
        let islands = [("98735", chrono_tz::Pacific::Tahiti), ("98731", chrono_tz::Pacific::Marquesas)];
        let template = communes().remove(0);
        let commune = |(insee, time_zone)| Commune {
            code: code(insee),
            resolves_to: code(insee),
            departement: "987".to_owned(),
            time_zone,
            ..template.clone()
        };
        let territory = Territory::new(islands.map(commune).into(), HashMap::new());
        let place = |(insee, _)| Structure { commune: code(insee), ..open(insee, 0.0) };
        let catalogue = Arc::new(Catalogue::new(vec![rule("france_services")], institutions()));
        let directory = Directory::build(1, catalogue, Arc::new(territory), islands.map(place).into(), now());
        // Monday, 9:45 in Tahiti and 10:15 in the Marquesas.
        let need = Need { at: "2026-11-23T19:45:00Z".parse().unwrap(), commune: code("98735"), residence: code("98735"), ..need() };
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(option(&orientation, "98735").opening.status, OpeningStatus::Closed);
        assert_eq!(option(&orientation, "98731").opening.status, OpeningStatus::Open);
    }
}

mod ccas {
    use super::*;

    fn country(with: Vec<Structure>) -> Vec<Structure> {
        let others = vec![
            structure("CCAS de Saint-Jacques", Kind::CcasCias, SAINT_JACQUES),
            structure("CCAS de Bruz", Kind::CcasCias, BRUZ),
            structure_at("mairie de Rennes", Kind::Mairie, RENNES, 1_000.0),
            structure("mairie de Saint-Jacques", Kind::Mairie, SAINT_JACQUES),
        ];
        others.into_iter().chain(with).collect()
    }

    #[test]
    fn their_own_town_hall_stands_in_for_one_that_is_not_on_record() {
        let directory = directory(rule("ccas"), country(vec![]));
        let need = need_of(RENNES);
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(orientation.options.iter().map(name).collect::<Vec<_>>(), ["mairie de Rennes"]);
        assert!(orientation.options[0].cautions.contains(&Caution::CcasUnlisted { commune: "Rennes".to_owned() }));
        assert_eq!(
            left_out(&directory, &need),
            [("CCAS de Saint-Jacques".to_owned(), "not_competent_for_commune"), ("CCAS de Bruz".to_owned(), "not_competent_for_commune")]
        );
        assert_eq!(orientation.left_out[0].reason, Exclusion::NotCompetentForCommune { commune: "Rennes".to_owned() });
    }

    #[test]
    fn the_town_hall_appears_once() {
        for order in ["ccas>mairie", "mairie>ccas", "ccas>france_services>mairie"] {
            let directory = directory(rule(order), country(vec![]));
            assert_eq!(options(&directory, &need()), ["mairie de Rennes"], "{order}");
        }
    }

    #[test]
    fn the_town_hall_stands_in_at_the_rank_of_the_ccas() {
        let office = structure_at("post office", Kind::BureauDePoste, RENNES, 5_500.0);
        let last = directory(rule("bureau_poste>pimms>ccas"), country(vec![office.clone()]));
        assert_eq!(options(&last, &need()), ["post office", "mairie de Rennes"]);
        let first = directory(rule("ccas>bureau_poste"), country(vec![office]));
        assert_eq!(options(&first, &need()), ["mairie de Rennes", "post office"]);
    }

    #[test]
    fn who_asks_for_a_ccas_alone_gets_the_town_hall_that_stands_in() {
        let only_ccas = Need { kinds: vec![Kind::CcasCias], ..need() };
        for order in ["ccas", "mairie>ccas", "france_services>ccas>mairie"] {
            assert_eq!(options(&directory(rule(order), country(vec![])), &only_ccas), ["mairie de Rennes"], "{order}");
        }
        let own = structure("CCAS de Rennes", Kind::CcasCias, RENNES);
        assert_eq!(options(&directory(rule("mairie>ccas"), country(vec![own])), &only_ccas), ["CCAS de Rennes"]);
        let steps = Structure { wheelchair: Some(false), ..structure("mairie de Bruz", Kind::Mairie, BRUZ) };
        let rolling = Need { wheelchair: true, ..Need { kinds: vec![Kind::CcasCias], ..need_of(BRUZ) } };
        let directory = directory(rule("ccas"), vec![steps]);
        assert_eq!(left_out(&directory, &rolling), [("mairie de Bruz".to_owned(), "not_wheelchair_accessible")]);
    }

    #[test]
    fn with_one_on_record_nobody_stands_in() {
        let own = structure_at("CCAS de Rennes", Kind::CcasCias, RENNES, 3_000.0);
        let directory = directory(rule("ccas"), country(vec![own]));
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(orientation.options.iter().map(name).collect::<Vec<_>>(), ["CCAS de Rennes"]);
        assert!(!caution_codes(&orientation.options[0]).contains(&"ccas_unlisted"));
        assert!(reason_codes(&orientation.options[0]).contains(&"competent_for_commune"));
    }

    #[test]
    fn the_residence_decides_and_not_where_the_person_is() {
        let directory = directory(rule("ccas"), country(vec![]));
        let at_work = Need { residence: code(BRUZ), ..need_of(RENNES) };
        assert_eq!(options(&directory, &at_work), ["CCAS de Bruz"]);
    }

    #[test]
    fn a_cias_that_names_their_epci_is_theirs() {
        let cias = |territory: &[&str]| Structure { territory: words(territory), ..structure("CIAS", Kind::CcasCias, SAINT_JACQUES) };
        assert_eq!(options(&directory(rule("ccas"), country(vec![cias(&[RENNES_METROPOLE])])), &need()), ["CIAS"]);
        assert_eq!(options(&directory(rule("ccas"), country(vec![cias(&["200039022"])])), &need()), ["mairie de Rennes"]);
        // A record that names an area without its own commune doesn't serve that commune.
        let elsewhere = Structure { territory: words(&[VITRE]), ..structure("CIAS", Kind::CcasCias, RENNES) };
        assert_eq!(options(&directory(rule("ccas"), country(vec![elsewhere])), &need()), ["mairie de Rennes"]);
    }

    #[test]
    fn only_the_two_nearest_of_others_are_named() {
        let other = |commune| {
            let name = format!("CCAS de {commune}");
            Structure { territory: words(&[commune]), ..structure(&name, Kind::CcasCias, commune) }
        };
        let beside = Structure { location: Some(centre(RENNES)), ..other(VITRE) };
        let own = structure("CCAS de Rennes", Kind::CcasCias, RENNES);
        let directory = directory(rule("ccas"), vec![other(BRUZ), other(SAINT_JACQUES), beside, own]);
        let named: Vec<String> = left_out(&directory, &need()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, ["CCAS de 35360", "CCAS de 35281"]);
    }

    #[test]
    fn a_closed_one_counts_as_none() {
        let closed = Structure { closed_on: Some(day("2026-01-01")), ..structure("CCAS de Rennes", Kind::CcasCias, RENNES) };
        let directory = directory(rule("ccas"), country(vec![closed]));
        assert_eq!(options(&directory, &need()), ["mairie de Rennes"]);
        assert!(!left_out(&directory, &need()).iter().any(|(name, _)| name == "CCAS de Rennes"));
    }

    #[test]
    fn a_declaration_does_not_make_another_commune_s_ccas_theirs() {
        let eager = Structure { procedures: words(&["demarche"]), ..structure("CCAS de Bruz", Kind::CcasCias, BRUZ) };
        let directory = directory(rule("ccas"), vec![eager]);
        assert_eq!(options(&directory, &need()), ["institution organisme"]);
        assert_eq!(left_out(&directory, &need()), [("CCAS de Bruz".to_owned(), "not_competent_for_commune")]);
    }

    #[test]
    fn their_own_is_looked_for_within_the_radius_too() {
        let far = structure("CCAS de Vitré", Kind::CcasCias, VITRE);
        let at_work = Need { residence: code(VITRE), ..need_of(RENNES) };
        let between = structure_at("france services", Kind::FranceServices, RENNES, 25_000.0);
        let directory = directory(rule("ccas>france_services"), vec![far, between]);
        assert_eq!(options(&directory, &at_work), ["france services", "CCAS de Vitré"], "found in the same radius");
        let near_only = Need { max_distance_m: Some(10_000), ..at_work };
        assert_eq!(options(&directory, &near_only), ["institution organisme"]);
    }
}

mod danger {
    use super::*;

    fn dangerous(rule_text: &str) -> Procedure {
        Procedure { safety: true, hotline: Some("3919 (danger : 17, SMS 114)".to_owned()), ..rule(rule_text) }
    }

    #[test]
    fn the_line_stands_first_whatever_else_there_is() {
        let next_door = structure("CIDFF", Kind::Cidff, RENNES);
        let needs = [
            need(),
            Need { channel: Channel::Phone, ..need() },
            Need { channel: Channel::Remote, ..need() },
            Need { kinds: vec![Kind::Cidff], ..need() },
            Need { limit: 1, ..need() },
            Need { max_distance_m: Some(0), ..need_of(NANTES) },
        ];
        let directory = directory(dangerous("cidff>association"), vec![next_door]);
        for need in needs {
            let orientation = directory.orient(&need).unwrap();
            assert_eq!(name(&orientation.options[0]), "hotline 3919", "{need:?}");
            assert_eq!(reason_codes(&orientation.options[0]), ["danger_line"]);
            assert!(orientation.options.len() <= need.limit);
        }
        assert_eq!(options(&directory, &need()), ["hotline 3919", "CIDFF"]);
    }

    #[test]
    fn elsewhere_a_line_is_no_option() {
        let harmless = Procedure { safety: false, ..dangerous("cidff") };
        let directory = directory(harmless, vec![structure("CIDFF", Kind::Cidff, RENNES)]);
        assert_eq!(options(&directory, &need()), ["CIDFF"]);
        assert_eq!(directory.orient(&need()).unwrap().hotline.unwrap().phone, "3919");
    }
}

mod farm_workers {
    use super::*;

    fn country() -> Vec<Structure> {
        vec![
            desk("CAF", "caf", RENNES),
            desk("CPAM", "cpam", RENNES),
            Structure { territory: words(&["35", "56"]), ..desk("MSA", "msa", BRUZ) },
            structure("france services", Kind::FranceServices, VITRE),
        ]
    }

    #[test]
    fn depend_on_msa() {
        for fund in ["caf", "cpam"] {
            let procedure = Procedure {
                institution: fund.to_owned(),
                hotline: Some("3230".to_owned()),
                ..procedure("demarche", &format!("{fund}>france_services"), TerritoryRule::Caisse)
            };
            let directory = directory(procedure, country());
            let general = need();
            let farm = Need { regime: Regime::Agricole, ..need() };
            assert_eq!(options(&directory, &general), [fund.to_uppercase()]);
            assert_eq!(options(&directory, &farm), ["MSA"]);
            let orientation = directory.orient(&farm).unwrap();
            assert_eq!(orientation.institution.unwrap().slug, "msa");
            assert_eq!(orientation.desk.map(|(entry, _)| entry.structure.name.as_str()), Some("MSA"));
            assert_eq!(orientation.hotline, None, "the general scheme's line");
            assert!(caution_codes(&orientation.options[0]).iter().all(|caution| *caution != "area_assumed"));
            let at_a_distance = Need { channel: Channel::Remote, ..farm.clone() };
            assert_eq!(options(&directory, &at_a_distance), ["institution msa"]);
        }
    }

    #[test]
    fn a_rule_that_names_both_names_msa_once() {
        let directory = directory(procedure("demarche", "caf>cpam>msa", TerritoryRule::Caisse), country());
        assert_eq!(options(&directory, &Need { regime: Regime::Agricole, ..need() }), ["MSA"]);
    }
}

mod declared {
    use super::*;

    #[test]
    fn an_association_is_offered_only_if_it_declares_the_procedure_or_its_group() {
        let declares = |procedures: &[&str], groups: &[&str]| {
            let association = structure("association", Kind::Association, RENNES);
            let association = Structure { procedures: words(procedures), groups: words(groups), ..association };
            directory(rule("association"), vec![association])
        };
        for (procedures, groups) in [(&["demarche"][..], &[][..]), (&[], &["groupe"])] {
            let directory = declares(procedures, groups);
            let need = need();
            let orientation = directory.orient(&need).unwrap();
            assert_eq!(orientation.options.iter().map(name).collect::<Vec<_>>(), ["association"]);
            assert_eq!(reason_codes(&orientation.options[0])[0], "declares_procedure");
            assert!(orientation.left_out.is_empty());
        }
        let other = declares(&["autre"], &["autre"]);
        assert_eq!(options(&other, &need()), ["institution organisme"]);
        assert_eq!(left_out(&other, &need()), [("association".to_owned(), "procedure_not_declared")]);
    }

    #[test]
    fn identity_papers_are_taken_by_any_town_hall_that_declares_them() {
        let papers = procedure("demarche", "mairie_equipee>france_services>pimms", TerritoryRule::CommuneLibre);
        let equipped = Structure { procedures: words(&["demarche"]), ..structure("mairie de Bruz", Kind::Mairie, BRUZ) };
        let own = structure("mairie de Rennes", Kind::Mairie, RENNES);
        let directory = directory(papers, vec![equipped, own]);
        assert_eq!(options(&directory, &need()), ["mairie de Bruz"]);
        assert_eq!(left_out(&directory, &need()), [("mairie de Rennes".to_owned(), "procedure_not_declared")]);
    }

    #[test]
    fn who_declares_stands_at_the_rank_that_the_rule_gives_its_kind() {
        let papers = procedure("demarche", "mairie_equipee>france_services>pimms", TerritoryRule::CommuneLibre);
        let equipped = Structure { procedures: words(&["demarche"]), ..structure_at("mairie de Bruz", Kind::Mairie, BRUZ, -1_000.0) };
        let france_services = structure_at("france services", Kind::FranceServices, RENNES, 9_000.0);
        let library = Structure { groups: words(&["groupe"]), ..structure_at("library", Kind::Mediatheque, RENNES, 500.0) };
        let directory = directory(papers, vec![equipped, france_services, library]);
        // 12.3 km, 9 km + 4 km, 0.5 km + 12 km: the library is of no kind that the rule names.
        assert_eq!(options(&directory, &Need { limit: 2, ..need() }), ["mairie de Bruz", "library"]);
        assert_eq!(options(&directory, &need()), ["mairie de Bruz", "library", "france services"]);
    }

    #[test]
    fn a_place_is_not_offered_and_left_out_at_once() {
        let own = structure("mairie de Rennes", Kind::Mairie, RENNES);
        let directory = directory(rule("mairie_naissance>ccas>mairie_equipee"), vec![own]);
        assert_eq!(options(&directory, &need()), ["mairie de Rennes"], "in place of the CCAS");
        assert_eq!(left_out(&directory, &need()), []);
    }

    #[test]
    fn a_place_that_says_no_is_not_one_of_which_nothing_is_known() {
        let refuses = Structure { not_offered: words(&["demarche"]), ..structure("says no", Kind::Association, RENNES) };
        let unknown = structure_at("unknown", Kind::Association, RENNES, 2_000.0);
        let directory = directory(rule("association"), vec![refuses, unknown]);
        assert_eq!(left_out(&directory, &need()), [("unknown".to_owned(), "procedure_not_declared")]);
    }

    #[test]
    fn the_town_hall_of_an_event_is_not_known_from_a_residence() {
        let own = structure("mairie de Rennes", Kind::Mairie, RENNES);
        let birth = procedure("demarche", "mairie_naissance>france_services", TerritoryRule::CommuneNaissance);
        let directory = directory(birth, vec![own, structure("france services", Kind::FranceServices, BRUZ)]);
        assert_eq!(options(&directory, &need()), ["france services"]);
        assert_eq!(left_out(&directory, &need()), [("mairie de Rennes".to_owned(), "event_commune_unknown")]);
    }

    #[test]
    fn the_town_hall_of_an_event_is_not_that_of_the_residence() {
        // The nearer one would come first if it stood at the rank of the residence's.
        let of_event = Structure { territory: words(&[SAINT_JACQUES]), ..structure("of the event", Kind::Mairie, RENNES) };
        let of_residence = structure_at("of the residence", Kind::Mairie, RENNES, 2_000.0);
        let both = procedure("demarche", "mairie>mairie_naissance", TerritoryRule::Commune);
        let directory = directory(both, vec![of_event, of_residence]);
        let need = Need { event_commune: Some(code(SAINT_JACQUES)), ..need() };
        assert_eq!(options(&directory, &need), ["of the residence", "of the event"]);
    }

    #[test]
    fn a_place_that_says_it_does_not_do_it_is_left_out() {
        let refuses = Structure { not_offered: words(&["demarche"]), ..structure("refuses", Kind::FranceServices, RENNES) };
        let other = structure("other", Kind::FranceServices, BRUZ);
        let directory = directory(rule("france_services"), vec![refuses, other]);
        assert_eq!(options(&directory, &need()), ["other"]);
        assert_eq!(left_out(&directory, &need()), [("refuses".to_owned(), "procedure_not_offered")]);
    }
}

mod reach {
    use super::*;

    fn coverage(structures: Vec<Structure>, procedure: Procedure, need: &Need) -> (CoverageLevel, Option<u32>, u32, Vec<String>) {
        let directory = directory(procedure, structures);
        let orientation = directory.orient(need).unwrap();
        let coverage = orientation.coverage;
        (coverage.level, coverage.nearest_m, coverage.searched_m, orientation.options.iter().map(name).collect())
    }

    #[test]
    fn the_search_widens_until_it_finds() {
        let one_in = |commune| coverage(vec![structure("there", Kind::FranceServices, commune)], rule("france_services"), &need());
        let there = vec!["there".to_owned()];
        assert_eq!(one_in(BRUZ), (CoverageLevel::Local, Some(11_279), 20_000, there.clone()));
        assert_eq!(one_in(VITRE), (CoverageLevel::Distant, Some(34_910), 50_000, there.clone()));
        assert_eq!(one_in(NANTES), (CoverageLevel::Distant, Some(99_441), 100_000, there));
    }

    #[test]
    fn what_is_found_near_by_ends_the_search() {
        let places = vec![structure("near", Kind::FranceServices, BRUZ), structure("far", Kind::FranceServices, VITRE)];
        assert_eq!(coverage(places, rule("france_services"), &need()).3, ["near"]);
    }

    #[test]
    fn beyond_reach_the_institution_answers_from_afar() {
        let too_far = structure_at("too far", Kind::FranceServices, NANTES, -2_000.0);
        let nothing_near = coverage(vec![too_far], rule("france_services"), &need());
        assert_eq!(nothing_near, (CoverageLevel::RemoteOnly, None, 100_000, vec!["institution organisme".to_owned()]));
    }

    #[test]
    fn and_where_there_is_no_institution_either_nothing_is_promised() {
        let unknown_body = Procedure { institution: "inconnu".to_owned(), ..rule("france_services") };
        assert_eq!(coverage(vec![], unknown_body.clone(), &need()), (CoverageLevel::None, None, 100_000, nothing()));
        let with_a_site = Procedure { official_url: Some("https://example.org".to_owned()), ..unknown_body };
        assert_eq!(coverage(vec![], with_a_site, &need()).0, CoverageLevel::RemoteOnly);
    }

    #[test]
    fn a_person_s_own_limit_replaces_the_radii() {
        let there = vec![structure("there", Kind::FranceServices, VITRE)];
        let at_most = |metres| {
            let need = Need { max_distance_m: Some(metres), ..need() };
            coverage(there.clone(), rule("france_services"), &need)
        };
        assert_eq!(at_most(34_000), (CoverageLevel::RemoteOnly, None, 34_000, vec!["institution organisme".to_owned()]));
        assert_eq!(at_most(35_000), (CoverageLevel::Distant, Some(34_910), 35_000, vec!["there".to_owned()]));
        assert_eq!(at_most(300_000).2, 300_000);
    }

    #[test]
    fn a_place_that_is_filtered_out_does_not_end_the_search() {
        let by_appointment = Structure { access: Access::Appointment, ..structure("by appointment", Kind::FranceServices, BRUZ) };
        let far = structure("far", Kind::FranceServices, VITRE);
        let need = Need { drop_in: true, ..need() };
        let found = coverage(vec![by_appointment, far], rule("france_services"), &need);
        assert_eq!(found, (CoverageLevel::Distant, Some(34_910), 50_000, vec!["far".to_owned()]));
    }
}

mod filters {
    use super::*;

    fn france_services(name: &str, metres_north: f64) -> Structure {
        structure_at(name, Kind::FranceServices, RENNES, metres_north)
    }

    fn offered(structures: Vec<Structure>, need: &Need) -> (Vec<String>, Vec<(String, &'static str)>) {
        let directory = directory(rule("france_services>pimms"), structures);
        (options(&directory, need), left_out(&directory, need))
    }

    #[test]
    fn without_an_appointment() {
        let by_appointment = Structure { access: Access::Appointment, ..france_services("by appointment", 0.0) };
        let drop_in = Structure { access: Access::DropIn, ..france_services("drop-in", 3_000.0) };
        let places = vec![by_appointment, france_services("unknown", 2_000.0), drop_in];
        let (found, excluded) = offered(places.clone(), &Need { drop_in: true, ..need() });
        assert_eq!(found, ["unknown", "drop-in"]);
        assert_eq!(excluded, [("by appointment".to_owned(), "appointment_only")]);
        assert_eq!(offered(places, &need()).0, ["by appointment", "unknown", "drop-in"]);
    }

    #[test]
    fn with_a_wheelchair() {
        let steps = Structure { wheelchair: Some(false), ..france_services("steps", 0.0) };
        let ramp = Structure { wheelchair: Some(true), ..france_services("ramp", 3_000.0) };
        let places = vec![steps, ramp, france_services("unknown", 2_000.0)];
        let rolling = Need { wheelchair: true, ..need() };
        let (found, excluded) = offered(places.clone(), &rolling);
        assert_eq!(found, ["unknown", "ramp"]);
        assert_eq!(excluded, [("steps".to_owned(), "not_wheelchair_accessible")]);
        let directory = directory(rule("france_services"), places);
        let orientation = directory.orient(&rolling).unwrap();
        assert!(caution_codes(option(&orientation, "unknown")).contains(&"wheelchair_unknown"));
        assert!(reason_codes(option(&orientation, "ramp")).contains(&"wheelchair_accessible"));
        assert!(!caution_codes(option(&orientation, "ramp")).contains(&"wheelchair_unknown"));
    }

    #[test]
    fn in_a_language() {
        let french = Structure { languages: words(&["fr"]), ..france_services("french", 0.0) };
        let arabic = Structure { languages: words(&["fr", "ar"]), ..france_services("arabic", 3_000.0) };
        let places = vec![french, arabic, france_services("unknown", 2_000.0)];
        let speaks = |language: &str| Need { language: Some(language.to_owned()), ..need() };
        let (found, excluded) = offered(places.clone(), &speaks("ar"));
        assert_eq!(found, ["unknown", "arabic"]);
        assert_eq!(excluded, [("french".to_owned(), "language_not_spoken")]);
        assert_eq!(offered(places.clone(), &speaks("fr")).0.len(), 3, "French is spoken everywhere");
        let directory = directory(rule("france_services"), places);
        let need = speaks("ar");
        let orientation = directory.orient(&need).unwrap();
        assert!(option(&orientation, "unknown").cautions.contains(&Caution::LanguageUnknown { language: "ar".to_owned() }));
        assert!(option(&orientation, "arabic").reasons.contains(&Reason::SpeaksLanguage { language: "ar".to_owned() }));
    }

    #[test]
    fn for_a_kind_of_help() {
        let explains = Structure { help_kinds: vec![HelpKind::Explain], ..france_services("explains", 0.0) };
        let fills = Structure { help_kinds: vec![HelpKind::Explain, HelpKind::Form], ..france_services("fills forms", 3_000.0) };
        let wish = Need { help_kind: Some(HelpKind::Form), ..need() };
        let (found, excluded) = offered(vec![explains, fills, france_services("unknown", 2_000.0)], &wish);
        assert_eq!(found, ["unknown", "fills forms"]);
        assert_eq!(excluded, [("explains".to_owned(), "help_kind_not_offered")]);
    }

    #[test]
    fn by_telephone() {
        let with_line = Structure { phone: Some("+33299000000".to_owned()), ..france_services("with a line", 3_000.0) };
        let (found, excluded) = offered(vec![france_services("without", 0.0), with_line], &Need { channel: Channel::Phone, ..need() });
        assert_eq!(found, ["institution organisme", "with a line"]);
        assert_eq!(excluded, [("without".to_owned(), "no_telephone")]);
    }

    #[test]
    fn at_a_distance_no_place_is_offered() {
        let need = Need { channel: Channel::Remote, ..need() };
        let next_door = vec![("next door".to_owned(), "in_person_only")];
        assert_eq!(offered(vec![france_services("next door", 0.0)], &need), (vec!["institution organisme".to_owned()], next_door));
        let directory = directory(rule("france_services"), vec![]);
        assert_eq!(directory.orient(&need).unwrap().coverage.level, CoverageLevel::RemoteOnly);
    }

    #[test]
    fn of_the_kinds_asked_for() {
        let pimms = Structure { wheelchair: Some(false), ..structure("pimms", Kind::PimmsMediation, RENNES) };
        let places = vec![pimms, france_services("france services", 3_000.0)];
        let only = |kind| Need { kinds: vec![kind], ..need() };
        assert_eq!(offered(places.clone(), &only(Kind::FranceServices)).0, ["france services"]);
        assert_eq!(offered(places.clone(), &only(Kind::PimmsMediation)).0, ["pimms"]);
        let (found, excluded) = offered(places, &Need { wheelchair: true, ..only(Kind::FranceServices) });
        assert_eq!((found, excluded), (vec!["france services".to_owned()], vec![]), "what wasn't asked for isn't left out either");
    }

    #[test]
    fn the_nearest_left_out_are_named_and_only_a_few() {
        let steps = |number: i32| Structure { wheelchair: Some(false), ..france_services(&number.to_string(), f64::from(number) * 100.0) };
        let (_, excluded) = offered((1..=9).rev().map(steps).collect(), &Need { wheelchair: true, ..need() });
        assert_eq!(excluded.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    }
}

mod area {
    use super::*;

    #[test]
    fn another_département_s_desk_is_never_offered() {
        for institution in ["mdph", "prefecture"] {
            let theirs = desk("of Châteaubriant", institution, CHATEAUBRIANT);
            // 4 km from Rennes, and yet of another département.
            let neighbour = Structure { location: Some(centre(SAINT_JACQUES)), ..desk("of Dinan", institution, DINAN) };
            let own = Structure { location: Some(centre(BRUZ)), ..desk("of Rennes", institution, RENNES) };
            let procedure = procedure("demarche", institution, TerritoryRule::Departement);
            let directory = directory(procedure, vec![theirs, neighbour, own]);
            assert_eq!(options(&directory, &need()), ["of Rennes"]);
            assert_eq!(left_out(&directory, &need()), [("of Dinan".to_owned(), "not_competent_for_commune")]);
            let lives_in_dinan = Need { residence: code(DINAN), ..need() };
            assert_eq!(options(&directory, &lives_in_dinan), ["of Dinan"]);
        }
    }

    #[test]
    fn where_their_own_is_out_of_reach_another_one_does_not_take_its_place() {
        let neighbour = desk("of Dinan", "mdph", DINAN);
        let directory = directory(procedure("demarche", "mdph", TerritoryRule::Departement), vec![neighbour]);
        assert_eq!(options(&directory, &need()), ["institution organisme"]);
        assert_eq!(left_out(&directory, &need()), [("of Dinan".to_owned(), "not_competent_for_commune")]);
    }

    #[test]
    fn social_services_and_prefecture_points_are_their_département_s() {
        for (word, kind) in [
            ("service_social_departement", Kind::MaisonDesSolidarites),
            ("point_numerique_prefecture", Kind::PointNumeriquePrefecture),
            ("siao_115", Kind::Siao),
            ("spada", Kind::Spada),
            ("adil", Kind::Adil),
        ] {
            let own = structure("own", kind, VITRE);
            let other = Structure { location: Some(centre(RENNES)), ..structure("other", kind, DINAN) };
            let directory = directory(procedure("demarche", word, TerritoryRule::National), vec![own, other]);
            let need = need();
            let orientation = directory.orient(&need).unwrap();
            assert_eq!(orientation.options.iter().map(name).collect::<Vec<_>>(), ["own"], "{word}");
            assert!(caution_codes(&orientation.options[0]).contains(&"area_assumed"));
            assert_eq!(left_out(&directory, &need), [("other".to_owned(), "not_competent_for_commune")]);
        }
    }

    #[test]
    fn a_record_s_own_area_goes_before_its_kind_s() {
        let wide = Structure { territory: words(&["22", "35"]), ..desk("wide", "carsat", DINAN) };
        let narrow = Structure { territory: words(&[VITRE]), ..desk("narrow", "carsat", RENNES) };
        let procedure = procedure("demarche", "carsat", TerritoryRule::Caisse);
        let directory = directory(procedure, vec![wide, narrow]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(orientation.options.iter().map(name).collect::<Vec<_>>(), ["wide"]);
        assert!(!caution_codes(&orientation.options[0]).contains(&"area_assumed"));
    }

    #[test]
    fn any_town_hall_serves_where_the_rule_says_so() {
        let near = structure("mairie de Saint-Jacques", Kind::Mairie, SAINT_JACQUES);
        let own = structure("mairie de Bruz", Kind::Mairie, BRUZ);
        let places = vec![near, own];
        let of_bruz = Need { residence: code(BRUZ), ..need() };
        let bound = directory(procedure("demarche", "mairie", TerritoryRule::Commune), places.clone());
        assert_eq!(options(&bound, &of_bruz), ["mairie de Bruz"]);
        assert_eq!(left_out(&bound, &of_bruz), [("mairie de Saint-Jacques".to_owned(), "not_competent_for_commune")]);
        let free = directory(procedure("demarche", "mairie", TerritoryRule::CommuneLibre), places);
        assert_eq!(options(&free, &of_bruz), ["mairie de Saint-Jacques", "mairie de Bruz"]);
    }
}

mod warnings {
    use super::*;

    #[test]
    fn tell_what_to_beware_of() {
        let place = Structure {
            demonstration: true,
            itinerant: true,
            access: Access::Appointment,
            capacity: Some(Capacity::Full),
            ..structure("place", Kind::FranceServices, RENNES)
        };
        let procedure =
            Procedure { france_services: FranceServicesHelp::Partial, mandate: Mandate::PersonalPresence, ..rule("france_services") };
        let directory = directory(procedure, vec![place]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(
            caution_codes(&orientation.options[0]),
            ["demonstration", "hours_unknown", "itinerant", "appointment_only", "full", "france_services_partial", "personal_presence"]
        );
    }

    #[test]
    fn a_capacity_counts_until_its_day() {
        let full_until = |until| {
            let capacity = Structure { capacity: Some(Capacity::Full), ..structure("place", Kind::FranceServices, RENNES) };
            let directory = directory(rule("france_services"), vec![Structure { capacity_until: Some(day(until)), ..capacity }]);
            caution_codes(&directory.orient(&need()).unwrap().options[0]).contains(&"full")
        };
        assert!(full_until("2026-11-23"));
        assert!(!full_until("2026-11-22"));
    }
}

mod learning {
    use std::sync::Arc;

    use aiguilleur_domain::experience::{Experience, Past};

    use super::*;

    #[test]
    fn a_disputed_record_stands_lower_among_its_equals() {
        let disputed = Structure { disputed: true, ..structure_at("disputed", Kind::FranceServices, RENNES, 100.0) };
        let other = structure_at("other", Kind::FranceServices, RENNES, 200.0);
        let directory = directory(rule("france_services"), vec![disputed, other]);
        assert_eq!(options(&directory, &need()), ["other", "disputed"]);
        assert!(caution_codes(&directory.orient(&need()).unwrap().options[1]).contains(&"disputed"));
    }

    #[test]
    fn past_outcomes_decide_last_and_only_where_they_count() {
        let near = structure_at("near", Kind::FranceServices, RENNES, 100.0);
        let far = structure_at("far", Kind::FranceServices, RENNES, 200.0);
        let rows = [(near.id, 20, 2), (far.id, 20, 18)];
        let directory = directory(rule("france_services"), vec![near, far]);
        let procedure = need().procedure.unwrap();
        let past = rows.map(|(place, known, resolved)| (place, procedure.clone(), Past { known, resolved }));
        let learnt = Need { experience: Some(Arc::new(Experience::of(past))), ..need() };
        assert_eq!(options(&directory, &need()), ["near", "far"]);
        assert_eq!(options(&directory, &learnt), ["far", "near"]);
        let told = directory.orient(&learnt).unwrap().options[0].reasons.last().cloned();
        assert_eq!(told, Some(aiguilleur_domain::reason::Reason::PastOutcomes { out_of_ten: 7, referrals: 20 }));
    }
}

#[test]
fn what_is_not_in_the_directory_has_no_answer() {
    let directory = directory(rule("france_services"), vec![]);
    assert!(directory.orient(&Need { procedure: Some("inconnue".to_owned()), ..need() }).is_none());
    assert!(directory.orient(&Need { residence: code("75056"), ..need() }).is_none());
}
