//! A door to knock at: a structure itself, or somebody's session there.

use aiguilleur_domain::opening::Opening;
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::structure::{Access, Capacity, HelpKind, Kind, Session, Structure};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::layer::{Class, Entry, opening_at};
use crate::territory::{Zone, Zones};

/// Of a session, the place (its position, telephone, steps) is the structure's; the rest is the holder's, or unknown.
#[derive(Debug, Clone, Copy)]
pub struct Door<'d> {
    pub entry: &'d Entry,
    /// The session's number in the structure's list, and itself.
    session: Option<(usize, &'d Session)>,
}

impl<'d> Door<'d> {
    /// The structure's own door.
    pub fn own(entry: &'d Entry) -> Self {
        Self { entry, session: None }
    }

    pub fn sessions(entry: &'d Entry) -> impl Iterator<Item = Self> {
        entry.structure.sessions.iter().enumerate().map(move |session| Self { entry, session: Some(session) })
    }

    /// The structure's own (0), or that of one of its sessions, counted from 1.
    pub(crate) fn of(entry: &'d Entry, part: usize) -> Option<Self> {
        let Some(number) = part.checked_sub(1) else { return Some(Self::own(entry)) };
        Some(Self { entry, session: Some((number, entry.structure.sessions.get(number)?)) })
    }

    /// Whom it serves, procedures apart: the residents of these zones.
    pub(crate) fn reach(&self) -> &'d [Zone] {
        match self.session {
            None => &self.entry.reach,
            Some((number, _)) => self.entry.session_reaches.get(number).map_or(&[], |reach| reach),
        }
    }

    pub(crate) fn serves(&self, residence: Zones) -> bool {
        self.reach().iter().any(|zone| residence.contains(zone))
    }

    /// Its own, then its sessions'.
    pub fn all(entry: &'d Entry) -> impl Iterator<Item = Self> {
        std::iter::once(Self::own(entry)).chain(Self::sessions(entry))
    }

    pub fn structure(&self) -> &'d Structure {
        &self.entry.structure
    }

    pub fn session(&self) -> Option<&'d Session> {
        self.session.map(|(_, session)| session)
    }

    /// What tells two doors apart.
    pub fn key(&self) -> (Uuid, Option<usize>) {
        (self.structure().id, self.session.map(|(number, _)| number))
    }

    pub fn kind(&self) -> Kind {
        self.session().map_or(self.structure().kind, |session| session.kind)
    }

    pub fn institution(&self) -> Option<&'d str> {
        self.session().map_or(&self.structure().institution, |session| &session.institution).as_deref()
    }

    pub fn access(&self) -> Access {
        self.session().map_or(self.structure().access, |session| session.access)
    }

    pub fn opening_hours(&self) -> Option<&'d String> {
        self.session().map_or(&self.structure().opening_hours, |session| &session.opening_hours).as_ref()
    }

    pub fn hours_checked_on(&self) -> Option<NaiveDate> {
        self.session().map_or(self.structure().hours_checked_on, |session| session.hours_checked_on)
    }

    pub fn opening_at(&self, instant: DateTime<Utc>) -> Opening {
        match self.session {
            None => self.entry.opening_at(instant),
            Some((number, session)) => {
                let schedule = self.entry.session_schedules.get(number).and_then(Option::as_deref);
                opening_at(schedule, session.hours_checked_on, instant)
            }
        }
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
        match self.session() {
            None => self.structure().declares(&procedure.slug, &procedure.group),
            Some(session) => session.declares(&procedure.slug, &procedure.group),
        }
    }

    /// A session held for some procedures is held for no others.
    pub fn is_for(&self, procedure: &Procedure) -> bool {
        self.session().is_none_or(|session| session.is_general() || self.declares(procedure))
    }

    /// Whether it is the place itself that says no to the procedure.
    pub fn refuses(&self, procedure: &Procedure) -> bool {
        self.session.is_none() && self.structure().not_offered.contains(&procedure.slug)
    }

    /// Whether it belongs to the class of a kind or of an institution's desks.
    pub fn is_of(&self, class: &Class) -> bool {
        match (class, self.kind(), self.institution()) {
            (Class::Desk(wanted), Kind::Guichet, Some(institution)) => wanted == institution,
            (Class::Kind(wanted), kind, institution) => *wanted == kind && !(kind == Kind::Guichet && institution.is_some()),
            (Class::Desk(_) | Class::Procedure(..) | Class::Group(..), ..) => false,
        }
    }

    /// Empty: not known.
    pub fn languages(&self) -> &'d [String] {
        if self.session.is_none() { &self.structure().languages } else { &[] }
    }

    /// Empty: not known.
    pub fn help_kinds(&self) -> &'d [HelpKind] {
        if self.session.is_none() { &self.structure().help_kinds } else { &[] }
    }

    pub fn capacity_on(&self, day: NaiveDate) -> Option<Capacity> {
        if self.session.is_none() { self.structure().capacity_on(day) } else { None }
    }
}
