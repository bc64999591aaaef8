//! What the clock is to do: reminders come due, what nobody answered expires, the outcome is asked for. Within
//! [`Scope::System`](crate::Scope).

use aiguilleur_domain::follow_up::{
    EXPIRES_UNANSWERED_DAYS, FollowUp, MOST_FOLLOW_UPS, REMINDERS_AFTER, expires_after, follow_up, reminders_due,
};
use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::privacy::kept_instant;
use aiguilleur_domain::referral::{Actor, HandoffStatus, Mode, Outcome, ReportedBy};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::handoffs::{self, Changed, Voice, Wish, end_of};
use crate::referrals::{self, OutcomeReport};
use crate::schema::{handoff, referral};

/// What one round of the clock did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Reminders that came due.
    pub reminders: usize,
    pub expired: usize,
    /// Times that it is to be asked what became of a need.
    pub asked: usize,
    /// Needs of which nobody told, although it was asked.
    pub unknown: usize,
}

/// Whether this transaction is the only one, on any node, that does the clock's work; it is until it ends.
pub async fn is_alone(connection: &mut AsyncPgConnection) -> Result<bool, StorageError> {
    const CLOCK: i64 = 0x6169_6775_696c;
    Ok(diesel::select(pg_try_advisory_xact_lock(CLOCK)).get_result(connection).await?)
}

diesel::define_sql_function! {
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// What time it is for the database.
pub async fn database_time(connection: &mut AsyncPgConnection) -> Result<DateTime<Utc>, StorageError> {
    Ok(diesel::select(diesel::dsl::now.into_sql::<diesel::sql_types::Timestamptz>()).get_result(connection).await?)
}

/// Does all that is due by an instant. Doing it again at the same instant does nothing.
pub async fn act(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Round, StorageError> {
    Ok(Round { reminders: remind(connection, now).await?, expired: expire(connection, now).await?, ..ask(connection, now).await? })
}

async fn remind(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, StorageError> {
    let most = i16::try_from(REMINDERS_AFTER.len()).unwrap_or(i16::MAX);
    let waiting: Vec<(Uuid, DateTime<Utc>, i16, String)> = handoff::table
        .inner_join(referral::table)
        .filter(handoff::status.eq(<&str>::from(HandoffStatus::Sent)).and(handoff::mode.ne(<&str>::from(Mode::Information))))
        .filter(handoff::reminders.lt(most).and(handoff::changed_at.lt(now - Duration::days(REMINDERS_AFTER[0].into()))))
        .filter(referral::sensitive.eq(false))
        .select((handoff::id, handoff::changed_at, handoff::reminders, referral::departement))
        .load(connection)
        .await?;
    let day = |instant: DateTime<Utc>| instant.with_timezone(&Paris).date_naive();
    let mut came_due = 0;
    for (id, sent_at, reminded, departement) in waiting {
        let due = reminders_due(day(sent_at), day(now), HolidayRegion::of_departement(&departement));
        if due > reminded {
            diesel::update(handoff::table.find(id)).set(handoff::reminders.eq(due)).execute(connection).await?;
            came_due += usize::try_from(due - reminded).unwrap_or_default();
        }
    }
    Ok(came_due)
}

async fn expire(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<usize, StorageError> {
    let may = [HandoffStatus::Sent, HandoffStatus::Acknowledged, HandoffStatus::UnderReview, HandoffStatus::Waitlisted];
    let old: Vec<(Uuid, Uuid)> = handoff::table
        .filter(handoff::status.eq_any(may.map(<&str>::from)))
        .filter(handoff::changed_at.lt(now - Duration::days(EXPIRES_UNANSWERED_DAYS)))
        .select((handoff::referral_id, handoff::id))
        .load(connection)
        .await?;
    let mut expired = 0;
    for (referral, id) in old {
        let Some(mut held) = referrals::hold(connection, referral).await? else { continue };
        let Some(one) = held.referral.handoffs.iter().find(|one| one.id == id) else { continue };
        let Some(patience) = expires_after(one.status) else { continue };
        // A waiting list has its own date; patience counts from there.
        let promised = one.expected_on.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|day| day.and_utc());
        let since = promised.unwrap_or(one.changed_at).max(end_of(&held.referral, one.changed_at));
        if now < since + patience {
            continue;
        }
        let clock = Voice::Own(Actor::Clock);
        let changed = handoffs::change(connection, &mut held, id, HandoffStatus::Expired, clock, &Wish::default(), now).await?;
        expired += usize::from(changed == Changed::Done);
    }
    Ok(expired)
}

async fn ask(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Round, StorageError> {
    let due: Vec<Uuid> = referral::table
        .filter(referral::follow_up_due_at.le(now).and(referral::follow_ups.le(MOST_FOLLOW_UPS).assume_not_null()))
        .select(referral::id)
        .load(connection)
        .await?;
    let mut round = Round::default();
    for id in due {
        let Some(mut held) = referrals::hold(connection, id).await? else { continue };
        let Some(due_at) = held.referral.follow_up_due_at else { continue };
        match follow_up(held.referral.follow_ups, due_at, now) {
            FollowUp::Wait => {}
            FollowUp::Ask => {
                let asked = (referral::follow_ups.eq(held.referral.follow_ups + 1), referral::follow_up_due_at.eq(Some(now)));
                diesel::update(referral::table.find(id)).set(asked).execute(connection).await?;
                round.asked += 1;
            }
            FollowUp::GiveUp => {
                let report = OutcomeReport {
                    id: Uuid::new_v4(),
                    outcome: Outcome::Unknown,
                    reported_by: ReportedBy::Clock,
                    reason: None,
                    note: None,
                    reported_at: kept_instant(held.referral.sensitive, now),
                };
                referrals::report_outcome(connection, &mut held, report).await?;
                round.unknown += 1;
            }
        }
    }
    Ok(round)
}
