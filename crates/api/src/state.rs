//! What every handler may reach.

use std::sync::Arc;

use aiguilleur_jobs::questions::QuestionCounts;
use aiguilleur_jobs::recorder::Recorder;
use aiguilleur_jobs::snapshot::Snapshot;
use aiguilleur_outbound::geocoder::Geocoder;
use aiguilleur_storage::Database;
use aiguilleur_storage::organisations::Organisations;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::atlas::Atlases;
use crate::auth::InstallationKey;
use crate::escalations::Escalations;

/// Shared by all workers.
#[derive(Debug, Clone)]
pub struct AppState {
    pub snapshot: Arc<Snapshot>,
    pub database: Database,
    pub organisations: Organisations,
    pub recorder: Recorder,
    pub key: InstallationKey,
    pub metrics: PrometheusHandle,
    /// Locates addresses; `None` when this installation calls no geocoder.
    pub geocoder: Option<Arc<Geocoder>>,
    pub questions: Arc<QuestionCounts>,
    pub atlases: Atlases,
    pub escalations: Escalations,
    /// Requests that may wait for one worker before it refuses others.
    pub crowd: usize,
    /// Whether free-text notes are kept; off by default.
    pub notes: bool,
}
