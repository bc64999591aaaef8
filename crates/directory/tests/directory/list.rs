//! `list()`: filters and pages, against a naive filter and sort.

use aiguilleur_directory::Directory;
use aiguilleur_directory::list::Filter;
use aiguilleur_domain::opening::OpeningStatus;
use aiguilleur_domain::procedure::TerritoryRule;
use aiguilleur_domain::structure::{Kind, Structure};
use aiguilleur_domain::target::Target;
use chrono::Duration;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::builders::{BRUZ, NANTES, RENNES, VITRE, centre, code, day, desk, directory, now, procedure, structure, structure_at, words};
use crate::draws::{any_need, any_procedure, any_registry};
use crate::oracle::{Door, Oracle};

prop_compose! {
    fn any_filter()(
        around in prop::option::of((select(vec![RENNES, VITRE]), select(vec![5_000.0, 40_000.0, 200_000.0]))),
        commune in prop::option::weighted(0.2, select(vec![RENNES, BRUZ])),
        bounds in prop::option::weighted(0.2, select(vec![[-1.8, 48.0, -1.6, 48.2], [-1.0, 40.0, -1.65, 50.0]])),
        kinds in select(vec![vec![], vec![], vec![Kind::FranceServices], vec![Kind::Mairie, Kind::Guichet]]),
        procedure in prop::option::weighted(0.3, select(vec!["demarche", "inconnue"])),
        open in prop::bool::weighted(0.2),
        asked in prop::option::weighted(0.3, select(vec!["", "mair", "Mairie  DE", "public 35", "services france", "irie"])),
        modified_days_ago in prop::option::weighted(0.3, 0..10_i64),
        with_closed: bool,
    ) -> Filter {
        Filter {
            around: around.map(|(commune, radius)| (centre(commune), radius)),
            commune: commune.map(code),
            bounds,
            kinds,
            procedure: procedure.map(str::to_owned),
            open_at: open.then(now),
            words: asked.map(str::to_owned),
            modified_since: modified_days_ago.map(|days| now() - Duration::days(days)),
            with_closed,
        }
    }
}

/// The slow, obvious version: what `Filter` says, one condition a line.
fn naive(filter: &Filter, oracle: &Oracle) -> Vec<Uuid> {
    let passes = |structure: &&Structure| {
        let asked = filter.words.as_deref().unwrap_or_default().to_lowercase();
        let name = structure.name.replace('-', " ");
        let has = |word: &str| name.split(' ').any(|known| known.starts_with(word));
        let at = structure.location;
        let of_the_rule =
            |door: &Door| oracle.procedure.targets().any(|target| matches!(target, Target::Kind(kind) if kind == door.kind()));
        [
            structure.closed_on.is_none() || filter.with_closed,
            filter.around.is_none_or(|(from, radius)| at.is_some_and(|at| from.distance_m(at) <= radius)),
            filter.commune.as_ref().is_none_or(|commune| *commune == structure.commune),
            filter.bounds.is_none_or(|[west, south, east, north]| {
                at.is_some_and(|at| {
                    let beyond_west = at.lon >= west;
                    let before_east = at.lon <= east;
                    let across = if west > east { beyond_west || before_east } else { beyond_west && before_east };
                    across && at.lat >= south && at.lat <= north
                })
            }),
            filter.kinds.is_empty() || filter.kinds.contains(&structure.kind),
            match filter.procedure.as_deref() {
                None => true,
                Some("demarche") => Door::all(structure).any(|door| oracle.is_for(&door) && of_the_rule(&door) || oracle.declares(&door)),
                Some(_) => false,
            },
            filter.open_at.is_none()
                || structure.closed_on.is_none() && oracle.opening(&Door { structure, session: None }).status == OpeningStatus::Open,
            asked.split_whitespace().all(has),
            filter.modified_since.is_none_or(|since| structure.updated_at >= since),
        ]
        .iter()
        .all(|condition| *condition)
    };
    let mut found: Vec<&Structure> = oracle.structures.iter().filter(passes).collect();
    found.sort_by_key(|structure| structure.id);
    if let Some((from, _)) = filter.around {
        let metres = |structure: &Structure| structure.location.map_or(0.0, |at| from.distance_m(at));
        found.sort_by(|a, b| metres(a).total_cmp(&metres(b)));
    }
    found.into_iter().map(|structure| structure.id).collect()
}

/// All pages one after the other.
fn paged(directory: &Directory, filter: &Filter, page: usize) -> Vec<Uuid> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let found = directory.list(filter, after, page);
        assert!(found.len() <= page);
        let Some(last) = found.last() else { return all };
        after = Some(last.position());
        all.extend(found.iter().map(|found| found.entry.structure.id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn pages_cover_everything_once_and_in_order(
        structures in any_registry(40),
        procedure in any_procedure(),
        filter in any_filter(),
        page in 1..10_usize,
        somebody in any_need(),
    ) {
        let somebody = aiguilleur_domain::need::Need { at: now(), ..somebody };
        let directory = directory(procedure.clone(), structures.clone());
        let oracle = Oracle::new(&procedure, &structures, &somebody);
        prop_assert_eq!(paged(&directory, &filter, page), naive(&filter, &oracle));
    }
}

fn names(directory: &Directory, filter: &Filter) -> Vec<String> {
    let mut names: Vec<String> = directory.list(filter, None, 100).iter().map(|found| found.entry.structure.name.clone()).collect();
    names.sort();
    names
}

fn some_places() -> Directory {
    let closed = Structure { closed_on: Some(day("2026-01-01")), ..structure("Mairie annexe de Bruz", Kind::Mairie, BRUZ) };
    let declares =
        Structure { procedures: words(&["demarche"]), ..structure("L'Écrit, association d'écrivains", Kind::Association, VITRE) };
    let places = vec![
        structure("Mairie de Bruz", Kind::Mairie, BRUZ),
        structure_at("France services Bréquigny", Kind::FranceServices, RENNES, -2_000.0),
        desk("CAF d'Ille-et-Vilaine", "caf", RENNES),
        structure("Mairie de Nantes", Kind::Mairie, NANTES),
        closed,
        declares,
    ];
    directory(procedure("demarche", "mairie>caf", TerritoryRule::Commune), places)
}

#[test]
fn words_begin_words_of_the_name_whatever_their_case_and_accents() {
    let named = |words: &str| names(&some_places(), &Filter { words: Some(words.to_owned()), ..Filter::default() });
    assert_eq!(named("brequigny"), ["France services Bréquigny"]);
    assert_eq!(named("BRUZ mairie"), ["Mairie de Bruz"]);
    assert_eq!(named("l’ecriv"), ["L'Écrit, association d'écrivains"]);
    assert_eq!(named("uz"), Vec::<String>::new());
}

#[test]
fn by_procedure_lists_the_kinds_of_its_rule_and_who_declares_it() {
    let filter = Filter { procedure: Some("demarche".to_owned()), ..Filter::default() };
    assert_eq!(names(&some_places(), &filter), ["L'Écrit, association d'écrivains", "Mairie de Bruz", "Mairie de Nantes"]);
}

#[test]
fn closed_ones_are_listed_on_demand() {
    let in_bruz = Filter { commune: Some(code(BRUZ)), ..Filter::default() };
    assert_eq!(names(&some_places(), &in_bruz), ["Mairie de Bruz"]);
    let with_closed = Filter { with_closed: true, ..in_bruz };
    assert_eq!(names(&some_places(), &with_closed), ["Mairie annexe de Bruz", "Mairie de Bruz"]);
}

#[test]
fn around_a_place_says_how_far() {
    let directory = some_places();
    let filter = Filter { around: Some((centre(RENNES), 12_000.0)), ..Filter::default() };
    let found = directory.list(&filter, None, 100);
    let told: Vec<_> = found.iter().map(|found| (found.entry.structure.name.as_str(), found.distance_m.round())).collect();
    assert_eq!(told, [("CAF d'Ille-et-Vilaine", 0.0), ("France services Bréquigny", 2_000.0), ("Mairie de Bruz", 11_279.0)]);
}

#[test]
fn bounds_may_cross_the_antimeridian() {
    let around_the_pacific = Filter { bounds: Some([170.0, 40.0, -1.6, 48.05]), ..Filter::default() };
    assert_eq!(names(&some_places(), &around_the_pacific), ["Mairie de Bruz"]);
}
