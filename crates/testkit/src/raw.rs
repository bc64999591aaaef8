//! A client that writes its own bytes, for what a well-behaved one never does.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Past this an answer isn't late, it is lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection to the service.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    /// What was read past the last answer.
    read: Vec<u8>,
}

/// An answer's status, head and body.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// Whether a header is there and begins with that value; both in lower case.
    pub fn says(&self, header: &str, value: &str) -> bool {
        self.head.to_ascii_lowercase().contains(&format!("\r\n{header}: {value}"))
    }
}

/// A GET as written on the line.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A POST of JSON as written on the line.
pub fn post(path: &str, token: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

impl Raw {
    /// To an [`App`](crate::App)'s address.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("the service listens");
        stream.set_nodelay(true).expect("an open connection");
        Self { stream, read: Vec::new() }
    }

    /// `false` when the other end has closed.
    pub async fn write(&mut self, bytes: &str) -> bool {
        self.stream.write_all(bytes.as_bytes()).await.is_ok()
    }

    /// Says that nothing more will be written; answers can still be read.
    pub async fn close_half(&mut self) {
        self.stream.shutdown().await.expect("an open connection");
    }

    /// Vanishes: no goodbye, a reset.
    pub fn vanish(self) {
        self.stream.set_zero_linger().expect("an open connection");
    }

    /// The next answer; `None` when the connection was closed without one.
    pub async fn answer(&mut self) -> Option<RawAnswer> {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer, or a closed connection, in time")
    }

    async fn read_answer(&mut self) -> Option<RawAnswer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8_lossy(self.read.get(..end)?).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let whole = end + length.unwrap_or(0usize);
        while self.read.len() < whole {
            self.read_more().await?;
        }
        let body = self.read.get(end..whole)?.to_vec();
        self.read.drain(..whole);
        Some(RawAnswer { status, head, body })
    }

    async fn read_more(&mut self) -> Option<()> {
        (self.stream.read_buf(&mut self.read).await.ok()? > 0).then_some(())
    }
}
