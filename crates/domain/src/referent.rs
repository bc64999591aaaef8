//! Referent contacts: a function inside an institution, reachable by professionals alone, and kept by the institution.
//!
//! One is not shown because it exists: it serves a territory, procedures and reasons, is seen by some, has days off and a weekly
//! capacity, and counts only as long as its institution says that it is right.

use std::cmp::Reverse;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::access::Territory;

/// For how long one whose verify-by date is past is still shown, lowered.
pub const SHOWN_AFTER_LAPSE: Days = Days::new(30);
/// How many are told in one answer.
const MOST_TOLD: usize = 5;

/// What a referent contact may be used for (survey of 178 mediators in Brittany, 2023: 61.9 %, 59.4 % and 43.2 % of mediators need one
/// for these).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ContactReason {
    /// To redirect somebody.
    Redirect,
    /// To solve a complex case.
    ComplexCase,
    /// To understand a procedure.
    Understand,
}

/// How a contact may have been used against what was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Misuse {
    /// It was passed on to the public.
    PassedOn,
    /// It was used for something else than its reasons.
    WrongReason,
    /// What was to be done before wasn't.
    NotPrepared,
    /// More was told of the person than agreed.
    PersonalData,
    Other,
}

/// Who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Mediators whose own territory touches its territory.
    SameTerritory,
    AllMediators,
    /// All mediators see that it exists; a message is forwarded, the address is never shown.
    Relay,
}

/// Days on which it can't be reached, the first and the last included. Written `2026-12-24/2027-01-02` (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Absence {
    pub from: NaiveDate,
    pub until: NaiveDate,
}

impl Absence {
    /// `None` when it isn't two days in order.
    pub fn parse(text: &str) -> Option<Self> {
        // Ten characters exactly: chrono would also read 2026-1-5 and the like.
        let day = |text: &str| (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        let (from, until) = text.split_once('/')?;
        let (from, until) = (day(from)?, day(until)?);
        (from <= until).then_some(Self { from, until })
    }

    fn covers(self, day: NaiveDate) -> bool {
        (self.from..=self.until).contains(&day)
    }
}

impl TryFrom<String> for Absence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("« {text} » is not two days: 2026-12-24/2027-01-02"))
    }
}

impl From<Absence> for String {
    fn from(Absence { from, until }: Absence) -> Self {
        format!("{from}/{until}")
    }
}

/// Two of them that share a day, if any do.
pub fn overlap(absences: &[Absence]) -> Option<(Absence, Absence)> {
    let mut sorted = absences.to_vec();
    sorted.sort();
    sorted.windows(2).find_map(|pair| match pair {
        [first, second] if second.from <= first.until => Some((*first, *second)),
        _ => None,
    })
}

/// A page of the institution's, with what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlatformLink {
    #[schema(example = "Espace partenaires")]
    pub label: String,
    #[schema(example = "https://partenaires.exemple.fr")]
    pub url: String,
}

/// How to reach it; one of the three at least.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Channels {
    /// The function's own address.
    #[schema(example = "referents-partenaires@exemple.fr")]
    pub email: Option<String>,
    /// E.164 (`+33299000000`), or the digits as dialled of a short number.
    #[schema(example = "+33299000000")]
    pub phone: Option<String>,
    pub platform: Option<PlatformLink>,
}

impl Channels {
    pub fn is_empty(&self) -> bool {
        self.email.is_none() && self.phone.is_none() && self.platform.is_none()
    }
}

/// A function inside an institution that professionals may reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Referent {
    pub id: Uuid,
    /// Slug.
    pub institution: String,
    /// A role, never a person's name.
    pub function: String,
    /// The départements whose residents it is for.
    pub territory: Territory,
    /// Slugs; empty: all those of its institution.
    pub procedures: Vec<String>,
    pub channels: Channels,
    /// OSM `opening_hours` syntax.
    pub hours: Option<String>,
    pub reasons: Vec<ContactReason>,
    pub visibility: Visibility,
    /// The last day on which it counts as right, unless its editor says again that it is.
    pub verify_by: NaiveDate,
    /// What a mediator confirms to have done before it is shown.
    pub prerequisites: Vec<String>,
    /// How often it is shown in a week, from Monday to Sunday; `None`: as often as it is asked for.
    pub weekly_cap: Option<u16>,
    pub absences: Vec<Absence>,
    /// Another of the same institution that stands in while this one is absent.
    pub substitute: Option<Uuid>,
    pub suspended: bool,
    /// What to know before reaching it.
    pub note: Option<String>,
}

/// What its verify-by date makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, Serialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    Current,
    /// The date is past: it stands lower, and its editor is reminded.
    Lapsed,
    /// Past by more than 30 days: it isn't shown any more.
    Hidden,
}

/// Whether it can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    Available,
    /// It was shown as often as it may be this week.
    Full {
        reopens_on: NaiveDate,
    },
    Absent {
        reopens_on: NaiveDate,
    },
}

impl Availability {
    pub fn reopens_on(self) -> Option<NaiveDate> {
        match self {
            Self::Available => None,
            Self::Full { reopens_on } | Self::Absent { reopens_on } => Some(reopens_on),
        }
    }
}

/// The Monday of a day's week: caps are counted from it (ISO 8601).
pub fn week_of(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day)
}

impl Referent {
    pub fn freshness(&self, day: NaiveDate) -> Freshness {
        let hidden_after = self.verify_by.checked_add_days(SHOWN_AFTER_LAPSE).unwrap_or(NaiveDate::MAX);
        if day <= self.verify_by {
            Freshness::Current
        } else if day <= hidden_after {
            Freshness::Lapsed
        } else {
            Freshness::Hidden
        }
    }

    /// Neither suspended nor too long unverified: days off and a full week are no reason to say that there is none.
    pub fn is_live(&self, day: NaiveDate) -> bool {
        !self.suspended && self.freshness(day) != Freshness::Hidden
    }

    /// Whether it is for a need: its département, its procedure and, where one is told, its reason.
    pub fn serves(&self, departement: &str, procedure: &str, reason: Option<ContactReason>) -> bool {
        self.territory.covers(departement)
            && (self.procedures.is_empty() || self.procedures.iter().any(|slug| slug == procedure))
            && reason.is_none_or(|reason| self.reasons.contains(&reason))
    }

    /// Whether a mediator of this territory may know of it.
    pub fn is_seen_from(&self, territory: &Territory) -> bool {
        self.visibility != Visibility::SameTerritory || self.territory.touches(territory)
    }

    /// Whether it can be reached on a day, after having been shown so often in that day's week.
    pub fn availability(&self, day: NaiveDate, shown_this_week: u32) -> Availability {
        if self.is_absent(day) {
            return Availability::Absent { reopens_on: self.first_day_back(day) };
        }
        if self.weekly_cap.is_some_and(|cap| shown_this_week >= u32::from(cap)) {
            let monday = week_of(day).checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX);
            return Availability::Full { reopens_on: self.first_day_back(monday) };
        }
        Availability::Available
    }

    fn is_absent(&self, day: NaiveDate) -> bool {
        self.absences.iter().any(|absence| absence.covers(day))
    }

    /// The day itself, or the first after the absences that follow each other from it.
    fn first_day_back(&self, mut day: NaiveDate) -> NaiveDate {
        while let Some(absence) = self.absences.iter().find(|absence| absence.covers(day)) {
            let Some(next) = absence.until.succ_opt() else { return NaiveDate::MAX };
            day = next;
        }
        day
    }
}

/// One of those that are kept, and how often it was shown lately.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub referent: Referent,
    /// Monday of the week that `shown` counts.
    pub week: NaiveDate,
    pub shown: u32,
}

impl Kept {
    pub fn availability(&self, day: NaiveDate) -> Availability {
        let shown = if self.week == week_of(day) { self.shown } else { 0 };
        self.referent.availability(day, shown)
    }
}

/// For which need one is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Of the person's residence.
    pub departement: &'a str,
    pub procedure: &'a str,
    pub reason: Option<ContactReason>,
    /// That of whoever asks.
    pub territory: &'a Territory,
    pub day: NaiveDate,
}

/// A referent as an answer tells of it: never with its channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told<'a> {
    pub referent: &'a Referent,
    pub availability: Availability,
    pub freshness: Freshness,
    /// The absent one whose place it takes.
    pub stands_in_for: Option<&'a Referent>,
}

/// Which of an institution's referents are for a need, best first: those that can be reached now; of these the verified ones; then those
/// for the very procedure; then those of the smaller territory; then by id. An absent one gives way to its substitute.
pub fn choose<'a>(of_institution: &'a [Kept], wish: &Wish<'_>) -> Vec<Told<'a>> {
    let is_told = |kept: &Kept| kept.referent.is_live(wish.day) && kept.referent.is_seen_from(wish.territory);
    let tell = |kept: &'a Kept, stands_in_for| Told {
        referent: &kept.referent,
        availability: kept.availability(wish.day),
        freshness: kept.referent.freshness(wish.day),
        stands_in_for,
    };
    let apt = of_institution.iter().filter(|kept| is_told(kept) && kept.referent.serves(wish.departement, wish.procedure, wish.reason));
    let mut told: Vec<Told<'a>> = apt
        .map(|kept| {
            let direct = tell(kept, None);
            let Availability::Absent { .. } = direct.availability else { return direct };
            let substitute = kept.referent.substitute.and_then(|id| of_institution.iter().find(|other| other.referent.id == id));
            let substitute = substitute.filter(|other| is_told(other)).map(|other| tell(other, Some(&kept.referent)));
            substitute.filter(|other| other.availability == Availability::Available).unwrap_or(direct)
        })
        .collect();
    told.sort_by_key(|one| (one.referent.id, one.stands_in_for.map(|absent| absent.id)));
    // One that is apt itself is told as such.
    told.dedup_by_key(|one| one.referent.id);
    told.sort_by_key(|one| {
        let is_named = one.referent.procedures.iter().any(|slug| slug == wish.procedure);
        (one.availability.reopens_on(), one.freshness, Reverse(is_named), one.referent.territory.breadth(), one.referent.id)
    });
    told.truncate(MOST_TOLD);
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A Wednesday.
    const TODAY: &str = "2026-11-25";

    fn referent(id: u128) -> Referent {
        Referent {
            id: Uuid::from_u128(id),
            institution: "caf".to_owned(),
            function: "Référent partenaires".to_owned(),
            territory: Territory::parse(&["35"]).unwrap(),
            procedures: Vec::new(),
            channels: Channels { email: Some("referents@exemple.fr".to_owned()), ..Channels::default() },
            hours: None,
            reasons: ContactReason::VARIANTS.to_vec(),
            visibility: Visibility::AllMediators,
            verify_by: day("2026-12-31"),
            prerequisites: Vec::new(),
            weekly_cap: None,
            absences: Vec::new(),
            substitute: None,
            suspended: false,
            note: None,
        }
    }

    fn kept(referent: Referent) -> Kept {
        Kept { referent, week: day("2026-11-23"), shown: 0 }
    }

    fn absent(text: &str) -> Vec<Absence> {
        vec![Absence::parse(text).unwrap()]
    }

    fn told_in(of_institution: &[Kept], territory: &[&str], procedure: &str, reason: Option<ContactReason>) -> Vec<(u128, Option<u128>)> {
        let territory = Territory::parse(territory).unwrap();
        let wish = Wish { departement: "35", procedure, reason, territory: &territory, day: day(TODAY) };
        let told = choose(of_institution, &wish);
        told.iter().map(|one| (one.referent.id.as_u128(), one.stands_in_for.map(|absent| absent.id.as_u128()))).collect()
    }

    fn told(of_institution: &[Kept]) -> Vec<(u128, Option<u128>)> {
        told_in(of_institution, &[], "rsa", None)
    }

    #[test]
    fn a_week_starts_on_monday() {
        for text in ["2026-11-23", "2026-11-25", "2026-11-29"] {
            assert_eq!(week_of(day(text)), day("2026-11-23"));
        }
        assert_eq!(week_of(day("2027-01-01")), day("2026-12-28"));
    }

    #[test]
    fn absences_are_two_days_in_order() {
        assert!(Absence::parse("2026-12-24/2026-12-24").is_some());
        for text in ["", "2026-12-24", "2026-12-24/", "2026-12-24/2026-12-23", "2026-1-5/2026-01-06", "2026-02-30/2026-03-01"] {
            assert_eq!(Absence::parse(text), None, "{text}");
        }
        let all = |texts: &[&str]| texts.iter().map(|text| Absence::parse(text).unwrap()).collect::<Vec<_>>();
        assert_eq!(overlap(&all(&["2026-12-24/2027-01-02", "2027-01-03/2027-01-04"])), None);
        assert!(overlap(&all(&["2027-01-02/2027-01-04", "2026-12-24/2027-01-02"])).is_some());
        assert!(overlap(&all(&["2026-12-01/2026-12-31", "2027-01-03/2027-01-04", "2026-12-05/2026-12-06"])).is_some());
    }

    #[test]
    fn it_lapses_then_hides() {
        let mut it = referent(1);
        it.verify_by = day("2026-11-25");
        assert_eq!(it.freshness(day("2026-11-25")), Freshness::Current);
        assert_eq!(it.freshness(day("2026-11-26")), Freshness::Lapsed);
        assert_eq!(it.freshness(day("2026-12-25")), Freshness::Lapsed);
        assert_eq!(it.freshness(day("2026-12-26")), Freshness::Hidden);
        assert!(it.is_live(day("2026-12-25")) && !it.is_live(day("2026-12-26")));
    }

    #[test]
    fn a_full_week_reopens_on_monday_or_after_the_days_off_that_follow() {
        let mut it = Referent { weekly_cap: Some(3), ..referent(1) };
        assert_eq!(it.availability(day(TODAY), 2), Availability::Available);
        assert_eq!(it.availability(day(TODAY), 3), Availability::Full { reopens_on: day("2026-11-30") });
        it.absences = [absent("2026-11-30/2026-12-04"), absent("2026-12-05/2026-12-06")].concat();
        assert_eq!(it.availability(day(TODAY), 3), Availability::Full { reopens_on: day("2026-12-07") });
        assert_eq!(it.availability(day("2026-12-01"), 0), Availability::Absent { reopens_on: day("2026-12-07") });
        let closed = Referent { weekly_cap: Some(0), ..referent(1) };
        assert_eq!(closed.availability(day(TODAY), 0).reopens_on(), Some(day("2026-11-30")));
    }

    #[test]
    fn last_week_s_count_is_forgotten() {
        let full = Kept { referent: Referent { weekly_cap: Some(1), ..referent(1) }, week: day("2026-11-16"), shown: 1 };
        assert_eq!(full.availability(day(TODAY)), Availability::Available);
        assert!(full.availability(day("2026-11-20")) != Availability::Available);
    }

    #[test]
    fn who_is_told_of_whom() {
        let elsewhere = Referent { territory: Territory::parse(&["22"]).unwrap(), ..referent(1) };
        let other_procedure = Referent { procedures: vec!["apl".to_owned()], ..referent(2) };
        let other_reason = Referent { reasons: vec![ContactReason::Understand], ..referent(3) };
        let suspended = Referent { suspended: true, ..referent(4) };
        let hidden = Referent { verify_by: day("2026-10-01"), ..referent(5) };
        let near = Referent { visibility: Visibility::SameTerritory, ..referent(6) };
        let relayed = Referent { visibility: Visibility::Relay, ..referent(7) };
        let all: Vec<Kept> = [elsewhere, other_procedure, other_reason, suspended, hidden, near, relayed].map(kept).to_vec();
        let redirect = Some(ContactReason::Redirect);
        assert_eq!(told_in(&all, &[], "rsa", redirect), [(7, None)], "without a territory of one's own");
        assert_eq!(told_in(&all, &["22"], "rsa", redirect), [(7, None)], "from another territory");
        assert_eq!(told_in(&all, &["35"], "rsa", redirect), [(6, None), (7, None)]);
        assert_eq!(told_in(&all, &["FR"], "rsa", None), [(3, None), (6, None), (7, None)]);
    }

    #[test]
    fn the_order_is_the_documented_one() {
        let full = Kept { shown: 1, ..kept(Referent { weekly_cap: Some(1), ..referent(1) }) };
        let lapsed = kept(Referent { verify_by: day("2026-11-20"), ..referent(2) });
        let wide = kept(Referent { territory: Territory::parse(&["FR"]).unwrap(), ..referent(3) });
        let general = kept(referent(4));
        let named = kept(Referent { procedures: vec!["rsa".to_owned()], ..referent(5) });
        let ids: Vec<u128> = told(&[full, lapsed, wide, general, named]).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [5, 4, 3, 2, 1]);
    }

    #[test]
    fn an_absent_one_gives_way_to_its_substitute() {
        let away = |substitute: u128| Referent {
            absences: absent("2026-11-20/2026-11-27"),
            substitute: Some(Uuid::from_u128(substitute)),
            ..referent(1)
        };
        let stand_in = Referent { procedures: vec!["apl".to_owned()], ..referent(2) };
        assert_eq!(told(&[kept(away(2)), kept(stand_in.clone())]), [(2, Some(1))]);
        assert_eq!(told(&[kept(away(2)), kept(referent(2))]), [(2, None)], "apt itself");
        let also_away = Referent { absences: absent("2026-11-20/2026-11-27"), ..stand_in.clone() };
        assert_eq!(told(&[kept(away(2)), kept(also_away)]), [(1, None)]);
        assert_eq!(told(&[kept(away(2)), kept(Referent { suspended: true, ..stand_in })]), [(1, None)]);
        assert_eq!(told(&[kept(away(1))]), [(1, None)], "its own");
    }

    proptest! {
        #[test]
        fn none_is_told_twice_nor_out_of_turn(caps in proptest::collection::vec((0..3_u16, 0..4_u32, any::<bool>(), 0..8_u128), 0..12)) {
            let all: Vec<Kept> = caps
                .iter()
                .zip(0..)
                .map(|(&(cap, shown, is_away, substitute), id)| Kept {
                    shown,
                    ..kept(Referent {
                        weekly_cap: (cap > 0).then_some(cap),
                        absences: if is_away { absent("2026-11-24/2026-11-26") } else { Vec::new() },
                        substitute: Some(Uuid::from_u128(substitute)),
                        ..referent(id)
                    })
                })
                .collect();
            let territory = Territory::default();
            let wish = Wish { departement: "35", procedure: "rsa", reason: None, territory: &territory, day: day(TODAY) };
            let told = choose(&all, &wish);
            prop_assert!(told.len() <= MOST_TOLD);
            let mut ids: Vec<Uuid> = told.iter().map(|one| one.referent.id).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), told.len());
            prop_assert!(told.is_sorted_by_key(|one| one.availability.reopens_on()));
            for one in &told {
                let same = all.iter().find(|kept| kept.referent.id == one.referent.id).unwrap();
                prop_assert_eq!(one.availability, same.availability(day(TODAY)));
            }
        }
    }
}
