//! Records kept here: which fields an editor may set, what was set against its source, and how any of it is undone.
//!
//! A field that was set keeps beside it what its source says of it, refreshed by every import: giving it back to its source, or going
//! back to an older state of the record, needs nothing else.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::structure::{Kind, Structure};
use crate::territory::CommuneCode;

/// Values of a record, by their keys.
pub type Values = Map<String, Value>;

/// The fields of a structure that were set here.
pub type Edits = BTreeMap<Field, Edit>;

/// A field that an editor may set, by the name it has in requests.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    Address,
    PostalCode,
    Location,
    Phone,
    Email,
    Website,
    /// With the day on which they were checked.
    OpeningHours,
    Access,
    Itinerant,
    AtHome,
    Languages,
    Wheelchair,
    Free,
    Procedures,
    Groups,
    NotOffered,
    HelpKinds,
    AidantsConnect,
    Vouchers,
    /// With the day until which it counts.
    Capacity,
    Territory,
    Sessions,
    Closures,
    Note,
    ClosedOn,
}

/// What else a record says of its place, which no editor may set: that would be another place.
const FIXED: [&str; 4] = ["kind", "institution", "commune", "demonstration"];

/// What is said of a record rather than of its place.
const ABOUT: [&str; 3] = ["edits", "updated_at", "taken_on"];

impl Field {
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The keys of the record that go together.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["name"],
            Self::Address => &["address"],
            Self::PostalCode => &["postal_code"],
            Self::Location => &["location"],
            Self::Phone => &["phone"],
            Self::Email => &["email"],
            Self::Website => &["website"],
            Self::OpeningHours => &["opening_hours", "hours_checked_on"],
            Self::Access => &["access"],
            Self::Itinerant => &["itinerant"],
            Self::AtHome => &["at_home"],
            Self::Languages => &["languages"],
            Self::Wheelchair => &["wheelchair"],
            Self::Free => &["free"],
            Self::Procedures => &["procedures"],
            Self::Groups => &["groups"],
            Self::NotOffered => &["not_offered"],
            Self::HelpKinds => &["help_kinds"],
            Self::AidantsConnect => &["aidants_connect"],
            Self::Vouchers => &["vouchers"],
            Self::Capacity => &["capacity", "capacity_until"],
            Self::Territory => &["territory"],
            Self::Sessions => &["sessions"],
            Self::Closures => &["closures"],
            Self::Note => &["note"],
            Self::ClosedOn => &["closed_on"],
        }
    }

    /// Whether it may be left without a value: any place has a name, and moves or doesn't.
    pub fn may_be_cleared(self) -> bool {
        !matches!(self, Self::Name | Self::Itinerant)
    }

    /// What a record says of it that knows nothing.
    ///
    /// # Errors
    /// [`UnreadableRecord`]; the tests clear every field.
    pub fn cleared(self) -> Result<Values, UnreadableRecord> {
        let commune = CommuneCode::parse("00000").ok_or_else(|| UnreadableRecord("a commune".to_owned()))?;
        let unknown = Structure::unknown("", "", Kind::Autre, String::new(), commune, chrono::DateTime::UNIX_EPOCH);
        Ok(self.values(&record(&unknown)?))
    }

    fn values(self, record: &Values) -> Values {
        self.keys().iter().map(|&key| (key.to_owned(), record.get(key).cloned().unwrap_or_default())).collect()
    }
}

/// How a value came to be set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum EditOrigin {
    Edit,
    /// Somebody proposed it, and whoever keeps the record accepted.
    Suggestion,
}

/// That a field was set here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Slug of the organisation whose agent set it.
    pub by: String,
    pub on: NaiveDate,
    pub origin: EditOrigin,
    /// What the source says of it, by key.
    pub sourced: Values,
}

/// Who sets fields, when and how.
#[derive(Debug, Clone, Copy)]
pub struct Editor<'a> {
    /// Slug of the organisation that it acts for.
    pub by: &'a str,
    pub on: NaiveDate,
    pub origin: EditOrigin,
}

/// What is to be changed of a record. Its values were checked before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// By field, the values of all its keys.
    pub set: BTreeMap<Field, Values>,
    /// Fields to be given back to their source.
    pub revert: BTreeSet<Field>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.revert.is_empty()
    }
}

/// A record whose values are not what the service writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("la fiche ne peut pas être lue : {0}")]
pub struct UnreadableRecord(String);

impl From<serde_json::Error> for UnreadableRecord {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// The source's name; `edit` or `suggestion` for what was set here.
    pub source: &'a str,
    /// Slug of the organisation that set it.
    pub by: Option<&'a str>,
    pub date: NaiveDate,
    pub date_of: DateOf,
}

/// What happened on the day that a provenance tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateOf {
    /// The source was published.
    Publication,
    /// The value was taken from a source that bears no date.
    Import,
    /// The value was set here.
    Edit,
}

impl Structure {
    /// The record with a change made. A value that is there already is not set again.
    ///
    /// # Errors
    /// [`UnreadableRecord`] when a value isn't one of its field.
    pub fn edited(&self, change: &Change, editor: Editor<'_>) -> Result<Self, UnreadableRecord> {
        let (mut record, mut edits) = (record(self)?, self.edits.clone());
        for field in &change.revert {
            if let Some(edit) = edits.remove(field) {
                record.extend(edit.sourced);
            }
        }
        for (field, values) in &change.set {
            let before = field.values(&record);
            if before != *values {
                let sourced = edits.remove(field).map_or(before, |edit| edit.sourced);
                edits.insert(*field, Edit { by: editor.by.to_owned(), on: editor.on, origin: editor.origin, sourced });
                record.extend(values.clone());
            }
        }
        Ok(Self { edits, ..read(record)? })
    }

    /// The record as its source has it: without anything that was set here.
    pub fn as_sourced(&self) -> Result<Self, UnreadableRecord> {
        if self.edits.is_empty() {
            return Ok(self.clone());
        }
        let all = Change { revert: self.edits.keys().copied().collect(), ..Change::default() };
        // Nothing is set: who reverts is told nowhere.
        self.edited(&all, Editor { by: "", on: self.taken_on, origin: EditOrigin::Edit })
    }

    /// What a source says now, with what was set here of the record as it is `known`; and the fields of which the source says otherwise.
    pub fn keeping_edits_of(self, known: &Self) -> Result<(Self, Vec<Field>), UnreadableRecord> {
        if known.edits.is_empty() {
            return Ok((self, Vec::new()));
        }
        let (mut said, known_record) = (record(&self)?, record(known)?);
        let (mut edits, mut kept) = (known.edits.clone(), Vec::new());
        for (field, edit) in &mut edits {
            edit.sourced = field.values(&said);
            let set = field.values(&known_record);
            if edit.sourced != set {
                kept.push(*field);
            }
            said.extend(set);
        }
        Ok((Self { edits, ..read(said)? }, kept))
    }

    /// The record with every field as an older state of it had it. Where the source has changed since and nobody had set the field, it
    /// counts as set now: the next import would change it again without a word.
    pub fn restored(&self, state: &Value, editor: Editor<'_>) -> Result<Self, UnreadableRecord> {
        let then: Self = serde_json::from_value(state.clone())?;
        let (mut record, then_record, sourced) = (record(self)?, record(&then)?, record(&self.as_sourced()?)?);
        let mut edits = Edits::new();
        for &field in Field::VARIANTS {
            let (value, sourced) = (field.values(&then_record), field.values(&sourced));
            if let Some(edit) = then.edits.get(&field) {
                edits.insert(field, Edit { sourced, ..edit.clone() });
            } else if value != sourced {
                edits.insert(field, Edit { by: editor.by.to_owned(), on: editor.on, origin: editor.origin, sourced });
            }
            record.extend(value);
        }
        Ok(Self { edits, ..read(record)? })
    }

    /// Where every value of the record comes from, by key.
    pub fn provenance(&self) -> BTreeMap<&'static str, Provenance<'_>> {
        let sourced = Provenance {
            source: &self.source,
            by: None,
            date: self.source_date.unwrap_or(self.taken_on),
            date_of: if self.source_date.is_some() { DateOf::Publication } else { DateOf::Import },
        };
        let mut all: BTreeMap<&'static str, Provenance<'_>> = FIXED.into_iter().map(|key| (key, sourced.clone())).collect();
        for field in Field::VARIANTS {
            let provenance = self.edits.get(field).map_or_else(
                || sourced.clone(),
                |edit| Provenance { source: edit.origin.into(), by: Some(&edit.by), date: edit.on, date_of: DateOf::Edit },
            );
            all.extend(field.keys().iter().map(|&key| (key, provenance.clone())));
        }
        all
    }

    /// The values of a place that differ between two states of its record: as they were, and as they are.
    pub fn differences(before: &Self, after: &Self) -> Result<(Values, Values), UnreadableRecord> {
        let (mut before, mut after) = (record(before)?, record(after)?);
        let same: Vec<String> = before
            .iter()
            .filter(|(key, value)| ABOUT.contains(&key.as_str()) || after.get(*key) == Some(*value))
            .map(|(key, _)| key.clone())
            .collect();
        for key in same {
            before.remove(&key);
            after.remove(&key);
        }
        Ok((before, after))
    }
}

fn record(structure: &Structure) -> Result<Values, UnreadableRecord> {
    match serde_json::to_value(structure)? {
        Value::Object(record) => Ok(record),
        _ => Err(UnreadableRecord("not an object".to_owned())),
    }
}

fn read(record: Values) -> Result<Structure, UnreadableRecord> {
    Ok(serde_json::from_value(Value::Object(record))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::structure::HelpKind;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn place() -> Structure {
        let commune = CommuneCode::parse("35238").unwrap();
        let now = "2026-11-01T08:00:00Z".parse().unwrap();
        Structure {
            phone: Some("+33299000001".to_owned()),
            opening_hours: Some("Mo-Fr 09:00-12:00".to_owned()),
            hours_checked_on: Some(day("2026-10-01")),
            help_kinds: vec![HelpKind::Form],
            source_date: Some(day("2026-10-01")),
            location: crate::territory::Location::new(48.11, -1.68),
            ..Structure::unknown("france-services", "1", Kind::FranceServices, "Maison".to_owned(), commune, now)
        }
    }

    fn editor(on: &str) -> Editor<'static> {
        Editor { by: "ccas-test", on: day(on), origin: EditOrigin::Edit }
    }

    fn set(values: &Value) -> Change {
        let set = values.as_object().unwrap().iter().map(|(field, values)| {
            let field: Field = field.parse().unwrap();
            (field, values.as_object().unwrap().clone())
        });
        Change { set: set.collect(), revert: BTreeSet::new() }
    }

    fn revert(fields: &[Field]) -> Change {
        Change { revert: fields.iter().copied().collect(), ..Change::default() }
    }

    #[test]
    fn an_edit_undone_restores_exactly() {
        let before = place();
        let change = set(&json!({"phone": {"phone": "+33299000002"}, "name": {"name": "Autre"}}));
        let edited = before.edited(&change, editor("2026-11-23")).unwrap();
        assert_eq!((edited.phone.as_deref(), edited.edits.len()), (Some("+33299000002"), 2));
        let again = edited.edited(&set(&json!({"phone": {"phone": null}})), editor("2026-11-24")).unwrap();
        assert_eq!(again.edits[&Field::Phone].sourced["phone"], "+33299000001", "the source's, not the edit before");
        let one_undone = again.edited(&revert(&[Field::Phone]), editor("2026-11-25")).unwrap();
        assert_eq!((one_undone.phone.as_deref(), one_undone.name.as_str()), (Some("+33299000001"), "Autre"));
        assert_eq!(one_undone.edited(&revert(&[Field::Name]), editor("2026-11-25")).unwrap(), before);
        assert_eq!(again.as_sourced().unwrap(), before);
    }

    #[test]
    fn what_is_there_already_is_not_set() {
        let same = set(&json!({"phone": {"phone": "+33299000001"}}));
        assert_eq!(place().edited(&same, editor("2026-11-23")).unwrap(), place());
        let checked = set(&json!({"opening_hours": {"opening_hours": "Mo-Fr 09:00-12:00", "hours_checked_on": "2026-11-23"}}));
        let checked = place().edited(&checked, editor("2026-11-23")).unwrap();
        assert_eq!(checked.hours_checked_on, Some(day("2026-11-23")), "the same hours, checked anew, are news");
        assert!(place().edited(&set(&json!({"phone": {"phone": 3}})), editor("2026-11-23")).is_err());
    }

    #[test]
    fn every_field_can_be_set_cleared_and_given_back() {
        for &field in Field::VARIANTS {
            assert_eq!(field.keys().first(), Some(&field.name()));
            let cleared = Change { set: [(field, field.cleared().unwrap())].into(), ..Change::default() };
            let cleared = place().edited(&cleared, editor("2026-11-23")).unwrap();
            assert_eq!(cleared.edited(&revert(&[field]), editor("2026-11-23")).unwrap(), place(), "{field:?}");
        }
    }

    #[test]
    fn an_import_keeps_what_was_set_and_learns_what_the_source_says_of_it() {
        let edited = place().edited(&set(&json!({"phone": {"phone": "+33299000002"}})), editor("2026-11-23")).unwrap();
        let said = Structure { phone: Some("+33299000003".to_owned()), address: Some("1 rue Neuve".to_owned()), ..place() };
        let (merged, kept) = said.clone().keeping_edits_of(&edited).unwrap();
        assert_eq!(
            (merged.phone.as_deref(), merged.address.as_deref(), kept),
            (Some("+33299000002"), Some("1 rue Neuve"), vec![Field::Phone])
        );
        assert_eq!(merged.edited(&revert(&[Field::Phone]), editor("2026-11-24")).unwrap(), said, "given back to what it says now");
        let agrees = Structure { phone: Some("+33299000002".to_owned()), ..place() };
        let (merged, kept) = agrees.keeping_edits_of(&edited).unwrap();
        assert!(kept.is_empty() && merged.edits.contains_key(&Field::Phone), "still the editor's, though the source agrees");
    }

    #[test]
    fn any_state_can_be_gone_back_to() {
        let first = place();
        let edited = first.edited(&set(&json!({"phone": {"phone": "+33299000002"}})), editor("2026-11-23")).unwrap();
        let state = |structure: &Structure| serde_json::to_value(structure).unwrap();
        assert_eq!(edited.restored(&state(&first), editor("2026-11-24")).unwrap(), first);
        assert_eq!(first.restored(&state(&edited), editor("2026-11-24")).unwrap(), edited);
        // An import came in between.
        let (imported, _) = Structure { address: Some("1 rue Neuve".to_owned()), ..place() }.keeping_edits_of(&edited).unwrap();
        let back = imported.restored(&state(&edited), editor("2026-11-25")).unwrap();
        assert_eq!((back.address.as_deref(), back.phone.as_deref()), (None, Some("+33299000002")));
        assert_eq!(back.edits[&Field::Address].sourced["address"], "1 rue Neuve", "the next import would have changed it without a word");
    }

    #[test]
    fn every_value_says_where_it_comes_from() {
        let edited = place().edited(&set(&json!({"phone": {"phone": "+33299000002"}})), editor("2026-11-23")).unwrap();
        let provenance = edited.provenance();
        let record = record(&edited).unwrap();
        let about = ["id", "source", "source_id", "source_date", "taken_on", "updated_at", "keeper", "edits", "disputed"];
        for key in record.keys().filter(|key| !about.contains(&key.as_str())) {
            assert!(provenance.contains_key(key.as_str()), "{key}");
        }
        assert_eq!((provenance["phone"].by, provenance["phone"].date), (Some("ccas-test"), day("2026-11-23")));
        assert_eq!((provenance["name"].source, provenance["name"].date_of), ("france-services", DateOf::Publication));
        let undated = Structure { source_date: None, ..place() };
        assert_eq!((undated.provenance()["name"].date, undated.provenance()["name"].date_of), (day("2026-11-01"), DateOf::Import));
        let (before, after) = Structure::differences(&place(), &edited).unwrap();
        assert_eq!((json!(before), json!(after)), (json!({"phone": "+33299000001"}), json!({"phone": "+33299000002"})));
    }
}
