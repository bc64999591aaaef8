//! The audit: append-only, written in the transaction of what it tells of.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::StorageError;
use crate::schema::audit_entry;

/// Who acts, as the audit will tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Subject of the token; `cli` for the command line.
    pub subject: String,
    /// Slug of the organisation it acts for.
    pub organisation: String,
    /// Where from, truncated; `None` for the command line.
    pub network: Option<String>,
    pub request_id: Option<String>,
}

impl Actor {
    /// Whoever may run commands where the service runs.
    pub fn command_line() -> Self {
        Self { subject: "cli".to_owned(), organisation: "installation".to_owned(), network: None, request_id: None }
    }
}

/// What was done to which record.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// The operation's id.
    pub action: &'a str,
    /// What sort of record: `organisation`, `member`, `structure`, `referent`…
    pub entity: &'a str,
    /// Its id, or its slug.
    pub id: String,
    /// Whose record it is.
    pub organisation: Option<Uuid>,
}

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Insertable, Selectable)]
#[diesel(table_name = audit_entry)]
pub struct Entry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub organisation: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub organisation_id: Option<Uuid>,
    pub network: Option<String>,
    pub request_id: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Adds a line, with the record before and after: what of it may be told.
pub async fn write(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    deed: Deed<'_>,
    before: Option<&impl Serialize>,
    after: Option<&impl Serialize>,
) -> Result<(), StorageError> {
    let told = |record: Result<Value, serde_json::Error>| record.unwrap_or_default();
    let entry = Entry {
        id: Uuid::now_v7(),
        at: Utc::now(),
        subject: actor.subject.clone(),
        organisation: actor.organisation.clone(),
        action: deed.action.to_owned(),
        entity: deed.entity.to_owned(),
        entity_id: deed.id,
        organisation_id: deed.organisation,
        network: actor.network.clone(),
        request_id: actor.request_id.clone(),
        before: before.map(|record| told(serde_json::to_value(record))),
        after: after.map(|record| told(serde_json::to_value(record))),
    };
    diesel::insert_into(audit_entry::table).values(entry).execute(connection).await?;
    Ok(())
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity: Option<String>,
    pub entity_id: Option<String>,
    pub subject: Option<String>,
    /// Older than this one.
    pub before: Option<Uuid>,
}

/// The newest first, of those that the scope may see.
pub async fn list(connection: &mut AsyncPgConnection, filter: &Filter, limit: i64) -> Result<Vec<Entry>, StorageError> {
    let mut query = audit_entry::table.select(Entry::as_select()).into_boxed();
    if let Some(entity) = &filter.entity {
        query = query.filter(audit_entry::entity.eq(entity));
    }
    if let Some(entity_id) = &filter.entity_id {
        query = query.filter(audit_entry::entity_id.eq(entity_id));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(audit_entry::subject.eq(subject));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_entry::id.lt(before));
    }
    Ok(query.order(audit_entry::id.desc()).limit(limit).load(connection).await?)
}
