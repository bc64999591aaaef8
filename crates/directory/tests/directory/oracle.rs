//! The slow, obvious version of `orient()`, written from the rules: look at every structure, keep those that may be offered,
//! put them in their order.

use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::{Opening, Schedule, still_counts};
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::ranking::{self, Contender, Standing};
use aiguilleur_domain::reason::ExclusionCode;
use aiguilleur_domain::structure::{Access, Kind, Session, Structure};
use aiguilleur_domain::target::Target;
use aiguilleur_domain::territory::{Commune, CommuneCode, Location};
use uuid::Uuid;

use crate::builders::{centre, communes};

/// A structure, or one of the sessions held there.
#[derive(Debug, Clone, Copy)]
pub struct Door<'w> {
    pub structure: &'w Structure,
    pub session: Option<&'w Session>,
}

impl<'w> Door<'w> {
    pub fn all(structure: &'w Structure) -> impl Iterator<Item = Self> {
        std::iter::once(None).chain(structure.sessions.iter().map(Some)).map(move |session| Self { structure, session })
    }

    pub fn kind(&self) -> Kind {
        self.session.map_or(self.structure.kind, |session| session.kind)
    }

    fn institution(&self) -> Option<&'w str> {
        self.session.map_or(&self.structure.institution, |session| &session.institution).as_deref()
    }

    fn access(&self) -> Access {
        self.session.map_or(self.structure.access, |session| session.access)
    }

    fn is_of(&self, kind: Kind) -> bool {
        self.kind() == kind && (kind != Kind::Guichet || self.institution().is_none())
    }
}

pub struct Oracle<'w> {
    pub procedure: &'w Procedure,
    /// Closed ones included.
    pub structures: &'w [Structure],
    pub need: &'w Need,
    residence: Commune,
    event: Option<Commune>,
    communes: Vec<Commune>,
}

/// One place expected in an answer.
#[derive(Debug, PartialEq)]
pub struct Expected {
    pub id: Uuid,
    pub distance_m: f64,
    pub stands_in: bool,
    pub is_session: bool,
    pub is_far: bool,
}

/// The places in their order, and the radius in which they were found.
#[derive(Debug)]
pub struct Answer {
    pub places: Vec<Expected>,
    pub searched_m: f64,
    /// Whether any was found within it.
    pub found: bool,
}

impl<'w> Oracle<'w> {
    pub fn new(procedure: &'w Procedure, structures: &'w [Structure], need: &'w Need) -> Self {
        let communes = communes();
        let find = |code: &CommuneCode| communes.iter().find(|commune| commune.code == *code).unwrap().clone();
        let (residence, event) = (find(&need.residence), need.event_commune.as_ref().map(find));
        Self { procedure, structures, need, residence, event, communes }
    }

    /// `lines`: how many lines and sites take a place of their own, when some place was found and when none was.
    pub fn answer(&self, lines: (usize, usize)) -> Answer {
        let radii = self.need.max_distance_m.map_or_else(|| ranking::SEARCH_RADII_M.to_vec(), |only| vec![f64::from(only)]);
        let mut answer = Answer { places: Vec::new(), searched_m: 0.0, found: false };
        for radius in radii {
            answer = Answer { places: self.within(radius), searched_m: radius, found: false };
            answer.found = !answer.places.is_empty();
            if answer.found {
                break;
            }
        }
        let room = self.need.limit.saturating_sub(if answer.found { lines.0 } else { lines.1 });
        answer.places.truncate(room);
        self.add_only_competent(&mut answer, room);
        answer
    }

    /// Who alone is competent comes last, however far.
    fn add_only_competent(&self, answer: &mut Answer, room: usize) {
        let nearest = |doors: &[Door<'w>]| {
            let apt = doors.iter().filter(|door| self.is_door_wanted(door) && self.is_apt(door));
            apt.map(|door| self.expected(*door)).min_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.id.cmp(&b.id)))
        };
        let holds =
            |answer: &Answer, doors: &[Door<'w>]| answer.places.iter().any(|place| doors.iter().any(|door| door.structure.id == place.id));
        let open = || self.structures.iter().filter(|structure| structure.closed_on.is_none()).flat_map(Door::all);
        let free_choice = self.procedure.territory == TerritoryRule::CommuneLibre;
        let mut words = self.procedure.first_targets.clone();
        words.dedup();
        if self.need.max_distance_m.is_none() && room > 0 {
            let mut own: Vec<Vec<Door<'w>>> = Vec::new();
            for word in &words {
                let kind = match Target::parse(word).unwrap() {
                    Target::Kind(kind @ Kind::CcasCias) => kind,
                    Target::Kind(kind @ Kind::Mairie) if !free_choice && !self.is_event_bound() => kind,
                    _ => continue,
                };
                own.push(open().filter(|door| door.is_of(kind) && self.is_for(door) && self.serves_residence(door)).collect());
            }
            own.push(open().filter(|door| self.stands_in(door)).collect());
            for doors in own {
                if answer.places.len() < room
                    && !holds(answer, &doors)
                    && let Some(place) = nearest(&doors)
                {
                    let is_far = place.distance_m > answer.searched_m;
                    answer.places.push(Expected { is_far, ..place });
                }
            }
        }
        let halls: Vec<Door<'w>> = open().filter(|door| self.is_event_hall(door)).collect();
        if room > 0
            && self.procedure.targets().any(|target| self.means_event_hall(target))
            && !holds(answer, &halls)
            && let Some(place) = nearest(&halls)
        {
            answer.places.truncate(room - 1);
            let is_far = place.distance_m > answer.searched_m;
            answer.places.push(Expected { is_far, ..place });
        }
    }

    fn within(&self, radius: f64) -> Vec<Expected> {
        let mut contenders: Vec<Contender<Expected>> = self
            .structures
            .iter()
            .filter(|structure| structure.closed_on.is_none())
            .filter_map(|structure| {
                let apt = Door::all(structure).filter(|door| self.is_apt(door));
                // Of several doors of the same rank the structure's own is meant, then its first session.
                let (door, rank) = apt.filter_map(|door| Some((door, self.rank(&door)?))).min_by_key(|(_, rank)| *rank)?;
                Some(self.contender(door, rank))
            })
            .filter(|contender| contender.item.distance_m <= radius)
            .collect();
        ranking::order(&mut contenders);
        contenders.into_iter().take(self.need.limit).map(|contender| contender.item).collect()
    }

    fn contender(&self, door: Door<'w>, rank: u16) -> Contender<Expected> {
        let structure = door.structure;
        let item = self.expected(door);
        let day = self.need.at.date_naive();
        let standing = Standing::new(
            self.opening(&door).status,
            door.access(),
            self.need.drop_in,
            (ranking::is_fresh(structure.source_date, day), structure.disputed),
            structure.capacity_on(day).filter(|_| door.session.is_none()),
        );
        Contender {
            cost_m: item.distance_m + 4_000.0 * (f64::from(rank) - 1.0),
            standing,
            to_centre_m: self.need.location.distance_m(position(structure)),
            id: structure.id,
            item,
        }
    }

    fn expected(&self, door: Door<'w>) -> Expected {
        Expected {
            id: door.structure.id,
            distance_m: self.distance(door.structure),
            stands_in: self.stands_in(&door),
            is_session: door.session.is_some(),
            is_far: false,
        }
    }

    pub fn opening(&self, door: &Door) -> Opening {
        let commune = self.commune(door.structure);
        let (hours, checked_on) = match door.session {
            None => (&door.structure.opening_hours, door.structure.hours_checked_on),
            Some(session) => (&session.opening_hours, session.hours_checked_on),
        };
        let hours = hours.as_ref().filter(|_| still_counts(checked_on, self.need.at.date_naive()));
        hours.map_or(Opening::UNKNOWN, |hours| {
            Schedule::parse(hours, commune.time_zone, HolidayRegion::National, self.need.at).unwrap().at(self.need.at)
        })
    }

    fn commune(&self, structure: &Structure) -> &Commune {
        self.communes.iter().find(|commune| commune.code == structure.commune).unwrap()
    }

    fn distance(&self, structure: &Structure) -> f64 {
        if self.need.precision == Precision::Commune && structure.commune == self.need.commune {
            return 0.0;
        }
        self.need.location.distance_m(position(structure))
    }

    fn is_apt(&self, door: &Door) -> bool {
        self.is_competent(door) && self.obstacle(door).is_none()
    }

    /// A session held for some procedures is held for no others.
    pub fn is_for(&self, door: &Door) -> bool {
        door.session.is_none_or(|session| session.procedures.is_empty() && session.groups.is_empty() || self.declares(door))
    }

    /// Its place in the rule's order of preference; a place that declares the procedure without being named comes after all others.
    fn rank(&self, door: &Door) -> Option<u16> {
        let declares = self.declares(door);
        let is_for = self.is_for(door);
        let wanted = self.is_door_wanted(door);
        let free_choice = self.procedure.territory == TerritoryRule::CommuneLibre;
        let mut best = None;
        for (word, rank) in self.procedure.first_targets.iter().zip(1..) {
            let target = Target::parse(word).unwrap();
            let means = match target {
                Target::Kind(Kind::Mairie) | Target::EventTownHall if self.means_event_hall(target) => self.is_event_hall(door),
                Target::Kind(Kind::CcasCias) if self.stands_in(door) => true,
                Target::Kind(kind) => {
                    // The event's town hall isn't the residence's: it has its own word.
                    let of_residence = kind != Kind::Mairie || free_choice || self.serves_residence(door);
                    door.is_of(kind) && is_for && of_residence && (kind != Kind::CcasCias || self.is_named(kind))
                }
                Target::Desk(institution) => {
                    let farm = self.need.regime == Regime::Agricole && ["caf", "cpam", "urssaf", "carsat"].contains(&institution);
                    let institution = if farm { "msa" } else { institution };
                    door.kind() == Kind::Guichet && door.institution() == Some(institution) && is_for
                }
                Target::Declared(Some(kind)) => kind == door.kind() && declares,
                Target::Declared(None) | Target::EventTownHall | Target::NoPlace => false,
            };
            if means && wanted {
                best = best.or(Some(rank));
            }
        }
        let last = u16::try_from(self.procedure.first_targets.len()).unwrap() + 1;
        let named = door.session.map_or(&door.structure.procedures, |session| &session.procedures).contains(&self.procedure.slug);
        let is_counter = matches!(door.kind(), Kind::Guichet | Kind::PointNumeriquePrefecture);
        best.or((declares && wanted && (named || !is_counter)).then_some(last))
    }

    fn is_named(&self, kind: Kind) -> bool {
        self.need.kinds.is_empty() || self.need.kinds.contains(&kind)
    }

    fn is_door_wanted(&self, door: &Door) -> bool {
        self.is_named(door.kind()) || self.is_named(Kind::CcasCias) && self.stands_in(door)
    }

    fn is_event_bound(&self) -> bool {
        matches!(self.procedure.territory, TerritoryRule::CommuneNaissance | TerritoryRule::CommuneEvenement)
    }

    pub fn means_event_hall(&self, target: Target) -> bool {
        target == Target::EventTownHall || target == Target::Kind(Kind::Mairie) && self.is_event_bound()
    }

    /// The town hall of the event's commune, where the procedure is about one and its commune was told.
    pub fn is_event_hall(&self, door: &Door) -> bool {
        let matters = self.is_event_bound() || self.procedure.targets().any(|target| target == Target::EventTownHall);
        let structure = door.structure;
        let covers = |event: &Commune| match structure.territory.as_slice() {
            [] => structure.commune == event.code,
            area => event.lies_in(area),
        };
        matters && door.session.is_none() && structure.kind == Kind::Mairie && self.event.as_ref().is_some_and(covers)
    }

    /// The town hall of the residence, when the rule names a CCAS and none that serves the residence is on record.
    fn stands_in(&self, door: &Door) -> bool {
        let asks_for_ccas = self.procedure.first_targets.iter().any(|word| word == "ccas");
        let is_theirs = |ccas: &Door| ccas.kind() == Kind::CcasCias && self.is_for(ccas) && self.is_ccas_competent(ccas);
        let own_town_hall = door.session.is_none() && door.structure.kind == Kind::Mairie && door.structure.commune == self.need.residence;
        let mut open = self.structures.iter().filter(|structure| structure.closed_on.is_none()).flat_map(Door::all);
        asks_for_ccas && own_town_hall && !open.any(|door| is_theirs(&door))
    }

    fn is_ccas_competent(&self, ccas: &Door) -> bool {
        if ccas.session.is_none() && !ccas.structure.territory.is_empty() {
            return self.residence.lies_in(&ccas.structure.territory);
        }
        ccas.structure.commune == self.need.residence
    }

    pub fn is_competent(&self, door: &Door) -> bool {
        self.is_event_hall(door) || self.serves_residence(door)
    }

    fn serves_residence(&self, door: &Door) -> bool {
        let structure = door.structure;
        let seat = self.commune(structure);
        let same_departement = seat.departement == self.residence.departement;
        if door.kind() == Kind::Mairie && self.is_event_bound() && !self.stands_in(door) {
            return false;
        }
        if door.session.is_none() && !structure.territory.is_empty() {
            return self.residence.lies_in(&structure.territory);
        }
        match door.kind() {
            Kind::Mairie => structure.commune == self.need.residence || self.procedure.territory == TerritoryRule::CommuneLibre,
            Kind::CcasCias => structure.commune == self.need.residence,
            Kind::MaisonDesSolidarites | Kind::PointNumeriquePrefecture => same_departement,
            Kind::Guichet => match door.institution() {
                Some("consulat") => true,
                Some("region") => seat.region == self.residence.region,
                Some("anah") => seat.epci == self.residence.epci,
                // One fund for 22 and 35.
                Some("msa") => (seat.departement == "44") == (self.residence.departement == "44"),
                _ => same_departement,
            },
            _ => true,
        }
    }

    pub fn declares(&self, door: &Door) -> bool {
        let (procedures, groups) = match door.session {
            None => (&door.structure.procedures, &door.structure.groups),
            Some(session) => (&session.procedures, &session.groups),
        };
        procedures.contains(&self.procedure.slug) || groups.contains(&self.procedure.group)
    }

    /// Why a competent structure isn't offered to this person.
    pub fn obstacle(&self, door: &Door) -> Option<ExclusionCode> {
        let need = self.need;
        let structure = door.structure;
        let itself = door.session.is_none();
        if itself && structure.not_offered.contains(&self.procedure.slug) {
            return Some(ExclusionCode::ProcedureNotOffered);
        }
        if need.drop_in && door.access() == Access::Appointment {
            return Some(ExclusionCode::AppointmentOnly);
        }
        if need.wheelchair && structure.wheelchair == Some(false) {
            return Some(ExclusionCode::NotWheelchairAccessible);
        }
        let speaks =
            |language: &String| !itself || language == "fr" || structure.languages.is_empty() || structure.languages.contains(language);
        if !need.language.as_ref().is_none_or(speaks) {
            return Some(ExclusionCode::LanguageNotSpoken);
        }
        if !need.help_kind.is_none_or(|help| !itself || structure.help_kinds.is_empty() || structure.help_kinds.contains(&help)) {
            return Some(ExclusionCode::HelpKindNotOffered);
        }
        (need.channel == Channel::Phone && structure.phone.is_none()).then_some(ExclusionCode::NoTelephone)
    }
}

fn position(structure: &Structure) -> Location {
    structure.location.unwrap_or_else(|| centre(structure.commune.as_str()))
}
