//! Secret links by which a target answers without an account. Only their digests are kept.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::schema::referral_link;

/// What a link opens.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = referral_link)]
pub struct Link {
    /// SHA-256 of the secret, hexadecimal.
    pub token_digest: String,
    pub referral_id: Uuid,
    pub handoff_id: Uuid,
    pub organisation_id: Uuid,
    pub expires_at: DateTime<Utc>,
    /// Its holder asked for another.
    pub renewal_asked: bool,
}

pub async fn add(connection: &mut AsyncPgConnection, link: &Link) -> Result<(), StorageError> {
    diesel::insert_into(referral_link::table).values(link).execute(connection).await?;
    Ok(())
}

/// Within [`Scope::Bearer`](crate::Scope) of its digest.
pub async fn find(connection: &mut AsyncPgConnection, digest: &str) -> Result<Option<Link>, StorageError> {
    Ok(referral_link::table.find(digest).select(Link::as_select()).first(connection).await.optional()?)
}

/// Notes that its holder asked for another. Within the scope of its organisation.
pub async fn ask_renewal(connection: &mut AsyncPgConnection, digest: &str) -> Result<(), StorageError> {
    diesel::update(referral_link::table.find(digest)).set(referral_link::renewal_asked.eq(true)).execute(connection).await?;
    Ok(())
}

/// The handoffs of these referrals whose links' holders asked for another.
pub async fn renewals_asked(connection: &mut AsyncPgConnection, referrals: &[Uuid]) -> Result<Vec<Uuid>, StorageError> {
    let asked = referral_link::table.filter(referral_link::referral_id.eq_any(referrals).and(referral_link::renewal_asked));
    Ok(asked.select(referral_link::handoff_id).load(connection).await?)
}

/// No link of this handoff is good any more: it has a newer one.
pub async fn forget(connection: &mut AsyncPgConnection, handoff: Uuid) -> Result<(), StorageError> {
    diesel::delete(referral_link::table.filter(referral_link::handoff_id.eq(handoff))).execute(connection).await?;
    Ok(())
}

/// Forgets the links that were over long before.
pub async fn forget_expired(connection: &mut AsyncPgConnection, before: DateTime<Utc>) -> Result<usize, StorageError> {
    Ok(diesel::delete(referral_link::table.filter(referral_link::expires_at.lt(before))).execute(connection).await?)
}
