use super::*;
use crate::stub::Stub;

const PATIENCE: Patience = Patience { total: Duration::from_millis(300), pause: Duration::from_millis(400) };

const RENNES: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.6794, 48.1147]},
     "properties": {"label": "12 Rue de l'Essai 35000 Rennes", "score": 0.6, "type": "municipality", "citycode": "35238"}},
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-1.68, 48.11, 30.0]},
     "properties": {"label": "12 Rue de l'Essai 35000 Rennes", "score": 0.97, "type": "housenumber", "citycode": "35238"}}]}"#;

fn geocoder(stub: &Stub) -> Geocoder {
    Geocoder::new(&stub.base.join("geocodage/").unwrap(), PATIENCE).unwrap()
}

fn calls(stub: &mut Stub) -> usize {
    std::iter::from_fn(|| stub.requests.try_recv().ok()).count()
}

#[tokio::test]
async fn gives_the_best_candidates_first_and_asks_once() {
    let mut stub = Stub::with_json(RENNES).await;
    let geocoder = geocoder(&stub);
    let found = geocoder.search("« 12, rue de l'Essai & fils, 35000 RENNES").await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].location, found[0].commune.as_str()), (Location { lat: 48.11, lon: -1.68 }, "35238"));
    assert_eq!((found[0].precision, found[1].precision), (Precision::Address, Precision::Commune));
    let request = stub.requests.recv().await.unwrap();
    let expected = "GET /geocodage/search?q=12%2C+rue+de+l%27Essai+%26+fils%2C+35000+RENNES&index=address&limit=5&autocomplete=0 HTTP/1.1";
    assert!(request.starts_with(expected), "{request}");
    assert_eq!(geocoder.search("12 Rue de l Essai et fils 35000 Rennes").await.unwrap().len(), 2);
    assert_eq!(geocoder.search("12 rue de l’essai ET fils, 35000 rennes").await.unwrap().len(), 2);
    assert_eq!(calls(&mut stub), 1, "the same words are remembered");
    assert!(!format!("{geocoder:?}").to_lowercase().contains("essai"));
}

#[tokio::test]
async fn an_address_may_end_in_search() {
    let mut stub = Stub::with_json(RENNES).await;
    let geocoder = Geocoder::new(&stub.base.join("geocodage/search").unwrap(), PATIENCE).unwrap();
    geocoder.search("Rennes").await.unwrap();
    assert!(stub.requests.recv().await.unwrap().starts_with("GET /geocodage/search?q=Rennes&"));
    assert!(matches!(Geocoder::new(&Url::parse("file:///tmp").unwrap(), PATIENCE), Err(OutboundError::Address { .. })));
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let mut stub = Stub::with_json(r#"{"type": "FeatureCollection", "features": []}"#).await;
    assert!(geocoder(&stub).search("nulle part").await.unwrap().is_empty());
    assert_eq!(calls(&mut stub), 1);
    let mut stub = Stub::with_status("400 Bad Request").await;
    let geocoder = geocoder(&stub);
    for words in ["première", "deuxième"] {
        assert!(geocoder.search(words).await.unwrap().is_empty(), "words it refuses don't make it away");
    }
    assert!(geocoder.search("« 1").await.unwrap().is_empty());
    assert_eq!(calls(&mut stub), 2, "too short to be asked");
}

#[tokio::test]
async fn whatever_is_no_answer_is_away() {
    let json = |json: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}", json.len());
    let feature = |coordinates: &str, score: &str, citycode: &str| {
        json(&format!(
            r#"{{"type": "FeatureCollection", "features": [{{"geometry": {{"coordinates": {coordinates}}},
                "properties": {{"score": {score}, "type": "street", "citycode": {citycode}}}}}]}}"#
        ))
    };
    let huge = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", " ".repeat(MAX_BYTES + 1));
    for (what, answer) in [
        ("html", json("<html><body>Maintenance</body></html>")),
        ("empty", json("")),
        ("another document", json(r#"{"type": "Topology", "features": []}"#)),
        ("no list", json(r#"{"type": "FeatureCollection"}"#)),
        ("NaN", feature("[NaN, 48.1]", "0.9", "\"35238\"")),
        ("endless", feature("[1e999, 48.1]", "0.9", "\"35238\"")),
        ("off the globe", feature("[-1.6, 148.1]", "0.9", "\"35238\"")),
        ("half a position", feature("[-1.6]", "0.9", "\"35238\"")),
        ("a score in words", feature("[-1.6, 48.1]", "\"NaN\"", "\"35238\"")),
        ("no commune", feature("[-1.6, 48.1]", "0.9", "null")),
        ("not a commune", feature("[-1.6, 48.1]", "0.9", "\"3523\"")),
        ("huge", huge),
        ("huge, announced", "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".to_owned()),
        ("cut short", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"type\"".to_owned()),
        ("hung up", String::new()),
        ("redirected", "HTTP/1.1 302 Found\r\nLocation: {base}ailleurs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()),
        ("500", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()),
        ("429", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()),
    ] {
        let mut stub = Stub::answering(Some(answer)).await;
        let geocoder = geocoder(&stub);
        let away = geocoder.search("12 rue de l'Essai").await.unwrap_err();
        assert_eq!(away.retry_after, PATIENCE.pause, "{what}");
        assert_eq!(calls(&mut stub), 1, "{what}: called once, no redirection followed");
    }
}

#[tokio::test]
async fn after_a_failure_nobody_waits_and_one_call_tries_again() {
    let mut stub = Stub::answering(None).await;
    let geocoder = Arc::new(geocoder(&stub));
    let ask = |number: usize| {
        let geocoder = geocoder.clone();
        tokio::spawn(async move { geocoder.search(&format!("{number} rue de l'Essai")).await })
    };
    // As many as one likes: a few calls, and nobody longer than the patience.
    let started = Instant::now();
    for asked in (0..50).map(ask).collect::<Vec<_>>() {
        asked.await.unwrap().unwrap_err();
    }
    assert!(started.elapsed() < PATIENCE.total + PATIENCE.pause / 2, "{:?}", started.elapsed());
    assert!(calls(&mut stub) <= AT_ONCE);
    let started = Instant::now();
    assert!(geocoder.search("13 rue de l'Essai").await.unwrap_err().retry_after <= PATIENCE.pause);
    assert!(started.elapsed() < Duration::from_millis(50), "at once");

    tokio::time::sleep(PATIENCE.pause).await;
    calls(&mut stub);
    let several: Vec<_> = (0..20).map(ask).collect();
    for asked in several {
        asked.await.unwrap().unwrap_err();
    }
    assert_eq!(calls(&mut stub), 1, "one tries for all");
}

#[tokio::test]
async fn comes_back_after_the_pause() {
    let stub = Stub::answering(None).await;
    let mut geocoder = geocoder(&stub);
    geocoder.search("12 rue de l'Essai").await.unwrap_err();
    let healed = Stub::with_json(RENNES).await;
    geocoder.search = healed.base.join("search").unwrap();
    geocoder.search("12 rue de l'Essai").await.unwrap_err();
    tokio::time::sleep(PATIENCE.pause).await;
    assert_eq!(geocoder.search("12 rue de l'Essai").await.unwrap().len(), 2);
    assert_eq!(geocoder.search("14 rue de l'Essai").await.unwrap().len(), 2, "and stays");
}
