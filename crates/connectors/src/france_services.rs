//! The national list of France services spaces (ANCT, on data.gouv.fr as `liste-des-structures-france-services`, Licence Ouverte 2.0).

use std::collections::HashMap;

use aiguilleur_domain::contact::{self, Contacts};
use aiguilleur_domain::structure::{Access, Kind, Structure};
use aiguilleur_domain::territory::{Commune, CommuneCode};
use aiguilleur_domain::text::normalise;
use chrono::NaiveDate;

use crate::hours::{self, Span};
use crate::table::{Cells, Table};
use crate::text::{clean, clean_or_none};
use crate::{BrokenFile, Fault, Row, Setting, position};

/// The name of this source in [`Structure::source`].
pub const SOURCE: &str = "france-services";

const REQUIRED: [&str; 5] = ["id_fs", "lib_fs", "insee_com", "latitude", "longitude"];

/// The columns of hours, the day in OSM's letters and in French. The list of 2024 has no Sunday.
const WEEK: [(&str, &str, &str); 7] = [
    ("h_lundi", "Mo", "lundi"),
    ("h_mardi", "Tu", "mardi"),
    ("h_mercredi", "We", "mercredi"),
    ("h_jeudi", "Th", "jeudi"),
    ("h_vendredi", "Fr", "vendredi"),
    ("h_samedi", "Sa", "samedi"),
    ("h_dimanche", "Su", "dimanche"),
];

/// Reads the list: one [`Row`] for each row of the file, in its order.
///
/// A row is rejected with code `id_missing`, `id_duplicate`, `name_missing`, `commune_unknown`, `position_missing`,
/// `position_unreadable`, `position_outside` or `position_far`. It is accepted with the remarks `commune_resolved`,
/// `commune_repaired`, `postal_code_unreadable`, `phone_missing`, `phone_unreadable`, `phone_several`, `email_malformed`,
/// `email_several`, `hours_filler`, `hours_overlap` and `hours_unreadable`.
///
/// # Errors
/// [`BrokenFile`] when the file as a whole can't be trusted: nothing may be changed from it. A file cut exactly between two
/// rows (or within the last cell of one, when cells stand without quotes) can't be told from a shorter list: whoever closes
/// what is gone from the source has to ask whether so much can be gone.
pub fn read(bytes: &[u8], setting: &Setting) -> Result<Vec<Row>, BrokenFile> {
    let table = Table::read(bytes, &REQUIRED)?;
    let mut first_lines = HashMap::new();
    let read_row = |cells: Cells<'_>| {
        let source_id = clean_or_none(cells.get("id_fs"));
        let mut remarks = Vec::new();
        let outcome = identify(&cells, source_id.as_deref(), &mut first_lines).and_then(|id| structure(&cells, id, setting, &mut remarks));
        Row { line: cells.line, source_id, outcome, remarks }
    };
    Ok(table.rows().map(read_row).collect())
}

/// The day that a file's name or address ends on: `liste-20240801.csv`, `2024-08-01_liste.csv`; the last one when there are several.
pub fn source_date_from_name(file_name: &str) -> Option<NaiveDate> {
    let is_digit = |character: char| character.is_ascii_digit();
    let words = file_name.split(|character: char| !is_digit(character) && character != '-');
    let mut dates = words.filter_map(|word| {
        let parts: Vec<&str> = word.split('-').filter(|part| !part.is_empty()).collect();
        let compact = parts.iter().rev().filter(|part| part.len() == 8).find_map(|part| NaiveDate::parse_from_str(part, "%Y%m%d").ok());
        let dashed = parts.windows(3).rev().find_map(|window| match window {
            [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2 => window.join("-").parse().ok(),
            _ => None,
        });
        compact.or(dashed)
    });
    dates.next_back()
}

fn identify<'a>(cells: &Cells, id: Option<&'a str>, first_lines: &mut HashMap<String, u64>) -> Result<&'a str, Fault> {
    let Some(id) = id else {
        return Err(Fault::new("id_missing", "id_fs", cells.get("id_fs"), "L'identifiant manque : la ligne est rejetée."));
    };
    if let Some(line) = first_lines.get(id) {
        let reason = format!("L'identifiant figure déjà à la ligne {line} : cette seconde ligne est rejetée.");
        return Err(Fault::new("id_duplicate", "id_fs", id, reason));
    }
    first_lines.insert(id.to_owned(), cells.line);
    Ok(id)
}

fn structure(cells: &Cells, id: &str, setting: &Setting, remarks: &mut Vec<Fault>) -> Result<Structure, Fault> {
    let name = clean_or_none(cells.get("lib_fs"))
        .ok_or_else(|| Fault::new("name_missing", "lib_fs", cells.get("lib_fs"), "Le nom manque : la ligne est rejetée."))?;
    let commune = commune(cells, setting, remarks)?;
    let latitude = ("latitude", cells.get("latitude"));
    let longitude = ("longitude", cells.get("longitude"));
    let location = position::read(latitude, longitude, commune)?;
    let comment = clean_or_none(cells.get("commentaire"));
    let access = access(cells.get("prise_rdv"), comment.as_deref());
    let mut note: Vec<String> = comment.into_iter().collect();
    let phone = phone(cells, commune, &mut note, remarks);
    let email = email(cells, &mut note, remarks);
    let opening_hours = opening_hours(cells, &mut note, remarks);
    Ok(Structure {
        address: address(cells),
        postal_code: postal_code(cells, remarks),
        location: Some(location),
        phone,
        email,
        // The labelling date says when the space was opened, not when its record was last right: the list's own date does.
        hours_checked_on: setting.source_date.filter(|_| opening_hours.is_some()),
        opening_hours,
        access,
        // A bus, a round, or several sites behind one point (a branch included): what stands at the point isn't always there.
        itinerant: !matches!(normalise(cells.get("format_fs")).as_str(), "" | "fixe"),
        // France services are free of charge by their charter.
        free: Some(true),
        note: Some(note.join(" ")).filter(|note| !note.is_empty()),
        source_date: setting.source_date,
        ..Structure::unknown(SOURCE, id, Kind::FranceServices, name, commune.code, setting.now)
    })
}

/// "Oui" means that appointments can be had, not that they are required. "Non" means that people come without one, except
/// where the comment speaks of appointments all the same ("uniquement sur rendez-vous l'après-midi"): then nothing is certain.
fn access(appointments: &str, comment: Option<&str>) -> Access {
    let comment = comment.map(normalise).unwrap_or_default();
    let speaks_of_them = ["rendez vous", "rdv"].iter().any(|word| comment.contains(word));
    if normalise(appointments) == "non" && !speaks_of_them { Access::DropIn } else { Access::Unknown }
}

/// The commune of today, through former codes and arrondissements, else through the département and the name.
fn commune<'a>(cells: &Cells, setting: &Setting<'a>, remarks: &mut Vec<Fault>) -> Result<&'a Commune, Fault> {
    let given = cells.get("insee_com");
    let code = CommuneCode::parse(&with_leading_zero(&given.to_uppercase(), 5));
    let mut remark = |code, reason| remarks.push(Fault::new(code, "insee_com", given, reason));
    if let Some(commune) = code.as_ref().and_then(|code| setting.communes.resolve(code)) {
        if commune.code.as_str() != given {
            let reason = format!("Ce code n'est pas celui d'une commune actuelle : {} ({}) est retenue.", commune.name, commune.code);
            remark("commune_resolved", reason);
        }
        return Ok(commune);
    }
    let departement = match cells.get("insee_dep") {
        "" => code.as_ref().map(CommuneCode::departement).unwrap_or_default().to_owned(),
        departement => with_leading_zero(&departement.to_uppercase(), 2),
    };
    let name = clean(cells.get("lib_com"));
    if let Some(commune) = setting.communes.find(&departement, &normalise(&name)).filter(|_| !name.is_empty()) {
        let reason = format!("Ce code est inconnu : {} ({}) est retenue d'après le département et le nom.", commune.name, commune.code);
        remark("commune_repaired", reason);
        return Ok(commune);
    }
    let named = if name.is_empty() { String::new() } else { format!(", et aucune commune du département ne s'appelle « {name} »") };
    let reason = format!("Ce code de commune est inconnu{named} : la ligne est rejetée.");
    Err(Fault::new("commune_unknown", "insee_com", given, reason))
}

/// A spreadsheet takes `01033` for a number and writes `1033`.
fn with_leading_zero(code: &str, length: usize) -> String {
    if code.len() + 1 == length { format!("0{code}") } else { code.to_owned() }
}

fn address(cells: &Cells) -> Option<String> {
    let mut parts = [clean(cells.get("adresse")), clean(cells.get("complement_adresse"))].to_vec();
    parts.dedup();
    parts.retain(|part| !part.is_empty());
    Some(parts.join(", ")).filter(|address| !address.is_empty())
}

fn postal_code(cells: &Cells, remarks: &mut Vec<Fault>) -> Option<String> {
    let given = cells.get("code_postal");
    let code = with_leading_zero(given, 5);
    if code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(code);
    }
    if !given.is_empty() {
        let reason = "Le code postal n'a pas cinq chiffres : il est laissé de côté.";
        remarks.push(Fault::new("postal_code_unreadable", "code_postal", given, reason));
    }
    None
}

fn phone(cells: &Cells, commune: &Commune, note: &mut Vec<String>, remarks: &mut Vec<Fault>) -> Option<String> {
    let given = cells.get("telephone");
    let mut remark = |code, reason: &str| remarks.push(Fault::new(code, "telephone", given, reason));
    if given.is_empty() && cells.has("telephone") {
        remark("phone_missing", "Le numéro de téléphone manque.");
    }
    let Contacts { first, others, unreadable } = contact::phones(&clean(given), &commune.departement);
    if unreadable {
        let reason = if first.is_some() {
            "Une partie de la cellule n'est pas un numéro de téléphone : elle est laissée de côté."
        } else {
            "Le numéro de téléphone est illisible : il est laissé de côté."
        };
        remark("phone_unreadable", reason);
    }
    if !others.is_empty() {
        remark("phone_several", "La cellule contient plusieurs numéros : le premier est retenu, les autres vont dans la note.");
        note.push(format!("Autre téléphone : {}.", others.join(", ")));
    }
    first
}

fn email(cells: &Cells, note: &mut Vec<String>, remarks: &mut Vec<Fault>) -> Option<String> {
    let given = cells.get("mail");
    let mut remark = |code, reason: &str| remarks.push(Fault::new(code, "mail", given, reason));
    let Contacts { first, others, unreadable } = contact::emails(&clean(given));
    if unreadable {
        let reason = if first.is_some() {
            "Une partie de la cellule n'est pas une adresse électronique : elle est laissée de côté."
        } else {
            "L'adresse électronique est mal formée : elle est laissée de côté."
        };
        remark("email_malformed", reason);
    }
    if !others.is_empty() {
        remark("email_several", "La cellule contient plusieurs adresses : la première est retenue, les autres vont dans la note.");
        note.push(format!("Autre adresse électronique : {}.", others.join(", ")));
    }
    first
}

/// The week's hours, or none at all as soon as one cell can't be read: dropping that day alone would show it as closed,
/// which the source doesn't say, and somebody would stay at home. The cells as they stand then go into the note, for people.
fn opening_hours(cells: &Cells, note: &mut Vec<String>, remarks: &mut Vec<Fault>) -> Option<String> {
    let mut week: Vec<(&str, Vec<Span>)> = Vec::new();
    let mut readable = true;
    for (column, day, french) in WEEK {
        let given = cells.get(column);
        let mut remark = |code, reason: String| remarks.push(Fault::new(code, column, given, reason));
        let Some(read) = hours::read_day(&clean(given)) else {
            readable = false;
            let reason = format!(
                "Les horaires du {french} sont illisibles : ceux de toute la semaine sont inconnus et vont tels quels dans la note."
            );
            remark("hours_unreadable", reason);
            continue;
        };
        if read.filler {
            let closed = if read.spans.is_empty() { format!(" ; le {french} est fermé") } else { String::new() };
            remark("hours_filler", format!("« 00:00 - 00:00 » n'est qu'un remplissage : il est retiré{closed}."));
        }
        if read.overlap {
            remark("hours_overlap", format!("Des horaires du {french} se chevauchent : ils sont réunis."));
        }
        week.push((day, read.spans));
    }
    if readable {
        return hours::to_osm(&week);
    }
    let as_given = WEEK.iter().map(|(column, _, french)| (french, clean(cells.get(column)))).filter(|(_, cell)| !cell.is_empty());
    let as_given: Vec<String> = as_given.map(|(french, cell)| format!("{french} {cell}")).collect();
    note.push(format!("Horaires indiqués : {}.", as_given.join(" ; ")));
    None
}

#[cfg(test)]
mod tests;
