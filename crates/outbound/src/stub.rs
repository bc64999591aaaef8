//! A server on loopback for the tests of this crate.

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on loopback that gives every request the same answer, and the requests it got.
pub struct Stub {
    pub base: Url,
    pub requests: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Stub {
    /// `None`: it takes the connection and never answers. `{base}` in an answer becomes the stub's own address.
    pub async fn answering(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let answer = answer.map(|answer| answer.replace("{base}", &base));
        let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(connection.read_u8().await.unwrap());
                }
                let _ = sender.send(String::from_utf8(request).unwrap());
                match &answer {
                    Some(answer) => {
                        connection.write_all(answer.as_bytes()).await.unwrap();
                        // The client may hang up first, when it has read enough.
                        let _ = connection.shutdown().await;
                    }
                    None => silent.push(connection),
                }
            }
        });
        Self { base: Url::parse(&base).unwrap(), requests }
    }

    pub async fn with_json(json: &str) -> Self {
        Self::answering(Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}", json.len()))).await
    }

    pub async fn with_status(status: &str) -> Self {
        Self::answering(Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))).await
    }
}
