//! Lists of structures: the filters of the directory's own reads, in an order that a cursor can resume.

use aiguilleur_domain::opening::OpeningStatus;
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::structure::{Kind, Session};
use aiguilleur_domain::target::Target;
use aiguilleur_domain::territory::{CommuneCode, Location};
use aiguilleur_domain::text::normalise;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Directory;
use crate::layer::Entry;

/// Which structures are wanted. Everything left out means "any".
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Nearest first from there, within a radius in metres.
    pub around: Option<(Location, f64)>,
    pub commune: Option<CommuneCode>,
    /// West, south, east, north, degrees.
    pub bounds: Option<[f64; 4]>,
    pub kinds: Vec<Kind>,
    /// Declares the procedure or its group, or is of a kind that the procedure's rule names; or a session there does.
    pub procedure: Option<String>,
    pub open_at: Option<DateTime<Utc>>,
    /// Words of its name.
    pub words: Option<String>,
    pub modified_since: Option<DateTime<Utc>>,
    /// Closed ones are listed too (for mirrors that follow changes).
    pub with_closed: bool,
}

/// Where a page stops: the distance (0 without a place) and the id of its last structure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub distance_m: f64,
    pub id: Uuid,
}

/// A structure found, with metres from the place asked for, if there was one.
#[derive(Debug, Clone, Copy)]
pub struct Found<'d> {
    pub entry: &'d Entry,
    pub distance_m: f64,
}

impl Found<'_> {
    pub fn position(&self) -> Position {
        Position { distance_m: self.distance_m, id: self.entry.structure.id }
    }
}

impl Directory {
    /// Structures that pass the filter after a position, nearest first when a place is asked for, else by id.
    /// O(registry), at most `limit` results.
    pub fn list(&self, filter: &Filter, after: Option<Position>, limit: usize) -> Vec<Found<'_>> {
        let words: Vec<String> =
            filter.words.as_deref().map(|words| normalise(words).split(' ').map(str::to_owned).collect()).unwrap_or_default();
        let rule = filter.procedure.as_ref().map(|slug| {
            let procedure = self.catalogue.procedure(slug);
            (procedure, procedure.into_iter().flat_map(kinds_of_rule).collect::<Vec<Kind>>())
        });
        let passes = |entry: &Entry| {
            let structure = &entry.structure;
            (filter.with_closed || !structure.is_closed())
                && (filter.kinds.is_empty() || filter.kinds.contains(&structure.kind))
                && filter.commune.as_ref().is_none_or(|commune| structure.commune == *commune)
                && filter.modified_since.is_none_or(|since| structure.updated_at >= since)
                && filter.bounds.is_none_or(|bounds| structure.location.is_some_and(|location| lies_within(location, bounds)))
                && words.iter().all(|word| entry.plain_name.split(' ').any(|known| known.starts_with(word.as_str())))
                && rule.as_ref().is_none_or(|(procedure, kinds)| handles(entry, *procedure, kinds))
                && filter.open_at.is_none_or(|instant| entry.opening_at(instant).status == OpeningStatus::Open)
        };
        let distance = |entry: &Entry| match filter.around {
            Some((from, radius)) => entry.structure.location.map(|to| from.distance_m(to)).filter(|distance| *distance <= radius),
            None => Some(0.0),
        };
        let comes_after = |found: &Found<'_>| after.is_none_or(|position| compare(&found.position(), &position).is_gt());
        let resumed = after.filter(|_| filter.around.is_none()).map(|position| position.id);
        let found = self
            .structures_after(resumed)
            .filter_map(|entry| distance(entry).map(|distance_m| Found { entry, distance_m }))
            .filter(|found| comes_after(found) && passes(found.entry));
        if filter.around.is_none() {
            return found.take(limit).collect();
        }
        let mut found: Vec<Found<'_>> = found.collect();
        found.sort_by(|a, b| compare(&a.position(), &b.position()));
        found.truncate(limit);
        found
    }
}

fn kinds_of_rule(procedure: &Procedure) -> impl Iterator<Item = Kind> {
    procedure.targets().filter_map(|target| match target {
        Target::Kind(kind) => Some(kind),
        _ => None,
    })
}

/// Whether the structure, or somebody's session there, declares the procedure or is of a kind that its rule names.
fn handles(entry: &Entry, procedure: Option<&Procedure>, kinds: &[Kind]) -> bool {
    let Some(Procedure { slug, group, .. }) = procedure else { return false };
    let structure = &entry.structure;
    let at_session = |it: &Session| it.declares(slug, group) || it.is_general() && kinds.contains(&it.kind);
    structure.declares(slug, group) || kinds.contains(&structure.kind) || structure.sessions.iter().any(at_session)
}

fn compare(a: &Position, b: &Position) -> std::cmp::Ordering {
    a.distance_m.total_cmp(&b.distance_m).then(a.id.cmp(&b.id))
}

fn lies_within(location: Location, [west, south, east, north]: [f64; 4]) -> bool {
    let between_meridians = if west <= east { (west..=east).contains(&location.lon) } else { location.lon >= west || location.lon <= east };
    between_meridians && (south..=north).contains(&location.lat)
}
