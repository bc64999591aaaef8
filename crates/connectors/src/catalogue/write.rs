//! The catalogue back in the form of its seed files. What they hold and the store doesn't (the order of rows, what was read at a source,
//! how a time limit that isn't verified is known) is taken from the files that the store was seeded from; what was never edited comes
//! out byte for byte.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use aiguilleur_domain::escalation::Appeal;
use aiguilleur_domain::procedure::{FactSource, Institution, Procedure};
use serde::{Deserialize, Serialize};

use super::{Files, Stage, Table, Tables, appeal};
use crate::seed::{BrokenSeed, some};

/// A list that makes a longer line is written one item a line.
const WIDEST: usize = 110;

/// A seed file, by its path within `seed-data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// The files of a catalogue that was seeded from `seeded`.
///
/// # Errors
/// When `seeded` can't be read.
pub fn files(procedures: &[Procedure], institutions: &[Institution], seeded: Files<'_>) -> Result<Vec<Written>, BrokenSeed> {
    let broken = |reason: String| BrokenSeed { file: "catalogue", line: 0, reason };
    let text = std::str::from_utf8(seeded.tables).map_err(|error| broken(error.to_string()))?;
    let tables: Tables = toml::from_str(text).map_err(|error| broken(error.message().to_owned()))?;
    let place: HashMap<&str, usize> = tables.procedure.iter().map(|table| table.slug.as_str()).zip(0..).collect();
    let known: HashMap<&str, &Table> = tables.procedure.iter().map(|table| (table.slug.as_str(), table)).collect();
    let mut procedures: Vec<&Procedure> = procedures.iter().collect();
    procedures.sort_by_key(|it| (place.get(it.slug.as_str()).copied().unwrap_or(usize::MAX), it.slug.clone()));
    let mut groups: BTreeMap<&str, Vec<&Procedure>> = BTreeMap::new();
    for procedure in &procedures {
        groups.entry(&procedure.group).or_default().push(procedure);
    }
    let mut files = Vec::new();
    for (group, own) in &groups {
        let tables = own.iter().map(|it| table(it, known.get(it.slug.as_str()).map_or(&[], |table| table.appeal.as_slice())));
        files.push(Written { path: format!("catalogue/{group}.toml"), bytes: tables.collect::<String>().into_bytes() });
        let said: Vec<String> = own.iter().map(|it| format!("[{}]\n{}\n", it.slug, it.about.join("\n"))).collect();
        files.push(Written { path: format!("said/{group}.txt"), bytes: said.join("\n").into_bytes() });
    }
    files.push(Written { path: "institutions.csv".to_owned(), bytes: institution_lines(institutions).map_err(&broken)? });
    files.push(Written { path: "procedure_sources.csv".to_owned(), bytes: source_lines(&procedures, seeded.sources).map_err(&broken)? });
    Ok(files)
}

fn table(it: &Procedure, seeded: &[Stage]) -> String {
    let mut lines = Lines(String::from("[[procedure]]\n"));
    lines.text("slug", &it.slug);
    lines.text("group", &it.group);
    lines.text("label", &it.label);
    lines.list("synonyms", &it.synonyms);
    lines.text("institution", &it.institution);
    lines.some("official_url", it.official_url.as_ref());
    lines.some("sheet", it.sheet.as_ref());
    lines.text("territory", it.territory.into());
    lines.text("mandate", it.mandate.into());
    lines.text("france_services", it.france_services.into());
    lines.value("urgency", i64::from(it.urgency));
    lines.some("hotline", it.hotline.as_ref());
    lines.flag("safety", it.safety);
    lines.flag("sensitive", it.sensitive);
    lines.list("targets", &it.first_targets);
    lines.list("ladder", &it.ladder);
    lines.list("documents", &it.documents);
    lines.list("steps", &it.steps);
    lines.some("cost", it.cost.as_ref());
    lines.some("delay", it.delay.as_ref());
    lines.list("pitfalls", &it.pitfalls);
    lines.text("basis", it.basis.into());
    lines.some("doubt", it.doubt.as_ref());
    lines.some("note", it.note.as_ref());
    for one in &it.appeals {
        lines.0.push_str("\n[[procedure.appeal]]\n");
        lines.some("against", one.against.as_ref().map(|contested| &contested.slug));
        lines.some("against_label", one.against.as_ref().map(|contested| &contested.label));
        lines.text("body", &one.body);
        lines.some("within", one.within.map(String::from).as_ref());
        if let Some(start) = one.from {
            lines.text("from", start.into());
        }
        lines.flag("franc", one.franc);
        if let Some(compulsory) = one.compulsory {
            lines.value("compulsory", compulsory);
        }
        lines.some("effect", one.effect.as_ref());
        lines.some("law", one.law.as_ref());
        lines.text("basis", basis(one, seeded));
    }
    lines.0.push('\n');
    lines.0
}

/// How a stage is known, as its file says where it says the same stage.
fn basis<'s>(one: &Appeal, seeded: &'s [Stage]) -> &'s str {
    let same = seeded.iter().find(|stage| appeal((*stage).clone()).is_ok_and(|read| read == *one));
    same.map_or(if one.verified { "read" } else { "memory" }, |stage| stage.basis.as_str())
}

/// Lines of a table.
struct Lines(String);

impl Lines {
    fn value(&mut self, key: &str, value: impl Into<toml::Value>) {
        // Writing to a string never fails.
        let _ = writeln!(self.0, "{key} = {}", value.into());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.value(key, value);
    }

    fn some(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// What is false goes without saying.
    fn flag(&mut self, key: &str, value: bool) {
        if value {
            self.value(key, value);
        }
    }

    fn list(&mut self, key: &str, items: &[String]) {
        let items: Vec<String> = items.iter().map(|item| toml::Value::from(item.as_str()).to_string()).collect();
        let line = format!("{key} = [{}]\n", items.join(", "));
        if line.chars().count() <= WIDEST + 1 {
            self.0.push_str(&line);
        } else {
            let _ = writeln!(self.0, "{key} = [\n    {},\n]", items.join(",\n    "));
        }
    }
}

fn institution_lines(institutions: &[Institution]) -> Result<Vec<u8>, String> {
    let mut sorted: Vec<&Institution> = institutions.iter().collect();
    sorted.sort_by(|a, b| a.slug.cmp(&b.slug));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["slug", "label", "name", "website", "phone", "territory", "former_names"];
    writer.write_record(header).map_err(|error| error.to_string())?;
    for it in sorted {
        let former_names = it.former_names.join(";");
        let or_empty = |cell: &Option<String>| cell.clone().unwrap_or_default();
        let (website, phone, territory) = (or_empty(&it.website), or_empty(&it.phone), or_empty(&it.territory));
        let cells = [&it.slug, &it.label, &it.name, &website, &phone, &territory, &former_names];
        writer.write_record(cells).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SourceLine {
    slug: String,
    field: String,
    value: String,
    source: String,
    url: String,
    source_date: String,
}

impl SourceLine {
    fn is(&self, source: &FactSource) -> bool {
        let date = some(self.source_date.clone()).filter(|date| date != "unknown");
        self.field == source.field && self.source == source.title && some(self.url.clone()) == source.url && date == source.date
    }
}

/// The lines of the seeded file that still stand, then those that somebody added here.
fn source_lines(procedures: &[&Procedure], seeded: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader = csv::Reader::from_reader(seeded);
    let seeded: Vec<SourceLine> = reader.deserialize().collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let by_slug: HashMap<&str, &Procedure> = procedures.iter().map(|it| (it.slug.as_str(), *it)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut said: HashMap<&str, Vec<&SourceLine>> = HashMap::new();
    for line in &seeded {
        said.entry(&line.slug).or_default().push(line);
        // What is said of no procedure (of telephone lines, of France services as a whole) isn't edited here.
        let stands = by_slug.get(line.slug.as_str()).is_none_or(|it| it.sources.iter().any(|source| line.is(source)));
        if stands {
            writer.serialize(line).map_err(|error| error.to_string())?;
        }
    }
    for it in procedures {
        let known = said.get(it.slug.as_str()).map_or(&[][..], Vec::as_slice);
        for source in it.sources.iter().filter(|source| !known.iter().any(|line| line.is(source))) {
            let line = SourceLine {
                slug: it.slug.clone(),
                field: source.field.clone(),
                value: value_of(it, &source.field),
                source: source.title.clone(),
                url: source.url.clone().unwrap_or_default(),
                source_date: source.date.clone().unwrap_or_else(|| "unknown".to_owned()),
            };
            writer.serialize(line).map_err(|error| error.to_string())?;
        }
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// What a field says, in one cell.
fn value_of(it: &Procedure, field: &str) -> String {
    let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
    match field {
        "institution" => it.institution.clone(),
        "official_url" => or_empty(&it.official_url),
        "territory" => <&str>::from(it.territory).to_owned(),
        "mandate" => <&str>::from(it.mandate).to_owned(),
        "france_services" => <&str>::from(it.france_services).to_owned(),
        "hotline" => or_empty(&it.hotline),
        "targets" => it.first_targets.join(";"),
        "ladder" => it.ladder.join(";"),
        "documents" => it.documents.join(";"),
        "steps" => it.steps.join(";"),
        "pitfalls" => it.pitfalls.join(";"),
        "cost" => or_empty(&it.cost),
        "delay" => or_empty(&it.delay),
        "label" => it.label.clone(),
        "synonyms" => it.synonyms.join(";"),
        "sheet" => or_empty(&it.sheet),
        "urgency" => it.urgency.to_string(),
        "appeal" => it.appeals.iter().map(|stage| stage.body.as_str()).collect::<Vec<_>>().join(" | "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::catalogue::procedures;
    use crate::seed;

    fn folder() -> String {
        format!("{}/../../seed-data", env!("CARGO_MANIFEST_DIR"))
    }

    /// The files of a folder end to end, by name.
    fn end_to_end(name: &str) -> Vec<u8> {
        let mut paths: Vec<_> = std::fs::read_dir(format!("{}/{name}", folder())).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
    }

    struct Seeded {
        tables: Vec<u8>,
        said: Vec<u8>,
        sources: Vec<u8>,
        institutions: Vec<Institution>,
    }

    impl Seeded {
        fn read() -> Self {
            let file = |name: &str| std::fs::read(format!("{}/{name}", folder())).unwrap();
            let institutions = seed::institutions(&file("institutions.csv"), day()).unwrap();
            Self { tables: end_to_end("catalogue"), said: end_to_end("said"), sources: file("procedure_sources.csv"), institutions }
        }

        fn files(&self) -> Files<'_> {
            Files { tables: &self.tables, said: &self.said, sources: &self.sources }
        }
    }

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 1).unwrap()
    }

    #[test]
    fn what_was_never_edited_comes_out_byte_for_byte() {
        let seeded = Seeded::read();
        let mut shuffled = procedures(seeded.files(), day()).unwrap();
        shuffled.sort_by(|a, b| b.slug.cmp(&a.slug));
        let written = files(&shuffled, &seeded.institutions, seeded.files()).unwrap();
        assert!(written.len() > 50);
        for file in written {
            let on_disk = std::fs::read_to_string(format!("{}/{}", folder(), file.path)).unwrap();
            let text = String::from_utf8(file.bytes).unwrap();
            if let Some((line, (ours, theirs))) = text.lines().zip(on_disk.lines()).enumerate().find(|(_, (ours, theirs))| ours != theirs) {
                panic!("{}, line {}:\n{ours}\n{theirs}", file.path, line + 1);
            }
            assert!(text == on_disk, "{}", file.path);
        }
    }

    #[test]
    fn an_edit_is_read_back_and_changes_its_own_row_alone() {
        let seeded = Seeded::read();
        let mut edited = procedures(seeded.files(), day()).unwrap();
        edited.sort_by(|a, b| a.slug.cmp(&b.slug));
        let before = files(&edited, &seeded.institutions, seeded.files()).unwrap();
        let rsa = edited.iter_mut().find(|it| it.slug == "rsa").unwrap();
        rsa.cost = Some("Gratuit, \"toujours\" ; \\o/\u{7}".to_owned());
        rsa.documents = vec!["un = [seul]".to_owned()];
        rsa.delay = None;
        rsa.sources.retain(|source| source.field != "cost");
        rsa.sources.push(FactSource {
            field: "cost".to_owned(),
            title: "Une fiche, « relue »".to_owned(),
            url: None,
            date: Some("2026-11-23".to_owned()),
        });
        let after = files(&edited, &seeded.institutions, seeded.files()).unwrap();
        let changed: Vec<&str> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(file, _)| file.path.as_str()).collect();
        assert_eq!(changed, ["catalogue/caf.toml", "procedure_sources.csv"]);
        let gather = |prefix: &str| -> Vec<u8> {
            after.iter().filter(|file| file.path.starts_with(prefix)).flat_map(|file| file.bytes.clone()).collect()
        };
        let (tables, said, sources) = (gather("catalogue/"), gather("said/"), gather("procedure_sources"));
        let mut read = procedures(Files { tables: &tables, said: &said, sources: &sources }, day()).unwrap();
        read.sort_by(|a, b| a.slug.cmp(&b.slug));
        assert!(read == edited, "what is written is what is read");
    }
}
