//! `aiguilleur import`: a source's file into the directory, with a progress bar, a summary and a report line by line.

use std::io::Read;
use std::path::PathBuf;

use aiguilleur_connectors::france_services;
use aiguilleur_jobs::JobError;
use aiguilleur_jobs::import::{self, Options, Progress, Report, ReportRow, RowStatus};
use aiguilleur_jobs::seed::{self, Seed};
use aiguilleur_outbound::{TimeOuts, Url, data_gouv};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{CliError, Settings, database, say};

/// The dataset of the national list, on data.gouv.fr.
const DATASET: &str = "liste-des-structures-france-services";
/// Rejected rows shown on screen; the report has them all.
const SHOWN: usize = 10;

#[derive(Debug, Args)]
pub struct Import {
    /// Source
    #[arg(value_enum)]
    source: Source,
    /// Fichier, adresse http(s), ou « - » pour l'entrée standard ; sans rien, la plus récente sur data.gouv.fr
    #[arg(value_name = "FICHIER|URL|-")]
    input: Option<String>,
    /// Dit ce qui changerait, sans rien changer
    #[arg(long)]
    dry_run: bool,
    /// Écrit le compte rendu ligne par ligne, en JSON
    #[arg(long, value_name = "FICHIER")]
    report: Option<PathBuf>,
    /// Échoue si une ligne est rejetée (l'import est fait quand même)
    #[arg(long)]
    strict: bool,
    /// Accepte de fermer plus de 10 % des lieux de la source
    #[arg(long)]
    allow_closures: bool,
    /// Date de publication de la liste ; par défaut celle du nom du fichier, ou celle de data.gouv.fr
    #[arg(long, value_name = "AAAA-MM-JJ")]
    source_date: Option<NaiveDate>,
    #[arg(long, env = "AIGUILLEUR_DATA_GOUV_URL", default_value = data_gouv::BASE, hide = true)]
    data_gouv_url: Url,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    /// La liste nationale des espaces France services
    FranceServices,
}

pub async fn run(settings: &Settings, import: Import) -> Result<(), CliError> {
    let Source::FranceServices = import.source;
    let (bytes, dated) = read(&import).await?;
    let options = Options { source_date: import.source_date.or(dated), dry_run: import.dry_run, allow_closures: import.allow_closures };
    // Opened before anything is changed: a report that can't be written stops the import, not its account.
    let unwritable = |path: &PathBuf, error| CliError::Sentence(format!("{} ne peut pas être écrit : {error}", path.display()));
    let report_file = match &import.report {
        Some(path) => Some(std::fs::File::create(path).map_err(|error| unwritable(path, error))?),
        None => None,
    };
    let opened = database::open(settings).await?;
    let outcome = import_into(&opened.database, bytes, options).await;
    opened.close().await?;
    let report = outcome?;
    if let Some(file) = report_file {
        serde_json::to_writer_pretty(std::io::BufWriter::new(file), &report).map_err(std::io::Error::other)?;
    }
    summarise(&report);
    if import.strict && report.rejected > 0 {
        return Err(CliError::Sentence(format!("{} lignes rejetées (--strict)", report.rejected)));
    }
    Ok(())
}

async fn import_into(database: &aiguilleur_storage::Database, bytes: Vec<u8>, options: Options) -> Result<Report, CliError> {
    let bar = ProgressBar::no_length().with_style(style()).with_message("lecture");
    let on_progress = |progress| match progress {
        Progress::Read(rows) => bar.set_message(format!("{rows} lignes lues")),
        Progress::Planned(writes) => {
            bar.set_length(u64::try_from(writes).unwrap_or_default());
            bar.set_message("écriture");
        }
        Progress::Written(records) => bar.inc(u64::try_from(records).unwrap_or_default()),
    };
    let mut outcome = import::france_services(database, bytes.clone(), options, on_progress).await;
    if matches!(outcome, Err(JobError::NoCommunes)) {
        // A new installation: the communes come first.
        bar.set_message("chargement des communes et des mairies");
        seed::apply(database, Seed::National, |_| ()).await?;
        outcome = import::france_services(database, bytes, options, on_progress).await;
    }
    bar.finish_and_clear();
    Ok(outcome?)
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The file's bytes, and the day it was published where that can be told.
async fn read(import: &Import) -> Result<(Vec<u8>, Option<NaiveDate>), CliError> {
    match import.input.as_deref() {
        None => {
            let client = aiguilleur_outbound::client(TimeOuts::default())?;
            let newest = data_gouv::newest_csv(&client, &import.data_gouv_url, DATASET).await?;
            eprintln!("Liste la plus récente : {}", newest.title);
            let dated = newest.last_modified.map(|instant| instant.date_naive());
            let dated = france_services::source_date_from_name(newest.url.path()).or(dated);
            Ok((aiguilleur_outbound::download(&client, newest.url, data_gouv::MAX_FILE_BYTES).await?, dated))
        }
        Some("-") => {
            let mut bytes = Vec::new();
            let most = data_gouv::MAX_FILE_BYTES;
            std::io::stdin().take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
            if bytes.len() > most {
                return Err(CliError::Sentence(format!("l'entrée standard dépasse {most} octets : rien n'a été changé")));
            }
            Ok((bytes, None))
        }
        Some(address) if address.starts_with("http://") || address.starts_with("https://") => {
            let url = Url::parse(address).map_err(|error| CliError::Sentence(format!("« {address} » n'est pas une adresse : {error}")))?;
            let dated = france_services::source_date_from_name(url.path());
            let client = aiguilleur_outbound::client(TimeOuts::default())?;
            Ok((aiguilleur_outbound::download(&client, url, data_gouv::MAX_FILE_BYTES).await?, dated))
        }
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| CliError::Sentence(format!("{path} ne peut pas être lu : {error}")))?;
            Ok((bytes, france_services::source_date_from_name(path)))
        }
    }
}

fn summarise(report: &Report) {
    let remarks: usize = report.rows.iter().map(|row| row.remarks.len()).sum();
    say(&format!(
        "{}{} lignes : {} créées, {} mises à jour, {} inchangées, {} rejetées ; {} lieux fermés ; {remarks} remarques.",
        if report.dry_run { "À blanc, rien n'est changé. " } else { "" },
        report.rows.len(),
        report.created,
        report.updated,
        report.unchanged,
        report.rejected,
        report.closed,
    ));
    if let Some(date) = report.source_date {
        say(&format!("Liste publiée le {}.", date.format("%d/%m/%Y")));
    } else {
        say("Date de publication inconnue : les horaires compteront comme non vérifiés (--source-date pour la donner).");
    }
    let kept: Vec<&ReportRow> = report.rows.iter().filter(|row| !row.kept.is_empty()).collect();
    if !kept.is_empty() {
        say(&format!("{} fiches modifiées ici gardent ce qu'un gestionnaire a écrit, et que la liste dit autrement :", kept.len()));
    }
    for row in kept.iter().take(SHOWN) {
        let fields: Vec<&str> = row.kept.iter().map(|field| field.name()).collect();
        say(&format!("  ligne {} : {}", row.line, fields.join(", ")));
    }
    if kept.len() > SHOWN {
        say(&format!("  … et {} autres : --report FICHIER les donne toutes.", kept.len() - SHOWN));
    }
    for closure in &report.kept_open {
        say(&format!("  « {} » n'est plus dans la liste, mais quelqu'un tient sa fiche ici : elle reste ouverte.", closure.name));
    }
    if report.closures_withheld {
        say("Une ligne n'a pas d'identifiant : aucun lieu n'est fermé cette fois, ce pourrait être le sien.");
    }
    for row in report.rows.iter().filter(|row| row.status == RowStatus::Rejected).take(SHOWN) {
        say(&format!(
            "  ligne {}, {} « {} » : {}",
            row.line,
            row.column.as_deref().unwrap_or("?"),
            row.value.as_deref().unwrap_or_default(),
            row.reason.as_deref().unwrap_or("rejetée")
        ));
    }
    if report.rejected > SHOWN {
        say(&format!("  … et {} autres : --report FICHIER les donne toutes.", report.rejected - SHOWN));
    }
}
