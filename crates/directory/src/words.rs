//! Free words: which procedures somebody means who writes as people speak.
//!
//! A naive Bayes classifier over what each procedure is called and what people say when they need it. Every phrase of the catalogue
//! is taken apart into words, pairs of neighbours and short runs of letters, so that a typo costs a few of many clues. Further
//! classes, made of everyday talk, stand for all that is none of ours: words that fit them better than any procedure match nothing.

mod clues;
pub mod needs;
mod spoken;

use std::collections::{BTreeMap, HashMap, HashSet};

use aiguilleur_domain::procedure::Procedure;

use clues::{Clue, Clues};

/// Phrases that belong to no procedure. Each theme, between empty lines, is a class: all together they would be one that nothing
/// fits well.
const OUT_OF_SCOPE: &str = include_str!("words/out_of_scope.txt");
/// What every class is granted of a clue that it never showed.
const SMOOTHING: f64 = 0.05;
/// How much a clue found in few classes outweighs one found in many: the power of the logarithm of its rarity.
const RARITY: f64 = 0.2;
/// What words and their pairs weigh, letters weighing one.
const WORDS_WEIGHT: f64 = 1.25;
/// How sharply odds become shares; below one, since clues repeat each other.
const SHARPNESS: f64 = 0.5;
/// Two words this much alike are the same one, misspelt.
const NEARLY: f64 = 0.9;

/// What the catalogue's phrases have taught.
#[derive(Debug, Default)]
pub struct Words {
    clues: HashMap<Clue, Learnt>,
    /// The words of each procedure's label, slug and synonyms.
    names: Vec<HashSet<String>>,
    /// How many classes there are: the procedures, then the themes out of scope.
    classes: usize,
}

/// One clue, as learnt.
#[derive(Debug)]
struct Learnt {
    /// Its rarity among phrases: 1 + ln(phrases / phrases that show it).
    among_phrases: f64,
    /// Its rarity among classes.
    among_classes: f64,
    /// The classes that showed it, with how much it speaks for each.
    speaks_for: Vec<(usize, f64)>,
}

/// How well a question fits a procedure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The procedure's place in the catalogue.
    pub procedure: usize,
    /// By how much it fits better than what is out of scope; what counts as certain is told by `needs`.
    pub margin: f64,
    /// Its share among all that may be meant, from 0 to 1.
    pub share: f64,
}

impl Words {
    /// Learns from the procedures, in their order.
    pub fn learn(procedures: &[Procedure]) -> Self {
        let themes = OUT_OF_SCOPE.split("\n\n");
        let classes = procedures.len() + themes.clone().count();
        let themes = (procedures.len()..).zip(themes);
        let out_of_scope = themes.flat_map(|(class, phrases)| phrases.lines().map(move |phrase| (class, Clues::of(phrase))));
        let phrases = procedures.iter().enumerate().flat_map(|(class, procedure)| {
            let said = std::iter::once(&procedure.label).chain(&procedure.synonyms).chain(&procedure.about);
            said.map(move |phrase| (class, Clues::of(phrase)))
        });
        let names = procedures.iter().map(|procedure| {
            let called = [&procedure.label, &procedure.slug].into_iter().chain(&procedure.synonyms);
            called.flat_map(|name| spoken::words(name)).collect()
        });
        let learnt = Self::from_phrases(&phrases.chain(out_of_scope).collect::<Vec<_>>(), classes);
        Self { names: names.collect(), ..learnt }
    }

    fn from_phrases(phrases: &[(usize, Clues)], classes: usize) -> Self {
        let count = |items: usize| f64::from(u32::try_from(items).unwrap_or(u32::MAX));
        let mut shown: HashMap<Clue, usize> = HashMap::new();
        for clue in phrases.iter().flat_map(|(_, clues)| clues.all()) {
            *shown.entry(clue).or_default() += 1;
        }
        let among_phrases = |clue: Clue| {
            let with = shown.get(&clue).copied().unwrap_or_default();
            1.0 + ((1.0 + count(phrases.len())) / (1.0 + count(with))).ln()
        };
        let mut by_class: HashMap<Clue, BTreeMap<usize, f64>> = HashMap::new();
        for (class, clues) in phrases {
            for (clue, weight) in weighed(clues, |clue| Some(among_phrases(clue))) {
                *by_class.entry(clue).or_default().entry(*class).or_default() += weight;
            }
        }
        let mut learnt: Vec<(Clue, BTreeMap<usize, f64>)> = by_class.into_iter().collect();
        // Sums must not depend on the order of a hash table.
        learnt.sort_by_key(|(clue, _)| *clue);
        let among_classes = |of_classes: usize| (count(classes + 1) / count(of_classes + 1)).ln().powf(RARITY);
        let mut total = vec![0.0; classes];
        for (class, weight) in learnt.iter().flat_map(|(_, of)| of.iter().map(|(class, weight)| (*class, weight * among_classes(of.len()))))
        {
            if let Some(total) = total.get_mut(class) {
                *total += weight;
            }
        }
        // Every class is heard alike, however many phrases it was given.
        let usual = total.iter().sum::<f64>() / count(classes);
        let alike = |class: usize| total.get(class).filter(|total| **total > 0.0).map_or(0.0, |total| usual / total);
        let clues = learnt.into_iter().map(|(clue, of)| {
            let rarity = among_classes(of.len());
            let speaks_for = of.into_iter().map(|(class, weight)| (class, (1.0 + weight * rarity * alike(class) / SMOOTHING).ln()));
            let speaks_for = speaks_for.collect();
            (clue, Learnt { among_phrases: among_phrases(clue), among_classes: rarity, speaks_for })
        });
        Self { clues: clues.collect(), names: Vec::new(), classes }
    }

    /// Every procedure by how well the words fit it, best first; empty when no word says anything at all.
    pub fn fits(&self, said: &str) -> Vec<Fit> {
        let mut scores = vec![0.0; self.classes];
        let mut heard = false;
        for (clue, weight) in weighed(&Clues::of(said), |clue| self.clues.get(&clue).map(|learnt| learnt.among_phrases)) {
            let Some(learnt) = self.clues.get(&clue) else { continue };
            heard = true;
            for (class, speaks) in &learnt.speaks_for {
                if let Some(score) = scores.get_mut(*class) {
                    *score += weight * learnt.among_classes * speaks;
                }
            }
        }
        if !heard {
            return Vec::new();
        }
        let out_of_scope = scores.split_off(self.names.len()).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let all: f64 = scores.iter().map(|score| ((score - out_of_scope) * SHARPNESS).exp()).sum::<f64>() + 1.0;
        let fit = |(procedure, score): (usize, f64)| {
            let margin = score - out_of_scope;
            Fit { procedure, margin, share: (margin * SHARPNESS).exp() / all }
        };
        let mut fits: Vec<Fit> = scores.into_iter().enumerate().map(fit).collect();
        fits.sort_by(|a, b| b.margin.total_cmp(&a.margin).then(a.procedure.cmp(&b.procedure)));
        fits
    }

    /// How many different telling words of the text were ever heard before.
    fn known_words(&self, said: &str) -> usize {
        let is_known = |word: &String| tells(word) && self.clues.contains_key(&clues::word_clue(word));
        spoken::words(said).into_iter().filter(is_known).collect::<HashSet<_>>().len()
    }

    /// Whether the words hold one that the procedure is called by, or nearly.
    fn names(&self, procedure: usize, said: &str) -> bool {
        let is_name = |word: &String, name: &String| word == name || word.len() > 3 && strsim::jaro_winkler(word, name) > NEARLY;
        let words: Vec<String> = spoken::words(said).into_iter().filter(|word| tells(word)).collect();
        self.names.get(procedure).is_some_and(|names| words.iter().any(|word| names.iter().any(|name| is_name(word, name))))
    }
}

/// Long enough to mean something by itself, or an abbreviation in which no vowel was left to read.
fn tells(word: &str) -> bool {
    let is_short_form = word.len() > 1 && word.chars().all(|letter| letter.is_ascii_alphabetic() && !"aeiouy".contains(letter));
    is_short_form || word.len() > 3 && word.chars().any(char::is_alphabetic)
}

/// The clues that are known, by their rarity; words and runs of letters each brought to length one, then weighed.
fn weighed(clues: &Clues, rarity: impl Fn(Clue) -> Option<f64>) -> Vec<(Clue, f64)> {
    let mut weighed = Vec::with_capacity(clues.words.len() + clues.runs.len());
    for (kind, share) in [(&clues.words, WORDS_WEIGHT), (&clues.runs, 1.0)] {
        let known: Vec<(Clue, f64)> = kind.iter().filter_map(|(clue, times)| Some((*clue, times * rarity(*clue)?))).collect();
        let length = known.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        weighed.extend(known.into_iter().map(|(clue, weight)| (clue, share * weight / length)));
    }
    weighed
}
