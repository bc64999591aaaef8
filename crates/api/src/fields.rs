//! The fields of a request, from its query or its JSON body alike: parsed to values, with everything that is wrong told at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use aiguilleur_domain::code;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use strum::VariantArray;
use uuid::Uuid;

use crate::problem::{FieldError, Kind, Problem, not_allowed};

/// Faults told at once.
const MAX_ERRORS: usize = 20;
/// Values taken in one list.
const MAX_WORDS: usize = 50;

/// Named raw values and what was found wrong with them so far.
#[derive(Debug)]
pub struct Fields {
    origin: Origin,
    values: BTreeMap<String, Raw>,
    /// Named in a body with nothing in them.
    nulls: BTreeSet<String>,
    errors: RefCell<Vec<(Kind, FieldError)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Query,
    /// Names are JSON pointers without their first slash: `target/type`.
    Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Raw {
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<Raw>),
}

/// A moment, known to the day or exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

impl Fields {
    /// Reads a query string. `known` names the parameters of the operation.
    ///
    /// # Errors
    /// 400 on a name that isn't known or comes twice, and on bytes that are not UTF-8.
    pub fn from_query(query: &str, known: &[String]) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        let mut errors = Vec::new();
        let wrong = |name: &str, detail: String, allowed: Vec<String>| FieldError {
            pointer: None,
            parameter: Some(name.to_owned()),
            detail,
            allowed,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                let shown = decode(name).unwrap_or_else(|| "?".to_owned());
                errors.push(wrong(&shown, "Ce paramètre n'est pas de l'UTF-8 valide.".to_owned(), Vec::new()));
                continue;
            };
            if errors.len() >= MAX_ERRORS {
                break;
            }
            if !known.contains(&name) {
                // What is known is said once.
                let allowed = if errors.is_empty() { known.to_vec() } else { Vec::new() };
                errors.push(wrong(&name, format!("« {name} » n'est pas un paramètre d'ici."), allowed));
            } else if values.insert(name.clone(), Raw::Text(value)).is_some() {
                errors.push(wrong(&name, format!("« {name} » est donné deux fois."), Vec::new()));
            }
        }
        if errors.is_empty() {
            Ok(Self { origin: Origin::Query, values, nulls: BTreeSet::new(), errors: RefCell::default() })
        } else {
            Err(Problem::fields(Kind::MalformedRequest, errors))
        }
    }

    /// Reads a JSON object; objects within it are flattened (`target/type`), and so are those in its lists (`closures/0/from`, known as
    /// `closures/#/from`). Null is the same as absent, but for [`Fields::is_null`].
    ///
    /// # Errors
    /// 400 when it isn't an object, holds a NUL character, or names a field that isn't known.
    pub fn from_json(body: Value, known: &[String]) -> Result<Self, Problem> {
        let Value::Object(object) = body else {
            return Err(Problem::new(Kind::MalformedRequest, "Le corps doit être un objet JSON."));
        };
        let mut fields = Self { origin: Origin::Body, values: BTreeMap::new(), nulls: BTreeSet::new(), errors: RefCell::default() };
        fields.read_object(object, "", "", known);
        let errors = fields.errors.take();
        if errors.is_empty() {
            Ok(fields)
        } else {
            Err(Problem::fields(Kind::MalformedRequest, errors.into_iter().map(|(_, error)| error).collect()))
        }
    }

    /// `pattern` is the prefix with a `#` for each place in a list.
    fn read_object(&mut self, object: serde_json::Map<String, Value>, prefix: &str, pattern: &str, known: &[String]) {
        for (key, value) in object {
            let (name, pattern) = (format!("{prefix}{key}"), format!("{pattern}{key}"));
            let (inner, inner_pattern, items_pattern) = (format!("{name}/"), format!("{pattern}/"), format!("{pattern}/#/"));
            let holds_objects = known.iter().any(|known| known.starts_with(&items_pattern));
            if !known.iter().any(|known| *known == pattern || known.starts_with(&inner_pattern)) {
                if self.errors.borrow().len() >= MAX_ERRORS {
                    return;
                }
                let allowed = if self.errors.borrow().is_empty() { known.to_vec() } else { Vec::new() };
                self.report_with(Kind::MalformedRequest, &name, format!("« {name} » n'est pas un champ d'ici."), allowed);
            } else if holds_objects && !value.is_null() {
                self.read_items(value, &name, &items_pattern, known);
            } else if let Value::Object(object) = value {
                if known.contains(&pattern) {
                    self.report(Kind::MalformedRequest, &name, "Une valeur simple est attendue ici, pas un objet.");
                } else {
                    self.read_object(object, &inner, &inner_pattern, known);
                }
            } else if value.is_null() {
                self.nulls.insert(name);
            } else {
                match raw(value) {
                    Some(raw) if known.contains(&pattern) => drop(self.values.insert(name, raw)),
                    Some(_) => self.report(Kind::MalformedRequest, &name, "Un objet JSON est attendu ici."),
                    None => self.report(Kind::MalformedRequest, &name, "Cette valeur ne peut pas être lue."),
                }
            }
        }
    }

    fn read_items(&mut self, value: Value, name: &str, pattern: &str, known: &[String]) {
        let Value::Array(items) = value else {
            return self.report(Kind::MalformedRequest, name, "Une liste d'objets est attendue ici.");
        };
        if items.len() > MAX_WORDS {
            return self.report(Kind::InvalidValue, name, format!("{MAX_WORDS} valeurs au plus."));
        }
        self.values.insert(name.to_owned(), Raw::List(vec![Raw::Flag(true); items.len()]));
        for (item, index) in items.into_iter().zip(0_usize..) {
            let place = format!("{name}/{index}");
            match item {
                Value::Object(object) => self.read_object(object, &format!("{place}/"), pattern, known),
                _ => self.report(Kind::MalformedRequest, &place, "Un objet JSON est attendu ici."),
            }
        }
    }

    /// How many objects a list holds.
    pub fn items(&self, name: &str) -> usize {
        match self.values.get(name) {
            Some(Raw::List(items)) => items.len(),
            _ => 0,
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a body names it with null: where records are changed, what it says is taken away (RFC 7396).
    pub fn is_null(&self, name: &str) -> bool {
        self.nulls.contains(name)
    }

    /// Nothing wrong was noted so far.
    pub fn is_sound(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// Whether something wrong was noted with a field.
    pub fn is_faulty(&self, name: &str) -> bool {
        let pointer = format!("/{name}");
        self.errors.borrow().iter().any(|(_, error)| error.pointer.as_ref() == Some(&pointer) || error.parameter.as_deref() == Some(name))
    }

    /// Notes something wrong with a field; the request is refused when it is finished.
    pub fn report(&self, kind: Kind, name: &str, detail: impl Into<String>) {
        self.report_with(kind, name, detail, Vec::new());
    }

    /// The same, with what is allowed instead.
    pub fn report_with(&self, kind: Kind, name: &str, detail: impl Into<String>, allowed: Vec<String>) {
        let (pointer, parameter) = match self.origin {
            Origin::Query => (None, Some(name.to_owned())),
            Origin::Body => (Some(format!("/{name}")), None),
        };
        self.errors.borrow_mut().push((kind, FieldError { pointer, parameter, detail: detail.into(), allowed }));
    }

    /// The value parsed so far, or the problem with all that was wrong: 400 if something can't be read at all, else 422.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        let errors = self.errors.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => {
                let malformed = errors.iter().any(|(kind, _)| *kind == Kind::MalformedRequest);
                let kind = if malformed { Kind::MalformedRequest } else { Kind::InvalidValue };
                Err(Problem::fields(kind, errors.into_iter().map(|(_, error)| error).collect()))
            }
        }
    }

    /// Text, not empty, of at most `longest` characters.
    pub fn text(&self, name: &str, longest: usize) -> Option<&str> {
        match self.values.get(name)? {
            Raw::Text(text) if text.contains('\0') => self.refuse(name, "Le caractère nul n'est pas admis."),
            Raw::Text(text) if text.trim().is_empty() => self.refuse(name, "Une valeur est attendue."),
            Raw::Text(text) if text.chars().count() > longest => self.refuse(name, format!("{longest} caractères au plus.")),
            Raw::Text(text) => Some(text),
            _ => self.misread(name, "Un texte est attendu."),
        }
    }

    /// Text of one line, to be shown to people.
    pub fn line(&self, name: &str, longest: usize) -> Option<&str> {
        let text = self.text(name, longest)?;
        if text.chars().any(char::is_control) {
            return self.refuse(name, "Une seule ligne est attendue, sans caractère de commande.");
        }
        Some(text)
    }

    pub fn code<T>(&self, name: &str) -> Option<T>
    where
        T: std::str::FromStr + VariantArray + Copy + Into<&'static str>,
    {
        let Some(Raw::Text(text)) = self.values.get(name) else {
            return self.values.get(name).and_then(|_| self.misread(name, "Un texte est attendu."));
        };
        self.one_code(name, text)
    }

    fn one_code<T>(&self, name: &str, text: &str) -> Option<T>
    where
        T: std::str::FromStr + VariantArray + Copy + Into<&'static str>,
    {
        code::parse(text)
            .map_err(|error| {
                let (detail, allowed) = not_allowed(&error);
                self.report_with(Kind::InvalidValue, name, detail, allowed);
            })
            .ok()
    }

    /// Several words: comma-separated in a query, an array in a body.
    pub fn codes<T>(&self, name: &str) -> Vec<T>
    where
        T: std::str::FromStr + VariantArray + Copy + Into<&'static str>,
    {
        self.codes_with(name, |word| code::parse(word))
    }

    /// Several texts; `wrong` tells what is amiss with one, and what is allowed instead.
    pub fn checked_texts(&self, name: &str, most: usize, wrong: impl Fn(&str) -> Option<(String, Vec<String>)>) -> Vec<String> {
        let texts = self.texts(name, most);
        for (text, index) in texts.iter().zip(0_usize..) {
            if let Some((detail, allowed)) = wrong(text) {
                self.report_with(Kind::InvalidValue, &format!("{name}/{index}"), detail, allowed);
            }
        }
        texts
    }

    /// Several words of a vocabulary that accepts more spellings than its own.
    pub fn codes_with<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, code::NotAllowed>) -> Vec<T> {
        let mut words = self.words(name);
        if words.len() > MAX_WORDS {
            self.report(Kind::InvalidValue, name, format!("{MAX_WORDS} valeurs au plus."));
            return Vec::new();
        }
        words.sort();
        words.dedup();
        let parsed = words.into_iter().map(|word| parse(&word));
        parsed
            .filter_map(|result| {
                result
                    .map_err(|error| {
                        let (detail, allowed) = not_allowed(&error);
                        self.report_with(Kind::InvalidValue, name, detail, allowed);
                    })
                    .ok()
            })
            .collect()
    }

    /// Several texts, each of at most 500 characters.
    pub fn texts(&self, name: &str, most: usize) -> Vec<String> {
        let texts = self.words(name);
        if texts.len() > most {
            self.report(Kind::InvalidValue, name, format!("{most} valeurs au plus."));
        } else if texts.iter().any(|text| text.trim().is_empty() || text.contains('\0') || text.chars().count() > 500) {
            self.report(Kind::InvalidValue, name, "Chaque valeur est un texte de 1 à 500 caractères, sans caractère nul.");
        } else {
            return texts;
        }
        Vec::new()
    }

    fn words(&self, name: &str) -> Vec<String> {
        match (self.origin, self.values.get(name)) {
            (_, None) => Vec::new(),
            (Origin::Query, Some(Raw::Text(text))) => text.split(',').map(|word| word.trim().to_owned()).collect(),
            (_, Some(Raw::List(items))) => {
                let texts: Option<Vec<String>> =
                    items.iter().map(|item| if let Raw::Text(text) = item { Some(text.clone()) } else { None }).collect();
                texts.unwrap_or_else(|| {
                    self.misread::<()>(name, "Une liste de textes est attendue.");
                    Vec::new()
                })
            }
            _ => {
                self.misread::<()>(name, "Une liste est attendue.");
                Vec::new()
            }
        }
    }

    pub fn number(&self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let number = match self.values.get(name)? {
            Raw::Number(number) => *number,
            Raw::Text(text) if self.origin == Origin::Query => match text.parse::<f64>() {
                Ok(number) => number,
                Err(_) => return self.misread(name, "Un nombre est attendu."),
            },
            _ => return self.misread(name, "Un nombre est attendu."),
        };
        if range.contains(&number) {
            Some(number)
        } else {
            self.refuse(name, format!("Un nombre de {} à {} est attendu.", range.start(), range.end()))
        }
    }

    pub fn integer(&self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let bounds = f64::from(*range.start())..=f64::from(*range.end());
        let number = self.number(name, bounds)?;
        if number.fract() != 0.0 {
            return self.refuse(name, "Un nombre entier est attendu.");
        }
        // Within the bounds of a u32, and whole.
        format!("{number:.0}").parse().ok()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name)? {
            Raw::Flag(flag) => Some(*flag),
            Raw::Text(text) if self.origin == Origin::Query && text == "true" => Some(true),
            Raw::Text(text) if self.origin == Origin::Query && text == "false" => Some(false),
            _ => {
                self.report_with(
                    Kind::InvalidValue,
                    name,
                    "« true » ou « false » est attendu.",
                    vec!["true".to_owned(), "false".to_owned()],
                );
                None
            }
        }
    }

    /// RFC 3339.
    pub fn instant(&self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.text(name, 64)?;
        // A plus sign that nobody encoded arrives as a space.
        let parsed = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|instant| instant.to_utc());
        parsed.or_else(|| self.misread(name, "Un instant au format RFC 3339 est attendu, par exemple 2026-11-23T09:30:00Z."))
    }

    /// A day (`2026-11-23`), or an instant (RFC 3339).
    pub fn moment(&self, name: &str) -> Option<Moment> {
        let text = self.text(name, 64)?;
        // Ten characters exactly: chrono would also read 2026-1-5 and the like.
        let day = || (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().map(Moment::Day);
        let instant = || DateTime::parse_from_rfc3339(text).ok().map(|instant| Moment::Instant(instant.to_utc()));
        day().or_else(instant).or_else(|| {
            self.misread(
                name,
                "Une date est attendue, par exemple 2026-11-23, ou un instant au format RFC 3339, par exemple 2026-11-23T09:30:00+01:00.",
            )
        })
    }

    /// A day alone.
    pub fn day(&self, name: &str) -> Option<NaiveDate> {
        match self.moment(name)? {
            Moment::Day(day) => Some(day),
            Moment::Instant(_) => self.refuse(name, "Un jour est attendu, par exemple 2026-11-23."),
        }
    }

    pub fn uuid(&self, name: &str) -> Option<Uuid> {
        let text = self.text(name, 64)?;
        Uuid::parse_str(text).ok().or_else(|| self.misread(name, "Un identifiant UUID est attendu."))
    }

    fn refuse<T>(&self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.report(Kind::InvalidValue, name, detail);
        None
    }

    fn misread<T>(&self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.report(Kind::MalformedRequest, name, detail);
        None
    }
}

/// Percent-decoding that refuses what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn raw(value: Value) -> Option<Raw> {
    match value {
        Value::String(text) => Some(Raw::Text(text)),
        Value::Number(number) => number.as_f64().map(Raw::Number),
        Value::Bool(flag) => Some(Raw::Flag(flag)),
        Value::Array(items) => items.into_iter().map(raw).collect::<Option<_>>().map(Raw::List),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn unknown_and_repeated_parameters_are_malformed() {
        for query in ["a=1&b=2", "a=1&a=2", "a=%FF", "a=%C3%28"] {
            assert_eq!(Fields::from_query(query, &known(&["a"])).unwrap_err().kind(), Kind::MalformedRequest, "{query}");
        }
    }

    #[test]
    fn a_moment_is_a_day_or_an_instant() {
        let read = |text: &str| {
            let fields = Fields::from_json(json!({"on": text}), &known(&["on"])).unwrap();
            let moment = fields.moment("on");
            fields.finish(moment)
        };
        assert_eq!(read("2026-11-23").ok(), Some(Moment::Day("2026-11-23".parse().unwrap())));
        assert_eq!(read("2026-11-23T09:30:00+01:00").ok(), Some(Moment::Instant("2026-11-23T08:30:00Z".parse().unwrap())));
        for text in ["2026-02-30", "2026-1-5", "+2026-1-5", "23/11/2026", "2026-11-23T09:30:00", "hier"] {
            assert_eq!(read(text).unwrap_err().kind(), Kind::MalformedRequest, "{text}");
        }
    }

    #[test]
    fn nan_is_not_a_coordinate() {
        for text in ["NaN", "inf", "-91"] {
            let fields = Fields::from_query(&format!("lat={text}"), &known(&["lat"])).unwrap();
            let lat = fields.number("lat", -90.0..=90.0);
            assert_eq!(fields.finish(lat).unwrap_err().kind(), Kind::InvalidValue, "{text}");
        }
    }

    #[test]
    fn nested_fields_have_pointers() {
        let names = known(&["target/type", "target/id", "mode"]);
        let fields = Fields::from_json(json!({"target": {"type": "structure"}, "mode": null}), &names).unwrap();
        assert_eq!(fields.text("target/type", 20), Some("structure"));
        assert!(!fields.has("mode"));
        let refused = Fields::from_json(json!({"target": {"colour": "red"}}), &names).unwrap_err();
        assert_eq!(refused.document("", "").status_and_pointer(), (400, Some("/target/colour".to_owned())));
        assert!(Fields::from_json(json!({"target": "x"}), &names).is_err());
        assert!(Fields::from_json(json!({"mode": {}}), &names).is_err());
        assert!(Fields::from_json(json!([]), &names).is_err());
    }

    #[test]
    fn lists_of_objects_have_pointers() {
        let names = known(&["closures/#/from", "closures/#/at/lat"]);
        let two = json!({"closures": [{"from": "2026-12-24"}, {"from": "2027-01-02", "at": {"lat": 48}}]});
        let fields = Fields::from_json(two, &names).unwrap();
        assert_eq!((fields.items("closures"), fields.text("closures/1/from", 20)), (2, Some("2027-01-02")));
        assert_eq!(fields.number("closures/1/at/lat", 0.0..=90.0), Some(48.0));
        let refused = Fields::from_json(json!({"closures": [{}, {"colour": "red"}]}), &names).unwrap_err();
        assert_eq!(refused.document("", "").status_and_pointer(), (400, Some("/closures/1/colour".to_owned())));
        for wrong in [json!({"closures": {}}), json!({"closures": [3]}), json!({"closures": "x"}), json!({"closures": vec![json!({}); 51]})]
        {
            assert!(Fields::from_json(wrong, &names).is_err());
        }
    }

    impl crate::problem::ProblemDocument {
        fn status_and_pointer(&self) -> (u64, Option<String>) {
            let document = serde_json::to_value(self).unwrap();
            let pointer = document["errors"][0]["pointer"].as_str().map(str::to_owned);
            (document["status"].as_u64().unwrap(), pointer)
        }
    }
}
