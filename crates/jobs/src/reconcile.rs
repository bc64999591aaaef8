//! Bringing what is stored of a source in line with what the source says now. Seeds and imports both go through here. What an editor
//! set stays, and the plan says where the source says otherwise.

use std::collections::{HashMap, HashSet};

use aiguilleur_domain::keeping::{Field, UnreadableRecord};
use aiguilleur_domain::structure::Structure;
use aiguilleur_storage::changes::{self, Changes};
use aiguilleur_storage::structures;
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use uuid::Uuid;

use crate::JobError;

/// Above this many changed records, nodes load the directory whole rather than record by record.
const LISTED_CHANGES: usize = 4_000;
/// The share of a source that may close at once without being asked for.
const CLOSURES_ALLOWED: f64 = 0.10;

/// What a source says now of a record, under what was set here; and the fields of which it says otherwise.
fn merge(mut said: Structure, known: &Structure) -> Result<(Structure, Vec<Field>), UnreadableRecord> {
    let before = known.as_sourced()?;
    keep_known_dates(&mut said, &before);
    // Its id, who keeps it and what users said of it aren't the source's to change; its days are told once it is known to have changed.
    let said = Structure {
        id: known.id,
        keeper: known.keeper.clone(),
        disputed: known.disputed,
        updated_at: known.updated_at,
        taken_on: known.taken_on,
        ..said
    };
    said.keeping_edits_of(known)
}

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
    /// Records gone from the source that stay open: somebody keeps them here.
    pub kept_open: Vec<Closure>,
    /// Records of the source that were open before.
    open_before: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub id: Uuid,
    pub fate: Fate,
    /// The fields that were set here and of which the source says otherwise.
    pub kept: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Created,
    Updated,
    /// Nothing of it that is shown has changed.
    Unchanged,
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
    ///
    /// # Errors
    /// When a stored record can't be read.
    pub fn plan(
        stored: &HashMap<String, Structure>,
        said: Vec<Structure>,
        present: &HashSet<String>,
        now: DateTime<Utc>,
    ) -> Result<Self, UnreadableRecord> {
        let mut plan = Self { open_before: stored.values().filter(|it| !it.is_closed()).count(), ..Self::default() };
        for said in said {
            let source_id = said.source_id.clone();
            let Some(known) = stored.get(&source_id) else {
                plan.verdicts.insert(source_id, Verdict { id: said.id, fate: Fate::Created, kept: Vec::new() });
                plan.writes.push(said);
                continue;
            };
            let (merged, kept) = merge(said, known)?;
            // Only what the source says beside an edit may have changed: that is written, and nobody sees it.
            let is_as_shown = Structure { edits: merged.edits.clone(), ..known.clone() } == merged;
            let fate = if is_as_shown { Fate::Unchanged } else { Fate::Updated };
            plan.verdicts.insert(source_id, Verdict { id: known.id, fate, kept });
            if merged != *known {
                let updated_at = if is_as_shown { known.updated_at } else { now };
                plan.writes.push(Structure { updated_at, taken_on: now.date_naive(), ..merged });
            }
        }
        let mut gone: Vec<&Structure> = stored.values().filter(|it| !it.is_closed() && !present.contains(&it.source_id)).collect();
        gone.sort_by(|a, b| a.source_id.cmp(&b.source_id));
        for structure in gone {
            let closure = Closure { id: structure.id, source_id: structure.source_id.clone(), name: structure.name.clone() };
            if structure.keeper.is_some() || !structure.edits.is_empty() {
                plan.kept_open.push(closure);
            } else {
                plan.closures.push(closure);
                plan.writes.push(Structure { closed_on: Some(now.date_naive()), updated_at: now, ..structure.clone() });
            }
        }
        Ok(plan)
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
