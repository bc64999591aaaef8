//! The catalogue as it is seeded, asked from a hundred communes of the country as it is seeded.

use std::collections::HashSet;
use std::sync::Arc;

use aiguilleur_connectors::seed;
use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::Catalogue;
use aiguilleur_directory::orient::ChoiceTarget;
use aiguilleur_directory::territory::Territory;
use aiguilleur_domain::need::Need;
use aiguilleur_domain::structure::Kind;
use aiguilleur_domain::territory::CommuneKind;

use crate::builders::{need, now};
use crate::heard::seeded_procedures;
use crate::seed_territory::read;

#[test]
fn every_procedure_is_answered_from_a_hundred_communes() {
    let communes = seed::communes(&read("communes.csv")).unwrap();
    let asked: Vec<_> = communes.iter().filter(|it| it.kind == CommuneKind::Commune && it.centre.is_some()).step_by(349).cloned().collect();
    assert!(asked.len() >= 100);
    let procedures = seeded_procedures();
    let institutions = seed::institutions(&read("institutions.csv"), chrono::NaiveDate::default()).unwrap();
    let town_halls = seed::town_halls(&read("town_halls.csv"), now()).unwrap();
    let territory = Territory::new(communes, std::collections::HashMap::new());
    let catalogue = Catalogue::new(procedures.clone(), institutions);
    let directory = Directory::build(1, Arc::new(catalogue), Arc::new(territory), town_halls, now());
    for procedure in &procedures {
        for commune in &asked {
            let need = Need {
                procedure: Some(procedure.slug.clone()),
                commune: commune.code,
                residence: commune.code,
                location: commune.centre.unwrap(),
                ..need()
            };
            let orientation = directory.orient(&need).unwrap();
            assert!(!orientation.options.is_empty(), "{} from {}", procedure.slug, commune.code);
            let first_is_line = matches!(orientation.options[0].target, ChoiceTarget::Hotline(_));
            assert_eq!(first_is_line, procedure.safety, "{}", procedure.slug);
            // With town halls alone on record, whoever is offered as a town hall is that of the residence or free to choose.
            let free: HashSet<&str> = ["mairie_equipee"].into();
            for option in &orientation.options {
                if let ChoiceTarget::Structure(door) = &option.target
                    && door.kind() == Kind::Mairie
                    && !procedure.first_targets.iter().any(|word| free.contains(word.as_str()))
                {
                    assert_eq!(door.structure().commune, commune.code, "{} from {}", procedure.slug, commune.code);
                }
            }
        }
    }
}
