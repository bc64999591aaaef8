//! The catalogue: procedures as people name them, the institutions in charge, and the rules that say who is apt.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::escalation::Appeal;
use crate::target::Target;

/// The territory that binds: whose desk, whose CCAS, whose prefecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TerritoryRule {
    National,
    /// Any town hall, whatever the residence.
    CommuneLibre,
    /// The commune of residence.
    Commune,
    CommuneNaissance,
    CommuneEvenement,
    Epci,
    Departement,
    Region,
    /// The fund's own area.
    Caisse,
    Academie,
}

/// Whether the mediator may act for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Mandate {
    No,
    IfActingFor,
    Required,
    PersonalPresence,
}

/// How far France services help with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum FranceServicesHelp {
    Yes,
    Partial,
    No,
}

/// How a row of the catalogue is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Its sources were read.
    Read,
    /// Read in part.
    Part,
    /// From memory: to be verified.
    Memory,
}

/// Where a fact of the catalogue was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FactSource {
    /// The field of the procedure, or of the institution, that the source supports.
    pub field: String,
    pub title: String,
    pub url: Option<String>,
    /// The date the source itself bears, as written there.
    pub date: Option<String>,
}

/// A démarche, as a person names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Procedure {
    pub slug: String,
    pub group: String,
    pub label: String,
    /// What people call it.
    pub synonyms: Vec<String>,
    /// What people say when they need it: who they are, what happened, what it is for.
    pub about: Vec<String>,
    /// The institution in charge, by slug.
    pub institution: String,
    pub official_url: Option<String>,
    pub france_services: FranceServicesHelp,
    pub territory: TerritoryRule,
    pub mandate: Mandate,
    /// The papers to bring.
    pub documents: Vec<String>,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// What it costs the person; `None`: not known.
    pub cost: Option<String>,
    /// How long it usually takes; `None`: not known.
    pub delay: Option<String>,
    /// What people stumble over, one line each.
    pub pitfalls: Vec<String>,
    /// 1 to 4; 4: danger, or hours count.
    pub urgency: i16,
    /// As the catalogue writes it; see [`Hotline::parse`].
    pub hotline: Option<String>,
    /// The apt kinds of target, best first, in the words of [`Target`]'s table.
    pub first_targets: Vec<String>,
    /// The amicable track, in the words of [`crate::escalation::Step`]'s table.
    pub ladder: Vec<String>,
    /// The appeal track, stage by stage.
    pub appeals: Vec<Appeal>,
    /// Identifier of the official sheet on service-public.
    pub sheet: Option<String>,
    /// Danger: the hotline stands first and nothing is ranked above it.
    pub safety: bool,
    /// Handled discreetly: département and month only.
    pub sensitive: bool,
    pub basis: Basis,
    /// What remains to be verified.
    pub doubt: Option<String>,
    pub note: Option<String>,
    pub sources: Vec<FactSource>,
    /// The month in which it was last checked, as its first day.
    pub checked_on: Option<NaiveDate>,
}

impl Procedure {
    /// Read at the source, and without a doubt left.
    pub fn is_verified(&self) -> bool {
        self.basis == Basis::Read && self.doubt.is_none()
    }

    /// The apt targets, best first; words the table doesn't know are passed over (a test forbids them).
    pub fn targets(&self) -> impl Iterator<Item = Target> + '_ {
        self.first_targets.iter().filter_map(|word| Target::parse(word))
    }
}

/// A telephone line for the procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Hotline {
    pub label: String,
    /// Digits as dialled, without spaces.
    pub phone: String,
    pub hours: Option<String>,
}

impl Hotline {
    /// Reads `116 006 (gratuit, 7 jours sur 7, 9 h-20 h)`: the digits, then what is said of them.
    /// `owner` names the line when the text doesn't.
    pub fn parse(text: &str, owner: &str) -> Option<Self> {
        let (number, said) = text.split_once('(').unwrap_or((text, ""));
        let phone: String = number.chars().filter(char::is_ascii_digit).collect();
        let is_hours = |part: &&str| {
            part.contains("jours") || part.contains("24") || part.contains(|it: char| it.is_ascii_digit()) && part.contains(" h")
        };
        let is_price = |part: &&str| part.contains("gratuit") || part.contains("prix");
        let parts: Vec<&str> = said.trim_end_matches(')').split([',', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
        let hours: Vec<&str> = parts.iter().copied().filter(|part| is_hours(part)).collect();
        let words: Vec<&str> = parts.iter().copied().filter(|part| !is_hours(part) && !is_price(part)).collect();
        // « danger : 17 » is a warning, not a name: the line is then called by its number, warning included.
        let label = match words.as_slice() {
            [] => owner.to_owned(),
            words if words.iter().any(|word| word.contains(':')) => text.trim().to_owned(),
            words => words.join(", "),
        };
        (!phone.is_empty()).then(|| Self { label, phone, hours: (!hours.is_empty()).then(|| hours.join(", ")) })
    }
}

/// A body in charge of procedures, with its public channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    pub slug: String,
    /// The short usual name.
    pub label: String,
    pub name: String,
    pub website: Option<String>,
    /// Digits as dialled.
    pub phone: Option<String>,
    pub territory: Option<String>,
    pub former_names: Vec<String>,
    pub sources: Vec<FactSource>,
}

impl Institution {
    /// The fields that say something of it, each of which has its source.
    pub fn stated(&self) -> Vec<&'static str> {
        let optional = [
            ("website", self.website.is_some()),
            ("phone", self.phone.is_some()),
            ("territory", self.territory.is_some()),
            ("former_names", !self.former_names.is_empty()),
        ];
        ["label", "name"].into_iter().chain(optional.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_hotline_apart() {
        let line = Hotline::parse("116 006 (gratuit, 7 jours sur 7, 9 h-20 h)", "France victimes").unwrap();
        assert_eq!(
            (line.phone.as_str(), line.label.as_str(), line.hours.as_deref()),
            ("116006", "France victimes", Some("7 jours sur 7, 9 h-20 h"))
        );
        let line = Hotline::parse("3230", "CAF").unwrap();
        assert_eq!((line.phone.as_str(), line.label.as_str(), line.hours), ("3230", "CAF", None));
        let line = Hotline::parse("3919 (danger : 17, SMS 114)", "Justice").unwrap();
        assert_eq!((line.phone.as_str(), line.label.as_str()), ("3919", "3919 (danger : 17, SMS 114)"));
        let text = "3114 (gratuit, 24 heures sur 24 ; danger immédiat : 15 ou 112, SMS 114)";
        let line = Hotline::parse(text, "Suicide").unwrap();
        assert_eq!((line.label.as_str(), line.hours.as_deref()), (text, Some("24 heures sur 24")));
        assert_eq!(Hotline::parse("", "CAF"), None);
    }
}
