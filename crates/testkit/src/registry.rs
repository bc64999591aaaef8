//! A registry of invented structures that looks like a country's: as many as wanted, the same for the same seed.

use std::collections::HashSet;

use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::structure::{Access, Capacity, HelpKind, Kind, Session, Structure};
use aiguilleur_domain::territory::{Commune, CommuneCode, CommuneKind, Location};
use chrono::{Duration, NaiveDate, NaiveTime};
use fastrand::Rng;

/// The source that every generated record names.
pub const SOURCE: &str = "generated";

/// Kinds of place with the share of each, in thousandths, as in the public lists of 2026. Town halls come with the national seed.
const KINDS: [(Kind, u32); 24] = [
    (Kind::Association, 220),
    (Kind::Mediatheque, 130),
    (Kind::CcasCias, 110),
    (Kind::EspaceNumerique, 110),
    (Kind::Guichet, 90),
    (Kind::BureauDePoste, 60),
    (Kind::MissionLocale, 45),
    (Kind::PoliceGendarmerie, 40),
    (Kind::FranceServices, 30),
    (Kind::CentreSocial, 28),
    (Kind::PointJustice, 25),
    (Kind::MaisonDesSolidarites, 20),
    (Kind::InformationJeunesse, 15),
    (Kind::EcrivainPublic, 12),
    (Kind::EtablissementScolaire, 12),
    (Kind::DelegueDefenseurDesDroits, 9),
    (Kind::Autre, 9),
    (Kind::PointConseilBudget, 8),
    (Kind::Adil, 7),
    (Kind::PointNumeriquePrefecture, 6),
    (Kind::Cidff, 6),
    (Kind::Udaf, 4),
    (Kind::PimmsMediation, 3),
    (Kind::Siao, 1),
];

/// Whose desks, with the share of each, in thousandths.
const DESKS: [(&str, u32); 10] = [
    ("dgfip", 250),
    ("france-travail", 170),
    ("cpam", 170),
    ("caf", 150),
    ("msa", 100),
    ("prefecture", 50),
    ("carsat", 40),
    ("urssaf", 30),
    ("mdph", 20),
    ("banque-de-france", 20),
];

const LANGUAGES: [&str; 8] = ["fr", "en", "ar", "es", "pt", "uk", "tr", "ru"];
const STREETS: [&str; 8] = [
    "rue de la République",
    "place de l'Église",
    "avenue Jean-Jaurès",
    "rue Victor-Hugo",
    "boulevard de la Gare",
    "rue des Écoles",
    "chemin du Moulin",
    "rue Pasteur",
];

/// What a registry is made around.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    pub communes: &'a [Commune],
    pub procedures: &'a [Procedure],
    /// Dates of the records lie before it.
    pub today: NaiveDate,
}

/// `count` structures around the communes, more where more people live.
pub fn registry(reference: Reference<'_>, seed: u64, count: usize) -> impl Iterator<Item = Structure> + use<'_> {
    let communes = Communes::new(reference.communes);
    let mut draw = Draw { rng: Rng::with_seed(seed), reference, served_by_ccas: HashSet::new() };
    (0..count).map(move |number| {
        let commune = communes.draw(&mut draw.rng);
        draw.structure(number, commune)
    })
}

/// Communes of today that people live in, drawn by population.
#[derive(Debug)]
pub struct Communes<'a> {
    communes: Vec<&'a Commune>,
    /// Inhabitants of each and of all before it.
    up_to: Vec<u64>,
}

impl<'a> Communes<'a> {
    pub fn new(communes: &'a [Commune]) -> Self {
        let inhabited = |commune: &&Commune| {
            commune.kind == CommuneKind::Commune && commune.centre.is_some() && commune.population.is_some_and(|people| people > 0)
        };
        let mut communes: Vec<&Commune> = communes.iter().filter(inhabited).collect();
        communes.sort_by_key(|a| a.code);
        let mut people = 0;
        let up_to = communes.iter().map(|commune| {
            people += u64::try_from(commune.population.unwrap_or_default()).unwrap_or_default();
            people
        });
        Self { up_to: up_to.collect(), communes }
    }

    pub fn draw(&self, rng: &mut Rng) -> &'a Commune {
        let who = rng.u64(0..*self.up_to.last().expect("a country has inhabitants"));
        self.communes.get(self.up_to.partition_point(|&up_to| up_to <= who)).expect("who is one of them")
    }
}

struct Draw<'a> {
    rng: Rng,
    reference: Reference<'a>,
    /// A commune has one at most.
    served_by_ccas: HashSet<CommuneCode>,
}

impl<'a> Draw<'a> {
    fn structure(&mut self, number: usize, commune: &Commune) -> Structure {
        let mut kind = weighted(&mut self.rng, &KINDS);
        if kind == Kind::CcasCias && !self.served_by_ccas.insert(commune.code) {
            kind = Kind::Association;
        }
        let institution = (kind == Kind::Guichet).then(|| weighted(&mut self.rng, &DESKS).to_owned());
        let called = institution.clone().unwrap_or_else(|| <&str>::from(kind).replace('-', " "));
        let name = format!("{called} n° {number}, {}", commune.name);
        let now = self.reference.today.and_time(NaiveTime::MIN).and_utc();
        let street = format!("{} {}", self.rng.u16(1..200), self.rng.choice(STREETS).unwrap_or_default());
        let mut it = Structure::unknown(SOURCE, &number.to_string(), kind, name, commune.code, now);
        it.institution = institution;
        it.address = Some(street);
        it.postal_code = commune.postal_codes.first().cloned();
        it.location = commune.centre.filter(|_| self.chance(96)).map(|centre| self.around(centre, commune));
        it.phone = self.chance(85).then(|| format!("+332{:08}", self.rng.u32(0..100_000_000)));
        it.email = self.chance(60).then(|| format!("accueil{number}@exemple.invalid"));
        it.website = self.chance(40).then(|| format!("https://exemple.invalid/{number}"));
        it.opening_hours = self.chance(75).then(|| self.hours());
        it.hours_checked_on = it.opening_hours.is_some().then(|| self.checked_on()).flatten();
        it.access = self.access();
        it.itinerant = self.chance(3);
        it.wheelchair = self.chance(60).then(|| self.chance(85));
        it.free = self.chance(50).then_some(true);
        it.languages = self.some_of(&LANGUAGES, 25).into_iter().map(str::to_owned).collect();
        it.help_kinds = self.some_of(<HelpKind as strum::VariantArray>::VARIANTS, 15);
        it.aidants_connect = self.chance(30).then(|| self.chance(40));
        it.capacity = self.chance(5).then_some(Capacity::WaitingList);
        it.capacity_until = it.capacity.map(|_| self.reference.today + Duration::days(self.rng.i64(-30..60)));
        it.closed_on = self.chance(3).then(|| self.day_before(1_000));
        it.source_date = Some(self.day_before(500));
        it.demonstration = true;
        if kind == Kind::CcasCias && self.chance(4) {
            it.territory = commune.epci.iter().cloned().collect();
        }
        self.declare(&mut it);
        if matches!(kind, Kind::FranceServices | Kind::CentreSocial | Kind::PointJustice) && self.chance(20) {
            it.sessions.push(self.session());
        }
        it
    }

    /// Associations and digital places say what they do; others are known by their kind.
    fn declare(&mut self, it: &mut Structure) {
        let (procedures, groups) = match it.kind {
            Kind::Association => (40, 30),
            Kind::EspaceNumerique | Kind::CentreSocial | Kind::Mediatheque | Kind::EcrivainPublic => (15, 10),
            Kind::Mairie | Kind::EtablissementScolaire => (10, 5),
            _ => (2, 1),
        };
        for _ in 0..if self.chance(procedures) { self.rng.u8(1..5) } else { 0 } {
            it.procedures.extend(self.procedure().map(|procedure| procedure.slug.clone()));
        }
        it.groups.extend(self.procedure().filter(|_| self.chance(groups)).map(|procedure| procedure.group.clone()));
        it.not_offered.extend(self.procedure().filter(|_| self.chance(2)).map(|procedure| procedure.slug.clone()));
        it.procedures.sort();
        it.procedures.dedup();
    }

    fn session(&mut self) -> Session {
        let institution = weighted(&mut self.rng, &DESKS);
        Session {
            holder: institution.to_uppercase(),
            kind: Kind::Guichet,
            institution: Some(institution.to_owned()),
            procedures: Vec::new(),
            groups: Vec::new(),
            opening_hours: Some(self.hours()),
            hours_checked_on: self.checked_on(),
            access: self.access(),
            places: self.chance(50).then_some(8),
            note: None,
        }
    }

    fn procedure(&mut self) -> Option<&'a Procedure> {
        self.rng.choice(self.reference.procedures)
    }

    fn access(&mut self) -> Access {
        *self.rng.choice(&[Access::DropIn, Access::Appointment, Access::Unknown]).unwrap_or(&Access::Unknown)
    }

    /// Some hundreds of texts, as records have them: the same hours again and again.
    fn hours(&mut self) -> String {
        const DAYS: [&str; 6] = ["Mo-Fr", "Mo-Sa", "Mo,Tu,Th", "Tu-Fr", "Mo-We,Fr", "We,Fr"];
        const MORNINGS: [&str; 5] = ["08:30-12:00", "08:30-12:30", "09:00-12:00", "09:00-12:30", "10:00-12:00"];
        const AFTERNOONS: [&str; 6] = ["13:30-17:00", "13:30-17:30", "14:00-17:00", "14:00-17:30", "14:00-18:00", "15:00-18:30"];
        const ENDS: [&str; 5] = ["", "; PH off", "; Sa 09:00-12:00", "; Sa 09:00-12:00; PH off", "; Th 14:00-18:00 \"sur rendez-vous\""];
        let [days, morning, afternoon, end] =
            [DAYS.as_slice(), &MORNINGS, &AFTERNOONS, &ENDS].map(|texts| *self.rng.choice(texts).unwrap_or(&""));
        format!("{days} {morning},{afternoon}{end}")
    }

    /// Most were checked within the year, after which hours count no more.
    fn checked_on(&mut self) -> Option<NaiveDate> {
        self.chance(90).then(|| if self.chance(90) { self.day_before(300) } else { self.day_before(1_000) })
    }

    fn day_before(&mut self, days: i64) -> NaiveDate {
        self.reference.today - Duration::days(self.rng.i64(1..days))
    }

    /// Within some kilometres of the centre, most of them near it; large communes are wider.
    fn around(&mut self, centre: Location, commune: &Commune) -> Location {
        const DEGREE_M: f64 = 111_195.0;
        let reach_m = (f64::from(commune.population.unwrap_or_default()).sqrt() * 12.0).clamp(300.0, 6_000.0);
        let mut offset = || (self.rng.f64() + self.rng.f64() + self.rng.f64() - 1.5) * reach_m / DEGREE_M;
        let (north, east) = (offset(), offset());
        let moved = Location::new(centre.lat + north, centre.lon + east / centre.lat.to_radians().cos());
        moved.unwrap_or(centre)
    }

    /// In so many cases of a hundred.
    fn chance(&mut self, of_a_hundred: u8) -> bool {
        self.rng.u8(0..100) < of_a_hundred
    }

    /// In so many cases of a hundred two or three of them, else none.
    fn some_of<T: Copy>(&mut self, all: &[T], of_a_hundred: u8) -> Vec<T> {
        if !self.chance(of_a_hundred) {
            return Vec::new();
        }
        let amount = self.rng.usize(2..4);
        self.rng.choose_multiple(all.iter().copied(), amount)
    }
}

fn weighted<T: Copy>(rng: &mut Rng, shares: &[(T, u32)]) -> T {
    let mut left = rng.u32(0..shares.iter().map(|(_, share)| share).sum());
    let chosen = shares.iter().find(|(_, share)| left.checked_sub(*share).map(|rest| left = rest).is_none());
    chosen.expect("the draw is below the sum").0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commune(code: &str, population: i32) -> Commune {
        let code = CommuneCode::parse(code).unwrap();
        Commune {
            departement: code.departement().to_owned(),
            resolves_to: code,
            code,
            kind: CommuneKind::Commune,
            name: "Ici".to_owned(),
            postal_codes: vec!["35000".to_owned()],
            population: Some(population),
            epci: Some("243500139".to_owned()),
            region: Some("53".to_owned()),
            centre: Location::new(48.11, -1.68),
            time_zone: chrono_tz::Europe::Paris,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_registry() {
        let communes = [commune("35238", 9_000), commune("35001", 1_000)];
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let reference = Reference { communes: &communes, procedures: &[], today };
        let registry = |seed| registry(reference, seed, 2_000).collect::<Vec<_>>();
        let first = registry(1);
        assert_eq!(first, registry(1));
        assert_ne!(first, registry(2));
        assert_eq!(first.iter().map(|it| it.id).collect::<HashSet<_>>().len(), 2_000);
        assert!(first.iter().all(|it| it.demonstration && it.source == SOURCE));
        let in_town = first.iter().filter(|it| it.commune.as_str() == "35238").count();
        assert!((1_700..1_900).contains(&in_town), "{in_town} of 2,000 for nine tenths of the people");
        assert_eq!(first.iter().filter(|it| it.kind == Kind::CcasCias).count(), 2, "one for each commune");
        assert!(first.iter().any(Structure::is_closed) && first.iter().any(|it| it.location.is_none()));
    }
}
