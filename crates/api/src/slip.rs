//! The slip that the person takes along: where to go, when, with what, and the code. For print: half an A4 page or one, in black and
//! white, in French and, line by line, in one other language. Plain language; only the people concerned could certify it as FALC.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use aiguilleur_directory::Directory;
use aiguilleur_domain::opening::still_counts;
use aiguilleur_domain::opening_week::{DayGroup, DaySpan, OrdinaryWeek, ordinary_week, runs};
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::ranking::whole_metres;
use aiguilleur_domain::referral::TargetType;
use aiguilleur_domain::structure::{Access, Structure};
use aiguilleur_domain::territory::{CommuneCode, Location};
use aiguilleur_storage::referrals::{Handoff, Referral};
use chrono::{NaiveDate, NaiveTime, Timelike, Weekday};
use html_escape::encode_safe as safe;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use uuid::Uuid;

use crate::pages::{dressed, private};
use crate::tongue::Tongue;

const FRAME: &str = include_str!("../pages/slip.html");

/// The slip of a referral. `site`: scheme, host and port by which people reach this installation.
pub fn slip(referral: &Referral, directory: &Directory, tongue: Tongue, site: &str, today: NaiveDate) -> HttpResponse {
    let tongues = if tongue == Tongue::Fr { vec![Tongue::Fr] } else { vec![Tongue::Fr, tongue] };
    let writer = Writer { referral, directory, tongues, today };
    let address = format!("{site}/c/{}", referral.code);
    let html = FRAME
        .replace("{{title}}", &safe(&Tongue::Fr.text("slip-title")))
        .replace("{{heading}}", &writer.both("h1", |tongue| tongue.text("slip-title")))
        .replace("{{for}}", &writer.procedure())
        .replace("{{where}}", &writer.place())
        .replace("{{bring}}", &writer.bring())
        .replace("{{say}}", &writer.say())
        .replace("{{code_label}}", &writer.both("h2", |tongue| tongue.text("slip-code")))
        .replace("{{code}}", &spaced(&referral.code))
        .replace("{{qr}}", &qr(&address))
        .replace("{{scan}}", &writer.both("p", |tongue| filled(tongue, "slip-scan", &[("address", &address)])))
        .replace("{{keep}}", &writer.both("p", |tongue| tongue.text("slip-keep")))
        .replace("{{free}}", &writer.both("p", |tongue| tongue.text("slip-free")))
        .replace(
            "{{privacy}}",
            &writer.both("p", |tongue| filled(tongue, "slip-privacy", &[("address", &format!("{site}/confidentialite"))])),
        )
        .replace("{{stub}}", &writer.both("p", |tongue| tongue.text("slip-stub")))
        .replace("{{stub_for}}", &writer.stub());
    private(dressed(StatusCode::OK, html))
}

/// A code as it is read aloud: two groups of five.
pub fn spaced(code: &str) -> String {
    code.split_at_checked(5).map_or_else(|| code.to_owned(), |(first, last)| format!("{first} {last}"))
}

/// A sentence whose blanks stand apart, where letters run from right to left: or a name, a code or an address would be read in pieces.
fn filled(tongue: Tongue, key: &str, blanks: &[(&str, &str)]) -> String {
    if tongue.direction() != "rtl" {
        return tongue.say(key, blanks);
    }
    let apart: Vec<(&str, String)> = blanks.iter().map(|(name, text)| (*name, format!("\u{2068}{text}\u{2069}"))).collect();
    let apart: Vec<(&str, &str)> = apart.iter().map(|(name, text)| (*name, text.as_str())).collect();
    tongue.say(key, &apart)
}

/// Scanned, it opens an address. An image without a text of its own: the address stands beside it.
fn qr(address: &str) -> String {
    let code = QrCode::with_error_correction_level(address, EcLevel::M);
    let image = code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(180, 180).quiet_zone(true).build()).unwrap_or_default();
    // It stands within a document.
    image.split_once("<svg").map_or_else(String::new, |(_, rest)| format!("<svg role=\"img\" aria-label=\"QR\"{rest}"))
}

struct Writer<'a> {
    referral: &'a Referral,
    directory: &'a Directory,
    tongues: Vec<Tongue>,
    today: NaiveDate,
}

impl Writer<'_> {
    /// A line in French and, beneath, in the other language.
    fn both(&self, tag: &str, say: impl Fn(Tongue) -> String) -> String {
        let mut html = format!("<{tag}>");
        for tongue in &self.tongues {
            let (code, direction) = (tongue.code(), tongue.direction());
            let _ = write!(html, "<span lang=\"{code}\" dir=\"{direction}\">{}</span>", safe(&say(*tongue)));
        }
        html + &format!("</{tag}>")
    }

    /// A heading and, beneath, what is the same in every language.
    fn fact(&self, key: &str, value: &str) -> String {
        format!("{}<p dir=\"auto\">{}</p>", self.both("h2", |tongue| tongue.text(key)), safe(value))
    }

    /// `None` where it must not be named.
    fn named(&self) -> Option<&Procedure> {
        self.directory.catalogue.procedure(&self.referral.procedure).filter(|_| !self.referral.sensitive)
    }

    fn procedure(&self) -> String {
        let line = |procedure: &Procedure| self.both("p", |tongue| filled(tongue, "slip-for", &[("procedure", &procedure.label)]));
        self.named().map(line).unwrap_or_default()
    }

    fn stub(&self) -> String {
        self.named().map(|procedure| format!("<p>{}</p>", safe(&procedure.label))).unwrap_or_default()
    }

    fn target(&self) -> Option<&Handoff> {
        let handoffs = &self.referral.handoffs;
        handoffs.iter().rfind(|one| one.status.is_open()).or(handoffs.last())
    }

    fn structure(&self) -> Option<&Structure> {
        let target = self.target().filter(|one| one.target_type == TargetType::Structure)?;
        self.directory.structure(Uuid::parse_str(&target.target_id).ok()?).map(|entry| &entry.structure)
    }

    fn place(&self) -> String {
        let Some(target) = self.target() else { return String::new() };
        match target.target_type {
            TargetType::Structure => self.structure().map_or_else(|| self.told(), |structure| self.receives(structure)),
            // Whose number or office it is would tell the procedure.
            _ if self.referral.sensitive => self.told(),
            TargetType::Institution => {
                let Some(institution) = self.directory.catalogue.institution(&target.target_id) else { return self.told() };
                let mut html = self.fact("slip-institution", &institution.name);
                html += &institution.phone.as_deref().map(|phone| self.phone(phone)).unwrap_or_default();
                html += &institution.website.as_deref().map(|website| self.fact("slip-website", &plain(website))).unwrap_or_default();
                html
            }
            TargetType::Hotline => {
                format!(
                    "{}<p class=\"number\"><bdi dir=\"ltr\">{}</bdi></p>",
                    self.both("h2", |tongue| tongue.text("slip-hotline")),
                    safe(&target.target_id)
                )
            }
        }
    }

    fn told(&self) -> String {
        self.both("p", |tongue| tongue.text("slip-told"))
    }

    fn phone(&self, phone: &str) -> String {
        let heading = self.both("h2", |tongue| tongue.text("slip-phone"));
        format!("{heading}<p class=\"number\"><bdi dir=\"ltr\">{}</bdi></p>", safe(&as_dialled(phone)))
    }

    fn receives(&self, structure: &Structure) -> String {
        let mut html = String::new();
        if !self.referral.sensitive {
            let _ = write!(html, "<p class=\"name\">{}</p>", safe(&structure.name));
        }
        let commune = self.directory.territory.resolve(&structure.commune).map(|resolved| resolved.commune.name.clone());
        let town = [structure.postal_code.as_deref(), commune.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let address = [structure.address.as_deref(), Some(town.as_str())].into_iter().flatten().filter(|line| !line.is_empty());
        html += &self.fact("slip-address", &address.collect::<Vec<_>>().join(", "));
        html += &self.directions(structure, commune.as_deref().unwrap_or_default());
        html += &self.hours(structure);
        html += &match structure.access {
            Access::DropIn => self.both("p", |tongue| tongue.text("slip-drop-in")),
            Access::Appointment => self.both("p", |tongue| tongue.text("slip-by-appointment")),
            Access::Unknown => String::new(),
        };
        html += &structure.phone.as_deref().map(|phone| self.phone(phone)).unwrap_or_default();
        html
    }

    /// From where the person was received, or from the middle of where they live; as the crow flies, and it says so.
    fn directions(&self, structure: &Structure, commune: &str) -> String {
        let heading = self.both("h2", |tongue| tongue.text("slip-directions"));
        let there = self.directory.territory.position_of(structure).filter(|_| structure.location.is_some());
        let line = match self.origin().zip(there) {
            Some(((place, here), there)) if here.distance_m(there) > 50.0 => {
                let metres = whole_metres(here.distance_m(there));
                let compass = compass(here, there);
                self.both("p", |tongue| {
                    let (distance, direction) = (tongue.distance(metres), tongue.text(compass));
                    filled(tongue, "slip-directions-from", &[("distance", &distance), ("place", &place), ("direction", &direction)])
                })
            }
            _ => self.both("p", |tongue| filled(tongue, "slip-directions-in", &[("commune", commune)])),
        };
        heading + &line
    }

    fn origin(&self) -> Option<(String, Location)> {
        let made_at = self.referral.made_at_structure.and_then(|id| self.directory.structure(id));
        let made_at = made_at.and_then(|entry| Some((entry.structure.name.clone(), entry.structure.location?)));
        let home = || {
            let code = CommuneCode::parse(self.referral.commune.as_deref()?)?;
            let commune = self.directory.territory.resolve(&code)?.commune;
            Some((commune.name.clone(), commune.centre?))
        };
        made_at.or_else(home)
    }

    fn hours(&self, structure: &Structure) -> String {
        let heading = self.both("h2", |tongue| tongue.text("slip-hours"));
        let known = structure.opening_hours.as_deref().filter(|_| still_counts(structure.hours_checked_on, self.today));
        let week = known.and_then(|hours| ordinary_week(hours, self.today));
        let Some(week) = week.filter(|week| !week.groups.is_empty()) else {
            return heading + &self.both("p", |tongue| tongue.text("slip-hours-unknown"));
        };
        let lines = self.tongues.iter().map(|tongue| {
            let (code, direction) = (tongue.code(), tongue.direction());
            let lines: Vec<String> = in_words(*tongue, &week).iter().map(|line| safe(line).into_owned()).collect();
            format!("<span lang=\"{code}\" dir=\"{direction}\">{}</span>", lines.join("<br>"))
        });
        let varies = if week.varies { self.both("p", |tongue| tongue.text("slip-hours-vary")) } else { String::new() };
        format!("{heading}<p class=\"hours\">{}</p>{varies}", lines.collect::<String>())
    }

    /// The papers, as the catalogue names them: in French. What they are could tell a sensitive procedure.
    fn bring(&self) -> String {
        let heading = self.both("h2", |tongue| tongue.text("slip-bring"));
        let documents = self.named().map(|procedure| procedure.documents.as_slice()).unwrap_or_default();
        if documents.is_empty() {
            return heading + &self.both("p", |tongue| tongue.text("slip-bring-nothing"));
        }
        let items = documents.iter().map(|document| format!("<li>{}</li>", safe(document))).collect::<Vec<_>>().concat();
        format!("{heading}<ul lang=\"fr\" dir=\"ltr\">{items}</ul>")
    }

    fn say(&self) -> String {
        let code = spaced(&self.referral.code).replace(' ', "\u{a0}");
        let heading = self.both("h2", |tongue| tongue.text("slip-say"));
        let sentence = self.both("p", |tongue| match self.named() {
            Some(procedure) => filled(tongue, "slip-say-sentence", &[("procedure", &procedure.label), ("code", &code)]),
            None => filled(tongue, "slip-say-sentence-discreet", &[("code", &code)]),
        });
        format!("{heading}<blockquote>{sentence}</blockquote>")
    }
}

/// A line per group of days that have the same hours, and the closed ones.
fn in_words(tongue: Tongue, week: &OrdinaryWeek) -> Vec<String> {
    let is_always = |group: &DayGroup| group.days.len() == 7 && group.spans.iter().all(|span| span.is_whole_day() && span.certain);
    if week.groups.iter().any(is_always) {
        return vec![tongue.text("slip-hours-always")];
    }
    let mut lines: Vec<String> = week
        .groups
        .iter()
        .map(|group| {
            let times: Vec<String> = group.spans.iter().map(|span| span_words(tongue, span)).collect();
            // Of a whole week under a condition, the condition says it all.
            if group.days.len() == 7 && group.spans.iter().all(DaySpan::is_whole_day) {
                return tongue.list(&times);
            }
            tongue.say("slip-hours-days", &[("days", &days_words(tongue, &group.days)), ("times", &tongue.list(&times))])
        })
        .collect();
    if !week.closed.is_empty() {
        let closed = tongue.text("slip-hours-closed");
        lines.push(tongue.say("slip-hours-days", &[("days", &days_words(tongue, &week.closed)), ("times", &closed)]));
    }
    lines.iter().map(|line| crate::texts::capitalised(line)).collect()
}

fn span_words(tongue: Tongue, span: &DaySpan) -> String {
    // « 12 h 30 » stays on one line.
    let time = |time: NaiveTime| tongue.time(time.hour(), time.minute()).replace(' ', "\u{a0}");
    let (from, to) = (time(span.from), time(span.until));
    let hours = tongue.say("slip-hours-span", &[("from", &from), ("to", &to)]);
    match &span.comment {
        Some(comment) if span.is_whole_day() => comment.to_string(),
        Some(comment) => format!("{hours} ({comment})"),
        None => hours,
    }
}

fn days_words(tongue: Tongue, days: &[Weekday]) -> String {
    let name = |day: &Weekday| tongue.text(&format!("weekday-{}", day.number_from_monday()));
    let parts = runs(days).flat_map(|run| match run {
        [first, .., last] if run.len() > 2 => vec![tongue.say("slip-hours-range", &[("first", &name(first)), ("last", &name(last))])],
        few => few.iter().map(name).collect(),
    });
    tongue.list(&parts.collect::<Vec<_>>())
}

/// `+33299012345` as people dial it: `02 99 01 23 45`; short numbers as they are.
fn as_dialled(phone: &str) -> String {
    let Some(national) = phone.strip_prefix("+33").filter(|rest| rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_digit())) else {
        return phone.to_owned();
    };
    let digits: Vec<char> = format!("0{national}").chars().collect();
    digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// An address as it is typed.
fn plain(website: &str) -> String {
    website.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned()
}

/// The key of the direction in which one place lies from another.
fn compass(from: Location, to: Location) -> &'static str {
    const SECTORS: [&str; 8] = ["compass-n", "compass-ne", "compass-e", "compass-se", "compass-s", "compass-sw", "compass-w", "compass-nw"];
    let north = to.lat - from.lat;
    let east = (to.lon - from.lon) * from.lat.to_radians().cos();
    let degrees = east.atan2(north).to_degrees().rem_euclid(360.0);
    // Each sector reaches half of an eighth to both sides; north, the first and the last.
    let ends = SECTORS.iter().zip((0_u8..).map(|number| 22.5 + 45.0 * f64::from(number)));
    ends.into_iter().find(|(_, end)| degrees < *end).map_or("compass-n", |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_those_of_the_compass() {
        let here = Location { lat: 48.0, lon: -1.7 };
        let towards = |lat: f64, lon: f64| compass(here, Location { lat: 48.0 + lat, lon: -1.7 + lon });
        assert_eq!(towards(0.1, 0.0), "compass-n");
        assert_eq!(towards(0.1, 0.15), "compass-ne");
        assert_eq!(towards(0.0, 0.1), "compass-e");
        assert_eq!(towards(-0.1, -0.15), "compass-sw");
        assert_eq!(towards(0.1, -0.01), "compass-n");
    }

    #[test]
    fn a_week_reads_well() {
        let said = |tongue, hours: &str| {
            let lines = in_words(tongue, &ordinary_week(hours, "2026-11-23".parse().unwrap()).unwrap());
            lines.iter().map(|line| line.replace('\u{a0}', " ")).collect::<Vec<_>>()
        };
        assert_eq!(
            said(Tongue::Fr, "Mo-Fr 09:00-12:00,14:00-17:30; Sa 10:00-12:00"),
            ["Du lundi au vendredi : de 9 h à 12 h et de 14 h à 17 h 30", "Samedi : de 10 h à 12 h", "Dimanche : fermé"]
        );
        assert_eq!(said(Tongue::Fr, "24/7"), ["Ouvert tous les jours, jour et nuit"]);
        assert_eq!(said(Tongue::Fr, "Mo,We 09:00-12:00 \"sur rendez-vous\"")[0], "Lundi et mercredi : de 9 h à 12 h (sur rendez-vous)");
        assert!(said(Tongue::En, "Mo-Fr 09:00-12:00")[0].contains("Monday"));
    }

    #[test]
    fn numbers_are_written_as_they_are_dialled() {
        assert_eq!(as_dialled("+33299012345"), "02 99 01 23 45");
        assert_eq!(as_dialled("3919"), "3919");
    }
}
