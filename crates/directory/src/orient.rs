//! `orient()`: where to send this person, for this procedure, with reasons, and what was left out and why.

use std::collections::HashSet;

use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::{Opening, OpeningStatus};
use aiguilleur_domain::procedure::{FranceServicesHelp, Hotline, Institution, Mandate, Procedure, TerritoryRule};
use aiguilleur_domain::ranking::{self, Contender, LOCAL_M, SEARCH_RADII_M, Standing, whole_metres};
use aiguilleur_domain::reason::{Caution, Exclusion, Reason};
use aiguilleur_domain::structure::{Access, Area, Capacity, Kind, Structure};
use aiguilleur_domain::target::Target;
use aiguilleur_domain::territory::Commune;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::Directory;
use crate::layer::{Class, Entry};

/// How many of the nearest structures left out are named, in all and of one class.
const LEFT_OUT: usize = 5;
const LEFT_OUT_PER_CLASS: usize = 2;

/// The answer to a need.
#[derive(Debug)]
pub struct Orientation<'d> {
    pub procedure: &'d Procedure,
    /// The institution in charge, for this person's scheme.
    pub institution: Option<&'d Institution>,
    pub hotline: Option<Hotline>,
    /// The institution's nearest competent desk, with metres to it.
    pub desk: Option<(&'d Entry, u32)>,
    pub options: Vec<Choice<'d>>,
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
    Structure(&'d Entry),
    /// The institution's remote channels.
    Institution(&'d Institution),
    Hotline(Hotline),
}

/// A structure near by that is not offered.
#[derive(Debug)]
pub struct LeftOut<'d> {
    pub entry: &'d Entry,
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
        let procedure = self.catalogue.procedure(&need.procedure)?;
        let residence = self.territory.resolve(&need.residence)?.commune;
        Some(Search::new(self, need, procedure, residence).run())
    }
}

/// One place among those a rule names, with what decided its place.
struct Candidate<'d> {
    entry: &'d Entry,
    distance_m: f64,
    opening: Opening,
    declared: bool,
    competence: Competence,
}

/// Why a structure may serve this residence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Competence {
    /// Anybody may come.
    Unbound,
    /// Its own record says so.
    Recorded,
    /// Its kind's usual area covers the residence.
    ByKind,
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
    institution: Option<&'d Institution>,
    hotline: Option<Hotline>,
    /// What the rule names, best first.
    named: Vec<Named>,
    /// The rank at which the town hall stands in for a CCAS that isn't on record.
    stand_in_rank: Option<u16>,
    left_out: Vec<LeftOut<'d>>,
}

impl<'d> Search<'d> {
    pub(crate) fn new(directory: &'d Directory, need: &'d Need, procedure: &'d Procedure, residence: &'d Commune) -> Self {
        let in_charge = match (need.regime, procedure.institution.as_str()) {
            (Regime::Agricole, "caf" | "cpam" | "carsat") => "msa",
            (_, institution) => institution,
        };
        let institution = directory.catalogue.institution(in_charge);
        let owner = institution.map_or(procedure.label.as_str(), |institution| &institution.label);
        // The line of the general scheme is of no use to a farm worker; that of danger is everybody's.
        let own_line = procedure.hotline.as_deref().filter(|_| procedure.safety || in_charge == procedure.institution);
        let mut search = Self {
            directory,
            need,
            procedure,
            residence,
            institution,
            hotline: own_line.and_then(|line| Hotline::parse(line, owner)),
            named: Vec::new(),
            stand_in_rank: None,
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

    fn ccas_on_record(&self) -> bool {
        let class = Class::Kind(Kind::CcasCias);
        self.directory.bound(&class, &self.residence.code).into_iter().any(|entry| self.competence(entry).is_some())
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
            (found, nearest_m) = if self.need.channel == Channel::Remote { (Vec::new(), None) } else { self.within(radius) };
            if !found.is_empty() {
                break;
            }
        }
        ranking::order(&mut found);
        let mut options: Vec<Choice<'d>> =
            found.into_iter().take(self.need.limit).map(|contender| self.choice(&contender.item, contender.cost_m)).collect();
        self.add_remote(&mut options);
        let level = self.level(nearest_m);
        self.name_the_undeclared(searched, &options);
        // What nobody knows is always said; the nearest of the others fill the rest.
        let is_unknown = |left: &LeftOut<'_>| matches!(left.reason, Exclusion::ProcedureNotDeclared | Exclusion::EventCommuneUnknown);
        self.left_out.sort_by_key(|left| (!is_unknown(left), left.distance_m, left.entry.structure.id));
        self.left_out.truncate(LEFT_OUT);
        self.left_out.sort_by_key(|left| (left.distance_m, left.entry.structure.id));
        Orientation {
            procedure: self.procedure,
            institution: self.institution,
            desk: self.desk(),
            hotline: self.hotline,
            options,
            left_out: self.left_out,
            coverage: Coverage { level, nearest_m, searched_m: whole_metres(searched) },
        }
    }

    /// Metres to every place within a radius that may be offered. `limit` counts: who wants them all asks for as many.
    pub(crate) fn apt_within(&self, radius_m: f64) -> Vec<f64> {
        let mut seen: HashSet<Uuid> = HashSet::new();
        let entries = self.sources(radius_m).into_iter().flat_map(|source| source.entries);
        let apt = entries.filter(|(entry, _)| self.is_apt(entry) && seen.insert(entry.structure.id));
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
        let mut seen: HashSet<Uuid> = HashSet::new();
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
            let Some((entry, distance_m)) = sources.get_mut(index).and_then(Source::next) else { break };
            if !self.is_wanted(&entry.structure) || !seen.insert(entry.structure.id) {
                continue;
            }
            match self.admit(entry) {
                Ok(competence) => {
                    if group_limit.is_infinite() {
                        group_limit = ranking::nearly_as(cost);
                    }
                    found.push(self.contender(entry, distance_m, cost, competence));
                }
                Err(reason) => self.leave_out(entry, distance_m, reason),
            }
        }
        (found, nearest_m)
    }

    /// One source for all that the rule names, each in ascending distance.
    fn sources(&self, radius_m: f64) -> Vec<Source<'d>> {
        let mut sources = Vec::with_capacity(self.named.len() + 1);
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
        if let Some(rank) = self.stand_in_rank
            && (self.wants(Kind::CcasCias) || self.wants(Kind::Mairie))
        {
            let town_halls = self.directory.bound(&Class::Kind(Kind::Mairie), &self.residence.code);
            let own = town_halls.into_iter().filter(|entry| entry.structure.commune == self.residence.code);
            sources.push(self.source(rank, self.measured(own, radius_m)));
        }
        sources
    }

    fn source(&self, rank: u16, entries: Vec<(&'d Entry, f64)>) -> Source<'d> {
        let nearest_m = entries.iter().find(|(entry, _)| self.is_apt(entry)).map(|(_, distance_m)| *distance_m);
        Source { rank, nearest_m, entries: entries.into_iter().peekable() }
    }

    fn is_apt(&self, entry: &Entry) -> bool {
        self.is_wanted(&entry.structure) && self.admit(entry).is_ok()
    }

    /// What a rule names within a radius: bound to a commune, those of the residence and the nearest others (to be named as left
    /// out); else by distance, what lies in the commune asked for counting as at no distance.
    fn members(&self, Named { class, kind, rank }: &Named, radius_m: f64) -> Vec<(&'d Entry, f64)> {
        if let Class::Kind(kind @ (Kind::CcasCias | Kind::Mairie)) = class
            && !(*kind == Kind::Mairie && self.procedure.territory == TerritoryRule::CommuneLibre)
        {
            let own = self.directory.bound(class, &self.residence.code);
            let own = own.into_iter().filter(|entry| self.competence(entry).is_some());
            let others = self
                .directory
                .nearest(class, self.need.location)
                .take_while(|(_, distance)| *distance <= radius_m.min(LOCAL_M))
                .filter(|(entry, _)| self.competence(entry).is_none())
                .take(LEFT_OUT_PER_CLASS);
            let mut all = self.measured(own, radius_m);
            all.extend(others);
            all.sort_by(|a, b| a.1.total_cmp(&b.1));
            return all;
        }
        let is_meant = |entry: &Entry| kind.is_none_or(|kind| entry.structure.kind == kind);
        let by_distance = self.directory.nearest(class, self.need.location).take_while(|(_, distance)| *distance <= radius_m);
        let in_commune: Vec<(&Entry, f64)> = if self.need.precision == Precision::Commune {
            let here = self.directory.bound(class, &self.need.commune).into_iter();
            self.measured(here.filter(|entry| entry.structure.commune == self.need.commune && is_meant(entry)), radius_m)
        } else {
            Vec::new()
        };
        let known: HashSet<Uuid> = in_commune.iter().map(|(entry, _)| entry.structure.id).collect();
        // Enough to fill the answer even if all of it came from here, and to complete its last group of nearly equal costs.
        let mut admitted = 0;
        let mut last_cost = f64::INFINITY;
        let elsewhere = by_distance.filter(|(entry, _)| is_meant(entry) && !known.contains(&entry.structure.id));
        let elsewhere = elsewhere.take_while(|(entry, distance)| {
            let cost = ranking::cost_m(*distance, *rank);
            if cost <= last_cost && last_cost.is_infinite() && self.is_apt(entry) {
                admitted += 1;
                if admitted == self.need.limit {
                    last_cost = ranking::nearly_as(cost);
                }
            }
            cost <= last_cost
        });
        let elsewhere: Vec<_> = elsewhere.collect();
        in_commune.into_iter().chain(elsewhere).collect()
    }

    /// Entries within a radius, with the distance that counts for this need, in ascending order.
    fn measured(&self, entries: impl Iterator<Item = &'d Entry>, radius_m: f64) -> Vec<(&'d Entry, f64)> {
        let measured = entries.map(|entry| (entry, self.distance_to(entry)));
        let mut measured: Vec<(&Entry, f64)> = measured.filter(|(_, distance)| *distance <= radius_m).collect();
        measured.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.structure.id.cmp(&b.0.structure.id)));
        measured.dedup_by_key(|(entry, _)| entry.structure.id);
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
    fn is_wanted(&self, structure: &Structure) -> bool {
        self.wants(structure.kind) || (self.stands_in(structure) && self.wants(Kind::CcasCias))
    }

    /// Whether a structure may be offered, on what ground, or why not.
    fn admit(&self, entry: &Entry) -> Result<Competence, Exclusion> {
        let structure = &entry.structure;
        if structure.not_offered.contains(&self.procedure.slug) {
            return Err(Exclusion::ProcedureNotOffered);
        }
        let competence =
            self.competence(entry).ok_or_else(|| Exclusion::NotCompetentForCommune { commune: self.residence.name.clone() })?;
        if self.need.drop_in && structure.access == Access::Appointment {
            return Err(Exclusion::AppointmentOnly);
        }
        if self.need.wheelchair && structure.wheelchair == Some(false) {
            return Err(Exclusion::NotWheelchairAccessible);
        }
        if let Some(language) = &self.need.language
            && language != "fr"
            && !structure.languages.is_empty()
            && !structure.languages.contains(language)
        {
            return Err(Exclusion::LanguageNotSpoken { language: language.clone() });
        }
        if let Some(help_kind) = self.need.help_kind
            && !structure.help_kinds.is_empty()
            && !structure.help_kinds.contains(&help_kind)
        {
            return Err(Exclusion::HelpKindNotOffered);
        }
        if self.need.channel == Channel::Phone && structure.phone.is_none() {
            return Err(Exclusion::NoTelephone);
        }
        Ok(competence)
    }

    fn competence(&self, entry: &Entry) -> Option<Competence> {
        let structure = &entry.structure;
        if !structure.territory.is_empty() {
            return self.residence.lies_in(&structure.territory).then_some(Competence::Recorded);
        }
        let free_choice = structure.kind == Kind::Mairie && self.procedure.territory == TerritoryRule::CommuneLibre;
        let area = if free_choice { Area::Everywhere } else { structure.kind.default_area() };
        let covers = match area {
            Area::Everywhere => return Some(Competence::Unbound),
            Area::Commune => structure.commune == self.residence.code,
            Area::Departement if structure.kind == Kind::Guichet && self.procedure.territory == TerritoryRule::National => {
                return Some(Competence::Unbound);
            }
            Area::Departement => self
                .directory
                .territory
                .resolve(&structure.commune)
                .is_some_and(|resolved| resolved.commune.departement == self.residence.departement),
        };
        covers.then_some(Competence::ByKind)
    }

    /// The town hall of the residence, where no CCAS of it is on record.
    fn stands_in(&self, structure: &Structure) -> bool {
        self.stand_in_rank.is_some() && structure.kind == Kind::Mairie && structure.commune == self.residence.code
    }

    fn contender(&self, entry: &'d Entry, distance_m: f64, cost_m: f64, competence: Competence) -> Contender<Candidate<'d>> {
        let structure = &entry.structure;
        let opening = entry.opening_at(self.need.at);
        let day = self.need.at.date_naive();
        let fresh = ranking::is_fresh(structure.source_date, day);
        Contender {
            cost_m,
            standing: Standing::new(opening.status, structure.access, self.need.drop_in, fresh, structure.capacity_on(day)),
            to_centre_m: self.metres_from_here(entry),
            id: structure.id,
            item: Candidate {
                entry,
                distance_m,
                opening,
                declared: structure.declares(&self.procedure.slug, &self.procedure.group),
                competence,
            },
        }
    }

    fn choice(&self, candidate: &Candidate<'d>, cost_m: f64) -> Choice<'d> {
        Choice {
            distance_m: Some(whole_metres(candidate.distance_m)),
            opening: candidate.opening,
            access: candidate.entry.structure.access,
            reasons: self.reasons(candidate),
            cautions: self.cautions(candidate),
            score: ranking::score(cost_m),
            target: ChoiceTarget::Structure(candidate.entry),
        }
    }

    fn reasons(&self, candidate: &Candidate<'d>) -> Vec<Reason> {
        let structure = &candidate.entry.structure;
        let day = self.need.at.date_naive();
        let mut reasons = vec![if candidate.declared { Reason::DeclaresProcedure } else { Reason::HandlesProcedure }];
        if candidate.competence != Competence::Unbound {
            reasons.push(Reason::CompetentForCommune { commune: self.residence.name.clone() });
        }
        reasons.push(if self.need.precision == Precision::Commune && structure.commune == self.need.commune {
            Reason::InCommune
        } else {
            Reason::Distance { metres: whole_metres(candidate.distance_m) }
        });
        match candidate.opening {
            Opening { status: OpeningStatus::Open, until: Some(until), .. } => reasons.push(Reason::OpenNow { until }),
            Opening { status: OpeningStatus::Open, until: None, .. } => reasons.push(Reason::AlwaysOpen),
            Opening { next: Some(at), .. } => reasons.push(Reason::NextOpening { at }),
            _ => {}
        }
        match structure.access {
            Access::DropIn => reasons.push(Reason::DropIn),
            Access::Appointment => reasons.push(Reason::ByAppointment),
            Access::Unknown => {}
        }
        if structure.free == Some(true) {
            reasons.push(Reason::Free);
        }
        if let Some(language) = self.need.language.as_ref().filter(|language| structure.languages.contains(language)) {
            reasons.push(Reason::SpeaksLanguage { language: language.clone() });
        }
        if structure.wheelchair == Some(true) {
            reasons.push(Reason::WheelchairAccessible);
        }
        if let Some(capacity @ (Capacity::Open | Capacity::FewPlaces)) = structure.capacity_on(day) {
            reasons.push(Reason::CapacityDeclared { capacity });
        }
        if structure.aidants_connect == Some(true) {
            reasons.push(Reason::AidantsConnect);
        }
        if structure.at_home == Some(true) {
            reasons.push(Reason::AtHome);
        }
        if ranking::is_fresh(structure.source_date, day) {
            reasons.push(Reason::RecordFresh);
        }
        reasons
    }

    fn cautions(&self, candidate: &Candidate<'d>) -> Vec<Caution> {
        let structure = &candidate.entry.structure;
        let day = self.need.at.date_naive();
        let mut cautions = Vec::new();
        if structure.demonstration {
            cautions.push(Caution::Demonstration);
        }
        if self.stands_in(structure) {
            cautions.push(Caution::CcasUnlisted { commune: self.residence.name.clone() });
        }
        match candidate.opening {
            Opening { status: OpeningStatus::Unknown, .. } => cautions.push(
                if structure.opening_hours.is_some() && !aiguilleur_domain::opening::still_counts(structure.hours_checked_on, day) {
                    Caution::HoursUnchecked
                } else {
                    Caution::HoursUnknown
                },
            ),
            Opening { status: OpeningStatus::Closed, next: None, .. } => cautions.push(Caution::NoOpeningSoon),
            Opening { .. } => {}
        }
        if structure.itinerant {
            cautions.push(Caution::Itinerant);
        }
        if structure.location.is_none() {
            cautions.push(Caution::PositionApproximate);
        }
        if structure.access == Access::Appointment {
            cautions.push(Caution::AppointmentOnly);
        }
        match structure.capacity_on(day) {
            Some(Capacity::WaitingList) => cautions.push(Caution::WaitingList),
            Some(Capacity::Full) => cautions.push(Caution::Full),
            Some(Capacity::Open | Capacity::FewPlaces) | None => {}
        }
        if candidate.competence == Competence::ByKind && structure.kind.default_area() == Area::Departement {
            cautions.push(Caution::AreaAssumed);
        }
        if structure.kind == Kind::FranceServices && self.procedure.france_services == FranceServicesHelp::Partial {
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
        if let Some(language) = self.need.language.as_ref().filter(|language| *language != "fr" && structure.languages.is_empty()) {
            cautions.push(Caution::LanguageUnknown { language: language.clone() });
        }
        cautions
    }

    /// Danger puts the line first; where no place is within reach, or none is wanted, the institution itself answers.
    fn add_remote(&self, options: &mut Vec<Choice<'d>>) {
        let at_a_distance = |target, reason| Choice {
            target,
            distance_m: None,
            opening: Opening::UNKNOWN,
            access: Access::Unknown,
            reasons: vec![reason],
            cautions: Vec::new(),
            score: 1.0,
        };
        if (options.is_empty() || self.need.channel != Channel::InPerson)
            && let Some(institution) = self.institution
        {
            options.insert(0, at_a_distance(ChoiceTarget::Institution(institution), Reason::InCharge));
        }
        if let Some(hotline) = self.hotline.as_ref().filter(|_| self.procedure.safety) {
            options.insert(0, at_a_distance(ChoiceTarget::Hotline(hotline.clone()), Reason::DangerLine));
        }
        options.truncate(self.need.limit);
    }

    fn is_reachable_remotely(&self) -> bool {
        let by_institution = self.institution.is_some_and(|institution| institution.phone.is_some() || institution.website.is_some());
        self.hotline.is_some() || self.procedure.official_url.is_some() || by_institution
    }

    /// The institution's own desk for this residence, the nearest one.
    fn desk(&self) -> Option<(&'d Entry, u32)> {
        let class = Class::Desk(self.institution?.slug.clone());
        let mut desks = self.directory.nearest(&class, self.need.location);
        let (entry, distance) = desks.find(|(entry, _)| self.competence(entry).is_some())?;
        Some((entry, whole_metres(distance)))
    }

    fn leave_out(&mut self, entry: &'d Entry, distance_m: f64, reason: Exclusion) {
        if self.is_wanted(&entry.structure) {
            self.left_out.push(LeftOut { entry, distance_m: Some(whole_metres(distance_m)), reason });
        }
    }

    /// Where the rule wants a declaration, the nearest that says neither yes nor no is named: one can ask it.
    fn name_the_undeclared(&mut self, radius_m: f64, options: &[Choice<'d>]) {
        let directory = self.directory;
        let is_option = |entry: &Entry| {
            let id = entry.structure.id;
            options.iter().any(|option| matches!(option.target, ChoiceTarget::Structure(offered) if offered.structure.id == id))
        };
        for target in self.procedure.targets() {
            let (kind, reason) = match target {
                Target::Declared(Some(kind)) => (kind, Exclusion::ProcedureNotDeclared),
                Target::EventTownHall => (Kind::Mairie, Exclusion::EventCommuneUnknown),
                _ => continue,
            };
            let undeclared = directory
                .nearest(&Class::Kind(kind), self.need.location)
                .take_while(|(_, distance)| *distance <= radius_m)
                .find(|(Entry { structure, .. }, _)| {
                    !structure.declares(&self.procedure.slug, &self.procedure.group)
                        && !structure.not_offered.contains(&self.procedure.slug)
                });
            if let Some((entry, distance_m)) = undeclared
                && !is_option(entry)
                && !self.left_out.iter().any(|left| left.entry.structure.id == entry.structure.id)
            {
                self.leave_out(entry, distance_m, reason);
            }
        }
    }
}

/// Entries in ascending distance, priced by the rank of what named them.
struct Source<'d> {
    rank: u16,
    /// Metres to the first that may be offered.
    nearest_m: Option<f64>,
    entries: std::iter::Peekable<std::vec::IntoIter<(&'d Entry, f64)>>,
}

impl<'d> Source<'d> {
    fn peek_cost(&mut self) -> Option<f64> {
        self.entries.peek().map(|(_, distance)| ranking::cost_m(*distance, self.rank))
    }

    fn next(&mut self) -> Option<(&'d Entry, f64)> {
        self.entries.next()
    }
}
