//! `/v1/follow-ups`: what is to be asked, of targets that don't answer and of needs nobody told of. The clock decides what is due.

use actix_web::{HttpResponse, get};
use aiguilleur_domain::referral::{HandoffStatus, Mode};
use aiguilleur_storage::referrals::{self, Filter, Referral, ToFollow};
use aiguilleur_storage::{Scope, links, scoped};
use chrono::{DateTime, Datelike, Days, TimeZone, Utc};
use chrono_tz::Europe::Paris;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::organisations::private;
use super::referrals::{ReferralItem, cursor_of, read_cursor, show};
use super::{Page, limit, wanted};
use crate::auth::Caller;
use crate::problem::{Kind, Problem};
use crate::request::{Query, State};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_follow_ups);
}

/// A referral that somebody is to be asked about.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FollowUpItem {
    /// The target has been silent for 3 business days (1) or 10 (2); 0 when it is not to be reminded.
    reminders: i16,
    /// It is to be asked what became of the need, for the first (1) or second and last time (2); 0 when not yet.
    follow_ups: i16,
    /// Attempts whose target asked for another link.
    links_asked: Vec<Uuid>,
    referral: ReferralItem,
}

/// What is to be asked, the newest first.
///
/// Referrals for information, where nobody was notified, are listed once a week, from Monday on. Of whoever answered, and of sensitive
/// procedures, nothing is ever asked.
#[utoipa::path(
    operation_id = "list_follow_ups",
    tag = "Réorientations",
    params(
        ("mode" = Option<Mode>, Query, description = "How the target is involved"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, example = 20, description = "20 by default"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,15}-[0-9a-f]{32}$", description = "`next_cursor` of the page before, as it was given"),
    ),
    responses((status = 200, description = "A page of referrals to ask about", body = inline(Page<FollowUpItem>)))
)]
#[get("/v1/follow-ups")]
async fn list_follow_ups(state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    let agent = caller.may("list_follow_ups")?;
    let limit = limit(&fields);
    let after = fields.text("cursor", 100).map(|cursor| {
        let position = read_cursor(cursor);
        if position.is_none() {
            fields.report(Kind::MalformedRequest, "cursor", "Ce curseur n'a pas été donné ici.");
        }
        position
    });
    let to_follow = Some(ToFollow { week_began: week_began(Utc::now()) });
    let filter = Filter { mode: fields.code("mode"), to_follow, after: after.flatten(), ..Filter::default() };
    let filter = fields.finish(Some(filter))?;
    let Some(organisation) = state.organisations.find(&agent.organisation).await? else {
        return private(HttpResponse::Ok(), &Page::<FollowUpItem> { items: Vec::new(), next_cursor: None });
    };
    let mut scope = scoped(&state.database, Scope::Organisation(organisation)).await?;
    let found = referrals::list(&mut scope, &Filter { organisation: Some(organisation), ..filter }, wanted(limit)).await?;
    let ids: Vec<Uuid> = found.iter().map(|referral| referral.id).collect();
    let asked = links::renewals_asked(&mut scope, &ids).await?;
    scope.commit().await?;
    private(HttpResponse::Ok(), &Page::cut(found, limit, cursor_of, |referral| item(referral, &asked)))
}

fn item(referral: Referral, asked: &[Uuid]) -> FollowUpItem {
    let silent = referral.handoffs.iter().filter(|one| one.status == HandoffStatus::Sent);
    FollowUpItem {
        reminders: silent.map(|one| one.reminders).max().unwrap_or_default(),
        follow_ups: if referral.follow_up_due_at.is_some() { referral.follow_ups } else { 0 },
        links_asked: referral.handoffs.iter().map(|one| one.id).filter(|id| asked.contains(id)).collect(),
        referral: show(referral),
    }
}

/// Monday, at midnight in Paris.
fn week_began(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&Paris).date_naive();
    let monday = today - Days::new(today.weekday().num_days_from_monday().into());
    let midnight = monday.and_hms_opt(0, 0, 0).and_then(|midnight| Paris.from_local_datetime(&midnight).earliest());
    midnight.map_or(now, |midnight| midnight.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_in_paris() {
        let began = |text: &str| week_began(text.parse().unwrap()).to_rfc3339();
        assert_eq!(began("2026-11-23T01:00:00Z"), "2026-11-22T23:00:00+00:00");
        assert_eq!(began("2026-11-22T22:30:00Z"), "2026-11-15T23:00:00+00:00", "still Sunday there");
        assert_eq!(began("2026-07-15T12:00:00Z"), "2026-07-12T22:00:00+00:00", "summer time");
    }
}
