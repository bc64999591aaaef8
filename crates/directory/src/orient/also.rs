//! What goes with the options: help with computers beside an online procedure, help with the administrations beside digital help.

use aiguilleur_domain::need::{Channel, Precision};
use aiguilleur_domain::ranking::{LOCAL_M, whole_metres};
use aiguilleur_domain::reason::Pairing;
use aiguilleur_domain::structure::Kind;

use super::{Also, Choice, ChoiceTarget, Search};
use crate::door::Door;
use crate::layer::{Class, Entry};

/// The group of the catalogue's digital procedures.
const DIGITAL: &str = "numerique";
const AT_MOST: usize = 2;

impl<'d> Search<'d> {
    pub(super) fn also(&self, options: &[Choice<'d>]) -> Vec<Also<'d>> {
        // Nobody in danger is sent to a computer.
        if self.need.channel == Channel::Remote || self.is_danger {
            return Vec::new();
        }
        let offered = |wanted: &Entry| {
            options.iter().any(|option| matches!(&option.target, ChoiceTarget::Structure(door) if std::ptr::eq(door.entry, wanted)))
        };
        if self.procedure.group == DIGITAL {
            let spaces = self.beside(&[Class::Kind(Kind::FranceServices)]);
            // The nearest, unless it is an option already.
            let nearest = spaces.into_iter().next().filter(|(entry, _)| !offered(entry));
            return nearest.map(|(entry, metres)| Also { entry, why: Pairing::AdministrativeHelp { metres } }).into_iter().collect();
        }
        if self.procedure.official_url.is_none() {
            return Vec::new();
        }
        let classes = [Class::Kind(Kind::EspaceNumerique), Class::Kind(Kind::Mediatheque), Class::Declares(DIGITAL.to_owned())];
        let places = self.beside(&classes).into_iter().filter(|(entry, _)| !offered(entry)).take(AT_MOST);
        places.map(|(entry, metres)| Also { entry, why: Pairing::DigitalHelp { metres } }).collect()
    }

    /// The nearest structures of some classes that this person may go to, with metres to them unless they are in the commune.
    fn beside(&self, classes: &[Class]) -> Vec<(&'d Entry, Option<u32>)> {
        // Enough that some are left when the options have taken theirs.
        let enough = self.need.limit + AT_MOST;
        let mut found: Vec<(&'d Entry, f64)> = Vec::new();
        for class in classes {
            let near = self.directory.nearest(class, self.need.location).take_while(|(_, distance)| *distance <= LOCAL_M);
            let declares = |entry: &Entry, word: &str| entry.structure.groups.iter().any(|group| group == word);
            let near = near.filter(|(entry, _)| {
                let door = Door::own(entry);
                let is_itself = match class {
                    Class::Declares(word) => declares(entry, word),
                    class => door.is_of(class),
                };
                is_itself && self.competence(&door).is_some() && self.obstacle(&door).is_none()
            });
            found.extend(near.take(enough));
        }
        found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.structure.id.cmp(&b.0.structure.id)));
        found.dedup_by_key(|(entry, _)| entry.structure.id);
        let in_commune = |entry: &Entry| self.need.precision == Precision::Commune && entry.structure.commune == self.need.commune;
        // What lies in the commune counts as at no distance.
        found.sort_by_key(|(entry, _)| !in_commune(entry));
        found.into_iter().map(|(entry, metres)| (entry, Some(whole_metres(metres)).filter(|_| !in_commune(entry)))).collect()
    }
}
