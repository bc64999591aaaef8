//! The catalogue in memory: procedures and institutions, in a fixed order, found by slug, by name or by free words.

use std::collections::HashMap;

use aiguilleur_domain::area::{Area, FundAreas};
use aiguilleur_domain::need::Regime;
use aiguilleur_domain::procedure::{Basis, FranceServicesHelp, Institution, Mandate, Procedure, TerritoryRule};
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::text::normalise;
use foldhash::fast::FixedState;

use crate::rule::Rule;
use crate::words::{Fit, Words, needs};

/// Procedures and institutions, sorted by slug.
#[derive(Debug)]
pub struct Catalogue {
    procedures: Vec<Procedure>,
    institutions: Vec<Institution>,
    procedure_by_slug: HashMap<String, usize, FixedState>,
    institution_by_slug: HashMap<String, usize, FixedState>,
    /// Everything a procedure is called, normalised, in the order of `procedures`.
    names: Vec<String>,
    /// Which départements share a desk, by institution.
    fund_areas: FundAreas,
    words: Words,
    /// Of each procedure, in their order; that of [`Catalogue::anything`] comes last.
    rules: Vec<Rules>,
    anything: Procedure,
}

/// A procedure's rule for each scheme.
#[derive(Debug)]
struct Rules {
    general: Rule,
    agricole: Rule,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

/// What was heard in somebody's words.
#[derive(Debug, Default)]
pub struct Heard<'c> {
    /// The procedures meant, the main one first. Empty: nothing of ours.
    pub needs: Vec<Likely<'c>>,
    /// The closest procedures besides, best first: not certain enough to be answered.
    pub alternatives: Vec<Likely<'c>>,
    /// A procedure about danger that the words let fear, even if they are about something else.
    pub danger: Option<&'c Procedure>,
}

/// A procedure, and how likely it is meant.
#[derive(Debug, Clone, Copy)]
pub struct Likely<'c> {
    pub procedure: &'c Procedure,
    /// From 0 to 1.
    pub score: f64,
}

impl Catalogue {
    pub fn new(mut procedures: Vec<Procedure>, mut institutions: Vec<Institution>) -> Self {
        procedures.sort_by(|a, b| a.slug.cmp(&b.slug));
        institutions.sort_by(|a, b| a.slug.cmp(&b.slug));
        let anything = anything();
        let read = |procedure: &Procedure| Rules {
            general: Rule::read(procedure, Regime::General),
            agricole: Rule::read(procedure, Regime::Agricole),
        };
        Self {
            rules: procedures.iter().chain([&anything]).map(read).collect(),
            procedure_by_slug: procedures.iter().enumerate().map(|(index, procedure)| (procedure.slug.clone(), index)).collect(),
            institution_by_slug: institutions.iter().enumerate().map(|(index, body)| (body.slug.clone(), index)).collect(),
            names: procedures.iter().map(names).collect(),
            words: Words::default(),
            anything,
            fund_areas: FundAreas::default(),
            procedures,
            institutions,
        }
    }

    /// The same, that understands free words. Takes a good part of a second on the whole catalogue.
    #[must_use]
    pub fn learn(self) -> Self {
        Self { words: Words::learn(&self.procedures), ..self }
    }

    #[must_use]
    pub fn with_fund_areas(self, fund_areas: FundAreas) -> Self {
        Self { fund_areas, ..self }
    }

    pub fn procedure(&self, slug: &str) -> Option<&Procedure> {
        self.procedure_by_slug.get(slug).and_then(|&index| self.procedures.get(index))
    }

    pub fn institution(&self, slug: &str) -> Option<&Institution> {
        self.institution_by_slug.get(slug).and_then(|&index| self.institutions.get(index))
    }

    /// The area that a kind of structure serves around the commune it stands in, or an institution's desk.
    pub fn area_of(&self, kind: Kind, institution: Option<&str>) -> Area {
        match kind {
            Kind::Guichet => Area::of_institution(self.territory_of(institution)),
            kind => kind.default_area(),
        }
    }

    /// The départements that have the same desk of an institution as this one, itself included.
    pub fn sharing(&self, institution: Option<&str>, departement: &str) -> Vec<String> {
        self.fund_areas.sharing(institution.unwrap_or_default(), self.territory_of(institution), departement)
    }

    fn territory_of(&self, institution: Option<&str>) -> Option<&str> {
        self.institution(institution?)?.territory.as_deref()
    }

    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }

    pub fn institutions(&self) -> &[Institution] {
        &self.institutions
    }

    /// The rule for a need that names no procedure: whoever helps with any.
    pub fn anything(&self) -> &Procedure {
        &self.anything
    }

    /// The rule of one of the procedures; of [`Catalogue::anything`] for one that isn't among them.
    pub(crate) fn rule(&self, procedure: &Procedure, regime: Regime) -> Option<&Rule> {
        let rules = self.procedure_by_slug.get(&procedure.slug).map_or(self.rules.last(), |&index| self.rules.get(index))?;
        Some(match regime {
            Regime::General => &rules.general,
            Regime::Agricole => &rules.agricole,
        })
    }

    /// What somebody means who writes as people speak.
    pub fn hear(&self, said: &str) -> Heard<'_> {
        let is_danger = |index: usize| self.procedures.get(index).is_some_and(|procedure| procedure.safety);
        let heard = needs::hear(&self.words, said, is_danger);
        let likely = |fits: &[Fit]| {
            let known = fits.iter().filter_map(|fit| Some((self.procedures.get(fit.procedure)?, fit)));
            known.map(|(procedure, fit)| Likely { procedure, score: (fit.share * 100.0).round() / 100.0 }).collect()
        };
        let danger = heard.danger.and_then(|index| self.procedures.get(index));
        Heard { needs: likely(&heard.needs), alternatives: likely(&heard.alternatives), danger }
    }

    /// Procedures in which every word asked for begins a word of what they are called, by slug.
    pub fn named<'a>(&'a self, asked: &str) -> impl Iterator<Item = &'a Procedure> {
        let asked = normalise(asked);
        let begins = move |words: &str| asked.split(' ').all(|word| words.split(' ').any(|known| known.starts_with(word)));
        self.procedures.iter().zip(&self.names).filter(move |(_, words)| begins(words)).map(|(procedure, _)| procedure)
    }

    /// The slugs nearest to a misspelt one, nearest first.
    pub fn similar_slugs(&self, slug: &str) -> Vec<&str> {
        let mut similar: Vec<(f64, &str)> =
            self.procedures.iter().map(|known| (strsim::jaro_winkler(&known.slug, slug), known.slug.as_str())).collect();
        similar.sort_by(|a, b| b.0.total_cmp(&a.0));
        similar.into_iter().take(3).filter(|(score, _)| *score > 0.7).map(|(_, slug)| slug).collect()
    }
}

fn names(procedure: &Procedure) -> String {
    let mut words = normalise(&procedure.label);
    for synonym in std::iter::once(&procedure.slug).chain(&procedure.synonyms) {
        words.push(' ');
        words.push_str(&normalise(synonym));
    }
    words
}

/// France services, PIMMS, CCAS and town halls receive people whatever their procedure.
fn anything() -> Procedure {
    Procedure {
        slug: String::new(),
        group: String::new(),
        label: String::new(),
        synonyms: Vec::new(),
        about: Vec::new(),
        institution: String::new(),
        official_url: None,
        france_services: FranceServicesHelp::Yes,
        territory: TerritoryRule::National,
        mandate: Mandate::No,
        documents: Vec::new(),
        steps: Vec::new(),
        cost: None,
        delay: None,
        pitfalls: Vec::new(),
        urgency: 1,
        hotline: None,
        first_targets: ["france_services", "pimms", "ccas", "mairie"].map(str::to_owned).into(),
        ladder: Vec::new(),
        appeals: Vec::new(),
        sheet: None,
        safety: false,
        sensitive: false,
        basis: Basis::Read,
        doubt: None,
        note: None,
        sources: Vec::new(),
        checked_on: None,
    }
}
