//! Which seed layers this installation has.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::StorageError;
use crate::schema::seed_layer;

/// The digest of the files a layer was last seeded from.
pub async fn digest(connection: &mut AsyncPgConnection, layer: &str) -> Result<Option<String>, StorageError> {
    Ok(seed_layer::table.find(layer).select(seed_layer::digest).first(connection).await.optional()?)
}

/// Notes that a layer was seeded.
pub async fn record(connection: &mut AsyncPgConnection, layer: &str, digest: &str) -> Result<(), StorageError> {
    diesel::insert_into(seed_layer::table)
        .values((seed_layer::name.eq(layer), seed_layer::digest.eq(digest), seed_layer::applied_at.eq(diesel::dsl::now)))
        .on_conflict(seed_layer::name)
        .do_update()
        .set((seed_layer::digest.eq(digest), seed_layer::applied_at.eq(diesel::dsl::now)))
        .execute(connection)
        .await?;
    Ok(())
}
