//! When somebody is to be asked again, and when it is too late: reminders to the target, questions of what became of the need, expiry.
//!
//! Nobody who answered is asked again, and of what is sensitive nobody is asked at all.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use crate::holidays::HolidayRegion;
use crate::referral::HandoffStatus;
use crate::working_time::add_business_days;

/// Business days after which a target that has not answered is reminded.
pub const REMINDERS_AFTER: [u32; 2] = [3, 10];
/// Days between the referral and the first question of what became of the need, and between two questions.
pub const FOLLOW_UP_AFTER_DAYS: i64 = 14;
/// Questions asked at most; as long again after the last one, what became of the need is `unknown`.
pub const MOST_FOLLOW_UPS: i16 = 2;
/// Days after which what nobody answered expires, and what somebody answered but left there.
pub const EXPIRES_UNANSWERED_DAYS: i64 = 30;
pub const EXPIRES_LEFT_DAYS: i64 = 60;

/// How many reminders are due by a day, of something sent on another and not answered.
pub fn reminders_due(sent_on: NaiveDate, today: NaiveDate, region: HolidayRegion) -> i16 {
    let due = REMINDERS_AFTER.iter().filter(|days| add_business_days(sent_on, **days, region) <= today);
    i16::try_from(due.count()).unwrap_or(i16::MAX)
}

/// How long a handoff may stand in a state; `None` where it never expires.
pub fn expires_after(status: HandoffStatus) -> Option<Duration> {
    match status {
        HandoffStatus::Sent => Some(Duration::days(EXPIRES_UNANSWERED_DAYS)),
        HandoffStatus::Acknowledged | HandoffStatus::UnderReview | HandoffStatus::Waitlisted => Some(Duration::days(EXPIRES_LEFT_DAYS)),
        _ => None,
    }
}

/// What the clock does next about an outcome that nobody told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Nothing yet.
    Wait,
    /// The question is asked, for the first or second time.
    Ask,
    /// It was asked often enough.
    GiveUp,
}

/// `due_at`: of the first question before any was asked, then when the last one was asked.
pub fn follow_up(asked: i16, due_at: DateTime<Utc>, now: DateTime<Utc>) -> FollowUp {
    let next = if asked == 0 { due_at } else { due_at + Duration::days(FOLLOW_UP_AFTER_DAYS) };
    if now < next {
        FollowUp::Wait
    } else if asked < MOST_FOLLOW_UPS {
        FollowUp::Ask
    } else {
        FollowUp::GiveUp
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;
    use crate::referral::{Actor, allows};

    #[test]
    fn reminders_wait_for_business_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // Friday; the next Wednesday is 11 November.
        let due = |today| reminders_due(day("2026-11-06"), day(today), HolidayRegion::National);
        assert_eq!([due("2026-11-06"), due("2026-11-11"), due("2026-11-12")], [0, 0, 1]);
        assert_eq!([due("2026-11-20"), due("2026-11-23"), due("2027-11-23")], [1, 2, 2]);
    }

    #[test]
    fn what_can_expire_is_what_the_table_says() {
        for status in HandoffStatus::VARIANTS {
            assert_eq!(expires_after(*status).is_some(), allows(*status, HandoffStatus::Expired, Actor::Clock), "{status:?}");
        }
    }

    #[test]
    fn it_is_asked_twice_and_no_more() {
        let born = "2026-11-02T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let after = |days| born + Duration::days(days);
        assert_eq!(follow_up(0, after(14), after(13)), FollowUp::Wait);
        assert_eq!(follow_up(0, after(14), after(14)), FollowUp::Ask);
        assert_eq!(follow_up(1, after(14), after(27)), FollowUp::Wait);
        assert_eq!(follow_up(1, after(14), after(28)), FollowUp::Ask);
        assert_eq!(follow_up(2, after(28), after(42)), FollowUp::GiveUp);
        // The service was down: the second question still leaves its time to the first.
        assert_eq!(follow_up(1, after(60), after(61)), FollowUp::Wait);
    }
}
