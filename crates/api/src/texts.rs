//! Words for people: one Fluent file per language, French first. Codes live in the domain, sentences here.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header};
use aiguilleur_domain::escalation::{Start, Step, TimeLimit};
use aiguilleur_domain::reason::{Caution, Exclusion, Pairing, Reason};
use aiguilleur_domain::referent::{Availability, Freshness};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use foldhash::fast::FixedState;
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

pub(crate) fn bundle(language: &str, source: &str) -> Bundle {
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

/// Stands where an argument's text goes while a template is cut there.
const SLOT: &str = "\u{e000}";

/// A sentence ready to be filled in: what comes before its argument, between two of them, and after.
type Template = Vec<String>;

type TemplateKey = (Language, &'static str, &'static str, &'static str);

thread_local! {
    /// By language, family, code and choice. There are as many as the Fluent files have sentences: putting one together takes
    /// microseconds, an answer holds dozens.
    static TEMPLATES: RefCell<HashMap<TemplateKey, Template, FixedState>> = RefCell::default();
}

/// What a sentence needs beside its code: one of a few known words that it chooses by, and a text to be filled in.
#[derive(Debug, Default)]
struct Needs<'a> {
    choice: Option<(&'static str, &'static str)>,
    text: Option<(&'static str, Cow<'a, str>)>,
}

impl<'a> Needs<'a> {
    fn text(name: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self { choice: None, text: Some((name, text.into())) }
    }

    fn choice(name: &'static str, word: &'static str) -> Self {
        Self { choice: Some((name, word)), text: None }
    }
}

/// The sentence of a code.
fn sentence(language: Language, family: &'static str, code: &'static str, needs: &Needs<'_>) -> String {
    let cut = || {
        let mut args = FluentArgs::new();
        needs.choice.into_iter().for_each(|(name, word)| args.set(name, word));
        needs.text.iter().for_each(|(name, _)| args.set(*name, SLOT));
        text(language, &key(family, code), Some(&args)).split(SLOT).map(str::to_owned).collect()
    };
    let filled = needs.text.as_ref().map_or("", |(_, text)| text);
    TEMPLATES.with_borrow_mut(|known| {
        known.entry((language, family, code, needs.choice.map_or("", |(_, word)| word))).or_insert_with(cut).join(filled)
    })
}

fn key(family: &str, code: &str) -> String {
    format!("{family}-{}", code.replace('_', "-"))
}

/// Why an option is there. Instants are told in the place's own time.
pub fn reason(language: Language, reason: &Reason, time_zone: Tz, now: DateTime<Utc>) -> String {
    let needs = match reason {
        Reason::Distance { metres } => Needs::text("distance", distance(language, *metres)),
        Reason::CompetentForCommune { commune } | Reason::CompetentForEvent { commune } => Needs::text("commune", commune),
        Reason::Session { holder } => Needs::text("holder", holder),
        Reason::OpenNow { until } => Needs::text("time", moment(language, *until, time_zone, now)),
        Reason::NextOpening { at } => Needs::text("time", moment(language, *at, time_zone, now)),
        Reason::SpeaksLanguage { language: spoken } => Needs::text("language", spoken),
        Reason::PastOutcomes { out_of_ten, referrals } => Needs::text("share", format!("{out_of_ten}/10 ({referrals})")),
        Reason::CapacityDeclared { capacity } => Needs::choice("capacity", (*capacity).into()),
        _ => Needs::default(),
    };
    sentence(language, "reason", reason.code(), &needs)
}

/// What to beware of.
pub fn caution(language: Language, caution: &Caution) -> String {
    let needs = match caution {
        Caution::CcasUnlisted { commune } | Caution::FarButCompetent { commune } => Needs::text("commune", commune),
        Caution::AreaAssumed { area } => Needs::choice("area", (*area).into()),
        Caution::LanguageUnknown { language: spoken } => Needs::text("language", spoken),
        _ => Needs::default(),
    };
    sentence(language, "caution", caution.code(), &needs)
}

/// Why a structure is not offered.
pub fn exclusion(language: Language, exclusion: &Exclusion) -> String {
    let needs = match exclusion {
        Exclusion::NotCompetentForCommune { commune } | Exclusion::NotCompetentForEvent { commune } => Needs::text("commune", commune),
        Exclusion::LanguageNotSpoken { language: spoken } => Needs::text("language", spoken),
        _ => Needs::default(),
    };
    sentence(language, "exclusion", exclusion.code(), &needs)
}

/// What goes with the options.
pub fn pairing(language: Language, pairing: &Pairing) -> String {
    let (Pairing::DigitalHelp { metres } | Pairing::AdministrativeHelp { metres }) = pairing;
    let needs = match metres {
        Some(metres) => Needs { choice: Some(("where", "away")), ..Needs::text("distance", distance(language, *metres)) },
        None => Needs::choice("where", "here"),
    };
    sentence(language, "also", pairing.code(), &needs)
}

/// Whether a referent contact can be reached.
pub fn referent(language: Language, availability: Availability, freshness: Freshness) -> String {
    let mut args = FluentArgs::new();
    let key = match (availability, freshness) {
        (Availability::Available, Freshness::Current) => "referent-available",
        (Availability::Available, Freshness::Lapsed | Freshness::Hidden) => "referent-lapsed",
        (Availability::Full { .. }, _) => "referent-full",
        (Availability::Absent { .. }, _) => "referent-absent",
    };
    if let Some(day) = availability.reopens_on() {
        args.set("day", date(language, day));
    }
    text(language, key, Some(&args))
}

/// What to know of a place.
pub fn notice(language: Language, code: &'static str) -> String {
    sentence(language, "notice", code, &Needs::default())
}

/// What a step of the amicable track asks of the reader, and whether it stops the time limit of an appeal.
pub fn step(language: Language, step: &Step) -> String {
    sentence(language, "step", step.code, &Needs::default())
}

/// The event from which a time limit runs, with its article: `la notification de la décision`.
pub fn event(language: Language, start: Start) -> String {
    sentence(language, "event", start.into(), &Needs::default())
}

/// A time limit and its start: `2 mois à compter de la notification de la décision`.
pub fn span(language: Language, limit: TimeLimit, start: Start) -> String {
    let (unit, number) = match limit {
        TimeLimit::Hours(hours) => ("hours", hours),
        TimeLimit::Days(days) => ("days", days),
        TimeLimit::Months(months) => ("months", months),
        TimeLimit::Years(years) => ("years", years),
        TimeLimit::YearEnd(years) => ("year-end", years),
    };
    let mut args = FluentArgs::new();
    args.set("number", number);
    args.set("limit", text(language, &key("limit", unit), Some(&args)));
    args.set("event", event(language, start));
    text(language, if unit == "year-end" { "span-year-end" } else { "span" }, Some(&args))
}

/// `lundi 23 novembre 2026`.
pub fn date(language: Language, day: NaiveDate) -> String {
    let mut args = day_args(&day);
    args.set("year", day.year().to_string());
    text(language, "date", Some(&args))
}

fn day_args(day: &impl Datelike) -> FluentArgs<'static> {
    let mut args = FluentArgs::new();
    args.set("weekday", day.weekday().number_from_monday());
    args.set("day", day.day());
    args.set("month", day.month());
    args
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

thread_local! {
    /// The days told of: `lundi 23 novembre à` and what comes after the time. Openings are of the coming days.
    static DAYS: RefCell<HashMap<(Language, NaiveDate), Template, FixedState>> = RefCell::default();
}

/// How many days are remembered at most.
const DAYS_KNOWN: usize = 1_000;

/// `12:00` today, else the day with it: `lundi 23 novembre à 09:00`.
fn moment(language: Language, instant: DateTime<Utc>, time_zone: Tz, now: DateTime<Utc>) -> String {
    let (local, today) = (instant.with_timezone(&time_zone), now.with_timezone(&time_zone).date_naive());
    let (day, time) = (local.date_naive(), time_of(&local));
    if day == today {
        return time;
    }
    DAYS.with_borrow_mut(|known| {
        if known.len() >= DAYS_KNOWN {
            known.clear();
        }
        let cut = || at_time("moment", language, &local, SLOT.to_owned()).split(SLOT).map(str::to_owned).collect();
        known.entry((language, day)).or_insert_with(cut).join(&time)
    })
}

/// `09:00`.
fn time_of(local: &impl Timelike) -> String {
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// `lundi 23 novembre 2026 à 09:00`.
pub fn full_moment(language: Language, instant: DateTime<Utc>, time_zone: Tz) -> String {
    let local = instant.with_timezone(&time_zone);
    at_time("full-moment", language, &local, time_of(&local))
}

fn at_time(key: &str, language: Language, local: &DateTime<Tz>, time: String) -> String {
    let mut args = day_args(local);
    args.set("year", local.year().to_string());
    args.set("time", time);
    text(language, key, Some(&args))
}

/// With its first letter in upper case.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::code::all;
    use aiguilleur_domain::reason::{CautionCode, ExclusionCode, PairingCode, ReasonCode};

    use super::*;

    type Codes = fn() -> Vec<&'static str>;

    /// The codes that people are told of, by the first word of their sentences' keys.
    const FAMILIES: [(&str, Codes); 6] = [
        ("reason", all::<ReasonCode>),
        ("caution", all::<CautionCode>),
        ("exclusion", all::<ExclusionCode>),
        ("also", all::<PairingCode>),
        ("step", || Step::all().map(|step| step.code).collect()),
        ("event", all::<Start>),
    ];

    #[test]
    fn every_code_has_its_sentence_in_every_language() {
        for language in [Language::Fr, Language::En] {
            for (family, codes) in FAMILIES {
                for code in codes() {
                    let key = key(family, code);
                    assert_ne!(text(language, &key, None), key, "{} in {}", key, language.code());
                }
            }
        }
    }

    #[test]
    fn no_event_needs_a_contraction() {
        for start in Start::VARIANTS {
            let span = span(Language::Fr, TimeLimit::Months(2), *start);
            assert!(!span.contains(" de le ") && !span.contains(" de les "), "{span}");
        }
    }

    /// A sentence that only one language has would be shown as its key in the other.
    #[test]
    fn both_languages_have_the_same_sentences() {
        let keys = |source: &str| -> Vec<String> {
            let named = source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            named.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).filter(|key| key != "day-of-month").collect()
        };
        assert_eq!(keys(include_str!("../texts/fr.ftl")), keys(include_str!("../texts/en.ftl")));
    }

    #[test]
    fn steps_say_whether_they_stop_a_time_limit() {
        for step in Step::all() {
            let said = super::step(Language::Fr, &step);
            match step.suspends_deadline {
                Some(false) => assert!(said.contains("Cela n'arrête pas le délai d'un recours"), "{said}"),
                Some(true) => assert!(said.contains("Cela arrête le délai d'un recours"), "{said}"),
                None => assert!(!said.contains("Cela "), "{said}"),
            }
        }
    }

    #[test]
    fn time_limits_read_well() {
        let french = |text: &str, start| span(Language::Fr, TimeLimit::parse(text).unwrap(), start);
        assert_eq!(french("P2M", Start::Notification), "2 mois à compter de la notification de la décision");
        assert_eq!(french("P1D", Start::Sending), "1 jour à compter de l'envoi du courrier");
        assert!(french("YE+2", Start::Collection).starts_with("jusqu'au 31 décembre de la 2e année qui suit la mise en recouvrement"));
        assert!(french("YE+1", Start::Collection).starts_with("jusqu'au 31 décembre de l'année qui suit la mise"));
        assert_eq!(
            span(Language::En, TimeLimit::YearEnd(2), Start::Notification),
            "until 31 December of the second year after the notification of the decision"
        );
        assert_eq!(date(Language::Fr, "2027-01-01".parse().unwrap()), "vendredi 1er janvier 2027");
        assert_eq!(date(Language::En, "2027-01-01".parse().unwrap()), "Friday 1 January 2027");
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
