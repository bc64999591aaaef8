//! The life of a referral: its handoffs' states and who moves them, and the outcome of the need, on an axis of its own.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// How the target is involved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The address is given, nobody is notified.
    Information,
    /// The target is notified.
    Warm,
    /// An institution's referent is asked.
    Unblock,
}

impl Mode {
    /// The state in which a handoff of this mode is born.
    pub fn first_status(self) -> HandoffStatus {
        match self {
            Self::Information => HandoffStatus::Given,
            Self::Warm | Self::Unblock => HandoffStatus::Sent,
        }
    }
}

/// The state of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum HandoffStatus {
    Given,
    Sent,
    Acknowledged,
    UnderReview,
    Accepted,
    Waitlisted,
    InProgress,
    Completed,
    Declined,
    Redirected,
    Failed,
    Cancelled,
    Expired,
}

/// Who may move a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Mediator,
    Target,
    /// The agent at the door where the person arrives with the code.
    Agent,
    Person,
    Clock,
    System,
}

use HandoffStatus::{
    Accepted, Acknowledged, Cancelled, Completed, Declined, Expired, Failed, Given, InProgress, Redirected, Sent, UnderReview, Waitlisted,
};

/// States from which something may still come.
pub const OPEN: [HandoffStatus; 7] = [Given, Sent, Acknowledged, UnderReview, Accepted, Waitlisted, InProgress];

/// Every allowed change: from, to, by whom.
pub const TRANSITIONS: &[(&[HandoffStatus], HandoffStatus, &[Actor])] = &[
    (&[Given, Sent], Acknowledged, &[Actor::Agent, Actor::Target]),
    (&[Sent, Acknowledged], UnderReview, &[Actor::Target]),
    (&[Sent, Acknowledged, UnderReview, Waitlisted], Accepted, &[Actor::Target]),
    (&[Sent, Acknowledged, UnderReview], Waitlisted, &[Actor::Target]),
    (&[Sent, Acknowledged, UnderReview, Waitlisted], Declined, &[Actor::Target]),
    (&OPEN, Redirected, &[Actor::Target, Actor::Mediator]),
    (&[Accepted], InProgress, &[Actor::Target]),
    (&[InProgress], Completed, &[Actor::Target]),
    (&[Accepted, InProgress], Failed, &[Actor::Target]),
    (&OPEN, Cancelled, &[Actor::Mediator, Actor::Person, Actor::System]),
    (&[Sent, Acknowledged, UnderReview, Waitlisted], Expired, &[Actor::Clock]),
    (&[Declined, Expired, Cancelled], Sent, &[Actor::Mediator]),
];

impl HandoffStatus {
    pub fn is_open(self) -> bool {
        OPEN.contains(&self)
    }
}

/// A referral's status: that of its newest open handoff, else of its newest. `handoffs` oldest first.
pub fn status(handoffs: &[HandoffStatus]) -> Option<HandoffStatus> {
    handoffs.iter().rev().find(|status| status.is_open()).or(handoffs.last()).copied()
}

/// What became of the need. Never deduced from a handoff's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Resolved,
    PartiallyResolved,
    Unresolved,
    NotNeeded,
    Unknown,
}

impl Outcome {
    /// Only a reported result closes the loop.
    pub fn closes_the_loop(self) -> bool {
        matches!(self, Self::Resolved | Self::PartiallyResolved | Self::Unresolved)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ReportedBy {
    Person,
    Target,
    Mediator,
}

/// Why something went as it did, in five families: the person, the target's rule, its capacity,
/// an error of the directory, the procedure itself; then the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    NotReachable,
    NoShow,
    NotInterested,
    SolvedElsewhere,
    CannotTravel,
    MissingDocuments,
    DigitalOrLanguageBarrier,
    NotEligible,
    OutOfArea,
    WrongService,
    AppointmentOnly,
    NoCapacity,
    WaitlistTooLong,
    TemporarilyClosed,
    ContactWrong,
    HoursWrong,
    MovedOrClosed,
    ProcedureNotOffered,
    AdministrationNoReply,
    ApplicationRefused,
    TechnicalOutage,
    Duplicate,
    Superseded,
    WithdrawnConsent,
    Other,
}

/// When in the meeting the person was redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    Reception,
    DuringMediation,
}

/// Whether the person had come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    None,
    /// For the same procedure.
    Same,
    /// For another one.
    Other,
}

/// How the help was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Individual,
    Collective,
}

/// What stood in the way of an easier answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    FullDiary,
    LateAppointment,
    Distance,
    Urgency,
    Language,
    Isolation,
    Mobility,
}

/// What a handoff points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TargetType {
    Structure,
    Institution,
    Hotline,
}

/// Days after which the mediator is asked what became of the need.
pub const FOLLOW_UP_AFTER_DAYS: i64 = 14;
/// How far back a referral may be dated when it is entered at the end of the day or week.
pub const BACKDATE_DAYS: i64 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_referral_has_the_status_of_its_newest_open_handoff() {
        assert_eq!(status(&[]), None);
        assert_eq!(status(&[Given]), Some(Given));
        assert_eq!(status(&[Accepted, Declined]), Some(Accepted));
        assert_eq!(status(&[Redirected, Declined]), Some(Declined));
    }

    #[test]
    fn only_the_clock_expires_and_never_what_was_given_or_accepted() {
        for (from, to, by) in TRANSITIONS {
            if *to == Expired {
                assert_eq!(*by, [Actor::Clock]);
                assert!(!from.contains(&Given) && !from.contains(&Accepted) && !from.contains(&InProgress));
            } else {
                assert!(!by.contains(&Actor::Clock));
            }
        }
    }

    #[test]
    fn ended_states_only_start_again_by_being_sent() {
        for (from, to, _) in TRANSITIONS {
            for ended in from.iter().filter(|status| !status.is_open()) {
                assert_eq!(*to, Sent, "{ended:?}");
            }
        }
    }
}
