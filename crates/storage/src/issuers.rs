//! Issuers: the OpenID Connect providers whose tokens are taken here. Within [`Scope::Administrator`](crate::Scope).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::StorageError;
use crate::audit::{self, Actor, Deed};
use crate::schema::issuer;

/// A provider, and what its tokens mean here.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = issuer)]
pub struct Issuer {
    pub id: Uuid,
    pub slug: String,
    pub label: String,
    /// Its issuer identifier (`iss`).
    pub url: String,
    pub audiences: Vec<String>,
    /// JWS names of asymmetric algorithms (RFC 7518).
    pub algorithms: Vec<String>,
    /// This service's name there.
    pub client_id: Option<String>,
    /// JSON pointer (RFC 6901) into the claims.
    pub roles_claim: Option<String>,
    /// Object: value of that claim to role here.
    pub role_map: Value,
    /// JSON pointer into the claims.
    pub organisation_claim: Option<String>,
    /// Slug.
    pub organisation: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// [`StorageError::Taken`] when its slug or its URL is known already.
pub async fn add(connection: &mut AsyncPgConnection, actor: &Actor, new: &Issuer) -> Result<(), StorageError> {
    diesel::insert_into(issuer::table).values(new).execute(connection).await?;
    audit::write(connection, actor, deed("create_issuer", new), None::<&Issuer>, Some(new)).await
}

/// All of them, by slug.
pub async fn list(connection: &mut AsyncPgConnection) -> Result<Vec<Issuer>, StorageError> {
    Ok(issuer::table.select(Issuer::as_select()).order(issuer::slug).load(connection).await?)
}

/// Takes none of its tokens any more; false when there is no such issuer.
pub async fn remove(connection: &mut AsyncPgConnection, actor: &Actor, id: Uuid) -> Result<bool, StorageError> {
    let removed: Option<Issuer> =
        diesel::delete(issuer::table.find(id)).returning(Issuer::as_select()).get_result(connection).await.optional()?;
    let Some(removed) = removed else { return Ok(false) };
    audit::write(connection, actor, deed("remove_issuer", &removed), Some(&removed), None::<&Issuer>).await?;
    Ok(true)
}

fn deed<'a>(action: &'a str, issuer: &Issuer) -> Deed<'a> {
    Deed { action, entity: "issuer", id: issuer.id.to_string(), organisation: None }
}
