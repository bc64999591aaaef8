//! `/v1/structures`: the places and bodies that receive people.

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get};
use aiguilleur_directory::Directory;
use aiguilleur_directory::list::{Filter, Position};
use aiguilleur_domain::keeping::DateOf;
use aiguilleur_domain::structure::{Access, Capacity, ExceptionalClosure, HelpKind, Kind as StructureKind, Session, Structure};
use aiguilleur_domain::territory::Location;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::communes::{commune, position};
use super::{CommuneRef, Page, limit};
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JSON, Query, State, bytes, directory_read, segment, tagged};

/// The widest circle a list can be asked for, in metres.
const MAX_RADIUS_M: f64 = 200_000.0;
/// The circle when only a place is given.
const DEFAULT_RADIUS_M: f64 = 20_000.0;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_structures).service(list_structures_geojson).service(stream_structures).service(get_structure);
}

/// A structure. What isn't known is null or empty, never guessed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct StructureItem {
    id: Uuid,
    /// Where the record comes from, and its identifier there.
    source: String,
    source_id: String,
    kind: StructureKind,
    /// Slug of the institution whose desk it is.
    institution: Option<String>,
    name: String,
    address: Option<String>,
    postal_code: Option<String>,
    commune: CommuneRef,
    location: Option<Location>,
    /// E.164, or the digits as dialled.
    phone: Option<String>,
    email: Option<String>,
    website: Option<String>,
    /// OSM `opening_hours` syntax, in the local time of the place.
    #[schema(example = "Mo-Fr 09:00-12:00,14:00-17:00")]
    opening_hours: Option<String>,
    /// When the hours were last known to be right.
    hours_checked_on: Option<NaiveDate>,
    access: Access,
    /// It moves, or several sites stand behind this address.
    itinerant: bool,
    at_home: Option<bool>,
    /// ISO 639-1.
    languages: Vec<String>,
    wheelchair: Option<bool>,
    free: Option<bool>,
    /// Procedures, and groups of procedures, that it declares.
    procedures: Vec<String>,
    groups: Vec<String>,
    /// Procedures that it says it doesn't do.
    not_offered: Vec<String>,
    help_kinds: Vec<HelpKind>,
    aidants_connect: Option<bool>,
    vouchers: Option<bool>,
    capacity: Option<Capacity>,
    capacity_until: Option<NaiveDate>,
    /// The area it serves, in codes; empty: the default of its kind.
    territory: Vec<String>,
    /// Who else receives people there at times.
    sessions: Vec<Session>,
    /// Days on which it receives nobody, whatever its hours say.
    closures: Vec<ExceptionalClosure>,
    note: Option<String>,
    /// Invented, for demonstration.
    demonstration: bool,
    closed_on: Option<NaiveDate>,
    /// The day of the source in which it was last seen.
    source_date: Option<NaiveDate>,
    updated_at: DateTime<Utc>,
    /// Metres as the crow flies from the place asked for; null without one.
    distance_m: Option<u32>,
}

/// A structure with who keeps its record, and where each of its values comes from.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct StructureRecord {
    #[serde(flatten)]
    item: StructureItem,
    /// Slug of the organisation that keeps the record; null: its source alone does.
    keeper: Option<String>,
    /// By field: where its value comes from.
    provenance: BTreeMap<&'static str, ProvenanceItem>,
}

/// Where a value comes from.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProvenanceItem {
    /// The record's source; `edit` or `suggestion` for what was set here.
    #[schema(example = "france-services")]
    source: String,
    /// Slug of the organisation that set it here.
    by: Option<String>,
    date: NaiveDate,
    /// What happened that day.
    date_of: DateOf,
}

/// GeoJSON (RFC 7946).
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FeatureCollection {
    #[schema(example = "FeatureCollection")]
    r#type: &'static str,
    features: Vec<Feature>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Feature {
    #[schema(example = "Feature")]
    r#type: &'static str,
    id: Uuid,
    geometry: Point,
    properties: FeatureProperties,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Point {
    #[schema(example = "Point")]
    r#type: &'static str,
    /// Longitude, then latitude.
    coordinates: [f64; 2],
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FeatureProperties {
    name: String,
    kind: StructureKind,
    /// INSEE code.
    #[schema(example = "35238")]
    commune: String,
    itinerant: bool,
    demonstration: bool,
}

/// Structures: nearest first when a place is given, else by id. Closed ones are left out.
///
/// `lat` goes with `lon`. With `modified_since`, closed ones are listed too, so that a mirror learns of it.
#[utoipa::path(
    operation_id = "list_structures",
    tag = "Annuaire",
    params(
        ("lat" = Option<f64>, Query, minimum = -90, maximum = 90, description = "Degrees WGS 84, with lon"),
        ("lon" = Option<f64>, Query, minimum = -180, maximum = 180, description = "Degrees WGS 84, with lat"),
        ("radius_m" = Option<f64>, Query, minimum = 1, maximum = 200_000, description = "Metres around the place; 20,000 by default"),
        ("commune" = Option<String>, Query, pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238", description = "INSEE code of the commune it stands in"),
        ("bbox" = Option<String>, Query, description = "west,south,east,north in degrees"),
        ("kinds" = Option<Vec<StructureKind>>, Query, style = Form, explode = false, min_items = 1, max_items = 50, description = "Comma-separated"),
        ("procedure" = Option<String>, Query, min_length = 1, description = "Slug: structures that declare it, or of a kind its rule names"),
        ("open_at" = Option<DateTime<Utc>>, Query, description = "RFC 3339: known to be open then"),
        ("q" = Option<String>, Query, min_length = 1, max_length = 200, description = "Words that each begin a word of its name"),
        ("modified_since" = Option<DateTime<Utc>>, Query, description = "RFC 3339: changed since; closed ones are listed then"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 2, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[0-6][0-9a-f]{0,15}-[0-9a-f]{32}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of structures", body = inline(Page<StructureItem>)))
)]
#[get("/v1/structures")]
async fn list_structures(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let limit = limit(&fields);
    let after = fields.text("cursor", 100).map_or(Some(None), |cursor| {
        let position = read_cursor(cursor);
        if position.is_none() {
            fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
        }
        position.map(Some)
    });
    let filter = filter(&fields, &directory);
    let (filter, after) = fields.finish(after.map(|after| (filter, after)))?;
    let answer = |_| {
        let found = directory.list(&filter, after, limit + 1);
        bytes(&Page::cut(
            found,
            limit,
            |last| write_cursor(last.position()),
            |found| show(&directory, &found.entry.structure, filter.around.map(|_| found.distance_m)),
        ))
    };
    if filter.open_at.is_some() {
        let mut response = HttpResponse::Ok();
        response.insert_header(("Cache-Control", "no-store"));
        return Ok(response.content_type(JSON).body(answer(crate::texts::Language::Fr)?));
    }
    directory_read(&request, directory.revision, JSON, answer)
}

/// The structures that have a position, as GeoJSON.
///
/// For a map: all that match, on one page, with little more than a name and a kind.
#[utoipa::path(
    operation_id = "list_structures_geojson",
    tag = "Annuaire",
    params(
        ("lat" = Option<f64>, Query, minimum = -90, maximum = 90, description = "Degrees WGS 84, with lon"),
        ("lon" = Option<f64>, Query, minimum = -180, maximum = 180, description = "Degrees WGS 84, with lat"),
        ("radius_m" = Option<f64>, Query, minimum = 1, maximum = 200_000, description = "Metres around the place; 20,000 by default"),
        ("commune" = Option<String>, Query, pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238", description = "INSEE code of the commune it stands in"),
        ("bbox" = Option<String>, Query, description = "west,south,east,north in degrees"),
        ("kinds" = Option<Vec<StructureKind>>, Query, style = Form, explode = false, min_items = 1, max_items = 50, description = "Comma-separated"),
        ("procedure" = Option<String>, Query, min_length = 1, description = "Slug: structures that declare it, or of a kind its rule names"),
        ("q" = Option<String>, Query, min_length = 1, max_length = 200, description = "Words that each begin a word of its name"),
    ),
    responses((status = 200, description = "A FeatureCollection", content_type = "application/geo+json", body = FeatureCollection))
)]
#[get("/v1/structures.geojson")]
async fn list_structures_geojson(request: HttpRequest, state: State, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let filter = filter(&fields, &directory);
    let filter = fields.finish(Some(filter))?;
    directory_read(&request, directory.revision, "application/geo+json", |_| {
        let features = directory
            .list(&filter, None, usize::MAX)
            .into_iter()
            .filter_map(|found| {
                let structure = &found.entry.structure;
                let location = structure.location?;
                Some(Feature {
                    r#type: "Feature",
                    id: structure.id,
                    geometry: Point { r#type: "Point", coordinates: [location.lon, location.lat] },
                    properties: FeatureProperties {
                        name: structure.name.clone(),
                        kind: structure.kind,
                        commune: structure.commune.to_string(),
                        itinerant: structure.itinerant,
                        demonstration: structure.demonstration,
                    },
                })
            })
            .collect();
        bytes(&FeatureCollection { r#type: "FeatureCollection", features })
    })
}

/// Every structure, closed ones included, one JSON object per line: for mirrors.
///
/// Streamed: it may be read line by line as it comes.
#[utoipa::path(
    operation_id = "stream_structures",
    tag = "Annuaire",
    responses((status = 200, description = "One structure per line, as a list shows it", content_type = "application/x-ndjson", body = String))
)]
#[get("/v1/structures.ndjson")]
async fn stream_structures(request: HttpRequest, state: State, _query: Query) -> HttpResponse {
    /// Structures written at once: others wait for their answers meanwhile.
    const CHUNK: usize = 50;
    let directory = state.snapshot.get();
    let mut response = match tagged(&request, &directory.revision) {
        Ok((response, _)) => response,
        Err(has_it) => return *has_it,
    };
    let mut after = None;
    let chunks = std::iter::from_fn(move || {
        let mut entries = directory.structures_after(after).take(CHUNK).peekable();
        entries.peek()?;
        let lines = entries.try_fold(Vec::new(), |mut lines, entry| {
            after = Some(entry.structure.id);
            lines.extend(bytes(&show(&directory, &entry.structure, None))?);
            lines.push(b'\n');
            Ok::<_, Problem>(lines)
        });
        Some(lines.map(Bytes::from))
    });
    response.content_type("application/x-ndjson").streaming(futures_util::stream::iter(chunks))
}

/// One structure; a closed one says since when.
///
/// An old link goes on saying what was there. Every field says where it comes from, and of which day that is.
#[utoipa::path(
    operation_id = "get_structure",
    tag = "Annuaire",
    params(("id" = Uuid, Path, example = "33e1b82d-6549-5e98-8aa0-0322ee5eae31", description = "UUID of the structure")),
    responses((status = 200, description = "The structure", body = StructureRecord))
)]
#[get("/v1/structures/{id}")]
async fn get_structure(request: HttpRequest, state: State, _query: Query) -> Result<HttpResponse, Problem> {
    let directory = state.snapshot.get();
    let id = Uuid::parse_str(segment(&request, "id")).ok();
    let entry = id.and_then(|id| directory.structure(id)).ok_or_else(|| Problem::not_found("Lieu"))?;
    directory_read(&request, directory.revision, JSON, |_| bytes(&record(&directory, &entry.structure)))
}

fn filter(fields: &Fields, directory: &Directory) -> Filter {
    let location = position(fields);
    let radius = if fields.has("radius_m") { fields.number("radius_m", 1.0..=MAX_RADIUS_M) } else { Some(DEFAULT_RADIUS_M) };
    if fields.has("radius_m") && !fields.has("lat") && !fields.has("lon") {
        fields.report(Kind::MalformedRequest, "radius_m", "« radius_m » ne va pas sans « lat » et « lon ».");
    }
    let procedure = fields.text("procedure", 100).map(str::to_owned);
    if let Some(slug) = &procedure {
        check_procedure(fields, "procedure", directory, slug);
    }
    Filter {
        around: location.zip(radius),
        commune: commune(fields, "commune", &directory.territory).map(|resolved| resolved.commune.code),
        bounds: bounds(fields),
        kinds: kinds(fields),
        procedure,
        open_at: fields.instant("open_at"),
        words: fields.text("q", 200).map(str::to_owned),
        modified_since: fields.instant("modified_since"),
        with_closed: fields.has("modified_since"),
    }
}

/// A procedure's slug that must exist; the error gives the nearest ones.
pub(crate) fn check_procedure(fields: &Fields, name: &str, directory: &Directory, slug: &str) {
    if directory.catalogue.procedure(slug).is_none() {
        let near = directory.catalogue.similar_slugs(slug).into_iter().map(str::to_owned).collect();
        fields.report_with(Kind::InvalidValue, name, format!("« {slug} » n'est pas une démarche connue ; voir /v1/procedures."), near);
    }
}

/// `kinds`, in our spelling or that of the sources.
pub(super) fn kinds(fields: &Fields) -> Vec<StructureKind> {
    fields.codes_with("kinds", StructureKind::from_source)
}

fn bounds(fields: &Fields) -> Option<[f64; 4]> {
    let text = fields.text("bbox", 200)?;
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let sound = |bounds: &[f64; 4]| {
        let [west, south, east, north] = *bounds;
        Location::new(south, west).is_some() && Location::new(north, east).is_some() && south <= north
    };
    let bounds = numbers.and_then(|numbers| <[f64; 4]>::try_from(numbers).ok()).filter(sound);
    if bounds.is_none() {
        fields.report(Kind::InvalidValue, "bbox", "« ouest,sud,est,nord » est attendu, en degrés, le sud avant le nord.");
    }
    bounds
}

/// Opaque to callers: the distance's bits and the id.
fn write_cursor(position: Position) -> String {
    format!("{:x}-{}", position.distance_m.to_bits(), position.id.simple())
}

fn read_cursor(cursor: &str) -> Option<Position> {
    let (bits, id) = cursor.split_once('-')?;
    let distance_m = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
    (distance_m.is_finite() && distance_m >= 0.0).then_some(Position { distance_m, id: Uuid::parse_str(id).ok()? })
}

/// The record whole.
pub(super) fn record(directory: &Directory, structure: &Structure) -> StructureRecord {
    let provenance = structure.provenance().into_iter().map(|(key, it)| {
        let (source, by) = (it.source.to_owned(), it.by.map(str::to_owned));
        (key, ProvenanceItem { source, by, date: it.date, date_of: it.date_of })
    });
    StructureRecord { item: show(directory, structure, None), keeper: structure.keeper.clone(), provenance: provenance.collect() }
}

fn show(directory: &Directory, structure: &Structure, distance_m: Option<f64>) -> StructureItem {
    let structure = structure.clone();
    StructureItem {
        commune: commune_ref(directory, &structure),
        id: structure.id,
        source: structure.source,
        source_id: structure.source_id,
        kind: structure.kind,
        institution: structure.institution,
        name: structure.name,
        address: structure.address,
        postal_code: structure.postal_code,
        location: structure.location,
        phone: structure.phone,
        email: structure.email,
        website: structure.website,
        opening_hours: structure.opening_hours,
        hours_checked_on: structure.hours_checked_on,
        access: structure.access,
        itinerant: structure.itinerant,
        at_home: structure.at_home,
        languages: structure.languages,
        wheelchair: structure.wheelchair,
        free: structure.free,
        procedures: structure.procedures,
        groups: structure.groups,
        not_offered: structure.not_offered,
        help_kinds: structure.help_kinds,
        aidants_connect: structure.aidants_connect,
        vouchers: structure.vouchers,
        capacity: structure.capacity,
        capacity_until: structure.capacity_until,
        territory: structure.territory,
        sessions: structure.sessions,
        closures: structure.closures,
        note: structure.note,
        demonstration: structure.demonstration,
        closed_on: structure.closed_on,
        source_date: structure.source_date,
        updated_at: structure.updated_at,
        distance_m: distance_m.map(aiguilleur_domain::ranking::whole_metres),
    }
}

/// The commune a structure stands in, named.
pub(super) fn commune_ref(directory: &Directory, structure: &Structure) -> CommuneRef {
    let code = &structure.commune;
    directory
        .territory
        .resolve(code)
        .map_or_else(|| CommuneRef { code: code.to_string(), name: String::new() }, |resolved| resolved.commune.into())
}
