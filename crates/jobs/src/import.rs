//! Importing a source's file: all of it in one transaction, with what became of every row.

use std::collections::HashSet;

use aiguilleur_connectors::{Communes, Fault, Setting, france_services};
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::keeping::Field;
use aiguilleur_domain::territory::{Commune, CommuneCode};
use aiguilleur_storage::{Database, StorageError, structures, territory};
use chrono::{NaiveDate, Utc};
use diesel_async::{AnsiTransactionManager, TransactionManager};
use serde::Serialize;
use uuid::Uuid;

use crate::JobError;
use crate::reconcile::{Closure, Fate, Reconciliation};

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The day the source was published, where known.
    pub source_date: Option<NaiveDate>,
    /// Says what would change, and changes nothing.
    pub dry_run: bool,
    /// Lets more than 10 % of the source close at once.
    pub allow_closures: bool,
}

/// What became of every row.
#[derive(Debug, Serialize)]
pub struct Report {
    pub source: &'static str,
    pub source_date: Option<NaiveDate>,
    pub dry_run: bool,
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub rejected: usize,
    /// Records gone from the source.
    pub closed: usize,
    /// A row had no identifier: nothing was closed, since it may be the missing one.
    pub closures_withheld: bool,
    pub rows: Vec<ReportRow>,
    pub closures: Vec<Closure>,
    /// Records gone from the source that stay open: somebody keeps them here.
    pub kept_open: Vec<Closure>,
}

/// One row of the source. `column`, `value` and `reason` say why it was rejected.
#[derive(Debug, Serialize)]
pub struct ReportRow {
    /// Of the file, counted from 1.
    pub line: u64,
    pub source_id: Option<String>,
    pub id: Option<Uuid>,
    pub status: RowStatus,
    pub column: Option<String>,
    pub value: Option<String>,
    pub reason: Option<String>,
    /// Fields that were set here and stay so, though the source says otherwise.
    pub kept: Vec<Field>,
    pub remarks: Vec<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    Created,
    Updated,
    Unchanged,
    Rejected,
}

/// How far an import is, for a progress bar.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    /// The file was read: rows in it.
    Read(usize),
    /// Records to write.
    Planned(usize),
    /// Records written since the last word.
    Written(usize),
}

/// Imports the national list of France services.
pub async fn france_services(
    database: &Database,
    bytes: Vec<u8>,
    options: Options,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Report, JobError> {
    let mut connection = database.get().await?;
    let communes = territory::load_communes(&mut connection).await?;
    if communes.is_empty() {
        return Err(JobError::NoCommunes);
    }
    let now = Utc::now();
    let rows = tokio::task::spawn_blocking(move || {
        let known = Known(Territory::new(communes, std::collections::HashMap::new()));
        france_services::read(&bytes, &Setting { communes: &known, source_date: options.source_date, now })
    })
    .await??;
    progress(Progress::Read(rows.len()));

    AnsiTransactionManager::begin_transaction(&mut *connection).await.map_err(StorageError::from)?;
    structures::lock_source(&mut connection, france_services::SOURCE).await?;
    let stored = structures::load_source(&mut connection, france_services::SOURCE).await?;
    let present: HashSet<String> = rows.iter().filter_map(|row| row.source_id.clone()).collect();
    let said = rows.iter().filter_map(|row| row.outcome.as_ref().ok().cloned()).collect();
    let mut plan = Reconciliation::plan(&stored, said, &present, now).map_err(StorageError::from)?;
    let closures_withheld = rows.iter().any(|row| row.source_id.is_none());
    if closures_withheld {
        plan.withhold_closures();
    }
    if !options.allow_closures {
        plan.check_closures()?;
    }
    progress(Progress::Planned(plan.writes()));
    if options.dry_run {
        AnsiTransactionManager::rollback_transaction(&mut *connection).await.map_err(StorageError::from)?;
    } else {
        plan.apply(&mut connection, france_services::SOURCE, |written| progress(Progress::Written(written))).await?;
        AnsiTransactionManager::commit_transaction(&mut *connection).await.map_err(StorageError::from)?;
    }

    let rows: Vec<ReportRow> = rows.into_iter().map(|row| report_row(row, &plan)).collect();
    let count = |status| rows.iter().filter(|row| row.status == status).count();
    Ok(Report {
        source: france_services::SOURCE,
        source_date: options.source_date,
        dry_run: options.dry_run,
        created: count(RowStatus::Created),
        updated: count(RowStatus::Updated),
        unchanged: count(RowStatus::Unchanged),
        rejected: count(RowStatus::Rejected),
        closed: plan.closures.len(),
        closures_withheld,
        rows,
        closures: plan.closures,
        kept_open: plan.kept_open,
    })
}

fn report_row(row: aiguilleur_connectors::Row, plan: &Reconciliation) -> ReportRow {
    let verdict = row.source_id.as_ref().filter(|_| row.outcome.is_ok()).and_then(|source_id| plan.verdicts.get(source_id));
    let fault = row.outcome.err();
    let mut remarks = row.remarks;
    let kept = verdict.map(|verdict| verdict.kept.clone()).unwrap_or_default();
    if !kept.is_empty() {
        let names: Vec<&str> = kept.iter().map(|field| field.name()).collect();
        remarks.push(Fault {
            column: "id_fs".to_owned(),
            value: row.source_id.clone().unwrap_or_default(),
            reason: format!("la fiche a été modifiée ici : ce que dit la source n'est pas repris pour {}", names.join(", ")),
            code: "edited_here",
        });
    }
    ReportRow {
        line: row.line,
        id: verdict.map(|verdict| verdict.id),
        status: match verdict.map(|verdict| verdict.fate) {
            Some(Fate::Created) => RowStatus::Created,
            Some(Fate::Updated) => RowStatus::Updated,
            Some(Fate::Unchanged) => RowStatus::Unchanged,
            None => RowStatus::Rejected,
        },
        source_id: row.source_id,
        column: fault.as_ref().map(|fault| fault.column.clone()),
        value: fault.as_ref().map(|fault| fault.value.clone()),
        reason: fault.map(|fault| fault.reason),
        kept,
        remarks,
    }
}

/// The communes on record, as connectors ask for them.
#[derive(Debug)]
struct Known(Territory);

impl Communes for Known {
    fn resolve(&self, code: &CommuneCode) -> Option<&Commune> {
        self.0.resolve(code).map(|resolved| resolved.commune)
    }

    fn find(&self, departement: &str, name: &str) -> Option<&Commune> {
        self.0.only_one_named(departement, name)
    }
}
