//! Where nobody inside an institution can be reached: in which départements it has no live referent contact.

use crate::access::Territory;

/// A contact that answers: neither suspended nor past the day by which it was to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveContact {
    /// Slug of the institution.
    pub institution: String,
    pub territory: Territory,
}

/// An institution, and where it has nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap<'a> {
    /// Slug of the institution.
    pub institution: &'a str,
    /// Codes, in the order asked.
    pub departements: Vec<&'a str>,
}

/// The gaps among these institutions and départements, in the order asked; an institution with somebody everywhere has none.
pub fn gaps<'a>(institutions: &[&'a str], departements: &[&'a str], live: &[LiveContact]) -> Vec<Gap<'a>> {
    let gap_of = |institution: &'a str| {
        let own: Vec<&LiveContact> = live.iter().filter(|contact| contact.institution == institution).collect();
        let has_nobody = |departement: &&str| !own.iter().any(|contact| contact.territory.covers(departement));
        Gap { institution, departements: departements.iter().copied().filter(has_nobody).collect() }
    };
    institutions.iter().map(|institution| gap_of(institution)).filter(|gap| !gap.departements.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(institution: &str, territory: &[&str]) -> LiveContact {
        LiveContact { institution: institution.to_owned(), territory: Territory::parse(territory).unwrap() }
    }

    #[test]
    fn a_gap_is_a_departement_that_no_contact_covers() {
        let contacts = [live("caf", &["35"]), live("cpam", &["FR"]), live("msa", &[])];
        let found = gaps(&["caf", "cpam", "msa"], &["22", "35"], &contacts);
        assert_eq!(
            found,
            [Gap { institution: "caf", departements: vec!["22"] }, Gap { institution: "msa", departements: vec!["22", "35"] }],
            "a contact for the country is one everywhere, one for nowhere none"
        );
        assert!(gaps(&["caf"], &[], &contacts).is_empty());
    }
}
