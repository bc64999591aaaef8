//! The pool: connections that act as the serving role and nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;

use crate::StorageError;

/// The role that owns the tables and migrates them.
pub const OWNER: &str = "aiguilleur_owner";
/// The role that serves: it owns nothing and bypasses no row-level security.
pub const APP: &str = "aiguilleur_app";

/// How long a request waits for a connection before it hears 503.
const PATIENCE: Duration = Duration::from_secs(2);
/// Requests that wait for a connection at once and show the pool to be strained: whoever came after them would wait for long.
const CROWD: usize = 256;
/// Requests that may wait for a strained pool, until somebody comes when nobody waits.
const FEW: usize = 4;

/// A pool of connections as [`APP`]. Cloning shares it.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: String,
    is_strained: Arc<AtomicBool>,
}

impl std::fmt::Debug for Database {
    // The URL may hold a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Database {
    /// Makes the pool; connects only when first asked.
    pub fn new(url: &str, connections: usize) -> Result<Self, StorageError> {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| establish(url, APP).boxed());
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| StorageError::Unavailable(error.to_string()))?;
        Ok(Self { pool, url: url.to_owned(), is_strained: Arc::default() })
    }

    /// A connection, checked to be alive.
    pub async fn get(&self) -> Result<Object<AsyncPgConnection>, StorageError> {
        self.pool.get().await.map_err(|error| StorageError::Unavailable(error.to_string()))
    }

    /// The same for a request, which is refused at once when too many wait already: a burst may, but not for long.
    pub async fn get_for_request(&self) -> Result<Object<AsyncPgConnection>, StorageError> {
        let waiting = self.pool.status().waiting;
        if waiting >= CROWD || waiting == 0 {
            self.is_strained.store(waiting > 0, Ordering::Relaxed);
        }
        if waiting >= FEW && self.is_strained.load(Ordering::Relaxed) {
            return Err(StorageError::Crowded);
        }
        self.get().await
    }

    /// A connection outside the pool, for listening.
    pub async fn dedicated(&self) -> Result<AsyncPgConnection, StorageError> {
        let connecting = establish(&self.url, APP);
        Ok(tokio::time::timeout(PATIENCE, connecting).await.map_err(|_| StorageError::Unavailable("timed out".to_owned()))??)
    }

    /// Whether the database answers now.
    pub async fn is_available(&self) -> bool {
        self.get().await.is_ok()
    }
}

/// Connects and becomes `role`, whoever the URL logs in as.
pub(crate) async fn establish(url: &str, role: &str) -> diesel::ConnectionResult<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    connection
        .batch_execute(&format!("SET ROLE {role}; SET TIME ZONE 'UTC'; SET statement_timeout = '60s'; SET lock_timeout = '30s'"))
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
