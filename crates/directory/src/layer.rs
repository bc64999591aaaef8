//! Structures with their indexes, built once. A directory is two of them: a large base and a small overlay of changes.

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_domain::area::Area;
use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::opening::{Opening, Schedule, still_counts};
use aiguilleur_domain::structure::{Kind, Session, Structure};
use aiguilleur_domain::territory::{CommuneCode, Location};
use aiguilleur_domain::text::normalise;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use foldhash::fast::FixedState;
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::door::{Brief, Door, Reach};
use crate::kd_tree::{KdTree, Nearest};
use crate::territory::{Territory, Zone, Zones};

/// A structure and what is computed from it once.
#[derive(Debug)]
pub struct Entry {
    pub structure: Structure,
    /// Where distances are measured to; the commune's centre when the structure has no position of its own.
    pub position: Option<Location>,
    /// `None`: no hours, unreadable ones, or hours too old to count, and no exceptional closure.
    schedule: Option<Arc<Schedule>>,
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
    schedule.map_or(Opening::UNKNOWN, |schedule| if counts { schedule.at(instant) } else { schedule.without_hours_at(instant) })
}

/// A set of doors that a rule may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Kind(Kind),
    /// The desks of an institution, by its slug.
    Desk(String),
    /// Doors, of that kind if one is named, that say they handle a procedure, by its slug.
    Procedure(String, Option<Kind>),
    /// The same for a group of procedures. An administration's own counter must name the procedure itself: nobody contests an order to
    /// leave at the prefecture that gave it.
    Group(String, Option<Kind>),
}

/// The number of a door in its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoorNumber(u32);

/// Doors by place.
#[derive(Debug, Default)]
struct Doors {
    tree: KdTree<DoorNumber>,
    /// Those in a commune whose centre isn't known.
    unplaced: Vec<DoorNumber>,
}

/// The members of a class.
#[derive(Debug, Default)]
pub struct Members {
    all: Doors,
    /// By the zones they serve. `None`: each serves everybody.
    by_zone: Option<HashMap<Zone, Doors, FixedState>>,
    by_commune: HashMap<CommuneCode, Vec<DoorNumber>, FixedState>,
}

/// Structures in ascending order of id, and their indexes. Closed ones are kept, outside the indexes.
#[derive(Debug, Default)]
pub struct Layer {
    entries: Vec<Entry>,
    /// The doors of those that are open, near ones together; at one place in ascending order of id.
    briefs: Vec<Brief>,
    classes: HashMap<Class, Members, FixedState>,
}

impl Layer {
    /// `now` decides which hours still count and which days they are expanded to.
    pub fn build(mut structures: Vec<Structure>, catalogue: &Catalogue, territory: &Territory, now: DateTime<Utc>) -> Self {
        structures.sort_by_key(|structure| structure.id);
        let mut schedules = Schedules { territory, now, known: HashMap::new() };
        let mut reaches = Reaches { catalogue, territory, known: HashMap::default() };
        let mut entries: Vec<Entry> = Vec::with_capacity(structures.len());
        let mut briefs: Vec<Brief> = Vec::with_capacity(structures.len());
        for (structure, number) in structures.into_iter().zip(0..) {
            let (position, schedule) = (territory.position_of(&structure), schedules.of(&structure));
            if !structure.is_closed() {
                let own = Brief::own(&structure, number, position, schedule.clone(), reaches.of(&structure));
                let sessions = structure.sessions.iter().zip(1..=u16::MAX);
                let sessions = sessions.map(|(session, part)| {
                    own.of_session(session, part, schedules.of_session(&structure, session), reaches.of_session(&structure, session))
                });
                let sessions: Vec<Brief> = sessions.collect();
                briefs.push(own);
                briefs.extend(sessions);
            }
            entries.push(Entry { position, schedule, plain_name: normalise(&structure.name), structure });
        }
        briefs.sort_by_cached_key(|brief| brief.position.map(z_order));
        let mut layer = Self { entries, briefs, classes: HashMap::default() };
        let mut members: HashMap<Class, Vec<DoorNumber>, FixedState> = HashMap::default();
        for number in (0..).map(DoorNumber).take(layer.briefs.len()) {
            let classes = layer.door(number).map(|door| classes_of(&door));
            classes.into_iter().flatten().for_each(|class| members.entry(class).or_default().push(number));
        }
        layer.classes = members.into_iter().map(|(class, members)| (class, Members::build(members, &layer.briefs))).collect();
        layer
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those after an id; all of them without one.
    pub fn entries_after(&self, id: Option<Uuid>) -> &[Entry] {
        let before = self.entries.partition_point(|entry| id.is_some_and(|id| entry.structure.id <= id));
        self.entries.get(before..).unwrap_or_default()
    }

    pub fn get(&self, id: Uuid) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&id, |entry| entry.structure.id).ok()?;
        self.entries.get(index)
    }

    pub fn door(&self, number: DoorNumber) -> Option<Door<'_>> {
        let brief = brief(&self.briefs, number)?;
        let entry = self.entries.get(usize::try_from(brief.entry).ok()?)?;
        Some(Door { entry, brief })
    }

    pub fn members(&self, class: &Class) -> Option<&Members> {
        self.classes.get(class)
    }
}

fn brief(briefs: &[Brief], number: DoorNumber) -> Option<&Brief> {
    briefs.get(usize::try_from(number.0).ok()?)
}

/// A position's place on a curve that keeps near what is near (Morton's order of latitude and longitude, to a metre or two).
fn z_order(position: Location) -> u64 {
    let (mut south, mut north, mut west, mut east) = (-90.0, 90.0, -180.0, 180.0);
    (0..24).fold(0, |place, _| {
        let (lat, lon) = (f64::midpoint(south, north), f64::midpoint(west, east));
        let (is_north, is_east) = (position.lat >= lat, position.lon >= lon);
        *if is_north { &mut south } else { &mut north } = lat;
        *if is_east { &mut west } else { &mut east } = lon;
        place << 2 | u64::from(is_north) << 1 | u64::from(is_east)
    })
}

impl Members {
    fn build(members: Vec<DoorNumber>, briefs: &[Brief]) -> Self {
        let known = || members.iter().filter_map(|&number| Some((number, brief(briefs, number)?)));
        let mut by_commune: HashMap<CommuneCode, Vec<DoorNumber>, FixedState> = HashMap::default();
        let mut by_zone: HashMap<Zone, Vec<DoorNumber>, FixedState> = HashMap::default();
        let for_everybody = known().all(|(_, brief)| brief.serves_everybody());
        for (number, brief) in known() {
            by_commune.entry(brief.commune).or_default().push(number);
            if !for_everybody {
                brief.reach.iter().for_each(|zone| by_zone.entry(*zone).or_default().push(number));
            }
        }
        let by_zone = by_zone.into_iter().map(|(zone, members)| (zone, Doors::build(members, briefs))).collect();
        Self { all: Doors::build(members, briefs), by_zone: (!for_everybody).then_some(by_zone), by_commune }
    }

    /// All of them, nearest first.
    pub fn nearest(&self, from: Location) -> Nearest<'_, DoorNumber> {
        self.all.tree.nearest(from)
    }

    /// Whether some of them don't serve everybody.
    pub fn has_zones(&self) -> bool {
        self.by_zone.is_some()
    }

    /// Those that serve one of these zones, nearest first, zone by zone.
    pub fn serving(&self, zones: Zones, from: Location) -> impl Iterator<Item = Nearest<'_, DoorNumber>> {
        self.doors_serving(zones).map(move |doors| doors.tree.nearest(from))
    }

    /// Those that serve one of these zones, in no order; some twice.
    pub fn bound(&self, zones: Zones) -> impl Iterator<Item = DoorNumber> {
        self.doors_serving(zones).flat_map(|doors| doors.tree.items().chain(doors.unplaced.iter().copied()))
    }

    fn doors_serving(&self, zones: Zones) -> impl Iterator<Item = &Doors> {
        let by_zone = self.by_zone.iter().flat_map(move |by_zone| zones.into_iter().filter_map(|zone| by_zone.get(&zone)));
        self.by_zone.is_none().then_some(&self.all).into_iter().chain(by_zone)
    }

    /// Those that stand in a commune.
    pub fn in_commune(&self, commune: CommuneCode) -> &[DoorNumber] {
        self.by_commune.get(&commune).map_or(&[], Vec::as_slice)
    }
}

impl Doors {
    fn build(members: Vec<DoorNumber>, briefs: &[Brief]) -> Self {
        let position = |number| brief(briefs, number)?.position;
        let (placed, unplaced): (Vec<DoorNumber>, Vec<DoorNumber>) = members.into_iter().partition(|&number| position(number).is_some());
        Self { tree: KdTree::build(placed.into_iter().filter_map(|number| Some((position(number)?, number)))), unplaced }
    }
}

/// The classes that a rule may name it by.
fn classes_of(door: &Door<'_>) -> Vec<Class> {
    let kind = door.kind();
    let nature = match door.institution() {
        Some(institution) if kind == Kind::Guichet => Class::Desk(institution.to_owned()),
        _ => Class::Kind(kind),
    };
    let mut classes = vec![nature];
    for of_kind in [None, Some(kind)] {
        classes.extend(door.procedures().iter().map(|slug| Class::Procedure(slug.clone(), of_kind)));
        if !kind.is_own_counter() {
            classes.extend(door.groups().iter().map(|group| Class::Group(group.clone(), of_kind)));
        }
    }
    // A record may name the same thing twice.
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// Whom doors serve, worked out once for those that have it in common.
struct Reaches<'c> {
    catalogue: &'c Catalogue,
    territory: &'c Territory,
    /// By area, institution and commune.
    known: HashMap<(Area, Option<String>, CommuneCode), Reach, FixedState>,
}

impl Reaches<'_> {
    fn of(&mut self, structure: &Structure) -> Reach {
        if structure.territory.is_empty() {
            return self.by_kind(structure.kind, structure.institution.as_deref(), structure.commune);
        }
        structure.territory.iter().filter_map(|code| self.territory.zone(code)).collect()
    }

    /// The area on record is the structure's own, not that of whoever holds a session there.
    fn of_session(&mut self, structure: &Structure, session: &Session) -> Reach {
        self.by_kind(session.kind, session.institution.as_deref(), structure.commune)
    }

    fn by_kind(&mut self, kind: Kind, institution: Option<&str>, seat: CommuneCode) -> Reach {
        let institution = institution.filter(|_| kind == Kind::Guichet);
        let area = self.catalogue.area_of(kind, institution);
        let (catalogue, territory) = (self.catalogue, self.territory);
        // An area that covers everybody, or is that of any kind, is the same whatever the institution.
        let institution = institution.filter(|_| matches!(area, Area::Departement | Area::Fund));
        let known = self.known.entry((area, institution.map(str::to_owned), seat));
        let zones = || match territory.resolve(&seat) {
            _ if area == Area::Everywhere => vec![Zone::EVERYWHERE],
            Some(seat) => {
                let codes = area.served_from(seat.commune, |departement| catalogue.sharing(institution, departement));
                codes.unwrap_or_default().iter().filter_map(|code| territory.zone(code)).collect()
            }
            None => Vec::new(),
        };
        known.or_insert_with(|| zones().into()).clone()
    }
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

    fn of_session(&mut self, structure: &Structure, session: &Session) -> Option<Arc<Schedule>> {
        self.read(structure, session.opening_hours.as_ref(), session.hours_checked_on)
    }

    fn read(&mut self, structure: &Structure, hours: Option<&String>, checked_on: Option<NaiveDate>) -> Option<Arc<Schedule>> {
        let hours = hours.filter(|_| still_counts(checked_on, self.now.date_naive()));
        let is_silent = hours.is_none() && structure.closures.is_empty();
        if structure.is_closed() || is_silent {
            return None;
        }
        let commune = self.territory.resolve(&structure.commune)?.commune;
        let region = HolidayRegion::of_departement(&commune.departement);
        // Closures are a place's own: nothing to share.
        if !structure.closures.is_empty() {
            let hours = hours.map(String::as_str);
            return Schedule::with_closures(hours, &structure.closures, commune.time_zone, region, self.now).map(Arc::new);
        }
        let hours = hours?;
        let key = (hours.clone(), commune.time_zone, region);
        let parse = || Schedule::parse(hours, commune.time_zone, region, self.now).map(Arc::new);
        self.known.entry(key).or_insert_with(parse).clone()
    }
}
