//! A mail server on loopback, which keeps what it is given for a test to read.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mailin::{Action, Handler, Response, SessionBuilder, response};

/// What it was given so far.
#[derive(Debug, Clone)]
pub struct PostOffice {
    /// `smtp://127.0.0.1:<port>`.
    pub url: String,
    letters: Arc<Mutex<Vec<Letter>>>,
}

/// One message, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub to: Vec<String>,
    pub reply_to: Option<String>,
    pub subject: String,
    pub text: String,
}

impl PostOffice {
    /// Opens one; it is there until the test ends.
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of its own");
        let url = format!("smtp://{}", listener.local_addr().expect("it is bound"));
        let letters = Arc::default();
        let office = Self { url, letters };
        let here = office.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let office = here.clone();
                std::thread::spawn(move || office.attend(connection));
            }
        });
        office
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// Those to one address.
    pub fn letters_to(&self, address: &str) -> Vec<Letter> {
        self.letters().into_iter().filter(|letter| letter.to.iter().any(|to| to == address)).collect()
    }

    /// Speaks SMTP with one client until it goes.
    fn attend(&self, connection: TcpStream) -> std::io::Result<()> {
        let client = connection.peer_addr()?.ip();
        let mut session =
            SessionBuilder::new("post.localhost").build(client, Desk { office: self.clone(), to: Vec::new(), data: Vec::new() });
        let (mut lines, mut out) = (BufReader::new(connection.try_clone()?), connection);
        session.greeting().write_to(&mut out)?;
        out.flush()?;
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let answer = session.process(&line);
            answer.write_to(&mut out)?;
            out.flush()?;
            if answer.action == Action::Close {
                return Ok(());
            }
        }
    }
}

/// One message on its way in.
struct Desk {
    office: PostOffice,
    to: Vec<String>,
    data: Vec<u8>,
}

impl Handler for Desk {
    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        self.to.clear();
        self.data.clear();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, lines: &[u8]) -> std::io::Result<()> {
        self.data.extend_from_slice(lines);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let Some(message) = mail_parser::MessageParser::default().parse(&self.data) else { return response::TRANSACTION_FAILED };
        let reply_to = message.reply_to().and_then(|list| list.first()).and_then(|one| one.address());
        self.office.letters.lock().unwrap().push(Letter {
            to: self.to.clone(),
            reply_to: reply_to.map(str::to_owned),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
        });
        response::OK
    }
}
