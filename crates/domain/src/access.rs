//! Who may do what, and where: roles, and the part of the country in which they count.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// What an agent is to an organisation. Spelt in tokens as here, in `snake_case`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Refers people, and follows what became of them.
    Mediator,
    /// A partner's tool; refers people where its organisation was given the right to.
    Partner,
    /// Keeps the records of the structures that its organisation runs.
    StructureEditor,
    /// Keeps an institution's contacts, on a territory.
    InstitutionEditor,
    /// Sees a territory's figures, never a case.
    NetworkManager,
    /// Keeps organisations, members, keys and issuers; sees no case either.
    Administrator,
}

impl Role {
    /// What it is called, in French.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mediator => "médiateur ou médiatrice",
            Self::Partner => "outil partenaire",
            Self::StructureEditor => "gestionnaire de lieux",
            Self::InstitutionEditor => "gestionnaire d'un organisme",
            Self::NetworkManager => "responsable de réseau",
            Self::Administrator => "administrateur ou administratrice",
        }
    }
}

/// The part of the country where a right counts: départements by their INSEE code, or the whole of it. An empty one is nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Territory(Vec<String>);

impl Territory {
    /// The whole country.
    pub const COUNTRY: &'static str = "FR";
    /// Départements and overseas collectivities that one may name: there are 110 or so.
    pub const MOST: usize = 120;

    /// From codes such as `35`, `2A`, `974` or `FR`; sorted, each once.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse<S: AsRef<str>>(codes: &[S]) -> Result<Self, String> {
        let mut parsed = Vec::with_capacity(codes.len());
        for code in codes {
            let code = code.as_ref();
            if code != Self::COUNTRY && !is_departement(code) {
                return Err(code.chars().take(80).collect());
            }
            parsed.push(code.to_owned());
        }
        parsed.sort();
        parsed.dedup();
        Ok(Self(parsed))
    }

    pub fn codes(&self) -> &[String] {
        &self.0
    }

    /// Whether a right on this territory counts in a département.
    pub fn covers(&self, departement: &str) -> bool {
        self.0.iter().any(|code| code == Self::COUNTRY || code == departement)
    }

    /// Whether they share a département.
    pub fn touches(&self, other: &Self) -> bool {
        let is_country = |codes: &[String]| codes.iter().any(|code| code == Self::COUNTRY);
        let either_is_country = is_country(&self.0) || is_country(&other.0);
        (either_is_country && !self.0.is_empty() && !other.0.is_empty()) || self.0.iter().any(|code| other.0.contains(code))
    }

    /// Whether it is no larger than another.
    pub fn lies_in(&self, other: &Self) -> bool {
        self.0.iter().all(|code| other.covers(code))
    }

    /// How large it is, in départements; the whole country is the largest.
    pub fn breadth(&self) -> usize {
        if self.covers(Self::COUNTRY) { usize::MAX } else { self.0.len() }
    }
}

/// Whether it is the code of a département, or of an overseas collectivity, of today (INSEE).
fn is_departement(code: &str) -> bool {
    let is_digits = code.bytes().all(|byte| byte.is_ascii_digit());
    match (code.len(), code.parse::<u16>()) {
        (2, Ok(number)) => is_digits && (1..=95).contains(&number) && number != 20,
        (3, Ok(number)) => is_digits && matches!(number, 971..=978 | 984 | 986..=989),
        _ => matches!(code, "2A" | "2B"),
    }
}

/// What somebody was given: roles, and for some of them an institution or a territory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub roles: Vec<Role>,
    /// Slug of the institution whose contacts an institution editor keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<String>,
    /// Where an institution editor or a network manager counts as one; where a mediator works.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub territory: Territory,
}

impl Grant {
    pub fn of(roles: &[Role]) -> Self {
        Self { roles: roles.to_vec(), ..Self::default() }
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether it lets keep an institution's contacts on a territory: the editor's own institution, within the editor's own territory.
    pub fn edits_institution(&self, institution: &str, territory: &Territory) -> bool {
        self.has(Role::InstitutionEditor) && self.institution.as_deref() == Some(institution) && territory.lies_in(&self.territory)
    }

    /// What is missing for its roles to mean anything, in French; none when it is whole.
    pub fn fault(&self) -> Option<&'static str> {
        let needs_territory = self.has(Role::InstitutionEditor) || self.has(Role::NetworkManager);
        if self.roles.is_empty() {
            Some("Un rôle au moins est attendu.")
        } else if self.has(Role::InstitutionEditor) != self.institution.is_some() {
            Some("Un organisme (« institution ») va avec le rôle « institution_editor », et avec lui seul.")
        } else if needs_territory && self.territory.codes().is_empty() {
            Some("Ce rôle demande un territoire : des codes de département, ou « FR » pour tout le pays.")
        } else if !needs_territory && !self.has(Role::Mediator) && !self.territory.codes().is_empty() {
            Some("Un territoire ne va qu'avec les rôles « mediator », « institution_editor » et « network_manager ».")
        } else {
            None
        }
    }
}

fn is_nowhere(territory: &Territory) -> bool {
    territory.codes().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor(institution: &str, territory: &[&str]) -> Grant {
        Grant {
            roles: vec![Role::InstitutionEditor],
            institution: Some(institution.to_owned()),
            territory: Territory::parse(territory).unwrap(),
        }
    }

    #[test]
    fn territories_are_departements_or_the_country() {
        for code in ["01", "35", "2A", "2B", "971", "976", "95", "FR"] {
            assert!(Territory::parse(&[code]).is_ok(), "{code}");
        }
        for code in ["", "0", "1", "20", "35238", "2C", "fr", "é1", "3 5", "99", "00", "97", "+1", "979"] {
            assert!(Territory::parse(&[code]).is_err(), "{code}");
        }
        assert_eq!(Territory::parse(&["35", "22", "35"]).unwrap().codes(), ["22", "35"]);
    }

    #[test]
    fn territories_touch_where_they_share_a_departement() {
        let of = |codes: &[&str]| Territory::parse(codes).unwrap();
        for (one, other, touch) in [
            (&["35", "22"][..], &["22"][..], true),
            (&["35"], &["22"], false),
            (&["FR"], &["974"], true),
            (&["FR"], &["FR"], true),
            (&["FR"], &[], false),
            (&[], &[], false),
        ] {
            assert_eq!(of(one).touches(&of(other)), touch, "{one:?} {other:?}");
            assert_eq!(of(other).touches(&of(one)), touch, "{other:?} {one:?}");
        }
        assert!(of(&["35"]).lies_in(&of(&["FR"])) && !of(&["FR"]).lies_in(&of(&["35"])));
        assert!(of(&["35", "22"]).breadth() < of(&["FR"]).breadth());
    }

    #[test]
    fn an_institution_editor_edits_one_institution_on_one_territory() {
        let edits = |grant: &Grant, institution: &str, territory: &[&str]| {
            grant.edits_institution(institution, &Territory::parse(territory).unwrap())
        };
        let caf = editor("caf", &["35", "22"]);
        assert!(edits(&caf, "caf", &["35"]) && edits(&caf, "caf", &["22", "35"]));
        assert!(!edits(&caf, "caf", &["29"]) && !edits(&caf, "caf", &["29", "35"]), "another territory");
        assert!(!edits(&caf, "caf", &["FR"]), "a larger one");
        assert!(!edits(&caf, "cpam", &["35"]), "another institution");
        assert!(!edits(&editor("caf", &[]), "caf", &["35"]), "an empty territory is nowhere");
        assert!(edits(&editor("caf", &["FR"]), "caf", &["974", "FR"]));
        let manager = Grant { roles: vec![Role::NetworkManager], ..editor("caf", &["35"]) };
        assert!(!edits(&manager, "caf", &["35"]), "another role");
    }

    #[test]
    fn a_grant_that_means_nothing_is_told() {
        assert_eq!(Grant::of(&[Role::Mediator]).fault(), None);
        assert_eq!(editor("caf", &["35"]).fault(), None);
        for wrong in [
            Grant::default(),
            Grant::of(&[Role::InstitutionEditor]),
            Grant::of(&[Role::NetworkManager]),
            editor("caf", &[]),
            Grant { institution: Some("caf".to_owned()), ..Grant::of(&[Role::Mediator]) },
            Grant { territory: Territory::parse(&["35"]).unwrap(), ..Grant::of(&[Role::Partner]) },
        ] {
            assert!(wrong.fault().is_some(), "{wrong:?}");
        }
    }
}
