//! `orient()` gives what the slow version gives, on any registry, rule and need.

use aiguilleur_directory::orient::{ChoiceTarget, Orientation};
use aiguilleur_domain::need::Channel;
use aiguilleur_domain::reason::{Caution, ExclusionCode};
use aiguilleur_domain::structure::{Kind, Structure};
use aiguilleur_domain::target::Target;
use proptest::prelude::*;
use uuid::Uuid;

use crate::builders::{directory, need, procedure};
use crate::draws::{any_equal_places, any_need, any_procedure, any_registry};
use crate::oracle::{Door, Expected, Oracle};

/// The places of an answer, lines and sites set aside.
fn places(orientation: &Orientation) -> Vec<Expected> {
    let place = |option: &aiguilleur_directory::orient::Choice| match option.target {
        ChoiceTarget::Structure(door) => Some(Expected {
            id: door.structure().id,
            is_session: door.session().is_some(),
            is_far: option.cautions.iter().any(|caution| matches!(caution, Caution::FarButCompetent { .. })),
            distance_m: f64::from(option.distance_m.unwrap()),
            stands_in: option.cautions.iter().any(|caution| matches!(caution, Caution::CcasUnlisted { .. })),
        }),
        ChoiceTarget::Institution(_) | ChoiceTarget::Hotline(_) => None,
    };
    orientation.options.iter().filter_map(place).collect()
}

/// How many lines and sites stand among the options, which leave that much less room for places.
fn remote(orientation: &Orientation) -> usize {
    orientation.options.iter().filter(|option| !matches!(option.target, ChoiceTarget::Structure(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_is_that_of_a_linear_scan(structures in any_registry(40), procedure in any_procedure(), need in any_need()) {
        let directory = directory(procedure.clone(), structures.clone());
        let orientation = directory.orient(&need).unwrap();
        let danger = usize::from(procedure.safety);
        let lines = (danger + usize::from(need.channel == Channel::Phone), danger + 1);
        let expected = Oracle::new(&procedure, &structures, &need).answer(lines);
        prop_assert_eq!(remote(&orientation), need.limit.min(if expected.found { lines.0 } else { lines.1 }));
        let places = places(&orientation);
        let ids = |places: &[Expected]| places.iter().map(|place| (place.id, place.stands_in, place.is_session, place.is_far)).collect::<Vec<_>>();
        prop_assert_eq!(ids(&places), ids(&expected.places));
        for (found, expected) in places.iter().zip(&expected.places) {
            prop_assert!((found.distance_m - expected.distance_m).abs() <= 1.0);
        }
        prop_assert!((f64::from(orientation.coverage.searched_m) - expected.searched_m).abs() <= 1.0);
    }

    #[test]
    fn what_is_left_out_is_left_out_for_the_reason_given(structures in any_registry(40), procedure in any_procedure(), need in any_need()) {
        let directory = directory(procedure.clone(), structures.clone());
        let orientation = directory.orient(&need).unwrap();
        let oracle = Oracle::new(&procedure, &structures, &need);
        let offered: Vec<Uuid> = places(&orientation).iter().map(|place| place.id).collect();
        let mut named: Vec<Uuid> = orientation.left_out.iter().map(|left| left.door.structure().id).collect();
        prop_assert!(named.len() <= 5);
        prop_assert!(named.iter().all(|id| !offered.contains(id)), "offered and left out at once");
        prop_assert!(orientation.left_out.is_sorted_by_key(|left| left.distance_m));
        for left in &orientation.left_out {
            let structure = left.door.structure();
            prop_assert!(structure.closed_on.is_none());
            let door = Door::all(structure).nth(left.door.key().1.map_or(0, |number| number + 1)).unwrap();
            let limit = need.max_distance_m.map_or(f64::INFINITY, f64::from);
            let is_apt = oracle.is_competent(&door) && oracle.obstacle(&door).is_none();
            let true_reason = match ExclusionCode::from(&left.reason) {
                ExclusionCode::NotCompetentForCommune => !oracle.is_competent(&door),
                ExclusionCode::ProcedureNotDeclared => {
                    let must_declare = |target| matches!(target, Target::Declared(Some(kind)) if kind == structure.kind);
                    procedure.targets().any(must_declare) && !oracle.declares(&door)
                        && !structure.not_offered.contains(&procedure.slug)
                }
                ExclusionCode::EventCommuneUnknown => left.door.kind() == Kind::Mairie && need.event_commune.is_none(),
                ExclusionCode::NotCompetentForEvent => {
                    left.door.kind() == Kind::Mairie && need.event_commune.is_some() && !oracle.is_event_hall(&door)
                }
                ExclusionCode::KindNotAsked => !need.kinds.is_empty() && !need.kinds.contains(&left.door.kind()) && is_apt,
                ExclusionCode::TooFar => is_apt && f64::from(left.distance_m.unwrap()) >= limit.floor(),
                code => oracle.obstacle(&door) == Some(code),
            };
            prop_assert!(true_reason, "{} is not {:?}", structure.name, left.reason);
        }
        named.sort_unstable();
        named.dedup();
        prop_assert_eq!(named.len(), orientation.left_out.len());
    }

    #[test]
    fn the_desk_is_the_nearest_competent_one(structures in any_registry(40), procedure in any_procedure(), need in any_need()) {
        let directory = directory(procedure.clone(), structures.clone());
        let orientation = directory.orient(&need).unwrap();
        let oracle = Oracle::new(&procedure, &structures, &need);
        let metres = |structure: &Structure| directory.structure(structure.id).unwrap().position.unwrap().distance_m(need.location);
        let in_charge = orientation.institution.unwrap().slug.as_str();
        let competent = structures.iter().filter(|structure| {
            structure.kind == Kind::Guichet
                && structure.institution.as_deref() == Some(in_charge)
                && structure.closed_on.is_none()
                && oracle.is_competent(&Door { structure, session: None })
        });
        let expected = competent.min_by(|a, b| metres(a).total_cmp(&metres(b)).then(a.id.cmp(&b.id)));
        prop_assert_eq!(orientation.desk.map(|(entry, _)| entry.structure.id), expected.map(|structure| structure.id));
    }

    #[test]
    fn of_places_of_equal_standing_the_nearest_is_first(structures in any_equal_places(), somebody in any_need()) {
        let need = aiguilleur_domain::need::Need { location: somebody.location, ..need() };
        let procedure = procedure("demarche", "france_services", aiguilleur_domain::procedure::TerritoryRule::National);
        let directory = directory(procedure, structures.clone());
        let metres = |structure: &&Structure| structure.location.unwrap().distance_m(need.location);
        let nearest = structures.iter().map(|structure| metres(&structure)).min_by(f64::total_cmp).unwrap();
        let orientation = directory.orient(&need).unwrap();
        match orientation.options[0].target {
            ChoiceTarget::Structure(door) => {
                let first = metres(&door.structure());
                // Two ways to measure agree to less than a micrometre.
                prop_assert!(first <= nearest + 1e-6, "{first} instead of {nearest}");
            }
            _ => prop_assert!(nearest > 100_000.0),
        }
    }
}
