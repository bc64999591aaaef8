//! `orient()`: where to send this person, for this procedure, with reasons, and what was left out and why.

mod also;
mod competence;
mod left_out;
mod telling;

use std::collections::HashSet;

use aiguilleur_domain::need::{Channel, Need, Precision};
use aiguilleur_domain::opening::Opening;
use aiguilleur_domain::procedure::{Hotline, Institution, Procedure};
use aiguilleur_domain::ranking::{self, Contender, LOCAL_M, SEARCH_RADII_M, Standing, whole_metres};
use aiguilleur_domain::reason::{Caution, Exclusion, Pairing, Reason};
use aiguilleur_domain::structure::{Access, Kind};
use aiguilleur_domain::territory::Commune;
use foldhash::fast::FixedState;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use self::competence::{Competence, Event};
use crate::door::Door;
use crate::layer::{Class, Entry};
use crate::rule::Rule;
use crate::territory::Zones;
use crate::{Directory, InCommune, Nearby};

/// How many doors of a class are looked at for some that serve others.
const STRANGERS_TRIED: usize = 100;
/// How many structures left out are named.
const LEFT_OUT: usize = 5;
/// How many structures of one class are named among those left out, where only some of them are looked for.
const LEFT_OUT_PER_CLASS: usize = 2;

type Seen<T> = HashSet<T, FixedState>;

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
        Some(Search::new(self, need, procedure, residence, event.and_then(|event| Event::of(procedure, self, event)))?.run())
    }
}

/// One place among those a rule names, with what decided its place.
struct Candidate<'d> {
    door: Door<'d>,
    distance_m: f64,
    competence: Competence,
    /// Beyond the search's radius, offered because nobody else is competent.
    is_far: bool,
}

pub(crate) struct Search<'d> {
    directory: &'d Directory,
    need: &'d Need,
    procedure: &'d Procedure,
    residence: &'d Commune,
    /// Those that the residence lies in.
    zones: Zones,
    /// The birth, marriage or death that the procedure is about, where the person told the commune.
    event: Option<Event<'d>>,
    institution: Option<&'d Institution>,
    hotline: Option<Hotline>,
    /// The line is that of a danger.
    is_danger: bool,
    rule: &'d Rule,
    /// The rank at which the town hall stands in for a CCAS that isn't on record.
    stand_in_rank: Option<u16>,
    left_out: Vec<LeftOut<'d>>,
}

impl<'d> Search<'d> {
    /// `None` when the procedure has no rule.
    pub(crate) fn new(
        directory: &'d Directory,
        need: &'d Need,
        procedure: &'d Procedure,
        residence: &'d Commune,
        event: Option<Event<'d>>,
    ) -> Option<Self> {
        let rule = directory.catalogue.rule(procedure, need.regime)?;
        let institution = directory.catalogue.institution(&rule.in_charge);
        let danger = need.danger.as_deref().and_then(|slug| directory.catalogue.procedure(slug)).or(Some(procedure));
        let danger = danger.filter(|danger| danger.safety);
        // The line of the general scheme is of no use to a farm worker; that of danger is everybody's.
        let own_line = procedure.hotline.as_deref().filter(|_| rule.in_charge == procedure.institution);
        let (line, owner) = match danger {
            Some(danger) => (danger.hotline.as_deref(), danger.label.as_str()),
            None => (own_line, institution.map_or(procedure.label.as_str(), |institution| &institution.label)),
        };
        let mut search = Self {
            directory,
            need,
            procedure,
            residence,
            zones: directory.territory.zones_of(&residence.code),
            event,
            institution,
            hotline: line.and_then(|line| Hotline::parse(line, owner)),
            is_danger: danger.is_some(),
            rule,
            stand_in_rank: None,
            left_out: Vec::new(),
        };
        search.stand_in_rank = rule.ccas_rank.filter(|_| !search.ccas_on_record());
        Some(search)
    }

    fn run(mut self) -> Orientation<'d> {
        let radii: Vec<f64> = match self.need.max_distance_m {
            Some(limit) => vec![f64::from(limit)],
            None => SEARCH_RADII_M.to_vec(),
        };
        let mut searched = 0.0;
        let mut sources = self.sources();
        let mut found = Vec::new();
        for radius in radii {
            searched = radius;
            let complete_m = self.gather(&mut sources, radius, &mut found);
            if !found.is_empty() {
                self.name_who_serves_others(radius, complete_m);
                break;
            }
        }
        if found.is_empty() {
            self.name_who_serves_others(searched, f64::INFINITY);
        }
        let mut nearest_m = self.nearest_m(&mut sources, searched);
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

    /// Metres to every place within a radius that may be offered.
    pub(crate) fn apt_within(&self, radius_m: f64) -> Vec<f64> {
        let mut seen: Seen<Uuid> = Seen::default();
        let mut apt = Vec::new();
        for mut source in self.sources() {
            while let Some((door, distance_m)) = source.next(radius_m) {
                if self.is_apt(&source, &door) && seen.insert(door.id()) {
                    apt.push(distance_m);
                }
            }
        }
        apt
    }

    pub(crate) fn level(&self, nearest_m: Option<u32>) -> CoverageLevel {
        match nearest_m {
            Some(metres) if f64::from(metres) <= LOCAL_M => CoverageLevel::Local,
            Some(_) => CoverageLevel::Distant,
            None if self.is_reachable_remotely() => CoverageLevel::RemoteOnly,
            None => CoverageLevel::None,
        }
    }

    /// Adds the contenders within a radius: at least `limit` of the cheapest, and all that nearly cost as much. Returns the cost, in
    /// metres, up to which nobody was overlooked.
    fn gather(&mut self, sources: &mut [Source<'d>], radius_m: f64, found: &mut Vec<Contender<Candidate<'d>>>) -> f64 {
        let mut offered: Seen<Uuid> = Seen::default();
        let mut refused: Seen<(Uuid, Option<usize>)> = Seen::default();
        let mut group_limit = f64::INFINITY;
        loop {
            let price = |source: &Source<'d>| ranking::cost_m(source.at_least_m(), source.rank);
            // Of several doors of a structure at the same rank its own is meant, then its first session's.
            let cheapest = sources.iter().enumerate().filter(|(_, source)| source.at_least_m() <= radius_m);
            let cheapest = cheapest.min_by(|(_, a), (_, b)| price(a).total_cmp(&price(b)).then_with(|| a.next_key().cmp(&b.next_key())));
            let Some((index, cost)) = cheapest.map(|(index, source)| (index, price(source))) else { return f64::INFINITY };
            if cost > group_limit {
                // A group of nearly equal costs is complete.
                if found.len() >= self.need.limit {
                    return group_limit;
                }
                group_limit = f64::INFINITY;
            }
            let Some(source) = sources.get_mut(index) else { return f64::INFINITY };
            if !source.here.is_empty() {
                let (known, rank) = (found.len(), source.rank);
                found.extend(self.here(sources, rank).into_iter().filter(|contender| offered.insert(contender.id)));
                if found.len() > known && group_limit.is_infinite() {
                    group_limit = ranking::nearly_as(cost);
                }
                continue;
            }
            if !source.knows_next() {
                // Once there are enough, what lies beyond their group is of no use.
                let useful_m = if found.len() < self.need.limit { radius_m } else { group_limit - ranking::cost_m(0.0, source.rank) };
                // A metre more than is known: whatever the rounding, it goes on.
                source.look_within(useful_m.max(source.at_least_m() + 1.0).min(radius_m));
                continue;
            }
            let Some((door, distance_m)) = source.next(radius_m) else { continue };
            if !self.is_candidate(source, &door) {
                continue;
            }
            let admitted = self.admit(&door);
            if admitted.is_ok() {
                source.nearest_apt_m.get_or_insert(distance_m);
            }
            if offered.contains(&door.id()) {
                continue;
            }
            match admitted {
                Ok(competence) => {
                    if group_limit.is_infinite() {
                        group_limit = ranking::nearly_as(cost);
                    }
                    offered.insert(door.id());
                    found.push(self.contender(door, distance_m, cost, competence));
                }
                Err(reason) => {
                    if refused.insert(door.key()) {
                        self.leave_out(door, distance_m, reason);
                    }
                }
            }
        }
    }

    /// The best of those at one rank in the commune asked for, which count as at no distance: as many as an answer may show. In a large
    /// town there are thousands.
    fn here(&mut self, sources: &mut [Source<'d>], rank: u16) -> Vec<Contender<Candidate<'d>>> {
        let mut doors: Vec<Door<'d>> = Vec::new();
        let mut several = false;
        for source in sources.iter_mut().filter(|source| source.rank == rank && !source.here.is_empty()) {
            several = !doors.is_empty();
            while let Some(door) = source.here.next() {
                if self.is_candidate(source, &door) {
                    doors.push(door);
                }
            }
            source.nearest_apt_m = doors.iter().any(|door| self.admit(door).is_ok()).then_some(0.0);
        }
        if several {
            doors.sort_by_key(Door::key);
        }
        let mut best: Vec<Contender<Candidate<'d>>> = Vec::new();
        let mut last = None;
        for door in doors {
            let id = door.id();
            // Of several doors of a structure its own is meant, then its first session's.
            if last == Some(id) {
                continue;
            }
            match self.admit(&door) {
                Ok(competence) => {
                    last = Some(id);
                    let worst = best.len().checked_sub(self.need.limit).and_then(|_| best.last());
                    if worst.is_some_and(|worst| worst.standing < self.standing(&door)) {
                        continue;
                    }
                    let contender = self.contender(door, 0.0, ranking::cost_m(0.0, rank), competence);
                    best.insert(best.partition_point(|known| ranking::in_a_group(known, &contender).is_lt()), contender);
                    best.truncate(self.need.limit);
                }
                Err(reason) => self.leave_out(door, 0.0, reason),
            }
        }
        best
    }

    /// Metres to the nearest place of all that may be offered, whether `limit` leaves room for it or not.
    fn nearest_m(&self, sources: &mut [Source<'d>], radius_m: f64) -> Option<u32> {
        let mut nearest = sources.iter().filter_map(|source| source.nearest_apt_m).min_by(f64::total_cmp);
        for source in sources.iter_mut().filter(|source| source.nearest_apt_m.is_none()) {
            let within_m = nearest.unwrap_or(radius_m);
            while let Some((door, distance_m)) = source.next(within_m) {
                if self.is_apt(source, &door) {
                    nearest = Some(distance_m);
                    break;
                }
            }
        }
        nearest.map(whole_metres)
    }

    /// One source for all that the rule names, each in ascending distance.
    fn sources(&self) -> Vec<Source<'d>> {
        let mut sources = Vec::with_capacity(self.rule.named.len() + 2);
        for named in &self.rule.named {
            let wanted_kind = match &named.class {
                Class::Kind(kind) => self.wants(*kind),
                Class::Desk(_) => self.wants(Kind::Guichet),
                Class::Procedure(..) | Class::Group(..) => true,
            };
            if !wanted_kind {
                continue;
            }
            // Who alone is competent is known one by one.
            let (listed, nearby) = if self.is_bound_to_commune(&named.class) {
                (self.measured(self.own_doors(&named.class)), None)
            } else {
                (Vec::new(), Some(self.serving(&named.class)))
            };
            let here = if nearby.is_some() && self.need.precision == Precision::Commune {
                self.directory.in_commune(&named.class, self.need.commune)
            } else {
                InCommune::default()
            };
            let listed = listed.into_iter();
            sources.push(Source { rank: named.rank, class: Some(&named.class), here, listed, nearby, nearest_apt_m: None });
        }
        for (rank, doors) in self.single_town_halls() {
            let listed = self.measured(doors.into_iter()).into_iter();
            sources.push(Source { rank, class: None, here: InCommune::default(), listed, nearby: None, nearest_apt_m: None });
        }
        sources
    }

    /// Whether a door that a source gave comes into question, before its competence and the person's wishes.
    fn is_candidate(&self, source: &Source<'d>, door: &Door<'d>) -> bool {
        self.is_wanted(door) && source.class.is_none_or(|class| self.is_meant(class, door))
    }

    fn is_apt(&self, source: &Source<'d>, door: &Door<'d>) -> bool {
        self.is_candidate(source, door) && self.admit(door).is_ok()
    }

    /// Whether a member of the class is there for this procedure: a session held for some is held for no others.
    fn is_meant(&self, class: &Class, door: &Door<'_>) -> bool {
        matches!(class, Class::Procedure(..) | Class::Group(..)) || door.is_for(self.procedure)
    }

    /// Names those of the rule who stand as near as the options and serve others.
    fn name_who_serves_others(&mut self, radius_m: f64, cost_m: f64) {
        for named in &self.rule.named {
            let (most, radius_m) =
                if self.is_bound_to_commune(&named.class) { (LEFT_OUT_PER_CLASS, radius_m.min(LOCAL_M)) } else { (LEFT_OUT, radius_m) };
            let radius_m = radius_m.min(cost_m - ranking::cost_m(0.0, named.rank));
            if radius_m < 0.0 {
                continue;
            }
            let mut near = self.directory.strangers(&named.class, self.need.location);
            let near = std::iter::from_fn(|| near.next_within(radius_m)).take(STRANGERS_TRIED);
            let meant = near.filter(|(door, _)| !door.serves(self.zones) && self.is_wanted(door) && self.is_meant(&named.class, door));
            let refused = meant.filter_map(|(door, _)| Some((door, self.distance_to(&door), self.admit(&door).err()?)));
            for (door, distance_m, reason) in refused.take(most).collect::<Vec<_>>() {
                self.leave_out(door, distance_m, reason);
            }
        }
    }

    /// Doors with the distance that counts for this need, in ascending order.
    fn measured(&self, doors: impl Iterator<Item = Door<'d>>) -> Vec<(Door<'d>, f64)> {
        let mut measured: Vec<(Door<'d>, f64)> = doors.map(|door| (door, self.distance_to(&door))).collect();
        measured.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.key().cmp(&b.0.key())));
        measured.dedup_by_key(|(door, _)| door.key());
        measured
    }

    fn distance_to(&self, door: &Door<'_>) -> f64 {
        if self.need.precision == Precision::Commune && door.commune() == self.need.commune { 0.0 } else { self.metres_from_here(door) }
    }

    fn metres_from_here(&self, door: &Door<'_>) -> f64 {
        door.position().map_or(0.0, |position| self.need.location.distance_m(position))
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
            let (door, distance_m) = self.measured(doors).into_iter().find(|(door, _)| self.admit(door).is_ok())?;
            let contender = self.contender(door, distance_m, ranking::cost_m(distance_m, rank), self.admit(&door).ok()?);
            Some(Contender { item: Candidate { is_far: distance_m > searched_m, ..contender.item }, ..contender })
        };
        let holds = |found: &[Contender<Candidate<'d>>], doors: &[Door<'d>]| {
            found.iter().any(|contender| doors.iter().any(|door| door.id() == contender.id))
        };
        // Who set a limit to the distance keeps it, but for the event's town hall: nobody has to go there.
        if self.need.max_distance_m.is_none() {
            let bound = self.rule.named.iter().filter(|named| self.is_bound_to_commune(&named.class));
            let bound = bound.map(|named| (named.rank, self.own_doors(&named.class).collect::<Vec<_>>()));
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
        Contender {
            cost_m,
            standing: self.standing(&door),
            to_centre_m: self.metres_from_here(&door),
            id: door.id(),
            item: Candidate { door, distance_m, competence, is_far: false },
        }
    }

    fn standing(&self, door: &Door<'d>) -> Standing {
        let day = self.need.at.date_naive();
        let fresh = ranking::is_fresh(door.source_date(), day);
        let record = (fresh, door.is_disputed());
        let standing = Standing::new(door.opening_at(self.need.at).status, door.access(), self.need.drop_in, record, door.capacity_on(day));
        standing.learnt(self.need.experience.as_ref().and_then(|past| past.out_of_ten(door.structure().id, &self.procedure.slug)))
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
        self.institution?;
        let mut desks = self.directory.serving(&self.rule.desks, self.zones, self.need.location);
        let (door, distance) = desks.find(|(door, _)| door.is_own())?;
        Some((door.entry, whole_metres(distance)))
    }
}

/// What a rule names at one rank, in ascending distance.
struct Source<'d> {
    rank: u16,
    /// `None`: town halls that were chosen one by one.
    class: Option<&'d Class>,
    /// In the commune asked for, which counts as at no distance.
    here: InCommune<'d>,
    /// With the distance that counts.
    listed: std::vec::IntoIter<(Door<'d>, f64)>,
    nearby: Option<Nearby<'d>>,
    /// Metres to the first of them that may be offered, once it was met.
    nearest_apt_m: Option<f64>,
}

impl<'d> Source<'d> {
    /// Metres that the next one is away at least; infinite when there is none.
    fn at_least_m(&self) -> f64 {
        if self.here.is_empty() { self.next_listed_m().min(self.next_nearby_m()) } else { 0.0 }
    }

    /// Whether that distance is the next one's.
    fn knows_next(&self) -> bool {
        !self.here.is_empty() || self.is_listed_next() || self.nearby.as_ref().is_some_and(|nearby| nearby.next.is_some())
    }

    fn look_within(&mut self, radius_m: f64) {
        self.nearby.as_mut().and_then(|nearby| nearby.peek_within(radius_m));
    }

    /// The next one within a radius.
    fn next(&mut self, radius_m: f64) -> Option<(Door<'d>, f64)> {
        if let Some(door) = self.here.next() {
            return Some((door, 0.0));
        }
        self.look_within(radius_m.min(self.next_listed_m()));
        if self.is_listed_next() {
            return Some(self.next_listed_m()).filter(|metres| *metres <= radius_m).and_then(|_| self.listed.next());
        }
        self.nearby.as_mut()?.next_within(radius_m)
    }

    /// What it is told from others of the same cost by; `None` while it isn't known.
    fn next_key(&self) -> Option<(Uuid, Option<usize>)> {
        let listed = self.listed.as_slice().first();
        let nearby = self.nearby.as_ref().and_then(|nearby| nearby.next.as_ref());
        let next = if self.is_listed_next() { listed } else { nearby };
        next.map(|(door, _)| door.key())
    }

    fn is_listed_next(&self) -> bool {
        self.next_listed_m() <= self.next_nearby_m() && !self.listed.as_slice().is_empty()
    }

    fn next_listed_m(&self) -> f64 {
        self.listed.as_slice().first().map_or(f64::INFINITY, |(_, metres)| *metres)
    }

    fn next_nearby_m(&self) -> f64 {
        self.nearby.as_ref().map_or(f64::INFINITY, Nearby::at_least_m)
    }
}
