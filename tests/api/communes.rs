use aiguilleur_testkit::App;

#[tokio::test]
async fn are_found_by_name_postal_code_position_and_any_code() {
    let (app, _database) = App::national().await;
    let first = |answer: serde_json::Value| answer["items"][0]["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(first(app.get("/v1/communes?q=rennes").await.json()), "35238");
    assert_eq!(first(app.get("/v1/communes?q=saint%20etienne").await.json()), "42218");
    assert_eq!(first(app.get("/v1/communes?postal_code=35135").await.json()), "35055");
    assert_eq!(first(app.get("/v1/communes?lat=48.1147&lon=-1.6794").await.json()), "35238");
    assert_eq!(first(app.get("/v1/communes?lat=-20.8789&lon=55.4481").await.json()), "97411");

    let twelfth = app.get("/v1/communes/75112").await.json();
    assert_eq!((twelfth["code"].as_str(), twelfth["resolved_from"]["kind"].as_str()), (Some("75056"), Some("arrondissement")));
    let delegated = app.get("/v1/communes/49069").await.json();
    assert_eq!((delegated["code"].as_str(), delegated["resolved_from"]["code"].as_str()), (Some("49126"), Some("49069")));
    let rennes = app.get("/v1/communes/35238").await.json();
    assert_eq!(
        (rennes["epci"].as_str(), rennes["region"].as_str(), rennes["time_zone"].as_str()),
        (Some("243500139"), Some("53"), Some("Europe/Paris"))
    );
    assert!(rennes["resolved_from"].is_null());
}

#[tokio::test]
async fn what_does_not_exist_gives_the_nearest_spellings() {
    let (app, _database) = App::national().await;
    let unknown = app.get("/v1/communes/35999").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["detail"].as_str().unwrap().contains("35"), "{}", unknown.text);
    assert_eq!(app.get(&format!("/v1/communes/{}", "a".repeat(7_000))).await.status, 404);
    let misspelt = app.get("/v1/orientations?procedure=rsa&commune=Renes").await.json();
    let allowed: Vec<&str> = misspelt["errors"][0]["allowed"].as_array().unwrap().iter().filter_map(|value| value.as_str()).collect();
    assert!(allowed.contains(&"35238 (Rennes)"), "{allowed:?}");
    assert_eq!(app.get("/v1/communes?lat=46&lon=-8").await.json()["items"].as_array().unwrap().len(), 0, "at sea");
    assert_eq!(app.get("/v1/communes?lat=46").await.status, 400);
    assert_eq!(app.get("/v1/communes?lat=46&lon=inf").await.status, 422);
}
