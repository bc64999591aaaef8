//! What to do when blocked, as an orientation and a procedure show it: two tracks that are never mixed.

use aiguilleur_domain::escalation::{Appeal, Contested, Start, Step, TimeLimit};
use aiguilleur_domain::procedure::Procedure;
use fluent_bundle::FluentArgs;
use serde::Serialize;

use crate::texts::{self, Language};

/// The group of procedures in which nobody decides anything: there is nothing to appeal against.
const WITHOUT_DECISIONS: &str = "numerique";
/// A step that only those who may see referent contacts are shown: nobody yet.
const REFERENT: &str = "referent";
const CONTACT_INSTITUTION: &str = "contact_institution";

/// What to do when blocked. The amicable track stops the time limit of an appeal only where it says so.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Escalation {
    amicable: Vec<AmicableStep>,
    /// Stage by stage. All that isn't verified is one item, without body or deadline. Empty where nobody decides anything.
    appeal: Vec<AppealStage>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AmicableStep {
    /// From 1.
    step: usize,
    #[schema(example = "reclamation_ecrite")]
    code: &'static str,
    /// What to do, and whether it stops the time limit of an appeal.
    label: String,
    /// Refused to whoever hasn't complained in writing before.
    requires_prior_complaint: bool,
    /// Days to wait after that complaint, unless it was answered.
    min_wait_days: u16,
    /// Whether it stops the time limit of an appeal; null: that depends.
    suspends_deadline: Option<bool>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AppealStage {
    /// The kind of decision it is for; null: any.
    against: Option<Contested>,
    /// In one sentence.
    #[schema(example = "Président du conseil départemental : 2 mois à compter de la notification de la décision.")]
    label: String,
    /// Null: not verified.
    body: Option<String>,
    /// As the law writes it: `PT48H`, `P7D`, `P2M`, `P2Y` (ISO 8601), or `YE+2`: until 31 December of the second year after. Null: not
    /// verified, or not on record. `POST /v1/deadlines` counts the last day.
    #[schema(example = "P2M")]
    deadline: Option<String>,
    /// About how many days that is (60 for two months), to compare by; null for hours and for the end of a year.
    deadline_days: Option<u32>,
    deadline_hours: Option<u16>,
    from: Option<Start>,
    from_label: Option<String>,
    /// Whether one must go through it before the next; null: not known.
    compulsory: Option<bool>,
    /// What it suspends, or doesn't.
    effect: Option<String>,
    #[schema(example = "CASF L262-47")]
    law: Option<String>,
    /// Read at the source. Where it is false, nothing but the label is given.
    verified: bool,
}

/// `with_referent`: the caller may see a referent contact for this need.
pub(crate) fn escalation(procedure: &Procedure, with_referent: bool, language: Language) -> Escalation {
    Escalation {
        amicable: (1..).zip(steps(procedure, with_referent)).map(|(number, step)| amicable(number, &step, language)).collect(),
        appeal: appeal(procedure, language),
    }
}

/// The amicable track. The referent's step stands where the catalogue has it; else, where there is one to be seen, right after the
/// institution itself was asked.
fn steps(procedure: &Procedure, with_referent: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = procedure.amicable().filter(|step| with_referent || step.code != REFERENT).collect();
    if with_referent
        && !steps.iter().any(|step| step.code == REFERENT)
        && let Some(referent) = Step::parse(REFERENT)
    {
        let after = steps.iter().position(|step| step.code == CONTACT_INSTITUTION).map_or(0, |index| index + 1);
        steps.insert(after, referent);
    }
    steps
}

/// What to do when no referent can be reached.
pub(super) fn step_after_referent(procedure: &Procedure) -> Option<Step> {
    let steps = steps(procedure, true);
    let referent = steps.iter().position(|step| step.code == REFERENT)?;
    steps.get(referent + 1).or_else(|| steps.first().filter(|step| step.code != REFERENT)).copied()
}

fn amicable(number: usize, step: &Step, language: Language) -> AmicableStep {
    AmicableStep {
        step: number,
        code: step.code,
        label: texts::step(language, step),
        requires_prior_complaint: step.requires_prior_complaint,
        min_wait_days: step.min_wait_days,
        suspends_deadline: step.suspends_deadline,
    }
}

/// What isn't verified is told as one warning, at the end: a wrong time limit costs more than none.
fn appeal(procedure: &Procedure, language: Language) -> Vec<AppealStage> {
    let mut stages: Vec<AppealStage> =
        procedure.appeals.iter().filter(|stage| stage.verified).map(|stage| verified(stage, language)).collect();
    if stages.is_empty() && procedure.group != WITHOUT_DECISIONS {
        stages.push(unverified(texts::text(language, "stage-unverified", None)));
    } else if procedure.appeals.iter().any(|stage| !stage.verified) {
        stages.push(unverified(texts::text(language, "stage-others-unverified", None)));
    }
    stages
}

fn verified(stage: &Appeal, language: Language) -> AppealStage {
    let mut args = FluentArgs::new();
    args.set("body", texts::capitalised(&stage.body));
    // A time limit whose start isn't on record would mislead.
    let known = stage.within.zip(stage.from);
    let limit = known.map(|(limit, _)| limit);
    let label = match known {
        Some((limit, start)) => {
            args.set("span", texts::span(language, limit, start));
            texts::text(language, "stage", Some(&args))
        }
        None => texts::text(language, "stage-no-limit", Some(&args)),
    };
    AppealStage {
        against: stage.against.clone(),
        label,
        body: Some(stage.body.clone()),
        deadline: limit.map(String::from),
        deadline_days: limit.and_then(TimeLimit::rough_days),
        deadline_hours: limit.and_then(TimeLimit::hours),
        from: stage.from,
        from_label: stage.from.map(|start| texts::event(language, start)),
        compulsory: stage.compulsory,
        effect: stage.effect.clone(),
        law: stage.law.clone(),
        verified: true,
    }
}

fn unverified(label: String) -> AppealStage {
    AppealStage {
        against: None,
        label,
        body: None,
        deadline: None,
        deadline_days: None,
        deadline_hours: None,
        from: None,
        from_label: None,
        compulsory: None,
        effect: None,
        law: None,
        verified: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(body: &str, within: &str, verified: bool) -> Appeal {
        Appeal {
            against: None,
            body: body.to_owned(),
            within: TimeLimit::parse(within),
            from: Some(Start::Notification),
            franc: true,
            compulsory: Some(false),
            effect: Some("suspend l'éloignement".to_owned()),
            law: Some("CESEDA L921-2".to_owned()),
            verified,
        }
    }

    #[test]
    fn a_verified_stage_is_told_in_a_sentence() {
        let shown = verified(&stage("tribunal administratif", "PT48H", true), Language::Fr);
        assert_eq!(shown.label, "Tribunal administratif : 48 heures à compter de la notification de la décision.");
        assert_eq!((shown.deadline.as_deref(), shown.deadline_hours, shown.deadline_days), (Some("PT48H"), Some(48), None));
        assert_eq!(verified(&stage("commission", "P2M", true), Language::Fr).deadline_days, Some(60));
    }

    #[test]
    fn a_time_limit_without_its_start_is_not_shown() {
        let shown = verified(&Appeal { from: None, ..stage("tribunal", "P2M", true) }, Language::Fr);
        assert_eq!((shown.deadline, shown.deadline_days), (None, None));
        assert!(shown.label.contains("lisez le délai sur votre courrier"), "{}", shown.label);
    }
}
