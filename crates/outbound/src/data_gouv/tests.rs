use std::time::Duration;

use tokio::net::TcpListener;

use super::*;
use crate::TimeOuts;
use crate::stub::Stub;

impl Stub {
    async fn newest_csv(&self) -> Result<RemoteFile, OutboundError> {
        newest_csv(&client(), &self.base, "liste-des-structures-france-services").await
    }

    async fn download(&self, max_bytes: usize) -> Result<Vec<u8>, OutboundError> {
        download(&client(), self.base.join("liste.csv?cle=secrete").unwrap(), max_bytes).await
    }
}

fn client() -> Client {
    let time_outs = TimeOuts { total: Duration::from_millis(500), ..TimeOuts::default() };
    crate::http::builder(time_outs).no_proxy().build().unwrap()
}

#[tokio::test]
async fn chooses_the_newest_main_file() {
    let mut stub = Stub::with_json(
        r#"{"title": "Liste", "resources": [
            {"title": "2023", "format": "csv", "type": "main", "url": "https://exemple.fr/2023.csv", "last_modified": "2023-08-01T10:00:00+00:00"},
            {"title": "2024", "format": "CSV", "type": "main", "url": "https://exemple.fr/2024.csv", "last_modified": "2024-08-01T10:00:00.123000"},
            {"title": "2024, plus tôt", "format": "csv", "type": "main", "url": "https://exemple.fr/juin.csv", "last_modified": "2024-08-01T10:30:00+02:00"},
            {"title": "classeur", "format": "xlsx", "type": "main", "url": "https://exemple.fr/2025.xlsx", "last_modified": "2025-08-01T10:00:00+00:00"},
            {"title": "notice", "format": "csv", "type": "documentation", "url": "https://exemple.fr/notice.csv", "last_modified": "2026-01-01T10:00:00+00:00"},
            {"title": "sans date", "format": "csv", "type": null, "url": "https://exemple.fr/x.csv", "last_modified": null},
            {"title": "ailleurs", "format": "csv", "type": "main", "url": "file:///etc/passwd", "last_modified": "2026-01-01T10:00:00+00:00"},
            {"title": null, "format": null, "url": null}
        ]}"#,
    )
    .await;
    let newest = stub.newest_csv().await.unwrap();
    assert_eq!((newest.url.as_str(), newest.title.as_str()), ("https://exemple.fr/2024.csv", "2024"));
    assert_eq!(newest.last_modified, "2024-08-01T10:00:00.123Z".parse().ok());
    let request = stub.requests.recv().await.unwrap().to_lowercase();
    assert!(request.starts_with("get /api/1/datasets/liste-des-structures-france-services/ http/1.1"), "{request}");
    assert!(request.contains(concat!("user-agent: aiguilleur/", env!("CARGO_PKG_VERSION"))), "{request}");
}

#[tokio::test]
async fn falls_back_to_documentation() {
    let stub =
        Stub::with_json(r#"{"resources": [{"format": "csv", "type": "documentation", "url": "https://exemple.fr/notice.csv"}]}"#).await;
    assert_eq!(stub.newest_csv().await.unwrap().url.as_str(), "https://exemple.fr/notice.csv");
}

#[tokio::test]
async fn a_base_may_have_a_path_and_a_dataset_any_character() {
    let mut stub = Stub::with_status("404 Not Found").await;
    let base = stub.base.join("miroir/").unwrap();
    newest_csv(&client(), &base, "a/../b c").await.unwrap_err();
    assert!(stub.requests.recv().await.unwrap().starts_with("GET /miroir/api/1/datasets/a%2F..%2Fb%20c/ "));
}

#[tokio::test]
async fn says_that_there_is_no_csv() {
    let stub = Stub::with_json(r#"{"resources": [{"title": "a", "format": "xlsx", "url": "https://exemple.fr/a.xlsx"}]}"#).await;
    let error = stub.newest_csv().await.unwrap_err();
    assert!(matches!(&error, OutboundError::NoCsv { dataset } if dataset == "liste-des-structures-france-services"));
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn explains_statuses() {
    let not_found = Stub::with_status("404 Not Found").await.newest_csv().await.unwrap_err();
    assert!(matches!(not_found, OutboundError::NotFound { .. }) && !not_found.is_temporary());
    let broken_down = Stub::with_status("500 Internal Server Error").await.newest_csv().await.unwrap_err();
    assert!(matches!(broken_down, OutboundError::Unavailable { .. }) && broken_down.is_temporary());
    let refused = Stub::with_status("403 Forbidden").await.download(10).await.unwrap_err();
    assert!(matches!(refused, OutboundError::Refused { .. }) && !refused.to_string().contains("secrete"), "{refused}");
    let partial = Stub::with_status("204 No Content").await.download(10).await.unwrap_err();
    assert!(matches!(partial, OutboundError::Refused { .. }));
}

#[tokio::test]
async fn refuses_an_answer_that_is_not_a_dataset() {
    for garbage in ["", "<html>", "{", "[]", r#"{"message": "no"}"#, r#"{"resources": [{"url": 3}]}"#] {
        let error = Stub::with_json(garbage).await.newest_csv().await.unwrap_err();
        assert!(matches!(error, OutboundError::Unexpected { .. }), "{garbage}: {error}");
    }
}

#[tokio::test]
async fn downloads_up_to_the_limit_and_not_beyond() {
    let announced = Stub::with_json("0123456789").await;
    assert_eq!(announced.download(10).await.unwrap(), b"0123456789");
    assert!(matches!(announced.download(9).await, Err(OutboundError::TooLarge { max_bytes: 9, .. })));
    let unannounced = Stub::answering(Some("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789".to_owned())).await;
    assert_eq!(unannounced.download(10).await.unwrap(), b"0123456789");
    assert!(matches!(unannounced.download(9).await, Err(OutboundError::TooLarge { .. })));
}

#[tokio::test]
async fn an_answer_cut_short_is_not_a_file() {
    let stub = Stub::answering(Some("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789".to_owned())).await;
    let error = stub.download(100).await.unwrap_err();
    assert!(matches!(error, OutboundError::Interrupted { .. }) && error.is_temporary(), "{error:?}");
}

#[tokio::test]
async fn gives_up_on_a_silent_server() {
    let error = Stub::answering(None).await.download(10).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut { .. }) && error.is_temporary(), "{error:?}");
}

#[tokio::test]
async fn gives_up_on_endless_redirections_and_on_nobody() {
    let mut stub =
        Stub::answering(Some("HTTP/1.1 302 Found\r\nLocation: {base}encore\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()))
            .await;
    let error = stub.download(10).await.unwrap_err();
    assert!(matches!(error, OutboundError::Redirects { .. }), "{error:?}");
    let mut calls = 0;
    while stub.requests.try_recv().is_ok() {
        calls += 1;
    }
    assert_eq!(calls, 6);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = download(&client(), Url::parse(&format!("http://{nobody}/")).unwrap(), 10).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable { .. }) && error.is_temporary(), "{error:?}");
    let error = download(&client(), Url::parse("file:///etc/hostname").unwrap(), 10).await.unwrap_err();
    assert!(matches!(error, OutboundError::Address { .. }));
}

#[test]
fn the_real_client_can_be_made_more_than_once() {
    for _ in 0..2 {
        assert!(matches!(crate::client(TimeOuts::default()), Ok(_) | Err(OutboundError::Client(_))));
    }
}
