//! Opening hours: OSM syntax in, instants out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use opening_hours::localization::TzLocation;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::holidays::{HolidayRegion, is_public_holiday, public_holidays};

/// Hours that nobody checked for this many months are unknown, neither open nor closed.
pub const HOURS_KEEP_MONTHS: u32 = 12;

/// How far ahead hours are expanded into instants.
const WINDOW_DAYS: i64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum OpeningStatus {
    Open,
    Closed,
    Unknown,
}

/// The state at one instant, and when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub status: OpeningStatus,
    /// When open: until when.
    pub until: Option<DateTime<Utc>>,
    /// When closed: the next opening within the coming days.
    pub next: Option<DateTime<Utc>>,
    /// What the text says of these hours, or of the coming ones: « sur rendez-vous ».
    pub comment: Option<Arc<str>>,
}

impl Opening {
    pub const UNKNOWN: Self = Self { status: OpeningStatus::Unknown, until: None, next: None, comment: None };
}

/// Whether hours checked on that day still say something on another.
pub fn still_counts(checked_on: Option<NaiveDate>, day: NaiveDate) -> bool {
    checked_on.and_then(|checked| checked.checked_add_months(chrono::Months::new(HOURS_KEEP_MONTHS))).is_some_and(|limit| day <= limit)
}

/// Whether a text is `opening_hours` syntax. `Mo-Fr 9h-12h` is not.
///
/// # Errors
/// What the parser stumbled on, in English, for a report.
pub fn check_syntax(hours: &str) -> Result<(), String> {
    hours.parse::<OpeningHours>().map(drop).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Hours expanded once into the coming days' instants, so that a question only searches them.
#[derive(Debug)]
pub struct Schedule {
    hours: OpeningHours<TzLocation<Tz>>,
    time_zone: Tz,
    region: HolidayRegion,
    /// The text says what happens on public holidays.
    knows_holidays: bool,
    window: std::ops::Range<DateTime<Utc>>,
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Open without a condition; else something like "by appointment", or a public holiday the text forgot.
    certain: bool,
    comment: Option<Arc<str>>,
}

/// The years whose holidays a text that names them (`PH`) can see.
const HOLIDAY_YEARS: std::ops::RangeInclusive<i32> = 2010..=2110;

impl Schedule {
    /// `None` when the text is not `opening_hours` syntax.
    pub fn parse(hours: &str, time_zone: Tz, region: HolidayRegion, from: DateTime<Utc>) -> Option<Self> {
        let context = Context::default().with_holidays(holidays_of(region)).with_locale(TzLocation::new(time_zone));
        let knows_holidays = hours.contains("PH") || hours.contains("24/7");
        let hours = hours.parse::<OpeningHours>().ok()?.with_context(context);
        // A day back, so that an instant just before midnight elsewhere falls within.
        let window = from - Duration::days(1)..from + Duration::days(WINDOW_DAYS);
        let mut schedule = Self { hours, time_zone, region, knows_holidays, window: window.clone(), spans: Vec::new() };
        schedule.spans = schedule.expand(&window);
        Some(schedule)
    }

    /// The state at an instant: a search within the window, an evaluation of the text outside it.
    pub fn at(&self, instant: DateTime<Utc>) -> Opening {
        if self.window.contains(&instant) && instant + Duration::days(1) < self.window.end {
            state(&self.spans, instant, self.window.end)
        } else {
            let window = instant - Duration::days(1)..instant + Duration::days(WINDOW_DAYS);
            state(&self.expand(&window), instant, window.end)
        }
    }

    fn expand(&self, window: &std::ops::Range<DateTime<Utc>>) -> Vec<Span> {
        let local = |instant: DateTime<Utc>| instant.with_timezone(&self.time_zone);
        self.hours
            .iter_range(local(window.start), local(window.end))
            .filter(|range| range.kind != RuleKind::Closed)
            .map(|range| Span {
                start: range.range.start.with_timezone(&Utc),
                end: range.range.end.with_timezone(&Utc),
                certain: range.kind == RuleKind::Open
                    && range.comment.is_empty()
                    && (self.knows_holidays || !is_public_holiday(range.range.start.date_naive(), self.region)),
                comment: Some(range.comment).filter(|comment| !comment.is_empty()),
            })
            .collect()
    }
}

/// The spans end with the window: an opening that reaches it has no end in sight.
fn state(spans: &[Span], instant: DateTime<Utc>, window_end: DateTime<Utc>) -> Opening {
    let next_index = spans.partition_point(|span| span.end <= instant);
    match spans.get(next_index) {
        Some(span) if span.start <= instant && span.certain => {
            Opening { status: OpeningStatus::Open, until: Some(span.end).filter(|end| *end < window_end), next: None, comment: None }
        }
        Some(span) if span.start <= instant => Opening { comment: span.comment.clone(), ..Opening::UNKNOWN },
        _ => {
            let coming = spans.get(next_index..).unwrap_or_default();
            let next = coming.iter().position(|span| span.certain);
            // What may be possible sooner, under a condition.
            let mut sooner = coming.iter().take(next.unwrap_or(coming.len()));
            Opening {
                status: OpeningStatus::Closed,
                until: None,
                next: next.and_then(|index| coming.get(index)).map(|span| span.start),
                comment: sooner.find_map(|span| span.comment.clone()),
            }
        }
    }
}

/// A region's holidays as the evaluation wants them, made once.
fn holidays_of(region: HolidayRegion) -> ContextHolidays {
    static KNOWN: Mutex<BTreeMap<HolidayRegion, ContextHolidays>> = Mutex::new(BTreeMap::new());
    let make = || {
        let days = HOLIDAY_YEARS.flat_map(|year| public_holidays(year, region)).collect();
        ContextHolidays::new(Arc::new(days), Arc::default())
    };
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).entry(region).or_insert_with(make).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::territory::CommuneCode;

    fn at(instant: &str) -> DateTime<Utc> {
        instant.parse().unwrap()
    }

    fn schedule(hours: &str, zone: Tz, commune: &str, from: &str) -> Schedule {
        let region = HolidayRegion::of_departement(CommuneCode::parse(commune).unwrap().departement());
        Schedule::parse(hours, zone, region, at(from)).unwrap()
    }

    #[test]
    fn says_open_until_and_closed_next() {
        let rennes = schedule("Mo-Fr 09:00-12:00", chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        let open = rennes.at(at("2026-11-23T09:30:00Z"));
        assert_eq!((open.status, open.until), (OpeningStatus::Open, Some(at("2026-11-23T11:00:00Z"))));
        let closed = rennes.at(at("2026-11-23T11:00:00Z"));
        assert_eq!((closed.status, closed.next), (OpeningStatus::Closed, Some(at("2026-11-24T08:00:00Z"))));
    }

    #[test]
    fn counts_in_the_time_of_the_place() {
        let noumea = schedule("Mo-Fr 08:00-12:00", chrono_tz::Pacific::Noumea, "98818", "2026-11-23T00:00:00Z");
        assert_eq!(noumea.at(at("2026-11-22T21:30:00Z")).status, OpeningStatus::Open);
    }

    #[test]
    fn beyond_the_window_it_evaluates_the_text() {
        let rennes = schedule("Mo-Fr 09:00-12:00", chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        assert_eq!(rennes.at(at("2027-03-15T09:00:00Z")).status, OpeningStatus::Open);
        assert_eq!(rennes.at(at("2025-11-24T09:00:00Z")).status, OpeningStatus::Open);
    }

    #[test]
    fn a_comment_is_not_an_opening() {
        let rennes = schedule("Mo-Fr 09:00-12:00 \"sur rendez-vous\"", chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        let state = rennes.at(at("2026-11-23T09:30:00Z"));
        assert_eq!((state.status, state.comment.as_deref()), (OpeningStatus::Unknown, Some("sur rendez-vous")));
        let before = rennes.at(at("2026-11-23T06:30:00Z"));
        assert_eq!((before.status, before.next, before.comment.as_deref()), (OpeningStatus::Closed, None, Some("sur rendez-vous")));
    }

    #[test]
    fn a_comment_is_told_before_the_hours_without_condition_that_follow() {
        let hours = "Mo 09:00-12:00 \"sur rendez-vous\"; Tu 09:00-12:00";
        let rennes = schedule(hours, chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        let monday = rennes.at(at("2026-11-23T06:30:00Z"));
        assert_eq!((monday.next, monday.comment.as_deref()), (Some(at("2026-11-24T08:00:00Z")), Some("sur rendez-vous")));
        assert_eq!(rennes.at(at("2026-11-23T18:30:00Z")).comment, None);
    }

    #[test]
    fn what_is_only_a_comment_is_never_open() {
        let rennes = schedule("\"sur rendez-vous\"", chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        let state = rennes.at(at("2026-11-23T09:30:00Z"));
        assert_eq!((state.status, state.comment.as_deref()), (OpeningStatus::Unknown, Some("sur rendez-vous")));
    }

    #[test]
    fn a_holiday_the_text_forgot_is_unknown_and_one_it_names_is_closed() {
        let christmas = "2026-12-25T10:00:00Z";
        let forgot = schedule("Mo-Fr 09:00-12:00", chrono_tz::Europe::Paris, "35238", "2026-12-24T00:00:00Z");
        assert_eq!(forgot.at(at(christmas)).status, OpeningStatus::Unknown);
        let says = schedule("Mo-Fr 09:00-12:00; PH off", chrono_tz::Europe::Paris, "35238", "2026-12-24T00:00:00Z");
        assert_eq!(says.at(at(christmas)).status, OpeningStatus::Closed);
    }

    #[test]
    fn holidays_are_those_of_the_place() {
        let on = |hours: &str, zone: Tz, commune: &str, instant: &str| {
            schedule(hours, zone, commune, "2026-03-30T00:00:00Z").at(at(instant)).status
        };
        let paris = chrono_tz::Europe::Paris;
        let (good_friday, closed_on_holidays) = ("2026-04-03T09:30:00Z", "Mo-Fr 09:00-12:00; PH off");
        assert_eq!(on(closed_on_holidays, paris, "67482", good_friday), OpeningStatus::Closed, "Strasbourg");
        assert_eq!(on("Mo-Fr 09:00-12:00", paris, "67482", good_friday), OpeningStatus::Unknown, "Strasbourg, not mentioned");
        assert_eq!(on(closed_on_holidays, paris, "35238", good_friday), OpeningStatus::Open, "Rennes");
        let abolition = "2029-12-20T06:00:00Z";
        let reunion = chrono_tz::Indian::Reunion;
        assert_eq!(on(closed_on_holidays, reunion, "97411", abolition), OpeningStatus::Closed, "Saint-Denis");
        assert_eq!(on("Mo-Fr 09:00-12:00", reunion, "97411", abolition), OpeningStatus::Unknown, "Saint-Denis, not mentioned");
        assert_eq!(on("Mo-Fr 09:00-12:00; PH off", chrono_tz::America::Guadeloupe, "97105", "2029-12-20T14:00:00Z"), OpeningStatus::Open);
        let far = "2099-04-13T08:00:00Z";
        assert_eq!(on(closed_on_holidays, paris, "35238", far), OpeningStatus::Closed, "Easter Monday of 2099");
        assert_eq!(on("Mo-Fr 09:00-12:00", paris, "35238", far), OpeningStatus::Unknown, "Easter Monday of 2099, not mentioned");
    }

    #[test]
    fn what_never_closes_has_no_end() {
        let always = schedule("24/7", chrono_tz::Europe::Paris, "35238", "2026-11-23T00:00:00Z");
        let open = always.at(at("2026-11-23T09:30:00Z"));
        assert_eq!((open.status, open.until), (OpeningStatus::Open, None));
        let from_christmas = schedule("24/7", chrono_tz::Europe::Paris, "35238", "2026-12-26T09:00:00Z");
        assert_eq!(from_christmas.at(at("2026-12-26T09:30:00Z")).status, OpeningStatus::Open);
    }

    #[test]
    fn rejects_what_is_not_the_syntax() {
        assert!(check_syntax("Mo-Fr 9h-12h").is_err());
        assert!(check_syntax("Mo-Fr 09:00-12:00,14:00-17:00; Sa 09:00-12:00").is_ok());
    }

    #[test]
    fn hours_age() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(still_counts(Some(day("2025-11-22")), day("2026-11-22")));
        assert!(!still_counts(Some(day("2025-11-21")), day("2026-11-22")));
        assert!(!still_counts(None, day("2026-11-22")));
    }
}
