//! The questions that are asked: drawn by population, the same for the same seed.

use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::territory::{Commune, CommuneCode, Location};
use aiguilleur_testkit::registry::Communes;
use chrono::{DateTime, Utc};
use fastrand::Rng;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// One question, that can be asked over HTTP or of the directory itself.
#[derive(Debug, Clone)]
pub struct Question {
    procedure: String,
    commune: CommuneCode,
    centre: Location,
    /// Asked by position instead of by commune.
    position: Option<Location>,
    residence: Option<CommuneCode>,
    language: Option<&'static str>,
    drop_in: bool,
    limit: Option<usize>,
}

/// So many different questions.
pub fn draw(communes: &[Commune], procedures: &[Procedure], seed: u64, count: usize) -> Vec<Question> {
    let communes = Communes::new(communes);
    let mut rng = Rng::with_seed(seed);
    let mut one = || {
        let commune = communes.draw(&mut rng);
        let centre = commune.centre.expect("those drawn have one");
        // Some hundreds of metres away: still in the commune, or in its neighbour, never at sea.
        let mut near = |degrees: f64| degrees + (rng.f64() - 0.5) * 0.005;
        let position = Location::new(near(centre.lat), near(centre.lon));
        Question {
            procedure: rng.choice(procedures).expect("a catalogue").slug.clone(),
            commune: commune.code,
            centre,
            position: position.filter(|_| rng.u8(0..100) < 20),
            residence: (rng.u8(0..100) < 5).then(|| communes.draw(&mut rng).code),
            language: (rng.u8(0..100) < 5).then_some("ar"),
            drop_in: rng.u8(0..100) < 10,
            limit: (rng.u8(0..100) < 10).then(|| rng.usize(1..=10)),
        }
    };
    let mut known = std::collections::HashSet::new();
    std::iter::repeat_with(&mut one).filter(|question| known.insert(question.path())).take(count).collect()
}

impl Question {
    pub fn path(&self) -> String {
        let place = match self.position {
            Some(Location { lat, lon }) => format!("lat={lat:.5}&lon={lon:.5}"),
            None => format!("commune={}", self.commune),
        };
        let options = [
            self.residence.as_ref().map(|code| format!("&residence={code}")),
            self.language.map(|language| format!("&language={language}")),
            self.drop_in.then(|| "&drop_in=true".to_owned()),
            self.limit.map(|limit| format!("&limit={limit}")),
        ];
        let options: String = options.into_iter().flatten().collect();
        format!("/v1/orientations?procedure={}&{place}{options}", self.procedure)
    }

    /// As the API parses it.
    pub fn need(&self, at: DateTime<Utc>) -> Need {
        Need {
            procedure: Some(self.procedure.clone()),
            danger: None,
            commune: self.commune,
            location: self.position.unwrap_or(self.centre),
            precision: if self.position.is_some() { Precision::Point } else { Precision::Commune },
            residence: self.residence.unwrap_or(self.commune),
            event_commune: None,
            at,
            max_distance_m: None,
            kinds: Vec::new(),
            help_kind: None,
            channel: Channel::InPerson,
            drop_in: self.drop_in,
            language: self.language.map(str::to_owned),
            wheelchair: false,
            regime: Regime::General,
            experience: None,
            limit: self.limit.unwrap_or(5),
        }
    }
}

/// What people wrote, as the checks of the catalogue keep it, each asked from another commune.
pub fn in_words(communes: &[Commune], seed: u64, count: usize) -> Vec<String> {
    let said = [include_str!("../../seed-data/checks/words_held_out.csv"), include_str!("../../seed-data/checks/words_development.csv")];
    let communes = Communes::new(communes);
    let mut rng = Rng::with_seed(seed);
    let lines = said.into_iter().flat_map(|file| csv::Reader::from_reader(file.as_bytes()).into_records().collect::<Vec<_>>());
    let words = lines.map(|line| line.expect("the checks are sound CSV").get(0).expect("a first column").to_owned());
    let ask = |words: String| {
        format!("/v1/orientations?q={}&commune={}", utf8_percent_encode(&words, NON_ALPHANUMERIC), communes.draw(&mut rng).code)
    };
    words.take(count).map(ask).collect()
}
