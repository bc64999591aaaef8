//! The languages that people are spoken to in, on the slip and on the pages that need no account. French is always one of them.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::http::header::{AcceptLanguage, Header};
use fluent_bundle::FluentArgs;
use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::texts::bundle;

/// A language, by its ISO 639-1 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    Fr,
    Ar,
    En,
    Pt,
    Tr,
    Uk,
}

type Bundle = FluentBundle<FluentResource>;

static FR: LazyLock<Bundle> = LazyLock::new(|| bundle("fr", include_str!("../texts/person/fr.ftl")));
static AR: LazyLock<Bundle> = LazyLock::new(|| bundle("ar", include_str!("../texts/person/ar.ftl")));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle("en", include_str!("../texts/person/en.ftl")));
static PT: LazyLock<Bundle> = LazyLock::new(|| bundle("pt", include_str!("../texts/person/pt.ftl")));
static TR: LazyLock<Bundle> = LazyLock::new(|| bundle("tr", include_str!("../texts/person/tr.ftl")));
static UK: LazyLock<Bundle> = LazyLock::new(|| bundle("uk", include_str!("../texts/person/uk.ftl")));

impl Tongue {
    /// The one asked for by `lang`, else the first of `Accept-Language` that we speak, else French.
    pub fn of(request: &HttpRequest) -> Self {
        let query = request.query_string().split('&').find_map(|pair| pair.strip_prefix("lang="));
        let accepted = || {
            let ranked = AcceptLanguage::parse(request).map(|accepted| accepted.ranked()).unwrap_or_default();
            ranked.iter().find_map(|language| language.item()?.primary_language().parse().ok())
        };
        query.and_then(|code| code.parse().ok()).or_else(accepted).unwrap_or(Self::Fr)
    }

    pub fn code(self) -> &'static str {
        self.into()
    }

    /// `ltr` or `rtl`.
    pub fn direction(self) -> String {
        self.text("direction")
    }

    /// Its own name for itself.
    pub fn name(self) -> String {
        self.text("language-name")
    }

    /// A sentence by its key; the key itself when it is missing, which a test forbids.
    pub fn text(self, key: &str) -> String {
        self.say(key, &[])
    }

    /// The same with its blanks filled in.
    pub fn say(self, key: &str, blanks: &[(&str, &str)]) -> String {
        let bundle = match self {
            Self::Fr => &*FR,
            Self::Ar => &*AR,
            Self::En => &*EN,
            Self::Pt => &*PT,
            Self::Tr => &*TR,
            Self::Uk => &*UK,
        };
        let mut args = FluentArgs::new();
        for (name, text) in blanks {
            args.set(*name, *text);
        }
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        pattern.map_or_else(|| key.to_owned(), |pattern| bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    }

    /// Things in a row: « a », « a et b », « a, b et c ».
    pub fn list(self, things: &[String]) -> String {
        let (comma, and) =
            if self == Self::Ar { ("، ", format!(" {}", self.text("slip-and"))) } else { (", ", format!(" {} ", self.text("slip-and"))) };
        match things {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., last] => format!("{}{and}{last}", first.join(comma)),
        }
    }

    /// `850 m`, `1,2 km`, `24 km`.
    pub fn distance(self, metres: u32) -> String {
        let (m, km) = match self {
            Self::Uk => ("м", "км"),
            Self::Ar => ("م", "كم"),
            _ => ("m", "km"),
        };
        let point = if matches!(self, Self::En | Self::Ar) { '.' } else { ',' };
        let tenths = (metres + 50) / 100;
        match metres {
            0..950 => format!("{} {m}", (metres + 25) / 50 * 50),
            950..9_950 => format!("{}{point}{} {km}", tenths / 10, tenths % 10),
            _ => format!("{} {km}", (metres + 500) / 1000),
        }
    }

    /// « 9 h », « 9 h 30 » in French; `09:30` elsewhere.
    pub fn time(self, hour: u32, minute: u32) -> String {
        match (self, minute) {
            (Self::Fr, 0) => format!("{hour} h"),
            (Self::Fr, _) => format!("{hour} h {minute:02}"),
            _ => format!("{hour:02}:{minute:02}"),
        }
    }
}

/// Says that an answer is in a language, and was chosen by what the caller reads.
pub fn mark(headers: &mut header::HeaderMap, tongue: Tongue) {
    headers.insert(header::CONTENT_LANGUAGE, header::HeaderValue::from_static(tongue.code()));
    headers.insert(header::VARY, header::HeaderValue::from_static("Accept-Language"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(source: &str) -> Vec<&str> {
        let named = source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        named.filter_map(|line| Some(line.split_once(" = ")?.0)).collect()
    }

    fn blanks(source: &str) -> Vec<String> {
        let slot = regex::Regex::new(r"\{ (\$[a-z]+) \}").unwrap();
        let named = source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        named
            .map(|line| {
                let mut slots: Vec<&str> = slot.captures_iter(line).map(|found| found.get(1).unwrap().as_str()).collect();
                slots.sort_unstable();
                slots.join(" ")
            })
            .collect()
    }

    #[test]
    fn every_language_says_all_of_it_with_the_same_blanks() {
        let french = include_str!("../texts/person/fr.ftl");
        assert!(keys(french).len() > 80);
        for other in [
            include_str!("../texts/person/ar.ftl"),
            include_str!("../texts/person/en.ftl"),
            include_str!("../texts/person/pt.ftl"),
            include_str!("../texts/person/tr.ftl"),
            include_str!("../texts/person/uk.ftl"),
        ] {
            assert_eq!(keys(french), keys(other));
            assert_eq!(blanks(french), blanks(other));
        }
        for tongue in Tongue::VARIANTS {
            for key in keys(french) {
                assert_ne!(tongue.text(key), key, "{}", tongue.code());
            }
            assert_eq!(tongue.direction(), if *tongue == Tongue::Ar { "rtl" } else { "ltr" });
        }
    }

    #[test]
    fn rows_distances_and_times_read_well() {
        let things = |number: usize| ["lundi", "mardi", "jeudi"].iter().take(number).map(|&day| day.to_owned()).collect::<Vec<_>>();
        assert_eq!(Tongue::Fr.list(&things(3)), "lundi, mardi et jeudi");
        assert_eq!(Tongue::En.list(&things(2)), "lundi and mardi");
        assert_eq!(Tongue::Fr.distance(1_240), "1,2 km");
        assert_eq!(Tongue::En.distance(130), "150 m");
        assert_eq!([Tongue::Fr.time(9, 0), Tongue::Fr.time(13, 30), Tongue::Tr.time(9, 0)], ["9 h", "13 h 30", "09:00"]);
    }
}
