//! What every handler may reach.

use std::collections::HashMap;
use std::sync::Arc;

use aiguilleur_domain::referent::{Kept, week_of};
use aiguilleur_jobs::access::Access;
use aiguilleur_jobs::learning::Learnt;
use aiguilleur_jobs::questions::QuestionCounts;
use aiguilleur_jobs::recorder::Recorder;
use aiguilleur_jobs::referents::Referents;
use aiguilleur_jobs::snapshot::Snapshot;
use aiguilleur_outbound::geocoder::Geocoder;
use aiguilleur_storage::Database;
use aiguilleur_storage::organisations::Organisations;
use chrono::NaiveDate;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::atlas::Atlases;
use crate::auth::InstallationKey;
use crate::auth::issuers::Providers;
use crate::auth::session::Site;
use crate::escalations::Escalations;
use crate::invitation::Post;
use crate::limits::Limits;
use crate::routes::figures::PublishedFigures;

/// Shared by all workers.
#[derive(Clone)]
pub struct AppState {
    pub snapshot: Arc<Snapshot>,
    pub database: Database,
    pub organisations: Organisations,
    pub recorder: Recorder,
    pub key: InstallationKey,
    pub access: Access,
    pub referents: Referents,
    pub providers: Providers,
    /// What this service shares with each issuer that wants a secret, by its slug.
    pub issuer_secrets: Arc<HashMap<String, String>>,
    pub limits: Limits,
    pub site: Site,
    pub post: Post,
    pub metrics: PrometheusHandle,
    /// Locates addresses; `None` when this installation calls no geocoder.
    pub geocoder: Option<Arc<Geocoder>>,
    pub questions: Arc<QuestionCounts>,
    pub atlases: Atlases,
    pub escalations: Escalations,
    /// Requests that may wait for one worker before it refuses others.
    pub crowd: usize,
    /// Published figures as they were told a moment ago.
    pub published: Arc<PublishedFigures>,
    /// What past referrals tell; empty unless this installation lets it count.
    pub learnt: Learnt,
    /// Whether free-text notes are kept; off by default.
    pub notes: bool,
}

impl std::fmt::Debug for AppState {
    // It holds secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AppState").field("site", &self.site).finish_non_exhaustive()
    }
}

impl AppState {
    /// Makes a change of access known on this node at once. The others, and this one if that fails, hear of it within a second or so.
    pub async fn access_changed(&self) {
        if let Err(error) = self.access.refresh().await {
            tracing::warn!(%error, "a change of access isn't known here yet");
        }
    }

    /// Makes a change of referents known on this node at once; the others hear of it within a second.
    pub async fn contacts_changed(&self) {
        if let Err(error) = self.referents.refresh().await {
            tracing::warn!(%error, "a change of referents isn't known here yet");
        }
    }

    /// The same, where showing a contact once more filled its week.
    pub async fn contacts_changed_if_full(&self, before: &Kept, day: NaiveDate) {
        let shown = if before.week == week_of(day) { before.shown } else { 0 };
        if before.referent.weekly_cap.is_some_and(|cap| shown + 1 >= u32::from(cap)) {
            self.contacts_changed().await;
        }
    }
}
