//! Why an option is there, and what to beware of.

use aiguilleur_domain::area::Area;
use aiguilleur_domain::need::Precision;
use aiguilleur_domain::opening::{Opening, OpeningStatus, still_counts};
use aiguilleur_domain::procedure::{FranceServicesHelp, Mandate};
use aiguilleur_domain::ranking::{self, whole_metres};
use aiguilleur_domain::reason::{Caution, Reason};
use aiguilleur_domain::structure::{Access, Capacity, Kind};

use super::competence::Competence;
use super::{Candidate, Choice, ChoiceTarget, Search};

impl<'d> Search<'d> {
    pub(super) fn choice(&self, candidate: &Candidate<'d>, cost_m: f64) -> Choice<'d> {
        let opening = candidate.door.opening_at(self.need.at);
        Choice {
            distance_m: Some(whole_metres(candidate.distance_m)),
            access: candidate.door.access(),
            reasons: self.reasons(candidate, &opening),
            cautions: self.cautions(candidate, &opening),
            opening,
            score: ranking::score(cost_m),
            target: ChoiceTarget::Structure(candidate.door),
        }
    }

    fn reasons(&self, candidate: &Candidate<'d>, opening: &Opening) -> Vec<Reason> {
        let door = &candidate.door;
        let structure = door.structure();
        let day = self.need.at.date_naive();
        let mut reasons = vec![if door.declares(self.procedure) { Reason::DeclaresProcedure } else { Reason::HandlesProcedure }];
        if let Some(session) = door.session() {
            reasons.push(Reason::Session { holder: session.holder.clone() });
        }
        match (candidate.competence, self.event) {
            (Competence::Unbound, _) => {}
            (Competence::ForEvent, Some(event)) => reasons.push(Reason::CompetentForEvent { commune: event.commune.name.clone() }),
            _ => reasons.push(Reason::CompetentForCommune { commune: self.residence.name.clone() }),
        }
        reasons.push(if self.need.precision == Precision::Commune && structure.commune == self.need.commune {
            Reason::InCommune
        } else {
            Reason::Distance { metres: whole_metres(candidate.distance_m) }
        });
        match opening {
            Opening { status: OpeningStatus::Open, until: Some(until), .. } => reasons.push(Reason::OpenNow { until: *until }),
            Opening { status: OpeningStatus::Open, until: None, .. } => reasons.push(Reason::AlwaysOpen),
            Opening { next: Some(at), .. } => reasons.push(Reason::NextOpening { at: *at }),
            _ => {}
        }
        match door.access() {
            Access::DropIn => reasons.push(Reason::DropIn),
            Access::Appointment => reasons.push(Reason::ByAppointment),
            Access::Unknown => {}
        }
        // What the structure offers, a session's holder doesn't promise.
        let structure_itself = door.is_own();
        if structure_itself && structure.free == Some(true) {
            reasons.push(Reason::Free);
        }
        if let Some(language) = self.need.language.as_ref().filter(|language| door.languages().contains(language)) {
            reasons.push(Reason::SpeaksLanguage { language: language.clone() });
        }
        if structure.wheelchair == Some(true) {
            reasons.push(Reason::WheelchairAccessible);
        }
        if let Some(capacity @ (Capacity::Open | Capacity::FewPlaces)) = door.capacity_on(day) {
            reasons.push(Reason::CapacityDeclared { capacity });
        }
        if structure_itself && structure.aidants_connect == Some(true) {
            reasons.push(Reason::AidantsConnect);
        }
        if structure_itself && structure.at_home == Some(true) {
            reasons.push(Reason::AtHome);
        }
        if ranking::is_fresh(structure.source_date, day) {
            reasons.push(Reason::RecordFresh);
        }
        if let Some(experience) = &self.need.experience
            && let (place, procedure) = (structure.id, &self.procedure.slug)
            && let Some((past, out_of_ten)) = experience.told(place, procedure).zip(experience.out_of_ten(place, procedure))
        {
            reasons.push(Reason::PastOutcomes { out_of_ten, referrals: past.known });
        }
        reasons
    }

    fn cautions(&self, candidate: &Candidate<'d>, opening: &Opening) -> Vec<Caution> {
        let door = &candidate.door;
        let structure = door.structure();
        let day = self.need.at.date_naive();
        let mut cautions = Vec::new();
        if structure.demonstration {
            cautions.push(Caution::Demonstration);
        }
        if structure.disputed {
            cautions.push(Caution::Disputed);
        }
        if self.stands_in(door) {
            cautions.push(Caution::CcasUnlisted { commune: self.residence.name.clone() });
        }
        match opening {
            Opening { status: OpeningStatus::Unknown, .. } => {
                cautions.push(if door.opening_hours().is_some() && !still_counts(door.hours_checked_on(), day) {
                    Caution::HoursUnchecked
                } else {
                    Caution::HoursUnknown
                });
            }
            Opening { status: OpeningStatus::Closed, next: None, .. } => cautions.push(Caution::NoOpeningSoon),
            Opening { .. } => {}
        }
        if structure.itinerant {
            cautions.push(Caution::Itinerant);
        }
        if structure.location.is_none() {
            cautions.push(Caution::PositionApproximate);
        }
        if door.access() == Access::Appointment {
            cautions.push(Caution::AppointmentOnly);
        }
        match door.capacity_on(day) {
            Some(Capacity::WaitingList) => cautions.push(Caution::WaitingList),
            Some(Capacity::Full) => cautions.push(Caution::Full),
            Some(Capacity::Open | Capacity::FewPlaces) | None => {}
        }
        if candidate.is_far {
            let commune = self.event.filter(|_| candidate.competence == Competence::ForEvent).map_or(self.residence, |event| event.commune);
            cautions.push(Caution::FarButCompetent { commune: commune.name.clone() });
        }
        if candidate.competence == Competence::ByKind {
            let area = self.directory.catalogue.area_of(door.kind(), door.institution());
            // A commune's own CCAS or town hall is known to be its own.
            if area != Area::Commune {
                cautions.push(Caution::AreaAssumed { area });
            }
        }
        if door.kind() == Kind::FranceServices && self.procedure.france_services == FranceServicesHelp::Partial {
            cautions.push(Caution::FranceServicesPartial);
        }
        match self.procedure.mandate {
            Mandate::PersonalPresence => cautions.push(Caution::PersonalPresence),
            Mandate::Required => cautions.push(Caution::MandateRequired),
            Mandate::No | Mandate::IfActingFor => {}
        }
        if self.need.wheelchair && structure.wheelchair.is_none() {
            cautions.push(Caution::WheelchairUnknown);
        }
        if let Some(language) = self.need.language.as_ref().filter(|language| *language != "fr" && door.languages().is_empty()) {
            cautions.push(Caution::LanguageUnknown { language: language.clone() });
        }
        cautions
    }
}
