//! A need: what is asked, for somebody who lives and is somewhere, under some constraints.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::experience::Experience;
use crate::structure::{HelpKind, Kind};
use crate::territory::{CommuneCode, Location};

/// How the person can be helped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[default]
    InPerson,
    Phone,
    Remote,
}

/// The social security scheme: farm workers depend on MSA, not on CAF and CPAM.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    #[default]
    General,
    Agricole,
}

/// How precisely the place is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Only the commune: what lies in it counts as at no distance.
    Commune,
    Address,
    Point,
}

/// A question, parsed: every code in it exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// Slug of the procedure; `None`: not known, places that help with any are wanted.
    pub procedure: Option<String>,
    /// Slug of a procedure about danger that the words let fear: its line comes first whatever the need.
    pub danger: Option<String>,
    /// The commune of today that the person is in.
    pub commune: CommuneCode,
    /// Where distances are measured from.
    pub location: Location,
    pub precision: Precision,
    /// The commune of today that the person lives in; it decides who is competent.
    pub residence: CommuneCode,
    /// The commune of the birth, the marriage or the death that an act is about, as it was given: an arrondissement has its own town hall.
    pub event_commune: Option<CommuneCode>,
    pub at: DateTime<Utc>,
    pub max_distance_m: Option<u32>,
    /// Kinds of structure wanted; empty: all.
    pub kinds: Vec<Kind>,
    pub help_kind: Option<HelpKind>,
    pub channel: Channel,
    /// No appointment possible.
    pub drop_in: bool,
    /// ISO 639-1.
    pub language: Option<String>,
    pub wheelchair: bool,
    pub regime: Regime,
    /// What past referrals tell, where the installation lets it count.
    pub experience: Option<Arc<Experience>>,
    /// How many options at most.
    pub limit: usize,
}
