//! A directory built from an old state plus changes answers like one built whole from the new state.

use std::collections::BTreeMap;

use aiguilleur_directory::Directory;
use aiguilleur_directory::list::Filter;
use aiguilleur_domain::need::Need;
use aiguilleur_domain::procedure::TerritoryRule;
use aiguilleur_domain::structure::{Kind, Structure};
use chrono::Duration;
use proptest::prelude::*;
use uuid::Uuid;

use crate::builders::{BRUZ, RENNES, SAINT_JACQUES, day, desk, directory, name, need, now, options, procedure, structure};
use crate::draws::{any_need, any_procedure, any_registry, any_structure};

/// Everything an answer says, in words that can be compared.
fn told(directory: &Directory, need: &Need) -> String {
    let orientation = directory.orient(need).unwrap();
    let options: Vec<_> = orientation
        .options
        .iter()
        .map(|option| (name(option), option.distance_m, &option.opening, &option.reasons, &option.cautions, option.score))
        .collect();
    let left_out: Vec<_> = orientation.left_out.iter().map(|left| (left.door.key(), left.distance_m, &left.reason)).collect();
    let desk = orientation.desk.map(|(entry, metres)| (entry.structure.id, metres));
    format!("{options:#?} {left_out:#?} {desk:?} {:?}", orientation.coverage)
}

/// One change to a registry.
#[derive(Debug, Clone)]
enum Change {
    /// A new record.
    Add(Structure),
    /// Another record in place of one: it moved, changed its kind, what it offers, closed or opened again.
    Replace(prop::sample::Index, Structure),
    /// Closed for good, and nothing else.
    Close(prop::sample::Index),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_structure().prop_map(Change::Add),
        (any::<prop::sample::Index>(), any_structure()).prop_map(|(which, structure)| Change::Replace(which, structure)),
        any::<prop::sample::Index>().prop_map(Change::Close),
    ]
}

impl Change {
    /// What becomes of which record.
    fn of(self, state: &BTreeMap<Uuid, Structure>) -> Option<Structure> {
        let pick = |which: prop::sample::Index| (!state.is_empty()).then(|| state.values().nth(which.index(state.len())).unwrap().clone());
        match self {
            Self::Add(structure) => Some(structure),
            Self::Replace(which, structure) => pick(which).map(|old| Structure { id: old.id, ..structure }),
            Self::Close(which) => pick(which).map(|old| Structure { closed_on: Some(day("2026-11-20")), ..old }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_overlay_answers_like_the_whole(
        before in any_registry(25),
        rounds in prop::collection::vec(prop::collection::vec(any_change(), 0..6), 1..4),
        procedure in any_procedure(),
        needs in prop::collection::vec(any_need(), 1..4),
    ) {
        let mut state: BTreeMap<Uuid, Structure> = before.into_iter().map(|structure| (structure.id, structure)).collect();
        let mut changing = directory(procedure.clone(), state.values().cloned().collect());
        let mut revision = 1;
        for round in rounds {
            let mut changed = Vec::new();
            for change in round {
                if let Some(structure) = change.of(&state) {
                    state.insert(structure.id, structure.clone());
                    changed.push(structure);
                }
            }
            revision += 1;
            changing = changing.with_changes(revision, changed, now() + Duration::minutes(revision));
        }
        let whole = directory(procedure, state.values().cloned().collect());

        prop_assert_eq!(changing.revision, revision);
        prop_assert!(changing.structures().map(|entry| &entry.structure).eq(state.values()));
        for structure in state.values() {
            prop_assert_eq!(&changing.structure(structure.id).unwrap().structure, structure);
        }
        for need in &needs {
            prop_assert_eq!(told(&changing, need), told(&whole, need));
        }
        for filter in [
            Filter::default(),
            Filter { with_closed: true, ..Filter::default() },
            Filter { around: Some((needs[0].location, 30_000.0)), open_at: Some(needs[0].at), ..Filter::default() },
            Filter { procedure: Some("demarche".to_owned()), ..Filter::default() },
        ] {
            let ids = |directory: &Directory| {
                directory.list(&filter, None, 100).iter().map(|found| (found.entry.structure.id, found.distance_m)).collect::<Vec<_>>()
            };
            prop_assert_eq!(ids(&changing), ids(&whole));
        }
    }
}

#[test]
fn a_new_ccas_ends_the_town_hall_s_standing_in_and_its_closing_brings_it_back() {
    let town_hall = structure("mairie", Kind::Mairie, RENNES);
    let old = directory(procedure("demarche", "ccas", TerritoryRule::Commune), vec![town_hall]);
    assert_eq!(options(&old, &need()), ["mairie"]);
    let ccas = structure("CCAS", Kind::CcasCias, RENNES);
    let opened = old.with_changes(2, vec![ccas.clone()], now());
    assert_eq!(options(&opened, &need()), ["CCAS"]);
    let closed = opened.with_changes(3, vec![Structure { closed_on: Some(day("2026-11-23")), ..ccas.clone() }], now());
    assert_eq!(options(&closed, &need()), ["mairie"]);
    assert_eq!(closed.structure(ccas.id).unwrap().structure.closed_on, Some(day("2026-11-23")), "an old link says so");
    assert_eq!(options(&opened, &need()), ["CCAS"], "whoever holds the older directory keeps it");
}

#[test]
fn what_moved_is_no_longer_found_where_it_was() {
    let place = structure("place", Kind::FranceServices, RENNES);
    let old = directory(procedure("demarche", "france_services>caf", TerritoryRule::Departement), vec![place.clone()]);
    let metres = |directory: &Directory| directory.orient(&need()).unwrap().options[0].distance_m;
    let moved = old.with_changes(2, vec![Structure { id: place.id, ..structure("place", Kind::FranceServices, BRUZ) }], now());
    assert_eq!((metres(&old), metres(&moved)), (Some(0), Some(11_279)));
    let again = moved.with_changes(3, vec![Structure { id: place.id, ..structure("place", Kind::FranceServices, SAINT_JACQUES) }], now());
    assert_eq!(metres(&again), Some(4_068));
    let a_desk_now = again.with_changes(4, vec![Structure { id: place.id, ..desk("place", "caf", RENNES) }], now());
    assert_eq!(a_desk_now.orient(&need()).unwrap().options.len(), 1);
    assert_eq!(a_desk_now.overlay_len(), 1);
}
