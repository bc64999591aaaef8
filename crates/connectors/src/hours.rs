//! Opening hours cell by cell, and a week of them as OSM `opening_hours`.

use aiguilleur_domain::opening::check_syntax;

/// From and until, in minutes after midnight.
pub type Span = (u16, u16);

const DAY: u16 = 24 * 60;

/// What one day's cell says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// In order, none touching another; none at all: closed.
    pub spans: Vec<Span>,
    /// `00:00 - 00:00` stood there, and was dropped.
    pub filler: bool,
    /// Spans overlapped, and were merged.
    pub overlap: bool,
}

/// Reads `09:00 - 12:00 / 13:30 - 17:00`, also spelt `9h-12h`. `None` when anything in the cell is not a span of hours.
pub fn read_day(cell: &str) -> Option<Day> {
    let plain: String = cell.to_lowercase().chars().map(plain_sign).collect();
    let mut day = Day::default();
    if plain.trim().is_empty() || matches!(plain.trim(), "ferme" | "fermé" | "fermee" | "fermée") {
        return Some(day);
    }
    let mut spans = Vec::new();
    for piece in plain.split('/') {
        match read_span(piece)? {
            (0, 0) => day.filler = true,
            (from, until) if from < until => spans.push((from, until)),
            // An end before its start: which half is wrong isn't known.
            _ => return None,
        }
    }
    spans.sort_unstable();
    for (from, until) in spans {
        match day.spans.last_mut() {
            Some(last) if from <= last.1 => {
                day.overlap |= from < last.1;
                last.1 = last.1.max(until);
            }
            _ => day.spans.push((from, until)),
        }
    }
    Some(day)
}

/// A week in OSM syntax: one rule for all days of equal hours. `None` when there are no hours at all.
///
/// ```text
/// Mo-Fr 09:00-12:00,13:30-17:00; Sa 09:00-12:00
/// ```
pub fn to_osm(week: &[(&'static str, Vec<Span>)]) -> Option<String> {
    let mut rules: Vec<(&[Span], Vec<usize>)> = Vec::new();
    for (index, (_, spans)) in week.iter().enumerate().filter(|(_, (_, spans))| !spans.is_empty()) {
        match rules.iter_mut().find(|(known, _)| known == spans) {
            Some((_, days)) => days.push(index),
            None => rules.push((spans, vec![index])),
        }
    }
    let name = |index: usize| week.get(index).map_or("", |(name, _)| *name);
    let rules: Vec<String> = rules
        .into_iter()
        .map(|(spans, days)| {
            let days: Vec<String> = days
                .chunk_by(|day, next| day + 1 == *next)
                .map(|run| match run {
                    [first, .., last] => format!("{}-{}", name(*first), name(*last)),
                    alone => alone.iter().copied().map(name).collect(),
                })
                .collect();
            let spans: Vec<String> = spans.iter().map(|(from, until)| format!("{}-{}", clock(*from), clock(*until))).collect();
            format!("{} {}", days.join(","), spans.join(","))
        })
        .collect();
    Some(rules.join("; ")).filter(|hours| !hours.is_empty() && check_syntax(hours).is_ok())
}

fn plain_sign(character: char) -> char {
    match character {
        '–' | '—' | '‑' | '−' | 'à' => '-',
        'h' => ':',
        ';' | ',' | '\n' => '/',
        other => other,
    }
}

fn read_span(piece: &str) -> Option<Span> {
    let (from, until) = piece.split_once('-')?;
    Some((read_time(from)?, read_time(until)?))
}

/// `9:00`, `09:00:00`, or `9:` for what was `9h`.
fn read_time(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let minute = minute.strip_suffix(":00").unwrap_or(minute);
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let hour: u16 = hour.parse().ok()?;
    let minute: u16 = if minute.is_empty() { 0 } else { minute.parse().ok()? };
    Some(hour * 60 + minute).filter(|time| minute < 60 && *time <= DAY)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(cell: &str) -> Option<Vec<Span>> {
        read_day(cell).map(|day| day.spans)
    }

    #[test]
    fn reads_a_cell_however_it_is_spelt() {
        let day = Some(vec![(540, 720), (810, 1020)]);
        for cell in ["09:00 - 12:00 / 13:30 - 17:00", "9h-12h / 13h30 – 17h00", "13:30-17:00/09:00-12:00", "9:00 à 12:00, 13:30 à 17:00"]
        {
            assert_eq!(spans(cell), day, "{cell}");
        }
        assert_eq!(spans("20:00:00 - 24:00:00"), Some(vec![(1200, 1440)]));
        assert_eq!(spans("Fermé"), Some(vec![]));
    }

    #[test]
    fn drops_filler_and_merges_what_overlaps_or_touches() {
        let day = read_day("00:00 - 00:00 / 09:00 - 12:00 / 09:00 - 16:30 / 14:00 - 16:30").unwrap();
        assert_eq!(day, Day { spans: vec![(540, 990)], filler: true, overlap: true });
        let day = read_day("09:00 - 11:00 / 11:00 - 12:00").unwrap();
        assert_eq!(day, Day { spans: vec![(540, 720)], filler: false, overlap: false });
    }

    #[test]
    fn refuses_what_is_not_hours() {
        for cell in
            ["sur rendez-vous", "09:00 - 12:00 / sur rendez-vous", "12:00 - 09:00", "09:00", "25:00 - 26:00", "09:60 - 10:00", "-", "/"]
        {
            assert_eq!(spans(cell), None, "{cell}");
        }
    }

    #[test]
    fn merges_days_of_equal_hours() {
        let (morning, day) = (vec![(540, 720)], vec![(540, 720), (810, 1020)]);
        let week = |days: [&[Span]; 6]| {
            to_osm(&["Mo", "Tu", "We", "Th", "Fr", "Sa"].into_iter().zip(days.map(<[Span]>::to_vec)).collect::<Vec<_>>())
        };
        assert_eq!(week([&day, &day, &day, &day, &day, &morning]).unwrap(), "Mo-Fr 09:00-12:00,13:30-17:00; Sa 09:00-12:00");
        assert_eq!(week([&day, &day, &morning, &day, &day, &[]]).unwrap(), "Mo-Tu,Th-Fr 09:00-12:00,13:30-17:00; We 09:00-12:00");
        assert_eq!(week([&[]; 6]), None);
    }

    fn week_of_cells() -> impl Strategy<Value = Vec<Vec<(u16, u16, u16, u16)>>> {
        proptest::collection::vec(proptest::collection::vec((0..=24_u16, 0..60_u16, 0..=24_u16, 0..60_u16), 0..4), 7)
    }

    proptest! {
        #[test]
        fn any_readable_week_is_osm_syntax(cells in week_of_cells()) {
            let days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
            let cell = |spans: &Vec<(u16, u16, u16, u16)>| {
                spans.iter().map(|(a, b, c, d)| format!("{a:02}:{b:02} - {c:02}:{d:02}")).collect::<Vec<_>>().join(" / ")
            };
            let week: Vec<_> = days.into_iter().zip(cells.iter().filter_map(|spans| read_day(&cell(spans)).map(|day| day.spans))).collect();
            let open = week.iter().any(|(_, spans)| !spans.is_empty());
            prop_assert_eq!(to_osm(&week).is_some(), open);
        }
    }
}
