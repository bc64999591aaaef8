//! Codes: the closed vocabularies of the service, and the short code a person carries on paper.

use std::fmt;
use std::str::FromStr;

use strum::VariantArray;
use uuid::Uuid;

/// A value that is not in its vocabulary, with what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("« {value} » n'est pas une valeur admise")]
pub struct NotAllowed {
    pub value: String,
    pub allowed: Vec<&'static str>,
}

/// Parses one word of a closed vocabulary.
///
/// # Errors
/// [`NotAllowed`], with the whole vocabulary, when the word is not in it.
pub fn parse<T>(value: &str) -> Result<T, NotAllowed>
where
    T: FromStr + VariantArray + Copy + Into<&'static str>,
{
    value.parse().map_err(|_| NotAllowed { value: value.to_owned(), allowed: all::<T>() })
}

/// The whole vocabulary, as spelt in the API.
pub fn all<T: VariantArray + Copy + Into<&'static str>>() -> Vec<&'static str> {
    T::VARIANTS.iter().map(|&value| value.into()).collect()
}

/// Crockford's base 32: no I, L, O or U, so that a code can be read aloud and copied by hand.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code on a person's slip: nine characters drawn at random and one check character (45 bits of chance).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SlipCode(String);

impl SlipCode {
    /// The number of characters, check character included.
    pub const LENGTH: usize = 10;

    /// Makes a code from the randomness of a version 4 UUID.
    pub fn from_random(random: Uuid) -> Self {
        // A v4 UUID fixes six bits in bytes 6 and 8; the last 45 bits are all random.
        let mut bits = random.as_u128();
        let mut code = String::with_capacity(Self::LENGTH);
        for _ in 0..Self::LENGTH - 1 {
            code.push(symbol(bits % 32));
            bits /= 32;
        }
        code.push(check_character(&code));
        Self(code)
    }

    /// Reads a code as people type it: lower case, spaces, dashes, O for 0, I or L for 1.
    pub fn parse(typed: &str) -> Option<Self> {
        let code: String = typed
            .chars()
            .filter(|character| !character.is_whitespace() && *character != '-')
            .map(|character| match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let (payload, check) = code.split_at_checked(Self::LENGTH - 1)?;
        let known = |character: char| ALPHABET.iter().any(|&symbol| char::from(symbol) == character);
        let sound = payload.chars().all(known) && check == check_character(payload).to_string();
        sound.then_some(Self(code))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SlipCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A weighted sum whose odd weights catch every single wrong character and most swapped neighbours.
fn check_character(payload: &str) -> char {
    let sum: u128 = payload
        .bytes()
        .zip(0_u128..)
        .map(|(byte, position)| {
            let value = ALPHABET.iter().zip(0_u128..).find(|(symbol, _)| **symbol == byte);
            (2 * position + 1) * value.map_or(0, |(_, value)| value)
        })
        .sum();
    symbol(sum % 32)
}

fn symbol(value: u128) -> char {
    let index = usize::try_from(value).unwrap_or_default();
    ALPHABET.get(index).copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_code_as_people_type_it() {
        let code = SlipCode::from_random(Uuid::from_u128(0x1234_5678_9abc_def0));
        let typed = format!("{} - {}", &code.as_str()[..5].to_lowercase(), &code.as_str()[5..]);
        assert_eq!(SlipCode::parse(&typed), Some(code));
        assert_eq!(SlipCode::parse(""), None);
        assert_eq!(SlipCode::parse("É123456789"), None);
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(random: u128, position in 0..10_usize, replacement in 0..32_usize) {
            let code = SlipCode::from_random(Uuid::from_u128(random));
            let mut wrong = code.as_str().to_owned().into_bytes();
            wrong[position] = ALPHABET[replacement];
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(SlipCode::parse(&wrong).is_some(), wrong == code.as_str());
        }

        #[test]
        fn never_panics(typed: String) {
            let _ = SlipCode::parse(&typed);
        }
    }
}
