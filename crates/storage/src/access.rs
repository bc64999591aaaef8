//! What every node keeps in memory to know who may do what, and how it hears of changes.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::issuers::{self, Issuer};
use crate::members::{self, Member};
use crate::organisations::{self, Organisation};
use crate::partner_keys::{self, PartnerKey};
use crate::schema::{access_state, ended_session};
use crate::{Database, Scope, StorageError, scoped};

/// Members, keys, issuers and ended sessions, as one transaction saw them.
#[derive(Debug, Default)]
pub struct AccessRecords {
    pub revision: i64,
    /// Those that have a member, a key or a right of their own.
    pub organisations: Vec<Organisation>,
    pub members: Vec<Member>,
    pub keys: Vec<PartnerKey>,
    pub issuers: Vec<Issuer>,
    /// Ids of tokens refused before their time.
    pub ended: Vec<Uuid>,
}

/// How often access changed.
pub async fn revision(database: &Database) -> Result<i64, StorageError> {
    let mut connection = database.get().await?;
    Ok(access_state::table.select(access_state::revision).first(&mut connection).await?)
}

/// Everything. What changes meanwhile raises the revision again.
pub async fn load(database: &Database) -> Result<AccessRecords, StorageError> {
    let mut transaction = scoped(database, Scope::System).await?;
    let connection: &mut AsyncPgConnection = &mut transaction;
    let revision = access_state::table.select(access_state::revision).first(connection).await?;
    let records = AccessRecords {
        revision,
        organisations: organisations::with_access(connection).await?,
        members: members::all(connection).await?,
        keys: partner_keys::list(connection, None, i64::MAX).await?,
        issuers: issuers::list(connection).await?,
        ended: ended_session::table.select(ended_session::token_id).load(connection).await?,
    };
    transaction.commit().await?;
    Ok(records)
}
