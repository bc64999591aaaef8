//! The catalogue in memory: procedures and institutions, in a fixed order, found by slug.

use std::collections::HashMap;

use aiguilleur_domain::area::FundAreas;
use aiguilleur_domain::procedure::{Institution, Procedure};
use aiguilleur_domain::text::normalise;

/// Procedures and institutions, sorted by slug.
#[derive(Debug, Default)]
pub struct Catalogue {
    procedures: Vec<Procedure>,
    institutions: Vec<Institution>,
    procedure_by_slug: HashMap<String, usize>,
    institution_by_slug: HashMap<String, usize>,
    /// Everything a procedure is called, normalised, in the order of `procedures`.
    words: Vec<String>,
    /// Which départements share a desk, by institution.
    pub fund_areas: FundAreas,
}

impl Catalogue {
    pub fn new(mut procedures: Vec<Procedure>, mut institutions: Vec<Institution>) -> Self {
        procedures.sort_by(|a, b| a.slug.cmp(&b.slug));
        institutions.sort_by(|a, b| a.slug.cmp(&b.slug));
        Self {
            procedure_by_slug: procedures.iter().enumerate().map(|(index, procedure)| (procedure.slug.clone(), index)).collect(),
            institution_by_slug: institutions.iter().enumerate().map(|(index, body)| (body.slug.clone(), index)).collect(),
            words: procedures.iter().map(words).collect(),
            fund_areas: FundAreas::default(),
            procedures,
            institutions,
        }
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

    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }

    pub fn institutions(&self) -> &[Institution] {
        &self.institutions
    }

    /// Procedures in which every word asked for begins a word of what they are called, by slug.
    pub fn named<'a>(&'a self, asked: &str) -> impl Iterator<Item = &'a Procedure> {
        let asked = normalise(asked);
        let begins = move |words: &str| asked.split(' ').all(|word| words.split(' ').any(|known| known.starts_with(word)));
        self.procedures.iter().zip(&self.words).filter(move |(_, words)| begins(words)).map(|(procedure, _)| procedure)
    }

    /// The slugs nearest to a misspelt one, nearest first.
    pub fn similar_slugs(&self, slug: &str) -> Vec<&str> {
        let mut similar: Vec<(f64, &str)> =
            self.procedures.iter().map(|known| (strsim::jaro_winkler(&known.slug, slug), known.slug.as_str())).collect();
        similar.sort_by(|a, b| b.0.total_cmp(&a.0));
        similar.into_iter().take(3).filter(|(score, _)| *score > 0.7).map(|(_, slug)| slug).collect()
    }
}

fn words(procedure: &Procedure) -> String {
    let mut words = normalise(&procedure.label);
    for synonym in std::iter::once(&procedure.slug).chain(&procedure.synonyms) {
        words.push(' ');
        words.push_str(&normalise(synonym));
    }
    words
}
