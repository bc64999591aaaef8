//! Reading requests strictly and answering them in the service's one way.

use std::fmt::Display;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::spec;
use crate::texts::Language;

/// The largest body taken, in bytes: a batch of 100 referrals with room to spare.
pub const MAX_BODY: usize = 256 * 1024;
/// The largest form, in bytes.
const MAX_FORM: usize = 4_096;

/// How long a body may take to arrive: the largest one needs a line of 140 kbit/s.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// The query parameters, checked against the ones the operation documents.
#[derive(Debug)]
pub struct Query(pub Fields);

impl FromRequest for Query {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = spec::query_parameters(request.method().as_str(), &request.match_pattern().unwrap_or_default());
        std::future::ready(Fields::from_query(request.query_string(), known).map(Self))
    }
}

/// A JSON body, whatever its form; it takes no query.
#[derive(Debug)]
pub struct JsonBody(pub serde_json::Value);

impl FromRequest for JsonBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        async move {
            Fields::from_query(request.query_string(), &[])?;
            let is_json = request.mime_type().ok().flatten().is_some_and(|mime| mime.essence_str() == "application/json");
            if !is_json {
                return Err(Problem::new(Kind::UnsupportedMediaType, "Le corps doit être annoncé par « Content-Type: application/json »."));
            }
            let body = read_body(&request, &mut payload, MAX_BODY).await?;
            let parsed = serde_json::from_slice(&body).map_err(|error| {
                let place = format!("ligne {}, colonne {}", error.line(), error.column());
                Problem::new(Kind::MalformedRequest, format!("Le corps n'est pas du JSON valide en UTF-8 ({place})."))
            })?;
            Ok(Self(parsed))
        }
        .boxed_local()
    }
}

/// The fields of a page's form.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        async move {
            let body = read_body(&request, &mut payload, MAX_FORM).await?;
            let fields = std::str::from_utf8(&body).ok().and_then(|body| web::Query::<T>::from_query(body).ok());
            let fields = fields.ok_or_else(|| Problem::new(Kind::MalformedRequest, "Ce formulaire ne peut pas être lu."))?;
            Ok(Self(fields.into_inner()))
        }
        .boxed_local()
    }
}

/// A body, if it is small enough and arrives in time.
async fn read_body(request: &HttpRequest, payload: &mut Payload, most: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(Kind::PayloadTooLarge, format!("Le corps peut peser {most} octets au plus."));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let arriving = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new(Kind::MalformedRequest, "Le corps n'est pas arrivé en entier."))?;
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    let too_slow = |_| {
        let patience = BODY_PATIENCE.as_secs();
        Problem::new(Kind::RequestTimeout, format!("Le corps n'est pas arrivé en entier en {patience} secondes. Rien n'a été enregistré."))
    };
    tokio::time::timeout(BODY_PATIENCE, arriving).await.map_err(too_slow)?
}

/// A JSON answer that depends on nothing but the request.
pub fn json(mut response: HttpResponseBuilder, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")
    })?;
    Ok(response.content_type("application/json; charset=utf-8").body(bytes))
}

/// The day it is in Paris.
pub fn day_of(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&Paris).date_naive()
}

/// A read of the directory: tagged with its revision and the language, answered 304 when the caller has it already.
pub fn directory_read(
    request: &HttpRequest,
    revision: i64,
    content_type: &'static str,
    body: impl FnOnce(Language) -> Result<Vec<u8>, Problem>,
) -> Result<HttpResponse, Problem> {
    tagged_read(request, &revision, content_type, body)
}

/// The same, for what depends on the day too.
pub fn directory_read_on(
    request: &HttpRequest,
    (revision, day): (i64, NaiveDate),
    content_type: &'static str,
    body: impl FnOnce(Language) -> Result<Vec<u8>, Problem>,
) -> Result<HttpResponse, Problem> {
    tagged_read(request, &format!("{revision}-{day}"), content_type, body)
}

fn tagged_read(
    request: &HttpRequest,
    version: &dyn Display,
    content_type: &'static str,
    body: impl FnOnce(Language) -> Result<Vec<u8>, Problem>,
) -> Result<HttpResponse, Problem> {
    match tagged(request, version) {
        Err(has_it) => Ok(*has_it),
        Ok((mut response, language)) => {
            response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
            Ok(response.body(body(language)?))
        }
    }
}

/// An answer tagged with the version of what it shows (the directory's revision) and the caller's language, to be filled in; or, as
/// the error, the 304 for a caller who has it already.
pub fn tagged(request: &HttpRequest, version: &dyn Display) -> Result<(HttpResponseBuilder, Language), Box<HttpResponse>> {
    let language = Language::of(request);
    let tag = tag(version, language);
    let known = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let has_it = known.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || weakly_equal(one, &tag));
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::CACHE_CONTROL, "public, max-age=0, must-revalidate"));
    response.insert_header((header::VARY, "Accept-Language, Authorization, Accept-Encoding"));
    response.insert_header((header::CONTENT_LANGUAGE, language.code()));
    if has_it { Err(Box::new(response.finish())) } else { Ok((response, language)) }
}

/// The tag of an answer that shows this version in this language.
pub fn tag(version: &dyn Display, language: Language) -> String {
    format!("W/\"{version}-{}\"", language.code())
}

/// What a caller says, in `If-Match`, of the version that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    Missing,
    /// Whatever it is.
    Any,
    /// One of these, without quotes nor weakness.
    Tags(Vec<String>),
}

pub fn if_match(request: &HttpRequest) -> IfMatch {
    let values: Vec<&str> = request.headers().get_all(header::IF_MATCH).filter_map(|value| value.to_str().ok()).collect();
    let tags = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    match values.is_empty() {
        true => IfMatch::Missing,
        false if tags.clone().any(|tag| tag == "*") => IfMatch::Any,
        false => IfMatch::Tags(tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned()).collect()),
    }
}

pub const JSON: &str = "application/json; charset=utf-8";

/// Serialises an answer; its failure would be ours.
pub fn bytes(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")
    })
}

fn weakly_equal(one: &str, other: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    opaque(one) == opaque(other)
}

/// Whether the caller knows a record's newest version, by `If-Match`.
///
/// # Errors
/// 428 when it doesn't say, 412 when it knows another.
pub fn check_version(request: &HttpRequest, version: i32) -> Result<(), Problem> {
    match if_match(request) {
        IfMatch::Any => Ok(()),
        IfMatch::Tags(tags) if tags.iter().any(|tag| *tag == version.to_string()) => Ok(()),
        IfMatch::Missing => {
            let detail = "L'en-tête « If-Match » est attendu, avec l'« ETag » de l'enregistrement. Rien n'a été changé.";
            Err(Problem::new(Kind::VersionRequired, detail))
        }
        IfMatch::Tags(_) => {
            let detail =
                "Quelqu'un a changé cet enregistrement depuis que vous l'avez lu. Relisez-le, puis réessayez. Rien n'a été changé.";
            Err(Problem::new(Kind::VersionChanged, detail))
        }
    }
}

/// A segment of the path, as written there.
pub fn segment<'r>(request: &'r HttpRequest, name: &str) -> &'r str {
    request.match_info().get(name).unwrap_or_default()
}

/// The state, which every worker has.
pub type State = web::Data<crate::state::AppState>;
