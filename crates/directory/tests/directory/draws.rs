//! Random registries, rules and needs for property tests. Small values come first, so that a failure shrinks to a readable one.

use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::structure::{Access, Capacity, HelpKind, Kind, Session, Structure};
use aiguilleur_domain::territory::Location;
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray;
use uuid::Uuid;

use crate::builders::{
    BRUZ, COMMUNES, RENNES, SAINT_JACQUES, centre, code, day, need_of, north_of, now, procedure, session, structure, words,
};

/// Words of the catalogue of every sort: kinds, desks, declared capabilities, no place.
const TARGETS: [&str; 17] = [
    "france_services",
    "ccas",
    "mairie",
    "pimms",
    "mdph",
    "caf",
    "msa",
    "region",
    "consulat",
    "point_justice",
    "association",
    "mairie_equipee",
    "service_social_departement",
    "point_numerique_prefecture",
    "notaire",
    "mairie_naissance",
    "banque",
];

const KINDS: [(Kind, Option<&str>); 16] = [
    (Kind::FranceServices, None),
    (Kind::CcasCias, None),
    (Kind::Mairie, None),
    (Kind::PimmsMediation, None),
    (Kind::Association, None),
    (Kind::Guichet, Some("mdph")),
    (Kind::Guichet, Some("caf")),
    (Kind::Guichet, Some("msa")),
    (Kind::MaisonDesSolidarites, None),
    (Kind::PointNumeriquePrefecture, None),
    (Kind::Mediatheque, None),
    (Kind::Guichet, None),
    (Kind::Guichet, Some("region")),
    (Kind::Guichet, Some("consulat")),
    (Kind::Guichet, Some("anah")),
    (Kind::EspaceNumerique, None),
];

/// Who holds sessions elsewhere.
const HOLDERS: [(Kind, Option<&str>); 6] = [
    (Kind::PointJustice, None),
    (Kind::Guichet, Some("caf")),
    (Kind::Guichet, Some("msa")),
    (Kind::CcasCias, None),
    (Kind::Mairie, None),
    (Kind::Association, None),
];

fn commune() -> impl Strategy<Value = &'static str> {
    // Mostly around Rennes, where structures compete.
    prop_oneof![3 => select(vec![RENNES, SAINT_JACQUES, BRUZ]), 2 => select(COMMUNES.map(|place| place.code).to_vec())]
}

/// Sometimes something, mostly the first of the values.
fn rarely<T: Clone + std::fmt::Debug + 'static>(usual: T, others: Vec<T>) -> impl Strategy<Value = T> {
    prop_oneof![4 => Just(usual), 1 => select(others)]
}

/// Up to some kilometres around a commune's centre; `None`: no position of its own.
fn position() -> impl Strategy<Value = Option<(f64, f64)>> {
    prop_oneof![1 => Just(None), 1 => Just(Some((0.0, 0.0))), 8 => (-0.1..0.1_f64, -0.1..0.1_f64).prop_map(Some)]
}

fn around(commune: &str, (north, east): (f64, f64)) -> Location {
    let centre = centre(commune);
    Location::new(centre.lat + north, centre.lon + east).unwrap()
}

prop_compose! {
    fn place()(
        (kind, institution) in prop_oneof![3 => select(KINDS[..5].to_vec()), 2 => select(KINDS.to_vec())],
        commune in commune(),
        position in position(),
        territory in rarely(vec![], vec![vec![RENNES], vec!["243500139"], vec!["35", "22"], vec!["R53"], vec!["44"]]),
        closed in rarely(false, vec![true]),
    ) -> Structure {
        Structure {
            institution: institution.map(str::to_owned),
            location: position.map(|offset| around(commune, offset)),
            territory: words(&territory),
            closed_on: closed.then(|| day("2026-10-01")),
            ..structure("", kind, commune)
        }
    }
}

prop_compose! {
    fn offer()(
        procedures in rarely(vec![], vec![vec!["demarche"], vec!["autre"], vec!["autre", "demarche"]]),
        groups in rarely(vec![], vec![vec!["groupe"], vec!["autre"]]),
        not_offered in rarely(vec![], vec![vec!["demarche"], vec!["autre"]]),
        languages in rarely(vec![], vec![vec!["fr"], vec!["fr", "ar"]]),
        help_kinds in rarely(vec![], vec![vec![HelpKind::Form], vec![HelpKind::Form, HelpKind::Unblock]]),
        wheelchair in rarely(None, vec![Some(false), Some(true)]),
        phone in any::<bool>(),
    ) -> Structure {
        Structure {
            procedures: words(&procedures),
            groups: words(&groups),
            not_offered: words(&not_offered),
            languages: words(&languages),
            help_kinds,
            wheelchair,
            phone: phone.then(|| "+33299000000".to_owned()),
            ..structure("", Kind::Autre, RENNES)
        }
    }
}

prop_compose! {
    fn welcome()(
        hours in rarely(None, vec![Some("Mo-Fr 09:00-12:00"), Some("Tu 14:00-17:00"), Some("Mo 09:00-12:00 \"sur rendez-vous\""), Some("Mo-Sa 08:00-20:00")]),
        checked in rarely(Some("2026-06-01"), vec![None, Some("2025-01-01")]),
        access in rarely(Access::Unknown, vec![Access::DropIn, Access::Appointment]),
        capacity in rarely(None, vec![Some(Capacity::Open), Some(Capacity::WaitingList), Some(Capacity::Full)]),
        capacity_until in rarely(None, vec![Some("2026-11-01"), Some("2026-12-01")]),
        source_date in rarely(Some("2026-11-01"), vec![None, Some("2024-01-01")]),
        disputed in rarely(false, vec![true]),
        updated in 0..10_i64,
    ) -> Structure {
        Structure {
            opening_hours: hours.map(str::to_owned),
            hours_checked_on: checked.map(day),
            access,
            capacity,
            capacity_until: capacity_until.map(day),
            source_date: source_date.map(day),
            disputed,
            updated_at: now() - chrono::Duration::days(updated),
            ..structure("", Kind::Autre, RENNES)
        }
    }
}

prop_compose! {
    fn any_session()(
        (kind, institution) in select(HOLDERS.to_vec()),
        procedures in rarely(vec![], vec![vec!["demarche"], vec!["autre"]]),
        groups in rarely(vec![], vec![vec!["groupe"], vec!["autre"]]),
        welcome in welcome(),
    ) -> Session {
        Session {
            procedures: words(&procedures),
            groups: words(&groups),
            opening_hours: welcome.opening_hours,
            hours_checked_on: welcome.hours_checked_on,
            access: welcome.access,
            ..session("permanence", kind, institution)
        }
    }
}

fn any_sessions() -> impl Strategy<Value = Vec<Session>> {
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(any_session(), 1..3)]
}

prop_compose! {
    /// A structure of any kind, anywhere; its name says what it is.
    pub fn any_structure()(place in place(), offer in offer(), welcome in welcome(), sessions in any_sessions(), id in any::<u128>().no_shrink()) -> Structure {
        let kind = <&str>::from(place.kind);
        Structure {
            id: Uuid::from_u128(id),
            name: format!("{kind} {} de {}", place.institution.as_deref().unwrap_or("public"), place.commune),
            procedures: offer.procedures,
            groups: offer.groups,
            not_offered: offer.not_offered,
            languages: offer.languages,
            help_kinds: offer.help_kinds,
            wheelchair: offer.wheelchair,
            phone: offer.phone,
            opening_hours: welcome.opening_hours,
            hours_checked_on: welcome.hours_checked_on,
            access: welcome.access,
            capacity: welcome.capacity,
            capacity_until: welcome.capacity_until,
            source_date: welcome.source_date,
            disputed: welcome.disputed,
            updated_at: welcome.updated_at,
            sessions,
            ..place
        }
    }
}

pub fn any_registry(most: usize) -> impl Strategy<Value = Vec<Structure>> {
    prop::collection::vec(any_structure(), 0..most)
}

prop_compose! {
    /// The procedure "demarche", with any rule.
    pub fn any_procedure()(
        rule in prop::sample::subsequence(TARGETS.to_vec(), 1..6).prop_shuffle(),
        territory in select(TerritoryRule::VARIANTS.to_vec()),
        institution in select(vec!["organisme", "caf", "mdph"]),
        safety in rarely(false, vec![true]),
    ) -> Procedure {
        Procedure {
            institution: institution.to_owned(),
            safety,
            hotline: safety.then(|| "115".to_owned()),
            ..procedure("demarche", &rule.join(">"), territory)
        }
    }
}

prop_compose! {
    /// Somebody who lives and is anywhere, wants anything.
    pub fn any_need()(
        at_home in rarely(true, vec![false]),
        residence in commune(),
        elsewhere in commune(),
        event in rarely(None, COMMUNES.map(|place| Some(place.code)).to_vec()),
        offset in prop_oneof![Just(None), (-0.1..0.1_f64, -0.1..0.1_f64).prop_map(Some)],
        hours_later in select(vec![0, 2, 24, 24 * 40]),
        max_distance_m in rarely(None, vec![Some(3_000), Some(15_000), Some(40_000), Some(150_000)]),
        limit in 1..8_usize,
        wishes in any_wishes(),
    ) -> Need {
        let commune = if at_home { residence } else { elsewhere };
        Need {
            residence: code(residence),
            event_commune: event.map(code),
            location: offset.map_or_else(|| centre(commune), |offset| around(commune, offset)),
            precision: if offset.is_none() { Precision::Commune } else { Precision::Point },
            at: now() + chrono::Duration::hours(hours_later),
            max_distance_m,
            limit,
            commune: code(commune),
            ..wishes
        }
    }
}

prop_compose! {
    fn any_wishes()(
        kinds in rarely(vec![], vec![vec![Kind::CcasCias], vec![Kind::Mairie], vec![Kind::FranceServices, Kind::Guichet], vec![Kind::Association]]),
        help_kind in rarely(None, vec![Some(HelpKind::Form), Some(HelpKind::Unblock)]),
        channel in rarely(Channel::InPerson, vec![Channel::Phone]),
        drop_in in rarely(false, vec![true]),
        language in rarely(None, vec![Some("ar"), Some("fr")]),
        wheelchair in rarely(false, vec![true]),
        regime in rarely(Regime::General, vec![Regime::Agricole]),
    ) -> Need {
        Need { kinds, help_kind, channel, drop_in, language: language.map(str::to_owned), wheelchair, regime, ..need_of(RENNES) }
    }
}

/// France services of equal standing, so many metres north and in whatever commune.
pub fn any_equal_places() -> impl Strategy<Value = Vec<Structure>> {
    let place = (commune(), -15_000.0..15_000.0_f64, any::<u128>().no_shrink());
    prop::collection::vec(place, 1..40).prop_map(|places| {
        let built = |(commune, metres, id): (&str, f64, u128)| Structure {
            id: Uuid::from_u128(id),
            location: Some(north_of(centre(commune), metres)),
            ..structure("", Kind::FranceServices, commune)
        };
        places.into_iter().map(built).collect()
    })
}
