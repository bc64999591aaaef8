//! What to do when blocked, on two tracks that are never mixed: the amicable one, which stops no deadline unless it says so,
//! and the appeal, with its body and its time limit.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::procedure::Procedure;

/// One step of the amicable track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// In the words of the catalogue's ladders.
    pub code: &'static str,
    /// It is refused to whoever hasn't complained in writing before.
    pub requires_prior_complaint: bool,
    /// Days to wait after that complaint, unless it was answered.
    pub min_wait_days: u16,
    /// Whether it stops the time limit of an appeal; `None`: that depends, or isn't known.
    pub suspends_deadline: Option<bool>,
}

const fn free(code: &'static str) -> Step {
    Step { code, requires_prior_complaint: false, min_wait_days: 0, suspends_deadline: Some(false) }
}

const fn after_complaint(code: &'static str, min_wait_days: u16, suspends_deadline: Option<bool>) -> Step {
    Step { code, requires_prior_complaint: true, min_wait_days, suspends_deadline }
}

const fn depends(code: &'static str) -> Step {
    Step { suspends_deadline: None, ..free(code) }
}

/// Sorted by code. Sources: Défenseur des droits, loi organique 2011-333, article 6 (it stops nothing); MSA's mediator, CRPM L723-34-1;
/// conciliation at the MDPH, CASF L146-10; mediators of energy and water, code de la consommation L612-2 and code de l'énergie L122-1
/// (two months after a written complaint); fiscal conciliator, its own charter.
const STEPS: &[Step] = &[
    after_complaint("arcep", 0, Some(false)),
    free("association"),
    depends("ccapex"),
    free("centre_contact_citoyens"),
    depends("commission_conciliation"),
    depends("commission_dalo"),
    depends("commission_surendettement"),
    after_complaint("conciliateur_fiscal", 0, Some(false)),
    free("conciliateur_justice"),
    Step { suspends_deadline: Some(true), ..free("conciliation_mdph") },
    free("consulat"),
    free("contact_institution"),
    free("crip"),
    after_complaint("delegue_defenseur_droits", 0, Some(false)),
    depends("fsl"),
    free("inspection_travail"),
    free("mairie"),
    after_complaint("mediateur_bancaire", 60, None),
    after_complaint("mediateur_eau", 60, None),
    after_complaint("mediateur_energie", 60, None),
    after_complaint("mediateur_france_travail", 0, None),
    after_complaint("mediateur_institution", 0, None),
    after_complaint("mediateur_msa", 0, Some(true)),
    free("mediation_numerique"),
    free("point_justice"),
    free("point_numerique_prefecture"),
    free("procureur"),
    free("reclamation_ecrite"),
    // A referent contact; never shown to whoever may not see it.
    free("referent"),
    free("service_social_departement"),
    free("signal_conso"),
];

impl Step {
    /// The step that a word of the catalogue's ladders means; `None` when the table doesn't know it.
    pub fn parse(code: &str) -> Option<Self> {
        STEPS.binary_search_by(|known| known.code.cmp(code)).ok().and_then(|index| STEPS.get(index)).copied()
    }

    /// Every step of the table, in order of code.
    pub fn all() -> impl Iterator<Item = Self> {
        STEPS.iter().copied()
    }
}

/// One stage of the appeal track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// The kind of decision it is for; `None`: any.
    pub against: Option<Contested>,
    pub body: String,
    pub within: Option<TimeLimit>,
    pub from: Option<Start>,
    /// Computed as a *délai franc*: neither the first nor the last day counts.
    #[serde(default)]
    pub franc: bool,
    /// Whether one must go through it before the next; `None`: not known.
    pub compulsory: Option<bool>,
    /// What it suspends, or doesn't.
    pub effect: Option<String>,
    pub law: Option<String>,
    /// Read at the source. What isn't is never shown with its time limit.
    pub verified: bool,
}

/// A kind of decision that a procedure may end in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Contested {
    #[schema(example = "indu-rsa")]
    pub slug: String,
    #[schema(example = "indu de RSA")]
    pub label: String,
}

/// A time limit, as the law writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeLimit {
    Hours(u16),
    Days(u16),
    Months(u16),
    Years(u16),
    /// 31 December of the n-th year that follows (LPF R*196-1 and R*196-2).
    YearEnd(u16),
}

impl TimeLimit {
    /// Reads `PT48H`, `P7D`, `P2M`, `P2Y` (ISO 8601 durations of one unit) and `YE+2`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| digits.parse::<u16>().ok().filter(|number| (1..=999).contains(number));
        if let Some(years) = text.strip_prefix("YE+") {
            return number(years).map(Self::YearEnd);
        }
        if let Some(hours) = text.strip_prefix("PT").and_then(|rest| rest.strip_suffix('H')) {
            return number(hours).map(Self::Hours);
        }
        let rest = text.strip_prefix('P')?;
        let unit = |suffix: char| rest.strip_suffix(suffix).and_then(number);
        unit('D').map(Self::Days).or_else(|| unit('M').map(Self::Months)).or_else(|| unit('Y').map(Self::Years))
    }
}

impl TimeLimit {
    /// About how many days it is, to compare and sort by: 30 a month, 365 a year. `None` for hours and for the end of a year.
    /// A last day is never counted with it: see [`crate::deadline`].
    pub fn rough_days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days.into()),
            Self::Months(months) => Some(u32::from(months) * 30),
            Self::Years(years) => Some(u32::from(years) * 365),
            Self::Hours(_) | Self::YearEnd(_) => None,
        }
    }

    pub fn hours(self) -> Option<u16> {
        if let Self::Hours(hours) = self { Some(hours) } else { None }
    }
}

impl TryFrom<String> for TimeLimit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("« {text} » is not a time limit: PT48H, P7D, P2M, P2Y or YE+2"))
    }
}

impl From<TimeLimit> for String {
    fn from(limit: TimeLimit) -> Self {
        match limit {
            TimeLimit::Hours(hours) => format!("PT{hours}H"),
            TimeLimit::Days(days) => format!("P{days}D"),
            TimeLimit::Months(months) => format!("P{months}M"),
            TimeLimit::Years(years) => format!("P{years}Y"),
            TimeLimit::YearEnd(years) => format!("YE+{years}"),
        }
    }
}

/// The event from which a time limit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, Serialize, Deserialize, utoipa::ToSchema)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The decision was notified.
    Notification,
    /// The stage before was answered, or left without an answer for too long.
    PreviousStep,
    /// A court commissioner served the act (*signification*).
    Service,
    /// The letter was sent.
    Sending,
    /// The tax was put into collection (*mise en recouvrement*).
    Collection,
    /// Silence became a refusal.
    Silence,
    /// The event itself.
    Event,
}

impl Procedure {
    /// The amicable track, in order; words the table doesn't know are passed over (a test forbids them).
    pub fn amicable(&self) -> impl Iterator<Item = Step> + '_ {
        self.ladder.iter().filter_map(|code| Step::parse(code))
    }

    /// The kinds of decision that its appeals tell apart, in the catalogue's order.
    pub fn decisions(&self) -> Vec<&Contested> {
        let mut kinds: Vec<&Contested> = Vec::new();
        for kind in self.appeals.iter().filter_map(|stage| stage.against.as_ref()) {
            if !kinds.iter().any(|known| known.slug == kind.slug) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// The stages of the appeal track that are open against a kind of decision, and those against any.
    pub fn stages_against(&self, decision: Option<&Contested>) -> impl Iterator<Item = &Appeal> {
        self.appeals.iter().filter(move |stage| {
            let against = stage.against.as_ref().map(|kind| &kind.slug);
            against.is_none() || against == decision.map(|kind| &kind.slug)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(STEPS.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn time_limits_are_read_as_they_are_written() {
        for text in ["PT48H", "P7D", "P1M", "P2Y", "YE+2"] {
            assert_eq!(TimeLimit::parse(text).map(String::from).as_deref(), Some(text));
        }
        for text in ["", "P", "PD", "P0D", "P-1D", "P2W", "48H", "YE+", "P1M2D", "PT70000H"] {
            assert_eq!(TimeLimit::parse(text), None, "{text}");
        }
    }
}
