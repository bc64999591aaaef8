//! The directory in memory: an immutable value that every read is answered from, without a database call.
//!
//! A [`Directory`] is a base, built from the whole registry, and a small overlay of what changed since.
//! Both are [`layer::Layer`]s with the same indexes; a structure of the overlay hides the base's of the same id.

pub mod catalogue;
pub mod coverage;
pub mod door;
pub mod kd_tree;
pub mod layer;
pub mod list;
pub mod orient;
mod rule;
pub mod territory;
pub mod words;

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_domain::structure::Structure;
use aiguilleur_domain::territory::{CommuneCode, Location};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use catalogue::Catalogue;
use door::Door;
use layer::{Class, DoorNumber, Entry, Layer};
use territory::{Territory, Zones};

/// How many changed structures the overlay may hold before a new base is worth building.
pub const OVERLAY_LIMIT: usize = 4_000;

/// Everything a question is answered from, at one revision.
#[derive(Debug, Clone)]
pub struct Directory {
    pub revision: i64,
    pub catalogue: Arc<Catalogue>,
    pub territory: Arc<Territory>,
    base: Arc<Layer>,
    overlay: Arc<Layer>,
    /// When the base was built: its hours are expanded from there.
    pub base_built_at: DateTime<Utc>,
}

impl Directory {
    /// A directory whose base holds everything.
    pub fn build(
        revision: i64,
        catalogue: Arc<Catalogue>,
        territory: Arc<Territory>,
        structures: Vec<Structure>,
        now: DateTime<Utc>,
    ) -> Self {
        let base = Layer::build(structures, &catalogue, &territory, now);
        Self::of(revision, catalogue, territory, base, now)
    }

    /// A directory with a base that was built `now`, on this catalogue and this territory.
    pub fn of(revision: i64, catalogue: Arc<Catalogue>, territory: Arc<Territory>, base: Layer, now: DateTime<Utc>) -> Self {
        Self { revision, catalogue, territory, base: Arc::new(base), overlay: Arc::default(), base_built_at: now }
    }

    /// The same directory with some structures added or replaced, at a later revision. Costs the overlay's size, not the base's.
    #[must_use]
    pub fn with_changes(&self, revision: i64, changed: Vec<Structure>, now: DateTime<Utc>) -> Self {
        let mut structures: HashMap<Uuid, Structure> =
            self.overlay.entries().iter().map(|entry| (entry.structure.id, entry.structure.clone())).collect();
        structures.extend(changed.into_iter().map(|structure| (structure.id, structure)));
        let overlay = Arc::new(Layer::build(structures.into_values().collect(), &self.catalogue, &self.territory, now));
        Self { revision, overlay, ..self.clone() }
    }

    /// How many structures the overlay holds.
    pub fn overlay_len(&self) -> usize {
        self.overlay.entries().len()
    }

    /// The structure of that id, closed ones included.
    pub fn structure(&self, id: Uuid) -> Option<&Entry> {
        self.overlay.get(id).or_else(|| self.base.get(id))
    }

    /// Every structure in ascending order of id, closed ones included.
    pub fn structures(&self) -> impl Iterator<Item = &Entry> {
        self.structures_after(None)
    }

    /// The same, from the one after an id on. O(log n) to the first.
    pub fn structures_after(&self, id: Option<Uuid>) -> impl Iterator<Item = &Entry> {
        let mut base = self.base.entries_after(id).iter().filter(|entry| !self.is_hidden(entry)).peekable();
        let mut overlay = self.overlay.entries_after(id).iter().peekable();
        std::iter::from_fn(move || match (base.peek(), overlay.peek()) {
            (Some(a), Some(b)) if a.structure.id < b.structure.id => base.next(),
            (Some(_), None) => base.next(),
            _ => overlay.next(),
        })
    }

    fn is_hidden(&self, base_entry: &Entry) -> bool {
        !self.overlay.entries().is_empty() && self.overlay.get(base_entry.structure.id).is_some()
    }

    /// The doors of a class in one commune, those of a structure together.
    fn in_commune(&self, class: &Class, commune: CommuneCode) -> InCommune<'_> {
        let of = |layer| Layer::members(layer, class).map(|members| (layer, members.in_commune(commune).iter()));
        InCommune { directory: Some(self), layers: [of(&self.base), of(&self.overlay)] }
    }

    /// The doors of a class that serve one of these zones, in no order; some of them twice.
    fn bound<'d>(&'d self, class: &Class, zones: Zones) -> impl Iterator<Item = Door<'d>> + use<'d> {
        let doors = self.layers(class).flat_map(move |(layer, members)| members.bound(zones).filter_map(|number| layer.door(number)));
        doors.filter(|door| self.is_current(door))
    }

    /// The doors of a class, nearest first.
    fn nearest(&self, class: &Class, from: Location) -> Nearby<'_> {
        Nearby::new(self, self.layers(class).map(|(layer, members)| (layer, members.nearest(from))))
    }

    /// The doors of a class that serve one of these zones, nearest first.
    fn serving(&self, class: &Class, zones: Zones, from: Location) -> Nearby<'_> {
        let trees = self.layers(class).flat_map(|(layer, members)| members.serving(zones, from).map(move |tree| (layer, tree)));
        Nearby::new(self, trees)
    }

    /// The doors of a class, nearest first, when some of them don't serve everybody.
    fn strangers(&self, class: &Class, from: Location) -> Nearby<'_> {
        let zoned = self.layers(class).filter(|(_, members)| members.has_zones());
        Nearby::new(self, zoned.map(|(layer, members)| (layer, members.nearest(from))))
    }

    fn layers<'d>(&'d self, class: &Class) -> impl Iterator<Item = (&'d Layer, &'d layer::Members)> + use<'d> {
        let of = |layer: &'d Layer, class: &Class| layer.members(class).map(|members| (layer, members));
        [of(&self.base, class), of(&self.overlay, class)].into_iter().flatten()
    }

    /// Not hidden by a newer version of itself.
    fn is_current(&self, door: &Door<'_>) -> bool {
        self.overlay.entries().is_empty() || self.overlay.get(door.id()).is_none_or(|newest| std::ptr::eq(newest, door.entry))
    }
}

/// The doors of a class in one commune.
#[derive(Debug, Default)]
struct InCommune<'d> {
    directory: Option<&'d Directory>,
    layers: [Option<(&'d Layer, std::slice::Iter<'d, DoorNumber>)>; 2],
}

impl InCommune<'_> {
    /// Whether nothing is left to be looked at.
    fn is_empty(&self) -> bool {
        self.layers.iter().flatten().all(|(_, numbers)| numbers.as_slice().is_empty())
    }
}

impl<'d> Iterator for InCommune<'d> {
    type Item = Door<'d>;

    fn next(&mut self) -> Option<Door<'d>> {
        let directory = self.directory?;
        let mut left = self.layers.iter_mut().flatten();
        left.find_map(|(layer, numbers)| numbers.find_map(|&number| layer.door(number).filter(|door| directory.is_current(door))))
    }
}

/// Doors in ascending distance, each once, with metres as the crow flies; equal distances by id. It looks no farther than it is asked to.
#[derive(Debug)]
struct Nearby<'d> {
    directory: &'d Directory,
    streams: Vec<Stream<'d>>,
    /// Found, and not yet taken.
    next: Option<(Door<'d>, f64)>,
    last: Option<(&'d Layer, DoorNumber)>,
    /// Whatever is nearer has been found.
    searched_m: f64,
}

/// One tree, and what comes next of it.
#[derive(Debug)]
struct Stream<'d> {
    layer: &'d Layer,
    tree: kd_tree::Nearest<'d, DoorNumber>,
    next: Option<(DoorNumber, f64)>,
}

impl<'d> Nearby<'d> {
    fn new(directory: &'d Directory, trees: impl Iterator<Item = (&'d Layer, kd_tree::Nearest<'d, DoorNumber>)>) -> Self {
        let streams = trees.map(|(layer, tree)| Stream { layer, tree, next: None }).collect();
        Self { directory, streams, next: None, last: None, searched_m: 0.0 }
    }

    /// The doors of both. Neither has been looked at yet.
    fn and(mut self, other: Self) -> Self {
        self.streams.extend(other.streams);
        self
    }

    /// Metres that the next one is away at least.
    fn at_least_m(&self) -> f64 {
        self.next.map_or(self.searched_m, |(_, metres)| metres)
    }

    /// The next one, unless it is farther than so many metres; then it stays for later.
    fn next_within(&mut self, metres: f64) -> Option<(Door<'d>, f64)> {
        self.peek_within(metres)?;
        self.next.take()
    }

    /// Metres to the next one, if it is within so many.
    fn peek_within(&mut self, metres: f64) -> Option<f64> {
        while self.next.is_none() {
            let Some((layer, number, found_m)) = self.pull_within(metres) else {
                self.searched_m = self.searched_m.max(metres.next_up());
                return None;
            };
            // Who serves several of the zones stands in several trees.
            let again = self.last.is_some_and(|(of, last)| last == number && std::ptr::eq(of, layer));
            self.last = Some((layer, number));
            let door = layer.door(number).filter(|door| !again && self.directory.is_current(door));
            self.searched_m = found_m;
            self.next = door.map(|door| (door, found_m));
        }
        self.next.map(|(_, found_m)| found_m).filter(|found_m| *found_m <= metres)
    }

    /// The nearest of all trees, whatever it is.
    fn pull_within(&mut self, metres: f64) -> Option<(&'d Layer, DoorNumber, f64)> {
        for stream in &mut self.streams {
            stream.next = stream.next.or_else(|| stream.tree.next_within(metres));
        }
        let id = |stream: &Stream<'d>| stream.next.and_then(|(number, _)| stream.layer.door(number)).map(|door| door.key());
        let ahead = self.streams.iter_mut().filter(|stream| stream.next.is_some_and(|(_, found_m)| found_m <= metres));
        let nearest = ahead.min_by(|a, b| {
            let found_m = |stream: &Stream<'d>| stream.next.map_or(f64::INFINITY, |(_, found_m)| found_m);
            found_m(a).total_cmp(&found_m(b)).then_with(|| id(a).cmp(&id(b)))
        })?;
        nearest.next.take().map(|(number, found_m)| (nearest.layer, number, found_m))
    }
}

impl<'d> Iterator for Nearby<'d> {
    type Item = (Door<'d>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_within(f64::INFINITY)
    }
}
