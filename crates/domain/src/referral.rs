//! The life of a referral: its handoffs' states and who moves them, and the outcome of the need, on an axis of its own.

use std::fmt::Write as _;

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

/// Who moves a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// An agent of the organisation whose referral it is.
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

/// Changes of a handoff's state that are allowed.
#[derive(Debug)]
pub struct Transition {
    pub from: &'static [HandoffStatus],
    pub to: HandoffStatus,
    pub by: &'static [Actor],
}

/// The life of a handoff: every allowed change. The code, `docs/referrals.md`, the OpenAPI document and the tests are held against it.
pub const TRANSITIONS: &[Transition] = &[
    Transition { from: &[Given, Sent], to: Acknowledged, by: &[Actor::Agent, Actor::Target] },
    Transition { from: &[Sent, Acknowledged], to: UnderReview, by: &[Actor::Target] },
    Transition { from: &[Sent, Acknowledged, UnderReview, Waitlisted], to: Accepted, by: &[Actor::Target] },
    Transition { from: &[Sent, Acknowledged, UnderReview], to: Waitlisted, by: &[Actor::Target] },
    Transition { from: &[Sent, Acknowledged, UnderReview, Waitlisted], to: Declined, by: &[Actor::Target] },
    Transition { from: &OPEN, to: Redirected, by: &[Actor::Target, Actor::Mediator] },
    Transition { from: &[Accepted], to: InProgress, by: &[Actor::Target] },
    Transition { from: &[InProgress], to: Completed, by: &[Actor::Target] },
    Transition { from: &[Accepted, InProgress], to: Failed, by: &[Actor::Target] },
    Transition { from: &OPEN, to: Cancelled, by: &[Actor::Mediator, Actor::Person, Actor::System] },
    Transition { from: &[Sent, Acknowledged, UnderReview, Waitlisted], to: Expired, by: &[Actor::Clock] },
    Transition { from: &[Declined, Expired, Cancelled], to: Sent, by: &[Actor::Mediator] },
];

/// For how long after its end a handoff can be sent again by whoever sent it.
pub const SENT_AGAIN_WITHIN_DAYS: i64 = 90;

/// Whether the table allows a change to somebody.
pub fn allows(from: HandoffStatus, to: HandoffStatus, by: Actor) -> bool {
    TRANSITIONS.iter().any(|change| change.to == to && change.from.contains(&from) && change.by.contains(&by))
}

/// What a state may become through somebody, in the order of the table.
pub fn allowed(from: HandoffStatus, by: &[Actor]) -> Vec<HandoffStatus> {
    let theirs = TRANSITIONS.iter().filter(|change| change.from.contains(&from) && change.by.iter().any(|actor| by.contains(actor)));
    theirs.map(|change| change.to).collect()
}

/// The table as Markdown, for the documentation.
pub fn table() -> String {
    let words = |codes: &mut dyn Iterator<Item = &'static str>| codes.collect::<Vec<_>>().join(", ");
    let mut table = String::from("| from | to | by |\n|---|---|---|\n| – | `given`, `sent` | mediator |\n");
    for change in TRANSITIONS {
        let from = words(&mut change.from.iter().map(|&status| status.into()));
        let by = words(&mut change.by.iter().map(|&actor| actor.into()));
        let _ = writeln!(table, "| {from} | `{}` | {by} |", <&str>::from(change.to));
    }
    table
}

impl HandoffStatus {
    pub fn is_open(self) -> bool {
        OPEN.contains(&self)
    }

    /// Whether whoever ends a handoff so has to say why.
    pub fn wants_reason(self) -> bool {
        matches!(self, Declined | Failed | Cancelled)
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
    /// Nobody told, although it was asked twice: `unknown`.
    Clock,
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

impl Reason {
    /// The directory is wrong of the place: a correction is opened on its record.
    pub fn is_directory_error(self) -> bool {
        matches!(self, Self::ContactWrong | Self::HoursWrong | Self::MovedOrClosed | Self::ProcedureNotOffered)
    }
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
        for change in TRANSITIONS {
            if change.to == Expired {
                assert_eq!(*change.by, [Actor::Clock]);
                assert!(!change.from.contains(&Given) && !change.from.contains(&Accepted) && !change.from.contains(&InProgress));
            } else {
                assert!(!change.by.contains(&Actor::Clock));
            }
        }
    }

    #[test]
    fn ended_states_only_start_again_by_being_sent() {
        for change in TRANSITIONS {
            for ended in change.from.iter().filter(|status| !status.is_open()) {
                assert_eq!(change.to, Sent, "{ended:?}");
            }
        }
    }

    #[test]
    fn no_change_stands_twice_in_the_table() {
        for from in HandoffStatus::VARIANTS {
            for to in HandoffStatus::VARIANTS {
                assert!(TRANSITIONS.iter().filter(|change| change.to == *to && change.from.contains(from)).count() <= 1);
            }
        }
    }

    #[test]
    fn every_state_can_be_reached_and_every_open_one_left() {
        for status in HandoffStatus::VARIANTS {
            let is_first = Mode::VARIANTS.iter().any(|mode| mode.first_status() == *status);
            assert!(is_first || TRANSITIONS.iter().any(|change| change.to == *status), "{status:?}");
            assert_eq!(status.is_open() || matches!(status, Declined | Expired | Cancelled), !allowed(*status, Actor::VARIANTS).is_empty());
        }
    }

    #[test]
    fn the_documentation_shows_this_table() {
        let page = include_str!("../../../docs/referrals.md");
        assert!(page.contains(&table()), "docs/referrals.md shows another table than:\n{}", table());
    }
}
