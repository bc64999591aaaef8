//! What every handler may reach.

use std::sync::Arc;

use aiguilleur_jobs::snapshot::Snapshot;
use aiguilleur_storage::Database;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::auth::InstallationKey;

/// Shared by all workers.
#[derive(Debug, Clone)]
pub struct AppState {
    pub snapshot: Arc<Snapshot>,
    pub database: Database,
    pub key: InstallationKey,
    pub metrics: PrometheusHandle,
    /// Whether free-text notes are kept; off by default.
    pub notes: bool,
}
