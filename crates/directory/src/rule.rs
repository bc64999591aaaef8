//! The catalogue's rules, read once: which doors a procedure names, best first.

use aiguilleur_domain::need::Regime;
use aiguilleur_domain::procedure::{Procedure, TerritoryRule};
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::target::{self, Target};

use crate::layer::Class;

/// A procedure's rule, for those of one scheme.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Slug of the institution in charge.
    pub in_charge: String,
    /// The desks of that institution.
    pub desks: Class,
    /// What the rule names, each class once, at its best rank; then whoever says that they handle the procedure.
    pub named: Vec<Named>,
    /// The rank of the CCAS, where a town hall stands in for one that isn't on record.
    pub ccas_rank: Option<u16>,
    /// The rank of the town hall of the commune of a birth, a marriage or a death.
    pub event_rank: Option<u16>,
}

/// What a rule names at one rank.
#[derive(Debug)]
pub(crate) struct Named {
    pub class: Class,
    pub rank: u16,
}

impl Rule {
    pub fn read(procedure: &Procedure, regime: Regime) -> Self {
        let in_charge = match regime {
            Regime::Agricole => target::institution_for_farm_workers(&procedure.institution),
            Regime::General => &procedure.institution,
        };
        let declarations = |kind| [Class::Procedure(procedure.slug.clone(), kind), Class::Group(procedure.group.clone(), kind)];
        let mut rule = Self {
            in_charge: in_charge.to_owned(),
            desks: Class::Desk(in_charge.to_owned()),
            named: Vec::new(),
            ccas_rank: None,
            event_rank: None,
        };
        let mut rank = 0;
        for target in procedure.targets() {
            rank += 1;
            let target = if regime == Regime::Agricole { target.for_farm_workers() } else { target };
            // The residence doesn't tell where an event took place; without its commune, a town hall is named as left out.
            if means_event_town_hall(procedure, target) {
                rule.event_rank.get_or_insert(rank);
                continue;
            }
            match target {
                Target::Kind(kind) => {
                    if kind == Kind::CcasCias {
                        rule.ccas_rank.get_or_insert(rank);
                    }
                    rule.name(Class::Kind(kind), rank);
                }
                Target::Desk(institution) => rule.name(Class::Desk(institution.to_owned()), rank),
                // Those of that kind which don't declare it are named as left out.
                Target::Declared(Some(kind)) => {
                    for class in declarations(Some(kind)) {
                        rule.name(class, rank);
                    }
                }
                // Which kind of place a notary or a hospital's help is on record as isn't known: found below.
                Target::Declared(None) | Target::EventTownHall | Target::NoPlace => {}
            }
        }
        // Whoever else declares it comes after all that the rule names.
        for class in declarations(None) {
            rule.name(class, rank + 1);
        }
        rule
    }

    fn name(&mut self, class: Class, rank: u16) {
        if !self.named.iter().any(|known| known.class == class) {
            self.named.push(Named { class, rank });
        }
    }
}

pub(crate) fn is_bound_to_event(procedure: &Procedure) -> bool {
    matches!(procedure.territory, TerritoryRule::CommuneNaissance | TerritoryRule::CommuneEvenement)
}

/// Whether a word of the rule means the town hall that registered the event.
pub(crate) fn means_event_town_hall(procedure: &Procedure, target: Target) -> bool {
    target == Target::EventTownHall || (target == Target::Kind(Kind::Mairie) && is_bound_to_event(procedure))
}
