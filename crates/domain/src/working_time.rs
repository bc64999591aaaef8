//! Time as offices count it: in working days, and in the hours of those days.
//!
//! A working day (« jour ouvré ») is Monday to Friday without the public holidays of the place. Its hours are a convention, the same
//! for everybody, so that delays can be compared: nobody's real opening hours.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::deadline::{DayOff, earliest};
use crate::holidays::HolidayRegion;

/// The hours at which a working day begins and ends, on the clocks of the place: eight hours a day.
pub const DAY_BEGINS: u32 = 9;
pub const DAY_ENDS: u32 = 17;

/// Nothing here looks further than so many days, 27 years: a mistyped year must not keep a machine busy.
pub const MOST_DAYS: u32 = 10_000;

/// Whether offices work on a day there.
pub fn is_business_day(day: NaiveDate, region: HolidayRegion) -> bool {
    DayOff::of(day, region).is_none()
}

/// The working day that comes so many working days after a day, which itself doesn't count; the day itself, working or not, after
/// none. More than [`MOST_DAYS`] count as so many.
pub fn add_business_days(day: NaiveDate, days: u32, region: HolidayRegion) -> NaiveDate {
    let coming = day.iter_days().skip(1).filter(|day| is_business_day(*day, region));
    coming.zip(0..days.min(MOST_DAYS)).last().map_or(day, |(reached, _)| reached)
}

/// The working time between two instants, in hours; none when the second isn't later. What lies more than [`MOST_DAYS`] after the
/// first isn't counted.
pub fn working_hours(from: DateTime<Utc>, to: DateTime<Utc>, time_zone: Tz, region: HolidayRegion) -> f64 {
    let day_of = |instant: DateTime<Utc>| instant.with_timezone(&time_zone).date_naive();
    let last = day_of(to);
    let days = day_of(from).iter_days().take_while(|day| *day <= last).zip(0..MOST_DAYS).map(|(day, _)| day);
    let worked = days.filter(|day| is_business_day(*day, region)).filter_map(|day| {
        // A day that the place skipped, when it crossed the date line, has no such instants.
        let at = |hour| earliest(day.and_hms_opt(hour, 0, 0)?, time_zone);
        Some(at(DAY_ENDS)?.min(to) - at(DAY_BEGINS)?.max(from)).filter(|worked| *worked > Duration::zero())
    });
    worked.sum::<Duration>().as_seconds_f64() / 3_600.0
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Timelike, Weekday};
    use chrono_tz::Europe::Paris;
    use proptest::prelude::*;

    use super::*;
    use crate::holidays::is_public_holiday;

    const NATIONAL: HolidayRegion = HolidayRegion::National;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn assert_hours(from: &str, to: &str, zone: Tz, region: HolidayRegion, expected: f64) {
        let hours = working_hours(at(from), at(to), zone, region);
        assert!((hours - expected).abs() < 1e-9, "{hours} hours from {from} to {to}");
    }

    #[test]
    fn business_days_pass_over_week_ends_and_holidays() {
        for (from, days, reached) in [
            ("2026-11-23", 0, "2026-11-23"),
            ("2026-11-22", 0, "2026-11-22"), // a Sunday, and no day to go
            ("2026-11-23", 1, "2026-11-24"),
            ("2026-11-27", 1, "2026-11-30"),
            ("2026-11-28", 1, "2026-11-30"),
            ("2026-12-24", 1, "2026-12-28"), // Christmas is a Friday
            ("2026-05-13", 2, "2026-05-18"), // Ascension
            ("2026-11-23", 10, "2026-12-07"),
        ] {
            assert_eq!(add_business_days(day(from), days, NATIONAL), day(reached), "{days} from {from}");
        }
    }

    #[test]
    fn business_days_are_those_of_the_place() {
        assert_eq!(add_business_days(day("2026-04-02"), 1, HolidayRegion::AlsaceMoselle), day("2026-04-07"));
        assert_eq!(add_business_days(day("2026-04-02"), 1, NATIONAL), day("2026-04-03"));
        assert_eq!(add_business_days(day("2027-12-17"), 1, HolidayRegion::LaReunion), day("2027-12-21"));
    }

    #[test]
    fn hours_are_those_of_working_days() {
        // Paris is one hour ahead of UTC in winter.
        assert_hours("2026-11-23T08:30:00Z", "2026-11-23T10:00:00Z", Paris, NATIONAL, 1.5);
        assert_hours("2026-11-23T05:00:00Z", "2026-11-23T22:00:00Z", Paris, NATIONAL, 8.0);
        assert_hours("2026-11-23T15:00:00Z", "2026-11-24T09:00:00Z", Paris, NATIONAL, 2.0);
        assert_hours("2026-11-27T16:00:00Z", "2026-11-30T08:00:00Z", Paris, NATIONAL, 0.0);
        assert_hours("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", Paris, NATIONAL, 40.0);
        assert_hours("2026-12-24T15:00:00Z", "2026-12-28T09:00:00Z", Paris, NATIONAL, 2.0);
    }

    #[test]
    fn no_time_passes_backwards() {
        assert_hours("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", Paris, NATIONAL, 0.0);
        assert_hours("2026-11-24T10:00:00Z", "2026-11-23T09:00:00Z", Paris, NATIONAL, 0.0);
        assert_hours("2026-11-23T10:00:00Z", "2026-11-23T09:00:00Z", Paris, NATIONAL, 0.0);
    }

    #[test]
    fn a_change_of_clocks_takes_no_hour() {
        assert_hours("2026-03-27T15:00:00Z", "2026-03-30T08:00:00Z", Paris, NATIONAL, 2.0);
        assert_hours("2026-10-23T14:00:00Z", "2026-10-26T09:00:00Z", Paris, NATIONAL, 2.0);
    }

    #[test]
    fn hours_are_on_the_clocks_of_the_place() {
        // In Nouméa, Monday's hours begin on Sunday evening, UTC.
        assert_hours("2026-11-22T22:00:00Z", "2026-11-23T06:00:00Z", chrono_tz::Pacific::Noumea, NATIONAL, 8.0);
        assert_hours("2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z", chrono_tz::America::Martinique, HolidayRegion::Martinique, 1.0);
        assert_hours("2027-12-20T00:00:00Z", "2027-12-21T00:00:00Z", chrono_tz::Indian::Reunion, HolidayRegion::LaReunion, 0.0);
        // Samoa went from Thursday 29 December 2011 to Saturday 31.
        assert_hours("2011-12-29T10:00:00Z", "2012-01-01T00:00:00Z", chrono_tz::Pacific::Apia, NATIONAL, 8.0);
    }

    #[test]
    fn ages_are_cut_short() {
        let hours = working_hours(at("1000-01-01T00:00:00Z"), at("9000-01-01T00:00:00Z"), Paris, NATIONAL);
        assert!(hours > 50_000.0 && hours < f64::from(MOST_DAYS) * 8.0, "{hours}");
        let far = add_business_days(day("2026-11-23"), u32::MAX, NATIONAL);
        assert_eq!(far, add_business_days(day("2026-11-23"), MOST_DAYS, NATIONAL));
        assert_eq!(add_business_days(NaiveDate::MAX, 3, NATIONAL), NaiveDate::MAX);
    }

    /// The slow way: minute by minute.
    fn oracle(from: DateTime<Utc>, minutes: u32, zone: Tz, region: HolidayRegion) -> f64 {
        let works = |minute: &u32| {
            let local = (from + Duration::minutes(i64::from(*minute))).with_timezone(&zone);
            (DAY_BEGINS..DAY_ENDS).contains(&local.hour())
                && !matches!(local.weekday(), Weekday::Sat | Weekday::Sun)
                && !is_public_holiday(local.date_naive(), region)
        };
        f64::from(u32::try_from((0..minutes).filter(works).count()).unwrap()) / 60.0
    }

    fn places() -> impl Strategy<Value = (Tz, HolidayRegion)> {
        prop::sample::select(vec![
            (Paris, NATIONAL),
            (Paris, HolidayRegion::AlsaceMoselle),
            (chrono_tz::America::Miquelon, NATIONAL),
            (chrono_tz::America::Cayenne, HolidayRegion::Guyane),
            (chrono_tz::Indian::Reunion, HolidayRegion::LaReunion),
            (chrono_tz::Pacific::Noumea, NATIONAL),
            (chrono_tz::Pacific::Marquesas, NATIONAL),
        ])
    }

    /// An instant, in minutes after the first of 2026.
    fn instant(minutes: u32) -> DateTime<Utc> {
        at("2026-01-01T00:00:00Z") + Duration::minutes(i64::from(minutes))
    }

    proptest! {
        #[test]
        fn agrees_with_a_minute_by_minute_count((zone, region) in places(), from in 0..1_000_000_u32, minutes in 0..30_000_u32) {
            let hours = working_hours(instant(from), instant(from + minutes), zone, region);
            prop_assert!((hours - oracle(instant(from), minutes, zone, region)).abs() < 1e-9);
        }

        #[test]
        fn the_parts_make_the_whole(
            (zone, region) in places(),
            from in 0..1_000_000_u32,
            first in 0..500_000_u32,
            second in 0..500_000_u32,
        ) {
            let between = |from, to| working_hours(instant(from), instant(to), zone, region);
            let (middle, end) = (from + first, from + first + second);
            prop_assert!((between(from, middle) + between(middle, end) - between(from, end)).abs() < 1e-9);
        }

        #[test]
        fn more_time_is_never_less((zone, region) in places(), from in 0..1_000_000_u32, time in 0..500_000_u32, more in 0..100_000_u32) {
            let until = |minutes| working_hours(instant(from), instant(from + minutes), zone, region);
            prop_assert!(until(time) <= until(time + more));
        }

        #[test]
        fn business_days_are_counted_one_by_one((_, region) in places(), offset in 0..30_000_u32, days in 1..60_u32) {
            let from = day("1999-12-31") + Duration::days(offset.into());
            let reached = add_business_days(from, days, region);
            prop_assert!(is_business_day(reached, region));
            let passed = from.iter_days().skip(1).take_while(|day| *day <= reached).filter(|day| is_business_day(*day, region)).count();
            prop_assert_eq!(passed, usize::try_from(days).unwrap());
            prop_assert_eq!(add_business_days(add_business_days(from, days - 1, region), 1, region), reached);
        }
    }
}
