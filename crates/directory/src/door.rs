//! A door to knock at: a structure itself, or somebody's session there.

use std::sync::Arc;

use aiguilleur_domain::opening::{Opening, Schedule};
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::structure::{Access, Capacity, HelpKind, Kind, Session, Structure};
use aiguilleur_domain::territory::{CommuneCode, Location};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::layer::{Entry, opening_at};
use crate::territory::{Zone, Zones};

/// Whom a door serves: the residents of these zones.
pub type Reach = Arc<[Zone]>;

/// What weighing a door takes, side by side in memory. A search weighs dozens of doors and tells of a few; the whole record lies
/// scattered, and fetching it costs more than weighing it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub struct Brief {
    id: Uuid,
    /// Where distances are measured to.
    pub(crate) position: Option<Location>,
    /// `None`: no hours, unreadable ones, or hours too old to count, and no exceptional closure.
    schedule: Option<Arc<Schedule>>,
    pub(crate) reach: Reach,
    /// The first zone of its reach, often the only one.
    first_zone: Zone,
    /// The number of its structure in its layer.
    pub(crate) entry: u32,
    /// Its own door (0), or that of one of its sessions, counted from 1.
    part: u16,
    hours_checked_on: Option<NaiveDate>,
    source_date: Option<NaiveDate>,
    pub(crate) commune: CommuneCode,
    kind: Kind,
    access: Access,
    /// Its record names the area it serves.
    has_recorded_area: bool,
    /// It is there for all that its kind handles: any structure, and a session held for nothing in particular.
    is_general: bool,
    /// Its record names procedures, or groups of them.
    declares_some: bool,
    /// Its record names procedures that it doesn't do.
    refuses_some: bool,
    has_capacity: bool,
    is_disputed: bool,
}

impl Brief {
    /// `schedule` and `reach` are the door's own.
    pub(crate) fn own(
        structure: &Structure,
        entry: u32,
        position: Option<Location>,
        schedule: Option<Arc<Schedule>>,
        reach: Reach,
    ) -> Self {
        Self {
            id: structure.id,
            position,
            schedule,
            first_zone: reach.first().copied().unwrap_or(Zone::NOWHERE),
            reach,
            entry,
            part: 0,
            hours_checked_on: structure.hours_checked_on,
            source_date: structure.source_date,
            commune: structure.commune,
            kind: structure.kind,
            access: structure.access,
            has_recorded_area: !structure.territory.is_empty(),
            is_general: true,
            declares_some: !(structure.procedures.is_empty() && structure.groups.is_empty()),
            refuses_some: !structure.not_offered.is_empty(),
            has_capacity: structure.capacity.is_some(),
            is_disputed: structure.disputed,
        }
    }

    /// That of a session, counted from 1, at a door.
    pub(crate) fn of_session(&self, session: &Session, part: u16, schedule: Option<Arc<Schedule>>, reach: Reach) -> Self {
        Self {
            schedule,
            first_zone: reach.first().copied().unwrap_or(Zone::NOWHERE),
            reach,
            part,
            hours_checked_on: session.hours_checked_on,
            kind: session.kind,
            access: session.access,
            // The area, the refusals and the room on record are the structure's own.
            has_recorded_area: false,
            is_general: session.is_general(),
            declares_some: !session.is_general(),
            refuses_some: false,
            has_capacity: false,
            ..*self
        }
    }

    pub(crate) fn serves_everybody(&self) -> bool {
        *self.reach == [Zone::EVERYWHERE]
    }
}

/// Of a session, the place (its position, telephone, steps) is the structure's; the rest is the holder's, or unknown.
#[derive(Debug, Clone, Copy)]
pub struct Door<'d> {
    pub entry: &'d Entry,
    pub(crate) brief: &'d Brief,
}

impl<'d> Door<'d> {
    /// Whom it serves, procedures apart.
    pub(crate) fn serves(&self, residence: Zones) -> bool {
        residence.contains(&self.brief.first_zone) || self.brief.reach.iter().skip(1).any(|zone| residence.contains(zone))
    }

    pub(crate) fn serves_everybody(&self) -> bool {
        self.brief.first_zone == Zone::EVERYWHERE && self.brief.reach.len() == 1
    }

    /// Whether its record names the area it serves.
    pub(crate) fn has_recorded_area(&self) -> bool {
        self.brief.has_recorded_area
    }

    pub fn structure(&self) -> &'d Structure {
        &self.entry.structure
    }

    pub fn session(&self) -> Option<&'d Session> {
        self.session_number().and_then(|number| self.entry.structure.sessions.get(number))
    }

    /// That of the session in its structure's list.
    fn session_number(&self) -> Option<usize> {
        self.brief.part.checked_sub(1).map(usize::from)
    }

    /// Whether it is the structure's own, not that of a session.
    pub fn is_own(&self) -> bool {
        self.brief.part == 0
    }

    /// What tells two doors apart.
    pub fn key(&self) -> (Uuid, Option<usize>) {
        (self.id(), self.session_number())
    }

    /// Its structure's.
    pub fn id(&self) -> Uuid {
        self.brief.id
    }

    pub fn commune(&self) -> CommuneCode {
        self.brief.commune
    }

    pub fn position(&self) -> Option<Location> {
        self.brief.position
    }

    pub fn kind(&self) -> Kind {
        self.brief.kind
    }

    pub fn institution(&self) -> Option<&'d str> {
        self.session().map_or(&self.structure().institution, |session| &session.institution).as_deref()
    }

    pub fn access(&self) -> Access {
        self.brief.access
    }

    /// The day on which its structure's record was last seen in its source.
    pub fn source_date(&self) -> Option<NaiveDate> {
        self.brief.source_date
    }

    /// Somebody found its structure's record wrong, and nobody has settled that yet.
    pub fn is_disputed(&self) -> bool {
        self.brief.is_disputed
    }

    pub fn opening_hours(&self) -> Option<&'d String> {
        self.session().map_or(&self.structure().opening_hours, |session| &session.opening_hours).as_ref()
    }

    pub fn hours_checked_on(&self) -> Option<NaiveDate> {
        self.brief.hours_checked_on
    }

    pub fn opening_at(&self, instant: DateTime<Utc>) -> Opening {
        opening_at(self.brief.schedule.as_deref(), self.brief.hours_checked_on, instant)
    }

    /// The procedures that who stands behind it says they handle.
    pub fn procedures(&self) -> &'d [String] {
        self.session().map_or(&self.structure().procedures, |session| &session.procedures)
    }

    /// The same of groups of procedures.
    pub fn groups(&self) -> &'d [String] {
        self.session().map_or(&self.structure().groups, |session| &session.groups)
    }

    /// Whether who stands behind it says that they handle the procedure.
    pub fn declares(&self, procedure: &Procedure) -> bool {
        let declares = || match self.session() {
            None => self.structure().declares(&procedure.slug, &procedure.group),
            Some(session) => session.declares(&procedure.slug, &procedure.group),
        };
        self.brief.declares_some && declares()
    }

    /// A session held for some procedures is held for no others.
    pub fn is_for(&self, procedure: &Procedure) -> bool {
        self.brief.is_general || self.declares(procedure)
    }

    /// Whether it is the place itself that says no to the procedure.
    pub fn refuses(&self, procedure: &Procedure) -> bool {
        self.brief.refuses_some && self.structure().not_offered.contains(&procedure.slug)
    }

    /// Empty: not known.
    pub fn languages(&self) -> &'d [String] {
        if self.is_own() { &self.structure().languages } else { &[] }
    }

    /// Empty: not known.
    pub fn help_kinds(&self) -> &'d [HelpKind] {
        if self.is_own() { &self.structure().help_kinds } else { &[] }
    }

    pub fn capacity_on(&self, day: NaiveDate) -> Option<Capacity> {
        if self.brief.has_capacity { self.structure().capacity_on(day) } else { None }
    }
}
