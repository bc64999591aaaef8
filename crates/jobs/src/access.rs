//! Who may do what, kept in memory so that no request asks the database: whatever changes is known on every node within some seconds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aiguilleur_domain::access::Grant;
use aiguilleur_storage::access::{self, AccessRecords};
use aiguilleur_storage::issuers::Issuer;
use aiguilleur_storage::organisations::Organisation;
use aiguilleur_storage::partner_keys::PartnerKey;
use aiguilleur_storage::{Database, StorageError};
use arc_swap::ArcSwap;
use uuid::Uuid;

/// How often it is asked whether something changed.
const POLL: Duration = Duration::from_secs(1);

/// Members, keys, issuers and ended sessions, in a form to be asked.
#[derive(Debug, Default)]
pub struct Register {
    revision: i64,
    /// By slug.
    organisations: HashMap<String, Organisation>,
    /// By issuer and subject.
    members: HashMap<(String, String), Vec<Standing>>,
    /// By the key itself.
    keys: HashMap<String, Arc<PartnerKey>>,
    issuers: Vec<Arc<Issuer>>,
    ended: HashSet<Uuid>,
}

/// What somebody is to one organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Slug.
    pub organisation: String,
    pub grant: Grant,
    pub is_removed: bool,
}

impl Register {
    fn of(records: AccessRecords) -> Self {
        let slugs: HashMap<Uuid, String> = records.organisations.iter().map(|one| (one.id, one.slug.clone())).collect();
        let mut members: HashMap<(String, String), Vec<Standing>> = HashMap::new();
        for member in records.members {
            let Some(organisation) = slugs.get(&member.organisation_id).cloned() else { continue };
            let standing = Standing { organisation, grant: member.grant, is_removed: member.removed_at.is_some() };
            members.entry((member.issuer, member.subject)).or_default().push(standing);
        }
        Self {
            revision: records.revision,
            organisations: records.organisations.into_iter().map(|one| (one.slug.clone(), one)).collect(),
            members,
            keys: records.keys.into_iter().map(|key| (key.key.clone(), Arc::new(key))).collect(),
            issuers: records.issuers.into_iter().map(Arc::new).collect(),
            ended: records.ended.into_iter().collect(),
        }
    }

    /// What is known of an organisation beyond its slug.
    pub fn organisation(&self, slug: &str) -> Option<&Organisation> {
        self.organisations.get(slug)
    }

    /// Everything that somebody is here, in any organisation.
    pub fn standings(&self, issuer: &str, subject: &str) -> &[Standing] {
        // Tuples of strings can't be looked up by slices.
        self.members.get(&(issuer.to_owned(), subject.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub fn key(&self, key: &str) -> Option<&Arc<PartnerKey>> {
        self.keys.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &PartnerKey> {
        self.keys.values().map(|key| &**key)
    }

    /// By its URL, as tokens say it.
    pub fn issuer(&self, url: &str) -> Option<&Arc<Issuer>> {
        self.issuers.iter().find(|issuer| issuer.url == url)
    }

    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// Whether a token was refused before its time.
    pub fn is_ended(&self, token_id: Uuid) -> bool {
        self.ended.contains(&token_id)
    }
}

/// The register in force. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Access {
    database: Database,
    current: Arc<ArcSwap<Register>>,
}

impl Access {
    /// Loads the register for the first time.
    pub async fn load(database: &Database) -> Result<Self, StorageError> {
        let register = Register::of(access::load(database).await?);
        Ok(Self { database: database.clone(), current: Arc::new(ArcSwap::from_pointee(register)) })
    }

    pub fn get(&self) -> Arc<Register> {
        self.current.load_full()
    }

    /// Makes what was just changed known here at once; other nodes hear of it within a second or so.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        if access::revision(&self.database).await? != self.get().revision {
            self.current.store(Arc::new(Register::of(access::load(&self.database).await?)));
        }
        Ok(())
    }

    /// Follows the database until dropped. While it is away, what was known stays in force.
    pub async fn follow(self) {
        let mut was_away = false;
        loop {
            tokio::time::sleep(POLL).await;
            match self.refresh().await {
                Ok(()) => was_away = false,
                Err(error) if !was_away => {
                    was_away = true;
                    tracing::warn!(%error, "access can't be asked for; what is known stays in force");
                }
                Err(_) => {}
            }
        }
    }
}
