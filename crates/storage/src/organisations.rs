//! Organisations whose agents refer people; one is born at its first write.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use moka::sync::Cache;
use uuid::Uuid;

use crate::schema::organisation;
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
