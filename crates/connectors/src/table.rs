//! A CSV file, checked as a whole: either every row can be read, or none is.

use std::collections::HashMap;
use std::io::Read;

use csv::StringRecord;

use crate::BrokenFile;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Signs that a file is something else than CSV.
const OTHER_FORMATS: [(&[u8], &str); 8] = [
    (b"<", "une page HTML ou un document XML"),
    (b"{", "un document JSON"),
    (b"[", "un document JSON"),
    (b"PK\x03\x04", "un classeur (XLSX, ODS) ou une archive ZIP"),
    (b"\xD0\xCF\x11\xE0", "un classeur XLS"),
    (b"\x1F\x8B", "une archive GZIP"),
    (b"%PDF", "un document PDF"),
    (b"\xFF\xFE", "un texte en UTF-16"),
];

const SEPARATORS: [u8; 3] = [b';', b',', b'\t'];

/// A line put after the end: when it doesn't come back on its own, a quote was left open and swallowed it.
const AFTER_THE_END: &str = "\u{1}after-the-end";

/// The rows of a file whose header has the columns asked for.
#[derive(Debug)]
pub struct Table {
    columns: HashMap<String, usize>,
    rows: Vec<(u64, StringRecord)>,
}

impl Table {
    /// Reads a file with `;`, `,` or tabs between its cells, whichever makes the most of the header.
    ///
    /// # Errors
    /// [`BrokenFile`] when a single row can't be told apart with certainty.
    pub fn read(bytes: &[u8], required: &[&'static str]) -> Result<Self, BrokenFile> {
        let bytes = text(bytes)?;
        let mut records = records(bytes, separator(bytes, required));
        let complete = records.pop_if(|(_, record)| record.get(0) == Some(AFTER_THE_END)).is_some();
        let open_quote = if complete { None } else { records.last().map(|(line, _)| *line) };
        let mut records = records.into_iter();
        let (header_line, header) = records.next().ok_or(BrokenFile::Empty)?;
        if open_quote == Some(header_line) {
            return Err(BrokenFile::UnterminatedQuote { line: header_line });
        }
        let columns = columns(header_line, &header, required)?;
        let whole = |(line, record): (u64, StringRecord)| match record.len() {
            _ if open_quote == Some(line) => Err(BrokenFile::UnterminatedQuote { line }),
            found if found != header.len() => Err(BrokenFile::FieldCount { line, found, expected: header.len() }),
            _ => Ok((line, record)),
        };
        let rows: Vec<_> = records.map(whole).collect::<Result<_, _>>()?;
        if rows.is_empty() { Err(BrokenFile::NoRows) } else { Ok(Self { columns, rows }) }
    }

    pub fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.rows.iter().map(|(line, record)| Cells { line: *line, columns: &self.columns, record })
    }
}

/// The cells of one row, by the name of their column.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// Where the row starts in the file, counted from 1.
    pub line: u64,
    columns: &'a HashMap<String, usize>,
    record: &'a StringRecord,
}

impl<'a> Cells<'a> {
    /// The cell without white space around it, empty when the file has no such column.
    pub fn get(&self, column: &str) -> &'a str {
        self.columns.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default().trim()
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }
}

/// The bytes after the byte-order mark, once it is certain that they are text.
fn text(bytes: &[u8]) -> Result<&[u8], BrokenFile> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err(BrokenFile::Empty);
    }
    if let Some((_, format)) = OTHER_FORMATS.iter().find(|(sign, _)| start.starts_with(sign)) {
        return Err(BrokenFile::NotCsv(format));
    }
    let line_at = |offset| 1 + line_breaks(bytes.get(..offset).unwrap_or_default());
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(BrokenFile::NulByte { line: line_at(offset) });
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(BrokenFile::NotUtf8 { line: line_at(error.valid_up_to()) }),
    }
}

fn separator(bytes: &[u8], required: &[&str]) -> u8 {
    let columns_found = |separator: &u8| {
        let mut header = StringRecord::new();
        let read = reader(bytes, *separator).read_record(&mut header).unwrap_or_default();
        let names: Vec<String> = header.iter().map(column_name).collect();
        (required.iter().filter(|column| read && names.iter().any(|name| name == *column)).count(), header.len())
    };
    SEPARATORS.into_iter().max_by_key(columns_found).unwrap_or(b',')
}

fn columns(line: u64, header: &StringRecord, required: &[&'static str]) -> Result<HashMap<String, usize>, BrokenFile> {
    let mut columns = HashMap::new();
    for (index, name) in header.iter().map(column_name).enumerate() {
        if !name.is_empty() && columns.insert(name.clone(), index).is_some() {
            return Err(BrokenFile::RepeatedColumn { line, column: name });
        }
    }
    let missing: Vec<_> = required.iter().copied().filter(|column| !columns.contains_key(*column)).collect();
    if missing.is_empty() { Ok(columns) } else { Err(BrokenFile::MissingColumns { line, missing }) }
}

fn column_name(cell: &str) -> String {
    cell.trim().to_lowercase()
}

/// Every record with the line it starts on, header first, [`AFTER_THE_END`] last.
fn records(bytes: &[u8], separator: u8) -> Vec<(u64, StringRecord)> {
    let mut records = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader(bytes, separator).into_records().map_while(Result::ok) {
        // The reader's own line numbers are late by the blank lines, and by the second half of a CRLF, before a record.
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let blank = bytes.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += line_breaks(bytes.get(counted..start + blank).unwrap_or_default());
        counted = start + blank;
        let only_white_space = record.len() == 1 && record.iter().all(|cell| cell.trim().is_empty());
        if !only_white_space {
            records.push((line, record));
        }
    }
    records
}

fn reader(bytes: &[u8], separator: u8) -> csv::Reader<impl Read> {
    let end = std::io::Cursor::new(format!("\n{AFTER_THE_END}"));
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes.chain(end))
}

/// Line breaks, whether LF, CRLF or CR alone.
fn line_breaks(bytes: &[u8]) -> u64 {
    let following = bytes.iter().skip(1).map(Some).chain([None]);
    let breaks = bytes.iter().zip(following).filter(|(byte, next)| **byte == b'\n' || (**byte == b'\r' && *next != Some(&b'\n')));
    breaks.map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, BrokenFile> {
        Table::read(text.as_bytes(), &["id", "name"])
    }

    fn rows(text: &str) -> Vec<(u64, String, String)> {
        read(text).unwrap().rows().map(|cells| (cells.line, cells.get("id").to_owned(), cells.get("name").to_owned())).collect()
    }

    #[test]
    fn finds_columns_by_name_whatever_their_order_the_separator_and_the_case() {
        let expected = vec![(2, "1".to_owned(), "Rennes".to_owned())];
        assert_eq!(rows("id,name\n1,Rennes\n"), expected);
        assert_eq!(rows("\u{feff}NAME ; other, thing;Id\nRennes;x;1"), expected);
        assert_eq!(rows("name\tid\nRennes\t1"), expected);
        assert_eq!(rows("\u{feff}\"id\",\"name\"\r\n\"1\",\"Rennes\"\r\n"), expected);
    }

    #[test]
    fn counts_physical_lines() {
        let lines = |text: &str| rows(text).into_iter().map(|(line, ..)| line).collect::<Vec<_>>();
        assert_eq!(lines("id,name\n1,\"a\nb\n\nc\"\n2,d\n\n\n3,e"), [2, 6, 9]);
        assert_eq!(lines("id,name\r\n1,\"a\r\nb\"\r\n2,d\r\n\r\n3,e\r\n"), [2, 4, 6]);
        assert_eq!(lines("\n\nid,name\n1,a\n   \n2,b\n  \n"), [4, 6]);
        assert_eq!(lines("id,name\r1,a\r2,b"), [2, 3]);
    }

    #[test]
    fn a_column_that_is_absent_reads_as_empty() {
        let table = read("id,name\n1,a").unwrap();
        let cells = table.rows().next().unwrap();
        assert_eq!((cells.get("phone"), cells.has("phone"), cells.has("name")), ("", false, true));
    }

    #[test]
    fn refuses_a_broken_file_as_a_whole() {
        let broken = |bytes: &[u8]| Table::read(bytes, &["id", "name"]).unwrap_err();
        assert_eq!(broken(b""), BrokenFile::Empty);
        assert_eq!(broken(b"\xEF\xBB\xBF \r\n\n"), BrokenFile::Empty);
        assert_eq!(broken(b"id,name\n"), BrokenFile::NoRows);
        assert!(matches!(broken(b"\n <!DOCTYPE html><html>"), BrokenFile::NotCsv(format) if format.contains("HTML")));
        assert!(matches!(broken(b"{\"message\": \"not found\"}"), BrokenFile::NotCsv(_)));
        assert!(matches!(broken(b"PK\x03\x04\x00\x00"), BrokenFile::NotCsv(_)));
        assert_eq!(broken(b"hello"), BrokenFile::MissingColumns { line: 1, missing: vec!["id", "name"] });
        assert_eq!(broken(b"id;nom\n1;a"), BrokenFile::MissingColumns { line: 1, missing: vec!["name"] });
        assert_eq!(broken(b"id,name,id\n1,a,2"), BrokenFile::RepeatedColumn { line: 1, column: "id".to_owned() });
        assert_eq!(broken(b"id,name\n1,Besan\xE7on"), BrokenFile::NotUtf8 { line: 2 });
        assert_eq!(broken(b"id,name\r\n1,\"a\r\n\0\""), BrokenFile::NulByte { line: 3 });
        assert_eq!(broken(b"id,name\n1,a\n2"), BrokenFile::FieldCount { line: 3, found: 1, expected: 2 });
        assert_eq!(broken(b"id,name\n1,a\n2,b,c\n"), BrokenFile::FieldCount { line: 3, found: 3, expected: 2 });
        assert_eq!(broken(b"id,name\n1,a\n2,\"b"), BrokenFile::UnterminatedQuote { line: 3 });
        assert_eq!(broken(b"id,name\n1,a\n2,\"b\n\n"), BrokenFile::UnterminatedQuote { line: 3 });
        assert_eq!(broken(b"id,name\n1,a,b\n2,\"b\n"), BrokenFile::FieldCount { line: 2, found: 3, expected: 2 });
        assert_eq!(broken(b"\"id,name\n1,a\n"), BrokenFile::UnterminatedQuote { line: 1 });
    }

    #[test]
    fn says_in_french_what_is_wrong_and_what_is_expected() {
        let message = read("name;x\na;b").unwrap_err().to_string();
        assert_eq!(message, "il manque dans l'en-tête (ligne 1) la colonne « id » : vérifiez que c'est la bonne liste");
    }
}
