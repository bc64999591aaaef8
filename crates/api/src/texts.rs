//! Words for people: one Fluent file per language, French first. Codes live in the domain, sentences here.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header};
use aiguilleur_domain::reason::{Caution, Exclusion, Pairing, Reason};
use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use strum::{IntoStaticStr, VariantArray};
use unic_langid::LanguageIdentifier;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Language {
    Fr,
    En,
}

impl Language {
    /// The first language of `Accept-Language` that we speak; French otherwise.
    pub fn of(request: &HttpRequest) -> Self {
        let wanted = AcceptLanguage::parse(request).map(|accepted| accepted.ranked()).unwrap_or_default();
        let spoken = wanted.iter().find_map(|language| match language.item()?.primary_language() {
            "fr" => Some(Self::Fr),
            "en" => Some(Self::En),
            _ => None,
        });
        spoken.unwrap_or(Self::Fr)
    }

    pub fn code(self) -> &'static str {
        self.into()
    }
}

type Bundle = FluentBundle<FluentResource>;

static FR: LazyLock<Bundle> = LazyLock::new(|| bundle("fr", include_str!("../texts/fr.ftl")));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle("en", include_str!("../texts/en.ftl")));

fn bundle(language: &str, source: &str) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(language.parse::<LanguageIdentifier>().into_iter().collect());
    bundle.set_use_isolating(false);
    // A file with a fault still gives what could be read of it; the tests ask for every sentence.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A sentence by its key; the key itself when it is missing, which a test forbids.
pub fn text(language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> String {
    let bundle = match language {
        Language::Fr => &*FR,
        Language::En => &*EN,
    };
    let pattern = bundle.get_message(key).and_then(|message| message.value());
    pattern.map_or_else(|| key.to_owned(), |pattern| bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned())
}

fn sentence(language: Language, prefix: &str, code: &str, args: &FluentArgs<'_>) -> String {
    text(language, &format!("{prefix}-{}", code.replace('_', "-")), Some(args))
}

/// Why an option is there. Instants are told in the place's own time.
pub fn reason(language: Language, reason: &Reason, time_zone: Tz, now: DateTime<Utc>) -> String {
    let mut args = FluentArgs::new();
    match reason {
        Reason::Distance { metres } => args.set("distance", distance(language, *metres)),
        Reason::CompetentForCommune { commune } | Reason::CompetentForEvent { commune } => args.set("commune", commune.clone()),
        Reason::Session { holder } => args.set("holder", holder.clone()),
        Reason::OpenNow { until } => args.set("time", moment(language, *until, time_zone, now)),
        Reason::NextOpening { at } => args.set("time", moment(language, *at, time_zone, now)),
        Reason::SpeaksLanguage { language: spoken } => args.set("language", spoken.clone()),
        Reason::CapacityDeclared { capacity } => args.set("capacity", <&str>::from(*capacity)),
        _ => {}
    }
    sentence(language, "reason", reason.code(), &args)
}

/// What to beware of.
pub fn caution(language: Language, caution: &Caution) -> String {
    let mut args = FluentArgs::new();
    match caution {
        Caution::CcasUnlisted { commune } | Caution::FarButCompetent { commune } => args.set("commune", commune.clone()),
        Caution::AreaAssumed { area } => args.set("area", <&str>::from(*area)),
        Caution::LanguageUnknown { language: spoken } => args.set("language", spoken.clone()),
        _ => {}
    }
    sentence(language, "caution", caution.code(), &args)
}

/// Why a structure is not offered.
pub fn exclusion(language: Language, exclusion: &Exclusion) -> String {
    let mut args = FluentArgs::new();
    match exclusion {
        Exclusion::NotCompetentForCommune { commune } | Exclusion::NotCompetentForEvent { commune } => args.set("commune", commune.clone()),
        Exclusion::LanguageNotSpoken { language: spoken } => args.set("language", spoken.clone()),
        _ => {}
    }
    sentence(language, "exclusion", exclusion.code(), &args)
}

/// What goes with the options.
pub fn pairing(language: Language, pairing: &Pairing) -> String {
    let (Pairing::DigitalHelp { metres } | Pairing::AdministrativeHelp { metres }) = pairing;
    let mut args = FluentArgs::new();
    args.set("where", if metres.is_some() { "away" } else { "here" });
    args.set("distance", metres.map_or_else(String::new, |metres| distance(language, metres)));
    sentence(language, "also", pairing.code(), &args)
}

/// What to know of a place.
pub fn notice(language: Language, code: &str) -> String {
    sentence(language, "notice", code, &FluentArgs::new())
}

/// `850 m`, `1,2 km`, `24 km`.
fn distance(language: Language, metres: u32) -> String {
    let tenths = (metres + 50) / 100;
    match metres {
        0..950 => format!("{metres} m"),
        950..9_950 => {
            let point = if language == Language::Fr { ',' } else { '.' };
            format!("{}{point}{} km", tenths / 10, tenths % 10)
        }
        _ => format!("{} km", (metres + 500) / 1000),
    }
}

/// `12:00` today, else the day with it: `lundi 23 novembre à 09:00`.
fn moment(language: Language, instant: DateTime<Utc>, time_zone: Tz, now: DateTime<Utc>) -> String {
    let (local, today) = (instant.with_timezone(&time_zone), now.with_timezone(&time_zone).date_naive());
    let time = local.format("%H:%M").to_string();
    if local.date_naive() == today {
        return time;
    }
    let mut args = FluentArgs::new();
    args.set("weekday", local.weekday().number_from_monday());
    args.set("day", local.day());
    args.set("month", local.month());
    args.set("time", time);
    text(language, "moment", Some(&args))
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::code::all;
    use aiguilleur_domain::reason::{CautionCode, ExclusionCode, PairingCode, ReasonCode};

    use super::*;

    #[test]
    fn every_code_has_its_sentence_in_every_language() {
        let families = [
            ("reason", all::<ReasonCode>()),
            ("caution", all::<CautionCode>()),
            ("exclusion", all::<ExclusionCode>()),
            ("also", all::<PairingCode>()),
        ];
        for language in [Language::Fr, Language::En] {
            for (prefix, codes) in &families {
                for code in codes {
                    let key = format!("{prefix}-{}", code.replace('_', "-"));
                    assert_ne!(text(language, &key, None), key, "{} in {}", key, language.code());
                }
            }
        }
    }

    #[test]
    fn what_goes_with_the_options_says_where_it_is() {
        let said = |metres| pairing(Language::Fr, &Pairing::DigitalHelp { metres });
        assert!(said(None).contains("dans la commune") && !said(None).contains("vol d'oiseau"));
        assert!(said(Some(1_240)).contains("à 1,2 km à vol d'oiseau"));
    }

    #[test]
    fn distances_and_moments_read_well() {
        assert_eq!(distance(Language::Fr, 850), "850 m");
        assert_eq!(distance(Language::Fr, 1_240), "1,2 km");
        assert_eq!(distance(Language::En, 9_960), "10 km");
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let paris = chrono_tz::Europe::Paris;
        assert_eq!(moment(Language::Fr, at("2026-11-23T08:00:00Z"), paris, at("2026-11-22T12:00:00Z")), "lundi 23 novembre à 09:00");
        assert_eq!(moment(Language::En, at("2026-11-22T16:00:00Z"), paris, at("2026-11-22T12:00:00Z")), "17:00");
    }
}
