//! What whoever operates the service asks it: is it alive, ready, how does it fare, what is its contract.

use actix_web::{HttpResponse, get};
use chrono::Utc;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::problem::Problem;
use crate::request::{State, json};
use crate::spec;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get_health_live).service(get_health_ready).service(get_metrics).service(get_openapi);
}

/// How the service is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Health {
    #[schema(example = "ready")]
    status: &'static str,
    /// Revision of the directory in memory.
    revision: i64,
    /// Seconds since the database last confirmed it.
    age_s: i64,
    /// `available` or `unavailable`: without it questions are still answered, referrals get 503.
    #[schema(example = "available")]
    database: &'static str,
}

/// The process answers.
///
/// For whoever restarts it: it says nothing of the database.
#[utoipa::path(
    operation_id = "get_health_live",
    tag = "Exploitation",
    responses((status = 200, description = "Alive", content_type = "text/plain", body = String, example = "ok"))
)]
#[get("/health/live")]
async fn get_health_live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok")
}

/// Questions can be answered; whether referrals can be recorded is said too.
///
/// For a load balancer: 200 while questions are answered from memory, even without a database.
#[utoipa::path(
    operation_id = "get_health_ready",
    tag = "Exploitation",
    responses((status = 200, description = "Ready", body = Health))
)]
#[get("/health/ready")]
async fn get_health_ready(state: State) -> Result<HttpResponse, Problem> {
    let database = if state.database.is_available().await { "available" } else { "unavailable" };
    let health = Health { status: "ready", revision: state.snapshot.get().revision, age_s: state.snapshot.age_s(Utc::now()), database };
    json(HttpResponse::Ok(), &health)
}

/// Figures in Prometheus' text format.
///
/// Counts and durations; nothing of who asked what.
#[utoipa::path(
    operation_id = "get_metrics",
    tag = "Exploitation",
    responses((status = 200, description = "Prometheus text format", content_type = "text/plain", body = String))
)]
#[get("/metrics")]
async fn get_metrics(state: State) -> HttpResponse {
    let directory = state.snapshot.get();
    // Revisions and counts stay far below 2^52.
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "gauges are floats")]
    {
        metrics::gauge!("directory_revision").set(directory.revision as f64);
        metrics::gauge!("directory_age_seconds").set(state.snapshot.age_s(Utc::now()) as f64);
        metrics::gauge!("directory_base_age_seconds").set((Utc::now() - directory.base_built_at).num_seconds() as f64);
        metrics::gauge!("directory_overlay_structures").set(directory.overlay_len() as f64);
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render())
}

/// The contract.
///
/// This document.
#[utoipa::path(
    operation_id = "get_openapi",
    tag = "Exploitation",
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value))
)]
#[get("/openapi.json")]
async fn get_openapi() -> Result<HttpResponse, Problem> {
    json(HttpResponse::Ok(), spec::document())
}
