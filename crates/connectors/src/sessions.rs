//! `demo/sessions.csv`: who receives people at another's place, by the identifier of the structure.

use aiguilleur_domain::structure::{Session, Structure};
use chrono::NaiveDate;
use serde::Deserialize;

use crate::seed::{BrokenSeed, Seeds, lines, list, read_code};

const FILE: &str = "demo/sessions.csv";

/// Adds each session to its structure.
///
/// # Errors
/// Also when a session names a structure that isn't there.
pub fn attach(structures: &mut [Structure], bytes: &[u8]) -> Result<(), BrokenSeed> {
    for (line, (source_id, session)) in (2..).zip(read(bytes)?) {
        let Some(structure) = structures.iter_mut().find(|structure| structure.source_id == source_id) else {
            return Err(BrokenSeed { file: FILE, line, reason: format!("« {source_id} » is not a structure of this source") });
        };
        structure.sessions.push(session);
    }
    Ok(())
}

fn read(bytes: &[u8]) -> Seeds<(String, Session)> {
    #[derive(Deserialize)]
    struct Line {
        structure: String,
        holder: String,
        kind: String,
        institution: Option<String>,
        procedures: String,
        groups: String,
        opening_hours: Option<String>,
        hours_checked_on: Option<NaiveDate>,
        access: String,
        places: Option<u16>,
        note: Option<String>,
    }
    lines(FILE, bytes, |line: Line| {
        let session = Session {
            holder: line.holder,
            kind: read_code(&line.kind)?,
            institution: line.institution,
            procedures: list(&line.procedures),
            groups: list(&line.groups),
            opening_hours: line.opening_hours,
            hours_checked_on: line.hours_checked_on,
            access: read_code(&line.access)?,
            places: line.places,
            note: line.note,
        };
        Ok((line.structure, session))
    })
}

#[cfg(test)]
mod tests {
    use aiguilleur_domain::opening::check_syntax;
    use chrono::Utc;

    use super::*;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/../../seed-data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_demonstration_s_sessions_find_their_structure() {
        let mut structures = crate::seed::demonstration(&file("demo/structures.csv"), Utc::now()).unwrap();
        attach(&mut structures, &file("demo/sessions.csv")).unwrap();
        let institutions = crate::seed::institutions(&file("institutions.csv"), chrono::NaiveDate::default()).unwrap();
        let sessions: Vec<&Session> = structures.iter().flat_map(|structure| &structure.sessions).collect();
        assert!(sessions.len() >= 4);
        for session in sessions {
            assert!(session.holder.contains("démonstration"), "{}", session.holder);
            assert!(session.opening_hours.as_ref().is_none_or(|hours| check_syntax(hours).is_ok()), "{}", session.holder);
            assert!(session.institution.as_ref().is_none_or(|slug| institutions.iter().any(|body| body.slug == *slug)));
        }
    }

    #[test]
    fn a_session_nowhere_is_a_fault() {
        let header = "structure,holder,kind,institution,procedures,groups,opening_hours,hours_checked_on,access,places,note\n";
        let nowhere = format!("{header}nulle-part,Quelqu'un,point-justice,,,,,,unknown,,\n");
        assert_eq!(attach(&mut [], nowhere.as_bytes()).unwrap_err().line, 2);
    }
}
