//! Words made comparable: case, accents, apostrophes and dashes set aside.

use unicode_normalization::UnicodeNormalization;

/// Lower case without accents; everything that is neither a letter nor a digit becomes one space.
pub fn normalise(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.nfd() {
        match character {
            'œ' | 'Œ' => plain.push_str("oe"),
            'æ' | 'Æ' => plain.push_str("ae"),
            _ if character.is_alphanumeric() => plain.extend(character.to_lowercase()),
            _ if is_combining(character) => {}
            _ if plain.ends_with(' ') || plain.is_empty() => {}
            _ => plain.push(' '),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

fn is_combining(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn sets_aside_case_accents_and_punctuation() {
        assert_eq!(normalise("  L'Haÿ-les-Roses "), "l hay les roses");
        assert_eq!(normalise("Cœur d’Artichaut !"), "coeur d artichaut");
        assert_eq!(normalise("…"), "");
    }
}
