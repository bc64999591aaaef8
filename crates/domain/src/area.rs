//! Areas: whom a structure serves when its own record doesn't say.

use std::collections::HashMap;

use strum::IntoStaticStr;

use crate::territory::Commune;

/// The area that a kind of structure, or an institution's desk, serves by default, around the commune it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
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

    /// Whether it reaches from the commune a structure stands in to another. `fund` says whether two départements have the
    /// same desk: [`FundAreas::are_together`].
    pub fn reaches(self, seat: &Commune, residence: &Commune, fund: impl Fn(&str, &str) -> bool) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Commune => seat.code == residence.code,
            Self::Epci => seat.code == residence.code || (seat.epci.is_some() && seat.epci == residence.epci),
            Self::Region => seat.departement == residence.departement || (seat.region.is_some() && seat.region == residence.region),
            Self::Departement | Self::Fund => fund(&seat.departement, &residence.departement),
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
#[derive(Debug, Default)]
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

    /// Whether two départements have the same desk of an institution.
    pub fn are_together(&self, institution: &str, territory: Option<&str>, one: &str, other: &str) -> bool {
        if one == other {
            return true;
        }
        let code = |owner: &str, departement: &str| self.code_of.get(&(owner.to_owned(), departement.to_owned()));
        let share = |owner| code(owner, one).is_some_and(|area| code(owner, other) == Some(area));
        // A Crous may unite several académies, and its own list goes before theirs.
        share(institution) || (territory == Some(ACADEMIE) && share(ACADEMIE))
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

    #[test]
    fn départements_of_the_same_fund_are_together() {
        let together = |institution, one, other| areas().are_together(institution, Some("caisse"), one, other);
        assert!(together("msa", "35", "56") && together("msa", "22", "29"));
        assert!(!together("msa", "35", "22"));
        assert!(!together("cpam", "35", "56"), "not listed: each its own");
        assert!(together("cpam", "35", "35"));
    }

    #[test]
    fn académies_are_shared_by_all_that_follow_them() {
        let together = |institution, one, other| areas().are_together(institution, Some("academie"), one, other);
        assert!(together("education", "21", "58") && !together("education", "21", "25"));
        assert!(together("crous", "21", "25"), "its own list unites two");
        assert!(!areas().are_together("caf", Some("departement"), "21", "58"));
    }
}
