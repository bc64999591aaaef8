//! Communes in memory: by code, by name, by postal code, and by the position that lies in them.

use std::collections::HashMap;

use aiguilleur_domain::structure::Structure;
use aiguilleur_domain::territory::{AreaKind, Commune, CommuneCode, CommuneKind, Location};
use aiguilleur_domain::text::normalise;
use foldhash::fast::FixedState;
use geo::{BoundingRect, Closest, ClosestPoint, Contains, MultiPolygon, Point};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use crate::kd_tree::KdTree;

/// A point this near to a coast belongs to its commune: outlines are simplified, quays are not in them. Metres.
const SHORE_M: f64 = 1_000.0;
/// The same along a land border, where the other side is abroad.
const BORDER_M: f64 = 30.0;
/// The corners of the country that has a French commune on every side but the sea, degrees WGS 84: latitude, longitude.
const MONACO: [(f64, f64); 2] = [(43.7235, 7.4085), (43.7525, 7.4410)];
/// Around the centre of a commune whose outline isn't known (overseas collectivities). Metres.
const CENTRE_REACH_M: f64 = 15_000.0;
/// A degree of latitude holds at least this many metres.
const METRES_PER_DEGREE: f64 = 110_574.0;

/// A commune's name after one of these words is a part of a street's.
const LEADS_TO_A_STREET_NAME: [&str; 25] = [
    "allee",
    "av",
    "avenue",
    "bd",
    "boulevard",
    "chemin",
    "cours",
    "d",
    "de",
    "des",
    "du",
    "faubourg",
    "impasse",
    "l",
    "la",
    "le",
    "les",
    "pl",
    "place",
    "quai",
    "route",
    "rte",
    "rue",
    "sentier",
    "square",
];

/// A part of the country, by number: a commune, an intercommunality, a département, a région.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(u32);

impl Zone {
    /// Everybody's.
    pub const EVERYWHERE: Self = Self(0);
    /// Nobody's.
    pub(crate) const NOWHERE: Self = Self(u32::MAX);
}

/// The zones that a commune lies in: [`Zone::EVERYWHERE`], then its own, its département's, its intercommunality's, its région's.
pub type Zones = [Zone; 5];

const NO_ZONES: Zones = [Zone::EVERYWHERE, Zone::NOWHERE, Zone::NOWHERE, Zone::NOWHERE, Zone::NOWHERE];

/// The communes, whatever their kind, with the outlines of those of today.
#[derive(Debug, Default)]
pub struct Territory {
    communes: Vec<Commune>,
    /// The commune of today where a code stands for several things, else what it is.
    by_code: HashMap<CommuneCode, usize, FixedState>,
    /// Of each code that an area is written with: its own number.
    zone_by_code: HashMap<String, Zone, FixedState>,
    /// Of each commune.
    zones: Vec<Zones>,
    names: Vec<String>,
    outlines: Vec<MultiPolygon>,
    boxes: RTree<OutlineBox>,
    /// Centres of the communes without an outline.
    centres: KdTree<u32>,
    area_names: HashMap<(AreaKind, String), String>,
}

/// An outline's bounds, with the numbers of its commune and of itself.
type OutlineBox = GeomWithData<Rectangle<(f64, f64)>, (usize, usize)>;

/// What a commune code led to.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'t> {
    /// The commune of today.
    pub commune: &'t Commune,
    /// What the code itself stands for, when it isn't that.
    pub from: Option<&'t Commune>,
}

impl Territory {
    /// `outlines`: degrees WGS 84, by code of communes of today.
    pub fn new(mut communes: Vec<Commune>, outlines: HashMap<CommuneCode, MultiPolygon>) -> Self {
        communes.sort_by(|a, b| (&a.code, a.kind).cmp(&(&b.code, b.kind)));
        let mut by_code = HashMap::with_capacity_and_hasher(communes.len(), FixedState::default());
        for (index, commune) in communes.iter().enumerate() {
            by_code.entry(commune.code).or_insert(index);
        }
        let mut boxes = Vec::with_capacity(outlines.len());
        let mut kept = Vec::with_capacity(outlines.len());
        let mut has_outline = vec![false; communes.len()];
        for (code, outline) in outlines {
            let (Some(&commune), Some(bounds)) = (by_code.get(&code), outline.bounding_rect()) else { continue };
            let rectangle = Rectangle::from_corners(bounds.min().x_y(), bounds.max().x_y());
            boxes.push(GeomWithData::new(rectangle, (commune, kept.len())));
            kept.push(outline);
            has_outline.get_mut(commune).into_iter().for_each(|known| *known = true);
        }
        let centres = communes.iter().zip(0..).zip(&has_outline).filter_map(|((commune, index), has_outline)| {
            let alone = commune.kind == CommuneKind::Commune && !has_outline;
            commune.centre.filter(|_| alone).map(|centre| (centre, index))
        });
        let mut zone_by_code: HashMap<String, Zone, FixedState> = HashMap::default();
        let zones = communes.iter().map(|commune| {
            let mut zones = NO_ZONES;
            for (zone, area) in zones.iter_mut().skip(1).zip(commune.areas()) {
                let next = Zone(u32::try_from(zone_by_code.len() + 1).unwrap_or(u32::MAX));
                *zone = *zone_by_code.entry(area.into_owned()).or_insert(next);
            }
            zones
        });
        Self {
            zones: zones.collect(),
            zone_by_code,
            centres: KdTree::build(centres),
            names: communes.iter().map(|commune| normalise(&commune.name)).collect(),
            by_code,
            outlines: kept,
            boxes: RTree::bulk_load(boxes),
            communes,
            area_names: HashMap::new(),
        }
    }

    /// The same, with the names of intercommunalities, départements and régions, by their codes.
    #[must_use]
    pub fn with_area_names(self, area_names: HashMap<(AreaKind, String), String>) -> Self {
        Self { area_names, ..self }
    }

    pub fn area_name(&self, kind: AreaKind, code: &str) -> Option<&str> {
        self.area_names.get(&(kind, code.to_owned())).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.communes.is_empty()
    }

    pub fn communes(&self) -> &[Commune] {
        &self.communes
    }

    /// The commune of today that a code, current or not, leads to.
    pub fn resolve(&self, code: &CommuneCode) -> Option<Resolved<'_>> {
        let found = self.get(*code)?;
        if found.kind == CommuneKind::Commune {
            return Some(Resolved { commune: found, from: None });
        }
        let commune = self.get(found.resolves_to).filter(|commune| commune.kind == CommuneKind::Commune)?;
        Some(Resolved { commune, from: Some(found) })
    }

    fn get(&self, code: CommuneCode) -> Option<&Commune> {
        self.by_code.get(&code).and_then(|&index| self.communes.get(index))
    }

    /// The zones that a commune of today lies in.
    pub fn zones_of(&self, commune: &CommuneCode) -> Zones {
        self.by_code.get(commune).and_then(|&index| self.zones.get(index)).copied().unwrap_or(NO_ZONES)
    }

    /// The zone that a code stands for, written as [`Commune::areas`] does; `None` when no commune lies in it.
    pub fn zone(&self, code: &str) -> Option<Zone> {
        self.zone_by_code.get(code).copied()
    }

    /// The commune of today in which a position lies; `None` at sea and abroad.
    pub fn locate(&self, location: Location) -> Option<&Commune> {
        let point = Point::new(location.lon, location.lat);
        let around = self.boxes.locate_in_envelope_intersecting(&AABB::from_point((location.lon, location.lat)));
        let inside = around.map(|found| found.data).find(|(_, outline)| self.outlines.get(*outline).is_some_and(|it| it.contains(&point)));
        let index =
            inside.map(|(commune, _)| commune).or_else(|| self.on_the_shore(location)).or_else(|| self.around_a_centre(location))?;
        self.communes.get(index)
    }

    /// Whether a position lies in a commune of today, or no farther than so many metres from it.
    pub fn lies_within(&self, location: Location, commune: &CommuneCode, metres: f64) -> bool {
        let is_it = |index: usize| self.communes.get(index).is_some_and(|it| it.code == *commune && it.kind == CommuneKind::Commune);
        self.outlines_around(location, metres).any(|(_, index)| is_it(index)) || self.around_a_centre(location).is_some_and(is_it)
    }

    fn on_the_shore(&self, location: Location) -> Option<usize> {
        let [(south, west), (north, east)] = MONACO;
        let by_monaco = (south..=north).contains(&location.lat) && (west..=east).contains(&location.lon);
        self.outlines_around(location, if by_monaco { BORDER_M } else { SHORE_M })
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, commune)| commune)
    }

    /// Outlines no farther than so many metres, with the distance (zero inside) and the number of their commune.
    fn outlines_around(&self, location: Location, metres: f64) -> impl Iterator<Item = (f64, usize)> {
        let reach_lat = metres / METRES_PER_DEGREE;
        let reach_lon = reach_lat / location.lat.to_radians().cos().max(0.01);
        let envelope =
            AABB::from_corners((location.lon - reach_lon, location.lat - reach_lat), (location.lon + reach_lon, location.lat + reach_lat));
        let point = Point::new(location.lon, location.lat);
        let near = self.boxes.locate_in_envelope_intersecting(&envelope).filter_map(move |found| {
            let (commune, outline) = found.data;
            let closest = match self.outlines.get(outline)?.closest_point(&point) {
                Closest::Intersection(closest) | Closest::SinglePoint(closest) => closest,
                Closest::Indeterminate => return None,
            };
            Some((location.distance_m(Location { lat: closest.y(), lon: closest.x() }), commune))
        });
        near.filter(move |(distance, _)| *distance <= metres)
    }

    fn around_a_centre(&self, location: Location) -> Option<usize> {
        let (index, distance) = self.centres.nearest(location).next()?;
        (distance <= CENTRE_REACH_M).then_some(index).and_then(|index| usize::try_from(index).ok())
    }

    /// Where a structure stands, for measuring: its own position, else the centre of its commune.
    pub fn position_of(&self, structure: &Structure) -> Option<Location> {
        structure.location.or_else(|| self.get(structure.commune).and_then(|commune| commune.centre))
    }

    /// Communes by name, best first: the very name, then those that begin so, contain it, or are spelt nearly so;
    /// the most populous first among equals.
    pub fn named(&self, asked: &str) -> Vec<&Commune> {
        let asked = normalise(asked);
        if asked.is_empty() {
            return Vec::new();
        }
        self.matching(|name| {
            if name == asked {
                Some(3.0)
            } else if name.starts_with(&asked) {
                Some(2.0)
            } else if name.contains(&asked) {
                Some(1.0)
            } else {
                nearness(name, &asked)
            }
        })
    }

    fn matching(&self, score: impl Fn(&str) -> Option<f64>) -> Vec<&Commune> {
        let mut found: Vec<(f64, &Commune)> =
            self.communes.iter().zip(&self.names).filter_map(|(commune, name)| score(name).map(|score| (score, commune))).collect();
        found.sort_by(|(score_a, a), (score_b, b)| {
            score_b.total_cmp(score_a).then(b.population.cmp(&a.population)).then_with(|| (&a.code, a.kind).cmp(&(&b.code, b.kind)))
        });
        found.into_iter().map(|(_, commune)| commune).collect()
    }

    /// The commune of today of that normalised name in a département, when there is exactly one.
    pub fn only_one_named(&self, departement: &str, plain_name: &str) -> Option<&Commune> {
        let mut named = self.communes.iter().zip(&self.names).filter(|(commune, name)| {
            commune.kind == CommuneKind::Commune && commune.departement == departement && name.as_str() == plain_name
        });
        let (only, _) = named.next()?;
        named.next().is_none().then_some(only)
    }

    /// The commune of today that an address names, when its words leave no doubt: by a postal code, a name, or both.
    /// `12 rue de Rennes` names none: that is a street.
    pub fn named_in(&self, address: &str) -> Option<&Commune> {
        let plain = normalise(address);
        let unabridged = |word| match word {
            "st" => "saint",
            "ste" => "sainte",
            word => word,
        };
        let mut words: Vec<&str> = plain.split(' ').map(unabridged).collect();
        let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        // What comes after the commune says nothing of it: « cedex 7 », « France ».
        if let Some(cedex) = words.iter().rposition(|word| *word == "cedex")
            && words.iter().skip(cedex + 1).all(|word| is_number(word) || *word == "france")
        {
            words.truncate(cedex);
        }
        words.truncate(words.iter().rposition(|word| *word != "france").map_or(0, |last| last + 1));
        let Some(at) = words.iter().rposition(|word| word.len() == 5 && is_number(word)) else {
            return self.named_at_the_end(&words, None);
        };
        let (before, after) = words.split_at(at);
        let (postal_code, after) = after.split_first()?;
        let sharing = self.with_postal_code(postal_code);
        match sharing.as_slice() {
            [] => self.named_at_the_end(&words, Some(postal_code)),
            // « 35510 Rennes » contradicts itself.
            [only] => Some(*only).filter(|only| {
                let said = self.only_one_named(&only.departement, &after.join(" "));
                said.is_none_or(|said| said.code == only.code)
            }),
            several => only_longest(several.iter().copied(), |commune| {
                let name = normalise(&commune.name);
                let is_said =
                    if after.is_empty() { ends_with(before, &name) } else { after.starts_with(&name.split(' ').collect::<Vec<_>>()) };
                is_said.then_some(name.len())
            }),
        }
    }

    /// The commune whose name ends an address. A postal code that no commune has (a firm's own) tells the département.
    fn named_at_the_end(&self, words: &[&str], postal_code: Option<&str>) -> Option<&Commune> {
        let in_departement =
            |commune: &Commune| postal_code.is_none_or(|code| code.starts_with(commune.departement.trim_end_matches(['A', 'B'])));
        let today = self.communes.iter().zip(&self.names).filter(|(commune, _)| commune.kind == CommuneKind::Commune);
        let here = today.filter(|(commune, _)| in_departement(commune));
        only_longest(here, |(_, name)| ends_with(words, name).then_some(name.len())).map(|(commune, _)| commune)
    }

    /// Communes of today that share a postal code, the most populous first.
    pub fn with_postal_code(&self, postal_code: &str) -> Vec<&Commune> {
        let mut found: Vec<&Commune> = self
            .communes
            .iter()
            .filter(|commune| commune.kind == CommuneKind::Commune && commune.postal_codes.iter().any(|code| code == postal_code))
            .collect();
        found.sort_by_key(|commune| std::cmp::Reverse(commune.population));
        found
    }

    /// Communes of today whose name or code is spelt most like an unknown code, at most three.
    pub fn similar(&self, unknown: &str) -> Vec<&Commune> {
        let plain = unknown.trim().to_ascii_uppercase();
        let asked = normalise(unknown);
        let mut near: Vec<(f64, bool, &Commune)> = self
            .communes
            .iter()
            .zip(&self.names)
            .filter(|(commune, _)| commune.kind == CommuneKind::Commune)
            .filter_map(|(commune, name)| {
                let by_code = Some(strsim::osa_distance(commune.code.as_str(), &plain)).filter(|edits| *edits <= 2);
                let by_code = by_code.map(|edits| if edits < 2 { 0.96 } else { 0.9 });
                let score = by_code.or_else(|| nearness(name, &asked))?;
                Some((score, plain.starts_with(&commune.departement), commune))
            })
            .collect();
        near.sort_by(|(a, near_a, one), (b, near_b, other)| {
            b.total_cmp(a).then(near_b.cmp(near_a)).then(other.population.cmp(&one.population))
        });
        near.into_iter().take(3).map(|(_, _, commune)| commune).collect()
    }
}

/// Whether an address ends with a commune's name that isn't a part of a street's.
fn ends_with(words: &[&str], name: &str) -> bool {
    let name: Vec<&str> = name.split(' ').collect();
    words.strip_suffix(name.as_slice()).is_some_and(|before| before.last().is_none_or(|word| !LEADS_TO_A_STREET_NAME.contains(word)))
}

/// The longest of those that have a length, when there is exactly one: « Saint-Germain-sur-Ille » holds « Saint-Germain » too.
fn only_longest<T>(items: impl Iterator<Item = T>, length: impl Fn(&T) -> Option<usize>) -> Option<T> {
    let mut found: Option<(usize, Option<T>)> = None;
    for item in items {
        let Some(length) = length(&item) else { continue };
        match &mut found {
            Some((longest, _)) if *longest > length => {}
            Some((longest, only)) if *longest == length => *only = None,
            found => *found = Some((length, Some(item))),
        }
    }
    found?.1
}

/// How nearly two normalised names are spelt alike, when they are.
fn nearness(name: &str, asked: &str) -> Option<f64> {
    Some(strsim::jaro_winkler(name, asked)).filter(|score| *score > 0.88)
}

#[cfg(test)]
mod tests {
    use geo::polygon;

    use super::*;

    fn commune(code: &str, kind: CommuneKind, name: &str, resolves_to: &str, centre: Option<(f64, f64)>) -> Commune {
        let code = CommuneCode::parse(code).unwrap();
        Commune {
            departement: code.departement().to_owned(),
            code,
            kind,
            name: name.to_owned(),
            resolves_to: CommuneCode::parse(resolves_to).unwrap(),
            postal_codes: vec!["35000".to_owned()],
            population: Some(1000),
            epci: None,
            region: None,
            centre: centre.and_then(|(lat, lon)| Location::new(lat, lon)),
            time_zone: chrono_tz::Europe::Paris,
        }
    }

    fn territory() -> Territory {
        let communes = vec![
            commune("35238", CommuneKind::Commune, "Rennes", "35238", Some((48.11, -1.68))),
            commune("35051", CommuneKind::Commune, "Cesson-Sévigné", "35051", Some((48.12, -1.60))),
            commune("75112", CommuneKind::Arrondissement, "Paris 12e", "75056", None),
            commune("75056", CommuneKind::Commune, "Paris", "75056", Some((48.86, 2.35))),
            commune("97801", CommuneKind::Commune, "Saint-Martin", "97801", Some((18.07, -63.05))),
        ];
        let west = polygon![(x: -1.75, y: 48.05), (x: -1.63, y: 48.05), (x: -1.63, y: 48.15), (x: -1.75, y: 48.15)];
        let east = polygon![(x: -1.63, y: 48.05), (x: -1.55, y: 48.05), (x: -1.55, y: 48.15), (x: -1.63, y: 48.15)];
        let outlines = [("35238", west), ("35051", east)];
        Territory::new(communes, outlines.map(|(code, shape)| (CommuneCode::parse(code).unwrap(), shape.into())).into())
    }

    #[test]
    fn a_position_lies_in_one_commune() {
        let territory = territory();
        let at = |lat, lon| territory.locate(Location::new(lat, lon).unwrap()).map(|commune| commune.name.as_str());
        assert_eq!(at(48.10, -1.70), Some("Rennes"));
        assert_eq!(at(48.10, -1.60), Some("Cesson-Sévigné"));
        assert_eq!(at(48.10, -1.545), Some("Cesson-Sévigné"), "just off its shore");
        assert_eq!(at(48.10, -1.40), None, "at sea");
        assert_eq!(at(18.10, -63.10), Some("Saint-Martin"), "no outline: around its centre");
    }

    #[test]
    fn codes_lead_to_the_commune_of_today() {
        let territory = territory();
        let resolved = territory.resolve(&CommuneCode::parse("75112").unwrap()).unwrap();
        assert_eq!((resolved.commune.name.as_str(), resolved.from.map(|from| from.name.as_str())), ("Paris", Some("Paris 12e")));
        assert!(territory.resolve(&CommuneCode::parse("35999").unwrap()).is_none());
    }

    #[test]
    fn a_position_may_be_a_little_outside() {
        let territory = territory();
        let within =
            |lat, lon, code, metres| territory.lies_within(Location::new(lat, lon).unwrap(), &CommuneCode::parse(code).unwrap(), metres);
        assert!(within(48.10, -1.70, "35238", 0.0));
        assert!(within(48.10, -1.627, "35238", 500.0), "220 m into the next commune");
        assert!(!within(48.10, -1.61, "35238", 500.0));
        assert!(!within(48.10, -1.70, "35051", 500.0));
        assert!(within(18.10, -63.10, "97801", 500.0), "no outline: around its centre");
        assert!(!within(48.10, -1.70, "75112", 500.0), "not a commune of today");
    }

    #[test]
    fn an_address_names_a_commune_or_none() {
        let mut communes = vec![
            commune("35238", CommuneKind::Commune, "Rennes", "35238", None),
            commune("35051", CommuneKind::Commune, "Cesson-Sévigné", "35051", None),
            commune("35274", CommuneKind::Commune, "Saint-Germain-sur-Ille", "35274", None),
            commune("35273", CommuneKind::Commune, "Saint-Germain", "35273", None),
            commune("17300", CommuneKind::Commune, "La Rochelle", "17300", None),
            commune("70450", CommuneKind::Commune, "La Rochelle", "70450", None),
            commune("2A004", CommuneKind::Commune, "Ajaccio", "2A004", None),
        ];
        for (commune, code) in communes.iter_mut().zip(["35000", "35510", "35250", "35250", "17000", "70120", "20000"]) {
            commune.postal_codes = vec![code.to_owned()];
        }
        let territory = Territory::new(communes, HashMap::new());
        for (address, expected) in [
            ("12 rue de l'Essai 35000 Rennes", Some("35238")),
            ("12 rue de l'Essai, 35000", Some("35238")),
            ("12 rue de Rennes 35510 Cesson Sevigne", Some("35051")),
            ("35250 St Quelquechose", None),
            ("1 rue de Saint-Germain 35250 St Germain sur Ille", Some("35274")),
            ("1 rue du Bourg, Saint Germain, 35250", Some("35273")),
            ("1 rue de Saint-Germain 35250", None),
            ("35510 Rennes", None),
            ("1 rue du Bourg 35250 Saint-Germain-sur-Ille", Some("35274")),
            ("1 rue du Bourg 35250 SAINT GERMAIN", Some("35273")),
            ("place de la mairie, Rennes", Some("35238")),
            ("place de la mairie à Rennes, France", Some("35238")),
            ("35042 RENNES CEDEX", Some("35238")),
            ("17026 La Rochelle Cedex 1", Some("17300")),
            ("3 quai des Essais La Rochelle", None),
            ("1 cours des Essais 20090 Ajaccio", Some("2A004")),
            ("Rennes", Some("35238")),
            ("12 rue de Rennes", None),
            ("12 avenue Rennes", None),
            ("12345", None),
            ("nulle part", None),
            ("cedex", None),
            ("", None),
        ] {
            assert_eq!(territory.named_in(address).map(|commune| commune.code.as_str()), expected, "{address}");
        }
    }

    #[test]
    fn names_are_found_as_people_type_them() {
        let territory = territory();
        assert_eq!(territory.named("cesson sevigne")[0].code.as_str(), "35051");
        assert_eq!(territory.named("rennne")[0].code.as_str(), "35238");
        assert_eq!(territory.similar("35283")[0].departement, "35");
    }
}
