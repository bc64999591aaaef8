//! Why an option is there, what to beware of, and why another is not: codes with what their sentence needs.
//! The sentences themselves are texts, kept apart, one file per language.

use chrono::{DateTime, Utc};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use crate::area::Area;
use crate::structure::Capacity;

/// Why an option is there and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(ReasonCode), derive(IntoStaticStr, EnumString, VariantArray), strum(serialize_all = "snake_case"))]
pub enum Reason {
    /// Its kind handles the procedure.
    HandlesProcedure,
    /// It says itself that it handles it.
    DeclaresProcedure,
    /// It is the institution in charge.
    InCharge,
    /// It is the help that danger calls for.
    DangerLine,
    InCommune,
    /// As the crow flies.
    Distance {
        metres: u32,
    },
    CompetentForCommune {
        commune: String,
    },
    /// It is the town hall of the birth, the marriage or the death.
    CompetentForEvent {
        commune: String,
    },
    /// Somebody receives people there at times (permanence).
    Session {
        holder: String,
    },
    OpenNow {
        until: DateTime<Utc>,
    },
    /// Open, and no closing in sight.
    AlwaysOpen,
    NextOpening {
        at: DateTime<Utc>,
    },
    DropIn,
    ByAppointment,
    Free,
    SpeaksLanguage {
        language: String,
    },
    WheelchairAccessible,
    CapacityDeclared {
        capacity: Capacity,
    },
    AidantsConnect,
    AtHome,
    RecordFresh,
    /// Past referrals for this procedure ended well there; smoothed, and never on few.
    PastOutcomes {
        out_of_ten: u8,
        referrals: u32,
    },
}

/// What to beware of before sending anybody there.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(CautionCode), derive(IntoStaticStr, EnumString, VariantArray), strum(serialize_all = "snake_case"))]
pub enum Caution {
    Demonstration,
    /// No hours on record, or hours with a condition.
    HoursUnknown,
    /// Hours that nobody checked for 12 months.
    HoursUnchecked,
    /// Closed, and no opening in the coming days.
    NoOpeningSoon,
    /// No CCAS of the residence is on record; its town hall stands in (CASF L123-4).
    CcasUnlisted {
        commune: String,
    },
    /// The address is one stop among others.
    Itinerant,
    /// Somebody found its record wrong, and nobody has settled that yet.
    Disputed,
    /// No position on record: the distance is that of the commune's centre.
    PositionApproximate,
    AppointmentOnly,
    WaitingList,
    Full,
    /// The area it serves is not on record; that of its kind is assumed.
    AreaAssumed {
        area: Area,
    },
    /// Beyond the search's radius, but nobody else is competent.
    FarButCompetent {
        commune: String,
    },
    FranceServicesPartial,
    PersonalPresence,
    MandateRequired,
    WheelchairUnknown,
    LanguageUnknown {
        language: String,
    },
}

/// Why a structure near by was left out.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(ExclusionCode), derive(IntoStaticStr, EnumString, VariantArray), strum(serialize_all = "snake_case"))]
pub enum Exclusion {
    NotCompetentForCommune {
        commune: String,
    },
    /// It must declare the procedure to be offered, and doesn't.
    ProcedureNotDeclared,
    /// It says that it doesn't do it.
    ProcedureNotOffered,
    /// The town hall of the event's commune is competent, which a residence doesn't tell.
    EventCommuneUnknown,
    NotCompetentForEvent {
        commune: String,
    },
    /// The kinds wanted were named, and it is of another.
    KindNotAsked,
    /// Apt, but beyond the distance asked for.
    TooFar,
    /// Help from a distance was asked for.
    InPersonOnly,
    AppointmentOnly,
    NotWheelchairAccessible,
    LanguageNotSpoken {
        language: String,
    },
    HelpKindNotOffered,
    NoTelephone,
}

/// What is worth telling beside the options. `metres`: as the crow flies; `None`: in the commune asked for.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(PairingCode), derive(IntoStaticStr, EnumString, VariantArray), strum(serialize_all = "snake_case"))]
pub enum Pairing {
    /// The procedure is done online, and this place helps with computers.
    DigitalHelp { metres: Option<u32> },
    /// Digital help was asked for, and this place helps with the administrations.
    AdministrativeHelp { metres: Option<u32> },
}

macro_rules! coded {
    ($($type:ty => $codes:ty),*) => {$(
        impl $type {
            /// The code, as spelt in the API.
            pub fn code(&self) -> &'static str {
                <$codes>::from(self).into()
            }
        }
    )*};
}
coded!(Reason => ReasonCode, Caution => CautionCode, Exclusion => ExclusionCode, Pairing => PairingCode);
