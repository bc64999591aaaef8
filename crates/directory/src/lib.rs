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
pub mod territory;
pub mod words;

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_domain::structure::Structure;
use aiguilleur_domain::territory::{Commune, CommuneCode};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use catalogue::Catalogue;
use layer::{Class, Entry, Layer};
use territory::Territory;

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
        let base = Arc::new(Layer::build(structures, &territory, now));
        Self { revision, catalogue, territory, base, overlay: Arc::default(), base_built_at: now }
    }

    /// The same directory with some structures added or replaced, at a later revision. Costs the overlay's size, not the base's.
    #[must_use]
    pub fn with_changes(&self, revision: i64, changed: Vec<Structure>, now: DateTime<Utc>) -> Self {
        let mut structures: HashMap<Uuid, Structure> =
            self.overlay.entries().iter().map(|entry| (entry.structure.id, entry.structure.clone())).collect();
        structures.extend(changed.into_iter().map(|structure| (structure.id, structure)));
        let overlay = Arc::new(Layer::build(structures.into_values().collect(), &self.territory, now));
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
        let mut base = self.base.entries().iter().filter(|entry| !self.is_hidden(entry)).peekable();
        let mut overlay = self.overlay.entries().iter().peekable();
        std::iter::from_fn(move || match (base.peek(), overlay.peek()) {
            (Some(a), Some(b)) if a.structure.id < b.structure.id => base.next(),
            (Some(_), None) => base.next(),
            _ => overlay.next(),
        })
    }

    fn is_hidden(&self, base_entry: &Entry) -> bool {
        !self.overlay.entries().is_empty() && self.overlay.get(base_entry.structure.id).is_some()
    }

    /// The members of a class in one commune.
    fn in_commune<'d>(&'d self, class: &Class, commune: &CommuneCode) -> impl Iterator<Item = &'d Entry> + use<'d> {
        let members: Vec<_> = self.layers(class).map(|(layer, members)| (layer, members.in_commune(commune))).collect();
        let entries = members.into_iter().flat_map(|(layer, members)| members.iter().filter_map(move |&index| layer.entry(index)));
        entries.filter(|entry| self.is_current(entry))
    }

    /// The members of a class in one commune, and those whose record says that they serve it; some of them twice.
    fn bound(&self, class: &Class, commune: &Commune) -> Vec<&Entry> {
        self.layers(class)
            .flat_map(|(layer, members)| {
                let serving = commune.areas().flat_map(|area| members.serving(&area));
                members.in_commune(&commune.code).iter().chain(serving).filter_map(move |&index| layer.entry(index))
            })
            .filter(|entry| self.is_current(entry))
            .collect()
    }

    /// The members of a class, nearest first, with metres as the crow flies.
    fn nearest<'d>(
        &'d self,
        class: &Class,
        from: aiguilleur_domain::territory::Location,
    ) -> impl Iterator<Item = (&'d Entry, f64)> + use<'d> {
        let mut sources: Vec<_> = self
            .layers(class)
            .map(|(layer, members)| {
                members.tree.nearest(from).filter_map(move |(index, metres)| Some((layer.entry(index)?, metres))).peekable()
            })
            .collect();
        let merged = std::iter::from_fn(move || {
            let nearest = sources
                .iter_mut()
                .enumerate()
                .filter_map(|(source, items)| items.peek().map(|(entry, metres)| (*metres, entry.structure.id, source)))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
            sources.get_mut(nearest.2)?.next()
        });
        merged.filter(|(entry, _)| self.is_current(entry))
    }

    fn layers<'d>(&'d self, class: &Class) -> impl Iterator<Item = (&'d Layer, &'d layer::Members)> + use<'d> {
        let of = |layer: &'d Layer, class: &Class| layer.members(class).map(|members| (layer, members));
        [of(&self.base, class), of(&self.overlay, class)].into_iter().flatten()
    }

    /// Not hidden by a newer version of itself.
    fn is_current(&self, entry: &Entry) -> bool {
        match self.overlay.get(entry.structure.id) {
            Some(newest) => std::ptr::eq(newest, entry),
            None => true,
        }
    }
}
