//! The last day to appeal, counted as the law counts. Where the law is unsettled the earlier day is given: who acts by it is in time
//! under every reading. Local holidays are those of the person's own territory: [`LastDay::elsewhere`] says what holds without them.
//!
//! - Code de procédure civile, article 641: the day of the notification doesn't count in a limit of days; months and years end on the
//!   day of the same number, else on the last day of the month. Article 642: a limit ends at midnight, and moves to the next working
//!   day when its last day is a Saturday, a Sunday or a public holiday. Administrative courts apply both.
//! - *Délai franc*: appeals before administrative courts, unless a text says otherwise (Conseil d'État, Section, 4 June 1954, Commune
//!   de Décines-Charpieu; 15 December 2023, n° 472836): the last day doesn't count either, so there is one more.
//! - Hours run from hour to hour and never move (CESEDA L921-2; formerly CJA R776-5: « ne sont susceptibles d'aucune prorogation »).
//! - 31 December of a later year: livre des procédures fiscales, R*196-1 and R*196-2.

use std::cmp::min;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::escalation::TimeLimit;
use crate::holidays::{HolidayRegion, is_public_holiday};

/// A limit of so few days isn't moved past a Saturday, a Sunday or a holiday. The seven days of CESEDA L921-1 are franc or not, moved
/// or not, according to the court (Lyon, 19 December 2024, n° 24LY03013; Toulouse, 3 July 2025, n° 24TL02643).
const SHORT_DAYS: u16 = 7;

/// Hours, or a few days: no more time is to be hoped for.
pub fn is_short(limit: TimeLimit) -> bool {
    matches!(limit, TimeLimit::Hours(_)) || matches!(limit, TimeLimit::Days(days) if days <= SHORT_DAYS)
}

/// How a limit was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// In days, months or years, with one more day.
    Franc,
    /// In days, months or years.
    Calendar,
    /// From hour to hour.
    Hours,
    /// Until 31 December of a later year.
    YearEnd,
}

/// Why no appeal is expected on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum DayOff {
    Saturday,
    Sunday,
    PublicHoliday,
    /// A public holiday of a part of the country alone.
    LocalHoliday,
}

impl DayOff {
    /// What kind of day off this day is in a region; `None`: a working day.
    pub fn of(day: NaiveDate, region: HolidayRegion) -> Option<Self> {
        match day.weekday() {
            Weekday::Sat => Some(Self::Saturday),
            Weekday::Sun => Some(Self::Sunday),
            _ if is_public_holiday(day, HolidayRegion::National) => Some(Self::PublicHoliday),
            _ if is_public_holiday(day, region) => Some(Self::LocalHoliday),
            _ => None,
        }
    }
}

/// The last day of a limit counted in days, months or years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastDay {
    /// The appeal may be made on this day, until midnight.
    pub day: NaiveDate,
    pub counted: Counted,
    /// The day the limit would have ended on, when that is a day off, and why.
    pub day_off: Option<(NaiveDate, DayOff)>,
    /// The last day where the local holidays that moved it further aren't kept.
    pub elsewhere: Option<NaiveDate>,
}

impl LastDay {
    /// Whether it was moved because of a day off: it isn't always.
    pub fn is_moved(&self) -> bool {
        self.day_off.is_some_and(|(day, _)| day != self.day)
    }
}

/// The last day of a limit that runs from a notification on that day. `None` when it is counted in hours (see [`last_instant`]), and
/// for dates beyond the calendar.
///
/// 31 December is given as it is, even on a Sunday: the tax courts don't move it (CGI, article 1932, 6), although the administration
/// says that it would.
pub fn last_day(limit: TimeLimit, franc: bool, notified_on: NaiveDate, region: HolidayRegion) -> Option<LastDay> {
    let end = |notified_on: NaiveDate| match limit {
        TimeLimit::Hours(_) => None,
        TimeLimit::Days(days) => notified_on.checked_add_days(Days::new(days.into())),
        TimeLimit::Months(months) => notified_on.checked_add_months(Months::new(months.into())),
        TimeLimit::Years(years) => notified_on.checked_add_months(Months::new(u32::from(years) * 12)),
        TimeLimit::YearEnd(years) => NaiveDate::from_ymd_opt(notified_on.year() + i32::from(years), 12, 31),
    };
    let is_year_end = matches!(limit, TimeLimit::YearEnd(_));
    let day = if franc && !is_year_end {
        // At the end of a month, courts count a day more, or from the day after to the day of the same number. The two differ:
        // notified on 30 December, two months end on 1 March or on 28 February.
        min(end(notified_on)?.succ_opt()?, end(notified_on.succ_opt()?)?)
    } else {
        end(notified_on)?
    };
    let counted = match (is_year_end, franc) {
        (true, _) => Counted::YearEnd,
        (false, true) => Counted::Franc,
        (false, false) => Counted::Calendar,
    };
    let stays = is_year_end || is_short(limit);
    let working = |region| if stays { Some(day) } else { day.iter_days().find(|day| DayOff::of(*day, region).is_none()) };
    let (here, elsewhere) = (working(region)?, working(HolidayRegion::National)?);
    let day_off = DayOff::of(day, region).map(|why| (day, why));
    Some(LastDay { day: here, counted, day_off, elsewhere: (elsewhere != here).then_some(elsewhere) })
}

/// The last instant of a limit in hours, from the instant of the notification.
///
/// Over a change of clocks, hours that pass and hours on the clock differ by one: the earlier is given.
pub fn last_instant(hours: u16, notified_at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let hours = Duration::hours(hours.into());
    let passed = notified_at.checked_add_signed(hours)?;
    let on_the_clock = notified_at.with_timezone(&zone).naive_local().checked_add_signed(hours)?;
    Some(min(passed, earliest(on_the_clock, zone).unwrap_or(passed)))
}

/// The first instant of a day there: from when hours are counted while only the day is known.
pub fn start_of(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    // Where clocks skip midnight, the day begins an hour later.
    earliest(midnight, zone).or_else(|| earliest(midnight.checked_add_signed(Duration::hours(1))?, zone))
}

/// The first instant at which clocks there show that time; `None` when they skip it.
pub(crate) fn earliest(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    zone.from_local_datetime(&local).earliest().map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Paris;
    use proptest::prelude::*;

    use super::*;

    const NATIONAL: HolidayRegion = HolidayRegion::National;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn last(limit: &str, franc: bool, notified_on: &str) -> LastDay {
        last_day(TimeLimit::parse(limit).unwrap(), franc, day(notified_on), NATIONAL).unwrap()
    }

    #[test]
    fn months_end_on_the_day_of_the_same_number_else_the_last() {
        for (limit, notified_on, end) in [
            ("P2M", "2026-09-22", "2026-11-23"), // the 22nd is a Sunday
            ("P1M", "2026-10-23", "2026-11-23"),
            ("P1M", "2028-01-31", "2028-02-29"),
            ("P1M", "2027-01-31", "2027-03-01"), // 28 February is a Sunday
            ("P2Y", "2024-02-29", "2026-03-02"), // 28 February is a Saturday
        ] {
            assert_eq!(last(limit, false, notified_on).day, day(end), "{limit} from {notified_on}");
        }
    }

    #[test]
    fn days_leave_out_the_day_of_the_notification() {
        assert_eq!(last("P15D", false, "2026-11-02").day, day("2026-11-17"));
        assert_eq!(last("P15D", true, "2026-11-02").day, day("2026-11-18"));
    }

    #[test]
    fn a_franc_limit_has_one_more_day() {
        // The example of André Icard's, avocat: notified on 3 January 2021, until 4 March.
        assert_eq!(last("P2M", true, "2021-01-03").day, day("2021-03-04"));
        // Notified on 1 October 2007: 2 December is a Sunday, until Monday 3.
        let moved = last("P2M", true, "2007-10-01");
        assert_eq!((moved.day, moved.counted), (day("2007-12-03"), Counted::Franc));
        assert_eq!(moved.day_off, Some((day("2007-12-02"), DayOff::Sunday)));
    }

    #[test]
    fn at_the_end_of_a_month_the_earlier_reading_holds() {
        for (notified_on, end) in
            [("2022-12-27", "2023-02-28"), ("2022-12-28", "2023-02-28"), ("2022-12-30", "2023-02-28"), ("2022-12-31", "2023-03-01")]
        {
            assert_eq!(last("P2M", true, notified_on).day, day(end), "{notified_on}");
        }
        assert_eq!(last("P2M", true, "2026-11-30").day, day("2027-02-01"), "31 January 2027 is a Sunday, and 1 February a Monday");
    }

    #[test]
    fn days_off_are_passed_over_and_told() {
        let easter = last("P1M", false, "2026-03-06");
        assert_eq!((easter.day, easter.day_off), (day("2026-04-07"), Some((day("2026-04-06"), DayOff::PublicHoliday))));
        assert!(easter.is_moved());
        let alsace = last_day(TimeLimit::Months(1), false, day("2026-03-03"), HolidayRegion::AlsaceMoselle).unwrap();
        assert_eq!((alsace.day, alsace.day_off), (day("2026-04-07"), Some((day("2026-04-03"), DayOff::LocalHoliday))));
        assert_eq!(alsace.elsewhere, Some(day("2026-04-03")));
        // Christmas is everybody's, the day after isn't, and a week-end follows.
        let christmas = last_day(TimeLimit::Months(2), false, day("2025-10-25"), HolidayRegion::AlsaceMoselle).unwrap();
        assert_eq!((christmas.day, christmas.elsewhere), (day("2025-12-29"), Some(day("2025-12-26"))));
        assert_eq!(last("P1M", false, "2026-03-03").day, day("2026-04-03"), "Good Friday is a working day elsewhere");
    }

    #[test]
    fn seven_days_are_not_moved() {
        let week = last("P7D", false, "2026-11-22");
        assert_eq!((week.day, week.day_off, week.is_moved()), (day("2026-11-29"), Some((day("2026-11-29"), DayOff::Sunday)), false));
    }

    #[test]
    fn the_end_of_a_year_is_not_moved() {
        let end = last("YE+2", false, "2026-08-31");
        assert_eq!((end.day, end.counted, end.day_off), (day("2028-12-31"), Counted::YearEnd, Some((day("2028-12-31"), DayOff::Sunday))));
        assert_eq!(last("YE+1", true, "2026-01-01").day, day("2027-12-31"));
    }

    #[test]
    fn hours_run_from_hour_to_hour() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(last_instant(48, at("2023-01-23T09:15:00Z"), Paris), Some(at("2023-01-25T09:15:00Z")));
        // Clocks change on the night of 28 March 2026, and back on that of 24 October.
        assert_eq!(last_instant(48, at("2026-03-28T09:00:00Z"), Paris), Some(at("2026-03-30T08:00:00Z")));
        assert_eq!(last_instant(48, at("2026-10-24T08:00:00Z"), Paris), Some(at("2026-10-26T08:00:00Z")));
        assert_eq!(start_of(day("2026-11-20"), Paris), Some(at("2026-11-19T23:00:00Z")));
        assert_eq!(start_of(day("2026-11-20"), chrono_tz::Indian::Reunion), Some(at("2026-11-19T20:00:00Z")));
        assert_eq!(last_day(TimeLimit::Hours(48), false, day("2026-11-20"), NATIONAL), None);
    }

    /// The slow way: a month at a time, then a day at a time.
    fn oracle(limit: TimeLimit, notified_on: NaiveDate) -> NaiveDate {
        let next = |date: NaiveDate| date.succ_opt().unwrap();
        match limit {
            TimeLimit::Days(days) => (0..days).fold(notified_on, |date, _| next(date)),
            TimeLimit::Months(months) => {
                let mut first = notified_on.with_day(1).unwrap();
                for _ in 0..months {
                    let month = first.month();
                    while first.month() == month {
                        first = next(first);
                    }
                }
                let mut end = first;
                while end.day() < notified_on.day() && next(end).month() == first.month() {
                    end = next(end);
                }
                end
            }
            _ => unreachable!(),
        }
    }

    fn limits() -> impl Strategy<Value = TimeLimit> {
        prop_oneof![(8_u16..90).prop_map(TimeLimit::Days), (1_u16..30).prop_map(TimeLimit::Months)]
    }

    proptest! {
        #[test]
        fn agrees_with_a_day_by_day_count(offset in 0_u64..30_000, limit in limits(), local in any::<bool>()) {
            let notified_on = day("1999-12-31").checked_add_days(Days::new(offset)).unwrap();
            let region = if local { HolidayRegion::AlsaceMoselle } else { NATIONAL };
            let mut expected = oracle(limit, notified_on);
            while DayOff::of(expected, region).is_some() {
                expected = expected.succ_opt().unwrap();
            }
            prop_assert_eq!(last_day(limit, false, notified_on, region).unwrap().day, expected);
        }

        #[test]
        fn the_last_day_is_a_working_day_soon_after(offset in 0_u64..30_000, limit in limits(), franc in any::<bool>()) {
            let notified_on = day("1999-12-31").checked_add_days(Days::new(offset)).unwrap();
            let last = last_day(limit, franc, notified_on, NATIONAL).unwrap();
            let plain = oracle(limit, notified_on);
            prop_assert_eq!(DayOff::of(last.day, NATIONAL), None);
            prop_assert!(last.day >= plain && last.day <= plain + Duration::days(6));
            prop_assert_eq!(last.is_moved(), last.day_off.is_some());
        }

        #[test]
        fn who_is_told_later_has_no_less_time(offset in 0_u64..30_000, limit in limits(), franc in any::<bool>()) {
            let notified_on = day("1999-12-31").checked_add_days(Days::new(offset)).unwrap();
            let later = last_day(limit, franc, notified_on.succ_opt().unwrap(), NATIONAL).unwrap();
            prop_assert!(later.day >= last_day(limit, franc, notified_on, NATIONAL).unwrap().day);
        }

        #[test]
        fn hours_never_exceed_what_passes(minutes in 0_i64..10_000_000, hours in 1_u16..100) {
            let notified_at = "2010-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minutes);
            let passed = last_instant(hours, notified_at, Paris).unwrap() - notified_at;
            prop_assert!(passed <= Duration::hours(hours.into()) && passed >= Duration::hours(i64::from(hours) - 1));
        }
    }
}
