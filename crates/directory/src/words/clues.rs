//! What a text is recognised by: its words, its pairs of neighbouring words, and the runs of letters within each word.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::spoken;

/// A clue, by its hash: the same in every process.
pub type Clue = u64;

/// Lengths of the runs of letters; the edges of a word count as letters.
const RUNS: std::ops::RangeInclusive<usize> = 3..=5;

/// The clues of a text, each with how much it is present: 1 + ln(times).
/// Words and runs are kept apart, since each kind is brought to the same length before they are weighed against each other.
#[derive(Debug, Default)]
pub struct Clues {
    pub words: Vec<(Clue, f64)>,
    pub runs: Vec<(Clue, f64)>,
}

impl Clues {
    pub fn of(text: &str) -> Self {
        let words = spoken::words(text);
        let pairs = words.windows(2).map(|pair| hash(&("pair", pair)));
        let runs = words.iter().flat_map(|word| {
            let edged: Vec<char> = std::iter::once('^').chain(word.chars()).chain(std::iter::once('$')).collect();
            RUNS.flat_map(|length| edged.windows(length).map(|run| hash(&("run", run))).collect::<Vec<_>>()).collect::<Vec<_>>()
        });
        Self { words: counted(words.iter().map(|word| word_clue(word)).chain(pairs)), runs: counted(runs) }
    }

    /// Every clue once.
    pub fn all(&self) -> impl Iterator<Item = Clue> + '_ {
        self.words.iter().chain(&self.runs).map(|(clue, _)| *clue)
    }
}

/// The clue that a word is by itself.
pub fn word_clue(word: &str) -> Clue {
    hash(&("word", word))
}

fn hash(clue: &impl Hash) -> Clue {
    let mut hasher = DefaultHasher::new();
    clue.hash(&mut hasher);
    hasher.finish()
}

fn counted(clues: impl Iterator<Item = Clue>) -> Vec<(Clue, f64)> {
    let mut times: HashMap<Clue, f64> = HashMap::new();
    for clue in clues {
        *times.entry(clue).or_default() += 1.0;
    }
    let mut counted: Vec<(Clue, f64)> = times.into_iter().map(|(clue, times)| (clue, 1.0 + times.ln())).collect();
    // Sums must not depend on the order of a hash table.
    counted.sort_by_key(|(clue, _)| *clue);
    counted
}
