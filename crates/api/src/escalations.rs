//! What to do when blocked, written once per procedure and language: it depends on nothing else, and its sentences are many.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_domain::procedure::Procedure;
use arc_swap::ArcSwapOption;
use serde_json::value::{RawValue, to_raw_value};
use strum::VariantArray;

use crate::routes::escalation::{Escalation, escalation};
use crate::texts::Language;

/// Shared by all workers.
#[derive(Debug, Clone, Default)]
pub struct Escalations {
    current: Arc<ArcSwapOption<Written>>,
}

/// Those of one catalogue, as JSON, each written when it is first asked for.
#[derive(Debug)]
pub struct Written {
    catalogue: Arc<Catalogue>,
    by_language: HashMap<Language, HashMap<String, OnceLock<Box<RawValue>>>>,
    /// Both tracks empty: the procedure isn't known.
    none: Box<RawValue>,
}

impl Escalations {
    pub fn of(&self, catalogue: &Arc<Catalogue>) -> Arc<Written> {
        if let Some(written) = self.current.load_full().filter(|written| Arc::ptr_eq(&written.catalogue, catalogue)) {
            return written;
        }
        let written = Arc::new(Written::of(catalogue.clone()));
        self.current.store(Some(written.clone()));
        written
    }
}

impl Written {
    fn of(catalogue: Arc<Catalogue>) -> Self {
        let unwritten = || catalogue.procedures().iter().map(|procedure| (procedure.slug.clone(), OnceLock::new())).collect();
        let by_language = Language::VARIANTS.iter().map(|&language| (language, unwritten())).collect();
        Self { by_language, none: write(&Escalation::default()), catalogue }
    }

    pub fn get(&self, procedure: Option<&Procedure>, language: Language) -> &RawValue {
        let known = procedure.and_then(|it| Some((it, self.by_language.get(&language)?.get(&it.slug)?)));
        known.map_or(&self.none, |(procedure, written)| written.get_or_init(|| write(&escalation(procedure, false, language))))
    }

    /// The same with the step that leads to a referent contact, for whoever may see one.
    pub fn with_referent(procedure: &Procedure, language: Language) -> Box<RawValue> {
        write(&escalation(procedure, true, language))
    }
}

fn write(escalation: &Escalation) -> Box<RawValue> {
    // Texts and numbers under fixed keys: there is nothing in it that can't be written.
    to_raw_value(escalation).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
