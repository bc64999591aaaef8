//! Free words: which procedures somebody means who writes as people speak.
//!
//! A naive Bayes classifier over what each procedure is called and what people say when they need it. Every phrase of the catalogue
//! is taken apart into words, pairs of neighbours and short runs of letters, so that a typo costs a few of many clues. Further
//! classes, made of everyday talk, stand for all that is none of ours: words that fit them better than any procedure match nothing.

mod clues;
pub mod needs;
mod spoken;

use std::collections::{HashMap, HashSet};

use aiguilleur_domain::procedure::Procedure;

use clues::{ByClue, Clue, Clues, Reader};

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
/// A word that more procedures than that are called by names none of them.
const SHARED: usize = 12;
/// Two words this much alike are the same one, misspelt.
const NEARLY: f64 = 0.9;

/// What the catalogue's phrases have taught.
#[derive(Debug, Default)]
pub struct Words {
    clues: ByClue<Learnt>,
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
        let mut reader = Reader::default();
        let themes = OUT_OF_SCOPE.split("\n\n").map(|theme| theme.lines().collect());
        let phrases = procedures.iter().map(said_of).chain(themes);
        let classes: Vec<Vec<Clues>> = phrases.map(|of_class| of_class.into_iter().map(|phrase| reader.read(phrase)).collect()).collect();
        Self { clues: learn(&classes), names: names(procedures), classes: classes.len() }
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

/// The words that each procedure is called by, those set aside that many are: « demander », « carte ».
fn names(procedures: &[Procedure]) -> Vec<HashSet<String>> {
    let called = |procedure: &Procedure| -> HashSet<String> {
        let names = [&procedure.label, &procedure.slug].into_iter().chain(&procedure.synonyms);
        names.flat_map(|name| spoken::words(name)).collect()
    };
    let mut names: Vec<HashSet<String>> = procedures.iter().map(called).collect();
    let mut shared: HashMap<String, usize> = HashMap::new();
    for word in names.iter().flatten() {
        *shared.entry(word.clone()).or_default() += 1;
    }
    for of_one in &mut names {
        of_one.retain(|word| shared.get(word).is_none_or(|procedures| *procedures <= SHARED));
    }
    names
}

/// Everything people say of a procedure, its label first.
fn said_of(procedure: &Procedure) -> Vec<&str> {
    let said = std::iter::once(&procedure.label).chain(&procedure.synonyms).chain(&procedure.about);
    said.map(String::as_str).collect()
}

/// How much each clue speaks for each class, from the phrases of each.
fn learn(classes: &[Vec<Clues>]) -> ByClue<Learnt> {
    let count = |items: usize| f64::from(u32::try_from(items).unwrap_or(u32::MAX));
    let phrases = count(classes.iter().map(Vec::len).sum());
    // Every clue gets a number, so that what follows finds it by its place.
    let mut numbers: ByClue<usize> = ByClue::default();
    let mut shown: Vec<u32> = Vec::new();
    let mut number = |clue| {
        let number = *numbers.entry(clue).or_insert(shown.len());
        match shown.get_mut(number) {
            Some(times) => *times += 1,
            None => shown.push(1),
        }
        number
    };
    let classes: Vec<Vec<Clues<usize>>> =
        classes.iter().map(|of_class| of_class.iter().map(|clues| clues.renamed(&mut number)).collect()).collect();
    let rarity = |with: &u32| 1.0 + ((1.0 + phrases) / f64::from(1 + with)).ln();
    let new = |with| Learnt { among_phrases: rarity(with), among_classes: 0.0, speaks_for: Vec::new() };
    let mut learnt: Vec<Learnt> = shown.iter().map(new).collect();
    let mut weights = vec![0.0; learnt.len()];
    for (class, phrases) in classes.iter().enumerate() {
        let mut in_class: Vec<usize> = Vec::new();
        for clues in phrases {
            for (clue, weight) in weighed(clues, |clue| learnt.get(clue).map(|learnt| learnt.among_phrases)) {
                let Some(sum) = weights.get_mut(clue) else { continue };
                if *sum == 0.0 {
                    in_class.push(clue);
                }
                *sum += weight;
            }
        }
        for clue in in_class {
            if let (Some(learnt), Some(sum)) = (learnt.get_mut(clue), weights.get_mut(clue)) {
                learnt.speaks_for.push((class, std::mem::take(sum)));
            }
        }
    }
    let mut total = vec![0.0; classes.len()];
    for learnt in &mut learnt {
        learnt.among_classes = (count(classes.len() + 1) / count(learnt.speaks_for.len() + 1)).ln().powf(RARITY);
        for (class, weight) in &learnt.speaks_for {
            if let Some(total) = total.get_mut(*class) {
                *total += weight * learnt.among_classes;
            }
        }
    }
    // Every class is heard alike, however many phrases it was given.
    let usual = total.iter().sum::<f64>() / count(classes.len());
    let alike = |class: usize| total.get(class).filter(|total| **total > 0.0).map_or(0.0, |total| usual / total);
    for learnt in &mut learnt {
        for (class, weight) in &mut learnt.speaks_for {
            *weight = (1.0 + *weight * learnt.among_classes * alike(*class) / SMOOTHING).ln();
        }
    }
    let mut clues: Vec<(Clue, usize)> = numbers.into_iter().collect();
    clues.sort_unstable_by_key(|(_, number)| *number);
    clues.into_iter().map(|(clue, _)| clue).zip(learnt).collect()
}

/// Long enough to mean something by itself, or an abbreviation in which no vowel was left to read.
fn tells(word: &str) -> bool {
    let is_short_form = word.len() > 1 && word.chars().all(|letter| letter.is_ascii_alphabetic() && !"aeiouy".contains(letter));
    is_short_form || word.len() > 3 && word.chars().any(char::is_alphabetic)
}

/// The clues that are known, by their rarity; words and runs of letters each brought to length one, then weighed.
fn weighed<C: Copy>(clues: &Clues<C>, rarity: impl Fn(C) -> Option<f64>) -> Vec<(C, f64)> {
    let mut weighed = Vec::with_capacity(clues.words.len() + clues.runs.len());
    for (kind, share) in [(&clues.words, WORDS_WEIGHT), (&clues.runs, 1.0)] {
        let known: Vec<(C, f64)> = kind.iter().filter_map(|(clue, times)| Some((*clue, times * rarity(*clue)?))).collect();
        let length = known.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        weighed.extend(known.into_iter().map(|(clue, weight)| (clue, share * weight / length)));
    }
    weighed
}
