//! A packed k-d tree on the unit sphere: the nearest points first, one at a time, as far as the caller cares to look.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use aiguilleur_domain::territory::{EARTH_RADIUS_M, Location};

/// Subtrees of so few points are looked at whole.
const LEAF: usize = 8;

/// Points laid out so that every subtree is a range whose middle element splits it. Built once, never changed.
#[derive(Debug)]
pub struct KdTree<T> {
    points: Vec<Point<T>>,
}

impl<T> Default for KdTree<T> {
    fn default() -> Self {
        Self { points: Vec::new() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Point<T> {
    at: [f64; 3],
    /// The caller's own name for it.
    item: T,
}

impl<T: Copy + Ord> KdTree<T> {
    /// O(n log² n).
    pub fn build(items: impl IntoIterator<Item = (Location, T)>) -> Self {
        let mut points: Vec<Point<T>> = items.into_iter().map(|(location, item)| Point { at: on_sphere(location), item }).collect();
        arrange(&mut points, 0);
        Self { points }
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// In no order.
    pub fn items(&self) -> impl Iterator<Item = T> {
        self.points.iter().map(|point| point.item)
    }

    /// Items in ascending distance from a place, each with its metres as the crow flies; equal distances by item.
    pub fn nearest(&self, from: Location) -> Nearest<'_, T> {
        Nearest { from: on_sphere(from), unopened: &self.points, near: BinaryHeap::new(), far: Vec::new(), horizon: FIRST_HORIZON }
    }
}

/// What most searches hold at once.
const NEAR: usize = 32;
/// The first horizon, some 3 km, as a squared chord; the next are each eight times as far.
const FIRST_HORIZON: f64 = 2.0e-7;
const WIDENING: f64 = 64.0;

/// An iterator over [`KdTree::nearest`]. What lies beyond a horizon is kept unsorted until the search comes there.
#[derive(Debug)]
pub struct Nearest<'t, T> {
    from: [f64; 3],
    /// The whole tree, until it is first asked.
    unopened: &'t [Point<T>],
    near: BinaryHeap<Reverse<Pending<'t, T>>>,
    far: Vec<Pending<'t, T>>,
    /// Squared chord.
    horizon: f64,
}

#[derive(Debug)]
struct Pending<'t, T> {
    /// Squared chord, exact for a point, a lower bound for a subtree.
    square: f64,
    what: What<'t, T>,
}

#[derive(Debug)]
enum What<'t, T> {
    Item(T),
    Subtree { points: &'t [Point<T>], axis: usize },
}

impl<T: Copy + Ord> Iterator for Nearest<'_, T> {
    type Item = (T, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_within(f64::INFINITY)
    }
}

impl<'t, T: Copy + Ord> Nearest<'t, T> {
    /// The next one, unless it is farther than so many metres; then it stays for later.
    pub fn next_within(&mut self, metres: f64) -> Option<(T, f64)> {
        if metres < 0.0 {
            return None;
        }
        let whole = std::mem::take(&mut self.unopened);
        if !whole.is_empty() {
            self.near.reserve(NEAR);
            self.far.reserve(NEAR);
            self.open(whole, 0, 0.0);
        }
        let limit = square_of(metres);
        loop {
            match self.near.peek() {
                Some(Reverse(nearest)) if nearest.square > limit => return None,
                Some(Reverse(Pending { square, what: What::Item(_) })) if metres_of(*square) > metres => return None,
                Some(_) => {}
                None if self.far.is_empty() || self.horizon > limit => return None,
                None => {
                    self.widen();
                    continue;
                }
            }
            match self.near.pop()?.0 {
                Pending { square, what: What::Item(item) } => return Some((item, metres_of(square))),
                Pending { square, what: What::Subtree { points, axis } } => self.open(points, axis, square),
            }
        }
    }

    fn widen(&mut self) {
        let nearest = self.far.iter().map(|pending| pending.square).fold(f64::INFINITY, f64::min);
        while self.horizon <= nearest {
            self.horizon *= WIDENING;
        }
        let horizon = self.horizon;
        self.near.extend(self.far.extract_if(.., |pending| pending.square < horizon).map(Reverse));
    }

    /// Follows a subtree down to the points on this side, keeping what lies beyond for later.
    fn open(&mut self, mut points: &'t [Point<T>], mut axis: usize, bound: f64) {
        while points.len() > LEAF {
            let (before, rest) = points.split_at(points.len() / 2);
            let Some((middle, after)) = rest.split_first() else { return };
            self.push(middle);
            let offset = coordinate(self.from, axis) - coordinate(middle.at, axis);
            axis = (axis + 1) % 3;
            let (near, far) = if offset <= 0.0 { (before, after) } else { (after, before) };
            if !far.is_empty() {
                self.keep(Pending { square: bound.max(offset * offset), what: What::Subtree { points: far, axis } });
            }
            points = near;
        }
        for point in points {
            self.push(point);
        }
    }

    fn push(&mut self, point: &Point<T>) {
        self.keep(Pending { square: square(self.from, point.at), what: What::Item(point.item) });
    }

    fn keep(&mut self, pending: Pending<'t, T>) {
        if pending.square < self.horizon {
            self.near.push(Reverse(pending));
        } else {
            self.far.push(pending);
        }
    }
}

impl<T: Ord> Ord for Pending<'_, T> {
    // A subtree goes before a point at the same distance, since it may hold a point just as near with a smaller number.
    fn cmp(&self, other: &Self) -> Ordering {
        self.square.total_cmp(&other.square).then_with(|| self.what.item().cmp(&other.what.item()))
    }
}

impl<T: Ord> PartialOrd for Pending<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Pending<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Pending<'_, T> {}

impl<T> What<'_, T> {
    fn item(&self) -> Option<&T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Subtree { .. } => None,
        }
    }
}

fn arrange<T>(points: &mut [Point<T>], axis: usize) {
    if points.len() < 2 {
        return;
    }
    let middle = points.len() / 2;
    points.select_nth_unstable_by(middle, |a, b| coordinate(a.at, axis).total_cmp(&coordinate(b.at, axis)));
    let (before, rest) = points.split_at_mut(middle);
    arrange(before, (axis + 1) % 3);
    if let Some((_, after)) = rest.split_first_mut() {
        arrange(after, (axis + 1) % 3);
    }
}

fn coordinate(at: [f64; 3], axis: usize) -> f64 {
    let [x, y, z] = at;
    match axis {
        0 => x,
        1 => y,
        _ => z,
    }
}

fn on_sphere(location: Location) -> [f64; 3] {
    let (lat, lon) = (location.lat.to_radians(), location.lon.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn square(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// From a squared chord of the unit sphere to metres along the Earth.
fn metres_of(square: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * (square.sqrt() / 2.0).min(1.0).asin()
}

/// From metres along the Earth to a squared chord of the unit sphere, a hair more: what lies at that very distance is within it.
fn square_of(metres: f64) -> f64 {
    let half_chord = (metres / (2.0 * EARTH_RADIUS_M)).min(std::f64::consts::FRAC_PI_2).sin();
    4.0 * half_chord * half_chord * (1.0 + 1e-12)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_linear_scan(
            places in prop::collection::vec((-90.0..90.0_f64, -180.0..180.0_f64), 0..200),
            from in (-90.0..90.0_f64, -180.0..180.0_f64),
        ) {
            let from = Location::new(from.0, from.1).unwrap();
            let places: Vec<Location> = places.iter().map(|&(lat, lon)| Location::new(lat, lon).unwrap()).collect();
            let tree = KdTree::build(places.iter().copied().zip(0..));
            let found: Vec<(u32, f64)> = tree.nearest(from).collect();
            let mut expected: Vec<f64> = places.iter().map(|place| from.distance_m(*place)).collect();
            expected.sort_by(f64::total_cmp);
            prop_assert_eq!(found.len(), expected.len());
            for ((item, distance), expected) in found.iter().zip(expected) {
                prop_assert!((distance - expected).abs() < 1.0);
                prop_assert!((from.distance_m(places[usize::try_from(*item).unwrap()]) - distance).abs() < 1.0);
            }
        }
    }

    #[test]
    fn equal_places_come_in_the_order_of_their_numbers() {
        let here = Location::new(48.0, -1.6).unwrap();
        let tree = KdTree::build((0..50).map(|item| (here, item)));
        assert_eq!(tree.nearest(here).map(|(item, _)| item).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    }
}
