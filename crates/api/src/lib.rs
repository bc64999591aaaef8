//! The HTTP interface. A request comes in through [`serve`]'s middleware, is routed to one file of `routes`,
//! and leaves as that route's answer or as a problem document.

pub mod access;
mod address;
mod admission;
pub mod atlas;
pub mod auth;
mod claim_page;
mod codes;
mod envelope;
pub mod escalations;
mod fields;
pub mod invitation;
pub mod limits;
mod markdown;
pub mod pages;
mod person;
pub mod problem;
mod request;
mod routes;
mod sign_in;
mod slip;
pub mod spec;
pub mod state;
mod structure_change;
mod target_page;
pub mod texts;
mod tongue;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web};
use admission::Gate;
pub use routes::partner_keys::parse_origin;
use state::AppState;
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::SwaggerUi;

#[cfg(all(feature = "unchecked", not(debug_assertions)))]
compile_error!("`unchecked` takes every check of a role out: it is for the tests, never for a release");

/// How long a connection may be silent between two requests: longer than the load balancers in use keep theirs (60 s), so that it is
/// never this end that closes one which the other is about to use.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive, its connection included; bodies have a time of their own.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);

/// Serves on a bound listener until told to stop. The server must be awaited; its handle stops it gracefully.
/// `beside` adds routes outside the contract, behind the same middleware: the benchmark's constant answer is one.
///
/// # Errors
/// When the listener can't be used.
pub fn serve(listener: TcpListener, state: AppState, beside: fn(&mut web::ServiceConfig)) -> std::io::Result<Server> {
    // Built before the first request, not during it.
    let specification = spec::document().clone();
    let data = web::Data::new(state);
    tokio::spawn(data.providers.clone().keep_fresh(data.access.clone()));
    tokio::spawn(data.limits.clone().keep_small());
    let server = HttpServer::new(move || {
        let (app, _) = App::new().into_utoipa_app().openapi(spec::frame()).configure(routes::configure).split_for_parts();
        let gate = Gate::new(data.crowd);
        app.app_data(data.clone())
            .service(SwaggerUi::new("/docs/{_:.*}").external_url_unchecked("/openapi.json", specification.clone()))
            .configure(pages::configure)
            .configure(sign_in::configure)
            .configure(person::configure)
            .configure(target_page::configure)
            .configure(claim_page::configure)
            .configure(beside)
            .default_service(web::to(routes::not_found))
            .wrap(middleware::Compress::default())
            .wrap(middleware::from_fn(limits::wrap))
            .wrap(middleware::from_fn(envelope::wrap))
            .wrap(tracing_actix_web::TracingLogger::<envelope::PathOnly>::new())
            .wrap(middleware::from_fn(move |request, next| admission::wrap(gate.clone(), request, next)))
    })
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_PATIENCE);
    Ok(server.listen(listener)?.shutdown_timeout(10).disable_signals().run())
}

/// The document of the registered routes.
fn collect_openapi() -> utoipa::openapi::OpenApi {
    let (_, openapi) = App::new().into_utoipa_app().openapi(spec::frame()).configure(routes::configure).split_for_parts();
    openapi
}
