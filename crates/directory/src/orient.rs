//! `orient()`: where to send this person, for this procedure, with reasons, and what was left out and why.

mod also;
mod competence;
mod left_out;
mod telling;

use std::collections::HashSet;

use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::Opening;
use aiguilleur_domain::procedure::{Hotline, Institution, Procedure};
use aiguilleur_domain::ranking::{self, Contender, LOCAL_M, SEARCH_RADII_M, Standing, whole_metres};
use aiguilleur_domain::reason::{Caution, Exclusion, Pairing, Reason};
use aiguilleur_domain::structure::{Access, Kind};
use aiguilleur_domain::target::{self, Target};
use aiguilleur_domain::territory::Commune;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use self::competence::{Competence, Event};
use crate::Directory;
use crate::door::Door;
use crate::layer::{Class, Entry};

/// How many structures of one class are named among those left out, where only some of them are looked for.
const LEFT_OUT_PER_CLASS: usize = 2;
/// How many of an institution's desks are tried for a competent one: a country's worth of desks must not slow an answer down.
const DESKS_TRIED: usize = 1_000;

/// The answer to a need.
#[derive(Debug)]
pub struct Orientation<'d> {
    /// `None`: the need names none.
    pub procedure: Option<&'d Procedure>,
    /// The institution in charge, for this person's scheme.
    pub institution: Option<&'d Institution>,
    pub hotline: Option<Hotline>,
    /// The institution's nearest competent desk of its own, with metres to it.
    pub desk: Option<(&'d Entry, u32)>,
    pub options: Vec<Choice<'d>>,
    /// What is worth knowing beside them.
    pub also: Vec<Also<'d>>,
    pub left_out: Vec<LeftOut<'d>>,
    pub coverage: Coverage,
}

/// One place to send the person to. `options` holds them best first.
#[derive(Debug)]
pub struct Choice<'d> {
    pub target: ChoiceTarget<'d>,
    pub distance_m: Option<u32>,
    pub opening: Opening,
    pub access: Access,
    pub reasons: Vec<Reason>,
    pub cautions: Vec<Caution>,
    pub score: f64,
}

#[derive(Debug)]
pub enum ChoiceTarget<'d> {
    /// A structure, or somebody's session there.
    Structure(Door<'d>),
    /// The institution's remote channels.
    Institution(&'d Institution),
    Hotline(Hotline),
}

/// A place that goes well with the options.
#[derive(Debug)]
pub struct Also<'d> {
    pub entry: &'d Entry,
    pub why: Pairing,
}

/// A structure near by, or somebody's session there, that is not offered.
#[derive(Debug)]
pub struct LeftOut<'d> {
    pub door: Door<'d>,
    pub distance_m: Option<u32>,
    pub reason: Exclusion,
}

/// How far one has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    pub level: CoverageLevel,
    /// Metres to the nearest place that may be offered, whether `limit` leaves room for it or not.
    pub nearest_m: Option<u32>,
    /// The radius searched, in metres.
    pub searched_m: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CoverageLevel {
    /// Within the first radius.
    Local,
    Distant,
    /// No place within reach, but a line or a site.
    RemoteOnly,
    None,
}

impl Directory {
    /// Answers a need from memory. `None` when the procedure or a commune of the need isn't in the directory.
    pub fn orient<'d>(&'d self, need: &'d Need) -> Option<Orientation<'d>> {
        let procedure = match &need.procedure {
            Some(slug) => self.catalogue.procedure(slug)?,
            None => self.catalogue.anything(),
        };
        let residence = self.territory.resolve(&need.residence)?.commune;
        let event = match &need.event_commune {
            Some(code) => Some(self.territory.resolve(code)?),
            None => None,
        };
        Some(Search::new(self, need, procedure, residence, event.and_then(|event| Event::of(procedure, self, event))).run())
    }
}

/// One place among those a rule names, with what decided its place.
struct Candidate<'d> {
    door: Door<'d>,
    distance_m: f64,
    opening: Opening,
    competence: Competence,
    /// Beyond the search's radius, offered because nobody else is competent.
    is_far: bool,
}

/// What a rule names at one rank.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    class: Class,
    /// Of the class, those of this kind only.
    kind: Option<Kind>,
    rank: u16,
}

pub(crate) struct Search<'d> {
    directory: &'d Directory,
    need: &'d Need,
    procedure: &'d Procedure,
    residence: &'d Commune,
    /// The birth, marriage or death that the procedure is about, where the person told the commune.
    event: Option<Event<'d>>,
    institution: Option<&'d Institution>,
    hotline: Option<Hotline>,
    /// The line is that of a danger.
    is_danger: bool,
    /// What the rule names, best first.
    named: Vec<Named>,
    /// The rank at which the town hall stands in for a CCAS that isn't on record.
    stand_in_rank: Option<u16>,
    /// The rank of the town hall of the event's commune.
    event_rank: Option<u16>,
    left_out: Vec<LeftOut<'d>>,
}

impl<'d> Search<'d> {
    pub(crate) fn new(
        directory: &'d Directory,
        need: &'d Need,
        procedure: &'d Procedure,
        residence: &'d Commune,
        event: Option<Event<'d>>,
    ) -> Self {
        let in_charge = match need.regime {
            Regime::Agricole => target::institution_for_farm_workers(&procedure.institution),
            Regime::General => &procedure.institution,
        };
        let institution = directory.catalogue.institution(in_charge);
        let danger = need.danger.as_deref().and_then(|slug| directory.catalogue.procedure(slug)).or(Some(procedure));
        let danger = danger.filter(|danger| danger.safety);
        // The line of the general scheme is of no use to a farm worker; that of danger is everybody's.
        let own_line = procedure.hotline.as_deref().filter(|_| in_charge == procedure.institution);
        let (line, owner) = match danger {
            Some(danger) => (danger.hotline.as_deref(), danger.label.as_str()),
            None => (own_line, institution.map_or(procedure.label.as_str(), |institution| &institution.label)),
        };
        let mut search = Self {
            directory,
            need,
            procedure,
            residence,
            event,
            institution,
            hotline: line.and_then(|line| Hotline::parse(line, owner)),
            is_danger: danger.is_some(),
            named: Vec::new(),
            stand_in_rank: None,
            event_rank: None,
            left_out: Vec::new(),
        };
        search.read_rule();
        search
    }

    /// Turns the rule's words into classes, each once, at its best rank.
    fn read_rule(&mut self) {
        let procedure = self.procedure;
        let declarations = [&procedure.slug, &procedure.group].map(|word| Class::Declares(word.clone()));
        let mut rank = 0;
        for target in procedure.targets() {
            rank += 1;
            let target = if self.need.regime == Regime::Agricole { target.for_farm_workers() } else { target };
            // The residence doesn't tell where an event took place; without its commune, a town hall is named as left out.
            if competence::means_event_town_hall(procedure, target) {
                self.event_rank.get_or_insert(rank);
                continue;
            }
            match target {
                Target::Kind(kind) => {
                    if kind == Kind::CcasCias && !self.ccas_on_record() {
                        self.stand_in_rank = Some(rank);
                    }
                    self.name(Class::Kind(kind), None, rank);
                }
                Target::Desk(institution) => self.name(Class::Desk(institution.to_owned()), None, rank),
                // Those of that kind which don't declare it are named as left out.
                Target::Declared(Some(kind)) => declarations.iter().for_each(|class| self.name(class.clone(), Some(kind), rank)),
                // Which kind of place a notary or a hospital's help is on record as isn't known: found below.
                Target::Declared(None) | Target::EventTownHall | Target::NoPlace => {}
            }
        }
        // Whoever else declares it comes after all that the rule names.
        for class in declarations {
            self.name(class, None, rank + 1);
        }
    }

    fn name(&mut self, class: Class, kind: Option<Kind>, rank: u16) {
        if !self.named.iter().any(|known| known.class == class && known.kind == kind) {
            self.named.push(Named { class, kind, rank });
        }
    }

    fn run(mut self) -> Orientation<'d> {
        let radii: Vec<f64> = match self.need.max_distance_m {
            Some(limit) => vec![f64::from(limit)],
            None => SEARCH_RADII_M.to_vec(),
        };
        let mut searched = 0.0;
        let (mut found, mut nearest_m) = (Vec::new(), None);
        for radius in radii {
            searched = radius;
            self.left_out.clear();
            (found, nearest_m) = self.within(radius);
            if !found.is_empty() {
                break;
            }
        }
        if self.need.channel == Channel::Remote {
            for contender in found.drain(..) {
                self.leave_out(contender.item.door, contender.item.distance_m, Exclusion::InPersonOnly);
            }
            nearest_m = None;
        }
        ranking::order(&mut found);
        found.truncate(self.need.limit);
        let remote = self.remote(found.is_empty());
        let room = self.need.limit.saturating_sub(remote.len());
        found.truncate(room);
        self.add_only_competent(&mut found, room, searched);
        let places: Vec<Choice<'d>> = found.into_iter().map(|contender| self.choice(&contender.item, contender.cost_m)).collect();
        let mut options = remote;
        options.extend(places);
        options.truncate(self.need.limit);
        let level = self.level(nearest_m);
        let left_out = self.all_left_out(searched, &options);
        Orientation {
            procedure: self.need.procedure.is_some().then_some(self.procedure),
            institution: self.institution,
            desk: self.desk(),
            also: self.also(&options),
            hotline: self.hotline,
            options,
            left_out,
            coverage: Coverage { level, nearest_m, searched_m: whole_metres(searched) },
        }
    }

    /// Metres to every place within a radius that may be offered. `limit` counts: who wants them all asks for as many.
    pub(crate) fn apt_within(&self, radius_m: f64) -> Vec<f64> {
        let mut seen: HashSet<Uuid> = HashSet::new();
        let doors = self.sources(radius_m).into_iter().flat_map(|source| source.doors);
        let apt = doors.filter(|(door, _)| self.is_apt(door) && seen.insert(door.structure().id));
        apt.map(|(_, distance_m)| distance_m).collect()
    }

    pub(crate) fn level(&self, nearest_m: Option<u32>) -> CoverageLevel {
        match nearest_m {
            Some(metres) if f64::from(metres) <= LOCAL_M => CoverageLevel::Local,
            Some(_) => CoverageLevel::Distant,
            None if self.is_reachable_remotely() => CoverageLevel::RemoteOnly,
            None => CoverageLevel::None,
        }
    }

    /// The contenders within a radius: at least `limit` of the cheapest, and all that nearly cost as much; and metres to the
    /// nearest place of all that may be offered.
    fn within(&mut self, radius_m: f64) -> (Vec<Contender<Candidate<'d>>>, Option<u32>) {
        let mut offered: HashSet<Uuid> = HashSet::new();
        let mut refused: HashSet<(Uuid, Option<usize>)> = HashSet::new();
        let mut found: Vec<Contender<Candidate<'d>>> = Vec::new();
        let mut sources = self.sources(radius_m);
        let nearest_m = sources.iter().filter_map(|source| source.nearest_m).min_by(f64::total_cmp).map(whole_metres);
        let mut group_limit = f64::INFINITY;
        loop {
            let cheapest = sources
                .iter_mut()
                .enumerate()
                .filter_map(|(index, source)| source.peek_cost().map(|cost| (cost, index)))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((cost, index)) = cheapest else { break };
            if cost > group_limit {
                // A group of nearly equal costs is complete.
                if found.len() >= self.need.limit {
                    break;
                }
                group_limit = f64::INFINITY;
            }
            let Some((door, distance_m)) = sources.get_mut(index).and_then(Source::next) else { break };
            if !self.is_wanted(&door) || offered.contains(&door.structure().id) || refused.contains(&door.key()) {
                continue;
            }
            match self.admit(&door) {
                Ok(competence) => {
                    if group_limit.is_infinite() {
                        group_limit = ranking::nearly_as(cost);
                    }
                    offered.insert(door.structure().id);
                    found.push(self.contender(door, distance_m, cost, competence));
                }
                Err(reason) => {
                    refused.insert(door.key());
                    self.leave_out(door, distance_m, reason);
                }
            }
        }
        (found, nearest_m)
    }

    /// One source for all that the rule names, each in ascending distance.
    fn sources(&self, radius_m: f64) -> Vec<Source<'d>> {
        let mut sources = Vec::with_capacity(self.named.len() + 2);
        for named in &self.named {
            let wanted_kind = match &named.class {
                Class::Kind(kind) => self.wants(*kind),
                Class::Desk(_) => self.wants(Kind::Guichet),
                Class::Declares(_) => true,
            };
            if wanted_kind {
                sources.push(self.source(named.rank, self.members(named, radius_m)));
            }
        }
        for (rank, doors) in self.single_town_halls() {
            sources.push(self.source(rank, self.measured(doors.into_iter(), radius_m)));
        }
        sources
    }

    fn source(&self, rank: u16, doors: Vec<(Door<'d>, f64)>) -> Source<'d> {
        let nearest_m = doors.iter().find(|(door, _)| self.is_apt(door)).map(|(_, distance_m)| *distance_m);
        Source { rank, nearest_m, doors: doors.into_iter().peekable() }
    }

    fn is_apt(&self, door: &Door<'_>) -> bool {
        self.is_wanted(door) && self.admit(door).is_ok()
    }

    /// What a rule names within a radius: bound to a commune, those of the residence and the nearest others (to be named as left
    /// out); else by distance, what lies in the commune asked for counting as at no distance.
    fn members(&self, named: &Named, radius_m: f64) -> Vec<(Door<'d>, f64)> {
        let class = &named.class;
        if self.is_bound_to_commune(class) {
            let others = self
                .nearest(named)
                .take_while(|(_, distance)| *distance <= radius_m.min(LOCAL_M))
                .filter(|(door, _)| self.competence(door).is_none())
                .take(LEFT_OUT_PER_CLASS);
            let mut all = self.measured(self.own_doors(named), radius_m);
            all.extend(others);
            all.sort_by(|a, b| a.1.total_cmp(&b.1));
            return all;
        }
        let in_commune: Vec<(Door<'d>, f64)> = if self.need.precision == Precision::Commune {
            let here = self.directory.in_commune(class, &self.need.commune).flat_map(Door::all);
            self.measured(here.filter(|door| self.is_meant(named, door)), radius_m)
        } else {
            Vec::new()
        };
        let known: HashSet<Uuid> = in_commune.iter().map(|(door, _)| door.structure().id).collect();
        // Enough to fill the answer even if all of it came from here, and to complete its last group of nearly equal costs.
        let mut admitted = 0;
        let mut last_admitted = None;
        let mut last_cost = f64::INFINITY;
        let elsewhere = self.nearest(named).take_while(|(_, distance)| *distance <= radius_m);
        let elsewhere = elsewhere.filter(|(door, _)| !known.contains(&door.structure().id));
        let elsewhere = elsewhere.take_while(|(door, distance)| {
            let cost = ranking::cost_m(*distance, named.rank);
            let id = Some(door.structure().id);
            if cost <= last_cost && last_cost.is_infinite() && last_admitted != id && self.is_apt(door) {
                admitted += 1;
                last_admitted = id;
                if admitted == self.need.limit {
                    last_cost = ranking::nearly_as(cost);
                }
            }
            cost <= last_cost
        });
        let elsewhere: Vec<_> = elsewhere.collect();
        in_commune.into_iter().chain(elsewhere).collect()
    }

    /// All that a rule names, wherever it is, nearest first.
    fn nearest<'s>(&'s self, named: &'s Named) -> impl Iterator<Item = (Door<'d>, f64)> + use<'s, 'd> {
        let entries = self.directory.nearest(&named.class, self.need.location);
        entries
            .flat_map(|(entry, distance)| Door::all(entry).map(move |door| (door, distance)))
            .filter(|(door, _)| self.is_meant(named, door))
    }

    /// Whether a member of the class comes through this door, and not another of the same structure.
    fn is_meant(&self, named: &Named, door: &Door<'_>) -> bool {
        let of_class = match &named.class {
            // An administration's own counter is offered where the rule names it, or where it says that it does this very procedure:
            // nobody contests an order to leave at the prefecture that gave it.
            Class::Declares(_) => {
                door.declares(self.procedure) && (!door.kind().is_own_counter() || door.declares_by_name(&self.procedure.slug))
            }
            class => door.is_of(class) && door.is_for(self.procedure),
        };
        of_class && named.kind.is_none_or(|kind| door.kind() == kind)
    }

    /// Doors within a radius, with the distance that counts for this need, in ascending order.
    fn measured(&self, doors: impl Iterator<Item = Door<'d>>, radius_m: f64) -> Vec<(Door<'d>, f64)> {
        let measured = doors.map(|door| (door, self.distance_to(door.entry)));
        let mut measured: Vec<(Door<'d>, f64)> = measured.filter(|(_, distance)| *distance <= radius_m).collect();
        measured.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.key().cmp(&b.0.key())));
        measured.dedup_by_key(|(door, _)| door.key());
        measured
    }

    fn distance_to(&self, entry: &Entry) -> f64 {
        if self.need.precision == Precision::Commune && entry.structure.commune == self.need.commune {
            0.0
        } else {
            self.metres_from_here(entry)
        }
    }

    fn metres_from_here(&self, entry: &Entry) -> f64 {
        entry.position.map_or(0.0, |position| self.need.location.distance_m(position))
    }

    fn wants(&self, kind: Kind) -> bool {
        self.need.kinds.is_empty() || self.need.kinds.contains(&kind)
    }

    /// Of a kind that was asked for, or standing in for one.
    fn is_wanted(&self, door: &Door<'_>) -> bool {
        self.wants(door.kind()) || (self.stands_in(door) && self.wants(Kind::CcasCias))
    }

    /// Adds who alone is competent and isn't within the radius, at the end: acts come by mail, and nobody else's CCAS may help.
    fn add_only_competent(&self, found: &mut Vec<Contender<Candidate<'d>>>, room: usize, searched_m: f64) {
        if self.need.channel == Channel::Remote || room == 0 {
            return;
        }
        let far = |rank, doors: Vec<Door<'d>>| {
            let doors = doors.into_iter().filter(|door| self.is_wanted(door));
            let (door, distance_m) = self.measured(doors, f64::INFINITY).into_iter().find(|(door, _)| self.admit(door).is_ok())?;
            let contender = self.contender(door, distance_m, ranking::cost_m(distance_m, rank), self.admit(&door).ok()?);
            Some(Contender { item: Candidate { is_far: distance_m > searched_m, ..contender.item }, ..contender })
        };
        let holds = |found: &[Contender<Candidate<'d>>], doors: &[Door<'d>]| {
            found.iter().any(|contender| doors.iter().any(|door| door.structure().id == contender.id))
        };
        // Who set a limit to the distance keeps it, but for the event's town hall: nobody has to go there.
        if self.need.max_distance_m.is_none() {
            let bound = self.named.iter().filter(|named| self.is_bound_to_commune(&named.class));
            let bound = bound.map(|named| (named.rank, self.own_doors(named).collect::<Vec<_>>()));
            for (rank, doors) in bound.chain(self.stand_ins()) {
                if found.len() < room
                    && !holds(found, &doors)
                    && let Some(contender) = far(rank, doors)
                {
                    found.push(contender);
                }
            }
        }
        for (rank, doors) in self.event_town_halls() {
            if !holds(found, &doors)
                && let Some(contender) = far(rank, doors)
            {
                found.truncate(room - 1);
                found.push(contender);
            }
        }
    }

    fn contender(&self, door: Door<'d>, distance_m: f64, cost_m: f64, competence: Competence) -> Contender<Candidate<'d>> {
        let structure = door.structure();
        let opening = door.opening_at(self.need.at);
        let day = self.need.at.date_naive();
        let fresh = ranking::is_fresh(structure.source_date, day);
        Contender {
            cost_m,
            standing: Standing::new(opening.status, door.access(), self.need.drop_in, fresh, door.capacity_on(day)),
            to_centre_m: self.metres_from_here(door.entry),
            id: structure.id,
            item: Candidate { door, distance_m, opening, competence, is_far: false },
        }
    }

    /// Danger puts the line first; where no place is within reach, or none is wanted, the institution itself answers.
    fn remote(&self, no_place_found: bool) -> Vec<Choice<'d>> {
        let at_a_distance = |target, reason| Choice {
            target,
            distance_m: None,
            opening: Opening::UNKNOWN,
            access: Access::Unknown,
            reasons: vec![reason],
            cautions: Vec::new(),
            score: 1.0,
        };
        let line = self.hotline.as_ref().filter(|_| self.is_danger);
        let institution = self.institution.filter(|_| no_place_found || self.need.channel != Channel::InPerson);
        let line = line.map(|line| at_a_distance(ChoiceTarget::Hotline(line.clone()), Reason::DangerLine));
        let institution = institution.map(|body| at_a_distance(ChoiceTarget::Institution(body), Reason::InCharge));
        line.into_iter().chain(institution).collect()
    }

    fn is_reachable_remotely(&self) -> bool {
        let by_institution = self.institution.is_some_and(|institution| institution.phone.is_some() || institution.website.is_some());
        self.hotline.is_some() || self.procedure.official_url.is_some() || by_institution
    }

    /// The institution's own desk for this residence, the nearest one.
    fn desk(&self) -> Option<(&'d Entry, u32)> {
        let class = Class::Desk(self.institution?.slug.clone());
        let mut desks = self.directory.nearest(&class, self.need.location).take(DESKS_TRIED);
        let (entry, distance) = desks.find(|(entry, _)| {
            let door = Door::own(entry);
            door.is_of(&class) && self.competence(&door).is_some()
        })?;
        Some((entry, whole_metres(distance)))
    }
}

/// Doors in ascending distance, priced by the rank of what named them.
struct Source<'d> {
    rank: u16,
    /// Metres to the first that may be offered.
    nearest_m: Option<f64>,
    doors: std::iter::Peekable<std::vec::IntoIter<(Door<'d>, f64)>>,
}

impl<'d> Source<'d> {
    fn peek_cost(&mut self) -> Option<f64> {
        self.doors.peek().map(|(_, distance)| ranking::cost_m(*distance, self.rank))
    }

    fn next(&mut self) -> Option<(Door<'d>, f64)> {
        self.doors.next()
    }
}
