//! What somebody wants changed of a structure's record: its form in a body, and its reading, with every fault told at once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aiguilleur_directory::Directory;
use aiguilleur_domain::contact::{self, Private, looks_private};
use aiguilleur_domain::keeping::{Change, Field, Values};
use aiguilleur_domain::opening::check_syntax;
use aiguilleur_domain::privacy::find_identifier;
use aiguilleur_domain::structure::{Access, ExceptionalClosure, HelpKind, Kind as StructureKind, Session, Structure};
use aiguilleur_domain::territory::Location;
use aiguilleur_outbound::Url;
use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::VariantArray;

use crate::fields::Fields;
use crate::problem::Kind;
use crate::routes::referrals::named;
use crate::routes::structures::check_procedure;

const MAX_NAME: usize = 200;
const MAX_ADDRESS: usize = 300;
const MAX_URL: usize = 500;
const MAX_HOURS: usize = 500;
const MAX_NOTE: usize = 1_000;
/// Why it is closed, or a remark on a session.
const MAX_REMARK: usize = 200;
const MAX_LIST: usize = 50;
/// How far ahead a closure may end.
const MAX_AHEAD: Months = Months::new(24);
/// Farther from its commune than this, in metres, a position is likelier to be a slip.
const NEAR_M: f64 = 1_000.0;
/// Decimals of a position that are kept: a centimetre, and no number that JSON would write otherwise.
const POSITION_UNIT: f64 = 1e7;

/// What is to be changed. What isn't given stays; null is the same as not given: `clear` empties, `revert` gives back to the source.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
pub struct StructureChange {
    #[schema(min_length = 1, max_length = 200, example = json!(null))]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 300, example = json!(null))]
    address: Option<String>,
    #[schema(pattern = "^[0-9]{5}$", example = json!(null))]
    postal_code: Option<String>,
    #[schema(example = json!(null))]
    location: Option<Location>,
    /// In any spelling; kept in E.164, or as dialled for a short number.
    #[schema(min_length = 2, max_length = 50, example = "02 61 91 01 99")]
    phone: Option<String>,
    /// The place's own, not somebody's: a warning says when it looks otherwise.
    #[schema(min_length = 3, max_length = 254, example = json!(null))]
    email: Option<String>,
    #[schema(min_length = 8, max_length = 500, pattern = "^https?://", example = json!(null))]
    website: Option<String>,
    /// OSM `opening_hours` syntax; they count as checked today.
    #[schema(min_length = 1, max_length = 500, example = "Mo-Fr 09:00-12:00")]
    opening_hours: Option<String>,
    #[schema(example = json!(null))]
    access: Option<Access>,
    #[schema(example = json!(null))]
    itinerant: Option<bool>,
    #[schema(example = json!(null))]
    at_home: Option<bool>,
    /// ISO 639-1.
    #[schema(max_items = 50, example = json!(null))]
    languages: Option<Vec<String>>,
    #[schema(example = json!(null))]
    wheelchair: Option<bool>,
    #[schema(example = json!(null))]
    free: Option<bool>,
    /// Slugs of procedures, and groups of them, that it declares.
    #[schema(max_items = 50, example = json!(null))]
    procedures: Option<Vec<String>>,
    #[schema(max_items = 50, example = json!(null))]
    groups: Option<Vec<String>>,
    /// Procedures that it doesn't do.
    #[schema(max_items = 50, example = json!(null))]
    not_offered: Option<Vec<String>>,
    #[schema(max_items = 7, example = json!(null))]
    help_kinds: Option<Vec<HelpKind>>,
    #[schema(example = json!(null))]
    aidants_connect: Option<bool>,
    #[schema(example = json!(null))]
    vouchers: Option<bool>,
    /// Codes of communes, intercommunalities and départements, `R53` for a région.
    #[schema(max_items = 50, example = json!(null))]
    territory: Option<Vec<String>>,
    /// All of them: those that aren't given again are gone.
    #[schema(max_items = 50, example = json!(null))]
    sessions: Option<Vec<NewSession>>,
    /// All of them; none may overlap another.
    #[schema(max_items = 50, example = json!(null))]
    closures: Option<Vec<NewClosure>>,
    #[schema(min_length = 1, max_length = 1000, example = json!(null))]
    note: Option<String>,
    /// Since when it is closed for good.
    #[schema(example = json!(null))]
    closed_on: Option<NaiveDate>,
    /// Fields to be left without a value.
    #[schema(max_items = 50, example = json!(null))]
    clear: Option<Vec<Field>>,
    /// Fields to be given back to their source: its value again, exactly.
    #[schema(max_items = 50, example = json!(null))]
    revert: Option<Vec<Field>>,
}

/// A recurring presence (permanence).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
pub struct NewSession {
    #[schema(min_length = 1, max_length = 200, example = "CAF d'Ille-et-Vilaine")]
    holder: String,
    kind: StructureKind,
    /// With the kind `guichet`: slug of the institution.
    institution: Option<String>,
    #[schema(max_items = 50)]
    procedures: Option<Vec<String>>,
    #[schema(max_items = 50)]
    groups: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 500)]
    opening_hours: Option<String>,
    access: Option<Access>,
    /// How many people are received each time.
    #[schema(minimum = 1, maximum = 1000)]
    places: Option<u16>,
    #[schema(min_length = 1, max_length = 200)]
    note: Option<String>,
}

/// An exceptional closure.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body")]
pub struct NewClosure {
    /// The first day.
    from: NaiveDate,
    /// The last one.
    until: NaiveDate,
    #[schema(min_length = 1, max_length = 200, example = "congés")]
    note: Option<String>,
}

/// Something taken as it is, which is worth a second look.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Warning {
    /// JSON pointer into the body.
    #[schema(example = "/email")]
    pub pointer: String,
    /// `private_mail` or `position_outside_commune`.
    #[schema(example = "private_mail")]
    pub code: &'static str,
    /// Why, and what to prefer.
    pub detail: String,
}

/// Reads a change of a place.
#[derive(Debug)]
pub struct Reading<'a> {
    fields: &'a Fields,
    /// Where the change stands in the body: empty, or `changes/`.
    prefix: &'static str,
    place: &'a Structure,
    directory: &'a Directory,
    today: NaiveDate,
    /// Whether whoever says so isn't answerable for the record: texts must tell nothing that points at somebody.
    is_suggestion: bool,
    set: RefCell<BTreeMap<Field, Values>>,
    warnings: RefCell<Vec<Warning>>,
}

/// Reads what an editor wants changed; faults are noted in `fields`.
pub fn edit(fields: &Fields, place: &Structure, directory: &Directory, today: NaiveDate) -> (Change, Vec<Warning>) {
    Reading::of(fields, "", place, directory, today).read()
}

/// Reads what somebody suggests, from `changes`.
pub fn suggestion(fields: &Fields, place: &Structure, directory: &Directory, today: NaiveDate) -> (Change, Vec<Warning>) {
    Reading { is_suggestion: true, ..Reading::of(fields, "changes/", place, directory, today) }.read()
}

impl<'a> Reading<'a> {
    fn of(fields: &'a Fields, prefix: &'static str, place: &'a Structure, directory: &'a Directory, today: NaiveDate) -> Self {
        let (set, warnings) = (RefCell::default(), RefCell::default());
        Self { fields, prefix, place, directory, today, is_suggestion: false, set, warnings }
    }

    fn read(self) -> (Change, Vec<Warning>) {
        self.set(Field::Name, self.line("name", MAX_NAME));
        self.set(Field::Address, self.line("address", MAX_ADDRESS));
        self.set(Field::PostalCode, self.postal_code());
        self.set(Field::Location, self.location());
        self.set(Field::Phone, self.phone());
        self.set(Field::Email, self.email());
        self.set(Field::Website, self.website());
        if let Some(hours) = self.hours("opening_hours") {
            self.set_all(Field::OpeningHours, &json!({"opening_hours": hours, "hours_checked_on": self.today}));
        }
        self.set(Field::Access, self.fields.code::<Access>(&self.at("access")).filter(|_| self.has("access")));
        for (field, name) in [
            (Field::Itinerant, "itinerant"),
            (Field::AtHome, "at_home"),
            (Field::Wheelchair, "wheelchair"),
            (Field::Free, "free"),
            (Field::AidantsConnect, "aidants_connect"),
            (Field::Vouchers, "vouchers"),
        ] {
            self.set(field, self.fields.flag(&self.at(name)));
        }
        self.list(Field::Languages, |name| self.languages(name));
        self.list(Field::Procedures, |name| self.procedures(name));
        self.list(Field::Groups, |name| self.groups(name));
        self.list(Field::NotOffered, |name| self.procedures(name));
        self.list(Field::HelpKinds, |name| self.fields.codes::<HelpKind>(name));
        self.list(Field::Territory, |name| self.territory(name));
        self.list(Field::Sessions, |name| self.sessions(name));
        self.list(Field::Closures, |name| self.closures(name));
        self.set(Field::Note, self.text("note", MAX_NOTE));
        self.set(Field::ClosedOn, self.closed_on());
        let revert = self.fields.codes::<Field>(&self.at("revert"));
        for field in self.fields.codes::<Field>(&self.at("clear")) {
            self.clear(field);
        }
        for field in &revert {
            if self.set.borrow().contains_key(field) {
                self.refuse("revert", format!("« {} » est aussi à changer : choisissez l'un ou l'autre.", field.name()));
            }
        }
        let change = Change { set: self.set.into_inner(), revert: revert.into_iter().collect() };
        if self.fields.is_sound() && change.is_empty() {
            let names = Field::VARIANTS.iter().filter(|field| **field != Field::Capacity).map(|field| field.name().to_owned());
            let allowed = names.chain(["clear".to_owned(), "revert".to_owned()]).collect();
            let name = self.prefix.trim_end_matches('/');
            self.fields.report_with(Kind::InvalidValue, name, "Donnez ce qui change.", allowed);
        }
        (change, self.warnings.into_inner())
    }

    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn has(&self, name: &str) -> bool {
        self.fields.has(&self.at(name))
    }

    fn refuse(&self, name: &str, detail: impl Into<String>) {
        self.fields.report(Kind::InvalidValue, &self.at(name), detail);
    }

    fn warn(&self, name: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = format!("/{}", self.at(name));
        self.warnings.borrow_mut().push(Warning { pointer, code, detail: detail.into() });
    }

    /// A field that is kept under its own name.
    fn set(&self, field: Field, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.set_all(field, &json!({ field.name(): value }));
        }
    }

    fn set_all(&self, field: Field, values: &Value) {
        if let Value::Object(values) = values {
            self.set.borrow_mut().insert(field, values.clone());
        }
    }

    fn list<T: Serialize>(&self, field: Field, read: impl Fn(&str) -> Vec<T>) {
        let name = self.at(field.name());
        if self.fields.has(&name) {
            self.set(field, Some(read(&name)));
        }
    }

    fn clear(&self, field: Field) {
        if !field.may_be_cleared() {
            return self.refuse("clear", format!("« {} » ne peut pas rester sans valeur.", field.name()));
        }
        if self.set.borrow().contains_key(&field) {
            return self.refuse("clear", format!("« {} » est aussi à changer : choisissez l'un ou l'autre.", field.name()));
        }
        match field.cleared() {
            Ok(values) => drop(self.set.borrow_mut().insert(field, values)),
            Err(error) => {
                tracing::error!(%error, "a field can't be cleared");
                self.refuse("clear", format!("« {} » ne peut pas être vidé.", field.name()));
            }
        }
    }

    fn line(&self, name: &str, longest: usize) -> Option<String> {
        self.fields.line(&self.at(name), longest).and_then(|text| self.discreet(&self.at(name), text))
    }

    fn text(&self, name: &str, longest: usize) -> Option<String> {
        self.fields.text(&self.at(name), longest).and_then(|text| self.discreet(&self.at(name), text))
    }

    /// A text as it may be kept of whoever wrote it.
    fn discreet(&self, name: &str, text: &str) -> Option<String> {
        let found = find_identifier(text).filter(|_| self.is_suggestion);
        if let Some(identifier) = found {
            let detail =
                format!("Ce texte semble contenir {} : retirez-le, ou donnez-le dans le champ qui est fait pour.", named(identifier));
            self.fields.report(Kind::InvalidValue, name, detail);
            return None;
        }
        Some(text.trim().to_owned())
    }

    fn postal_code(&self) -> Option<String> {
        let code = self.fields.line(&self.at("postal_code"), 10)?;
        if code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            self.refuse("postal_code", "Cinq chiffres sont attendus, par exemple 35000.");
            return None;
        }
        Some(code.to_owned())
    }

    fn location(&self) -> Option<Location> {
        let (lat, lon) = (self.at("location/lat"), self.at("location/lon"));
        if self.fields.has(&lat) != self.fields.has(&lon) {
            self.refuse("location", "« lat » et « lon » vont ensemble.");
        }
        let round = |degrees: f64| (degrees * POSITION_UNIT).round() / POSITION_UNIT;
        let (lat, lon) = (self.fields.number(&lat, -90.0..=90.0), self.fields.number(&lon, -180.0..=180.0));
        let location = lat.zip(lon).and_then(|(lat, lon)| Location::new(round(lat), round(lon)))?;
        if !self.directory.territory.lies_within(location, &self.place.commune, NEAR_M) {
            let detail = "Cette position est hors de la commune du lieu : vérifiez que latitude et longitude ne sont pas échangées.";
            self.warn("location", "position_outside_commune", detail);
        }
        Some(location)
    }

    fn phone(&self) -> Option<String> {
        let text = self.fields.line(&self.at("phone"), 50)?;
        let departement = self.directory.territory.resolve(&self.place.commune).map(|resolved| resolved.commune.departement.clone());
        let phone = contact::one_phone(text, departement.as_deref().unwrap_or_else(|| self.place.commune.departement()));
        if phone.is_none() {
            self.refuse(
                "phone",
                "Un seul numéro de téléphone est attendu, par exemple « 02 99 00 00 00 », « +33 2 99 00 00 00 » ou « 3939 ».",
            );
        }
        phone
    }

    fn email(&self) -> Option<String> {
        let text = self.fields.line(&self.at("email"), 254)?;
        let Some(address) = contact::one_email(text) else {
            self.refuse("email", "Une seule adresse de courriel est attendue, par exemple accueil@lieu.fr.");
            return None;
        };
        match looks_private(&address) {
            Some(Private::FreeProvider) => self.warn(
                "email",
                "private_mail",
                "Cette adresse est chez un fournisseur grand public : cette fiche est publique, et l'adresse pourrait être celle d'une \
                 personne, ou partir avec elle. Préférez l'adresse du lieu, par exemple accueil@, sur le domaine de votre organisation.",
            ),
            Some(Private::PersonsName) => self.warn(
                "email",
                "private_mail",
                "Cette adresse semble désigner une personne (prénom.nom) : cette fiche est publique. Préférez une adresse de fonction, \
                 par exemple accueil@, que d'autres lisent aussi.",
            ),
            None => {}
        }
        Some(address)
    }

    fn website(&self) -> Option<String> {
        let text = self.fields.line(&self.at("website"), MAX_URL)?;
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let is_plain =
            |url: &Url| url.username().is_empty() && url.password().is_none() && url.host_str().is_some_and(|host| host.contains('.'));
        if !url.as_ref().is_some_and(is_plain) {
            self.refuse("website", "Une adresse complète est attendue, par exemple https://lieu.fr.");
            return None;
        }
        url.map(String::from)
    }

    fn hours(&self, name: &str) -> Option<String> {
        let name = self.at(name);
        let hours = self.fields.line(&name, MAX_HOURS)?.trim().to_owned();
        if let Err(stumbled) = check_syntax(&hours) {
            let detail = format!("Des horaires au format OSM sont attendus, par exemple « Mo-Fr 09:00-12:00,14:00-17:00 » ({stumbled}).");
            self.fields.report(Kind::InvalidValue, &name, detail);
            return None;
        }
        Some(hours)
    }

    fn languages(&self, name: &str) -> Vec<String> {
        let is_code = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase());
        let wrong = |text: &str| {
            (!is_code(text))
                .then(|| ("Un code de langue à deux lettres minuscules est attendu (ISO 639-1), par exemple « ar ».".to_owned(), vec![]))
        };
        self.fields.checked_texts(name, MAX_LIST, wrong)
    }

    fn procedures(&self, name: &str) -> Vec<String> {
        let texts = self.fields.texts(name, MAX_LIST);
        for (slug, index) in texts.iter().zip(0_usize..) {
            check_procedure(self.fields, &format!("{name}/{index}"), self.directory, slug);
        }
        texts
    }

    fn groups(&self, name: &str) -> Vec<String> {
        let mut known: Vec<&str> = self.directory.catalogue.procedures().iter().map(|procedure| procedure.group.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        self.fields.checked_texts(name, MAX_LIST, |group| {
            let allowed = || known.iter().map(|&group| group.to_owned()).collect();
            (!known.contains(&group)).then(|| (format!("« {group} » n'est pas un groupe de démarches."), allowed()))
        })
    }

    fn territory(&self, name: &str) -> Vec<String> {
        self.fields.checked_texts(name, MAX_LIST, |code| {
            let detail =
                || format!("« {code} » n'est pas le code d'une commune, d'une intercommunalité, d'un département ou d'une région.");
            self.directory.territory.zone(code).is_none().then(|| (detail(), Vec::new()))
        })
    }

    fn closed_on(&self) -> Option<NaiveDate> {
        let day = self.fields.day(&self.at("closed_on"))?;
        if day > self.today {
            self.refuse(
                "closed_on",
                "Un jour passé est attendu ; jusque-là, une fermeture exceptionnelle (« closures ») dit que c'est fermé.",
            );
            return None;
        }
        Some(day)
    }

    fn sessions(&self, name: &str) -> Vec<Session> {
        (0..self.fields.items(name)).filter_map(|index| self.session(&format!("{name}/{index}"))).collect()
    }

    fn session(&self, name: &str) -> Option<Session> {
        let fields = self.fields;
        let at = |key: &str| format!("{name}/{key}");
        for key in ["holder", "kind"] {
            if !fields.has(&at(key)) {
                fields.report(Kind::InvalidValue, &at(key), "Ce champ est attendu.");
            }
        }
        let own = |key: &str, longest| fields.line(&at(key), longest).and_then(|text| self.discreet(&at(key), text));
        let holder = own("holder", MAX_NAME);
        let kind = fields.has(&at("kind")).then(|| fields.code::<StructureKind>(&at("kind"))).flatten();
        let institution = fields.line(&at("institution"), 100).map(str::to_owned);
        if let Some(slug) = institution.as_deref().filter(|slug| self.directory.catalogue.institution(slug).is_none()) {
            let known = self.directory.catalogue.institutions().iter().map(|body| body.slug.clone()).collect();
            fields.report_with(Kind::InvalidValue, &at("institution"), format!("« {slug} » n'est pas un organisme connu."), known);
        }
        if kind.is_some_and(|kind| (kind == StructureKind::Guichet) != institution.is_some()) {
            fields.report(Kind::InvalidValue, &at("institution"), "Un organisme va avec le type « guichet », et avec lui seul.");
        }
        let hours = fields.has(&at("opening_hours")).then(|| self.hours(at("opening_hours").trim_start_matches(self.prefix))).flatten();
        let access = fields.has(&at("access")).then(|| fields.code::<Access>(&at("access"))).flatten();
        let places = fields.integer(&at("places"), 1..=1_000).and_then(|places| u16::try_from(places).ok());
        Some(Session {
            procedures: self.procedures(&at("procedures")),
            groups: self.groups(&at("groups")),
            note: own("note", MAX_REMARK),
            holder: holder?,
            kind: kind?,
            institution,
            hours_checked_on: hours.is_some().then_some(self.today),
            opening_hours: hours,
            access: access.unwrap_or_default(),
            places,
        })
    }

    fn closures(&self, name: &str) -> Vec<ExceptionalClosure> {
        let mut closures: Vec<ExceptionalClosure> = Vec::new();
        for place in (0..self.fields.items(name)).map(|index| format!("{name}/{index}")) {
            let Some(closure) = self.closure(&place) else { continue };
            if let Some(other) = closures.iter().find(|other| other.overlaps(&closure)) {
                let detail =
                    format!("Cette fermeture en recouvre une autre, du {} au {} : réunissez-les.", told(other.from), told(other.until));
                self.fields.report(Kind::InvalidValue, &place, detail);
            }
            closures.push(closure);
        }
        closures
    }

    fn closure(&self, name: &str) -> Option<ExceptionalClosure> {
        let at = |key: &str| format!("{name}/{key}");
        for key in ["from", "until"] {
            if !self.fields.has(&at(key)) {
                self.fields.report(Kind::InvalidValue, &at(key), "Un jour est attendu, par exemple 2026-12-24.");
            }
        }
        let (from, until) = (self.fields.day(&at("from")), self.fields.day(&at("until")));
        let note = self.fields.line(&at("note"), MAX_REMARK).and_then(|text| self.discreet(&at("note"), text));
        let (from, until) = (from?, until?);
        if until < from {
            self.fields.report(Kind::InvalidValue, &at("until"), "Le dernier jour ne peut pas précéder le premier.");
        }
        if until > self.today + MAX_AHEAD {
            self.fields.report(
                Kind::InvalidValue,
                &at("until"),
                "Une fermeture se termine dans les deux ans ; au-delà, dites « closed_on ».",
            );
        }
        Some(ExceptionalClosure { from, until, note })
    }
}

fn told(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}
