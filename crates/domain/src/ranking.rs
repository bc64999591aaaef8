//! The order of options, so that two readers of the rule agree on it.
//!
//! 1. a hotline first where there is danger; 2. filters and competence exclude; 3. ascending cost;
//! 4. a record that nobody disputes, opening, access, freshness and capacity decide between options of nearly the same cost; 5. the
//!    identifier.
//!
//! A worked example, for a procedure whose rule prefers France services, then the CCAS:
//!
//! | option | distance | rank | cost |
//! |---|---|---|---|
//! | CCAS | 300 m | 2 | 300 + 4,000 = 4,300 |
//! | France services A, closed | 3,900 m | 1 | 3,900 |
//! | France services B, open | 4,400 m | 1 | 4,400 |
//! | France services C, open | 9,000 m | 1 | 9,000 |
//!
//! A leads with 3,900; all that costs at most 3,900 + max(500, 15 % of 3,900) = 4,485 stands with it: A, the CCAS and B.
//! Among those, B is open and comes first; the CCAS and A follow by their opening, then by cost. C starts a group of its own.

use std::cmp::Ordering;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::opening::OpeningStatus;
use crate::structure::{Access, Capacity};

/// What one step down in a rule's order of preference weighs, in metres.
pub const RANK_STEP_M: f64 = 4_000.0;
/// Costs closer than this, or than [`NEAR_SHARE`] of the leader's, are nearly the same, in metres.
pub const NEAR_M: f64 = 500.0;
pub const NEAR_SHARE: f64 = 0.15;
/// What lies within this is local, in metres.
pub const LOCAL_M: f64 = 20_000.0;
/// The search widens through these radii, in metres, then falls back on remote channels.
pub const SEARCH_RADII_M: [f64; 3] = [LOCAL_M, 50_000.0, 100_000.0];
/// A record seen in its source within this many days is fresh.
const FRESH_DAYS: i64 = 365;

/// Cost in metres of an option at `distance_m` whose kind stands at `rank` (1 = preferred).
pub fn cost_m(distance_m: f64, rank: u16) -> f64 {
    distance_m + RANK_STEP_M * (f64::from(rank) - 1.0)
}

/// The highest cost that still stands with a leader's.
pub fn nearly_as(leader_cost_m: f64) -> f64 {
    leader_cost_m + NEAR_M.max(leader_cost_m * NEAR_SHARE)
}

/// From 1 (on the spot, preferred kind) towards 0; for machines only. 10 km of cost halve it.
pub fn score(cost_m: f64) -> f64 {
    let score = 10_000.0 / (10_000.0 + cost_m);
    (score * 100.0).round() / 100.0
}

/// Whole metres, for an answer.
pub fn whole_metres(exact: f64) -> u32 {
    // A distance on Earth is at most 20,038 km: it fits, and it is never negative.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::as_conversions, reason = "bounded just above")]
    let whole = exact.round().clamp(0.0, 20_100_000.0) as u32;
    whole
}

/// What decides between options of nearly the same cost; the smaller stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// Before all else: hours and capacity are among what may be wrong.
    disputed: u8,
    opening: u8,
    access: u8,
    freshness: u8,
    capacity: u8,
    /// Out of ten needs that ended there, those not resolved.
    experience: u8,
}

impl Standing {
    /// `fresh`: seen in its source recently; `disputed`: somebody found it wrong, and it isn't settled.
    pub fn new(
        opening: OpeningStatus,
        access: Access,
        drop_in_wanted: bool,
        (fresh, disputed): (bool, bool),
        capacity: Option<Capacity>,
    ) -> Self {
        Self {
            opening: match opening {
                OpeningStatus::Open => 0,
                OpeningStatus::Unknown => 1,
                OpeningStatus::Closed => 2,
            },
            access: match access {
                Access::DropIn => 0,
                Access::Unknown => u8::from(drop_in_wanted),
                Access::Appointment => 2,
            },
            disputed: u8::from(disputed),
            freshness: u8::from(!fresh),
            capacity: match capacity {
                Some(Capacity::Open) => 0,
                None | Some(Capacity::FewPlaces) => 1,
                Some(Capacity::WaitingList) => 2,
                Some(Capacity::Full) => 3,
            },
            experience: 0,
        }
    }

    /// The same with what past referrals tell: how many needs of ten were resolved there. Last of all that decides.
    #[must_use]
    pub fn learnt(self, out_of_ten: Option<u8>) -> Self {
        Self { experience: out_of_ten.map_or(0, |resolved| 10_u8.saturating_sub(resolved)), ..self }
    }
}

/// Whether a record was seen in its source recently enough, on a given day.
pub fn is_fresh(source_date: Option<NaiveDate>, day: NaiveDate) -> bool {
    source_date.is_some_and(|seen| (day - seen).num_days() <= FRESH_DAYS)
}

/// An option on its way to its place in the order.
#[derive(Debug, Clone)]
pub struct Contender<T> {
    pub cost_m: f64,
    pub standing: Standing,
    /// Metres to the centre of what was asked: the tie-break where distances within a commune count as zero.
    pub to_centre_m: f64,
    pub id: Uuid,
    pub item: T,
}

/// Puts contenders in their order. O(n log n).
pub fn order<T>(contenders: &mut [Contender<T>]) {
    contenders.sort_by(by_cost);
    let mut rest = contenders;
    while let Some(leader) = rest.first() {
        let limit = nearly_as(leader.cost_m);
        let together = rest.iter().take_while(|contender| contender.cost_m <= limit).count();
        let (group, others) = rest.split_at_mut(together);
        group.sort_by(in_a_group);
        rest = others;
    }
}

/// The order of those that cost nearly the same.
pub fn in_a_group<T>(a: &Contender<T>, b: &Contender<T>) -> Ordering {
    a.standing.cmp(&b.standing).then_with(|| by_cost(a, b))
}

fn by_cost<T>(a: &Contender<T>, b: &Contender<T>) -> Ordering {
    a.cost_m.total_cmp(&b.cost_m).then(a.to_centre_m.total_cmp(&b.to_centre_m)).then(a.id.cmp(&b.id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contender(name: &'static str, distance_m: f64, rank: u16, opening: OpeningStatus) -> Contender<&'static str> {
        Contender {
            cost_m: cost_m(distance_m, rank),
            standing: Standing::new(opening, Access::Unknown, false, (true, false), None),
            to_centre_m: distance_m,
            id: Uuid::new_v5(&Uuid::nil(), name.as_bytes()),
            item: name,
        }
    }

    #[test]
    fn the_worked_example_holds() {
        let mut options = vec![
            contender("ccas", 300.0, 2, OpeningStatus::Closed),
            contender("a", 3_900.0, 1, OpeningStatus::Closed),
            contender("b", 4_400.0, 1, OpeningStatus::Open),
            contender("c", 9_000.0, 1, OpeningStatus::Open),
        ];
        order(&mut options);
        let names: Vec<_> = options.iter().map(|option| option.item).collect();
        assert_eq!(names, ["b", "a", "ccas", "c"]);
    }

    #[test]
    fn with_equal_standings_the_nearest_is_first() {
        let mut options = vec![contender("far", 1_100.0, 1, OpeningStatus::Unknown), contender("near", 1_000.0, 1, OpeningStatus::Unknown)];
        order(&mut options);
        assert_eq!(options[0].item, "near");
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_the_order_of_arrival(
            drawn in prop::collection::vec((0.0..120_000.0_f64, 1..6_u16, 0..3_usize, any::<u128>()), 0..40),
            shift in 0..40_usize,
        ) {
            let status = [OpeningStatus::Open, OpeningStatus::Unknown, OpeningStatus::Closed];
            let make = |&(distance, rank, opening, id): &(f64, u16, usize, u128)| Contender {
                cost_m: cost_m(distance, rank),
                standing: Standing::new(status[opening], Access::Unknown, false, (true, false), None),
                to_centre_m: distance,
                id: Uuid::from_u128(id),
                item: (),
            };
            let mut one: Vec<_> = drawn.iter().map(make).collect();
            let mut other = one.clone();
            other.rotate_left(if drawn.is_empty() { 0 } else { shift % drawn.len() });
            order(&mut one);
            order(&mut other);
            let ids = |options: &[Contender<()>]| options.iter().map(|option| option.id).collect::<Vec<_>>();
            prop_assert_eq!(ids(&one), ids(&other));
        }

        #[test]
        fn nobody_passes_somebody_much_cheaper(
            drawn in prop::collection::vec((0.0..120_000.0_f64, 0..3_usize), 0..40),
        ) {
            let status = [OpeningStatus::Open, OpeningStatus::Unknown, OpeningStatus::Closed];
            let mut options: Vec<_> = drawn.iter().map(|&(distance, opening)| contender("x", distance, 1, status[opening])).collect();
            order(&mut options);
            for (index, option) in options.iter().enumerate() {
                for later in &options[index..] {
                    prop_assert!(option.cost_m <= nearly_as(later.cost_m));
                }
            }
        }
    }
}
