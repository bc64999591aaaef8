//! The OpenAPI document, generated from the registered routes, and what the routes themselves ask of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use actix_web::http::Method;
use serde_json::{Map, Value, json};
use strum::VariantArray;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, ServerBuilder};

use crate::access::{Access, OPERATIONS};
use crate::admission;
use crate::limits::KEY_HEADER;
use crate::problem::{Kind, Problem};

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
             jeton, de cette installation (`aiguilleur token`) ou d'un émetteur OpenID Connect qu'elle admet. Chaque réponse dit ce qui reste \
             de la limite de débit (`RateLimit`). Toute erreur, les nôtres (500) comprises, est un document « problem » (RFC 9457).\n\n\
             Une adresse (`address`) est située par le géocodeur de la Géoplateforme (IGN), qui ne reçoit qu'elle ; une commune ou une \
             position ne quittent jamais le service. Rien de cela n'est conservé, ni les mots (`q`) : seules les questions sont \
             comptées, par démarche, commune et niveau de couverture (département et mois pour une démarche sensible).\n\n\
             `referents` reste null tant que le service ne tient pas de contacts référents.\n\n\
             Données : INSEE, IGN (contours, géocodage), DILA et ANCT, Licence Ouverte 2.0 ; GeoNames, CC BY 4.0.",
        ))
        .contact(Some(ContactBuilder::new().name(Some("Aiguilleur")).url(Some(env!("CARGO_PKG_REPOSITORY"))).build()))
        .license(Some(LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).identifier(Some(env!("CARGO_PKG_LICENSE"))).build()))
        .build();
    let mut frame = <crate::routes::Shared as utoipa::OpenApi>::openapi();
    frame.info = info;
    frame.servers = Some(vec![ServerBuilder::new().url("/").description(Some("Cette installation")).build()]);
    frame
}

/// Adds what every operation shares: who may call it, and the problems it may answer with.
fn build() -> Value {
    let mut openapi = crate::collect_openapi();
    let components = openapi.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let key = ApiKeyValue::with_description(KEY_HEADER, "Clé d'un site partenaire, avec « Origin » ; elle ne donne qu'un quota à part");
    components.add_security_scheme("partner_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return document };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete(path, method, operation);
            }
        }
    }
    document
}

/// What the routes leave unsaid of an operation because it follows from what they say. A fault of ours (500) is no promise: it isn't
/// listed.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let places: BTreeSet<&str> = parameters.filter_map(|parameter| parameter.get("in")?.as_str()).collect();
    let (in_path, in_query, has_body) = (places.contains("path"), places.contains("query"), operation.contains_key("requestBody"));
    let access = OPERATIONS.iter().find(|(known, _)| *known == id).map(|(_, access)| *access);
    let is_public = access == Some(Access::Public);
    // Public as published, an organisation's own with a token.
    let is_figures = id == "list_referral_figures";
    let is_question = id.ends_with("_orientation") || id == "post_deadlines";
    let is_strict = path.starts_with("/v1/");

    let mut kinds = vec![Kind::UriTooLong];
    let mut add = |when: bool, more: &[Kind]| kinds.extend(more.iter().filter(|_| when));
    add(is_strict, &[Kind::MalformedRequest, Kind::NotAcceptable]);
    add(in_path, &[Kind::NotFound]);
    add(in_query || has_body, &[Kind::InvalidValue]);
    add(has_body, &[Kind::PayloadTooLarge, Kind::UnsupportedMediaType, Kind::RequestTimeout]);
    // A question needs no token, and nothing that is public needs a key, but one that is sent must be good.
    add(is_strict, &[Kind::Unauthenticated, Kind::Forbidden]);
    add(!is_public, &[Kind::Unavailable]);
    // An address that can't be located now; an atlas that others are before.
    add(id.ends_with("_orientation") || id == "list_coverage" || id == "list_referral_figures", &[Kind::Unavailable]);
    add(!admission::is_operator(path), &[Kind::RateLimited, Kind::Overloaded]);

    let security = if !is_public {
        json!([{"bearer": []}])
    } else if is_question || is_figures {
        json!([{}, {"partner_key": []}, {"bearer": []}])
    } else if is_strict {
        json!([{}, {"partner_key": []}])
    } else {
        json!([])
    };
    operation.insert("security".to_owned(), security);

    let is_tagged = is_strict && is_public && method == "get" && !is_question && !is_figures;
    if is_tagged && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut() {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "`ETag` of the answer that the caller has: 304 while it is still right"
        }));
    }
    let Some(responses) = operation.entry("responses").or_insert_with(|| json!({})).as_object_mut() else { return };
    if is_tagged {
        responses.insert("304".to_owned(), json!({"description": "What the caller has is still right"}));
    }
    for kind in kinds {
        responses.entry(kind.status().as_str()).or_insert_with(|| {
            json!({
                "description": kind.title(),
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            })
        });
    }
    exemplify(&id, path, operation);
}

/// Shows what the operation takes and gives, from requests that were really made, and each of its problems.
fn exemplify(id: &str, path: &str, operation: &mut Map<String, Value>) {
    static SHOWN: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());
    let shown = SHOWN.get(id);
    if let Some(request) = shown.and_then(|shown| shown.get("request"))
        && let Some(taken) = operation.get_mut("requestBody").and_then(|body| body.pointer_mut("/content/application~1json"))
    {
        set_example(taken, request.clone());
    }
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let instance = parameters.fold(path.to_owned(), |path, parameter| {
        let text = |key| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
        path.replace(&format!("{{{}}}", text("name")), text("example"))
    });
    for (status, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
        let described = response.get("description").and_then(Value::as_str).unwrap_or_default();
        let kinds = Kind::VARIANTS.iter().filter(|kind| kind.status().as_str() == status);
        let kind = kinds.min_by_key(|kind| kind.title() != described);
        let forms = response.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
        for (media, form) in forms {
            if let Some(kind) = kind {
                let problem = Problem::new(*kind, kind.title()).document(&instance, "5a1c9c39-6d2f-4d0e-9a53-3c7e0f1b2a44");
                set_example(form, serde_json::to_value(problem).unwrap_or_default());
            } else if let Some(response) = shown.and_then(|shown| shown.get(if media == "text/csv" { "csv" } else { "response" })) {
                set_example(form, response.clone());
            }
        }
    }
}

fn set_example(form: &mut Value, example: Value) {
    if let Some(form) = form.as_object_mut() {
        form.insert("example".to_owned(), example);
    }
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

/// The fields of a schema: those of objects within it are written `target/type`, those of objects in a list `closures/#/from`.
pub fn body_fields(schema: &str) -> Vec<String> {
    static KNOWN: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
        let schemas = document().pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten();
        schemas.map(|(name, schema)| (name.clone(), fields_of(schema, DEEPEST))).collect()
    });
    KNOWN.get(schema).cloned().unwrap_or_default()
}

/// Objects within objects that a body may hold.
const DEEPEST: usize = 3;

fn fields_of(schema: &Value, depth: usize) -> Vec<String> {
    let named = |reference: &Value| document().pointer(&format!("/components/schemas/{}", reference.as_str()?.rsplit('/').next()?));
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut fields = Vec::new();
    for (name, property) in properties {
        // An object that may be left out is one of that and null.
        let mut may_be = property.get("oneOf").and_then(Value::as_array).into_iter().flatten().chain([property]);
        let object = may_be.find_map(|one| named(one.get("$ref")?));
        let item = property.pointer("/items/$ref").and_then(named);
        let inner = |schema: Option<&Value>| schema.filter(|_| depth > 0).map(|schema| fields_of(schema, depth - 1)).unwrap_or_default();
        let (within, listed) = (inner(object), inner(item));
        if within.is_empty() && listed.is_empty() {
            fields.push(name.clone());
        }
        fields.extend(within.into_iter().map(|key| format!("{name}/{key}")));
        fields.extend(listed.into_iter().map(|key| format!("{name}/#/{key}")));
    }
    fields
}

/// The methods of a path that exists, for `Allow`; empty for one that doesn't. A path written out goes before one with parameters.
pub fn methods_of(path: &str) -> Vec<Method> {
    let matches = |pattern: &str| {
        let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len()
            && pattern.iter().zip(&path).all(|(known, segment)| (known.starts_with('{') && !segment.is_empty()) || known == segment)
    };
    let is_written_out = operations().any(|(_, pattern, _)| pattern == path);
    let there = operations().filter(|(_, pattern, _)| if is_written_out { *pattern == path } else { matches(pattern) });
    let methods: BTreeSet<String> = there.map(|(method, ..)| method.to_ascii_uppercase()).collect();
    methods.iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect()
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document().get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}
