//! The few pages of this service's own: the way in, and what each problem asks of its reader.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder, get, web};
use strum::VariantArray;

use crate::problem::{Kind, Problem};
use crate::request::segment;

const STYLE: &str = include_str!("../pages/style.css");
const SLIP_STYLE: &str = include_str!("../pages/slip.css");
const PRIVACY: &str = include_str!("../pages/confidentialite.html");
const CHARTER: &str = include_str!("../pages/charte.html");
const HOME: &str = include_str!("../pages/home.html");
const FRAME: &str = include_str!("../pages/frame.html");

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(home)
        .service(style)
        .service(slip_style)
        .service(privacy)
        .service(charter)
        .service(problems)
        .service(problem)
        .service(web::redirect("/docs", "/docs/"));
}

#[get("/")]
async fn home(request: HttpRequest) -> impl Responder {
    // The example is of the address that the reader came by, as far as that is plain.
    let connection = request.connection_info();
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | ':' | '[' | ']');
    let host = Some(connection.host()).filter(|host| host.chars().all(plain)).unwrap_or("127.0.0.1:8080");
    page("Aiguilleur", &HOME.replace("{{host}}", host))
}

#[get("/style.css")]
async fn style() -> impl Responder {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").insert_header((header::CACHE_CONTROL, "public, max-age=3600")).body(STYLE)
}

#[get("/slip.css")]
async fn slip_style() -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(SLIP_STYLE)
}

#[get("/confidentialite")]
async fn privacy() -> impl Responder {
    page("Vos données", PRIVACY)
}

#[get("/charte")]
async fn charter() -> impl Responder {
    page("La charte des contacts", CHARTER)
}

#[get("/problems")]
async fn problems() -> impl Responder {
    let item = |kind: &Kind| format!("<li><a href=\"/problems/{}\">{}</a> ({})</li>", kind.slug(), kind.title(), kind.status().as_str());
    let items = Kind::VARIANTS.iter().map(item).collect::<Vec<_>>().concat();
    page("Les problèmes", &format!("<h1>Les problèmes</h1><p>Ce que le service répond quand il ne peut pas répondre.</p><ul>{items}</ul>"))
}

#[get("/problems/{slug}")]
async fn problem(request: HttpRequest) -> Result<impl Responder, Problem> {
    let slug = segment(&request, "slug");
    let kind = Kind::VARIANTS.iter().find(|kind| kind.slug() == slug).ok_or_else(|| Problem::not_found("Problème"))?;
    let body = format!(
        "<p><a href=\"/problems\">Tous les problèmes</a></p><h1>{}</h1><p class=\"status\">Statut HTTP {}</p><p>{}</p>",
        kind.title(),
        kind.status().as_str(),
        kind.advice()
    );
    Ok(page(kind.title(), &body))
}

/// Pages load nothing from elsewhere, run no script and stand in no frame.
pub(crate) fn page(title: &str, body: &str) -> HttpResponse {
    page_with(StatusCode::OK, title, body)
}

pub(crate) fn page_with(status: StatusCode, title: &str, body: &str) -> HttpResponse {
    dressed(status, FRAME.replace("{{title}}", title).replace("{{body}}", body))
}

/// Nobody but this browser may keep it, and nobody hears of its address.
pub(crate) fn private(mut page: HttpResponse) -> HttpResponse {
    page.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    page
}

/// A whole document, with what every page is sent with.
pub(crate) fn dressed(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // With none at all, browsers would not say of a form where it comes from.
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .body(html)
}
