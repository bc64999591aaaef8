//! Partner keys: what a partner's pages say of themselves. Within [`Scope::Administrator`](crate::Scope).

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::StorageError;
use crate::audit::{self, Actor, Deed};
use crate::schema::partner_key;

/// A key. It stands in public pages, so that nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = partner_key)]
pub struct PartnerKey {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub label: String,
    pub key: String,
    /// Scheme, host and port, as browsers write them in `Origin`.
    pub origins: Vec<String>,
    pub quota_per_minute: i32,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub replaces: Option<Uuid>,
}

impl PartnerKey {
    pub fn new(organisation: Uuid, label: &str, origins: Vec<String>, quota_per_minute: i32) -> Self {
        Self {
            id: Uuid::now_v7(),
            organisation_id: organisation,
            label: label.to_owned(),
            key: format!("pk_{}", Uuid::new_v4().simple()),
            origins,
            quota_per_minute,
            created_at: Utc::now(),
            expires_at: None,
            revoked_at: None,
            replaces: None,
        }
    }

    /// Whether it is good at an instant.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

pub async fn add(connection: &mut AsyncPgConnection, actor: &Actor, key: &PartnerKey) -> Result<(), StorageError> {
    diesel::insert_into(partner_key::table).values(key).execute(connection).await?;
    audit::write(connection, actor, deed("create_partner_key", key), None::<&PartnerKey>, Some(key)).await
}

/// The oldest first.
pub async fn list(connection: &mut AsyncPgConnection, after: Option<Uuid>, limit: i64) -> Result<Vec<PartnerKey>, StorageError> {
    let mut query = partner_key::table.select(PartnerKey::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(partner_key::id.gt(after));
    }
    Ok(query.order(partner_key::id).limit(limit).load(connection).await?)
}

/// What became of a request about one key.
#[derive(Debug, PartialEq)]
pub enum Turned {
    Done(Box<PartnerKey>),
    /// There is no such key.
    Unknown,
    /// It is revoked, or was rotated already.
    Over,
}

/// Refuses a key from now on; doing it twice changes nothing.
pub async fn revoke(connection: &mut AsyncPgConnection, actor: &Actor, id: Uuid) -> Result<Turned, StorageError> {
    let Some(before) = find(connection, id).await? else { return Ok(Turned::Unknown) };
    if before.revoked_at.is_some() {
        return Ok(Turned::Over);
    }
    let after = PartnerKey { revoked_at: Some(Utc::now()), ..before.clone() };
    diesel::update(partner_key::table.find(id)).set(partner_key::revoked_at.eq(after.revoked_at)).execute(connection).await?;
    audit::write(connection, actor, deed("revoke_partner_key", &after), Some(&before), Some(&after)).await?;
    Ok(Turned::Done(Box::new(after)))
}

/// Makes another key for the same pages; the old one stays good for `overlap`, in which the pages are changed.
pub async fn rotate(connection: &mut AsyncPgConnection, actor: &Actor, id: Uuid, overlap: Duration) -> Result<Turned, StorageError> {
    let Some(before) = find(connection, id).await? else { return Ok(Turned::Unknown) };
    if before.revoked_at.is_some() || before.expires_at.is_some() {
        return Ok(Turned::Over);
    }
    let after = PartnerKey { expires_at: Some(Utc::now() + overlap), ..before.clone() };
    diesel::update(partner_key::table.find(id)).set(partner_key::expires_at.eq(after.expires_at)).execute(connection).await?;
    audit::write(connection, actor, deed("rotate_partner_key", &after), Some(&before), Some(&after)).await?;
    let new = PartnerKey {
        replaces: Some(id),
        ..PartnerKey::new(before.organisation_id, &before.label, before.origins, before.quota_per_minute)
    };
    add(connection, actor, &new).await?;
    Ok(Turned::Done(Box::new(new)))
}

async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<PartnerKey>, StorageError> {
    Ok(partner_key::table.find(id).select(PartnerKey::as_select()).for_update().first(connection).await.optional()?)
}

fn deed<'a>(action: &'a str, key: &PartnerKey) -> Deed<'a> {
    Deed { action, entity: "partner_key", id: key.id.to_string(), organisation: Some(key.organisation_id) }
}
