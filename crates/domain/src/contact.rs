//! Telephone numbers and e-mail addresses.

/// What a cell that should hold one contact holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contacts {
    pub first: Option<String>,
    pub others: Vec<String>,
    /// A part of the cell could not be read.
    pub unreadable: bool,
}

/// The numbers of a cell in E.164 (`+33299000000`); short ones (`3939`) as they are dialled.
/// `departement` tells in which territory a number without prefix is dialled.
pub fn phones(cell: &str, departement: &str) -> Contacts {
    contacts(cell, |piece| phone(piece, departement))
}

/// The addresses of a cell, in lower case.
pub fn emails(cell: &str) -> Contacts {
    contacts(cell, email)
}

/// The one number that a text is, however it is spelt.
pub fn one_phone(text: &str, departement: &str) -> Option<String> {
    phone(text, departement)
}

/// The one address that a text is, in lower case.
pub fn one_email(text: &str) -> Option<String> {
    email(text)
}

/// Why an address seems to be somebody's own rather than a place's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Private {
    /// Its provider gives addresses to anybody.
    FreeProvider,
    /// It reads like a first name and a name.
    PersonsName,
}

/// Providers of addresses to the public in France.
const FREE_PROVIDERS: [&str; 32] = [
    "aliceadsl.fr",
    "aol.com",
    "bbox.fr",
    "club-internet.fr",
    "free.fr",
    "gmail.com",
    "gmx.com",
    "gmx.fr",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "live.com",
    "live.fr",
    "mac.com",
    "mailo.com",
    "me.com",
    "msn.com",
    "neuf.fr",
    "netcourrier.com",
    "numericable.fr",
    "orange.fr",
    "outlook.com",
    "outlook.fr",
    "proton.me",
    "protonmail.com",
    "sfr.fr",
    "tutanota.com",
    "voila.fr",
    "wanadoo.fr",
    "yahoo.com",
    "yahoo.fr",
];

/// Words of addresses that stand for a service, in two-part names such as `france.services@` or `pole-social@`.
const OF_A_SERVICE: [&str; 40] = [
    "accueil",
    "action",
    "agence",
    "aide",
    "antenne",
    "asso",
    "association",
    "bib",
    "bibliotheque",
    "caf",
    "ccas",
    "centre",
    "cias",
    "conseil",
    "contact",
    "cyber",
    "direction",
    "emploi",
    "espace",
    "fr",
    "france",
    "guichet",
    "info",
    "infos",
    "jeunes",
    "jeunesse",
    "mairie",
    "maison",
    "mediatheque",
    "mission",
    "numerique",
    "point",
    "pole",
    "rdv",
    "relais",
    "secretariat",
    "service",
    "services",
    "social",
    "ville",
];

/// Whether an address seems to be a private person's. A guess: it warns, and refuses nothing.
pub fn looks_private(address: &str) -> Option<Private> {
    let (local, domain) = address.split_once('@')?;
    if FREE_PROVIDERS.contains(&domain) {
        return Some(Private::FreeProvider);
    }
    let parts: Vec<&str> = local.split('.').collect();
    let is_name = |part: &&str| {
        let words: Vec<&str> = part.split('-').collect();
        part.len() >= 2
            && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
            && !words.iter().any(|word| OF_A_SERVICE.contains(word))
    };
    (parts.len() == 2 && parts.iter().all(is_name)).then_some(Private::PersonsName)
}

fn contacts(cell: &str, read: impl Fn(&str) -> Option<String>) -> Contacts {
    let mut contacts = Contacts::default();
    if let Some(only) = read(cell) {
        contacts.first = Some(only);
        return contacts;
    }
    let cell = [" ou ", " et ", " - ", " – "].iter().fold(cell.to_owned(), |cell, word| cell.replace(word, "\n"));
    for piece in cell.split(['/', ';', ',', '|', '\n']).map(str::trim).filter(|piece| !piece.is_empty()) {
        match read(piece) {
            None => contacts.unreadable = true,
            Some(known) if contacts.first.as_ref() == Some(&known) || contacts.others.contains(&known) => {}
            Some(first) if contacts.first.is_none() => contacts.first = Some(first),
            Some(other) => contacts.others.push(other),
        }
    }
    contacts
}

/// Prefixes of numbers of the overseas territories as dialled, and their country code (ARCEP, decision 2018-0881: the
/// national numbering plan; ITU-T E.164).
const OVERSEAS: [(&str, &str); 14] = [
    ("0590", "590"),
    ("0690", "590"),
    ("0691", "590"),
    ("0596", "596"),
    ("0696", "596"),
    ("0697", "596"),
    ("0594", "594"),
    ("0694", "594"),
    ("0262", "262"),
    ("0263", "262"),
    ("0269", "262"),
    ("0639", "262"),
    ("0692", "262"),
    ("0693", "262"),
];

fn phone(piece: &str, departement: &str) -> Option<String> {
    let piece = piece.trim();
    let is_sign = |character: char| character.is_whitespace() || matches!(character, '.' | '-' | '/' | '(' | ')' | '+' | '‑' | '–');
    if piece.is_empty() || !piece.chars().all(|character| character.is_ascii_digit() || is_sign(character)) {
        return None;
    }
    let plus = piece.starts_with('+');
    let digits: String = piece.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let abroad = if plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    match (abroad, digits.len()) {
        (Some(number), _) => international(number),
        // A spreadsheet took the leading zero for nothing.
        (None, 9) if !digits.starts_with('0') => national(&format!("0{digits}")),
        (None, 11) if digits.starts_with("33") => international(&digits),
        (None, 10) => national(&digits),
        (None, 6) if departement == "975" => Some(format!("+508{digits}")),
        (None, 6) if departement == "986" => Some(format!("+681{digits}")),
        (None, 6) if departement == "988" => Some(format!("+687{digits}")),
        (None, 8) if departement == "987" => Some(format!("+689{digits}")),
        (None, 6) if digits.starts_with("118") => Some(digits),
        (None, 2..=4) if !digits.starts_with('0') => Some(digits),
        _ => None,
    }
}

/// A number after `+` or `00`.
fn international(digits: &str) -> Option<String> {
    match digits.strip_prefix("33") {
        Some(rest) if rest.starts_with('0') => national(rest),
        Some(rest) => national(&format!("0{rest}")),
        // E.164: at most 15 digits; the shortest of our territories has 9.
        None => ((8..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}")),
    }
}

/// Ten digits that start with 0.
fn national(digits: &str) -> Option<String> {
    let rest = digits.strip_prefix('0').filter(|rest| rest.len() == 9 && !rest.starts_with('0'))?;
    if let Some((_, country)) = OVERSEAS.iter().find(|(prefix, _)| digits.starts_with(prefix)) {
        return Some(format!("+{country}{rest}"));
    }
    // Saint-Pierre-et-Miquelon: fixed lines have six digits of their own, mobiles keep all nine.
    if let Some(own) = rest.strip_prefix("508") {
        return Some(format!("+508{own}"));
    }
    let country = if rest.starts_with("708") { "508" } else { "33" };
    Some(format!("+{country}{rest}"))
}

/// The form that directories use, ASCII only: it catches slips of the hand, not every address RFC 5321 would refuse.
fn email(piece: &str) -> Option<String> {
    let address = piece.trim().to_lowercase();
    let address = address.strip_prefix("mailto:").unwrap_or(&address);
    let (local, domain) = address.split_once('@')?;
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let sound = (1..=64).contains(&local.len())
        && local.bytes().all(is_local)
        && local.split('.').all(|part| !part.is_empty())
        && domain.len() <= 253
        && domain.split('.').all(is_label)
        && domain.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2 && top.starts_with(|first: char| first.is_ascii_lowercase()));
    sound.then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(cell: &str, departement: &str) -> Option<String> {
        let contacts = phones(cell, departement);
        contacts.first.filter(|_| contacts.others.is_empty() && !contacts.unreadable)
    }

    #[test]
    fn writes_numbers_as_e164_by_territory() {
        for (cell, departement, number) in [
            ("02 99 00 00 00", "35", "+33299000000"),
            ("02.99.00.00.00", "35", "+33299000000"),
            ("02/99/00/00/00", "35", "+33299000000"),
            ("02 - 99 - 00 - 00 - 00", "35", "+33299000000"),
            ("+33 (0)2 99 00 00 00", "35", "+33299000000"),
            ("0033299000000", "35", "+33299000000"),
            ("33 2 99 00 00 00", "35", "+33299000000"),
            ("299000000", "35", "+33299000000"),
            ("05 90 23 09 31", "971", "+590590230931"),
            ("06 90 66 88 66", "978", "+590690668866"),
            ("+33 690 66 88 66", "978", "+590690668866"),
            ("06 96 41 43 97", "972", "+596696414397"),
            ("06 94 23 32 50", "973", "+594694233250"),
            ("06 93 11 16 34", "974", "+262693111634"),
            ("06 39 69 57 84", "976", "+262639695784"),
            ("+262 262 37 80 39", "974", "+262262378039"),
            ("41 10 50", "975", "+508411050"),
            ("05 08 41 10 50", "975", "+508411050"),
            ("72 27 00", "986", "+681722700"),
            ("40 54 95 00", "987", "+68940549500"),
            ("26 63 00", "988", "+687266300"),
            ("+352 24 78 00 00", "57", "+35224780000"),
            ("3939", "35", "3939"),
            ("36 46", "35", "3646"),
        ] {
            assert_eq!(first(cell, departement).as_deref(), Some(number), "{cell}");
        }
    }

    #[test]
    fn ten_spellings_are_one_number() {
        for spelling in [
            "0299010203",
            "02 99 01 02 03",
            "02.99.01.02.03",
            "02-99-01-02-03",
            "02/99/01/02/03",
            "+33299010203",
            "+33 (0)2 99 01 02 03",
            "0033 2 99 01 02 03",
            "33 2 99 01 02 03",
            "(02) 99 01 02 03",
            "02\u{a0}99\u{a0}01\u{a0}02\u{a0}03",
        ] {
            assert_eq!(one_phone(spelling, "35").as_deref(), Some("+33299010203"), "{spelling}");
        }
        assert_eq!(one_phone("02 99 01 02 03 / 06 00 00 00 00", "35"), None, "two are not one");
    }

    #[test]
    fn guesses_whose_an_address_is() {
        for (address, private) in [
            ("marie.dupont@ville-test.fr", Some(Private::PersonsName)),
            ("jean-marc.le-goff@ccas-test.fr", Some(Private::PersonsName)),
            ("ccas.test@wanadoo.fr", Some(Private::FreeProvider)),
            ("m.dupont@ville-test.fr", None),
            ("accueil@ccas-test.fr", None),
            ("france.services@ville-test.fr", None),
            ("ccas35@ville-test.fr", None),
            ("pole-social.nord@ville-test.fr", None),
        ] {
            assert_eq!(looks_private(address), private, "{address}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for cell in ["", "02 99 00 00", "00 00 00 00 00", "voir mairie", "02 99 00 00 00 00", "26 63 00", "+", "((", "0299000000x"] {
            assert_eq!(phones(cell, "35").first, None, "{cell}");
        }
    }

    #[test]
    fn keeps_the_first_of_several() {
        let two = phones("02 99 00 00 00 / 06 00 00 00 00", "35");
        assert_eq!((two.first.as_deref(), two.others), (Some("+33299000000"), vec!["+33600000000".to_owned()]));
        let part = phones("02 99 00 00 00 ou la mairie", "35");
        assert!(part.unreadable && part.first.is_some());
        let mails = emails("Accueil@Exemple.fr - autre@exemple.fr");
        assert_eq!((mails.first.as_deref(), mails.others), (Some("accueil@exemple.fr"), vec!["autre@exemple.fr".to_owned()]));
    }

    #[test]
    fn checks_addresses() {
        for address in ["a@b.fr", "fs.itinerante@agglo-hm.net", "o'brien+fs@sous.domaine.gouv.fr"] {
            assert_eq!(emails(address).first.as_deref(), Some(address));
        }
        for address in
            ["", "accueil", "accueil@", "@mairie.fr", "a@b", "a b@c.fr", "a..b@c.fr", "a@c.f", "a@-c.fr", "a@c..fr", "a@b@c.fr", "é@c.fr"]
        {
            assert_eq!(emails(address).first, None, "{address}");
        }
    }
}
