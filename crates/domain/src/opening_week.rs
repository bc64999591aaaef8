//! A week of opening hours, in a form that can be put into words: « du lundi au vendredi de 9 h à 12 h, fermé le dimanche ».

use std::collections::BTreeMap;
use std::iter::successors;
use std::ops::Range;
use std::sync::Arc;

use chrono::{Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};
use opening_hours::{OpeningHours, RuleKind};

/// A week without public holidays, from Monday to Sunday. Every day is either in one group or closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrdinaryWeek {
    /// In the order of their first days.
    pub groups: Vec<DayGroup>,
    pub closed: Vec<Weekday>,
    /// Other weeks of the year to come differ: a season, every other week, the first Saturday of the month, school holidays.
    pub varies: bool,
}

/// The days that have the same hours, consecutive or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayGroup {
    pub days: Vec<Weekday>,
    pub spans: Vec<DaySpan>,
}

/// Hours on the clocks of the place, to the minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySpan {
    pub from: NaiveTime,
    /// At `from` or before it: on the next day, as from 20:00 until 02:00, or until 00:00.
    pub until: NaiveTime,
    /// Open without a condition; else something like "by appointment", or what the text itself calls unknown.
    pub certain: bool,
    pub comment: Option<Arc<str>>,
}

impl DaySpan {
    /// From midnight to midnight: no hours need to be told.
    pub fn is_whole_day(&self) -> bool {
        self.from == self.until
    }
}

/// How far ahead other weeks are compared: a year, and the week that completes it.
const WEEKS: u64 = 53;

/// What makes hours vary that isn't known here: school holidays, and the sun. In a comment too it says that they do.
const VARIABLE: [&str; 5] = ["SH", "dawn", "sunrise", "sunset", "dusk"];

/// A span over midnight that ends by then is the night of the day before; beyond, the next day is open too.
const NIGHT_ENDS_BY_HOUR: u32 = 12;

/// The week in which a day lies, as the text has it without public holidays. `None` when the text is not `opening_hours` syntax.
pub fn ordinary_week(hours: &str, day: NaiveDate) -> Option<OrdinaryWeek> {
    let hours: OpeningHours = hours.parse().ok()?;
    let monday = day.week(Weekday::Mon).checked_first_day()?;
    let end = monday.checked_add_days(Days::new(7 * WEEKS))?;
    // A day more on both sides, so that a night at the edge is seen whole, and given to the day on which it begins.
    let spans = spans_by_day(&hours, monday.pred_opt()?..end.succ_opt()?);
    let on = |day: NaiveDate| spans.get(&day).map(Vec::as_slice).unwrap_or_default();

    let mut later = monday.iter_days().zip(monday.iter_days().skip(7)).take_while(|(_, later)| *later < end);
    let varies = later.any(|(day, later)| on(day) != on(later)) || names_the_variable(&hours);
    let mut week = OrdinaryWeek { varies, ..OrdinaryWeek::default() };
    for (day, weekday) in monday.iter_days().zip(successors(Some(Weekday::Mon), |day| Some(day.succ()))).take(7) {
        match (on(day), week.groups.iter_mut().find(|group| group.spans == on(day))) {
            ([], _) => week.closed.push(weekday),
            (_, Some(group)) => group.days.push(weekday),
            (spans, None) => week.groups.push(DayGroup { days: vec![weekday], spans: spans.to_vec() }),
        }
    }
    Some(week)
}

/// Days in the order of the week, cut where one is missing: « du lundi au mercredi », « le vendredi ».
pub fn runs(days: &[Weekday]) -> impl Iterator<Item = &[Weekday]> {
    days.chunk_by(|day, next| day.succ() == *next)
}

fn names_the_variable(hours: &OpeningHours) -> bool {
    let text = hours.to_string();
    VARIABLE.iter().any(|name| text.contains(name))
}

fn spans_by_day(hours: &OpeningHours, days: Range<NaiveDate>) -> BTreeMap<NaiveDate, Vec<DaySpan>> {
    let mut spans: BTreeMap<NaiveDate, Vec<DaySpan>> = BTreeMap::new();
    for range in hours.iter_range(days.start.and_time(NaiveTime::MIN), days.end.and_time(NaiveTime::MIN)) {
        if range.kind == RuleKind::Closed {
            continue;
        }
        let certain = range.kind == RuleKind::Open && range.comment.is_empty();
        let comment = Some(range.comment).filter(|comment| !comment.is_empty());
        for part in cut_by_day(range.range) {
            let span = DaySpan { from: part.start.time(), until: part.end.time(), certain, comment: comment.clone() };
            spans.entry(part.start.date()).or_default().push(span);
        }
    }
    spans
}

/// Cut at every midnight, but for a night, which stays whole.
fn cut_by_day(Range { start, end }: Range<NaiveDateTime>) -> impl Iterator<Item = Range<NaiveDateTime>> {
    let is_night = end - start < Duration::days(1) && end.hour() < NIGHT_ENDS_BY_HOUR;
    let part = move |start: NaiveDateTime| {
        let midnight = start.date().succ_opt().map_or(end, |next| next.and_time(NaiveTime::MIN));
        start..if is_night { end } else { end.min(midnight) }
    };
    successors(Some(part(start)), move |last| (last.end < end).then(|| part(last.end)))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use chrono::Datelike;
    use proptest::prelude::*;

    use super::*;

    /// A Wednesday of week 48, an even one.
    const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();

    /// `Mon-Fri 09:00-12:00; closed Sat-Sun; varies`
    fn in_words(week: &OrdinaryWeek) -> String {
        let days = |days: &[Weekday]| {
            let runs: Vec<String> = runs(days)
                .map(|run| match run {
                    [first, .., last] => format!("{first}-{last}"),
                    alone => alone[0].to_string(),
                })
                .collect();
            runs.join(",")
        };
        let mut parts: Vec<String> = Vec::new();
        for group in &week.groups {
            let mut part = days(&group.days);
            for span in &group.spans {
                write!(part, " {}-{}", span.from.format("%H:%M"), span.until.format("%H:%M")).unwrap();
                part.push_str(if span.certain { "" } else { "?" });
                part.push_str(span.comment.as_deref().unwrap_or_default());
            }
            parts.push(part);
        }
        if !week.closed.is_empty() {
            parts.push(format!("closed {}", days(&week.closed)));
        }
        if week.varies {
            parts.push("varies".to_owned());
        }
        parts.join("; ")
    }

    fn told(hours: &str) -> String {
        in_words(&ordinary_week(hours, DAY).unwrap())
    }

    #[test]
    fn a_town_hall_s_week() {
        let week = ordinary_week("Mo-Fr 09:00-12:00,14:00-17:00; Sa 10:00-12:00", DAY).unwrap();
        assert_eq!(in_words(&week), "Mon-Fri 09:00-12:00 14:00-17:00; Sat 10:00-12:00; closed Sun");
        assert_eq!(week.groups[0].days, [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]);
    }

    #[test]
    fn days_of_the_same_hours_stand_together() {
        assert_eq!(told("Mo,We,Fr 09:00-12:00; Tu 14:00-17:00"), "Mon,Wed,Fri 09:00-12:00; Tue 14:00-17:00; closed Thu,Sat-Sun");
        assert_eq!(told("Mo-Tu,Th 09:00-12:30; Fr 09:00-12:30"), "Mon-Tue,Thu-Fri 09:00-12:30; closed Wed,Sat-Sun");
    }

    #[test]
    fn public_holidays_are_left_out() {
        assert_eq!(told("Mo-Fr 09:00-12:00; PH off"), "Mon-Fri 09:00-12:00; closed Sat-Sun");
        assert_eq!(told("Mo-Fr 09:00-12:00; PH,Su 10:00-11:00"), "Mon-Fri 09:00-12:00; Sun 10:00-11:00; closed Sat");
        let christmas = NaiveDate::from_ymd_opt(2026, 12, 25).unwrap();
        assert_eq!(ordinary_week("Mo-Fr 09:00-12:00; PH off", christmas), ordinary_week("Mo-Fr 09:00-12:00", DAY));
    }

    #[test]
    fn what_never_closes_is_seven_whole_days() {
        for hours in ["24/7", "00:00-24:00", "Mo-Su 00:00-24:00", "Mo-Su 08:00-32:00"] {
            let week = ordinary_week(hours, DAY).unwrap();
            assert_eq!(in_words(&week), "Mon-Sun 00:00-00:00", "{hours}");
            assert!(week.groups[0].spans[0].is_whole_day());
        }
        assert_eq!(told("Mo-Fr"), "Mon-Fri 00:00-00:00; closed Sat-Sun");
        assert_eq!(told("off"), "closed Mon-Sun");
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        assert_eq!(told("Fr-Sa 20:00-02:00"), "Fri-Sat 20:00-02:00; closed Mon-Thu,Sun");
        assert_eq!(told("Su 20:00-02:00"), "Sun 20:00-02:00; closed Mon-Sat");
        assert_eq!(told("Mo-Su 19:30-08:00"), "Mon-Sun 19:30-08:00");
        assert_eq!(told("Mo-Fr 18:00-24:00"), "Mon-Fri 18:00-00:00; closed Sat-Sun");
    }

    #[test]
    fn more_than_a_night_is_open_on_both_days() {
        assert_eq!(told("Fr 22:00-24:00; Sa 00:00-21:00"), "Fri 22:00-00:00; Sat 00:00-21:00; closed Mon-Thu,Sun");
        assert_eq!(told("Sa-Su 00:00-24:00; Mo 00:00-06:00"), "Mon 00:00-06:00; Sat-Sun 00:00-00:00; closed Tue-Fri");
    }

    #[test]
    fn comments_stay_with_their_hours() {
        assert_eq!(told("Mo-Fr 09:00-12:00 \"sur rendez-vous\""), "Mon-Fri 09:00-12:00?sur rendez-vous; closed Sat-Sun");
        let hours = "Mo-Fr 09:00-12:00, Mo-Fr 14:00-17:00 \"sur rendez-vous\"";
        assert_eq!(told(hours), "Mon-Fri 09:00-12:00 14:00-17:00?sur rendez-vous; closed Sat-Sun");
        assert_eq!(told("\"sur rendez-vous\""), "Mon-Sun 00:00-00:00?sur rendez-vous");
        assert_eq!(told("Mo 09:00-12:00 unknown"), "Mon 09:00-12:00?; closed Tue-Sun");
    }

    #[test]
    fn every_other_week_varies() {
        let hours = "week 1-53/2 Fr 09:00-12:00";
        assert_eq!(told(hours), "closed Mon-Sun; varies");
        let odd = ordinary_week(hours, DAY + Duration::days(7)).unwrap();
        assert_eq!(in_words(&odd), "Fri 09:00-12:00; closed Mon-Thu,Sat-Sun; varies");
    }

    #[test]
    fn seasons_and_days_of_a_month_vary() {
        let summer = "Mo-Fr 09:00-17:00; Jul-Aug Mo-Fr 09:00-12:00";
        assert_eq!(told(summer), "Mon-Fri 09:00-17:00; closed Sat-Sun; varies");
        let july = ordinary_week(summer, NaiveDate::from_ymd_opt(2026, 7, 15).unwrap()).unwrap();
        assert_eq!(in_words(&july), "Mon-Fri 09:00-12:00; closed Sat-Sun; varies");
        assert_eq!(told("Mo-Fr 09:00-12:00; Sa[1] 09:00-12:00"), "Mon-Fri 09:00-12:00; closed Sat-Sun; varies");
        assert_eq!(told("Mo 09:00-12:00; Dec 24-Jan 02 off"), "Mon 09:00-12:00; closed Tue-Sun; varies");
    }

    #[test]
    fn what_is_not_known_here_varies() {
        assert!(told("Mo-Fr 09:00-12:00; SH off").ends_with("varies"));
        assert!(told("Mo-Fr sunrise-sunset").ends_with("varies"));
    }

    #[test]
    fn what_is_past_or_says_all_the_year_does_not_vary() {
        assert_eq!(told("Jan-Dec Mo 09:00-12:00"), "Mon 09:00-12:00; closed Tue-Sun");
        assert_eq!(told("week 1-53 Mo 09:00-12:00"), "Mon 09:00-12:00; closed Tue-Sun");
        assert_eq!(told("Mo 09:00-12:00; 2025 Dec 22-31 off"), "Mon 09:00-12:00; closed Tue-Sun");
    }

    #[test]
    fn what_is_not_the_syntax_is_no_week() {
        for garbage in ["Mo-Fr 9h-12h", "du lundi au vendredi", "Mo-Fr 09:00-12:00; ?"] {
            assert_eq!(ordinary_week(garbage, DAY), None, "{garbage}");
        }
        assert_eq!(ordinary_week("24/7", NaiveDate::MAX), None, "no year is to come");
    }

    const NAMES: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

    /// Rules of one or two spans, the second perhaps over midnight.
    fn texts() -> impl Strategy<Value = String> {
        let rule =
            (0..7_usize, 0..7_usize, 0..12_u32, 1..12_u32, prop::option::of(0..34_u32)).prop_map(|(one, other, from, hours, until)| {
                let (first, last) = (NAMES[one.min(other)], NAMES[one.max(other)]);
                let second =
                    until.filter(|until| *until > from + hours + 1).map(|until| format!(",{:02}:00-{until:02}:00", from + hours + 1));
                format!("{first}-{last} {from:02}:00-{:02}:00{}", from + hours, second.unwrap_or_default())
            });
        prop::collection::vec(rule, 1..4).prop_map(|rules| rules.join("; "))
    }

    proptest! {
        #[test]
        fn agrees_with_the_text_at_every_half_hour(text in texts()) {
            let week = ordinary_week(&text, DAY).unwrap();
            prop_assert!(!week.varies);
            let hours: OpeningHours = text.parse().unwrap();
            let spans = |day: Weekday| week.groups.iter().filter(move |group| group.days.contains(&day)).flat_map(|group| &group.spans);
            let monday = DAY.week(Weekday::Mon).first_day().and_time(NaiveTime::MIN);
            for half_hour in 0..7 * 48 {
                let instant = monday + Duration::minutes(half_hour * 30);
                let (day, time) = (instant.weekday(), instant.time());
                let today = spans(day).any(|span| span.from <= time && (time < span.until || span.until <= span.from));
                let last_night = spans(day.pred()).any(|span| span.until <= span.from && time < span.until);
                prop_assert_eq!(today || last_night, hours.is_open(instant), "{} at {}", text, instant);
            }
        }

        #[test]
        fn every_day_is_told_once(text in texts()) {
            let week = ordinary_week(&text, DAY).unwrap();
            let told = week.groups.iter().flat_map(|group| &group.days).chain(&week.closed);
            let mut days: Vec<u32> = told.map(Weekday::num_days_from_monday).collect();
            days.sort_unstable();
            prop_assert_eq!(days, (0..7).collect::<Vec<_>>());
        }
    }
}
