//! Structures: the places and bodies that receive people.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::area::Area;
use crate::keeping::Edits;
use crate::territory::{CommuneCode, Location};

/// What kind of place a structure is, in data·inclusion's and the field's words.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    FranceServices,
    CcasCias,
    PimmsMediation,
    Mairie,
    Association,
    EspaceNumerique,
    Mediatheque,
    CentreSocial,
    MaisonDesSolidarites,
    PointJustice,
    PointNumeriquePrefecture,
    MissionLocale,
    PointConseilBudget,
    InformationJeunesse,
    EcrivainPublic,
    DelegueDefenseurDesDroits,
    BureauDePoste,
    Adil,
    Cidff,
    Udaf,
    Spada,
    Siao,
    PoliceGendarmerie,
    EtablissementScolaire,
    /// An institution's own desk; the structure names its institution.
    Guichet,
    Autre,
}

impl Kind {
    /// Reads a kind as the sources spell it: `RFS`, `france-service`, `CCAS`, `PIMMS`, `MSAP`… besides our own spelling.
    ///
    /// # Errors
    /// [`crate::code::NotAllowed`] with our own spellings.
    pub fn from_source(spelling: &str) -> Result<Self, crate::code::NotAllowed> {
        let plain = crate::text::normalise(spelling).replace(' ', "-");
        match plain.as_str() {
            "rfs" | "france-service" | "efs" | "msap" => Ok(Self::FranceServices),
            "ccas" | "cias" => Ok(Self::CcasCias),
            "pimms" => Ok(Self::PimmsMediation),
            "muni" | "mairies" => Ok(Self::Mairie),
            "asso" | "associations" => Ok(Self::Association),
            "bib" | "bibliotheque" => Ok(Self::Mediatheque),
            "ml" => Ok(Self::MissionLocale),
            "mds" | "dept" | "udccas" => Ok(Self::MaisonDesSolidarites),
            _ => crate::code::parse(&plain),
        }
    }

    /// An administration's own counter.
    pub fn is_own_counter(self) -> bool {
        matches!(self, Self::Guichet | Self::PointNumeriquePrefecture)
    }

    /// Over which part of its surroundings a structure of this kind is competent when its record says nothing more.
    /// CCAS: CASF L123-4 and following; social services, prefecture points: the département of residence.
    /// A desk's ([`Kind::Guichet`]) is its institution's: [`Area::of_institution`].
    pub fn default_area(self) -> Area {
        match self {
            Self::CcasCias | Self::Mairie => Area::Commune,
            Self::MaisonDesSolidarites | Self::PointNumeriquePrefecture | Self::Siao | Self::Spada | Self::Adil | Self::Guichet => {
                Area::Departement
            }
            _ => Area::Everywhere,
        }
    }
}

/// How one gets in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Access {
    DropIn,
    /// By appointment only.
    Appointment,
    #[default]
    Unknown,
}

/// The room a structure says it has.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    Open,
    FewPlaces,
    WaitingList,
    Full,
}

/// What a mediator does with somebody; where they stop, they redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum HelpKind {
    /// Creating an account or signing in.
    Account,
    Navigation,
    /// Finding or downloading a file.
    Document,
    /// Filling a form.
    Form,
    Explain,
    Unblock,
    /// Contacting the body in charge.
    Contact,
}

/// A recurring presence at a structure (permanence): who comes, when, for which procedures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Session {
    /// Who holds it, as people call them: « CAF d'Ille-et-Vilaine ».
    pub holder: String,
    /// What the holder is, in the kinds of structures; it decides for what and for whom the session is apt.
    pub kind: Kind,
    /// Slug of the institution, when the holder is one's desk.
    pub institution: Option<String>,
    /// The procedures and groups it is held for; both empty: all that its kind handles.
    pub procedures: Vec<String>,
    pub groups: Vec<String>,
    /// OSM `opening_hours` syntax, in the time of the structure's commune.
    pub opening_hours: Option<String>,
    /// The day on which the hours were last known to be right.
    pub hours_checked_on: Option<NaiveDate>,
    pub access: Access,
    /// How many people are received each time.
    pub places: Option<u16>,
    pub note: Option<String>,
}

impl Session {
    /// Whether it says itself that it is held for the procedure, by name or by its group.
    pub fn declares(&self, procedure: &str, group: &str) -> bool {
        self.procedures.iter().any(|slug| slug == procedure) || self.groups.iter().any(|slug| slug == group)
    }

    /// Whether it is held for all that its kind handles.
    pub fn is_general(&self) -> bool {
        self.procedures.is_empty() && self.groups.is_empty()
    }
}

/// Days on which a structure receives nobody, whatever its hours say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExceptionalClosure {
    /// The first day.
    pub from: NaiveDate,
    /// The last one.
    pub until: NaiveDate,
    /// Why, as people are told: « congés ».
    pub note: Option<String>,
}

impl ExceptionalClosure {
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }
}

/// A place or body that receives people. What is not known is `None` or empty, never guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Structure {
    pub id: Uuid,
    /// Where the record comes from, and its identifier there.
    pub source: String,
    pub source_id: String,
    pub kind: Kind,
    /// The institution whose desk this is (`kind` = [`Kind::Guichet`]).
    pub institution: Option<String>,
    pub name: String,
    pub address: Option<String>,
    pub postal_code: Option<String>,
    /// The commune of today that it stands in.
    pub commune: CommuneCode,
    pub location: Option<Location>,
    /// E.164 (`+33299000000`), or the digits as dialled of a short number.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub website: Option<String>,
    /// OSM `opening_hours` syntax, in the commune's own time.
    pub opening_hours: Option<String>,
    /// The day on which the hours were last known to be right.
    pub hours_checked_on: Option<NaiveDate>,
    pub access: Access,
    /// It moves: the address is only one of its stops.
    pub itinerant: bool,
    pub at_home: Option<bool>,
    /// ISO 639-1.
    pub languages: Vec<String>,
    pub wheelchair: Option<bool>,
    pub free: Option<bool>,
    /// Procedures, and groups of procedures, that it declares.
    pub procedures: Vec<String>,
    pub groups: Vec<String>,
    /// Procedures that it says it doesn't do.
    pub not_offered: Vec<String>,
    pub help_kinds: Vec<HelpKind>,
    pub aidants_connect: Option<bool>,
    pub vouchers: Option<bool>,
    pub capacity: Option<Capacity>,
    /// The last day on which the declared capacity counts.
    pub capacity_until: Option<NaiveDate>,
    /// The area it is competent for: commune, EPCI and département codes, `R53` for a région. Empty: its kind's default.
    pub territory: Vec<String>,
    /// Who else receives people there at times.
    pub sessions: Vec<Session>,
    /// None overlaps another.
    pub closures: Vec<ExceptionalClosure>,
    pub note: Option<String>,
    /// Invented, for demonstration: shown as such in every answer.
    pub demonstration: bool,
    /// Somebody found it wrong, and nobody has settled that yet.
    pub disputed: bool,
    /// Closed for good since that day; kept so that old links say so.
    pub closed_on: Option<NaiveDate>,
    /// The day of the source that the record was last seen in.
    pub source_date: Option<NaiveDate>,
    /// The day on which what the source says of it was taken as it is.
    pub taken_on: NaiveDate,
    /// Slug of the organisation that keeps the record.
    pub keeper: Option<String>,
    /// The fields that were set here, against their source.
    pub edits: Edits,
    /// The last change of the record here.
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

impl Structure {
    /// The namespace of identifiers computed from a source and its own identifier (RFC 9562, version 5).
    pub const NAMESPACE: Uuid = Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);

    /// The stable identifier of a record first seen in `source` as `source_id`.
    pub fn id_from_source(source: &str, source_id: &str) -> Uuid {
        Uuid::new_v5(&Self::NAMESPACE, format!("https://aiguilleur.example/sources/{source}/{source_id}").as_bytes())
    }

    /// A record first seen in `source` as `source_id`, of which nothing more is known.
    pub fn unknown(
        source: &str,
        source_id: &str,
        kind: Kind,
        name: String,
        commune: CommuneCode,
        updated_at: chrono::DateTime<chrono::Utc>,
    ) -> Self {
        Self {
            id: Self::id_from_source(source, source_id),
            source: source.to_owned(),
            source_id: source_id.to_owned(),
            kind,
            institution: None,
            name,
            address: None,
            postal_code: None,
            commune,
            location: None,
            phone: None,
            email: None,
            website: None,
            opening_hours: None,
            hours_checked_on: None,
            access: Access::Unknown,
            itinerant: false,
            at_home: None,
            languages: Vec::new(),
            wheelchair: None,
            free: None,
            procedures: Vec::new(),
            groups: Vec::new(),
            not_offered: Vec::new(),
            help_kinds: Vec::new(),
            aidants_connect: None,
            vouchers: None,
            capacity: None,
            capacity_until: None,
            territory: Vec::new(),
            sessions: Vec::new(),
            closures: Vec::new(),
            note: None,
            demonstration: false,
            disputed: false,
            closed_on: None,
            source_date: None,
            taken_on: updated_at.date_naive(),
            keeper: None,
            edits: Edits::new(),
            updated_at,
        }
    }

    /// Whether it says itself that it handles the procedure, by name or by its group.
    pub fn declares(&self, procedure: &str, group: &str) -> bool {
        self.procedures.iter().any(|slug| slug == procedure) || self.groups.iter().any(|slug| slug == group)
    }

    /// The capacity declared, as long as it counts.
    pub fn capacity_on(&self, day: NaiveDate) -> Option<Capacity> {
        self.capacity.filter(|_| self.capacity_until.is_none_or(|until| day <= until))
    }

    pub fn is_closed(&self) -> bool {
        self.closed_on.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_spellings_of_the_sources() {
        for (spelling, kind) in [
            ("RFS", Kind::FranceServices),
            ("france-service", Kind::FranceServices),
            ("CCAS", Kind::CcasCias),
            ("PIMMS", Kind::PimmsMediation),
            ("centre-social", Kind::CentreSocial),
            ("delegue defenseur des droits", Kind::DelegueDefenseurDesDroits),
        ] {
            assert_eq!(Kind::from_source(spelling), Ok(kind), "{spelling}");
        }
        assert!(Kind::from_source("boulangerie").unwrap_err().allowed.contains(&"france-services"));
    }
}
