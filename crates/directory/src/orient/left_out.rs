//! What was left out near by, and why: what nobody knows, and what each wish of the person put aside.

use std::collections::HashSet;

use aiguilleur_domain::need::Channel;
use aiguilleur_domain::ranking::{SEARCH_RADII_M, whole_metres};
use aiguilleur_domain::reason::{Exclusion, ExclusionCode};
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::target::Target;
use uuid::Uuid;

use super::{Choice, ChoiceTarget, LEFT_OUT, LEFT_OUT_PER_CLASS, LeftOut, Search};
use crate::door::Door;
use crate::layer::Class;
use crate::rule::means_event_town_hall;

/// How many members of a class are looked at for one that a wish put aside: an answer must not take longer for it.
const TRIED: usize = 2_000;

impl<'d> Search<'d> {
    pub(super) fn leave_out(&mut self, door: Door<'d>, distance_m: f64, reason: Exclusion) {
        self.left_out.push(LeftOut { door, distance_m: Some(whole_metres(distance_m)), reason });
    }

    /// The few worth naming: what nobody knows, the nearest for each reason, then the nearest of all. Nearest first.
    pub(super) fn all_left_out(&mut self, searched_m: f64, options: &[Choice<'d>]) -> Vec<LeftOut<'d>> {
        self.name_what_wishes_put_aside(searched_m);
        self.name_the_undeclared(searched_m);
        let offered = options.iter().filter_map(|option| match &option.target {
            ChoiceTarget::Structure(door) => Some(door.id()),
            ChoiceTarget::Institution(_) | ChoiceTarget::Hotline(_) => None,
        });
        // Each structure once, and none that is offered through another door.
        let mut seen: HashSet<Uuid> = offered.collect();
        let mut left_out = std::mem::take(&mut self.left_out);
        left_out.retain(|left| seen.insert(left.door.id()));
        let by_distance = |left: &LeftOut<'d>| (left.distance_m, left.door.id());
        left_out.sort_by_key(by_distance);
        let is_unknown = |left: &LeftOut<'_>| matches!(left.reason, Exclusion::ProcedureNotDeclared | Exclusion::EventCommuneUnknown);
        let mut reasons: HashSet<&'static str> = HashSet::new();
        let mut ranked: Vec<(bool, bool, LeftOut<'d>)> =
            left_out.into_iter().map(|left| (!is_unknown(&left), !reasons.insert(left.reason.code()), left)).collect();
        ranked.sort_by_key(|(known, again, left)| (*known, *again, by_distance(left)));
        ranked.truncate(LEFT_OUT);
        let mut left_out: Vec<LeftOut<'d>> = ranked.into_iter().map(|(_, _, left)| left).collect();
        left_out.sort_by_key(by_distance);
        left_out
    }

    /// Who is apt but of a kind that wasn't asked for, or farther than asked for.
    fn name_what_wishes_put_aside(&mut self, searched_m: f64) {
        let wishes = !self.need.kinds.is_empty() || self.need.max_distance_m.is_some();
        if self.need.channel == Channel::Remote || !wishes {
            return;
        }
        let mut aside: Vec<(Door<'d>, f64, Exclusion)> = Vec::new();
        for named in &self.rule.named {
            if self.is_bound_to_commune(&named.class) {
                aside.extend(self.put_aside(self.measured(self.own_doors(&named.class)).into_iter(), searched_m));
            } else {
                let apt = self.serving(&named.class).filter(|(door, _)| self.is_meant(&named.class, door));
                aside.extend(self.put_aside(apt, searched_m));
            }
        }
        for (_, doors) in self.single_town_halls() {
            aside.extend(self.put_aside(self.measured(doors.into_iter()).into_iter(), searched_m));
        }
        for (door, distance_m, reason) in aside {
            self.leave_out(door, distance_m, reason);
        }
    }

    /// Of one class, nearest first.
    fn put_aside(&self, doors: impl Iterator<Item = (Door<'d>, f64)>, searched_m: f64) -> Vec<(Door<'d>, f64, Exclusion)> {
        let farthest = SEARCH_RADII_M.into_iter().fold(searched_m, f64::max);
        let reach_m = if self.need.max_distance_m.is_some() { farthest } else { searched_m };
        let (mut of_other_kinds, mut too_far) = (0, 0);
        let mut aside = Vec::new();
        for (door, _) in doors.take_while(|(_, distance)| *distance <= reach_m).take(TRIED) {
            let distance_m = self.distance_to(&door);
            let (reason, named) = match (distance_m <= searched_m, self.is_wanted(&door)) {
                (true, false) => (Exclusion::KindNotAsked, &mut of_other_kinds),
                (false, true) => (Exclusion::TooFar, &mut too_far),
                (true, true) | (false, false) => continue,
            };
            if *named < LEFT_OUT_PER_CLASS && self.admit(&door).is_ok() {
                *named += 1;
                aside.push((door, distance_m, reason));
            }
            let enough_near = of_other_kinds == LEFT_OUT_PER_CLASS && self.need.max_distance_m.is_none();
            if too_far == LEFT_OUT_PER_CLASS || enough_near {
                break;
            }
        }
        aside
    }

    /// Where the rule wants a declaration, the nearest that says neither yes nor no is named: one can ask it.
    fn name_the_undeclared(&mut self, radius_m: f64) {
        let procedure = self.procedure;
        for target in procedure.targets() {
            let (kind, reason) = match target {
                Target::Declared(Some(kind)) => (kind, Exclusion::ProcedureNotDeclared),
                target if means_event_town_hall(procedure, target) => (Kind::Mairie, self.why_not_for_event()),
                _ => continue,
            };
            if !self.wants(kind) && self.stand_in_rank.is_none() {
                continue;
            }
            let is_silent =
                |door: &Door<'d>| door.is_own() && !door.declares(procedure) && !door.refuses(procedure) && self.is_wanted(door);
            let known: HashSet<Uuid> = match ExclusionCode::from(&reason) {
                // Who is competent for the event isn't left out on its account.
                ExclusionCode::NotCompetentForEvent => self.event_town_halls().flat_map(|(_, doors)| doors).map(|door| door.id()).collect(),
                _ => HashSet::new(),
            };
            let silent = self
                .directory
                .nearest(&Class::Kind(kind), self.need.location)
                .take_while(|(_, distance)| *distance <= radius_m)
                .find(|(door, _)| is_silent(door) && !known.contains(&door.id()));
            if let Some((door, distance_m)) = silent {
                self.leave_out(door, distance_m, reason);
            }
        }
    }
}
