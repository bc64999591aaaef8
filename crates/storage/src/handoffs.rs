//! The life of handoffs: every change is judged by the domain's table and written with its event; what follows from it, too.

use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::privacy::kept_instant;
use aiguilleur_domain::referral::{self as rules, Actor, HandoffStatus, Mode, Reason, SENT_AGAIN_WITHIN_DAYS, TargetType, allowed, allows};
use aiguilleur_domain::working_time::working_hours;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Europe::Paris;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::referrals::{Event, Handoff, Held, Referral, write_event, write_handoff};
use crate::schema::{handoff, handoff_event, outbox, referral};
use crate::{StorageError, corrections};

/// Attempts of one referral.
pub const MAX_HANDOFFS: usize = 50;

/// Where a handoff leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub r#type: TargetType,
    pub id: String,
    /// A structure's kind, `institution` or `hotline`.
    pub kind: String,
}

impl Handoff {
    /// A new attempt, with the event of its birth.
    pub fn born(target: Target, mode: Mode, status: HandoffStatus, by: Actor, at: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::new_v4(),
            previous_id: None,
            target_type: target.r#type,
            target_id: target.id,
            target_kind: target.kind,
            mode,
            status,
            expected_on: None,
            created_at: at,
            changed_at: at,
            reminders: 0,
            acknowledged_after_h: None,
            accepted_after_h: None,
            events: vec![Event { at, actor: by, relayed: false, from: None, to: status, reason: None, note: None }],
        }
    }

    pub fn is_towards(&self, target: &Target) -> bool {
        self.target_type == target.r#type && self.target_id == target.id
    }
}

/// What goes with a change that somebody wants.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub condition: Condition,
    pub reason: Option<Reason>,
    pub note: Option<String>,
    pub expected_on: Option<NaiveDate>,
}

/// For whom a change is made.
#[derive(Debug, Clone, Copy)]
pub enum Voice<'a> {
    /// One of these, of its own.
    Own(Actor),
    /// An agent of the referral's organisation, by its subject: for itself, or writing down what the target told.
    Mediator(&'a str),
}

impl Voice<'_> {
    /// As whom it may make a change, and whether it relays.
    fn actor(self, from: HandoffStatus, to: HandoffStatus) -> Option<(Actor, bool)> {
        let mut actors = self.actors().iter().copied();
        actors.find(|actor| allows(from, to, *actor)).map(|actor| (actor, matches!(self, Self::Mediator(_)) && actor != Actor::Mediator))
    }

    fn actors(self) -> &'static [Actor] {
        match self {
            Self::Own(Actor::Mediator) => &[Actor::Mediator],
            Self::Own(Actor::Target) => &[Actor::Target],
            // Whoever receives the person is the door's, once they have arrived.
            Self::Own(Actor::Agent) => &[Actor::Agent, Actor::Target],
            Self::Own(Actor::Person) => &[Actor::Person],
            Self::Own(Actor::Clock) => &[Actor::Clock],
            Self::Own(Actor::System) => &[Actor::System],
            Self::Mediator(_) => &[Actor::Mediator, Actor::Target],
        }
    }
}

/// What a caller knows of the referral it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// It need know nothing.
    #[default]
    Waived,
    /// It should have said, and didn't.
    Missing,
    /// Any version, as long as there is one.
    Any,
    Versions(Vec<i32>),
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// It was so already; nothing is done.
    Already,
    /// Nothing was said of the version.
    Unconditional,
    /// Somebody else changed it since.
    Stale,
    /// The table doesn't allow it to this voice; what it allows.
    NotAllowed {
        from: HandoffStatus,
        allowed: Vec<HandoffStatus>,
    },
    /// Only who sent it may send it again.
    NotTheirs,
    /// It ended too long ago to be sent again.
    TooLate,
    /// It has as many attempts as a referral may have.
    Full,
}

/// Changes a handoff's state, if that is allowed; judged in the order that the contract gives. `held` is kept up to date. A handoff that
/// isn't the referral's may become nothing at all.
pub async fn change(
    connection: &mut AsyncPgConnection,
    held: &mut Held,
    handoff: Uuid,
    to: HandoffStatus,
    voice: Voice<'_>,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Changed, StorageError> {
    let verdict = judge(held, handoff, to, voice, &wish.condition, now);
    let Judged::Allowed(actor, relayed) = verdict else { return Ok(verdict.refusal()) };
    if to == HandoffStatus::Redirected {
        // Whoever redirects says where to: by [`add`].
        let from = held.referral.handoffs.iter().find(|one| one.id == handoff).map_or(held.referral.status, |one| one.status);
        return Ok(Changed::NotAllowed { from, allowed: allowed(from, voice.actors()) });
    }
    move_to(connection, held, handoff, to, (actor, relayed), wish, now).await?;
    if to == HandoffStatus::Accepted {
        let siblings: Vec<Uuid> =
            held.referral.handoffs.iter().filter(|one| one.id != handoff && one.status.is_open()).map(|one| one.id).collect();
        let superseded = Wish { reason: Some(Reason::Superseded), ..Wish::default() };
        for sibling in siblings {
            move_to(connection, held, sibling, HandoffStatus::Cancelled, (Actor::System, false), &superseded, now).await?;
        }
    }
    settle(connection, held, now).await?;
    if let Some(changed) = held.referral.handoffs.iter().find(|one| one.id == handoff).cloned() {
        corrections::open_for(connection, &held.referral, &changed, wish.reason, now).await?;
    }
    Ok(Changed::Done)
}

/// Adds an attempt; with `previous`, that one is redirected. Gives the new one's id.
pub async fn add(
    connection: &mut AsyncPgConnection,
    held: &mut Held,
    mut new: Handoff,
    previous: Option<(Uuid, Voice<'_>)>,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Changed, StorageError> {
    if held.referral.handoffs.len() >= MAX_HANDOFFS {
        return Ok(Changed::Full);
    }
    if let Some(stale) = wish.condition.refusal(held.referral.version) {
        return Ok(stale);
    }
    if let Some((id, voice)) = previous {
        let verdict = judge(held, id, HandoffStatus::Redirected, voice, &Condition::Waived, now);
        let Judged::Allowed(actor, relayed) = verdict else { return Ok(verdict.refusal()) };
        move_to(connection, held, id, HandoffStatus::Redirected, (actor, relayed), wish, now).await?;
        new.previous_id = Some(id);
    }
    insert(connection, held, new).await?;
    settle(connection, held, now).await?;
    if let Some(left) = previous.and_then(|(id, _)| held.referral.handoffs.iter().find(|one| one.id == id)).cloned() {
        corrections::open_for(connection, &held.referral, &left, wish.reason, now).await?;
    }
    Ok(Changed::Done)
}

/// The person arrives at a door with the code: what was open towards it is acknowledged, else it is one door more. Gives the handoff,
/// and whether anything changed.
pub async fn arrive(
    connection: &mut AsyncPgConnection,
    held: &mut Held,
    at: Target,
    now: DateTime<Utc>,
) -> Result<(Uuid, Changed), StorageError> {
    let known = held.referral.handoffs.iter().rev().find(|one| one.status.is_open() && one.is_towards(&at)).map(|one| one.id);
    if let Some(id) = known {
        let voice = Voice::Own(Actor::Agent);
        let changed = change(connection, held, id, HandoffStatus::Acknowledged, voice, &Wish::default(), now).await?;
        // Further on already: the person comes back.
        let changed = if matches!(changed, Changed::NotAllowed { .. }) { Changed::Already } else { changed };
        return Ok((id, changed));
    }
    let kept = kept_instant(held.referral.sensitive, now);
    let new = Handoff::born(at, Mode::Information, HandoffStatus::Acknowledged, Actor::Agent, kept);
    let id = new.id;
    let changed = add(connection, held, new, None, &Wish::default(), now).await?;
    Ok((id, changed))
}

enum Judged {
    Allowed(Actor, bool),
    Refused(Changed),
}

impl Judged {
    fn refusal(self) -> Changed {
        match self {
            Self::Allowed(..) => Changed::Done,
            Self::Refused(changed) => changed,
        }
    }
}

impl Condition {
    fn refusal(&self, version: i32) -> Option<Changed> {
        match self {
            Self::Waived | Self::Any => None,
            Self::Missing => Some(Changed::Unconditional),
            Self::Versions(known) => (!known.contains(&version)).then_some(Changed::Stale),
        }
    }
}

/// Already so, no condition, stale, not allowed: in this order.
fn judge(held: &Held, id: Uuid, to: HandoffStatus, voice: Voice<'_>, condition: &Condition, now: DateTime<Utc>) -> Judged {
    let Some(handoff) = held.referral.handoffs.iter().find(|one| one.id == id) else {
        return Judged::Refused(Changed::NotAllowed { from: held.referral.status, allowed: Vec::new() });
    };
    if handoff.status == to {
        return Judged::Refused(Changed::Already);
    }
    if let Some(refused) = condition.refusal(held.referral.version) {
        return Judged::Refused(refused);
    }
    let Some((actor, relayed)) = voice.actor(handoff.status, to) else {
        return Judged::Refused(Changed::NotAllowed { from: handoff.status, allowed: allowed(handoff.status, voice.actors()) });
    };
    if to == HandoffStatus::Sent {
        if matches!(voice, Voice::Mediator(subject) if subject != held.author) {
            return Judged::Refused(Changed::NotTheirs);
        }
        if now > end_of(&held.referral, handoff.changed_at) + Duration::days(SENT_AGAIN_WITHIN_DAYS) {
            return Judged::Refused(Changed::TooLate);
        }
    }
    Judged::Allowed(actor, relayed)
}

/// The latest that an instant on record may stand for: of a sensitive referral only the month is known.
pub fn end_of(referral: &Referral, instant: DateTime<Utc>) -> DateTime<Utc> {
    if referral.sensitive { instant + chrono::Months::new(1) } else { instant }
}

async fn move_to(
    connection: &mut AsyncPgConnection,
    held: &mut Held,
    id: Uuid,
    to: HandoffStatus,
    (actor, relayed): (Actor, bool),
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let Held { organisation, referral, .. } = held;
    let position = next_position(referral);
    let kept = kept_instant(referral.sensitive, now);
    let Some(one) = referral.handoffs.iter_mut().find(|one| one.id == id) else { return Ok(()) };
    // Of what is sensitive neither a text nor a day is kept.
    let (note, expected_on) = if referral.sensitive { (None, None) } else { (wish.note.clone(), wish.expected_on) };
    let event = Event { at: kept, actor, relayed, from: Some(one.status), to, reason: wish.reason, note };
    let hours =
        (!referral.sensitive).then(|| working_hours(one.created_at, kept, Paris, HolidayRegion::of_departement(&referral.departement)));
    match to {
        HandoffStatus::Acknowledged => one.acknowledged_after_h = one.acknowledged_after_h.or(hours),
        HandoffStatus::Accepted => one.accepted_after_h = one.accepted_after_h.or(hours),
        HandoffStatus::Waitlisted => one.expected_on = expected_on,
        HandoffStatus::Sent => one.reminders = 0,
        _ => {}
    }
    (one.status, one.changed_at) = (to, kept);
    diesel::update(handoff::table.find(id))
        .set((
            handoff::status.eq(<&str>::from(to)),
            handoff::changed_at.eq(kept),
            handoff::expected_on.eq(one.expected_on),
            handoff::reminders.eq(one.reminders),
            handoff::acknowledged_after_h.eq(one.acknowledged_after_h),
            handoff::accepted_after_h.eq(one.accepted_after_h),
        ))
        .execute(connection)
        .await?;
    diesel::insert_into(handoff_event::table)
        .values(write_event(*organisation, referral.id, id, &event, position))
        .execute(connection)
        .await?;
    one.events.push(event);
    let is_notified = to == HandoffStatus::Sent && one.mode != Mode::Information;
    if is_notified { tell(connection, *organisation, referral.id).await } else { Ok(()) }
}

async fn insert(connection: &mut AsyncPgConnection, held: &mut Held, new: Handoff) -> Result<(), StorageError> {
    let Held { organisation, referral, .. } = held;
    let first = next_position(referral);
    let position = i16::try_from(referral.handoffs.len() + 1).unwrap_or(i16::MAX);
    diesel::insert_into(handoff::table).values(write_handoff(*organisation, referral, &new, position)).execute(connection).await?;
    for (event, position) in new.events.iter().zip(first..) {
        diesel::insert_into(handoff_event::table)
            .values(write_event(*organisation, referral.id, new.id, event, position))
            .execute(connection)
            .await?;
    }
    let is_notified = new.status == HandoffStatus::Sent;
    referral.handoffs.push(new);
    if is_notified { tell(connection, *organisation, referral.id).await } else { Ok(()) }
}

/// Somebody outside is to be told that a handoff was sent.
async fn tell(connection: &mut AsyncPgConnection, organisation: Uuid, referral: Uuid) -> Result<(), StorageError> {
    let row = (
        outbox::id.eq(Uuid::new_v4()),
        outbox::organisation_id.eq(organisation),
        outbox::referral_id.eq(referral),
        outbox::topic.eq("referral.sent"),
    );
    diesel::insert_into(outbox::table).values(row).execute(connection).await?;
    Ok(())
}

/// What follows for the referral as a whole: its status, its version, and whether it is closed.
async fn settle(connection: &mut AsyncPgConnection, held: &mut Held, now: DateTime<Utc>) -> Result<(), StorageError> {
    let referral = &mut held.referral;
    let statuses: Vec<HandoffStatus> = referral.handoffs.iter().map(|one| one.status).collect();
    referral.status = rules::status(&statuses).unwrap_or(referral.status);
    referral.version += 1;
    let is_told = referral.follow_up_due_at.is_none() && !referral.outcomes.is_empty();
    let is_over = is_told || !statuses.iter().any(|status| status.is_open());
    let closed_at = is_over.then(|| referral.closed_at.unwrap_or_else(|| kept_instant(referral.sensitive, now)));
    referral.closed_at = closed_at;
    diesel::update(referral::table.find(referral.id))
        .set((
            referral::status.eq(<&str>::from(referral.status)),
            referral::version.eq(referral.version),
            referral::closed_at.eq(closed_at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

fn next_position(referral: &Referral) -> i16 {
    let events: usize = referral.handoffs.iter().map(|one| one.events.len()).sum();
    i16::try_from(events + 1).unwrap_or(i16::MAX)
}
