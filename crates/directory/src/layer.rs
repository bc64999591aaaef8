//! Structures with their indexes, built once. A directory is two of them: a large base and a small overlay of changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::opening::{Opening, Schedule, still_counts};
use aiguilleur_domain::structure::{Kind, Session, Structure};
use aiguilleur_domain::territory::{CommuneCode, Location};
use aiguilleur_domain::text::normalise;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::kd_tree::KdTree;
use crate::territory::Territory;

/// A structure and what is computed from it once.
#[derive(Debug)]
pub struct Entry {
    pub structure: Structure,
    /// Where distances are measured to; the commune's centre when the structure has no position of its own.
    pub position: Option<Location>,
    /// `None`: no hours, unreadable ones, or hours too old to count.
    pub(crate) schedule: Option<Arc<Schedule>>,
    /// Those of its sessions, in their order.
    pub(crate) session_schedules: Vec<Option<Arc<Schedule>>>,
    /// Its name, normalised, for searching.
    pub plain_name: String,
}

impl Entry {
    pub fn opening_at(&self, instant: DateTime<Utc>) -> Opening {
        opening_at(self.schedule.as_deref(), self.structure.hours_checked_on, instant)
    }
}

/// The state of hours that count only for a while after they were checked.
pub(crate) fn opening_at(schedule: Option<&Schedule>, checked_on: Option<NaiveDate>, instant: DateTime<Utc>) -> Opening {
    let counts = still_counts(checked_on, instant.date_naive());
    schedule.filter(|_| counts).map_or(Opening::UNKNOWN, |schedule| schedule.at(instant))
}

/// A set of structures that a rule may name. Who holds a session counts as being there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Class {
    Kind(Kind),
    /// The desks of an institution, by its slug.
    Desk(String),
    /// Structures that declare a procedure or a group of procedures.
    Declares(String),
}

/// The members of a class, by place.
#[derive(Debug, Default)]
pub struct Members {
    pub tree: KdTree,
    by_commune: HashMap<CommuneCode, Vec<u32>>,
    /// Those whose own record says which areas they serve, by each of these codes.
    by_area: HashMap<String, Vec<u32>>,
}

/// Structures in ascending order of id, and their indexes. Closed ones are kept, outside the indexes.
#[derive(Debug, Default)]
pub struct Layer {
    entries: Vec<Entry>,
    classes: HashMap<Class, Members>,
}

impl Layer {
    /// `now` decides which hours still count and which days they are expanded to.
    pub fn build(mut structures: Vec<Structure>, territory: &Territory, now: DateTime<Utc>) -> Self {
        structures.sort_by_key(|structure| structure.id);
        let mut schedules = Schedules { territory, now, known: HashMap::new() };
        let entries: Vec<Entry> = structures
            .into_iter()
            .map(|structure| Entry {
                position: territory.position_of(&structure),
                schedule: schedules.of(&structure),
                session_schedules: schedules.of_sessions(&structure),
                plain_name: normalise(&structure.name),
                structure,
            })
            .collect();
        let mut members: HashMap<Class, Vec<u32>> = HashMap::new();
        for (entry, index) in entries.iter().zip(0..).filter(|(entry, _)| !entry.structure.is_closed()) {
            for class in classes_of(&entry.structure) {
                members.entry(class).or_default().push(index);
            }
        }
        let classes = members.into_iter().map(|(class, members)| (class, Members::build(&members, &entries))).collect();
        Self { entries, classes }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn get(&self, id: Uuid) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&id, |entry| entry.structure.id).ok()?;
        self.entries.get(index)
    }

    pub fn entry(&self, index: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(index).ok()?)
    }

    pub fn members(&self, class: &Class) -> Option<&Members> {
        self.classes.get(class)
    }
}

impl Members {
    fn build(members: &[u32], entries: &[Entry]) -> Self {
        let entry = |index: u32| usize::try_from(index).ok().and_then(|index| entries.get(index));
        let mut by_commune: HashMap<CommuneCode, Vec<u32>> = HashMap::new();
        let mut by_area: HashMap<String, Vec<u32>> = HashMap::new();
        for &index in members {
            let Some(Entry { structure, .. }) = entry(index) else { continue };
            by_commune.entry(structure.commune.clone()).or_default().push(index);
            for area in &structure.territory {
                by_area.entry(area.clone()).or_default().push(index);
            }
        }
        let placed = members.iter().filter_map(|&index| entry(index)?.position.map(|position| (position, index)));
        Self { tree: KdTree::build(placed), by_commune, by_area }
    }

    /// Those that stand in a commune.
    pub fn in_commune(&self, commune: &CommuneCode) -> &[u32] {
        self.by_commune.get(commune).map_or(&[], Vec::as_slice)
    }

    /// Those whose own record says that they serve an area.
    pub fn serving(&self, area: &str) -> &[u32] {
        self.by_area.get(area).map_or(&[], Vec::as_slice)
    }
}

/// Each class once, by its own nature or by a session's.
fn classes_of(structure: &Structure) -> HashSet<Class> {
    let own = (structure.kind, structure.institution.as_ref(), &structure.procedures, &structure.groups);
    let sessions = structure.sessions.iter().map(|it| (it.kind, it.institution.as_ref(), &it.procedures, &it.groups));
    std::iter::once(own)
        .chain(sessions)
        .flat_map(|(kind, institution, procedures, groups)| {
            let nature = match institution {
                Some(institution) if kind == Kind::Guichet => Class::Desk(institution.clone()),
                _ => Class::Kind(kind),
            };
            std::iter::once(nature).chain(procedures.iter().chain(groups).cloned().map(Class::Declares))
        })
        .collect()
}

/// Schedules shared by text, time zone and holiday region: parsing costs 40 µs, and towns keep the same hours.
struct Schedules<'t> {
    territory: &'t Territory,
    now: DateTime<Utc>,
    known: HashMap<(String, Tz, HolidayRegion), Option<Arc<Schedule>>>,
}

impl Schedules<'_> {
    fn of(&mut self, structure: &Structure) -> Option<Arc<Schedule>> {
        self.read(structure, structure.opening_hours.as_ref(), structure.hours_checked_on)
    }

    fn of_sessions(&mut self, structure: &Structure) -> Vec<Option<Arc<Schedule>>> {
        let read = |session: &Session| self.read(structure, session.opening_hours.as_ref(), session.hours_checked_on);
        structure.sessions.iter().map(read).collect()
    }

    fn read(&mut self, structure: &Structure, hours: Option<&String>, checked_on: Option<NaiveDate>) -> Option<Arc<Schedule>> {
        let hours = hours?;
        if structure.is_closed() || !still_counts(checked_on, self.now.date_naive()) {
            return None;
        }
        let commune = self.territory.resolve(&structure.commune)?.commune;
        let region = HolidayRegion::of_departement(&commune.departement);
        let key = (hours.clone(), commune.time_zone, region);
        let parse = || Schedule::parse(hours, commune.time_zone, region, self.now).map(Arc::new);
        self.known.entry(key).or_insert_with(parse).clone()
    }
}
