//! French public holidays, which are not the same everywhere: code du travail L3133-1 for all, L3134-13 for Alsace and Moselle,
//! L3422-2 for the abolition of slavery overseas.
//!
//! Collectivities with a labour law of their own (Polynésie française, Nouvelle-Calédonie, Wallis-et-Futuna) keep further local
//! days, which are not listed here.

use chrono::{Datelike, Duration, NaiveDate};

/// A part of the country that keeps the same public holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolidayRegion {
    /// The national days alone.
    National,
    /// And Good Friday and 26 December. By the letter of L3134-13, Good Friday is kept in communes with a protestant temple or a
    /// mixed church; which ones isn't known here, and nearly all offices close.
    AlsaceMoselle,
    Guadeloupe,
    Guyane,
    LaReunion,
    Martinique,
    Mayotte,
    SaintBarthelemy,
    SaintMartin,
}

impl HolidayRegion {
    /// The region of a département, or of an overseas territory, by its code: `67`, `974`.
    pub fn of_departement(code: &str) -> Self {
        match code {
            "57" | "67" | "68" => Self::AlsaceMoselle,
            "971" => Self::Guadeloupe,
            "972" => Self::Martinique,
            "973" => Self::Guyane,
            "974" => Self::LaReunion,
            "976" => Self::Mayotte,
            "977" => Self::SaintBarthelemy,
            "978" => Self::SaintMartin,
            _ => Self::National,
        }
    }

    /// Month and day on which the abolition of slavery is kept.
    fn abolition(self) -> Option<(u32, u32)> {
        match self {
            Self::Mayotte => Some((4, 27)),
            Self::Martinique => Some((5, 22)),
            Self::Guadeloupe => Some((5, 27)),
            Self::SaintMartin => Some((5, 28)),
            Self::Guyane => Some((6, 10)),
            Self::SaintBarthelemy => Some((10, 9)),
            Self::LaReunion => Some((12, 20)),
            Self::National | Self::AlsaceMoselle => None,
        }
    }
}

/// Month and day of the national holidays that don't move.
const FIXED: [(u32, u32); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];
/// Days from Easter to Easter Monday, Ascension and Whit Monday.
const AFTER_EASTER: [i64; 3] = [1, 39, 50];
const GOOD_FRIDAY: i64 = -2;
const SAINT_STEPHEN: (u32, u32) = (12, 26);

/// Whether a day is a public holiday there.
pub fn is_public_holiday(date: NaiveDate, region: HolidayRegion) -> bool {
    public_holidays(date.year(), region).contains(&date)
}

/// The public holidays of a year there, in no order: two may fall on the same day.
pub fn public_holidays(year: i32, region: HolidayRegion) -> Vec<NaiveDate> {
    let local = region == HolidayRegion::AlsaceMoselle;
    let fixed = FIXED.into_iter().chain(region.abolition()).chain(local.then_some(SAINT_STEPHEN));
    let after_easter = AFTER_EASTER.into_iter().chain(local.then_some(GOOD_FRIDAY));
    let easter = computus::gregorian_naive(year).ok();
    let movable =
        easter.into_iter().flat_map(|easter| after_easter.clone().filter_map(move |days| easter.checked_add_signed(Duration::days(days))));
    fixed.filter_map(|(month, day)| NaiveDate::from_ymd_opt(year, month, day)).chain(movable).collect()
}

#[cfg(test)]
mod tests {
    use opening_hours::localization::Country;

    use super::*;

    fn is_holiday(date: &str, departement: &str) -> bool {
        is_public_holiday(date.parse().unwrap(), HolidayRegion::of_departement(departement))
    }

    #[test]
    fn the_national_days_are_everybody_s() {
        for date in ["2026-01-01", "2026-04-06", "2026-05-14", "2026-05-25", "2026-07-14", "2027-03-29", "2150-04-13", "1999-04-05"] {
            for departement in ["35", "67", "2A", "974", "988"] {
                assert!(is_holiday(date, departement), "{date} in {departement}");
            }
        }
        for date in ["2026-04-05", "2026-04-07", "2026-11-10", "2026-12-26", "2026-04-03"] {
            assert!(!is_holiday(date, "35"), "{date}");
        }
    }

    #[test]
    fn the_national_days_are_those_of_another_list() {
        let list = Country::FR.holidays();
        let mut date = NaiveDate::from_ymd_opt(2001, 1, 1).unwrap();
        while date.year() < 2076 {
            assert_eq!(is_public_holiday(date, HolidayRegion::National), list.get_public().contains(date), "{date}");
            date = date.succ_opt().unwrap();
        }
    }

    #[test]
    fn alsace_and_moselle_keep_two_more() {
        for departement in ["57", "67", "68"] {
            for date in ["2026-04-03", "2027-03-26", "2026-12-26"] {
                assert!(is_holiday(date, departement), "{date} in {departement}");
            }
        }
        assert!(!is_holiday("2026-04-03", "54") && !is_holiday("2026-12-26", "88"));
    }

    #[test]
    fn the_abolition_of_slavery_has_its_day_in_each_place() {
        let days = [
            ("971", "2026-05-27"),
            ("972", "2026-05-22"),
            ("973", "2026-06-10"),
            ("974", "2026-12-20"),
            ("976", "2026-04-27"),
            ("977", "2026-10-09"),
            ("978", "2026-05-28"),
        ];
        for (place, _) in days {
            let kept: Vec<&str> = days.into_iter().filter(|(_, date)| is_holiday(date, place)).map(|(place, _)| place).collect();
            assert_eq!(kept, [place]);
        }
        assert!(days.into_iter().all(|(_, date)| !is_holiday(date, "35")));
    }
}
