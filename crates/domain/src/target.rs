//! The one table that maps every target named in the catalogue to a structure kind, an institution's desk
//! or a capability that a structure must declare.

use std::fmt;

use crate::structure::Kind;

/// Whom a rule of the catalogue means by one of its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Any structure of that kind.
    Kind(Kind),
    /// The institution's own desks.
    Desk(&'static str),
    /// Structures of that kind which declare the procedure or its group; `None`: of any kind.
    Declared(Option<Kind>),
    /// The town hall of the commune of an event (birth, marriage, death), which a place of residence doesn't tell.
    EventTownHall,
    /// Reached at a distance or through a professional: no place to send anybody to.
    NoPlace,
}

const TABLE: &[(&str, Target)] = &[
    ("adil", Target::Kind(Kind::Adil)),
    ("association", Target::Declared(Some(Kind::Association))),
    ("avocat", Target::Declared(None)),
    ("banque", Target::NoPlace),
    ("banque_de_france", Target::Desk("banque-de-france")),
    ("bibliotheque", Target::Kind(Kind::Mediatheque)),
    ("bureau_poste", Target::Kind(Kind::BureauDePoste)),
    ("caf", Target::Desk("caf")),
    ("carsat", Target::Desk("carsat")),
    ("ccas", Target::Kind(Kind::CcasCias)),
    ("centre_contact_citoyens", Target::NoPlace),
    ("chambre_consulaire", Target::Declared(None)),
    ("cidff", Target::Kind(Kind::Cidff)),
    ("conciliateur", Target::Declared(None)),
    ("consulat", Target::Desk("consulat")),
    ("cpam", Target::Desk("cpam")),
    ("delegue_defenseur_droits", Target::Kind(Kind::DelegueDefenseurDesDroits)),
    ("dgfip", Target::Desk("dgfip")),
    ("ecrivain_public", Target::Kind(Kind::EcrivainPublic)),
    // A child's school is one school, not the nearest.
    ("etablissement", Target::Declared(Some(Kind::EtablissementScolaire))),
    ("france_renov", Target::Declared(None)),
    ("france_services", Target::Kind(Kind::FranceServices)),
    ("france_travail", Target::Desk("france-travail")),
    ("guichet_enregistreur", Target::Declared(None)),
    ("information_jeunesse", Target::Kind(Kind::InformationJeunesse)),
    ("inspection_travail", Target::Declared(None)),
    ("mairie", Target::Kind(Kind::Mairie)),
    ("mairie_equipee", Target::Declared(Some(Kind::Mairie))),
    ("mairie_naissance", Target::EventTownHall),
    ("maison_associations", Target::Declared(None)),
    ("mdph", Target::Desk("mdph")),
    ("mediation_familiale", Target::Declared(None)),
    ("mediation_numerique", Target::Kind(Kind::EspaceNumerique)),
    ("mission_locale", Target::Kind(Kind::MissionLocale)),
    ("msa", Target::Desk("msa")),
    ("notaire", Target::Declared(None)),
    ("pass_hopital", Target::Declared(None)),
    ("pharmacie", Target::NoPlace),
    ("pimms", Target::Kind(Kind::PimmsMediation)),
    ("point_conseil_budget", Target::Kind(Kind::PointConseilBudget)),
    ("point_justice", Target::Kind(Kind::PointJustice)),
    ("point_numerique_prefecture", Target::Kind(Kind::PointNumeriquePrefecture)),
    ("police_gendarmerie", Target::Kind(Kind::PoliceGendarmerie)),
    ("prefecture", Target::Desk("prefecture")),
    // A referent contact is never a place; it appears in the answer's own part.
    ("referent_caf", Target::NoPlace),
    ("region", Target::Desk("region")),
    ("service_social_departement", Target::Kind(Kind::MaisonDesSolidarites)),
    ("siao_115", Target::Kind(Kind::Siao)),
    ("spada", Target::Kind(Kind::Spada)),
    ("udaf", Target::Kind(Kind::Udaf)),
    ("urssaf", Target::Desk("urssaf")),
];

impl Target {
    /// What a word of the catalogue means; `None` when the table doesn't know it.
    pub fn parse(word: &str) -> Option<Self> {
        TABLE.binary_search_by(|(known, _)| (*known).cmp(word)).ok().and_then(|index| TABLE.get(index)).map(|(_, target)| *target)
    }

    /// Every word of the table, in order.
    pub fn words() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(word, _)| *word)
    }

    /// Farm workers depend on MSA where others depend on CAF and CPAM (code rural L723-1 and following).
    #[must_use]
    pub fn for_farm_workers(self) -> Self {
        match self {
            Self::Desk(institution) if is_for_general_scheme(institution) => Self::Desk(FARM_FUND),
            other => other,
        }
    }
}

/// The fund of farm workers.
const FARM_FUND: &str = "msa";

fn is_for_general_scheme(institution: &str) -> bool {
    matches!(institution, "caf" | "cpam" | "carsat" | "urssaf")
}

/// The institution in charge of a farm worker where another is of everybody else.
pub fn institution_for_farm_workers(institution: &str) -> &str {
    if is_for_general_scheme(institution) { FARM_FUND } else { institution }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => formatter.write_str((*kind).into()),
            Self::Desk(institution) => write!(formatter, "guichet:{institution}"),
            Self::Declared(Some(kind)) => write!(formatter, "declared:{}", <&str>::from(*kind)),
            Self::Declared(None) => formatter.write_str("declared"),
            Self::EventTownHall => formatter.write_str("mairie:event"),
            Self::NoPlace => formatter.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
