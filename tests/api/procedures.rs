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
    assert!(slugs.len() >= 199, "{}", slugs.len());
    assert_eq!(slugs.iter().collect::<BTreeSet<_>>().len(), slugs.len());
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
    assert_eq!(app.get("/v1/institutions?limit=100").await.json()["items"].as_array().unwrap().len(), 52);
}

#[tokio::test]
async fn directory_reads_are_tagged() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let first = app.get("/v1/procedures/rsa").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""));
    let revision = app.get("/v1/institutions/caf").await.header("etag").replace("-fr\"", "");
    assert!(tag.starts_with(&revision) && tag.contains("-20"), "what is to check depends on the day: {tag}");
    assert!(first.header("vary").contains("Accept-Language"));
    let again = app.send(reqwest::Method::GET, "/v1/procedures/rsa", &[("If-None-Match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let english = app.send(reqwest::Method::GET, "/v1/procedures/rsa", &[("If-None-Match", &tag), ("Accept-Language", "en")], None).await;
    assert_eq!(english.status, 200, "another language is another representation");
}

#[tokio::test]
async fn says_how_each_fact_is_known_and_what_to_check() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let rsa = app.get("/v1/procedures/rsa").await.json();
    for key in ["steps", "cost", "delay", "pitfalls", "doubt", "facts", "escalation"] {
        assert!(rsa.get(key).is_some(), "{key}");
    }
    let facts = rsa["facts"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["fact"] == "appeal" && fact["basis"] == "read"), "{rsa}");
    let today = chrono::Utc::now().date_naive().to_string();
    for fact in facts {
        match fact["check_by"].as_str() {
            // The day may just have changed between Paris and here.
            Some(limit) if limit != today => assert_eq!(fact["to_check"], limit < today.as_str(), "{fact}"),
            Some(_) => {}
            None => assert_eq!((fact["basis"].as_str(), fact["to_check"].as_bool()), (Some("memory"), Some(true)), "{fact}"),
        }
    }
}

#[tokio::test]
async fn an_appeal_that_nobody_verified_shows_no_time_limit() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let (mut verified, mut warned, mut without, mut cursor) = (0, 0, 0, String::new());
    loop {
        let page = app.get(&format!("/v1/procedures?limit=100{cursor}")).await.json();
        for procedure in page["items"].as_array().unwrap() {
            let slug = procedure["slug"].as_str().unwrap();
            let stages = procedure["escalation"]["appeal"].as_array().unwrap();
            let warnings: Vec<_> = stages.iter().filter(|stage| stage["verified"] == false).collect();
            assert!(warnings.len() <= 1, "{slug}: one warning for all");
            for stage in &warnings {
                for key in ["against", "body", "deadline", "deadline_days", "deadline_hours", "from", "compulsory", "effect", "law"] {
                    assert!(stage[key].is_null(), "{slug}: {key}");
                }
                assert!(stage["label"].as_str().unwrap().contains("point-justice (3039)"), "{slug}");
            }
            assert_eq!(stages.is_empty(), procedure["group"] == "numerique", "{slug}");
            let steps = procedure["escalation"]["amicable"].as_array().unwrap();
            assert!(steps.iter().zip(1..).all(|(step, number)| step["step"] == number && step["code"] != "referent"), "{slug}");
            verified += stages.len() - warnings.len();
            warned += warnings.len();
            without += usize::from(stages.is_empty());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(verified > 100 && warned > 50 && without > 3, "{verified} verified, {warned} warned, {without} without");
}
