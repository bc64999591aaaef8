//! Atlases of coverage, computed off the threads that answer, one at a time, and kept for whoever asks next.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use aiguilleur_directory::Directory;
use aiguilleur_directory::coverage::{AreaCoverage, CommuneCoverage, by_area};
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::territory::AreaKind;
use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::problem::{Kind, Problem};

/// Atlases kept: one of the whole country's communes is a megabyte.
const KEPT: u64 = 48;
const KEPT_FOR: Duration = Duration::from_hours(1);
/// How long a request waits for those before it; the whole country takes a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

/// An atlas and the territory it numbers.
#[derive(Debug)]
pub struct Atlas {
    pub territory: Arc<Territory>,
    pub figures: Figures,
}

#[derive(Debug)]
pub enum Figures {
    Communes(Vec<CommuneCoverage>),
    Areas(AreaKind, Vec<AreaCoverage>),
}

/// Revision, procedure, and the kind of area (`None`: communes).
type Key = (i64, String, Option<AreaKind>);

/// Shared by all workers.
#[derive(Debug, Clone)]
pub struct Atlases {
    kept: Cache<Key, Arc<Atlas>>,
    /// One computation at a time, or a few curious people would keep every processor from the questions.
    turn: Arc<Semaphore>,
}

impl Default for Atlases {
    fn default() -> Self {
        let kept = Cache::builder().max_capacity(KEPT).time_to_idle(KEPT_FOR).build();
        Self { kept, turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Atlases {
    /// The atlas of a procedure that exists, by area or (`None`) by commune.
    pub async fn get(&self, directory: Arc<Directory>, procedure: &str, kind: Option<AreaKind>) -> Result<Arc<Atlas>, Problem> {
        let key = (directory.revision, procedure.to_owned(), kind);
        if let Some(known) = self.kept.get(&key) {
            return Ok(known);
        }
        let busy =
            |_| Problem::new(Kind::Unavailable, "D'autres cartes de couverture sont en cours de calcul. Réessayez dans quelques secondes.");
        let turn = tokio::time::timeout(PATIENCE, self.turn.clone().acquire_owned()).await.map_err(busy)?;
        let atlases = self.clone();
        let computed = web::block(move || {
            // Whoever asked may leave: the turn ends with the work.
            let _turn = turn;
            atlases.kept.get(&key).or_else(|| atlases.compute(&directory, &key))
        });
        computed.await.ok().flatten().ok_or_else(|| {
            tracing::error!("an atlas of coverage could not be computed");
            Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")
        })
    }

    fn compute(&self, directory: &Directory, key: &Key) -> Option<Arc<Atlas>> {
        let (revision, procedure, kind) = key;
        let by_commune_key = (*revision, procedure.clone(), None);
        let by_commune = if let Some(known) = self.kept.get(&by_commune_key) {
            known
        } else {
            let figures = Figures::Communes(directory.coverage(procedure, directory.base_built_at)?);
            let computed = Arc::new(Atlas { territory: directory.territory.clone(), figures });
            self.kept.insert(by_commune_key, computed.clone());
            computed
        };
        let (Some(kind), Figures::Communes(communes)) = (kind, &by_commune.figures) else { return Some(by_commune) };
        let figures = Figures::Areas(*kind, by_area(&by_commune.territory, communes, *kind));
        let computed = Arc::new(Atlas { territory: by_commune.territory.clone(), figures });
        self.kept.insert(key.clone(), computed.clone());
        Some(computed)
    }
}
