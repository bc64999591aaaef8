//! Who a transaction is for. Row-level security shows nothing to a transaction that doesn't say.

use std::ops::{Deref, DerefMut};

use diesel::sql_types::{Bool, Text};
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{Database, StorageError};

/// On whose behalf what belongs to somebody is read and written.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    Organisation(Uuid),
    /// Whoever holds the code on paper, or a target's link: its SHA-256, hexadecimal. It only reads.
    Bearer(&'a str),
    /// Whoever keeps members, keys and issuers. It shows no referral.
    Administrator,
    /// The clock and retention.
    System,
}

/// An open transaction bound to a scope. Dropped without [`Scoped::commit`], as when the caller vanishes, it is rolled back at once: in
/// the pool it would stay open until somebody asked for that very connection.
pub struct Scoped {
    /// `None` once committed.
    connection: Option<Object<AsyncPgConnection>>,
}

impl std::fmt::Debug for Scoped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Scoped").finish_non_exhaustive()
    }
}

diesel::define_sql_function! {
    fn set_config(name: Text, value: Text, for_this_transaction_only: Bool) -> Text;
}

/// Opens a transaction and sets its scope.
pub async fn scoped(database: &Database, scope: Scope<'_>) -> Result<Scoped, StorageError> {
    let mut scoped = Scoped::begin(database.get_for_request().await?).await?;
    scoped.enter(scope).await?;
    Ok(scoped)
}

impl Scoped {
    /// Opens a transaction that is nobody's yet: no row is seen, none can be written, until [`Scoped::enter`].
    pub async fn open(database: &Database) -> Result<Self, StorageError> {
        Self::begin(database.get().await?).await
    }

    async fn begin(connection: Object<AsyncPgConnection>) -> Result<Self, StorageError> {
        let mut scoped = Self { connection: Some(connection) };
        AnsiTransactionManager::begin_transaction(&mut *scoped).await?;
        Ok(scoped)
    }

    /// Leaves the scope it was in for another. For this transaction only: a setting of the session would leak through the pool.
    pub async fn enter(&mut self, scope: Scope<'_>) -> Result<(), StorageError> {
        let (mut organisation, mut bearer, mut administrator, mut system) = (String::new(), String::new(), "", "");
        match scope {
            Scope::Organisation(id) => organisation = id.to_string(),
            Scope::Bearer(digest) => digest.clone_into(&mut bearer),
            Scope::Administrator => administrator = "on",
            Scope::System => system = "on",
        }
        diesel::select((
            set_config("aiguilleur.organisation", organisation, true),
            set_config("aiguilleur.bearer", bearer, true),
            set_config("aiguilleur.administrator", administrator, true),
            set_config("aiguilleur.system", system, true),
        ))
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    pub async fn commit(mut self) -> Result<(), StorageError> {
        AnsiTransactionManager::commit_transaction(&mut *self).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        let Some(mut uncommitted) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return drop(Object::take(uncommitted)) };
        runtime.spawn(async move {
            // One that was given up while it began or was committed, or is broken, is closed.
            let was_interrupted = AnsiTransactionManager::is_broken_transaction_manager(&mut *uncommitted);
            if was_interrupted || AnsiTransactionManager::rollback_transaction(&mut *uncommitted).await.is_err() {
                drop(Object::take(uncommitted));
            }
        });
    }
}

const COMMITTED: &str = "a transaction that is committed is given up";

impl Deref for Scoped {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().unwrap_or_else(|| unreachable!("{COMMITTED}"))
    }
}

impl DerefMut for Scoped {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().unwrap_or_else(|| unreachable!("{COMMITTED}"))
    }
}
