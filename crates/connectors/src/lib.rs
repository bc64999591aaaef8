//! Sources of structures: one module per source, from bytes to structures and a line-by-line account of what became of each row.
//! Pure: no input or output, no clock; what must be asked of the directory goes through [`Communes`].

pub mod catalogue;
pub mod france_services;
pub mod fund_areas;
mod hours;
mod position;
pub mod seed;
pub mod sessions;
mod table;
mod text;
pub mod topojson;

use aiguilleur_domain::structure::Structure;
use aiguilleur_domain::territory::{Commune, CommuneCode};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

/// What a connector must ask the directory about communes.
pub trait Communes: std::fmt::Debug {
    /// The commune of today for a code that may be former, delegated, associated or an arrondissement.
    fn resolve(&self, code: &CommuneCode) -> Option<&Commune>;

    /// The commune of today of that name in a département (`35`, `2A`, `974`), when there is exactly one.
    /// `name` comes through [`aiguilleur_domain::text::normalise`].
    fn find(&self, departement: &str, name: &str) -> Option<&Commune>;
}

/// What surrounds a reading and does not stand in the file.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub communes: &'a dyn Communes,
    /// The day the source was published.
    pub source_date: Option<NaiveDate>,
    /// The instant of the import.
    pub now: DateTime<Utc>,
}

/// A file that cannot be used at all: nothing may be changed from it. The message says what is wrong and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenFile {
    #[error("le fichier est vide : un fichier CSV avec une ligne d'en-tête et au moins une ligne de données est attendu")]
    Empty,
    #[error("le fichier est {0} et non un fichier CSV : téléchargez à nouveau la liste au format CSV")]
    NotCsv(&'static str),
    #[error("la ligne {line} contient un octet nul : un fichier CSV de texte en UTF-8 est attendu")]
    NulByte { line: u64 },
    #[error("la ligne {line} n'est pas en UTF-8 : enregistrez le fichier en « CSV UTF-8 »")]
    NotUtf8 { line: u64 },
    #[error("il manque dans l'en-tête (ligne {line}) {} : vérifiez que c'est la bonne liste", columns(.missing))]
    MissingColumns { line: u64, missing: Vec<&'static str> },
    #[error("la colonne « {column} » figure deux fois dans l'en-tête (ligne {line}) : une seule est attendue")]
    RepeatedColumn { line: u64, column: String },
    #[error("la ligne {line} a {found} champs au lieu de {expected} : le fichier est tronqué ou abîmé, téléchargez-le à nouveau")]
    FieldCount { line: u64, found: usize, expected: usize },
    #[error("un guillemet ouvert dans la ligne {line} n'est jamais refermé : le fichier est tronqué ou abîmé, téléchargez-le à nouveau")]
    UnterminatedQuote { line: u64 },
    #[error("le fichier n'a qu'une ligne d'en-tête : au moins une ligne de données est attendue")]
    NoRows,
}

fn columns(missing: &[&str]) -> String {
    let noun = if missing.len() == 1 { "la colonne" } else { "les colonnes" };
    format!("{noun} « {} »", missing.join(" », « "))
}

/// What became of one row of a source.
///
/// A row that is rejected is still in its source: a record that an earlier import made from the same `source_id` stays as it
/// was, and is not closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line of the file where the row starts, counted from 1, line breaks within quoted cells included.
    pub line: u64,
    pub source_id: Option<String>,
    /// The structure, or why the row is rejected.
    pub outcome: Result<Structure, Fault>,
    /// What was repaired or set aside in a row; they don't reject it.
    pub remarks: Vec<Fault>,
}

/// Something wrong in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The column's name in the source.
    pub column: String,
    /// The cell as it stands in the source, cut after [`Fault::VALUE_LENGTH`] characters.
    pub value: String,
    /// A French sentence: what is wrong, and what was done about it.
    pub reason: String,
    /// The same for machines, such as `position_far`.
    pub code: &'static str,
}

impl Fault {
    /// The number of characters of a cell that a report repeats.
    pub const VALUE_LENGTH: usize = 200;

    fn new(code: &'static str, column: &str, value: &str, reason: impl Into<String>) -> Self {
        let mut characters = value.chars();
        let mut value: String = characters.by_ref().take(Self::VALUE_LENGTH).collect();
        if characters.next().is_some() {
            value.push('…');
        }
        Self { column: column.to_owned(), value, reason: reason.into(), code }
    }
}
