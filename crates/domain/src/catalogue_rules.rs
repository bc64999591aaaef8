//! What a row of the catalogue must satisfy, from whoever it comes: the seed files, or somebody who edits it here.

use crate::escalation::Step;
use crate::fact::Fact;
use crate::procedure::{Hotline, Institution, Procedure};
use crate::target::Target;

/// Something wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, as the API spells it: `targets`, `appeals/0/body`.
    pub field: String,
    /// What is wrong, in French.
    pub detail: String,
    /// What is allowed, where that can be listed.
    pub allowed: Vec<String>,
}

fn fault(field: impl Into<String>, detail: impl Into<String>) -> Fault {
    Fault { field: field.into(), detail: detail.into(), allowed: Vec::new() }
}

impl Procedure {
    /// All that is wrong with it; which institutions exist is for the store to say.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut expect = |holds: bool, field: &str, detail: &str| faults.extend((!holds).then(|| fault(field, detail)));
        expect(!self.label.trim().is_empty(), "label", "Un libellé est attendu.");
        expect(!self.synonyms.is_empty(), "synonyms", "Au moins un mot courant est attendu : c'est par lui que les gens la trouvent.");
        expect((1..=4).contains(&self.urgency), "urgency", "Un nombre de 1 à 4 est attendu.");
        expect(is_web_address(self.official_url.as_deref()), "official_url", "Une adresse en « https:// » est attendue.");
        let line = self.hotline.as_deref();
        expect(
            line.is_none_or(|text| Hotline::parse(text, "").is_some()),
            "hotline",
            "Un numéro est attendu, puis ce qu'on en dit entre parenthèses : « 3230 (Caf) ».",
        );
        expect(!self.safety || line.is_some(), "hotline", "Une démarche de mise en danger (« safety ») demande un numéro à appeler.");
        faults.extend(unknown_words("targets", &self.first_targets, |word| Target::parse(word).is_some(), Target::words()));
        faults.extend(unknown_words("ladder", &self.ladder, |word| Step::parse(word).is_some(), Step::all().map(|step| step.code)));
        faults.extend(self.faults_of_appeals());
        faults
    }

    fn faults_of_appeals(&self) -> Vec<Fault> {
        let is_sourced = self.sources.iter().any(|source| source.field == <&str>::from(Fact::Appeal));
        let mut faults = Vec::new();
        for (stage, number) in self.appeals.iter().zip(0..) {
            let field = |name: &str| format!("appeals/{number}/{name}");
            if stage.body.trim().is_empty() {
                faults.push(fault(field("body"), "L'autorité devant qui contester est attendue."));
            }
            if stage.verified && !is_sourced {
                faults.push(fault(field("verified"), "Un recours n'est vérifié que si la source où il a été lu est donnée."));
            }
        }
        faults
    }
}

impl Institution {
    /// All that is wrong with it.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut expect = |holds: bool, field: &str, detail: &str| faults.extend((!holds).then(|| fault(field, detail)));
        expect(!self.label.trim().is_empty(), "label", "Un nom court est attendu.");
        expect(!self.name.trim().is_empty(), "name", "Un nom est attendu.");
        expect(is_web_address(self.website.as_deref()), "website", "Une adresse en « https:// » est attendue.");
        let is_dialled = |phone: &str| !phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit());
        expect(self.phone.as_deref().is_none_or(is_dialled), "phone", "Les chiffres à composer sont attendus, sans espace : « 3230 ».");
        if let Some(territory) = self.territory.as_deref().filter(|territory| !TERRITORIES.contains(territory)) {
            let allowed = TERRITORIES.map(str::to_owned).to_vec();
            faults.push(Fault { allowed, ..fault("territory", format!("« {territory} » n'est pas une valeur admise.")) });
        }
        faults
    }
}

/// The area that one of an institution's counters usually serves, as `institutions.csv` writes it.
pub const TERRITORIES: [&str; 7] = ["commune", "epci", "departement", "region", "caisse", "academie", "national"];

fn is_web_address(address: Option<&str>) -> bool {
    address
        .is_none_or(|address| address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)))
}

fn unknown_words<'w>(field: &str, words: &[String], is_known: impl Fn(&str) -> bool, all: impl Iterator<Item = &'w str>) -> Option<Fault> {
    let detail = if words.is_empty() {
        "Une liste qui n'est pas vide est attendue.".to_owned()
    } else {
        let unknown: String = words.iter().find(|word| !is_known(word))?.chars().take(80).collect();
        format!("« {unknown} » n'est pas une valeur admise.")
    };
    Some(Fault { allowed: all.map(str::to_owned).collect(), ..fault(field, detail) })
}
