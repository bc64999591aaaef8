//! `fund_areas.csv`: the funds and académies that span several départements.

use aiguilleur_domain::area::FundArea;
use serde::Deserialize;

use crate::seed::{Seeds, lines, list};

pub fn read(bytes: &[u8]) -> Seeds<FundArea> {
    #[derive(Deserialize)]
    struct Line {
        institution: String,
        code: String,
        name: String,
        departements: String,
    }
    lines("fund_areas.csv", bytes, |line: Line| {
        let departements = list(&line.departements);
        if departements.len() < 2 {
            return Err("a fund of one département needs no line".to_owned());
        }
        Ok(FundArea { institution: line.institution, code: line.code, name: line.name, departements })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use aiguilleur_domain::area::ACADEMIE;

    use super::*;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/../../seed-data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn no_département_has_two_of_the_same_sort() {
        let departements: HashSet<String> =
            crate::seed::names(&file("departements.csv")).unwrap().into_iter().map(|(code, _)| code).collect();
        let mut seen = HashSet::new();
        for area in read(&file("fund_areas.csv")).unwrap() {
            for departement in area.departements {
                assert!(departements.contains(&departement), "{departement}");
                assert!(seen.insert((area.institution.clone(), departement.clone())), "{} {departement}", area.institution);
            }
        }
    }

    #[test]
    fn every_institution_named_has_areas_of_several_départements() {
        let institutions = crate::seed::institutions(&file("institutions.csv"), chrono::NaiveDate::default()).unwrap();
        for area in read(&file("fund_areas.csv")).unwrap() {
            let known = institutions.iter().any(|body| body.slug == area.institution && body.territory.is_some());
            assert!(known || area.institution == ACADEMIE, "{}", area.institution);
        }
    }
}
