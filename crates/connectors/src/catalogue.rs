//! The catalogue's seed files: `catalogue/<group>.toml`, one table per procedure; `said/<group>.txt`, what people say when they need
//! it; and `procedure_sources.csv`. A key that isn't known is an error, and so are phrases of an unknown slug; the tests look
//! for what else a slip of the pen could lose. [`mod@write`] gives them back.

pub mod write;

use std::collections::HashMap;

use aiguilleur_domain::escalation::{Appeal, Contested, Start, TimeLimit};
use aiguilleur_domain::procedure::{Basis, FactSource, Procedure};
use chrono::NaiveDate;
use serde::Deserialize;

use crate::seed::{BrokenSeed, Seeds, lines, read_code, some};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    procedure: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    slug: String,
    group: String,
    label: String,
    synonyms: Vec<String>,
    institution: String,
    official_url: Option<String>,
    sheet: Option<String>,
    territory: String,
    mandate: String,
    france_services: String,
    urgency: i16,
    hotline: Option<String>,
    #[serde(default)]
    safety: bool,
    #[serde(default)]
    sensitive: bool,
    targets: Vec<String>,
    ladder: Vec<String>,
    documents: Vec<String>,
    steps: Vec<String>,
    cost: Option<String>,
    delay: Option<String>,
    pitfalls: Vec<String>,
    basis: String,
    doubt: Option<String>,
    note: Option<String>,
    #[serde(default)]
    appeal: Vec<Stage>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    against: Option<String>,
    against_label: Option<String>,
    body: String,
    within: Option<TimeLimit>,
    from: Option<String>,
    #[serde(default)]
    franc: bool,
    compulsory: Option<bool>,
    effect: Option<String>,
    law: Option<String>,
    basis: String,
}

/// Bytes of the catalogue's files. Those of several groups may stand end to end.
#[derive(Debug, Clone, Copy)]
pub struct Files<'b> {
    /// `catalogue/<group>.toml`.
    pub tables: &'b [u8],
    /// `said/<group>.txt`: a line `[slug]`, then a phrase per line.
    pub said: &'b [u8],
    /// `procedure_sources.csv`.
    pub sources: &'b [u8],
}

/// Reads the catalogue, last checked in the month that begins on `checked_on`.
pub fn procedures(files: Files<'_>, checked_on: NaiveDate) -> Seeds<Procedure> {
    let mut sources = read_sources(files.sources)?;
    let mut said = read_said(files.said)?;
    let broken = |line: u64, reason: String| BrokenSeed { file: "catalogue", line, reason };
    let text = std::str::from_utf8(files.tables).map_err(|error| broken(0, error.to_string()))?;
    let tables: Tables = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        broken(before.lines().count().try_into().unwrap_or_default(), error.message().to_owned())
    })?;
    let read = |table: Table| {
        let (facts, about) = (sources.remove(&table.slug).unwrap_or_default(), said.remove(&table.slug).unwrap_or_default());
        let slug = table.slug.clone();
        let it = procedure(table, about, facts, checked_on).map_err(|reason| broken(0, format!("{slug}: {reason}")))?;
        match it.faults().as_slice() {
            [] => Ok(it),
            [fault, ..] => Err(broken(0, format!("{slug}: {}: {}", fault.field, fault.detail))),
        }
    };
    let procedures = tables.procedure.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    match said.into_keys().min() {
        Some(slug) => Err(BrokenSeed { file: "said", line: 0, reason: format!("« {slug} » is not a procedure") }),
        None => Ok(procedures),
    }
}

fn read_said(bytes: &[u8]) -> Result<HashMap<String, Vec<String>>, BrokenSeed> {
    let broken = |line: u64, reason: String| BrokenSeed { file: "said", line, reason };
    let text = std::str::from_utf8(bytes).map_err(|error| broken(0, error.to_string()))?;
    let mut said: HashMap<String, Vec<String>> = HashMap::new();
    let mut current: Option<&mut Vec<String>> = None;
    for (line, number) in text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty()) {
        match (line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')), &mut current) {
            (Some(slug), _) => current = Some(said.entry(slug.to_owned()).or_default()),
            (None, Some(phrases)) => phrases.push(line.to_owned()),
            (None, None) => return Err(broken(number, "a phrase before the first [slug]".to_owned())),
        }
    }
    Ok(said)
}

fn read_sources(bytes: &[u8]) -> Result<HashMap<String, Vec<FactSource>>, BrokenSeed> {
    #[derive(Deserialize)]
    struct Line {
        slug: String,
        field: String,
        source: String,
        url: String,
        source_date: String,
    }
    let sources = lines("procedure_sources.csv", bytes, |line: Line| {
        let date = some(line.source_date).filter(|date| date != "unknown");
        Ok((line.slug, FactSource { field: line.field, title: line.source, url: some(line.url), date }))
    })?;
    let mut by_slug: HashMap<String, Vec<FactSource>> = HashMap::new();
    for (slug, source) in sources {
        by_slug.entry(slug).or_default().push(source);
    }
    Ok(by_slug)
}

fn procedure(table: Table, about: Vec<String>, sources: Vec<FactSource>, checked_on: NaiveDate) -> Result<Procedure, String> {
    let basis: Basis = read_code(&table.basis)?;
    Ok(Procedure {
        slug: table.slug,
        group: table.group,
        label: table.label,
        synonyms: table.synonyms,
        about,
        institution: table.institution,
        official_url: table.official_url,
        france_services: read_code(&table.france_services)?,
        territory: read_code(&table.territory)?,
        mandate: read_code(&table.mandate)?,
        documents: table.documents,
        steps: table.steps,
        cost: table.cost,
        delay: table.delay,
        pitfalls: table.pitfalls,
        urgency: table.urgency,
        hotline: table.hotline,
        first_targets: table.targets,
        ladder: table.ladder,
        appeals: table.appeal.into_iter().map(appeal).collect::<Result<_, _>>()?,
        sheet: table.sheet,
        safety: table.safety,
        sensitive: table.sensitive,
        // What stands from memory alone was never checked.
        checked_on: (basis != Basis::Memory).then_some(checked_on),
        basis,
        doubt: table.doubt,
        note: table.note,
        sources,
    })
}

fn appeal(stage: Stage) -> Result<Appeal, String> {
    let against = match (stage.against, stage.against_label) {
        (Some(slug), Some(label)) => Some(Contested { slug, label }),
        (None, None) => None,
        _ => return Err(format!("« {} »: against and against_label go together", stage.body)),
    };
    let verified = match stage.basis.as_str() {
        "read" => true,
        "secondary" | "memory" => false,
        other => return Err(format!("« {other} » is not a basis of an appeal: read, secondary, memory")),
    };
    Ok(Appeal {
        against,
        body: stage.body,
        within: stage.within,
        from: stage.from.as_deref().map(read_code::<Start>).transpose()?,
        franc: stage.franc,
        compulsory: stage.compulsory,
        effect: stage.effect,
        law: stage.law,
        verified,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use aiguilleur_domain::fact::Fact;
    use strum::VariantArray;

    use super::*;
    use crate::seed;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/../../seed-data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn catalogue() -> Vec<Procedure> {
        let folder = format!("{}/../../seed-data/catalogue", env!("CARGO_MANIFEST_DIR"));
        let sources = file("procedure_sources.csv");
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let group = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let (tables, said) = (std::fs::read(&path).unwrap(), file(&format!("said/{group}.txt")));
            let read = procedures(Files { tables: &tables, said: &said, sources: &sources }, day);
            let read = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(read.iter().all(|procedure| procedure.group == group), "{}", path.display());
            all.extend(read);
        }
        all
    }

    #[test]
    fn every_row_is_whole() {
        let catalogue = catalogue();
        let slugs: HashSet<&str> = catalogue.iter().map(|procedure| procedure.slug.as_str()).collect();
        assert!(slugs.len() >= 199 && slugs.len() == catalogue.len(), "{} slugs, {} rows", slugs.len(), catalogue.len());
        let institutions: HashSet<String> = seed::institutions(&file("institutions.csv"), NaiveDate::default())
            .unwrap()
            .into_iter()
            .map(|institution| institution.slug)
            .collect();
        for procedure in &catalogue {
            let slug = &procedure.slug;
            assert!(institutions.contains(&procedure.institution), "{slug}: {}", procedure.institution);
            assert!(procedure.about.len() >= 50, "{slug}: too few words");
        }
    }

    #[test]
    fn every_source_speaks_of_a_procedure_and_a_fact() {
        let slugs: HashSet<String> = catalogue().into_iter().map(|procedure| procedure.slug).collect();
        // Of lines and operators of France services, not of one procedure; and of a row as a whole.
        let general = ["_hotline", "_operator"];
        let of_the_row = ["basis", "note", "doubt", "sheet", "label", "synonyms", "urgency"];
        for (slug, sources) in read_sources(&file("procedure_sources.csv")).unwrap() {
            if general.contains(&slug.as_str()) {
                continue;
            }
            assert!(slugs.contains(&slug), "{slug}");
            for source in sources {
                let known = Fact::VARIANTS.iter().any(|fact| <&str>::from(*fact) == source.field);
                assert!(known || of_the_row.contains(&source.field.as_str()), "{slug}: {}", source.field);
            }
        }
    }

    #[test]
    fn the_defender_of_rights_is_for_public_services() {
        // Articles 4 and 11 of loi organique 2011-333: public services, never a dispute between private parties nor a judgment.
        let private = [
            "litige-locataire-proprietaire",
            "litige-travail",
            "separation-divorce",
            "tutelle-curatelle",
            "conciliateur-justice",
            "fraude-carte-bancaire",
            "litige-fournisseur-energie",
            "impaye-energie",
            "surendettement",
            "fichage-bancaire",
            "saisie-commissaire-justice",
        ];
        for procedure in catalogue().iter().filter(|procedure| private.contains(&procedure.slug.as_str())) {
            let named = procedure.ladder.iter().chain(&procedure.first_targets).any(|word| word == "delegue_defenseur_droits");
            assert!(!named, "{}", procedure.slug);
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_told() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let sources = b"slug,field,value,source,url,source_date\n";
        let read = |tables: &[u8], said: &[u8]| procedures(Files { tables, said, sources }, day);
        let error = read(b"[[procedure]]\nslug = \"x\"\ncots = \"1\"\n", b"").unwrap_err();
        assert!(error.to_string().contains("cots"), "{error}");
        assert!(read(b"[[procedure]\n", b"").is_err());
        let rsa = String::from_utf8(file("catalogue/caf.toml")).unwrap();
        let misspelt = rsa.replacen("\"ccas\"", "\"cacs\"", 1);
        assert!(read(rsa.as_bytes(), b"").is_err(), "an appeal that counts says where it was read");
        let error = procedures(Files { tables: misspelt.as_bytes(), said: b"", sources: &file("procedure_sources.csv") }, day).unwrap_err();
        assert!(error.to_string().contains("cacs"), "{error}");
        let error = read(b"procedure = []", b"[rsaa]\nplus un sou\n").unwrap_err();
        assert!(error.to_string().contains("rsaa"), "{error}");
        assert!(read(b"procedure = []", b"plus un sou\n").is_err());
    }
}
