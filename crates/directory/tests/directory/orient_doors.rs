//! Events, sessions, what goes with the options and what wishes put aside: one example each.

use aiguilleur_directory::orient::CoverageLevel;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::OpeningStatus;
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::reason::{Caution, Exclusion, Pairing, Reason};
use aiguilleur_domain::structure::{Access, Kind, Session, Structure};

use crate::builders::{
    BRUZ, CHATEAUBRIANT, DINAN, NANTES, RENNES, SAINT_JACQUES, VITRE, caution_codes, centre, code, day, desk, directory, left_out, need,
    need_of, option, options, procedure, reason_codes, session, structure, structure_at, words,
};

fn rule(rule: &str) -> Procedure {
    procedure("demarche", rule, TerritoryRule::National)
}

mod event {
    use super::*;

    fn halls() -> Vec<Structure> {
        let halls = [RENNES, BRUZ, NANTES].map(|commune| structure(&format!("mairie {commune}"), Kind::Mairie, commune));
        halls.into_iter().chain([structure("france services", Kind::FranceServices, RENNES)]).collect()
    }

    fn born_in(commune: &str) -> Need {
        Need { event_commune: Some(code(commune)), ..need() }
    }

    #[test]
    fn its_town_hall_is_competent_wherever_it_is() {
        for (words, territory) in [
            ("mairie_naissance>france_services", TerritoryRule::CommuneNaissance),
            ("mairie>france_services", TerritoryRule::CommuneEvenement),
            ("mairie_naissance>france_services", TerritoryRule::Commune),
        ] {
            let directory = directory(procedure("demarche", words, territory), halls());
            assert_eq!(options(&directory, &born_in(BRUZ)), ["france services", "mairie 35047"], "{words}");
            let need = born_in(NANTES);
            let orientation = directory.orient(&need).unwrap();
            let hall = option(&orientation, "mairie 44109");
            assert_eq!(hall.distance_m, Some(99_441));
            assert!(hall.reasons.contains(&Reason::CompetentForEvent { commune: "Nantes".to_owned() }));
            assert!(hall.cautions.contains(&Caution::FarButCompetent { commune: "Nantes".to_owned() }));
            assert_eq!(orientation.coverage.level, CoverageLevel::Local, "France services is near");
        }
    }

    #[test]
    fn it_keeps_its_place_among_many_and_beyond_a_limit() {
        let many = (0..9).map(|number| structure_at(&number.to_string(), Kind::FranceServices, RENNES, f64::from(number)));
        let act = procedure("demarche", "mairie_naissance>france_services", TerritoryRule::CommuneNaissance);
        let directory = directory(act, halls().into_iter().chain(many).collect());
        let few = Need { limit: 3, max_distance_m: Some(1_000), ..born_in(NANTES) };
        let found = options(&directory, &few);
        assert_eq!((found.len(), found[2].as_str()), (3, "mairie 44109"));
    }

    #[test]
    fn another_town_hall_says_why_it_has_not_the_act() {
        let act = procedure("demarche", "mairie>france_services", TerritoryRule::CommuneEvenement);
        let directory = directory(act, halls());
        assert_eq!(left_out(&directory, &need()), [("mairie 35238".to_owned(), "event_commune_unknown")]);
        let need = born_in(BRUZ);
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(orientation.left_out[0].reason, Exclusion::NotCompetentForEvent { commune: "Bruz".to_owned() });
    }
}

mod only_competent {
    use super::*;

    #[test]
    fn their_own_ccas_is_offered_from_afar_at_the_end() {
        let own = structure("CCAS de Châteaubriant", Kind::CcasCias, CHATEAUBRIANT);
        let near = structure("france services", Kind::FranceServices, RENNES);
        let directory = directory(rule("ccas>france_services"), vec![own, near]);
        let away = Need { residence: code(CHATEAUBRIANT), ..need() };
        let orientation = directory.orient(&away).unwrap();
        assert_eq!(options(&directory, &away), ["france services", "CCAS de Châteaubriant"]);
        assert!(caution_codes(&orientation.options[1]).contains(&"far_but_competent"));
        let limited = Need { max_distance_m: Some(10_000), ..away.clone() };
        assert_eq!(options(&directory, &limited), ["france services"], "who sets a limit keeps it");
        assert_eq!(left_out(&directory, &limited), [("CCAS de Châteaubriant".to_owned(), "too_far")]);
        assert_eq!(options(&directory, &Need { limit: 1, ..away }), ["france services"]);
    }

    #[test]
    fn so_is_the_town_hall_in_its_place() {
        let own = structure("mairie de Nantes", Kind::Mairie, NANTES);
        let directory = directory(rule("ccas"), vec![Structure { location: Some(centre(NANTES)), ..own }]);
        let south = Need { location: aiguilleur_domain::territory::Location::new(43.6, 1.44).unwrap(), ..need_of(NANTES) };
        let orientation = directory.orient(&south).unwrap();
        assert_eq!(options(&directory, &south), ["institution organisme", "mairie de Nantes"]);
        // It is offered, but within nobody's reach.
        assert_eq!((orientation.coverage.level, orientation.coverage.searched_m), (CoverageLevel::RemoteOnly, 100_000));
        assert!(caution_codes(&orientation.options[1]).contains(&"ccas_unlisted"));
    }
}

mod desks {
    use super::*;

    #[test]
    fn of_another_département_are_never_offered_whatever_the_procedure() {
        for territory in [TerritoryRule::National, TerritoryRule::Caisse, TerritoryRule::Departement, TerritoryRule::CommuneLibre] {
            for fund in ["caf", "cpam"] {
                let other = Structure { location: Some(centre(SAINT_JACQUES)), ..desk("of Dinan", fund, DINAN) };
                let directory = directory(procedure("demarche", fund, territory), vec![other, desk("own", fund, VITRE)]);
                assert_eq!(options(&directory, &need()), ["own"]);
                assert_eq!(left_out(&directory, &need()), [("of Dinan".to_owned(), "not_competent_for_commune")]);
            }
        }
    }

    #[test]
    fn of_a_fund_that_spans_both_départements_are() {
        let directory = directory(rule("msa"), vec![desk("of Dinan", "msa", DINAN), desk("of Nantes", "msa", CHATEAUBRIANT)]);
        assert_eq!(options(&directory, &need()), ["of Dinan"]);
    }

    #[test]
    fn msa_stands_for_urssaf_too() {
        let self_employed = Procedure { institution: "urssaf".to_owned(), ..rule("urssaf") };
        let directory = directory(self_employed, vec![desk("MSA", "msa", BRUZ)]);
        let farm = Need { regime: Regime::Agricole, ..need() };
        assert_eq!(options(&directory, &farm), ["MSA"]);
        assert_eq!(directory.orient(&farm).unwrap().institution.unwrap().slug, "msa");
    }
}

mod sessions {
    use super::*;

    fn hosting(held: Session) -> Structure {
        let closed_itself = Structure {
            opening_hours: Some("Fr 10:00-11:00".to_owned()),
            hours_checked_on: Some(day("2026-11-01")),
            access: Access::DropIn,
            ..structure("host", Kind::Mediatheque, RENNES)
        };
        Structure { sessions: vec![held], ..closed_itself }
    }

    fn this_morning(held: Session) -> Session {
        let hours = Some("Mo 10:00-12:00".to_owned());
        Session { opening_hours: hours, hours_checked_on: Some(day("2026-11-01")), access: Access::Appointment, ..held }
    }

    #[test]
    fn count_as_their_holder_with_hours_of_their_own() {
        let held = this_morning(session("Point-justice", Kind::PointJustice, None));
        let directory = directory(rule("point_justice"), vec![hosting(held)]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        let host = option(&orientation, "host");
        assert_eq!((host.opening.status, host.access), (OpeningStatus::Open, Access::Appointment));
        assert!(host.reasons.contains(&Reason::Session { holder: "Point-justice".to_owned() }));
        assert!(reason_codes(host).contains(&"by_appointment"));
        let drop_in = Need { drop_in: true, ..need.clone() };
        assert_eq!(left_out(&directory, &drop_in), [("host".to_owned(), "appointment_only")]);
        assert_eq!(options(&directory, &Need { kinds: vec![Kind::PointJustice], ..need.clone() }), ["host"]);
        assert_eq!(left_out(&directory, &Need { kinds: vec![Kind::Mediatheque], ..need }), [("host".to_owned(), "kind_not_asked")]);
    }

    #[test]
    fn of_a_fund_are_for_those_whom_the_fund_serves() {
        let held = session("CAF", Kind::Guichet, Some("caf"));
        let directory = directory(Procedure { institution: "caf".to_owned(), ..rule("caf") }, vec![hosting(held)]);
        assert_eq!(options(&directory, &need()), ["host"]);
        assert_eq!(directory.orient(&need()).unwrap().desk.map(|(entry, _)| entry.structure.id), None, "it isn't the CAF's own place");
        let of_dinan = Need { residence: code(DINAN), ..need() };
        assert_eq!(options(&directory, &of_dinan), ["institution caf"]);
        assert_eq!(left_out(&directory, &of_dinan), [("host".to_owned(), "not_competent_for_commune")]);
    }

    #[test]
    fn held_for_some_procedures_are_held_for_no_others() {
        let held = |procedures: &[&str]| {
            let held = Session { procedures: words(procedures), ..session("CAF", Kind::Guichet, Some("caf")) };
            options(&directory(rule("caf"), vec![hosting(held)]), &need())
        };
        assert_eq!(held(&["demarche"]), ["host"]);
        assert_eq!(held(&["autre"]), ["institution organisme"]);
    }

    #[test]
    fn do_not_hide_the_place_itself() {
        let held = this_morning(session("Point-justice", Kind::PointJustice, None));
        let directory = directory(rule("bibliotheque>point_justice"), vec![hosting(held.clone())]);
        let need = need();
        let orientation = directory.orient(&need).unwrap();
        assert_eq!(options(&directory, &need), ["host"]);
        assert!(!reason_codes(&orientation.options[0]).contains(&"session"));
        let refuses = Structure { not_offered: words(&["demarche"]), ..hosting(held) };
        let directory = self::directory(rule("bibliotheque>point_justice"), vec![refuses]);
        let orientation = directory.orient(&need).unwrap();
        assert!(reason_codes(&orientation.options[0]).contains(&"session"), "the place says no, its guest doesn't");
        assert!(orientation.left_out.is_empty());
    }
}

mod also {
    use super::*;

    fn online(words: &str) -> Procedure {
        Procedure { official_url: Some("https://example.org".to_owned()), ..rule(words) }
    }

    fn beside(procedure: Procedure, places: Vec<Structure>, need: &Need) -> Vec<(String, Pairing)> {
        let directory = directory(procedure, places);
        let orientation = directory.orient(need).unwrap();
        orientation.also.iter().map(|also| (also.entry.structure.name.clone(), also.why.clone())).collect()
    }

    #[test]
    fn an_online_procedure_goes_with_help_with_computers() {
        let places = vec![
            structure("france services", Kind::FranceServices, RENNES),
            structure("espace", Kind::EspaceNumerique, BRUZ),
            structure_at("library", Kind::Mediatheque, RENNES, 2_000.0),
            Structure { groups: words(&["numerique"]), ..structure_at("association", Kind::Association, RENNES, 3_000.0) },
        ];
        let found = beside(online("france_services"), places.clone(), &need());
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["library", "association"], "at most two");
        assert_eq!(found[0].1, Pairing::DigitalHelp { metres: Some(2_000) });
        assert_eq!(beside(rule("france_services"), places.clone(), &need()), [], "not online");
        let named: Vec<String> =
            beside(online("bibliotheque>france_services"), places.clone(), &need()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, ["association", "espace"], "the library is an option");
        let somewhere = Need { precision: Precision::Commune, ..need() };
        assert_eq!(beside(online("france_services"), places.clone(), &somewhere)[0].1, Pairing::DigitalHelp { metres: None });
        assert_eq!(beside(online("france_services"), places, &Need { channel: Channel::Remote, ..need() }), []);
        let far = vec![structure("espace", Kind::EspaceNumerique, VITRE)];
        assert_eq!(beside(online("france_services"), far, &need()), []);
    }

    #[test]
    fn digital_help_goes_with_the_nearest_france_services() {
        let digital = |words: &str| Procedure { group: "numerique".to_owned(), ..online(words) };
        let places = vec![
            structure("espace", Kind::EspaceNumerique, RENNES),
            structure("near", Kind::FranceServices, SAINT_JACQUES),
            structure("far", Kind::FranceServices, BRUZ),
        ];
        let found = beside(digital("mediation_numerique"), places.clone(), &need());
        assert_eq!(found, [("near".to_owned(), Pairing::AdministrativeHelp { metres: Some(4_068) })]);
        assert_eq!(beside(digital("mediation_numerique>france_services"), places, &need()), [], "an option already");
    }
}

mod put_aside {
    use super::*;

    #[test]
    fn each_wish_says_what_it_left_out() {
        let near = structure_at("near", Kind::FranceServices, RENNES, 100.0);
        let far = structure_at("far", Kind::FranceServices, RENNES, 9_000.0);
        let pimms = structure_at("pimms", Kind::PimmsMediation, RENNES, 300.0);
        let places = vec![near, far, pimms];
        let aside = |need: Need| left_out(&directory(rule("france_services>pimms"), places.clone()), &need);
        let named = |name: &str, code| (name.to_owned(), code);
        assert_eq!(aside(Need { kinds: vec![Kind::FranceServices], ..need() }), [named("pimms", "kind_not_asked")]);
        assert_eq!(aside(Need { max_distance_m: Some(1_000), ..need() }), [named("far", "too_far")]);
        let remote = aside(Need { channel: Channel::Remote, ..need() });
        assert!(remote.len() == 3 && remote.iter().all(|(_, code)| *code == "in_person_only"), "{remote:?}");
        assert_eq!(aside(need()), []);
    }

    #[test]
    fn the_nearest_of_each_reason_is_named_before_more_of_the_same() {
        let steps = |number: i32| {
            let place = structure_at(&number.to_string(), Kind::FranceServices, RENNES, f64::from(number) * 10.0);
            Structure { wheelchair: Some(false), ..place }
        };
        let speaks_french = Structure { languages: words(&["fr"]), ..structure_at("french", Kind::FranceServices, RENNES, 5_000.0) };
        let far = structure_at("far", Kind::FranceServices, RENNES, 12_000.0);
        let places = (1..=9).map(steps).chain([speaks_french, far]).collect();
        let wishes = Need { wheelchair: true, language: Some("ar".to_owned()), max_distance_m: Some(10_000), ..need() };
        let directory = directory(rule("france_services"), places);
        let codes: Vec<_> = left_out(&directory, &wishes).into_iter().map(|(name, _)| name).collect();
        assert_eq!(codes, ["1", "2", "3", "french", "far"]);
        assert_eq!(options(&directory, &wishes), ["institution organisme"], "and the answer isn't empty");
    }
}
