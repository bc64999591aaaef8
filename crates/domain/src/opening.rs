//! Opening hours: OSM syntax in, instants out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use opening_hours::localization::TzLocation;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::holidays::{HolidayRegion, is_public_holiday, public_holidays};
use crate::structure::ExceptionalClosure;

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

/// Hours expanded once into the coming days' instants, so that a question only searches them; and the days on which they don't count.
#[derive(Debug)]
pub struct Schedule {
    /// `None`: only the exceptional closures are known.
    hours: Option<OpeningHours<TzLocation<Tz>>>,
    /// In order; none touches another.
    closed: Vec<Closed>,
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

/// Exceptional closures that follow one another.
#[derive(Debug)]
struct Closed {
    span: std::ops::Range<DateTime<Utc>>,
    /// What people are told of it.
    told: Arc<str>,
}

/// The years whose holidays a text that names them (`PH`) can see.
const HOLIDAY_YEARS: std::ops::RangeInclusive<i32> = 2010..=2110;

impl Schedule {
    /// `None` when the text is not `opening_hours` syntax.
    pub fn parse(hours: &str, time_zone: Tz, region: HolidayRegion, from: DateTime<Utc>) -> Option<Self> {
        Self::with_closures(Some(hours), &[], time_zone, region, from)
    }

    /// The same with exceptional closures, which rule whatever the hours say, and where no hours are known. `None` when nothing is.
    pub fn with_closures(
        hours: Option<&str>,
        closures: &[ExceptionalClosure],
        time_zone: Tz,
        region: HolidayRegion,
        from: DateTime<Utc>,
    ) -> Option<Self> {
        let context = Context::default().with_holidays(holidays_of(region)).with_locale(TzLocation::new(time_zone));
        let knows_holidays = hours.is_some_and(|hours| hours.contains("PH") || hours.contains("24/7"));
        let hours = hours.and_then(|hours| hours.parse::<OpeningHours>().ok()).map(|hours| hours.with_context(context));
        let closed = closed_spans(closures, time_zone);
        if hours.is_none() && closed.is_empty() {
            return None;
        }
        // A day back, so that an instant just before midnight elsewhere falls within.
        let window = from - Duration::days(1)..from + Duration::days(WINDOW_DAYS);
        let mut schedule = Self { hours, closed, time_zone, region, knows_holidays, window: window.clone(), spans: Vec::new() };
        schedule.spans = schedule.expand(&window);
        Some(schedule)
    }

    /// The state at an instant: a search within the window, an evaluation of the text outside it.
    pub fn at(&self, instant: DateTime<Utc>) -> Opening {
        if let Some(closed) = self.closed_at(instant) {
            let reopening = closed.span.end;
            let coming = self.expand(&(reopening..reopening + Duration::days(WINDOW_DAYS)));
            let next = coming.iter().find(|span| span.certain).map(|span| span.start);
            Opening { status: OpeningStatus::Closed, until: None, next, comment: Some(closed.told.clone()) }
        } else if self.window.contains(&instant) && instant + Duration::days(1) < self.window.end {
            state(&self.spans, instant, self.window.end)
        } else {
            let window = instant - Duration::days(1)..instant + Duration::days(WINDOW_DAYS);
            state(&self.expand(&window), instant, window.end)
        }
    }

    /// The state at an instant when the hours are too old to count: closed where that was declared, else not known.
    pub fn without_hours_at(&self, instant: DateTime<Utc>) -> Opening {
        self.closed_at(instant).map_or(Opening::UNKNOWN, |closed| Opening {
            status: OpeningStatus::Closed,
            comment: Some(closed.told.clone()),
            ..Opening::UNKNOWN
        })
    }

    fn closed_at(&self, instant: DateTime<Utc>) -> Option<&Closed> {
        self.closed.iter().find(|closed| closed.span.contains(&instant))
    }

    fn expand(&self, window: &std::ops::Range<DateTime<Utc>>) -> Vec<Span> {
        let local = |instant: DateTime<Utc>| instant.with_timezone(&self.time_zone);
        let Some(hours) = &self.hours else {
            let unknown = Span { start: window.start, end: window.end, certain: false, comment: None };
            return self.outside_closures(vec![unknown]);
        };
        let spans = hours
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
            .collect();
        self.outside_closures(spans)
    }

    /// What is left of spans: nobody is received during a closure.
    fn outside_closures(&self, mut spans: Vec<Span>) -> Vec<Span> {
        for closed in &self.closed {
            let cut = |span: Span| {
                let before = Span { end: span.end.min(closed.span.start), comment: span.comment.clone(), ..span };
                let after = Span { start: span.start.max(closed.span.end), ..span };
                [before, after].into_iter().filter(|span| span.start < span.end)
            };
            spans = spans.into_iter().flat_map(cut).collect();
        }
        spans
    }
}

/// Closures as spans of instants in the time of the place, those that follow one another joined.
fn closed_spans(closures: &[ExceptionalClosure], time_zone: Tz) -> Vec<Closed> {
    // Where a clock skips midnight, the day begins with the first hour that there is.
    let midnight = |day: NaiveDate| {
        let mut hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        hours.find_map(|time| day.and_time(time).and_local_timezone(time_zone).earliest()).map(|instant| instant.to_utc())
    };
    let mut closures: Vec<&ExceptionalClosure> = closures.iter().collect();
    closures.sort_by_key(|closure| closure.from);
    let mut spans: Vec<Closed> = Vec::new();
    for closure in closures {
        let after = closure.until.checked_add_days(Days::new(1));
        let (Some(start), Some(end)) = (midnight(closure.from), after.and_then(midnight)) else { continue };
        match spans.last_mut() {
            Some(last) if last.span.end >= start => {
                last.span.end = last.span.end.max(end);
                last.told = [&*last.told, &told_of(closure)].join(" ; ").into();
            }
            _ => spans.push(Closed { span: start..end, told: told_of(closure).into() }),
        }
    }
    spans
}

/// What people are told of an exceptional closure.
fn told_of(closure: &ExceptionalClosure) -> String {
    let days = match (closure.from, closure.until) {
        (from, until) if from == until => format!("le {}", from.format("%d/%m/%Y")),
        (from, until) => format!("du {} au {}", from.format("%d/%m/%Y"), until.format("%d/%m/%Y")),
    };
    let why = closure.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("fermeture exceptionnelle {days}{why}")
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

    fn closure(from: &str, until: &str, note: Option<&str>) -> ExceptionalClosure {
        ExceptionalClosure { from: from.parse().unwrap(), until: until.parse().unwrap(), note: note.map(str::to_owned) }
    }

    #[test]
    fn an_exceptional_closure_rules_and_tells_the_reopening() {
        let (paris, region) = (chrono_tz::Europe::Paris, HolidayRegion::National);
        let closures = [closure("2026-12-24", "2027-01-02", Some("congés")), closure("2027-01-03", "2027-01-04", None)];
        let from = at("2026-12-20T00:00:00Z");
        let on =
            |hours: Option<&str>, instant: &str| Schedule::with_closures(hours, &closures, paris, region, from).unwrap().at(at(instant));
        let hours = Some("Mo-Fr 09:00-12:00");
        let closed = on(hours, "2026-12-28T09:30:00Z");
        assert_eq!((closed.status, closed.next), (OpeningStatus::Closed, Some(at("2027-01-05T08:00:00Z"))), "far beyond the window");
        let told = "fermeture exceptionnelle du 24/12/2026 au 02/01/2027 (congés) ; fermeture exceptionnelle du 03/01/2027 au 04/01/2027";
        assert_eq!(closed.comment.as_deref(), Some(told));
        assert_eq!(on(hours, "2026-12-23T09:30:00Z").until, Some(at("2026-12-23T11:00:00Z")));
        assert_eq!(on(hours, "2026-12-23T22:59:00Z").comment, None, "a minute before its first day begins there");
        assert!(on(hours, "2026-12-23T23:00:00Z").comment.is_some());
        assert_eq!(on(hours, "2026-12-23T12:00:00Z").next, None, "what would open during it isn't an opening");
        assert_eq!(on(Some("24/7"), "2026-12-23T12:00:00Z").until, Some(at("2026-12-23T23:00:00Z")));
        // Without hours, or with hours that nobody checked.
        assert_eq!(on(None, "2026-12-28T09:30:00Z").status, OpeningStatus::Closed);
        assert_eq!(on(None, "2027-01-05T09:30:00Z"), Opening::UNKNOWN);
        assert_eq!(on(None, "2026-12-22T09:30:00Z"), Opening::UNKNOWN);
        let unchecked = Schedule::with_closures(hours, &closures, paris, region, from).unwrap();
        assert_eq!(unchecked.without_hours_at(at("2026-12-28T09:30:00Z")).status, OpeningStatus::Closed);
        assert_eq!(unchecked.without_hours_at(at("2027-01-05T09:30:00Z")), Opening::UNKNOWN);
        assert!(Schedule::with_closures(None, &[], paris, region, from).is_none());
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
