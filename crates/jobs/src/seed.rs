//! Seeding: the layers a new installation starts with. Each is applied once for each version of its files,
//! and never touches what somebody edited.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use aiguilleur_connectors::catalogue::write::Written;
use aiguilleur_connectors::{catalogue as catalogue_files, seed, sessions, topojson};
use aiguilleur_domain::structure::Structure;
use aiguilleur_domain::territory::CommuneCode;
use aiguilleur_storage::changes::{self, Changes};
use aiguilleur_storage::territory::Area;
use aiguilleur_storage::{Database, catalogue, fund_areas, seeds, structures, territory};
use chrono::{NaiveDate, Utc};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};

use crate::JobError;
use crate::reconcile::Reconciliation;

/// The catalogue was last read through in November 2026.
const CATALOGUE_CHECKED_ON: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 11, 1);

/// A file of `seed-data/`, as packed by the build.
struct SeedFile {
    /// SHA-256 of the file, hexadecimal.
    digest: &'static str,
    packed: &'static [u8],
}

mod files {
    use super::SeedFile;
    include!(concat!(env!("OUT_DIR"), "/seed_files.rs"));
}

impl SeedFile {
    fn bytes(&self) -> Result<Vec<u8>, JobError> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(self.packed).read_to_end(&mut bytes).map_err(broken)?;
        Ok(bytes)
    }
}

fn broken(error: impl std::fmt::Display) -> JobError {
    JobError::Seed(error.to_string())
}

/// What a new installation starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seed {
    /// The catalogue alone.
    None,
    /// And communes and town halls.
    National,
    /// And the demonstration layer.
    Demo,
}

/// The layers, in the order in which they need each other.
const LAYERS: [(&str, Seed, &[SeedFile]); 5] = [
    ("catalogue", Seed::None, &[files::INSTITUTIONS, files::CATALOGUE, files::SAID, files::PROCEDURE_SOURCES]),
    ("fund-areas", Seed::None, &[files::FUND_AREAS]),
    ("communes", Seed::National, &[files::COMMUNES, files::EPCI, files::DEPARTEMENTS, files::REGIONS]),
    ("town-halls", Seed::National, &[files::TOWN_HALLS]),
    ("demonstration", Seed::Demo, &[files::DEMONSTRATION, files::DEMONSTRATION_SESSIONS]),
];

/// Applies the layers that are new or whose files changed; returns their names. `announce` is told of each before it starts.
pub async fn apply(database: &Database, wanted: Seed, mut announce: impl FnMut(&str) + Send) -> Result<Vec<&'static str>, JobError> {
    let mut applied = Vec::new();
    let mut connection = database.get().await?;
    for (name, from, files) in LAYERS.iter().filter(|(_, from, _)| *from <= wanted) {
        let digest: String = files.iter().map(|file| file.digest).collect::<Vec<_>>().join(" ");
        tracing::debug!(layer = name, seed = ?from, "seeding");
        if seeds::digest(&mut connection, name).await? == Some(digest.clone()) {
            continue;
        }
        announce(name);
        AnsiTransactionManager::begin_transaction(&mut *connection).await.map_err(aiguilleur_storage::StorageError::from)?;
        // Two nodes starting at once: the second waits here, then finds the layer applied.
        structures::lock_source(&mut connection, name).await?;
        if seeds::digest(&mut connection, name).await? != Some(digest.clone()) {
            apply_layer(&mut connection, name).await?;
            seeds::record(&mut connection, name, &digest).await?;
            applied.push(*name);
        }
        AnsiTransactionManager::commit_transaction(&mut *connection).await.map_err(aiguilleur_storage::StorageError::from)?;
    }
    Ok(applied)
}

async fn apply_layer(connection: &mut AsyncPgConnection, layer: &str) -> Result<(), JobError> {
    match layer {
        "catalogue" => {
            let checked_on = CATALOGUE_CHECKED_ON.unwrap_or_default();
            let institutions = seed::institutions(&files::INSTITUTIONS.bytes()?, checked_on).map_err(broken)?;
            let (tables, said, sources) = (files::CATALOGUE.bytes()?, files::SAID.bytes()?, files::PROCEDURE_SOURCES.bytes()?);
            let files = catalogue_files::Files { tables: &tables, said: &said, sources: &sources };
            let procedures = catalogue_files::procedures(files, checked_on).map_err(broken)?;
            catalogue::upsert(connection, &institutions, &procedures).await?;
            changes::record(connection, &Changes { reference: true, structures: Vec::new() }, layer).await?;
        }
        "fund-areas" => {
            let areas = aiguilleur_connectors::fund_areas::read(&files::FUND_AREAS.bytes()?).map_err(broken)?;
            fund_areas::replace(connection, &areas).await?;
            changes::record(connection, &Changes { reference: true, structures: Vec::new() }, layer).await?;
        }
        "communes" => {
            let communes = seed::communes(&files::COMMUNES.bytes()?).map_err(broken)?;
            let mut areas = Vec::new();
            for (kind, file) in [("epci", &files::EPCI), ("departement", &files::DEPARTEMENTS), ("region", &files::REGIONS)] {
                let names = seed::names(&file.bytes()?).map_err(broken)?;
                areas.extend(names.into_iter().map(|(code, name)| Area { kind: kind.to_owned(), code, name }));
            }
            territory::replace(connection, &communes, &areas).await?;
            changes::record(connection, &Changes { reference: true, structures: Vec::new() }, layer).await?;
        }
        "town-halls" => {
            let town_halls = seed::town_halls(&files::TOWN_HALLS.bytes()?, Utc::now()).map_err(broken)?;
            reconcile(connection, seed::TOWN_HALLS, town_halls).await?;
        }
        _ => {
            let mut demonstration = seed::demonstration(&files::DEMONSTRATION.bytes()?, Utc::now()).map_err(broken)?;
            sessions::attach(&mut demonstration, &files::DEMONSTRATION_SESSIONS.bytes()?).map_err(broken)?;
            reconcile(connection, seed::DEMONSTRATION, demonstration).await?;
        }
    }
    Ok(())
}

async fn reconcile(connection: &mut AsyncPgConnection, source: &str, said: Vec<Structure>) -> Result<(), JobError> {
    let stored = structures::load_source(connection, source).await?;
    let present: HashSet<String> = said.iter().map(|structure| structure.source_id.clone()).collect();
    let plan = Reconciliation::plan(&stored, said, &present, Utc::now()).map_err(aiguilleur_storage::StorageError::from)?;
    plan.apply(connection, source, |_| ()).await
}

/// The catalogue as it is in the store, in the form of the seed files that it came from.
pub async fn export_catalogue(database: &Database) -> Result<Vec<Written>, JobError> {
    let mut connection = database.get().await?;
    let institutions = catalogue::load_institutions(&mut connection).await?;
    let procedures = catalogue::load_procedures(&mut connection).await?;
    drop(connection);
    let (tables, said, sources) = (files::CATALOGUE.bytes()?, files::SAID.bytes()?, files::PROCEDURE_SOURCES.bytes()?);
    let seeded = catalogue_files::Files { tables: &tables, said: &said, sources: &sources };
    catalogue_files::write::files(&procedures, &institutions, seeded).map_err(broken)
}

/// The outlines of the communes, from the binary itself: reference geometry, the same for every installation.
pub fn outlines() -> Result<HashMap<CommuneCode, geo::MultiPolygon>, JobError> {
    topojson::communes(&files::OUTLINES.bytes()?).map_err(broken)
}
