//! Areas: whom a structure serves when its own record doesn't say.

use std::collections::HashMap;

use strum::IntoStaticStr;

use crate::territory::Commune;

/// The area that a kind of structure, or an institution's desk, serves by default, around the commune it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Area {
    Everywhere,
    Commune,
    /// The intercommunality; the commune alone where it belongs to none.
    Epci,
    /// The département, or the several that its fund serves from one (CAF de la Guadeloupe): see [`FundAreas`].
    Departement,
    /// The département alone in collectivities without a région.
    Region,
    /// That of the fund or the académie: see [`FundAreas`].
    Fund,
}

impl Area {
    /// The area of an institution's desks, by the word its record uses. The département where it says nothing.
    pub fn of_institution(territory: Option<&str>) -> Self {
        match territory {
            Some("national") => Self::Everywhere,
            Some("commune") => Self::Commune,
            Some("epci") => Self::Epci,
            Some("region") => Self::Region,
            Some("caisse" | "academie") => Self::Fund,
            _ => Self::Departement,
        }
    }

    /// The codes of what it serves around the commune a structure stands in, as [`Commune::areas`] writes them: it serves the
    /// communes that have one of these among theirs. `None`: everybody. `fund` lists the départements that have the same desk as
    /// one, itself included: [`FundAreas::sharing`].
    pub fn served_from(self, seat: &Commune, fund: impl FnOnce(&str) -> Vec<String>) -> Option<Vec<String>> {
        match self {
            Self::Everywhere => None,
            Self::Commune => Some(vec![seat.code.to_string()]),
            Self::Epci => Some(vec![seat.epci.clone().unwrap_or_else(|| seat.code.to_string())]),
            Self::Region => Some(vec![seat.region.as_ref().map_or_else(|| seat.departement.clone(), |region| format!("R{region}"))]),
            Self::Departement | Self::Fund => Some(fund(&seat.departement)),
        }
    }
}

/// A fund or an académie that spans several départements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundArea {
    /// Slug of the institution, or [`ACADEMIE`].
    pub institution: String,
    pub code: String,
    pub name: String,
    pub departements: Vec<String>,
}

/// What the areas of all institutions with the territory `academie` are filed under.
pub const ACADEMIE: &str = "academie";

/// Which fund each département belongs to, by institution. One that isn't listed is a fund of its own.
#[derive(Debug, Clone, Default)]
pub struct FundAreas {
    code_of: HashMap<(String, String), String>,
}

impl FundAreas {
    pub fn new(areas: &[FundArea]) -> Self {
        let entries = areas.iter().flat_map(|area| {
            let of = |departement: &String| ((area.institution.clone(), departement.clone()), area.code.clone());
            area.departements.iter().map(of)
        });
        Self { code_of: entries.collect() }
    }

    /// The départements that have the same desk of an institution as this one, itself first.
    pub fn sharing(&self, institution: &str, territory: Option<&str>, departement: &str) -> Vec<String> {
        // A Crous may unite several académies, and its own list goes before theirs.
        let owners = [Some(institution), Some(ACADEMIE).filter(|_| territory == Some(ACADEMIE))];
        let mut shared = vec![departement.to_owned()];
        for owner in owners.into_iter().flatten() {
            let Some(area) = self.code_of.get(&(owner.to_owned(), departement.to_owned())) else { continue };
            let others = self.code_of.iter().filter(|((of, other), code)| of == owner && *code == area && other != departement);
            shared.extend(others.map(|((_, other), _)| other.clone()));
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas() -> FundAreas {
        let area = |institution: &str, code: &str, departements: &str| FundArea {
            institution: institution.to_owned(),
            code: code.to_owned(),
            name: code.to_owned(),
            departements: departements.split(' ').map(str::to_owned).collect(),
        };
        FundAreas::new(&[
            area("msa", "portes-de-bretagne", "35 56"),
            area("msa", "armorique", "22 29"),
            area(ACADEMIE, "dijon", "21 58 71 89"),
            area(ACADEMIE, "besancon", "25 39 70 90"),
            area("crous", "bourgogne-franche-comte", "21 25 39 58 70 71 89 90"),
        ])
    }

    fn together(institution: &str, territory: &str, one: &str, other: &str) -> bool {
        areas().sharing(institution, Some(territory), one).iter().any(|departement| departement == other)
    }

    #[test]
    fn départements_of_the_same_fund_are_together() {
        let together = |institution, one, other| together(institution, "caisse", one, other);
        assert!(together("msa", "35", "56") && together("msa", "22", "29"));
        assert!(!together("msa", "35", "22"));
        assert!(!together("cpam", "35", "56"), "not listed: each its own");
        assert!(together("cpam", "35", "35"));
    }

    #[test]
    fn académies_are_shared_by_all_that_follow_them() {
        let académie = |institution, one, other| together(institution, ACADEMIE, one, other);
        assert!(académie("education", "21", "58") && !académie("education", "21", "25"));
        assert!(académie("crous", "21", "25"), "its own list unites two");
        assert!(!together("caf", "departement", "21", "58"));
    }
}
