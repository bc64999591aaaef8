//! Words as they are typed and said, brought to their usual form: phonetic spelling, short forms, familiar words.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use aiguilleur_domain::text::normalise;
use foldhash::fast::FixedState;

/// `said: stands for`, one entry a line; what stands for nothing is passed over; `#` begins a comment.
const SPOKEN: &str = include_str!("spoken.txt");

/// The longest entry, in words.
const LONGEST: usize = 4;

static STANDS_FOR: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let entries = SPOKEN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    let mut stands_for = HashMap::new();
    for (said, means) in entries {
        let means = normalise(means).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        stands_for.entry(normalise(said)).or_insert(means);
    }
    stands_for
});

/// The words that an entry begins with: most words of a text begin none.
static BEGINNINGS: LazyLock<HashSet<&str, FixedState>> =
    LazyLock::new(|| STANDS_FOR.keys().filter_map(|said| said.split(' ').next()).collect());

/// The words of a text, normalised, those of the lexicon replaced by what they stand for; the longest entry wins.
pub fn words(text: &str) -> Vec<String> {
    let plain = normalise(text);
    let typed: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    let mut words = Vec::with_capacity(typed.len());
    let mut rest = typed.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let longest = if BEGINNINGS.contains(first) { LONGEST.min(rest.len()) } else { 0 };
        let entry = (1..=longest).rev().find_map(|length| {
            let (said, after) = rest.split_at(length);
            STANDS_FOR.get(&said.join(" ")).map(|means| (means, after))
        });
        if let Some((means, after)) = entry {
            words.extend(means.iter().cloned());
            rest = after;
        } else {
            words.push((*first).to_owned());
            rest = others;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_as_it_is_usually_said() {
        assert_eq!(words("Jveu mon mdp Pole Emploi !"), ["je", "veux", "mon", "mot", "de", "passe", "france", "travail", "pole", "emploi"]);
        assert_eq!(words("mon proprio"), ["mon", "proprietaire"]);
        assert!(words(" …😀 ").is_empty());
    }

    #[test]
    fn no_entry_is_longer_than_what_is_looked_for() {
        assert!(STANDS_FOR.keys().all(|said| (1..=LONGEST).contains(&said.split(' ').count())));
        assert!(STANDS_FOR.values().all(|means| means.iter().all(|word| !word.is_empty())));
    }
}
