//! The OpenAPI document, generated from the registered routes, and what the routes themselves ask of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use actix_web::http::Method;
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, License, OpenApi};

use crate::access::{Access, OPERATIONS};
use crate::problem::Kind;

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);

/// The document as JSON.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// What the document is built upon: the routes add their paths and schemas.
pub fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Aiguilleur")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Où réorienter cette personne, pour cette démarche ? Le service répond avec ses raisons, et suit chaque réorientation \
             jusqu'à son issue.\n\nLes lectures de l'annuaire et les questions d'orientation sont ouvertes ; toute écriture demande un \
             jeton (`aiguilleur token`). Toute erreur est un document « problem » (RFC 9457).\n\n\
             Une adresse (`address`) est située par le géocodeur de la Géoplateforme (IGN), qui ne reçoit qu'elle ; une commune ou une \
             position ne quittent jamais le service. Rien de cela n'est conservé, ni les mots (`q`) : seules les questions sont \
             comptées, par démarche, commune et niveau de couverture (département et mois pour une démarche sensible).\n\n\
             `referents` reste null tant que le service ne tient pas de contacts référents.\n\n\
             Données : INSEE, IGN (contours, géocodage), DILA et ANCT, Licence Ouverte 2.0 ; GeoNames, CC BY 4.0.",
        ))
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    let mut frame = <crate::routes::Shared as utoipa::OpenApi>::openapi();
    frame.info = info;
    frame
}

/// Adds what every operation shares: who may call it, and the problems it may answer with.
fn build() -> Value {
    let mut openapi = crate::collect_openapi();
    let components = openapi.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return document };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut()) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let public = OPERATIONS.iter().any(|(known, access)| *known == id && *access == Access::Public);
        let has_input = operation.get("parameters").is_some() || operation.get("requestBody").is_some();
        let has_id = operation
            .get("parameters")
            .and_then(Value::as_array)
            .is_some_and(|parameters| parameters.iter().any(|parameter| parameter.get("in") == Some(&json!("path"))));
        let mut kinds = vec![Kind::MalformedRequest, Kind::NotAcceptable, Kind::Internal];
        // A question needs no token, but one that is sent must be good.
        if !public || id.ends_with("_orientation") || id == "post_deadlines" {
            kinds.push(Kind::Unauthenticated);
        }
        // An address that can't be located now; an atlas that others are before.
        if id.ends_with("_orientation") || id == "list_coverage" {
            kinds.push(Kind::Unavailable);
        }
        if has_input {
            kinds.push(Kind::InvalidValue);
        }
        if has_id {
            kinds.push(Kind::NotFound);
        }
        if operation.get("requestBody").is_some() {
            kinds.extend([Kind::PayloadTooLarge, Kind::UnsupportedMediaType]);
        }
        if !public {
            kinds.extend([Kind::Forbidden, Kind::Unavailable]);
        }
        let Some(operation) = operation.as_object_mut() else { continue };
        if !public {
            operation.insert("security".to_owned(), json!([{"bearer": []}]));
        }
        let responses = operation.entry("responses").or_insert_with(|| json!({}));
        for kind in kinds {
            let Some(responses) = responses.as_object_mut() else { continue };
            responses.entry(kind.status().as_str().to_owned()).or_insert_with(|| {
                json!({
                    "description": kind.title(),
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                })
            });
        }
    }
    document
}

/// The query parameters that an operation documents.
pub fn query_parameters(method: &str, pattern: &str) -> &'static [String] {
    static KNOWN: LazyLock<HashMap<(String, String), Vec<String>>> = LazyLock::new(|| {
        operations()
            .map(|(method, path, operation)| {
                let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
                let names = parameters
                    .filter(|parameter| parameter.get("in") == Some(&json!("query")))
                    .filter_map(|parameter| Some(parameter.get("name")?.as_str()?.to_owned()))
                    .collect();
                ((method.to_owned(), path.to_owned()), names)
            })
            .collect()
    });
    KNOWN.get(&(method.to_ascii_lowercase(), pattern.to_owned())).map_or(&[], Vec::as_slice)
}

/// The fields of a schema, those of objects within it written `target/type`.
pub fn body_fields(schema: &str) -> Vec<String> {
    static KNOWN: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
        let schemas = document().pointer("/components/schemas").and_then(Value::as_object);
        let named = |name: &str| schemas.and_then(|schemas| schemas.get(name));
        let fields = |schema: &Value| {
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties
                .flat_map(|(name, property)| {
                    let reference = property.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
                    let inner = reference.and_then(named).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
                    match inner {
                        Some(inner) => inner.keys().map(|key| format!("{name}/{key}")).collect(),
                        None => vec![name.clone()],
                    }
                })
                .collect::<Vec<_>>()
        };
        schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), fields(schema))).collect()
    });
    KNOWN.get(schema).cloned().unwrap_or_default()
}

/// The methods of a path that exists, for `Allow`; empty for one that doesn't.
pub fn methods_of(path: &str) -> Vec<Method> {
    let matches = |pattern: &str| {
        let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len()
            && pattern.iter().zip(&path).all(|(known, segment)| (known.starts_with('{') && !segment.is_empty()) || known == segment)
    };
    let methods: BTreeSet<String> =
        operations().filter(|(_, pattern, _)| matches(pattern)).map(|(method, ..)| method.to_ascii_uppercase()).collect();
    methods.iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect()
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document().get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}
