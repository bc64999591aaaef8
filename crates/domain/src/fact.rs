//! Facts of the catalogue: how each is known, since when, and until when it may be relied upon.

use chrono::{Months, NaiveDate};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::procedure::{Basis, FactSource, Procedure};

/// What is said of a procedure and may grow old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Institution,
    OfficialUrl,
    Territory,
    Mandate,
    Hotline,
    Targets,
    Documents,
    Steps,
    Cost,
    Delay,
    Pitfalls,
    Ladder,
    Appeal,
}

impl Fact {
    /// Months after which a fact must be looked at again. Prices, numbers and delays move within the year, papers and addresses within
    /// two, time limits with the laws; who is competent hardly ever.
    pub fn shelf_life(self) -> Months {
        Months::new(match self {
            Self::Hotline | Self::Cost | Self::Delay => 12,
            Self::OfficialUrl | Self::Documents | Self::Steps | Self::Pitfalls | Self::Appeal => 24,
            Self::Institution | Self::Territory | Self::Mandate | Self::Targets | Self::Ladder => 60,
        })
    }

    /// Whether the source of a whole row, when it was read, speaks of this too.
    fn stands_with_its_row(self) -> bool {
        matches!(self, Self::Institution | Self::OfficialUrl | Self::Territory | Self::Mandate | Self::Targets | Self::Documents)
    }
}

/// How one fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub fact: Fact,
    /// `read`, or from `memory`.
    pub basis: Basis,
    /// The day it was true, as far as is known: its newest source's own date, else the day that source was read.
    pub as_of: Option<NaiveDate>,
    /// The last day of its shelf life; `None`: it was never checked.
    pub check_by: Option<NaiveDate>,
}

impl Known {
    /// Past its shelf life, or never checked.
    pub fn is_to_check(&self, today: NaiveDate) -> bool {
        self.check_by.is_none_or(|limit| today > limit)
    }
}

impl Procedure {
    /// How each fact that is stated of it is known, in the order of [`Fact`].
    pub fn facts(&self) -> Vec<Known> {
        Fact::VARIANTS.iter().filter(|fact| self.states(**fact)).map(|fact| self.known(*fact)).collect()
    }

    fn states(&self, fact: Fact) -> bool {
        match fact {
            Fact::Institution | Fact::Territory | Fact::Mandate => true,
            Fact::OfficialUrl => self.official_url.is_some(),
            Fact::Hotline => self.hotline.is_some(),
            Fact::Targets => !self.first_targets.is_empty(),
            Fact::Documents => !self.documents.is_empty(),
            Fact::Steps => !self.steps.is_empty(),
            Fact::Cost => self.cost.is_some(),
            Fact::Delay => self.delay.is_some(),
            Fact::Pitfalls => !self.pitfalls.is_empty(),
            Fact::Ladder => !self.ladder.is_empty(),
            Fact::Appeal => !self.appeals.is_empty(),
        }
    }

    fn known(&self, fact: Fact) -> Known {
        let of_field = |field: &str| self.sources.iter().filter(|source| source.field == field).collect::<Vec<_>>();
        let mut sources = of_field(fact.into());
        if sources.is_empty() && self.basis == Basis::Read && fact.stands_with_its_row() {
            sources = of_field("basis");
        }
        let dates = sources.iter().filter_map(|source| source.day().or(self.checked_on));
        let as_of = dates.max();
        Known {
            fact,
            basis: if sources.is_empty() { Basis::Memory } else { Basis::Read },
            as_of,
            check_by: as_of.and_then(|day| day.checked_add_months(fact.shelf_life())),
        }
    }
}

impl FactSource {
    /// The date the source bears: a day, or the first day of a year; `None` when it bears none.
    pub fn day(&self) -> Option<NaiveDate> {
        let date = self.date.as_deref()?;
        date.parse().ok().or_else(|| NaiveDate::from_ymd_opt(date.get(..4)?.parse().ok()?, 1, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(field: &str, date: Option<&str>) -> FactSource {
        FactSource { field: field.to_owned(), title: "fiche".to_owned(), url: None, date: date.map(str::to_owned) }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_bears_a_day_a_year_or_nothing() {
        assert_eq!(source("cost", Some("2024-11-28")).day(), Some(day("2024-11-28")));
        assert_eq!(source("cost", Some("2019")).day(), Some(day("2019-01-01")));
        assert_eq!(source("cost", Some("bientôt")).day(), None);
        assert_eq!(source("cost", None).day(), None);
    }

    #[test]
    fn what_was_never_read_is_to_check_and_what_is_old_too() {
        let known = |as_of: Option<&str>| Known {
            fact: Fact::Cost,
            basis: Basis::Read,
            as_of: as_of.map(day),
            check_by: as_of.map(|date| day(date).checked_add_months(Fact::Cost.shelf_life()).unwrap()),
        };
        assert!(!known(Some("2026-11-01")).is_to_check(day("2027-11-01")));
        assert!(known(Some("2026-11-01")).is_to_check(day("2027-11-02")));
        assert!(known(None).is_to_check(day("2026-11-22")));
    }
}
