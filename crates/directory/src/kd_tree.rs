//! A packed k-d tree on the unit sphere: the nearest points first, one at a time, as far as the caller cares to look.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use aiguilleur_domain::territory::{EARTH_RADIUS_M, Location};

/// Points laid out so that every subtree is a range whose middle element splits it. Built once, never changed.
#[derive(Debug, Default)]
pub struct KdTree {
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at: [f64; 3],
    /// The caller's own number for it.
    item: u32,
}

impl KdTree {
    /// O(n log² n).
    pub fn build(items: impl IntoIterator<Item = (Location, u32)>) -> Self {
        let mut points: Vec<Point> = items.into_iter().map(|(location, item)| Point { at: on_sphere(location), item }).collect();
        arrange(&mut points, 0);
        Self { points }
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Items in ascending distance from a place, each with its metres as the crow flies; equal distances by item.
    pub fn nearest(&self, from: Location) -> Nearest<'_> {
        let mut pending = BinaryHeap::new();
        if !self.points.is_empty() {
            pending.push(Reverse(Pending { square: 0.0, what: What::Subtree { points: &self.points, axis: 0 } }));
        }
        Nearest { from: on_sphere(from), pending }
    }
}

/// An iterator over [`KdTree::nearest`].
#[derive(Debug)]
pub struct Nearest<'t> {
    from: [f64; 3],
    pending: BinaryHeap<Reverse<Pending<'t>>>,
}

#[derive(Debug)]
struct Pending<'t> {
    /// Squared chord, exact for a point, a lower bound for a subtree.
    square: f64,
    what: What<'t>,
}

#[derive(Debug)]
enum What<'t> {
    Item(u32),
    Subtree { points: &'t [Point], axis: usize },
}

impl Iterator for Nearest<'_> {
    type Item = (u32, f64);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(Reverse(Pending { square, what })) = self.pending.pop() {
            match what {
                What::Item(item) => return Some((item, metres(square))),
                What::Subtree { points, axis } => self.open(points, axis, square),
            }
        }
        None
    }
}

impl<'t> Nearest<'t> {
    fn open(&mut self, points: &'t [Point], axis: usize, bound: f64) {
        let (before, rest) = points.split_at(points.len() / 2);
        let Some((middle, after)) = rest.split_first() else { return };
        self.pending.push(Reverse(Pending { square: square(self.from, middle.at), what: What::Item(middle.item) }));
        let offset = coordinate(self.from, axis) - coordinate(middle.at, axis);
        let beyond = bound.max(offset * offset);
        let next_axis = (axis + 1) % 3;
        for (points, square) in [(before, if offset <= 0.0 { bound } else { beyond }), (after, if offset >= 0.0 { bound } else { beyond })]
        {
            if !points.is_empty() {
                self.pending.push(Reverse(Pending { square, what: What::Subtree { points, axis: next_axis } }));
            }
        }
    }
}

impl Ord for Pending<'_> {
    // A subtree goes before a point at the same distance, since it may hold a point just as near with a smaller number.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |what: &What<'_>| match what {
            What::Subtree { .. } => (0, 0),
            What::Item(item) => (1, *item),
        };
        self.square.total_cmp(&other.square).then_with(|| rank(&self.what).cmp(&rank(&other.what)))
    }
}

impl PartialOrd for Pending<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pending<'_> {}

fn arrange(points: &mut [Point], axis: usize) {
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
fn metres(square: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * (square.sqrt() / 2.0).min(1.0).asin()
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
