//! Opening the database: the private cluster of the data directory, or the one of `DATABASE_URL`, brought up to date.

use std::sync::Arc;
use std::time::Duration;

use aiguilleur_storage::embedded::{self, Cluster};
use aiguilleur_storage::{Database, migrations};

use crate::{CliError, Settings};

const NAME: &str = "aiguilleur";
/// Connections a node keeps to the database.
const CONNECTIONS: usize = 16;

/// A database that is up to date. Dropping it leaves the private cluster.
pub struct Opened {
    pub database: Database,
    /// The migrations that were run just now.
    pub migrated: Vec<String>,
    cluster: Option<Arc<Cluster>>,
}

pub async fn open(settings: &Settings) -> Result<Opened, CliError> {
    if let Some(url) = &settings.database_url {
        return open_external(url).await;
    }
    let wanted = embedded::Settings { data_dir: settings.data_dir.clone(), durable: true };
    let cluster = tokio::task::spawn_blocking(move || Cluster::open(&wanted)).await??;
    let superuser = cluster.conninfo("postgres", "postgres");
    migrations::ensure_database(&superuser, NAME, &cluster.conninfo("postgres", NAME)).await?;
    let migrated = migrations::run(&cluster.conninfo("aiguilleur_owner", NAME)).await?;
    let database = Database::new(&cluster.conninfo("aiguilleur_app", NAME), CONNECTIONS)?;
    Ok(Opened { database, migrated, cluster: Some(Arc::new(cluster)) })
}

async fn open_external(url: &str) -> Result<Opened, CliError> {
    let away = |error: aiguilleur_storage::StorageError| {
        CliError::Sentence(format!(
            "la base de DATABASE_URL ne peut pas être utilisée ({error}) ; vérifiez l'adresse et que le serveur répond"
        ))
    };
    migrations::ensure_roles(url).await.map_err(|error| match error {
        aiguilleur_storage::StorageError::Query(error) => CliError::Sentence(format!(
            "les rôles manquent et le compte de DATABASE_URL ne peut pas les créer ({error}) ; faites exécuter une fois, par un \
             administrateur de la base, en mettant ce compte à la place de CURRENT_USER :\n{}",
            migrations::ROLES_SQL
        )),
        error => away(error),
    })?;
    let migrated = migrations::run(url).await.map_err(away)?;
    Ok(Opened { database: Database::new(url, CONNECTIONS)?, migrated, cluster: None })
}

impl Opened {
    /// Starts the private cluster again whenever it dies, waiting longer after each failure. Never ends.
    pub fn supervise(&self) -> impl Future<Output = ()> + Send + 'static {
        const FIRST_WAIT: Duration = Duration::from_secs(1);
        const LONGEST_WAIT: Duration = Duration::from_secs(30);
        let cluster = self.cluster.clone();
        async move {
            let Some(cluster) = cluster else { return std::future::pending().await };
            let mut wait = FIRST_WAIT;
            loop {
                tokio::time::sleep(wait).await;
                let cluster = Arc::clone(&cluster);
                let revived = tokio::task::spawn_blocking(move || {
                    if cluster.is_alive() {
                        return Ok(false);
                    }
                    cluster.revive().map(|()| true)
                });
                wait = match revived.await {
                    Ok(Ok(false)) => FIRST_WAIT,
                    Ok(Ok(true)) => {
                        tracing::warn!("the private database had stopped; it was started again");
                        FIRST_WAIT
                    }
                    Ok(Err(error)) => {
                        tracing::error!(%error, "the private database can't be started again yet");
                        (wait * 2).min(LONGEST_WAIT)
                    }
                    Err(_) => return,
                };
            }
        }
    }

    /// Leaves the private cluster; the last to leave stops it.
    pub async fn close(self) -> Result<(), CliError> {
        drop(self.database);
        if let Some(cluster) = self.cluster.and_then(Arc::into_inner) {
            tokio::task::spawn_blocking(move || cluster.close()).await??;
        }
        Ok(())
    }
}
