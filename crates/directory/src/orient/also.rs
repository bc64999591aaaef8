//! What goes with the options: help with computers beside an online procedure, help with the administrations beside digital help.

use aiguilleur_domain::need::{Channel, Precision};
use aiguilleur_domain::ranking::{LOCAL_M, whole_metres};
use aiguilleur_domain::reason::Pairing;
use aiguilleur_domain::structure::Kind;

use super::{Also, Choice, ChoiceTarget, Search};
use crate::Nearby;
use crate::door::Door;
use crate::layer::{Class, Entry};

/// The group of the catalogue's digital procedures.
const DIGITAL: &str = "numerique";
const AT_MOST: usize = 2;
/// How many are looked at for one in the commune, which goes before a nearer one elsewhere.
const TRIED: usize = 4;

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
            let spaces = self.beside(&[Class::Kind(Kind::FranceServices)], |_| true);
            // The nearest, unless it is an option already.
            let nearest = spaces.into_iter().next().filter(|(entry, _)| !offered(entry));
            return nearest.map(|(entry, metres)| Also { entry, why: Pairing::AdministrativeHelp { metres } }).into_iter().collect();
        }
        if self.procedure.official_url.is_none() {
            return Vec::new();
        }
        let classes = [Class::Kind(Kind::EspaceNumerique), Class::Kind(Kind::Mediatheque), Class::Group(DIGITAL.to_owned(), None)];
        let places = self.beside(&classes, |entry| !offered(entry)).into_iter().take(AT_MOST);
        places.map(|(entry, metres)| Also { entry, why: Pairing::DigitalHelp { metres } }).collect()
    }

    /// The nearest structures of some classes that this person may go to, with metres to them unless they are in the commune.
    fn beside(&self, classes: &[Class], is_wanted: impl Fn(&Entry) -> bool) -> Vec<(&'d Entry, Option<u32>)> {
        let Some(mut near) = classes.iter().map(|class| self.serving(class)).reduce(Nearby::and) else { return Vec::new() };
        let near = std::iter::from_fn(|| near.next_within(LOCAL_M));
        let own = near.filter(|(door, _)| door.is_own() && self.obstacle(door).is_none() && is_wanted(door.entry));
        let mut found: Vec<(Door<'d>, f64)> = own.take(TRIED).collect();
        let in_commune = |door: &Door<'_>| self.need.precision == Precision::Commune && door.commune() == self.need.commune;
        // What lies in the commune counts as at no distance.
        found.sort_by_key(|(door, _)| !in_commune(door));
        found.into_iter().map(|(door, metres)| (door.entry, Some(whole_metres(metres)).filter(|_| !in_commune(&door)))).collect()
    }
}
