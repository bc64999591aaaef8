//! The HTTP interface. A request comes in through [`serve`]'s middleware, is routed to one file of `routes`,
//! and leaves as that route's answer or as a problem document.

pub mod access;
mod address;
pub mod atlas;
pub mod auth;
mod envelope;
pub mod escalations;
mod fields;
pub mod pages;
pub mod problem;
mod request;
mod routes;
pub mod spec;
pub mod state;
pub mod texts;

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web};
use state::AppState;
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::SwaggerUi;

/// Serves on a bound listener until told to stop. The server must be awaited; its handle stops it gracefully.
/// `beside` adds routes outside the contract, behind the same middleware: the benchmark's constant answer is one.
///
/// # Errors
/// When the listener can't be used.
pub fn serve(listener: TcpListener, state: AppState, beside: fn(&mut web::ServiceConfig)) -> std::io::Result<Server> {
    // Built before the first request, not during it.
    let specification = spec::document().clone();
    let data = web::Data::new(state);
    let server = HttpServer::new(move || {
        let (app, _) = App::new().into_utoipa_app().openapi(spec::frame()).configure(routes::configure).split_for_parts();
        app.app_data(data.clone())
            .service(SwaggerUi::new("/docs/{_:.*}").external_url_unchecked("/openapi.json", specification.clone()))
            .configure(pages::configure)
            .configure(beside)
            .default_service(web::to(routes::not_found))
            .wrap(middleware::Compress::default())
            .wrap(middleware::from_fn(envelope::wrap))
            .wrap(tracing_actix_web::TracingLogger::<envelope::PathOnly>::new())
    });
    Ok(server.listen(listener)?.shutdown_timeout(10).disable_signals().run())
}

/// The document of the registered routes.
fn collect_openapi() -> utoipa::openapi::OpenApi {
    let (_, openapi) = App::new().into_utoipa_app().openapi(spec::frame()).configure(routes::configure).split_for_parts();
    openapi
}
