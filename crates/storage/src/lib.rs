//! PostgreSQL through diesel: one module per aggregate, the pool, the migrations, and the embedded cluster.

pub mod access;
pub mod audit;
pub mod catalogue;
pub mod changes;
pub mod charter;
pub mod claims;
pub mod corrections;
pub mod embedded;
pub mod figures;
pub mod follow_up;
pub mod fund_areas;
pub mod handoffs;
pub mod history;
pub mod issuers;
pub mod keeping;
pub mod links;
pub mod members;
pub mod migrations;
pub mod misuse;
pub mod networks;
pub mod organisations;
pub mod partner_keys;
pub mod pool;
pub mod practice_notes;
pub mod questions;
pub mod referents;
pub mod referrals;
pub mod refusals;
pub mod schema;
mod scope;
pub mod seeds;
pub mod sessions;
pub mod showings;
pub mod structures;
pub mod suggestions;
pub mod territory;

pub use pool::Database;
pub use scope::{Scope, Scoped, scoped};

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// What can go wrong with the store. Nothing here is for a caller's eyes: the API has its own words.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database is away or too busy; the same call may succeed later.
    #[error("la base de données ne répond pas ({0})")]
    Unavailable(String),
    /// Too many requests wait for the database already; nothing was asked of it.
    #[error("trop de requêtes attendent la base de données")]
    Crowded,
    /// A row that can't be read back as a domain value.
    #[error("{table}.{column} : « {value} » ne peut pas être lu")]
    Unreadable { table: &'static str, column: &'static str, value: String },
    /// Something of that name is there already.
    #[error("il y en a déjà un de ce nom")]
    Taken,
    #[error(transparent)]
    Record(#[from] aiguilleur_domain::keeping::UnreadableRecord),
    #[error("la base de données a refusé : {0}")]
    Query(#[source] DieselError),
    #[error("migration : {0}")]
    Migration(String),
}

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, cause) => {
                Self::Unavailable(cause.message().to_owned())
            }
            // A server that is going down or coming up says so in its own words (SQLSTATE 57P01 to 57P03), without a kind.
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, cause)
                if ["terminating connection", "the database system is", "canceling statement"]
                    .iter()
                    .any(|words| cause.message().starts_with(words)) =>
            {
                Self::Unavailable(cause.message().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::Taken,
            DieselError::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            _ => Self::Query(error),
        }
    }
}

impl From<diesel::ConnectionError> for StorageError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Reads a stored code back into its vocabulary.
fn read_code<T: std::str::FromStr>(table: &'static str, column: &'static str, value: &str) -> Result<T, StorageError> {
    value.parse().map_err(|_| StorageError::Unreadable { table, column, value: value.to_owned() })
}

/// Reads a stored position back.
fn read_location(lat: Option<f64>, lon: Option<f64>) -> Option<aiguilleur_domain::territory::Location> {
    aiguilleur_domain::territory::Location::new(lat?, lon?)
}
