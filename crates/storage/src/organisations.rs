//! Organisations whose agents refer people; one is born at its first write, or made by an administrator.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use moka::sync::Cache;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::schema::{member, organisation, partner_key};
use crate::{Database, StorageError};

/// Slugs remembered, some 200 bytes each.
const REMEMBERED: u64 = 10_000;

/// The organisations of a database. Ids are remembered, since an organisation is never deleted. Cloning shares the memory.
#[derive(Debug, Clone)]
pub struct Organisations {
    database: Database,
    ids: Cache<String, Uuid>,
}

impl Organisations {
    pub fn of(database: Database) -> Self {
        Self { database, ids: Cache::new(REMEMBERED) }
    }

    /// The organisation of that slug, created when it is new.
    pub async fn ensure(&self, slug: &str) -> Result<Uuid, StorageError> {
        if let Some(id) = self.find(slug).await? {
            return Ok(id);
        }
        let mut connection = self.database.get_for_request().await?;
        diesel::insert_into(organisation::table)
            .values((organisation::id.eq(Uuid::now_v7()), organisation::slug.eq(slug)))
            .on_conflict_do_nothing()
            .execute(&mut connection)
            .await?;
        Ok(organisation::table.filter(organisation::slug.eq(slug)).select(organisation::id).first(&mut connection).await?)
    }

    /// The organisation of that slug, if it ever wrote anything.
    pub async fn find(&self, slug: &str) -> Result<Option<Uuid>, StorageError> {
        if let Some(id) = self.ids.get(slug) {
            return Ok(Some(id));
        }
        let mut connection = self.database.get_for_request().await?;
        let found = organisation::table.filter(organisation::slug.eq(slug)).select(organisation::id);
        let found = found.first(&mut connection).await.optional()?;
        if let Some(id) = found {
            self.ids.insert(slug.to_owned(), id);
        }
        Ok(found)
    }
}

/// An organisation, as its administrator keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = organisation)]
pub struct Organisation {
    pub id: Uuid,
    pub slug: String,
    pub created_at: DateTime<Utc>,
    pub name: Option<String>,
    /// Whether its partner tools may record referrals.
    pub may_refer: bool,
}

/// # Errors
/// [`StorageError::Taken`] when there is one of that slug.
pub async fn create(connection: &mut AsyncPgConnection, actor: &Actor, new: &Organisation) -> Result<(), StorageError> {
    diesel::insert_into(organisation::table).values(new).execute(connection).await?;
    audit::write(connection, actor, deed("create_organisation", new), None::<&Organisation>, Some(new)).await
}

/// Changes what is given; `None` when there is no such organisation.
pub async fn update(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    id: Uuid,
    name: Option<String>,
    may_refer: Option<bool>,
) -> Result<Option<Organisation>, StorageError> {
    let before = organisation::table.find(id).select(Organisation::as_select()).for_no_key_update();
    let Some(before) = before.first(connection).await.optional()? else { return Ok(None) };
    let after =
        Organisation { name: name.or_else(|| before.name.clone()), may_refer: may_refer.unwrap_or(before.may_refer), ..before.clone() };
    diesel::update(organisation::table.find(id))
        .set((organisation::name.eq(&after.name), organisation::may_refer.eq(after.may_refer)))
        .execute(connection)
        .await?;
    audit::write(connection, actor, deed("update_organisation", &after), Some(&before), Some(&after)).await?;
    Ok(Some(after))
}

/// By slug.
pub async fn list(connection: &mut AsyncPgConnection, after: Option<&str>, limit: i64) -> Result<Vec<Organisation>, StorageError> {
    let mut query = organisation::table.select(Organisation::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(organisation::slug.gt(after.to_owned()));
    }
    Ok(query.order(organisation::slug).limit(limit).load(connection).await?)
}

pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Organisation>, StorageError> {
    Ok(organisation::table.find(id).select(Organisation::as_select()).first(connection).await.optional()?)
}

pub async fn with_slug(connection: &mut AsyncPgConnection, slug: &str) -> Result<Option<Organisation>, StorageError> {
    let found = organisation::table.filter(organisation::slug.eq(slug)).select(Organisation::as_select());
    Ok(found.first(connection).await.optional()?)
}

/// Those of which access knows something.
pub(crate) async fn with_access(connection: &mut AsyncPgConnection) -> Result<Vec<Organisation>, StorageError> {
    let named = organisation::may_refer.or(organisation::name.is_not_null());
    let has_member = organisation::id.eq_any(member::table.select(member::organisation_id));
    let has_key = organisation::id.eq_any(partner_key::table.select(partner_key::organisation_id));
    let known = organisation::table.filter(named.or(has_member).or(has_key));
    Ok(known.select(Organisation::as_select()).load(connection).await?)
}

fn deed<'a>(action: &'a str, organisation: &Organisation) -> Deed<'a> {
    Deed { action, entity: "organisation", id: organisation.id.to_string(), organisation: Some(organisation.id) }
}
