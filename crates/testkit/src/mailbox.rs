//! A mail server on loopback that keeps what it is given.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Takes every mail, and shows its texts.
#[derive(Debug)]
pub struct Mailbox {
    /// For `AIGUILLEUR_SMTP_URL`.
    pub url: String,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of its own");
        let url = format!("smtp://{}", listener.local_addr().expect("it is bound"));
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let here = mails.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(talk(connection, here.clone()));
            }
        });
        Self { url, mails }
    }

    /// What came so far, headers included.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

/// As much of SMTP (RFC 5321) as one client speaks.
async fn talk(connection: TcpStream, mails: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 here\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail += &line;
                    mail.push('\n');
                }
                mails.lock().unwrap().push(plain(&mail));
                b"250 taken\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 well\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

/// Without its quoted-printable coding (RFC 2045): long lines whole again, links as they are.
fn plain(mail: &str) -> String {
    let whole = mail.replace("=\n", "");
    let mut pieces = whole.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(piece.bytes().skip(2));
            }
            None => {
                bytes.push(b'=');
                bytes.extend(piece.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
