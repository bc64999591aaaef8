//! Bringing what is stored of a source in line with what the source says now. Seeds and imports both go through here.

use std::collections::{HashMap, HashSet};

use aiguilleur_domain::structure::Structure;
use aiguilleur_storage::changes::{self, Changes};
use aiguilleur_storage::structures::{self, Stored};
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use uuid::Uuid;

use crate::JobError;

/// Above this many changed records, nodes load the directory whole rather than record by record.
const LISTED_CHANGES: usize = 4_000;
/// The share of a source that may close at once without being asked for.
const CLOSURES_ALLOWED: f64 = 0.10;

/// A list that bears no date takes nothing away from what a dated one said.
fn keep_known_dates(said: &mut Structure, known: &Structure) {
    if said.source_date.is_none() {
        said.source_date = known.source_date;
        if said.opening_hours == known.opening_hours {
            said.hours_checked_on = known.hours_checked_on;
        }
    }
}

/// What a source's newest state means for what is stored.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// By the source's identifier.
    pub verdicts: HashMap<String, Verdict>,
    /// To be written: new, changed and closed records.
    writes: Vec<Structure>,
    pub closures: Vec<Closure>,
    /// Records of the source that were open before.
    open_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub id: Uuid,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Created,
    Updated,
    Unchanged,
    /// Somebody edited it here: what the source says is set aside.
    KeptAsEdited,
}

/// A record that is gone from its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closure {
    pub id: Uuid,
    pub source_id: String,
    pub name: String,
}

impl Reconciliation {
    /// Compares. `present` names every record the source still has, unreadable ones included: those are not closed.
    pub fn plan(stored: &HashMap<String, Stored>, said: Vec<Structure>, present: &HashSet<String>, now: DateTime<Utc>) -> Self {
        let mut plan = Self { open_before: stored.values().filter(|it| !it.structure.is_closed()).count(), ..Self::default() };
        for mut structure in said {
            let fate = match stored.get(&structure.source_id) {
                None => Fate::Created,
                Some(known) => {
                    structure.id = known.structure.id;
                    keep_known_dates(&mut structure, &known.structure);
                    // What users said of it isn't the source's to change.
                    structure.disputed = known.structure.disputed;
                    let same = Structure { updated_at: known.structure.updated_at, ..structure.clone() } == known.structure;
                    match (same, known.edited) {
                        (true, _) => Fate::Unchanged,
                        (false, true) => Fate::KeptAsEdited,
                        (false, false) => Fate::Updated,
                    }
                }
            };
            plan.verdicts.insert(structure.source_id.clone(), Verdict { id: structure.id, fate });
            if matches!(fate, Fate::Created | Fate::Updated) {
                plan.writes.push(structure);
            }
        }
        let mut gone: Vec<&Stored> =
            stored.values().filter(|it| !it.edited && !it.structure.is_closed() && !present.contains(&it.structure.source_id)).collect();
        gone.sort_by(|a, b| a.structure.source_id.cmp(&b.structure.source_id));
        for Stored { structure, .. } in gone {
            plan.closures.push(Closure { id: structure.id, source_id: structure.source_id.clone(), name: structure.name.clone() });
            plan.writes.push(Structure { closed_on: Some(now.date_naive()), updated_at: now, ..structure.clone() });
        }
        plan
    }

    /// Leaves every record open, where it can't be told which are gone.
    pub fn withhold_closures(&mut self) {
        let gone: HashSet<Uuid> = self.closures.drain(..).map(|closure| closure.id).collect();
        self.writes.retain(|structure| !gone.contains(&structure.id));
    }

    /// # Errors
    /// When the source lost so much that it is likelier to be broken.
    pub fn check_closures(&self) -> Result<(), JobError> {
        // Counts of structures are far below 2^52.
        #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "bounded by the number of structures")]
        let (closed, open) = (self.closures.len() as f64, self.open_before as f64);
        if closed > open * CLOSURES_ALLOWED {
            return Err(JobError::TooManyClosures { closed: self.closures.len(), open: self.open_before });
        }
        Ok(())
    }

    pub fn writes(&self) -> usize {
        self.writes.len()
    }

    /// Writes the plan and lists it for the nodes, within the caller's transaction. `layer` names it when the list is too long.
    pub async fn apply(&self, connection: &mut AsyncPgConnection, layer: &str, progress: impl FnMut(usize) + Send) -> Result<(), JobError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        structures::upsert(connection, &self.writes, progress).await?;
        let changed = if self.writes.len() > LISTED_CHANGES {
            Changes { reference: true, structures: Vec::new() }
        } else {
            Changes { reference: false, structures: self.writes.iter().map(|structure| structure.id).collect() }
        };
        changes::record(connection, &changed, layer).await?;
        Ok(())
    }
}
