//! Where an address is: as the geocoder says, if it says what can be true; else the commune that the words themselves name.

use std::time::Duration;

use aiguilleur_directory::territory::{Resolved, Territory};
use aiguilleur_domain::need::Precision;
use aiguilleur_domain::territory::{Commune, Location};
use aiguilleur_outbound::geocoder::{Candidate, Geocoder};

/// A candidate that matches the words less well than this is none.
const MIN_SCORE: f64 = 0.5;
/// Candidates this near to the best match the words as well as it does.
const SAME_SCORE: f64 = 0.05;
/// An address may stand this far outside the outline of its commune, in metres: outlines are simplified, and a long street's
/// middle may be in the next one.
const BORDER_M: f64 = 500.0;
/// When it is worth asking again where no geocoder is in use, or an answer was beyond belief.
const LATER: Duration = Duration::from_mins(1);

/// Where an address is.
#[derive(Debug)]
pub struct Located<'t> {
    pub commune: Resolved<'t>,
    /// Where distances are measured from.
    pub location: Location,
    pub precision: Precision,
    /// Only the commune that the words name, since nobody could say more.
    pub by_words_alone: bool,
}

/// Why an address can't be used.
#[derive(Debug)]
pub enum NotLocated<'t> {
    /// Nothing is called so. With the commune that the words name, if they do.
    Unknown(Option<&'t Commune>),
    /// It may be in any of these communes.
    Ambiguous(Vec<&'t Commune>),
    /// Nobody can say for now, and the words name no commune.
    Unavailable { retry_after: Duration },
}

/// Locates an address. `geocoder`: `None` when this installation calls none.
pub async fn locate<'t>(words: &str, geocoder: Option<&Geocoder>, territory: &'t Territory) -> Result<Located<'t>, NotLocated<'t>> {
    let outcome = match geocoder {
        Some(geocoder) => geocoder.search(words).await.map_err(|away| away.retry_after).and_then(|found| judge(&found, territory)),
        None => Err(LATER),
    };
    let label = match &outcome {
        Ok(Judged::Located(_)) => "located",
        Ok(Judged::Unknown | Judged::Ambiguous(_)) => "unknown",
        Err(_) => "unavailable",
    };
    metrics::counter!("addresses_total", "outcome" => label).increment(1);
    match outcome {
        Ok(Judged::Located(located)) => Ok(located),
        Ok(Judged::Unknown) => Err(NotLocated::Unknown(territory.named_in(words))),
        Ok(Judged::Ambiguous(communes)) => Err(NotLocated::Ambiguous(communes)),
        Err(retry_after) => by_words_alone(words, territory).ok_or(NotLocated::Unavailable { retry_after }),
    }
}

enum Judged<'t> {
    Located(Located<'t>),
    Unknown,
    Ambiguous(Vec<&'t Commune>),
}

/// What the candidates, best first, amount to; an error when they can't be true.
fn judge<'t>(candidates: &[Candidate], territory: &'t Territory) -> Result<Judged<'t>, Duration> {
    let Some(best) = candidates.first().filter(|best| best.score >= MIN_SCORE) else { return Ok(Judged::Unknown) };
    let located = believe(best, territory).ok_or_else(|| {
        tracing::warn!("the geocoder placed an address outside the commune it named; the answer was not used");
        LATER
    })?;
    let mut communes = vec![located.commune.commune];
    for candidate in candidates.iter().take_while(|candidate| candidate.score >= best.score - SAME_SCORE) {
        if let Some(other) = territory.resolve(&candidate.commune)
            && !communes.iter().any(|known| known.code == other.commune.code)
        {
            communes.push(other.commune);
        }
    }
    Ok(if communes.len() > 1 { Judged::Ambiguous(communes) } else { Judged::Located(located) })
}

/// `None` when the position doesn't lie in the commune claimed, or that isn't one.
fn believe<'t>(candidate: &Candidate, territory: &'t Territory) -> Option<Located<'t>> {
    let commune = territory.resolve(&candidate.commune)?;
    let lies_there = territory.lies_within(candidate.location, &commune.commune.code, BORDER_M)
        || territory.locate(candidate.location).is_some_and(|located| located.code == commune.commune.code);
    let location = match candidate.precision {
        Precision::Commune => centre(commune)?,
        Precision::Address | Precision::Point => candidate.location,
    };
    lies_there.then_some(Located { commune, location, precision: candidate.precision, by_words_alone: false })
}

fn by_words_alone<'t>(words: &str, territory: &'t Territory) -> Option<Located<'t>> {
    let commune = Resolved { commune: territory.named_in(words)?, from: None };
    Some(Located { commune, location: centre(commune)?, precision: Precision::Commune, by_words_alone: true })
}

/// Where distances are measured from when only a commune is known. An arrondissement or a delegated commune has a centre of its
/// own, nearer to the person.
pub fn centre(commune: Resolved<'_>) -> Option<Location> {
    commune.from.and_then(|from| from.centre).or(commune.commune.centre)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aiguilleur_domain::territory::{CommuneCode, CommuneKind};
    use geo::polygon;

    use super::*;

    fn territory() -> Territory {
        let commune = |code: &str, name: &str, kind, resolves_to: &str, lon| Commune {
            departement: code.get(..2).unwrap().to_owned(),
            code: CommuneCode::parse(code).unwrap(),
            kind,
            name: name.to_owned(),
            resolves_to: CommuneCode::parse(resolves_to).unwrap(),
            postal_codes: Vec::new(),
            population: None,
            epci: None,
            region: None,
            centre: Location::new(48.1, lon),
            time_zone: chrono_tz::Europe::Paris,
        };
        let communes = vec![
            commune("35238", "Rennes", CommuneKind::Commune, "35238", -1.69),
            commune("35051", "Cesson-Sévigné", CommuneKind::Commune, "35051", -1.59),
            commune("35999", "Un quartier", CommuneKind::Arrondissement, "35238", -1.66),
        ];
        let west = polygon![(x: -1.75, y: 48.05), (x: -1.63, y: 48.05), (x: -1.63, y: 48.15), (x: -1.75, y: 48.15)];
        let east = polygon![(x: -1.63, y: 48.05), (x: -1.55, y: 48.05), (x: -1.55, y: 48.15), (x: -1.63, y: 48.15)];
        let outlines = [("35238", west), ("35051", east)];
        Territory::new(communes, HashMap::from(outlines.map(|(code, shape)| (CommuneCode::parse(code).unwrap(), shape.into()))))
    }

    fn candidate(code: &str, lat: f64, lon: f64, score: f64, precision: Precision) -> Candidate {
        Candidate { location: Location { lat, lon }, commune: CommuneCode::parse(code).unwrap(), score, precision }
    }

    /// `located <commune>`, `unknown`, `ambiguous` or `lie`.
    fn judged(candidates: &[Candidate]) -> String {
        match judge(candidates, &territory()) {
            Ok(Judged::Located(located)) => {
                format!("located {} {:?} {}", located.commune.commune.name, located.precision, located.location.lon)
            }
            Ok(Judged::Unknown) => "unknown".to_owned(),
            Ok(Judged::Ambiguous(_)) => "ambiguous".to_owned(),
            Err(_) => "lie".to_owned(),
        }
    }

    #[test]
    fn only_what_can_be_true_is_believed() {
        use Precision::{Address, Commune};
        let one = |code, lat, lon, score, precision| judged(&[candidate(code, lat, lon, score, precision)]);
        assert_eq!(one("35238", 48.10, -1.70, 0.9, Address), "located Rennes Address -1.7");
        assert_eq!(one("35238", 48.10, -1.70, 0.9, Commune), "located Rennes Commune -1.69", "the commune's own centre");
        assert_eq!(one("35999", 48.10, -1.70, 0.9, Commune), "located Rennes Commune -1.66", "and that of an arrondissement");
        assert_eq!(one("35999", 48.10, -1.70, 0.9, Address), "located Rennes Address -1.7");
        assert_eq!(one("35238", 48.10, -1.627, 0.9, Address), "located Rennes Address -1.627", "just beyond the border");
        assert_eq!(one("35238", 48.10, -1.60, 0.9, Address), "lie", "in the next commune");
        assert_eq!(one("35238", 48.10, -1.60, 0.9, Commune), "lie");
        assert_eq!(one("35238", 46.0, -8.0, 0.9, Address), "lie", "at sea");
        assert_eq!(one("35238", 0.0, 0.0, 1.0, Address), "lie");
        assert_eq!(one("99999", 48.10, -1.70, 0.9, Address), "lie", "no such commune");
        assert_eq!(one("35238", 48.10, -1.70, 0.4, Address), "unknown");
        assert_eq!(judged(&[]), "unknown");
    }

    #[test]
    fn alike_in_two_communes_is_a_question_not_an_answer() {
        let rennes = |score| candidate("35238", 48.10, -1.70, score, Precision::Address);
        let cesson = |score| candidate("35051", 48.10, -1.60, score, Precision::Address);
        assert_eq!(judged(&[rennes(0.9), cesson(0.88)]), "ambiguous");
        assert_eq!(judged(&[rennes(0.97), cesson(0.7)]), "located Rennes Address -1.7");
        assert_eq!(judged(&[rennes(0.9), rennes(0.89)]), "located Rennes Address -1.7");
    }
}
