use std::collections::BTreeSet;

use aiguilleur_testkit::App;
use serde_json::Value;

async fn all(app: &App, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/structures?{query}{cursor}")).await.json();
        items.extend(page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged_each_once() {
    let (app, _database) = App::national().await;
    let around = all(&app, "lat=48.1147&lon=-1.6794&radius_m=15000&limit=7").await;
    let distances: Vec<u64> = around.iter().map(|item| item["distance_m"].as_u64().unwrap()).collect();
    assert!(distances.len() > 40 && distances.is_sorted() && *distances.last().unwrap() <= 15_000, "{distances:?}");
    assert_eq!(around.iter().map(|item| item["id"].to_string()).collect::<BTreeSet<_>>().len(), around.len());

    let town_halls = all(&app, "commune=35238&kinds=mairie&limit=100").await;
    assert!(town_halls.iter().any(|item| item["source"] == "town-halls"));
    let boxed = all(&app, "bbox=-1.72,48.09,-1.63,48.14&kinds=france-services,ccas-cias").await;
    assert!(!boxed.is_empty());
    let open = all(&app, "lat=48.1147&lon=-1.6794&open_at=2026-11-24T10:00:00Z&limit=100").await;
    assert!(!open.is_empty() && open.iter().all(|item| item["demonstration"] == true), "hours of unknown age are not open");
    assert_eq!(app.get("/v1/structures?open_at=2026-11-24T10:00:00Z&limit=1").await.header("cache-control"), "no-store");
    let named = all(&app, "q=france%20services%20villejean").await;
    assert_eq!(named.len(), 1);
}

#[tokio::test]
async fn streams_everything_and_draws_geojson() {
    let (app, _database) = App::national().await;
    let lines = app.get("/v1/structures.ndjson").await.text;
    let count = lines.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|item| item["id"].is_string())).count();
    assert!(count > 34_800, "{count}");
    let map = app.get("/v1/structures.geojson?commune=35238").await;
    assert_eq!(map.header("content-type"), "application/geo+json");
    let features = map.json()["features"].as_array().unwrap().clone();
    assert!(features.iter().all(|feature| feature["geometry"]["coordinates"][0].as_f64().unwrap() < 0.0), "longitude first");
}

#[tokio::test]
async fn a_closed_one_says_since_when() {
    let (app, database) = App::national().await;
    let id = app.get("/v1/structures?q=france%20services%20villejean").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    database
        .sql(&format!(
            "BEGIN; UPDATE structure SET closed_on = '2026-11-01' WHERE id = '{id}'; \
             UPDATE directory_state SET revision = revision + 1; \
             INSERT INTO directory_change SELECT revision, 'structure', '{id}' FROM directory_state; COMMIT"
        ))
        .await;
    let closed = aiguilleur_testkit::eventually(std::time::Duration::from_secs(3), || async {
        app.get(&format!("/v1/structures/{id}")).await.json()["closed_on"] == "2026-11-01"
    });
    assert!(closed.await, "followed without any notification, by polling");
    assert_eq!(app.get("/v1/structures?q=france%20services%20villejean").await.json()["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_structure_says_who_else_receives_people_there() {
    let (app, _database) = App::national().await;
    let list = app.get("/v1/structures?commune=35152&kinds=france-services").await.json();
    let id = list["items"][0]["id"].as_str().unwrap();
    let shown = app.get(&format!("/v1/structures/{id}")).await.json();
    let session = &shown["sessions"][0];
    assert_eq!((&session["kind"], &session["institution"], &session["places"]), (&"guichet".into(), &"caf".into(), &8.into()));
    assert_eq!(session["opening_hours"], "We 09:00-12:00");
    let for_the_delegate = all(&app, "procedure=defenseur-droits&commune=35238&limit=100").await;
    assert!(for_the_delegate.iter().any(|item| item["kind"] == "mairie" && !item["sessions"].as_array().unwrap().is_empty()));
}
