//! What surrounds every request: its id, its measure, the checks that come before routing, and problems completed on their way out.

use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use percent_encoding::percent_decode_str;
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use crate::limits;
use crate::problem::{Kind, Problem};
use crate::sign_in;

/// The longest address taken, in bytes.
const MAX_URI: usize = 8_000;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A span with the method and the path; never the query, which may hold a person's words or place.
#[derive(Debug)]
pub struct PathOnly;

impl RootSpanBuilder for PathOnly {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        tracing::info_span!("request", id, method = %request.method(), path = logged(request.path()), status = tracing::field::Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        if let Ok(response) = outcome {
            span.record("status", response.status().as_u16());
            let _entered = span.enter();
            tracing::info!("answered");
        }
    }
}

/// The outermost middleware of ours.
pub async fn wrap<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let started = Instant::now();
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let path = told(request.path()).to_owned();
    let method = request.method().clone();

    if method == Method::HEAD {
        // Answered as a GET; the server leaves the body out.
        request.head_mut().method = Method::GET;
    }
    let early = refuse_early(&request);
    let mut response = match early {
        Some(problem) => request.into_response(problem.respond(&path, &id)).map_into_right_body(),
        None => match next.call(request).await {
            Ok(response) => complete(response, &path, &id),
            Err(error) => return Err(error),
        },
    };

    limits::tell(&mut response);
    sign(response.headers_mut(), &id);
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    // Anybody may read the measures, and nobody but professionals is to learn how many contacts there are.
    if !CONTACTS.iter().any(|prefix| route.starts_with(prefix)) {
        let labels = [("method", known_method(&method).to_owned()), ("route", route), ("status", response.status().as_str().to_owned())];
        metrics::histogram!("http_request_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
    }
    Ok(response)
}

/// Routes that are not measured.
const CONTACTS: [&str; 3] = ["/v1/referents", "/v1/charter", "/v1/misuse-reports"];

/// A path as it may be logged: with an id, a line would give a sensitive referral back the instant that isn't kept of it.
fn logged(path: &str) -> &str {
    let plain = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let mut steps = plain.split(['/', '\\']).filter(|step| !step.is_empty());
    if [steps.next(), steps.next()] == [Some("v1"), Some("referrals")] && steps.next().is_some() { "/v1/referrals/" } else { told(path) }
}

/// A path as it may be told: a link to sign in, a target's link and a code on paper are secrets, however their addresses are written.
pub fn told(path: &str) -> &str {
    let plain = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let mut steps = plain.split(['/', '\\']).filter(|step| !step.is_empty());
    match (steps.next(), steps.next()) {
        _ if plain.contains("sign-in") && plain.contains("link") => sign_in::LINKS,
        (Some("s"), Some(_)) => "/s/",
        (Some("c"), Some(_)) => "/c/",
        (Some("revendication"), Some(_)) => "/revendication/",
        _ => path,
    }
}

/// What every answer carries, refusals included.
pub fn sign(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::REFERRER_POLICY) {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}

/// A problem leaves its handler without its path and its request's id: they are filled in here.
fn complete<B: MessageBody + 'static>(response: ServiceResponse<B>, path: &str, id: &str) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let problem = response.response().extensions().get::<Problem>().cloned();
    let problem = problem.or_else(|| response.response().error()?.as_error::<Problem>().cloned()).or_else(|| unspoken(&response));
    match problem {
        Some(problem) => response.into_response(problem.respond(path, id)).map_into_right_body(),
        None => response.map_into_left_body(),
    }
}

/// An error of the framework's own, which would be text or empty.
fn unspoken<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    let is_ours = response.headers().contains_key(header::CONTENT_TYPE) && response.response().error().is_none();
    match response.status().as_u16() {
        _ if is_ours => None,
        404 => Some(Problem::not_found(response.request().path())),
        413 => Some(Problem::new(Kind::PayloadTooLarge, "L'envoi est trop volumineux.")),
        415 => Some(Problem::new(Kind::UnsupportedMediaType, "Ce format d'envoi n'est pas pris en charge.")),
        400..=499 => Some(Problem::new(Kind::MalformedRequest, "La requête ne peut pas être lue.")),
        500..=599 => Some(Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")),
        _ => None,
    }
}

/// A label of its own for each invented method would let anybody fill the memory.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn refuse_early(request: &ServiceRequest) -> Option<Problem> {
    if request.uri().to_string().len() > MAX_URI {
        return Some(Problem::new(Kind::UriTooLong, format!("L'adresse peut avoir {MAX_URI} caractères au plus.")));
    }
    let accepts = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let mut accepts = accepts.flat_map(|value| value.split(',')).peekable();
    if !request.path().starts_with("/v1/") || accepts.peek().is_none() {
        return None;
    }
    let offered: &[&str] = match request.path() {
        "/v1/stats/referrals" => &["application/json", "application/problem+json", "text/csv"],
        path if path.ends_with("/slip") => &["text/html", "application/problem+json"],
        _ => &["application/json", "application/problem+json", "application/geo+json", "application/x-ndjson"],
    };
    let is_text = offered.iter().any(|offered| offered.starts_with("text/"));
    let acceptable = accepts.any(|range| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        let refused = parameters.replace(' ', "").split(';').any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        let range = range.trim().to_ascii_lowercase();
        !refused
            && (matches!(range.as_str(), "*/*" | "application/*" | "")
                || (is_text && range == "text/*")
                || offered.contains(&range.as_str()))
    });
    (!acceptable).then(|| Problem::new(Kind::NotAcceptable, format!("Formats disponibles : {}.", offered.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_addresses_are_told_in_no_spelling() {
        for path in
            ["/sign-in/link/SECRET", "/sign-in/%6cink/SECRET", "//Sign-in//LINK/SECRET", "/sign-in/link%2FSECRET", "/sign-in/link/SECRET/"]
        {
            assert_eq!(told(path), sign_in::LINKS, "{path}");
        }
        for (path, shown) in [
            ("/s/SECRET", "/s/"),
            ("/Revendication/SECRET", "/revendication/"),
            ("//%73/SECRET/", "/s/"),
            ("/c/7Q4M2XK9D3/data", "/c/"),
            ("/C/7q4m2xk9d3", "/c/"),
        ] {
            assert_eq!(told(path), shown, "{path}");
        }
        for path in ["/c", "/s", "/sign-in", "/sign-in/with/agents", "/v1/organisations", "/%FF"] {
            assert_eq!(told(path), path);
        }
    }
}
