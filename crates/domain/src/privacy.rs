//! No personal data: texts that carry an identifier of somebody are refused, and told which; instants are kept as far as they may be.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, TimeZone, Utc};
use regex::Regex;
use strum::{EnumString, IntoStaticStr, VariantArray};
use unicode_normalization::UnicodeNormalization;

/// The identifiers looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Identifier {
    /// NIR, 13 characters or 15 with its key.
    SocialSecurityNumber,
    /// SPI, 13 digits.
    TaxNumber,
    /// Seven digits.
    CafNumber,
    Email,
    Telephone,
}

// Digits may be set apart by spaces, dots or dashes, as people write them.
static NIR: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"[1-478]s?\d{2}s?(?:0[1-9]|1[0-2]|[2-9]\d)s?(?:\d{2}|2[ABab])s?\d{3}s?\d{3}(?:s?(\d{2}))?"));
static TAX: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"[0-3]\d(?:s?\d){11}"));
static CAF: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\d(?: ?\d){6}[A-Za-z]?"));
static TELEPHONE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?:(?:\+|00)\d{2,3}s?(?:\(0\)s?)?|0)[1-9](?:s?\d{2}){4}"));
static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"));

/// Compiles a pattern in which `s` stands for a separator people put between digits. The tests compile every one.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(&text.replace("s?", r"[\s.\-\u{a0}\u{202f}\u{200b}/_–—·,;()]{0,2}")).ok()
}

/// What may be kept of an instant: of a sensitive procedure its month's first instant, else its microseconds, as PostgreSQL does.
pub fn kept_instant(sensitive: bool, instant: DateTime<Utc>) -> DateTime<Utc> {
    if sensitive { month_of(instant) } else { DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant) }
}

/// The first instant of its month, UTC.
pub fn month_of(instant: DateTime<Utc>) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(instant.year(), instant.month(), 1, 0, 0, 0).single().unwrap_or(instant)
}

/// The first identifier that a text seems to carry, if any.
pub fn find_identifier(text: &str) -> Option<Identifier> {
    let text = &in_plain_digits(text);
    let standing_alone = |pattern: &LazyLock<Option<Regex>>, accept: &dyn Fn(&regex::Captures<'_>) -> bool| {
        pattern.as_ref().is_some_and(|pattern| {
            pattern
                .captures_iter(text)
                .any(|found| found.get(0).is_some_and(|whole| stands_alone(text, whole.start(), whole.end())) && accept(&found))
        })
    };
    let any = |_: &regex::Captures<'_>| true;
    if EMAIL.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
        Some(Identifier::Email)
    } else if standing_alone(&NIR, &|found| found.get(1).is_none() || nir_key_holds(found.get(0).map_or("", |whole| whole.as_str()))) {
        Some(Identifier::SocialSecurityNumber)
    } else if standing_alone(&TELEPHONE, &any) {
        Some(Identifier::Telephone)
    } else if standing_alone(&TAX, &any) {
        Some(Identifier::TaxNumber)
    } else if standing_alone(&CAF, &any) {
        Some(Identifier::CafNumber)
    } else {
        None
    }
}

/// Digits of other scripts and forms (Arabic, full width) as those that everybody types.
fn in_plain_digits(text: &str) -> String {
    let plain = |character: char| match character {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(character) - 0x660, 10),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(u32::from(character) - 0x6f0, 10),
        _ => None,
    };
    text.nfkc().map(|character| plain(character).unwrap_or(character)).collect()
}

/// A number is one only if no letter, digit or dash touches it: `dossier-1234567` is somebody's own reference.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let touches = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    !text.get(..start).and_then(|before| before.chars().next_back()).is_some_and(touches)
        && !text.get(end..).and_then(|after| after.chars().next()).is_some_and(touches)
}

/// The key of a NIR is 97 minus the number modulo 97, Corsica's letters counting as 19 and 18 (INSEE).
fn nir_key_holds(nir: &str) -> bool {
    let plain: String = nir.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let Some((number, key)) = plain.split_at_checked(13) else { return false };
    let number = number.replace("2A", "19").replace("2B", "18");
    match (number.parse::<u64>(), key.parse::<u64>()) {
        (Ok(number), Ok(key)) => 97 - number % 97 == key,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_must_not_be_written() {
        for (text, identifier) in [
            ("son numéro 2 69 05 49 588 157 80", Identifier::SocialSecurityNumber),
            ("2690549588157", Identifier::SocialSecurityNumber),
            ("1 85 01 2A 004 123 89", Identifier::SocialSecurityNumber),
            ("n° fiscal 30 23 217 600 053", Identifier::TaxNumber),
            ("allocataire 1234567", Identifier::CafNumber),
            ("allocataire 1234567K", Identifier::CafNumber),
            ("écrire à marie.d@exemple.fr", Identifier::Email),
            ("rappeler au 06 12 34 56 78", Identifier::Telephone),
            ("rappeler au +33 6.12.34.56.78", Identifier::Telephone),
            ("0033612345678", Identifier::Telephone),
            ("rappeler au 06 12 34\n56 78", Identifier::Telephone),
            ("０６１２３４５６７８", Identifier::Telephone),
            ("٠٦١٢٣٤٥٦٧٨", Identifier::Telephone),
            ("06_12_34_56_78", Identifier::Telephone),
            ("06–12–34–56–78", Identifier::Telephone),
            ("06·12·34·56·78", Identifier::Telephone),
        ] {
            assert_eq!(find_identifier(text), Some(identifier), "{text}");
        }
    }

    #[test]
    fn lets_ordinary_words_and_references_pass() {
        for text in [
            "",
            "revient jeudi avec l'avis d'imposition 2025",
            "dossier-1234567",
            "3 enfants, loyer 650 euros, 35000 Rennes",
            "ticket A12-2026-11",
            "0198c1d2-7a40-7cc2-9f2e-2b1f0c3a9d11",
        ] {
            assert_eq!(find_identifier(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_not_a_social_security_number() {
        assert!(nir_key_holds("269054958815780"));
        assert!(!nir_key_holds("269054958815781"));
    }
}
