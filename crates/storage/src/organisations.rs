//! Organisations whose agents refer people; one is born at its first write.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::schema::organisation;
use crate::{Database, StorageError};

/// The organisation of that slug, created when it is new.
pub async fn ensure(database: &Database, slug: &str) -> Result<Uuid, StorageError> {
    if let Some(id) = find(database, slug).await? {
        return Ok(id);
    }
    let mut connection = database.get_for_request().await?;
    diesel::insert_into(organisation::table)
        .values((organisation::id.eq(Uuid::now_v7()), organisation::slug.eq(slug)))
        .on_conflict_do_nothing()
        .execute(&mut connection)
        .await?;
    Ok(organisation::table.filter(organisation::slug.eq(slug)).select(organisation::id).first(&mut connection).await?)
}

/// The organisation of that slug, if it ever wrote anything.
pub async fn find(database: &Database, slug: &str) -> Result<Option<Uuid>, StorageError> {
    let mut connection = database.get_for_request().await?;
    let found = organisation::table.filter(organisation::slug.eq(slug)).select(organisation::id);
    Ok(found.first(&mut connection).await.optional()?)
}
