use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};

#[tokio::test]
async fn says_how_it_is_and_what_it_speaks() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    assert_eq!(app.get("/health/live").await.text, "ok");
    let ready = app.get("/health/ready").await.json();
    assert_eq!((ready["status"].as_str(), ready["database"].as_str()), (Some("ready"), Some("available")));
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("directory_revision") && metrics.contains("http_request_duration_seconds"), "{metrics}");
    let docs = app.get("/docs/").await;
    assert!(docs.text.contains("swagger-ui"));
    assert!(!docs.text.contains("https://"), "nothing from elsewhere");
    for page in ["/", "/problems", "/problems/invalid-value"] {
        let answer = app.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{page}");
    }
    assert!(!app.get("/health/live").await.header("x-request-id").is_empty());
}

#[tokio::test]
async fn without_communes_a_place_is_not_found_and_says_so() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await;
    assert_eq!(answer.status, 422);
    assert_eq!(app.get("/v1/communes").await.json()["items"].as_array().map(Vec::len), Some(0));
    assert_eq!(app.get("/v1/procedures?limit=1").await.json()["items"].as_array().map(Vec::len), Some(1));
}
