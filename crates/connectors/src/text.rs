//! Text repair: escapes decoded, white space collapsed, nothing else dropped.

use std::num::ParseIntError;

/// Decodes `\x20` and `\u2019` escapes and HTML entities, makes every run of white space and control characters one space,
/// and trims. A backslash that starts no escape stays.
pub fn clean(cell: &str) -> String {
    let decoded = unescape(cell);
    let decoded = html_escape::decode_html_entities(&decoded);
    let mut clean = String::with_capacity(decoded.len());
    for character in decoded.chars() {
        match character {
            // Zero-width space, word joiner, byte-order mark: they show nothing and defeat searches.
            '\u{200B}' | '\u{2060}' | '\u{FEFF}' => {}
            _ if !character.is_whitespace() && !character.is_control() => clean.push(character),
            _ if clean.is_empty() || clean.ends_with(' ') => {}
            _ => clean.push(' '),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// The same, `None` when nothing is left.
pub fn clean_or_none(cell: &str) -> Option<String> {
    Some(clean(cell)).filter(|text| !text.is_empty())
}

/// JavaScript escapes, as some exports leave them: `\xE9` is a code point, `\uD83D\uDE00` a pair of UTF-16 units.
fn unescape(cell: &str) -> String {
    let mut units = Vec::new();
    let mut rest = cell;
    let mut decoded = String::with_capacity(cell.len());
    while let Some(character) = rest.chars().next() {
        if let Some((unit, after)) = escape(rest) {
            units.push(unit);
            rest = after;
            continue;
        }
        decoded.push_str(&String::from_utf16_lossy(&units));
        units.clear();
        decoded.push(character);
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    decoded.push_str(&String::from_utf16_lossy(&units));
    decoded
}

/// The UTF-16 unit that an escape at the very start stands for, and what follows it.
fn escape(text: &str) -> Option<(u16, &str)> {
    let (digits, length) = match text.strip_prefix("\\x") {
        Some(digits) => (digits, 2),
        None => (text.strip_prefix("\\u")?, 4),
    };
    let (digits, after) = digits.split_at_checked(length)?;
    let unit: Result<u16, ParseIntError> = u16::from_str_radix(digits, 16);
    // `from_str_radix` takes a sign.
    unit.ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit())).map(|unit| (unit, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_and_entities() {
        assert_eq!(clean(r"L\u2019accueil\x20est\x20ferm\xE9\xA0\x3A\x0A\x0Alundi"), "L’accueil est fermé : lundi");
        assert_eq!(clean("Caf&eacute; &amp; th&#233; &#x27;ici&#39;"), "Café & thé 'ici'");
        assert_eq!(clean(r"\uD83D\uDE00"), "😀");
    }

    #[test]
    fn leaves_what_is_no_escape() {
        for text in [r"C:\temp", r"\x2", r"\x+1", r"\xé1", r"\u12", "ZAE Joncquier & Morelles", "a\\"] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn collapses_white_space_and_control_characters() {
        assert_eq!(clean("  46,\u{a0}chemin\r\n\n de\u{0}l'Excelsior\u{200B} \t"), "46, chemin de l'Excelsior");
        assert_eq!(clean(r"a\x00b"), "a b");
        assert_eq!(clean_or_none(" \u{a0}\n"), None);
    }
}
