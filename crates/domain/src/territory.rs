//! Places: positions, communes and what a territory code covers.

use std::borrow::Cow;
use std::fmt;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A position, degrees WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lon: f64,
}

/// The mean radius of the Earth in metres (IUGG), as used by the haversine formula.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Location {
    /// `None` when a coordinate is not a number or lies outside the globe.
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        let inside = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        inside.then_some(Self { lat, lon })
    }

    /// Metres as the crow flies (haversine on a sphere; at most 0.5 % from the ellipsoid).
    pub fn distance_m(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat_b - lat_a) / 2.0).sin();
        let half_lon = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let square = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * square.sqrt().min(1.0).asin()
    }
}

/// An INSEE commune code: five characters, `2A004` in Corsica included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommuneCode([u8; 5]);

impl CommuneCode {
    /// Accepts the form only; whether such a commune exists is the directory's to say.
    pub fn parse(code: &str) -> Option<Self> {
        let mut characters = code.chars();
        let first = characters.next()?;
        let second = characters.next()?;
        let rest = characters.as_str();
        let sound = first.is_ascii_digit()
            && (second.is_ascii_digit() || (first == '2' && matches!(second, 'A' | 'B')))
            && rest.len() == 3
            && rest.bytes().all(|byte| byte.is_ascii_digit());
        code.as_bytes().try_into().ok().filter(|_| sound).map(Self)
    }

    /// The code of the town hall that keeps an arrondissement's registers: Paris Centre's since 2020, a sector's in Marseille (CGCT
    /// L2511-3 and L2511-5); anywhere else, its own.
    pub fn registry(&self) -> &str {
        match self.as_str() {
            "75101" | "75102" | "75103" | "75104" => "75103",
            "13201" | "13207" => "13201",
            "13202" | "13203" => "13202",
            "13204" | "13205" => "13205",
            "13206" | "13208" => "13208",
            "13209" | "13210" => "13209",
            "13211" | "13212" => "13212",
            "13213" | "13214" => "13214",
            "13215" | "13216" => "13215",
            own => own,
        }
    }

    pub fn as_str(&self) -> &str {
        // Digits and letters, as parsed.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The département, or the overseas territory, that the code itself names: `35`, `2A`, `974`, `988`.
    pub fn departement(&self) -> &str {
        let length = if self.0.starts_with(b"97") || self.0.starts_with(b"98") { 3 } else { 2 };
        self.as_str().get(..length).unwrap_or_default()
    }
}

impl fmt::Display for CommuneCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for CommuneCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl Serialize for CommuneCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CommuneCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not a commune's code"))
    }
}

/// What a commune code stands for, in INSEE's `TYPECOM` words.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray, Serialize, utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum CommuneKind {
    /// A commune of today (`COM`).
    #[strum(serialize = "COM", to_string = "commune")]
    Commune,
    /// An arrondissement of Paris, Lyon or Marseille (`ARM`).
    #[strum(serialize = "ARM", to_string = "arrondissement")]
    Arrondissement,
    /// A delegated commune of a new commune (`COMD`).
    #[strum(serialize = "COMD", to_string = "delegated")]
    Delegated,
    /// An associated commune (`COMA`).
    #[strum(serialize = "COMA", to_string = "associated")]
    Associated,
    /// A code that no longer stands for anything of its own.
    #[strum(serialize = "ANC", to_string = "former")]
    Former,
}

/// A grouping of communes that has a name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray, Serialize, utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum AreaKind {
    /// An intercommunality, by its SIREN.
    Epci,
    Departement,
    Region,
}

/// A commune of today, or a code that resolves to one.
#[derive(Debug, Clone, PartialEq)]
pub struct Commune {
    pub code: CommuneCode,
    pub kind: CommuneKind,
    pub name: String,
    /// The commune of today; itself when `kind` is [`CommuneKind::Commune`].
    pub resolves_to: CommuneCode,
    pub postal_codes: Vec<String>,
    pub population: Option<i32>,
    /// SIREN of the intercommunality.
    pub epci: Option<String>,
    pub departement: String,
    pub region: Option<String>,
    pub centre: Option<Location>,
    pub time_zone: Tz,
}

impl Commune {
    /// The codes by which a territory may cover this commune: its own, and those of its EPCI, département and région.
    pub fn areas(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let own = [Some(self.code.as_str()), Some(self.departement.as_str()), self.epci.as_deref()];
        let region = self.region.as_ref().map(|region| Cow::Owned(format!("R{region}")));
        own.into_iter().flatten().map(Cow::Borrowed).chain(region)
    }

    /// Whether a territory, written as codes, covers this commune: its own code, or that of its EPCI,
    /// département or région (`R53`: région codes are prefixed, since some equal a département's).
    pub fn lies_in(&self, territory: &[String]) -> bool {
        territory.iter().any(|code| {
            code == self.code.as_str()
                || *code == self.departement
                || Some(code) == self.epci.as_ref()
                || (self.region.is_some() && code.strip_prefix('R') == self.region.as_deref())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commune_codes() {
        for code in ["35238", "2A004", "97105", "98818", "01001"] {
            assert!(CommuneCode::parse(code).is_some(), "{code}");
        }
        for code in ["", "3523", "352380", "3A001", "2C001", "2a004", "35 38", "３５２３８"] {
            assert!(CommuneCode::parse(code).is_none(), "{code}");
        }
        assert_eq!(CommuneCode::parse("97411").unwrap().departement(), "974");
        assert_eq!(CommuneCode::parse("2B033").unwrap().departement(), "2B");
    }

    #[test]
    fn areas_are_the_codes_that_cover_it() {
        let code = CommuneCode::parse("35238").unwrap();
        let commune = Commune {
            code,
            kind: CommuneKind::Commune,
            name: "Rennes".to_owned(),
            resolves_to: code,
            postal_codes: Vec::new(),
            population: None,
            epci: Some("243500139".to_owned()),
            departement: "35".to_owned(),
            region: Some("53".to_owned()),
            centre: None,
            time_zone: chrono_tz::Europe::Paris,
        };
        for code in ["35238", "35", "243500139", "R53", "53", "35001", "R11"] {
            let is_area = commune.areas().any(|area| area == code);
            assert_eq!(commune.lies_in(&[code.to_owned()]), is_area, "{code}");
        }
    }

    #[test]
    fn measures_a_known_distance() {
        let rennes = Location::new(48.1147, -1.6794).unwrap();
        let brest = Location::new(48.3904, -4.4861).unwrap();
        assert!((rennes.distance_m(brest) - 210_000.0).abs() < 2_000.0);
        assert!(Location::new(f64::NAN, 0.0).is_none());
    }
}
