use std::time::{Duration, Instant};

use aiguilleur_testkit::{App, NATIONAL, Stub, TestDatabase, eventually};
use serde_json::{Value, json};

const ADDRESS: &str = "12%20rue%20de%20l%27Essai%2035000%20Rennes";
/// The same, in a commune that nothing in the words tells.
const NO_COMMUNE: &str = "12%20rue%20de%20l%27Essai";

/// A geocoder's answer with one place.
fn place(kind: &str, citycode: &str, lat: f64, lon: f64, score: f64) -> String {
    let body = json!({"type": "FeatureCollection", "features": [{
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"label": "12 Rue de l'Essai", "score": score, "type": kind, "citycode": citycode, "city": "Rennes"},
    }]});
    Stub::http("200 OK", &body.to_string())
}

async fn start(answer: Option<&str>, log: &str) -> (App, Stub, TestDatabase) {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let stub = Stub::answering(answer).await;
    let url = format!("{}/geocodage/", stub.url);
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_GEOCODER_URL", &url), ("RUST_LOG", log)]);
    (app, stub, database)
}

fn question(address: &str) -> String {
    format!("/v1/orientations?procedure=rsa&address={address}")
}

fn notice(answer: &Value) -> Option<&str> {
    answer["place"]["notice"]["code"].as_str()
}

#[tokio::test]
async fn an_address_is_located_to_the_house_or_to_the_commune() {
    let (app, stub, _database) = start(Some(&place("housenumber", "35238", 48.1045, -1.6801, 0.97)), "warn").await;
    let answer = app.get(&question(ADDRESS)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(answer["place"]["precision"], "address");
    assert_eq!(answer["place"]["location"], json!({"lat": 48.1045, "lon": -1.6801}));
    assert_eq!(answer["place"]["commune"]["code"], "35238");
    assert!(answer["place"]["notice"].is_null() && answer["place"].as_object().unwrap().contains_key("notice"));
    let by_body = json!({"procedure": "rsa", "address": "12 rue de l'Essai, 35000 RENNES"});
    let by_body = app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&by_body)).await.json();
    assert_eq!(by_body["place"], answer["place"]);
    let requests = stub.requests();
    assert_eq!(requests.len(), 1, "remembered for a while");
    assert!(requests[0].starts_with("GET /geocodage/search?q=12+rue+de+l%27Essai+35000+Rennes&index=address&limit="), "{}", requests[0]);
    assert!(!requests[0].contains("rsa"), "the procedure is nobody else's business");

    stub.answer(Some(&place("municipality", "35238", 48.1, -1.7, 0.9)));
    let commune = app.get(&question("Rennes")).await.json();
    let by_code = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    assert_eq!(commune["place"], by_code["place"], "a commune's centre is ours");
    stub.answer(Some(&place("locality", "75112", 48.84, 2.39, 0.9)));
    let twelfth = app.get(&question("Bercy")).await.json();
    assert_eq!((twelfth["place"]["commune"]["code"].as_str(), twelfth["place"]["precision"].as_str()), (Some("75056"), Some("commune")));
    assert_eq!(twelfth["place"]["resolved_from"]["code"], "75112");
}

#[tokio::test]
async fn a_geocoder_that_fails_or_lies_degrades_clearly() {
    let (huge, nan) = (
        "x".repeat(2_000_000),
        Stub::http("200 OK", r#"{"type": "FeatureCollection", "features": [{"geometry": {"coordinates": [NaN, 48]}}]}"#),
    );
    for (what, answer) in [
        ("at sea", place("housenumber", "35238", 46.0, -8.0, 0.97)),
        ("in another commune", place("housenumber", "35238", 48.39, -4.49, 0.97)),
        ("nowhere", place("housenumber", "35238", 0.0, 0.0, 0.97)),
        ("no such commune", place("housenumber", "99999", 48.1045, -1.6801, 0.97)),
        ("not a number", nan),
        ("html", Stub::http("200 OK", "<html>Maintenance</html>")),
        ("500", Stub::http("500 Internal Server Error", "")),
        ("empty", Stub::http("200 OK", "")),
        ("huge", Stub::http("200 OK", &huge)),
        ("redirected", "HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("hung up", String::new()),
    ] {
        let (app, stub, _database) = start(Some(&answer), "warn").await;
        let degraded = app.get(&question(ADDRESS)).await;
        assert_eq!(degraded.status, 200, "{what}: {}", degraded.text);
        let degraded = degraded.json();
        assert_eq!((notice(&degraded), degraded["place"]["precision"].as_str()), (Some("address_not_located"), Some("commune")), "{what}");
        assert_eq!(degraded["place"]["commune"]["code"], "35238", "{what}");
        assert!(degraded["place"]["notice"]["label"].as_str().is_some_and(|label| label.contains("commune")), "{what}");
        let refused = app.get(&question(NO_COMMUNE)).await;
        assert_eq!((refused.status.as_u16(), refused.header("content-type")), (503, "application/problem+json"), "{what}");
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{what}");
        assert!(refused.text.contains("commune") && refused.text.contains("lat"), "{what}: {}", refused.text);
        assert!(stub.requests().len() <= 2, "{what}");
    }
}

#[tokio::test]
async fn nothing_found_is_said_with_what_to_do() {
    let (app, stub, _database) = start(Some(&Stub::http("200 OK", r#"{"type": "FeatureCollection", "features": []}"#)), "warn").await;
    for (answer, address) in [(None, ADDRESS), (Some(place("street", "35238", 48.11, -1.68, 0.3)), NO_COMMUNE)] {
        if let Some(answer) = answer {
            stub.answer(Some(&answer));
        }
        let unknown = app.get(&question(address)).await;
        assert_eq!(unknown.status, 422, "{}", unknown.text);
        let problem = unknown.json();
        assert_eq!(problem["errors"][0]["parameter"], "address");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("commune") && detail.contains("lat")), "{problem}");
    }
    // Nothing is sent to the geocoder for a question in which something else is wrong.
    let asked = stub.requests().len();
    assert_eq!(app.get(&format!("{}&limit=0", question("3%20rue%20Autre"))).await.status, 422);
    assert_eq!(stub.requests().len(), asked);
}

#[tokio::test]
async fn a_geocoder_that_hangs_holds_nobody_and_is_asked_again_later() {
    let (app, stub, _database) = start(None, "warn").await;
    let ask = |number: u32| format!("/v1/orientations?procedure=rsa&address={number}%20rue%20de%20l%27Essai%2035000%20Rennes");
    let started = Instant::now();
    let paths: Vec<String> = (0..40).map(ask).collect();
    let answers = futures_util::future::join_all(paths.iter().map(|path| app.get(path))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && notice(&answer.json()) == Some("address_not_located")));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(stub.requests().len() <= 4, "a few at once");

    let started = Instant::now();
    assert_eq!(notice(&app.get(&ask(41)).await.json()), Some("address_not_located"));
    assert_eq!(app.get("/v1/orientations?procedure=rsa&commune=35238").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(1), "nobody waits for what is known to be away: {:?}", started.elapsed());

    stub.answer(Some(&place("housenumber", "35238", 48.1045, -1.6801, 0.97)));
    let back = eventually(Duration::from_secs(20), || async { notice(&app.get(&ask(42)).await.json()).is_none() });
    assert!(back.await, "it is tried again");
}

#[tokio::test]
async fn without_a_geocoder_a_commune_in_the_words_is_enough() {
    let (app, _database) = App::national().await;
    for (address, code) in
        [(ADDRESS, "35238"), ("35510%20Cesson-S%C3%A9vign%C3%A9", "35051"), ("1%20place%20de%20la%20Mairie%2C%20Bruz", "35047")]
    {
        let answer = app.get(&question(address)).await;
        assert_eq!(answer.json()["place"]["commune"]["code"], code, "{}", answer.text);
        assert_eq!(notice(&answer.json()), Some("address_not_located"));
    }
    for address in [NO_COMMUNE, "12%20rue%20de%20Rennes"] {
        assert_eq!(app.get(&question(address)).await.status, 503);
    }
    let english = app.send(reqwest::Method::GET, &question(ADDRESS), &[("Accept-Language", "en")], None).await.json();
    assert!(english["place"]["notice"]["label"].as_str().unwrap().contains("could not be located"));
}

/// Whatever the level, whatever happens: no words, no position, neither from the query nor from an error of a library.
#[tokio::test]
async fn addresses_and_positions_are_never_logged() {
    let (app, stub, _database) = start(Some(&place("housenumber", "35238", 48.104_512, -1.680_134, 0.97)), "trace").await;
    let ask = async |number: u32| {
        let link = app.get(&format!("/v1/orientations?procedure=rsa&address={number}%20rue%20Zyxwvut%2035000%20Rennes")).await;
        let body = json!({"procedure": "rsa", "address": format!("{number} bis rue Zyxwvut")});
        app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&body)).await;
        link.status.as_u16()
    };
    assert_eq!(ask(1).await, 200);
    let echo = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/?q=rue+Zyxwvut\r\nX-Echo: rue Zyxwvut\r\nContent-Length: 0\r\n\r\n";
    stub.answer(Some(echo));
    ask(2).await;
    assert!(app.log().contains("geocoder is away"), "what happened is told");
    stub.answer(Some(&Stub::http(
        "200 OK",
        r#"{"type": "FeatureCollection", "features": [{"geometry": {"coordinates": ["rue Zyxwvut"]}}]}"#,
    )));
    tokio::time::sleep(Duration::from_secs(11)).await;
    ask(3).await;
    let log = app.log();
    let told: Vec<&str> =
        log.lines().filter(|line| ["yxwvut", "48.1045", "1.6801", "79,78,77"].iter().any(|secret| line.contains(secret))).collect();
    assert!(told.is_empty(), "{told:#?}");
}
