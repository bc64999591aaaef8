//! How many questions were asked, by day, procedure, place and coverage. Nothing else of a question is kept.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};

use crate::schema::question_count;
use crate::{Database, StorageError};

/// Rows written in one statement; PostgreSQL takes 65,535 parameters.
const BATCH: usize = 5_000;

/// So many questions of one sort.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Insertable)]
#[diesel(table_name = question_count)]
pub struct QuestionCount {
    pub day: NaiveDate,
    /// Empty when the words matched none.
    pub procedure: String,
    /// `commune` or `departement`.
    pub place_kind: &'static str,
    pub place: String,
    /// `local`, `distant`, `remote_only` or `none`.
    pub coverage: &'static str,
    pub questions: i64,
}

/// Adds to what was counted before: all of it or nothing.
pub async fn add(database: &Database, mut counts: Vec<QuestionCount>) -> Result<(), StorageError> {
    // Several nodes at once take the rows in the same order, and none waits for another that waits for it.
    counts.sort();
    let mut connection = database.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *connection).await?;
    for batch in counts.chunks(BATCH) {
        diesel::insert_into(question_count::table)
            .values(batch)
            .on_conflict((
                question_count::day,
                question_count::procedure,
                question_count::place_kind,
                question_count::place,
                question_count::coverage,
            ))
            .do_update()
            .set(question_count::questions.eq(question_count::questions + excluded(question_count::questions)))
            .execute(&mut connection)
            .await?;
    }
    AnsiTransactionManager::commit_transaction(&mut *connection).await?;
    Ok(())
}
