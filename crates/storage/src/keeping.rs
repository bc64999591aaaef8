//! Retention: what was only to be kept for a while is wiped, then made anonymous. Within [`Scope::System`](crate::Scope).
//!
//! Free texts and the caller's own reference go 6 months after the referral is closed, 24 months after it was recorded at the latest.
//! Before a referral is 24 months old, with all others of its month, it is made anonymous: other ids, no code that anybody has, its
//! month for every instant, its intercommunality for its commune, and for its author a random name that no other month shares.

use std::collections::HashMap;

use aiguilleur_domain::privacy::month_of;
use chrono::{DateTime, Months, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::StorageError;
use crate::referrals::{self, Held, new_code, write, write_event, write_handoff, write_outcome};
use crate::schema::{handoff, handoff_event, outcome, referral};

/// Months after closing that free texts are kept.
pub const TEXTS_KEPT_MONTHS: u32 = 6;
/// Months that anything is kept that isn't anonymous.
pub const KEPT_MONTHS: u32 = 24;

/// Rows read or written at once.
const BATCH: usize = 500;

/// The referrals whose free texts are to go.
pub async fn to_wipe(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<Uuid>, StorageError> {
    let closed_before = now - Months::new(TEXTS_KEPT_MONTHS);
    let recorded_before = now - Months::new(KEPT_MONTHS);
    // Of a sensitive one only the month is known: it may be that much younger.
    let month = Months::new(1);
    let plain = referral::closed_at.le(closed_before).or(referral::created_at.nullable().le(recorded_before));
    let sensitive = referral::closed_at.le(closed_before - month).or(referral::created_at.nullable().le(recorded_before - month));
    let due = referral::sensitive.nullable().eq(false).and(plain).or(referral::sensitive.nullable().eq(true).and(sensitive));
    let with_text = referral::table.filter(referral::wiped.eq(false).and(referral::anonymised.eq(false))).filter(due);
    Ok(with_text.select(referral::id).order(referral::id).load(connection).await?)
}

/// Wipes the free texts and references of these referrals.
pub async fn wipe(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<(), StorageError> {
    let nothing = None::<String>;
    for ids in ids.chunks(BATCH) {
        diesel::update(referral::table.filter(referral::id.eq_any(ids)))
            .set((referral::person_ref.eq(&nothing), referral::note.eq(&nothing), referral::wiped.eq(true)))
            .execute(connection)
            .await?;
        let events = handoff_event::table.filter(handoff_event::referral_id.eq_any(ids).and(handoff_event::note.is_not_null()));
        diesel::update(events).set(handoff_event::note.eq(&nothing)).execute(connection).await?;
        let reports = outcome::table.filter(outcome::referral_id.eq_any(ids).and(outcome::note.is_not_null()));
        diesel::update(reports).set(outcome::note.eq(&nothing)).execute(connection).await?;
    }
    Ok(())
}

/// The referrals that are to be made anonymous: whole months, so that none is told from the others of its month by when that was done.
pub async fn to_anonymise(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Vec<Uuid>, StorageError> {
    let first_kept = month_of(now) - Months::new(KEPT_MONTHS - 1);
    let old = referral::table.filter(referral::anonymised.eq(false).and(referral::created_at.lt(first_kept)));
    // The ids are random, and so is the order in which the rows are written anew.
    Ok(old.select(referral::id).order(referral::id).load(connection).await?)
}

/// Keeps of the corrections that are as old the month they were opened in: a day and a reason could be told from an anonymous row.
pub async fn blur_corrections(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(), StorageError> {
    let first_kept = (month_of(now) - Months::new(KEPT_MONTHS - 1)).date_naive();
    let sql =
        "UPDATE correction SET opened_on = date_trunc('month', opened_on)::date WHERE opened_on < $1 AND extract(day FROM opened_on) > 1";
    diesel::sql_query(sql).bind::<diesel::sql_types::Date, _>(first_kept).execute(connection).await?;
    Ok(())
}

/// Replaces these referrals by anonymous ones.
pub async fn anonymise(connection: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<(), StorageError> {
    let mut authors: HashMap<(Uuid, String, DateTime<Utc>), String> = HashMap::new();
    for id in ids {
        let Some(held) = referrals::hold(connection, *id).await? else { continue };
        let month = month_of(held.referral.created_at);
        let key = (held.organisation, held.author.clone(), month);
        let author = authors.entry(key).or_insert_with(|| Uuid::new_v4().to_string()).clone();
        diesel::delete(referral::table.find(id)).execute(connection).await?;
        insert(connection, anonymous(held, author)).await?;
    }
    Ok(())
}

fn anonymous(mut held: Held, author: String) -> Held {
    let it = &mut held.referral;
    (it.id, it.code) = (Uuid::new_v4(), new_code().to_string());
    (it.commune, it.orientation_id, it.made_at_structure, it.person_ref, it.note) = (None, None, None, None, None);
    (it.occurred_at, it.created_at, it.follow_up_due_at) = (month_of(it.occurred_at), month_of(it.created_at), None);
    it.closed_at = it.closed_at.map(month_of);
    let renamed: HashMap<Uuid, Uuid> = it.handoffs.iter().map(|one| (one.id, Uuid::new_v4())).collect();
    for one in &mut it.handoffs {
        one.id = renamed.get(&one.id).copied().unwrap_or_else(Uuid::new_v4);
        one.previous_id = one.previous_id.and_then(|id| renamed.get(&id).copied());
        (one.created_at, one.changed_at, one.expected_on) = (month_of(one.created_at), month_of(one.changed_at), None);
        for event in &mut one.events {
            (event.at, event.note) = (month_of(event.at), None);
        }
    }
    for report in &mut it.outcomes {
        (report.id, report.reported_at, report.note) = (Uuid::new_v4(), month_of(report.reported_at), None);
    }
    Held { author, ..held }
}

async fn insert(connection: &mut AsyncPgConnection, held: Held) -> Result<(), StorageError> {
    let Held { organisation, author, referral: it } = held;
    let mut row = write(organisation, &author, &it);
    (row.wiped, row.anonymised) = (true, true);
    diesel::insert_into(referral::table).values(row).execute(connection).await?;
    let handoffs: Vec<_> = it.handoffs.iter().zip(1..).map(|(one, position)| write_handoff(organisation, &it, one, position)).collect();
    diesel::insert_into(handoff::table).values(handoffs).execute(connection).await?;
    let events = it.handoffs.iter().flat_map(|one| one.events.iter().map(move |event| (one.id, event)));
    let events: Vec<_> =
        events.zip(1..).map(|((handoff, event), position)| write_event(organisation, it.id, handoff, event, position)).collect();
    diesel::insert_into(handoff_event::table).values(events).execute(connection).await?;
    let reports: Vec<_> =
        it.outcomes.iter().zip(1..).map(|(report, position)| write_outcome(organisation, it.id, report, position)).collect();
    diesel::insert_into(outcome::table).values(reports).execute(connection).await?;
    Ok(())
}
