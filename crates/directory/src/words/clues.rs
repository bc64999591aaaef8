//! What a text is recognised by: its words, its pairs of neighbouring words, and the runs of letters within each word.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

use super::spoken;

/// A clue, by its hash: the same in every process.
pub type Clue = u64;

/// A table by clue. Clues come from our own files and from questions that only read it: nobody can make it slow.
pub type ByClue<T> = HashMap<Clue, T, FixedState>;

/// Lengths of the runs of letters; the edges of a word count as letters.
const RUNS: std::ops::RangeInclusive<usize> = 3..=5;

/// The clues of a text, each with how much it is present: 1 + ln(times).
/// Words and runs are kept apart, since each kind is brought to the same length before they are weighed against each other.
#[derive(Debug, Default)]
pub struct Clues<C = Clue> {
    pub words: Vec<(C, f64)>,
    pub runs: Vec<(C, f64)>,
}

impl Clues {
    pub fn of(text: &str) -> Self {
        Reader::default().read(text)
    }

    /// The same by other names.
    pub fn renamed<C>(&self, mut name: impl FnMut(Clue) -> C) -> Clues<C> {
        let mut renamed = |clues: &[(Clue, f64)]| clues.iter().map(|(clue, times)| (name(*clue), *times)).collect();
        Clues { words: renamed(&self.words), runs: renamed(&self.runs) }
    }
}

/// Reads many texts: the runs of a word are cut once.
#[derive(Debug, Default)]
pub struct Reader {
    runs: HashMap<String, Vec<Clue>, FixedState>,
}

impl Reader {
    pub fn read(&mut self, text: &str) -> Clues {
        let words = spoken::words(text);
        let pairs = words.windows(2).map(|pair| hash(&("pair", pair)));
        let said = words.iter().map(|word| word_clue(word)).chain(pairs).collect();
        let mut runs = Vec::new();
        for word in words {
            runs.extend(self.runs.entry(word).or_insert_with_key(|word| runs_of(word)).iter());
        }
        Clues { words: counted(said), runs: counted(runs) }
    }
}

/// The clue that a word is by itself.
pub fn word_clue(word: &str) -> Clue {
    hash(&("word", word))
}

fn runs_of(word: &str) -> Vec<Clue> {
    let edged: Vec<char> = std::iter::once('^').chain(word.chars()).chain(std::iter::once('$')).collect();
    RUNS.flat_map(|length| edged.windows(length).map(|run| hash(&("run", run)))).collect()
}

fn hash(clue: &impl Hash) -> Clue {
    FixedState::default().hash_one(clue)
}

/// In ascending order: sums must not depend on the order of a hash table.
fn counted(mut clues: Vec<Clue>) -> Vec<(Clue, f64)> {
    clues.sort_unstable();
    let same = clues.chunk_by(|a, b| a == b);
    same.filter_map(|same| Some((*same.first()?, 1.0 + f64::from(u32::try_from(same.len()).unwrap_or(u32::MAX)).ln()))).collect()
}
