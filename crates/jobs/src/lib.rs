//! What runs beside requests: seeding, importing, recording referrals together, and keeping the directory in memory current.

pub mod access;
pub mod clock;
pub mod import;
pub mod learning;
pub mod questions;
mod reconcile;
pub mod recorder;
pub mod referents;
pub mod reminders;
pub mod retention;

pub mod seed;
pub mod snapshot;

pub use reconcile::{Closure, Reconciliation};

/// What can go wrong beside requests.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Storage(#[from] aiguilleur_storage::StorageError),
    #[error("données de départ : {0}")]
    Seed(String),
    #[error("{0}")]
    BrokenFile(#[from] aiguilleur_connectors::BrokenFile),
    #[error(
        "cet import fermerait {closed} des {open} lieux de la source (plus de 10 %) : rien n'a été changé ; \
         vérifiez le fichier, ou ajoutez --allow-closures"
    )]
    TooManyClosures { closed: usize, open: usize },
    #[error("aucune commune n'est enregistrée : lancez d'abord `aiguilleur serve --seed national`")]
    NoCommunes,
    #[error("une tâche a échoué : {0}")]
    Task(#[from] tokio::task::JoinError),
}
