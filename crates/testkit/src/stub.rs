//! Somebody else's server, on loopback: it says what a test wants, and counts who asks.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request alike, until told another answer.
#[derive(Debug)]
pub struct Stub {
    /// Its address, without a path.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The bytes of the answer; `None`: it takes the connection and says nothing.
    answer: Mutex<Option<String>>,
    requests: Mutex<Vec<String>>,
}

impl Stub {
    /// `None`: it hangs. An empty answer hangs up.
    pub async fn answering(answer: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of its own");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Shared { answer: Mutex::new(answer.map(str::to_owned)), requests: Mutex::default() });
        let here = shared.clone();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = Vec::new();
                while let Ok(byte) = connection.read_u8().await {
                    request.push(byte);
                    if request.ends_with(b"\r\n\r\n") {
                        break;
                    }
                }
                here.requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                let answer = here.answer.lock().unwrap().clone();
                match answer {
                    Some(answer) => {
                        // The client may hang up first, when it has read enough.
                        let _ = connection.write_all(answer.as_bytes()).await;
                        let _ = connection.shutdown().await;
                    }
                    None => silent.push(connection),
                }
            }
        });
        Self { url, shared }
    }

    /// From now on it says this.
    pub fn answer(&self, answer: Option<&str>) {
        *self.shared.answer.lock().unwrap() = answer.map(str::to_owned);
    }

    /// What it was asked so far, headers included.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// An answer of a status and a body, to be given to [`Stub::answer`].
    pub fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    }
}
