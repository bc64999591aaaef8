//! Referent contacts, kept in memory so that no question asks the database: a change is known on every node within a second or so.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aiguilleur_domain::referent::{Kept, Told, Wish, choose};
use aiguilleur_storage::{Database, StorageError, referents};
use arc_swap::ArcSwap;
use uuid::Uuid;

/// How often it is asked whether something changed.
const POLL: Duration = Duration::from_millis(500);

/// All of them, in a form to be asked.
#[derive(Debug, Default)]
pub struct Book {
    revision: i64,
    /// By id, within each institution.
    by_institution: HashMap<String, Vec<Kept>>,
    /// Institution of each.
    institutions: BTreeMap<Uuid, String>,
}

impl Book {
    fn of(revision: i64, all: Vec<Kept>) -> Self {
        let mut book = Self { revision, ..Self::default() };
        for kept in all {
            book.institutions.insert(kept.referent.id, kept.referent.institution.clone());
            book.by_institution.entry(kept.referent.institution.clone()).or_default().push(kept);
        }
        book
    }

    /// Those of an institution that are for a need, best first.
    pub fn choose<'a>(&'a self, institution: &str, wish: &Wish<'_>) -> Vec<Told<'a>> {
        self.by_institution.get(institution).map_or_else(Vec::new, |all| choose(all, wish))
    }

    /// Those of an institution, by id.
    pub fn of_institution(&self, institution: &str) -> &[Kept] {
        self.by_institution.get(institution).map_or(&[], Vec::as_slice)
    }

    pub fn find(&self, id: Uuid) -> Option<&Kept> {
        self.of_institution(self.institutions.get(&id)?).iter().find(|kept| kept.referent.id == id)
    }

    /// Every one after an id, by id.
    pub fn after(&self, id: Option<Uuid>) -> impl Iterator<Item = &Kept> {
        let after = id.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.institutions.range((after, std::ops::Bound::Unbounded)).filter_map(|(id, _)| self.find(*id))
    }
}

/// The book in force. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Referents {
    database: Database,
    current: Arc<ArcSwap<Book>>,
}

impl Referents {
    /// Reads the book for the first time.
    pub async fn load(database: &Database) -> Result<Self, StorageError> {
        let (revision, all) = referents::load(database).await?;
        Ok(Self { database: database.clone(), current: Arc::new(ArcSwap::from_pointee(Book::of(revision, all))) })
    }

    pub fn get(&self) -> Arc<Book> {
        self.current.load_full()
    }

    /// Makes what was just changed known here at once.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        if referents::revision(&self.database).await? != self.get().revision {
            let (revision, all) = referents::load(&self.database).await?;
            self.current.store(Arc::new(Book::of(revision, all)));
        }
        Ok(())
    }

    /// Follows the database until dropped. While it is away, what was known is still told; none is shown.
    pub async fn follow(self) {
        let mut was_away = false;
        loop {
            tokio::time::sleep(POLL).await;
            match self.refresh().await {
                Ok(()) => was_away = false,
                Err(error) if !was_away => {
                    was_away = true;
                    tracing::warn!(%error, "referents can't be asked for; what is known is still told");
                }
                Err(_) => {}
            }
        }
    }
}
