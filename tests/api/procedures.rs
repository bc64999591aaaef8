use std::collections::BTreeSet;

use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};

#[tokio::test]
async fn pages_through_the_whole_catalogue_once() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let (mut slugs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/procedures?limit=70{cursor}")).await.json();
        slugs.extend(page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(slugs.len(), 199);
    assert_eq!(slugs.iter().collect::<BTreeSet<_>>().len(), 199);
}

#[tokio::test]
async fn shows_what_is_known_and_how() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let rsa = app.get("/v1/procedures/rsa").await.json();
    assert_eq!(rsa["institution"]["label"], "CAF");
    assert_eq!(rsa["verified"], true);
    assert!(rsa["documents"].as_array().is_some_and(|papers| !papers.is_empty()));
    let found = app.get("/v1/procedures?q=perdu%20papiers").await.json();
    assert_eq!(found["items"][0]["slug"], "carte-identite-perte-vol");
    assert_eq!(app.get("/v1/procedures/nothing").await.status, 404);
    assert_eq!(app.get("/v1/procedures?institution=anpe").await.status, 422);
    assert_eq!(app.get("/v1/institutions/caf").await.json()["label"], "CAF");
    assert_eq!(app.get("/v1/institutions?limit=100").await.json()["items"].as_array().unwrap().len(), 51);
}

#[tokio::test]
async fn directory_reads_are_tagged() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let first = app.get("/v1/procedures/rsa").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""));
    assert!(first.header("vary").contains("Accept-Language"));
    let again = app.send(reqwest::Method::GET, "/v1/procedures/rsa", &[("If-None-Match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let english = app.send(reqwest::Method::GET, "/v1/procedures/rsa", &[("If-None-Match", &tag), ("Accept-Language", "en")], None).await;
    assert_eq!(english.status, 200, "another language is another representation");
}
