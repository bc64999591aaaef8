//! The slow, obvious version of `orient()`, written from the rules: look at every structure, keep those that may be offered,
//! put them in their order.

use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::{Opening, Schedule, still_counts};
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::ranking::{self, Contender, Standing};
use aiguilleur_domain::reason::ExclusionCode;
use aiguilleur_domain::structure::{Access, Kind, Structure};
use aiguilleur_domain::target::Target;
use aiguilleur_domain::territory::{Commune, Location};
use uuid::Uuid;

use crate::builders::{centre, communes};

pub struct Oracle<'w> {
    pub procedure: &'w Procedure,
    /// Closed ones included.
    pub structures: &'w [Structure],
    pub need: &'w Need,
    residence: Commune,
    communes: Vec<Commune>,
}

/// One place expected in an answer.
#[derive(Debug, PartialEq)]
pub struct Expected {
    pub id: Uuid,
    pub distance_m: f64,
    pub stands_in: bool,
}

/// The places in their order, and the radius in which they were found.
#[derive(Debug)]
pub struct Answer {
    pub places: Vec<Expected>,
    pub searched_m: f64,
}

impl<'w> Oracle<'w> {
    pub fn new(procedure: &'w Procedure, structures: &'w [Structure], need: &'w Need) -> Self {
        let communes = communes();
        let residence = communes.iter().find(|commune| commune.code == need.residence).unwrap().clone();
        Self { procedure, structures, need, residence, communes }
    }

    pub fn answer(&self) -> Answer {
        let radii = self.need.max_distance_m.map_or_else(|| ranking::SEARCH_RADII_M.to_vec(), |only| vec![f64::from(only)]);
        let mut answer = Answer { places: Vec::new(), searched_m: 0.0 };
        for radius in radii {
            answer = Answer { places: self.within(radius), searched_m: radius };
            if !answer.places.is_empty() {
                break;
            }
        }
        answer
    }

    fn within(&self, radius: f64) -> Vec<Expected> {
        let mut contenders: Vec<Contender<Expected>> = self
            .structures
            .iter()
            .filter(|structure| structure.closed_on.is_none())
            .filter(|structure| self.is_competent(structure) && self.obstacle(structure).is_none())
            .filter_map(|structure| Some(self.contender(structure, self.rank(structure)?)))
            .filter(|contender| contender.item.distance_m <= radius)
            .collect();
        ranking::order(&mut contenders);
        contenders.into_iter().take(self.need.limit).map(|contender| contender.item).collect()
    }

    fn contender(&self, structure: &Structure, rank: u16) -> Contender<Expected> {
        let distance_m = self.distance(structure);
        let day = self.need.at.date_naive();
        let standing = Standing::new(
            self.opening(structure).status,
            structure.access,
            self.need.drop_in,
            ranking::is_fresh(structure.source_date, day),
            structure.capacity_on(day),
        );
        Contender {
            cost_m: distance_m + 4_000.0 * (f64::from(rank) - 1.0),
            standing,
            to_centre_m: self.need.location.distance_m(position(structure)),
            id: structure.id,
            item: Expected { id: structure.id, distance_m, stands_in: self.stands_in(structure) },
        }
    }

    pub fn opening(&self, structure: &Structure) -> Opening {
        let commune = self.communes.iter().find(|commune| commune.code == structure.commune).unwrap();
        let hours = structure.opening_hours.as_ref().filter(|_| still_counts(structure.hours_checked_on, self.need.at.date_naive()));
        hours.map_or(Opening::UNKNOWN, |hours| {
            Schedule::parse(hours, commune.time_zone, HolidayRegion::National, self.need.at).unwrap().at(self.need.at)
        })
    }

    fn distance(&self, structure: &Structure) -> f64 {
        if self.need.precision == Precision::Commune && structure.commune == self.need.commune {
            return 0.0;
        }
        self.need.location.distance_m(position(structure))
    }

    /// Its place in the rule's order of preference; a place that declares the procedure without being named comes after all others.
    fn rank(&self, structure: &Structure) -> Option<u16> {
        let wanted = |kind| self.need.kinds.is_empty() || self.need.kinds.contains(&kind);
        let declares = self.declares(structure);
        let mut best = None;
        for (word, rank) in self.procedure.first_targets.iter().zip(1..) {
            let means = match Target::parse(word).unwrap() {
                Target::Kind(Kind::CcasCias) if self.stands_in(structure) => wanted(Kind::CcasCias) || wanted(Kind::Mairie),
                Target::Kind(kind) => kind == structure.kind && wanted(kind),
                Target::Desk(institution) => {
                    let farm = self.need.regime == Regime::Agricole && ["caf", "cpam"].contains(&institution);
                    let institution = if farm { "msa" } else { institution };
                    structure.kind == Kind::Guichet && structure.institution.as_deref() == Some(institution) && wanted(Kind::Guichet)
                }
                Target::Declared(Some(kind)) => kind == structure.kind && declares && self.is_wanted(structure),
                Target::Declared(None) | Target::EventTownHall | Target::NoPlace => false,
            };
            if means {
                best = best.or(Some(rank));
            }
        }
        let last = u16::try_from(self.procedure.first_targets.len()).unwrap() + 1;
        best.or((declares && self.is_wanted(structure)).then_some(last))
    }

    fn is_wanted(&self, structure: &Structure) -> bool {
        let wanted = |kind| self.need.kinds.is_empty() || self.need.kinds.contains(&kind);
        wanted(structure.kind) || wanted(Kind::CcasCias) && self.stands_in(structure)
    }

    /// The town hall of the residence, when the rule names a CCAS and none that serves the residence is on record.
    fn stands_in(&self, structure: &Structure) -> bool {
        let asks_for_ccas = self.procedure.first_targets.iter().any(|word| word == "ccas");
        let is_theirs = |ccas: &Structure| ccas.kind == Kind::CcasCias && ccas.closed_on.is_none() && self.is_competent(ccas);
        let own_town_hall = structure.kind == Kind::Mairie && structure.commune == self.need.residence;
        asks_for_ccas && own_town_hall && !self.structures.iter().any(is_theirs)
    }

    pub fn is_competent(&self, structure: &Structure) -> bool {
        let same_departement = structure.commune.departement() == self.need.residence.departement();
        if !structure.territory.is_empty() {
            return self.residence.lies_in(&structure.territory);
        }
        match structure.kind {
            Kind::Mairie => structure.commune == self.need.residence || self.procedure.territory == TerritoryRule::CommuneLibre,
            Kind::CcasCias => structure.commune == self.need.residence,
            Kind::MaisonDesSolidarites | Kind::PointNumeriquePrefecture => same_departement,
            Kind::Guichet => same_departement || self.procedure.territory == TerritoryRule::National,
            _ => true,
        }
    }

    pub fn declares(&self, structure: &Structure) -> bool {
        structure.procedures.contains(&self.procedure.slug) || structure.groups.contains(&self.procedure.group)
    }

    /// Why a competent structure isn't offered to this person.
    pub fn obstacle(&self, structure: &Structure) -> Option<ExclusionCode> {
        let need = self.need;
        if structure.not_offered.contains(&self.procedure.slug) {
            return Some(ExclusionCode::ProcedureNotOffered);
        }
        if need.drop_in && structure.access == Access::Appointment {
            return Some(ExclusionCode::AppointmentOnly);
        }
        if need.wheelchair && structure.wheelchair == Some(false) {
            return Some(ExclusionCode::NotWheelchairAccessible);
        }
        let speaks = |language: &String| language == "fr" || structure.languages.is_empty() || structure.languages.contains(language);
        if !need.language.as_ref().is_none_or(speaks) {
            return Some(ExclusionCode::LanguageNotSpoken);
        }
        if !need.help_kind.is_none_or(|help| structure.help_kinds.is_empty() || structure.help_kinds.contains(&help)) {
            return Some(ExclusionCode::HelpKindNotOffered);
        }
        (need.channel == Channel::Phone && structure.phone.is_none()).then_some(ExclusionCode::NoTelephone)
    }
}

fn position(structure: &Structure) -> Location {
    structure.location.unwrap_or_else(|| centre(structure.commune.as_str()))
}
