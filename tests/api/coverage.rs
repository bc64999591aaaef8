use aiguilleur_testkit::App;
use serde_json::Value;

/// Every item, page by page.
async fn all(app: &App, query: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/stats/coverage?{query}&limit={limit}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        items.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn says_of_each_commune_what_an_orientation_says() {
    let (app, _database) = App::national().await;
    for procedure in ["rsa", "carte-identite-perte-vol", "permis-conduire-etranger"] {
        let items = all(&app, &format!("procedure={procedure}&level=commune&departement=35"), 100).await;
        assert_eq!(items.len(), 332, "the communes of Ille-et-Vilaine");
        let codes: Vec<&str> = items.iter().map(|item| item["code"].as_str().unwrap()).collect();
        assert!(codes.is_sorted());
        for item in items.iter().step_by(16).chain(items.iter().filter(|item| item["code"] == "35238")) {
            let code = item["code"].as_str().unwrap();
            for limit in [1, 20] {
                let heard = app.get(&format!("/v1/orientations?procedure={procedure}&commune={code}&limit={limit}")).await.json();
                assert_eq!(item["nearest_m"], heard["coverage"]["nearest_m"], "{procedure} {code}");
                assert_eq!(item["level"], heard["coverage"]["level"], "{procedure} {code}");
            }
            assert_eq!(item["within_20km"].as_u64().unwrap() > 0, item["level"] == "local", "{item}");
            assert!(item["population"].as_i64().is_some_and(|people| people > 0) && item["name"].is_string());
        }
    }
}

#[tokio::test]
async fn areas_are_named_and_add_up() {
    let (app, _database) = App::national().await;
    let departements = all(&app, "procedure=rsa&level=departement", 100).await;
    assert_eq!(departements.len(), 109);
    let ille = departements.iter().find(|item| item["code"] == "35").unwrap();
    assert_eq!((ille["name"].as_str(), ille["communes"].as_u64()), (Some("Ille-et-Vilaine"), Some(332)));
    let communes = all(&app, "procedure=rsa&level=commune&departement=35", 100).await;
    let people = |items: &[&Value]| items.iter().map(|item| item["population"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(ille["population"].as_i64().unwrap(), people(&communes.iter().collect::<Vec<_>>()));
    let without: Vec<&Value> = communes.iter().filter(|item| item["within_20km"] == 0).collect();
    assert_eq!(ille["population_without"].as_i64().unwrap(), people(&without));
    let share = 100.0 * ille["population_without"].as_f64().unwrap() / ille["population"].as_f64().unwrap();
    assert!((ille["share_without_pct"].as_f64().unwrap() - share).abs() <= 0.051);
    assert!(ille["median_nearest_m"].is_u64());

    let epcis = all(&app, "procedure=rsa&level=epci&departement=35", 7).await;
    let metropole = epcis.iter().find(|item| item["code"] == "243500139").unwrap();
    assert_eq!((metropole["name"].as_str(), metropole["communes"].as_u64()), (Some("Rennes Métropole"), Some(43)));
    let one = all(&app, "procedure=rsa&level=departement&departement=2A", 20).await;
    assert_eq!((one.len(), one[0]["code"].as_str()), (1, Some("2A")));
}

#[tokio::test]
async fn is_a_directory_read_and_refuses_what_it_cannot_tell() {
    let (app, _database) = App::national().await;
    let path = "/v1/stats/coverage?procedure=rsa&level=departement";
    let first = app.get(path).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(tag, app.get("/v1/institutions/caf").await.header("etag"), "the directory's revision");
    assert_eq!(app.send(reqwest::Method::GET, path, &[("If-None-Match", &tag)], None).await.status, 304);
    assert_eq!(app.get(path).await.text, first.text);
    for (query, status, parameter) in [
        ("level=commune", 422, "procedure"),
        ("procedure=rsa", 422, "level"),
        ("procedure=rsaa&level=commune", 422, "procedure"),
        ("procedure=rsa&level=region", 422, "level"),
        ("procedure=rsa&level=commune&departement=99", 422, "departement"),
        ("procedure=rsa&level=commune&limit=101", 422, "limit"),
        ("procedure=rsa&level=commune&cursor=%27", 400, "cursor"),
        ("procedure=rsa&level=commune&colour=red", 400, "colour"),
    ] {
        let answer = app.get(&format!("/v1/stats/coverage?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        assert!(answer.json()["errors"].to_string().contains(parameter), "{query}: {}", answer.text);
    }
}
