//! Counting questions: in memory while they are answered, in the database once a minute. A question itself is stored nowhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aiguilleur_directory::orient::CoverageLevel;
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::territory::Commune;
use aiguilleur_storage::questions::{self, QuestionCount};
use aiguilleur_storage::{Database, StorageError};
use chrono::{Datelike, NaiveDate};
use tokio::sync::oneshot;

/// How often they are written down: what a crash may lose.
const EVERY: Duration = Duration::from_mins(1);
/// How long the last writing may hold a stop back.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Sorts of questions counted at once, some 200 bytes each: a day of the whole country, should the database be away.
const MAX_SORTS: usize = 200_000;

/// What is counted together. Of a sensitive procedure, the département and the month only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sort {
    day: NaiveDate,
    procedure: Option<String>,
    place: Place,
    coverage: CoverageLevel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Commune(String),
    Departement(String),
}

/// The questions since they were last written down.
#[derive(Debug)]
pub struct QuestionCounts {
    counts: Mutex<HashMap<Sort, i64>>,
    max_sorts: usize,
}

impl Default for QuestionCounts {
    fn default() -> Self {
        Self { counts: Mutex::default(), max_sorts: MAX_SORTS }
    }
}

impl QuestionCounts {
    /// Counts one question asked on a day (UTC), for somebody in a commune of today. `procedure`: `None` when the words matched none.
    pub fn count(&self, day: NaiveDate, procedure: Option<&Procedure>, commune: &Commune, coverage: CoverageLevel) {
        let is_sensitive = procedure.is_some_and(|procedure| procedure.sensitive);
        let sort = Sort {
            day: if is_sensitive { day.with_day(1).unwrap_or(day) } else { day },
            procedure: procedure.map(|procedure| procedure.slug.clone()),
            place: if is_sensitive { Place::Departement(commune.departement.clone()) } else { Place::Commune(commune.code.to_string()) },
            coverage,
        };
        self.add([(sort, 1)]);
    }

    /// Writes down what was counted; what can't be written goes on being counted, for the next time.
    ///
    /// # Errors
    /// When the database refuses or is away. Should it go away in the very moment of the commit, these may be counted twice.
    pub async fn flush(&self, database: &Database) -> Result<usize, StorageError> {
        let taken = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(0);
        }
        let sorts = taken.len();
        let written = questions::add(database, taken.iter().map(|(sort, questions)| row(sort, *questions)).collect()).await;
        if written.is_err() {
            self.add(taken);
        }
        written.map(|()| sorts)
    }

    fn add(&self, counts: impl IntoIterator<Item = (Sort, i64)>) {
        let mut known = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lost = 0;
        for (sort, questions) in counts {
            if let Some(count) = known.get_mut(&sort) {
                *count += questions;
            } else if known.len() < self.max_sorts {
                known.insert(sort, questions);
            } else {
                lost += questions;
            }
        }
        drop(known);
        if lost > 0 {
            metrics::counter!("questions_not_counted_total").increment(lost.unsigned_abs());
        }
    }
}

fn row(sort: &Sort, questions: i64) -> QuestionCount {
    let (place_kind, place) = match &sort.place {
        Place::Commune(code) => ("commune", code),
        Place::Departement(code) => ("departement", code),
    };
    QuestionCount {
        day: sort.day,
        procedure: sort.procedure.clone().unwrap_or_default(),
        place_kind,
        place: place.clone(),
        coverage: sort.coverage.into(),
        questions,
    }
}

/// Writes the counts down each minute, and once more when told to stop.
pub async fn keep_flushing(counts: Arc<QuestionCounts>, database: Database, mut stop: oneshot::Receiver<()>) {
    let mut was_away = false;
    loop {
        // An error says that whoever would tell is gone: as good as told.
        if tokio::time::timeout(EVERY, &mut stop).await.is_ok() {
            break;
        }
        match counts.flush(&database).await {
            Ok(_) => {
                if std::mem::take(&mut was_away) {
                    tracing::info!("questions are written down again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut was_away, true) {
                    tracing::warn!(%error, "questions could not be written down; they go on being counted, and are tried again each minute");
                }
            }
        }
    }
    match tokio::time::timeout(LAST_WORDS, counts.flush(&database)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the last minute's questions could not be written down"),
        Err(_) => tracing::warn!("the last minute's questions could not be written down in time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commune(code: &str) -> Commune {
        let code = aiguilleur_domain::territory::CommuneCode::parse(code).unwrap();
        Commune {
            kind: aiguilleur_domain::territory::CommuneKind::Commune,
            name: String::new(),
            resolves_to: code,
            departement: code.departement().to_owned(),
            code,
            postal_codes: Vec::new(),
            population: None,
            epci: None,
            region: None,
            centre: None,
            time_zone: chrono_tz::Europe::Paris,
        }
    }

    #[test]
    fn memory_is_bounded_and_what_is_known_goes_on_counting() {
        let counts = QuestionCounts { max_sorts: 2, ..QuestionCounts::default() };
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        for code in ["35238", "35047", "35360", "35238", "35238"] {
            counts.count(day, None, &commune(code), CoverageLevel::Local);
        }
        let mut rows: Vec<_> = counts.counts.lock().unwrap().iter().map(|(sort, questions)| row(sort, *questions)).collect();
        rows.sort();
        let told: Vec<_> = rows.iter().map(|row| (row.place.as_str(), row.questions)).collect();
        assert_eq!(told, [("35047", 1), ("35238", 3)]);
    }
}
