//! Who may serve this person, on what ground, or why not.

use aiguilleur_domain::need::Channel;
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::reason::Exclusion;
use aiguilleur_domain::structure::{Access, Kind};
use aiguilleur_domain::target::Target;
use aiguilleur_domain::territory::{Commune, CommuneKind};
use uuid::Uuid;

use super::Search;
use crate::door::Door;
use crate::layer::Class;
use crate::rule::is_bound_to_event;
use crate::territory::Resolved;
use crate::{Directory, Nearby};

const TOWN_HALLS: Class = Class::Kind(Kind::Mairie);

/// Why a structure may serve this residence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Competence {
    /// Anybody may come.
    Unbound,
    /// Its own record says so.
    Recorded,
    /// Its kind's usual area covers the residence.
    ByKind,
    /// It keeps the registers of the event's commune.
    ForEvent,
}

/// A birth, a marriage or a death, by the commune that registered it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'d> {
    pub commune: &'d Commune,
    /// In Paris, Lyon and Marseille registers are kept by arrondissement or sector: the town hall that has this code at its source.
    only: Option<Uuid>,
}

impl<'d> Event<'d> {
    /// `None` when the procedure isn't about an event.
    pub fn of(procedure: &Procedure, directory: &'d Directory, told: Resolved<'d>) -> Option<Self> {
        let matters = is_bound_to_event(procedure) || procedure.targets().any(|target| target == Target::EventTownHall);
        let whole = Self { commune: told.commune, only: None };
        let arrondissement = told.from.filter(|from| from.kind == CommuneKind::Arrondissement);
        let only = arrondissement.and_then(|from| {
            let mut halls = directory.bound(&TOWN_HALLS, directory.territory.zones_of(&told.commune.code));
            let kept_there = |hall: &Door<'_>| hall.structure().source_id == from.code.registry() && whole.is_registered_at(hall);
            halls.find(kept_there).map(|hall| hall.structure().id)
        });
        matters.then_some(Self { only, ..whole })
    }

    fn is_registered_at(&self, door: &Door<'_>) -> bool {
        let covers =
            if door.has_recorded_area() { self.commune.lies_in(&door.structure().territory) } else { door.commune() == self.commune.code };
        door.is_own() && door.kind() == Kind::Mairie && covers && self.only.is_none_or(|only| door.id() == only)
    }
}

impl<'d> Search<'d> {
    /// Whether a structure may be offered, on what ground, or why not.
    pub(super) fn admit(&self, door: &Door<'d>) -> Result<Competence, Exclusion> {
        if door.refuses(self.procedure) {
            return Err(Exclusion::ProcedureNotOffered);
        }
        let competence = self.competence(door).ok_or_else(|| self.why_not_competent(door))?;
        self.obstacle(door).map_or(Ok(competence), Err)
    }

    /// What the person's own wishes have against it.
    pub(super) fn obstacle(&self, door: &Door<'d>) -> Option<Exclusion> {
        let need = self.need;
        let structure = door.structure();
        if need.drop_in && door.access() == Access::Appointment {
            return Some(Exclusion::AppointmentOnly);
        }
        if need.wheelchair && structure.wheelchair == Some(false) {
            return Some(Exclusion::NotWheelchairAccessible);
        }
        if let Some(language) = &need.language
            && language != "fr"
            && !door.languages().is_empty()
            && !door.languages().contains(language)
        {
            return Some(Exclusion::LanguageNotSpoken { language: language.clone() });
        }
        if let Some(help_kind) = need.help_kind
            && !door.help_kinds().is_empty()
            && !door.help_kinds().contains(&help_kind)
        {
            return Some(Exclusion::HelpKindNotOffered);
        }
        (need.channel == Channel::Phone && structure.phone.is_none()).then_some(Exclusion::NoTelephone)
    }

    pub(super) fn competence(&self, door: &Door<'_>) -> Option<Competence> {
        if self.event.is_some_and(|event| event.is_registered_at(door)) {
            return Some(Competence::ForEvent);
        }
        self.competence_for_residence(door)
    }

    fn competence_for_residence(&self, door: &Door<'_>) -> Option<Competence> {
        let kind = door.kind();
        if kind == Kind::Mairie && is_bound_to_event(self.procedure) && !self.stands_in(door) {
            return None;
        }
        let recorded = door.has_recorded_area();
        if door.serves_everybody() || self.is_free_choice(kind) && !recorded {
            return Some(Competence::Unbound);
        }
        door.serves(self.zones).then_some(if recorded { Competence::Recorded } else { Competence::ByKind })
    }

    /// Any town hall will do, whatever the residence.
    fn is_free_choice(&self, kind: Kind) -> bool {
        kind == Kind::Mairie && self.procedure.territory == TerritoryRule::CommuneLibre
    }

    fn why_not_competent(&self, door: &Door<'_>) -> Exclusion {
        if door.kind() == Kind::Mairie && is_bound_to_event(self.procedure) {
            return self.why_not_for_event();
        }
        Exclusion::NotCompetentForCommune { commune: self.residence.name.clone() }
    }

    /// Why a town hall doesn't have the act.
    pub(super) fn why_not_for_event(&self) -> Exclusion {
        match self.event {
            Some(event) => Exclusion::NotCompetentForEvent { commune: event.commune.name.clone() },
            None => Exclusion::EventCommuneUnknown,
        }
    }

    /// Whether the residence decides which member of the class is competent, whatever its distance.
    pub(super) fn is_bound_to_commune(&self, class: &Class) -> bool {
        matches!(class, Class::Kind(kind @ (Kind::CcasCias | Kind::Mairie)) if !self.is_free_choice(*kind))
    }

    /// The doors of a class that may serve this residence, nearest first.
    pub(super) fn serving(&self, class: &Class) -> Nearby<'d> {
        // A town hall may be competent for others than those it serves.
        let for_others = self.procedure.territory == TerritoryRule::CommuneLibre || self.event.is_some();
        let may_be_town_hall = match class {
            Class::Kind(kind) | Class::Procedure(_, Some(kind)) | Class::Group(_, Some(kind)) => *kind == Kind::Mairie,
            Class::Procedure(_, None) | Class::Group(_, None) => true,
            Class::Desk(_) => false,
        };
        if for_others && may_be_town_hall {
            self.directory.nearest(class, self.need.location)
        } else {
            self.directory.serving(class, self.zones, self.need.location)
        }
    }

    /// Of a class bound to the commune, those competent for the residence.
    pub(super) fn own_doors(&self, class: &Class) -> impl Iterator<Item = Door<'d>> {
        let own = self.directory.bound(class, self.zones);
        own.filter(|door| door.is_for(self.procedure) && self.competence_for_residence(door).is_some())
    }

    /// The town halls that the residence or an event names by themselves, with their rank.
    pub(super) fn single_town_halls(&self) -> impl Iterator<Item = (u16, Vec<Door<'d>>)> {
        self.stand_ins().chain(self.event_town_halls())
    }

    /// The town hall in place of a CCAS that isn't on record.
    pub(super) fn stand_ins(&self) -> impl Iterator<Item = (u16, Vec<Door<'d>>)> {
        self.stand_in_rank.into_iter().map(|rank| {
            let halls = self.directory.in_commune(&TOWN_HALLS, self.residence.code);
            (rank, halls.filter(|door| self.stands_in(door)).collect())
        })
    }

    /// The town halls that registered the event, where its commune is known.
    pub(super) fn event_town_halls(&self) -> impl Iterator<Item = (u16, Vec<Door<'d>>)> {
        self.rule.event_rank.zip(self.event).into_iter().map(|(rank, event)| {
            let halls = self.directory.bound(&TOWN_HALLS, self.directory.territory.zones_of(&event.commune.code));
            (rank, halls.filter(|door| event.is_registered_at(door)).collect())
        })
    }

    /// The town hall of the residence, where no CCAS of it is on record.
    pub(super) fn stands_in(&self, door: &Door<'_>) -> bool {
        let own_town_hall = door.is_own() && door.kind() == Kind::Mairie && door.commune() == self.residence.code;
        self.stand_in_rank.is_some() && own_town_hall
    }

    pub(super) fn ccas_on_record(&self) -> bool {
        self.own_doors(&Class::Kind(Kind::CcasCias)).next().is_some()
    }
}
