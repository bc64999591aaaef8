//! One-time links sent by mail, and sessions that ended before their time. Within [`Scope::System`](crate::Scope).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::schema::{ended_session, mail_link};

/// Keeps a link's digest; the link itself is in the mail alone.
pub async fn add_link(
    connection: &mut AsyncPgConnection,
    digest: &str,
    email: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = (mail_link::digest.eq(digest), mail_link::email.eq(email), mail_link::expires_at.eq(expires_at));
    diesel::insert_into(mail_link::table).values(row).execute(connection).await?;
    Ok(())
}

/// The address a link was sent to, while it is good.
pub async fn look_at_link(connection: &mut AsyncPgConnection, digest: &str) -> Result<Option<String>, StorageError> {
    let good = mail_link::table.find(digest).filter(mail_link::used_at.is_null()).filter(mail_link::expires_at.gt(Utc::now()));
    Ok(good.select(mail_link::email).first(connection).await.optional()?)
}

/// The same, and it isn't good any more: of several at once, one gets the address.
pub async fn use_link(connection: &mut AsyncPgConnection, digest: &str) -> Result<Option<String>, StorageError> {
    let now = Utc::now();
    let good = mail_link::table.find(digest).filter(mail_link::used_at.is_null()).filter(mail_link::expires_at.gt(now));
    let used = diesel::update(good).set(mail_link::used_at.eq(now)).returning(mail_link::email);
    Ok(used.get_result(connection).await.optional()?)
}

/// Forgets a link that nobody was sent.
pub async fn forget_link(connection: &mut AsyncPgConnection, digest: &str) -> Result<(), StorageError> {
    diesel::delete(mail_link::table.find(digest)).execute(connection).await?;
    Ok(())
}

/// Refuses a token from now on, on every node.
pub async fn end(connection: &mut AsyncPgConnection, token_id: Uuid, expires_at: DateTime<Utc>) -> Result<(), StorageError> {
    let row = (ended_session::token_id.eq(token_id), ended_session::expires_at.eq(expires_at));
    diesel::insert_into(ended_session::table).values(row).on_conflict_do_nothing().execute(connection).await?;
    Ok(())
}

/// Forgets links and ended sessions whose time is over; says how many.
pub async fn forget(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, StorageError> {
    let links = diesel::delete(mail_link::table.filter(mail_link::expires_at.lt(now))).execute(connection).await?;
    let sessions = diesel::delete(ended_session::table.filter(ended_session::expires_at.lt(now))).execute(connection).await?;
    Ok(links + sessions)
}
