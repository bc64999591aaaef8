use aiguilleur_testkit::App;
use serde_json::{Value, json};

fn codes(items: &Value) -> Vec<&str> {
    items.as_array().into_iter().flatten().filter_map(|item| item["code"].as_str()).collect()
}

#[tokio::test]
async fn every_key_of_the_contract_is_there() {
    let (app, _database) = App::national().await;
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.json();
    let expected = json!({
        "orientation_id": 0, "asked_at": 0, "directory": {"revision": 0, "age_s": 0},
        "procedure": {"slug": 0, "label": 0, "institution": {"slug": 0, "label": 0}, "urgency": 0, "verified": 0, "documents": 0,
            "steps": 0, "cost": 0, "delay": 0, "pitfalls": 0, "to_check": 0,
            "mandate": 0, "official_url": 0, "match": {"how": 0, "score": 0, "alternatives": 0}},
        "place": {"commune": {"code": 0, "name": 0, "departement": 0}, "location": {"lat": 0, "lon": 0}, "precision": 0, "notice": 0},
        "options": 0, "hotline": 0, "institution_channels": {"website": 0, "phone": 0, "desk": 0}, "referents": 0,
        "escalation": {"amicable": 0, "appeal": 0}, "also": 0, "other_needs": 0, "left_out": 0,
        "coverage": {"level": 0, "nearest_m": 0, "searched_m": 0},
    });
    has_keys(&answer, &expected, "");
    let option = json!({
        "rank": 0, "target": {"type": 0, "id": 0, "kind": 0, "name": 0, "address": 0, "location": 0, "phone": 0, "email": 0, "website": 0,
            "commune": {"code": 0, "name": 0}, "demonstration": 0},
        "distance_m": 0, "opening": {"status": 0, "until": 0, "next": 0, "comment": 0, "hours": 0}, "access": 0, "session": 0, "reasons": 0, "cautions": 0, "score": 0,
    });
    let options = answer["options"].as_array().unwrap();
    assert_eq!(options.len(), 5);
    for (shown, rank) in options.iter().zip(1..) {
        has_keys(shown, &option, "options");
        assert_eq!(shown["rank"], rank);
    }
    assert_eq!(answer["options"][0]["target"]["kind"], "france-services");
    assert_eq!(answer["coverage"]["level"], "local");
    assert!(answer["referents"].is_null());
}

fn has_keys(value: &Value, expected: &Value, path: &str) {
    for (key, inner) in expected.as_object().into_iter().flatten() {
        let found = value.get(key).unwrap_or_else(|| panic!("{path}/{key} is missing"));
        if inner.is_object() {
            has_keys(found, inner, &format!("{path}/{key}"));
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_communes_ccas() {
    let (app, _database) = App::national().await;
    // Bruz has no CCAS on record, its neighbours have one.
    let answer = app.get("/v1/orientations?procedure=domiciliation-ccas&commune=35047&limit=20").await;
    let answer = if answer.status == 200 {
        answer.json()
    } else {
        app.get("/v1/orientations?procedure=rsa&commune=35047&kinds=ccas-cias").await.json()
    };
    let options = answer["options"].as_array().unwrap();
    assert!(options.iter().all(|option| option["target"]["kind"] != "ccas-cias"), "{answer}");
    let stand_in = options.iter().find(|option| codes(&option["cautions"]).contains(&"ccas_unlisted")).unwrap();
    assert_eq!((stand_in["target"]["kind"].as_str(), stand_in["target"]["commune"]["code"].as_str()), (Some("mairie"), Some("35047")));
    assert!(stand_in["cautions"].to_string().contains("Aucun CCAS de Bruz"));

    let rennes = app.get("/v1/orientations?procedure=rsa&commune=35238&kinds=ccas-cias").await.json();
    let own = &rennes["options"][0];
    assert_eq!((own["target"]["kind"].as_str(), own["target"]["commune"]["code"].as_str()), (Some("ccas-cias"), Some("35238")));
    assert!(!codes(&own["cautions"]).contains(&"ccas_unlisted"));
}

#[tokio::test]
async fn residence_decides_who_is_competent() {
    let (app, _database) = App::national().await;
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35047&residence=35238&kinds=ccas-cias").await.json();
    assert_eq!(answer["options"][0]["target"]["commune"]["code"], "35238");
    assert_eq!(answer["place"]["residence"]["code"], "35238");
}

#[tokio::test]
async fn danger_comes_first() {
    let (app, _database) = App::national().await;
    let procedures = app.get("/v1/procedures?limit=100").await.json();
    let mut procedures = procedures["items"].as_array().unwrap().clone();
    assert_eq!(procedures.len(), 100);
    let next = app.get("/v1/procedures?limit=100&cursor=").await;
    assert_eq!(next.status, 422, "an empty cursor is no cursor");
    loop {
        let last = procedures.last().unwrap()["slug"].as_str().unwrap().to_owned();
        let page = app.get(&format!("/v1/procedures?limit=100&cursor={last}")).await.json();
        procedures.extend(page["items"].as_array().unwrap().iter().cloned());
        if page["next_cursor"].is_null() {
            break;
        }
    }
    let (mut dangers, mut others) = (0, 0);
    for procedure in procedures {
        let slug = procedure["slug"].as_str().unwrap();
        let answer = app.get(&format!("/v1/orientations?procedure={slug}&commune=35238")).await;
        assert_eq!(answer.status, 200, "{slug}");
        let answer = answer.json();
        let is_hotline = answer["options"][0]["target"]["type"] == "hotline";
        assert_eq!(is_hotline, procedure["safety"] == true, "{slug}");
        assert_eq!(answer["orientation_id"].is_null(), procedure["sensitive"] == true, "{slug}");
        assert!(!answer["options"].as_array().unwrap().is_empty(), "an answer is never empty: {slug}");
        if procedure["safety"] == true {
            assert_eq!(answer["options"][0]["target"]["phone"], answer["hotline"]["phone"]);
            dangers += 1;
        } else {
            others += 1;
        }
    }
    assert!(dangers >= 6 && others >= 193, "{dangers} and {others}");
}

#[tokio::test]
async fn a_link_and_a_body_ask_the_same() {
    let (app, _database) = App::national().await;
    let strip = |mut answer: Value| {
        for key in ["orientation_id", "asked_at"] {
            answer[key] = Value::Null;
        }
        answer["directory"]["age_s"] = Value::Null;
        answer
    };
    let at = "2026-11-24T10:00:00Z";
    let link = format!("/v1/orientations?procedure=rsa&lat=48.11&lon=-1.68&kinds=france-services,pimms&at={at}&wheelchair=true&limit=3");
    let body = json!({"procedure": "rsa", "lat": 48.11, "lon": -1.68, "kinds": ["france-services", "pimms"], "at": at, "wheelchair": true, "limit": 3});
    let by_body = app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&body)).await;
    assert_eq!(by_body.status, 200, "{}", by_body.text);
    assert_eq!(strip(app.get(&link).await.json()), strip(by_body.json()));
}

#[tokio::test]
async fn speaks_french_by_default_and_english_when_asked() {
    let (app, _database) = App::national().await;
    let path = "/v1/orientations?procedure=rsa&lat=48.11&lon=-1.68&at=2026-11-22T10:00:00Z";
    let french = app.get(path).await.json();
    let labels = french["options"][0]["reasons"].to_string();
    assert!(labels.contains("à vol d'oiseau"), "{labels}");
    let english = app.send(reqwest::Method::GET, path, &[("Accept-Language", "en-GB,fr;q=0.5")], None).await.json();
    assert!(english["options"][0]["reasons"].to_string().contains("as the crow flies"));
}

#[tokio::test]
async fn bad_questions_are_told_what_is_allowed() {
    let (app, _database) = App::national().await;
    for (query, status, parameter) in [
        ("commune=35238", 422, "procedure"),
        ("procedure=rsa", 422, "commune"),
        ("procedure=rsaa&commune=35238", 422, "procedure"),
        ("procedure=rsa&lat=48", 400, "lon"),
        ("procedure=rsa&lat=NaN&lon=1", 422, "lat"),
        ("procedure=rsa&lat=abc&lon=1", 400, "lat"),
        ("procedure=rsa&lat=46&lon=-8", 422, "lat"),
        ("procedure=rsa&commune=35238&lat=48&lon=-1.6", 422, "commune"),
        ("procedure=rsa&commune=35238&kinds=boulangerie", 422, "kinds"),
        ("procedure=rsa&commune=35238&mode=fax", 422, "mode"),
        ("procedure=rsa&commune=35238&limit=0", 422, "limit"),
        ("procedure=rsa&commune=35238&limit=21", 422, "limit"),
        ("procedure=rsa&commune=35238&wheelchair=oui", 422, "wheelchair"),
        ("procedure=rsa&commune=35238&at=demain", 400, "at"),
        ("procedure=acte-naissance&commune=35238&event_commune=Nantes", 422, "event_commune"),
        ("procedure=rsa&commune=35238&colour=red", 400, "colour"),
        ("procedure=rsa&procedure=apl&commune=35238", 400, "procedure"),
        ("q=allocs&procedure=rsa&commune=35238", 422, "q"),
        ("q=&commune=35238", 422, "q"),
        ("commune=35238", 422, "procedure"),
        ("procedure=rsa&address=1%20rue&commune=35238", 422, "commune"),
        ("procedure=rsa&address=1%20rue&lat=48.1&lon=-1.6", 422, "lat"),
        ("procedure=rsa&address=06%2012%2034%2056%2078", 422, "address"),
        ("procedure=rsa&address=%20", 422, "address"),
        ("procedure=%FF&commune=35238", 400, "procedure"),
    ] {
        let answer = app.get(&format!("/v1/orientations?{query}")).await;
        let problem = answer.json();
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
        assert!(problem["errors"].to_string().contains(parameter), "{query}: {}", answer.text);
        assert_eq!(problem["instance"], "/v1/orientations", "the path only");
    }
}

#[tokio::test]
async fn the_town_hall_of_the_event_has_the_act() {
    let (app, _database) = App::national().await;
    let unknown = app.get("/v1/orientations?procedure=acte-naissance&commune=35238").await.json();
    assert!(unknown["left_out"].as_array().unwrap().iter().any(|left| codes(&left["reasons"]) == ["event_commune_unknown"]));
    let hall_of = |answer: &Value| {
        let options = answer["options"].as_array().unwrap();
        let halls: Vec<_> = options.iter().filter(|option| option["target"]["kind"] == "mairie").cloned().collect();
        assert_eq!(halls.len(), 1, "{answer}");
        halls[0].clone()
    };
    let born_in_marseille = app.get("/v1/orientations?procedure=acte-naissance&commune=35238&event_commune=13215").await.json();
    let hall = hall_of(&born_in_marseille);
    assert_eq!(hall["target"]["commune"]["code"], "13055");
    assert!(codes(&hall["reasons"]).contains(&"competent_for_event") && codes(&hall["cautions"]).contains(&"far_but_competent"));
    assert!(hall["distance_m"].as_u64().unwrap() > 500_000);

    let body = json!({"procedure": "acte-mariage-deces", "commune": "35238", "event_commune": "75112"});
    let married_in_paris = app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&body)).await.json();
    let hall = hall_of(&married_in_paris);
    assert!(hall["target"]["name"].as_str().unwrap().contains("12"), "its own arrondissement: {hall}");
}

#[tokio::test]
async fn a_session_is_offered_with_its_own_hours() {
    let (app, _database) = App::national().await;
    // Liffré on a Wednesday morning.
    let at = "2026-11-25T09:00:00Z";
    let answer = app.get(&format!("/v1/orientations?procedure=rsa&commune=35152&kinds=guichet&at={at}")).await.json();
    let session = answer["options"].as_array().unwrap().iter().find(|option| option["session"]["institution"] == "caf").unwrap();
    assert_eq!((&session["target"]["kind"], &session["opening"]["status"]), (&json!("france-services"), &json!("open")), "{session}");
    assert_eq!((&session["access"], &session["opening"]["hours"]), (&json!("appointment"), &json!("We 09:00-12:00")));
    assert!(codes(&session["reasons"]).contains(&"session") && codes(&session["cautions"]).contains(&"demonstration"));
    let own = app.get(&format!("/v1/orientations?procedure=rsa&commune=35152&kinds=france-services&at={at}")).await.json();
    assert!(own["options"][0]["session"].is_null());
    assert!(own["left_out"].as_array().unwrap().iter().any(|left| codes(&left["reasons"]) == ["kind_not_asked"]), "{own}");
}

#[tokio::test]
async fn conditions_of_the_hours_are_told_and_are_no_opening() {
    let (app, _database) = App::national().await;
    let path = "/v1/orientations?procedure=defenseur-droits&commune=35238&at=2026-11-23T14:00:00Z&limit=20";
    let answer = app.get(path).await.json();
    let delegate = answer["options"].as_array().unwrap().iter().find(|option| option["session"]["kind"] == "delegue-defenseur-des-droits");
    let opening = &delegate.unwrap()["opening"];
    assert_eq!((&opening["status"], &opening["comment"]), (&json!("unknown"), &json!("sur rendez-vous")));
}

#[tokio::test]
async fn an_online_procedure_goes_with_help_with_computers() {
    let (app, _database) = App::national().await;
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    let also = answer["also"].as_array().unwrap();
    assert!((1..=2).contains(&also.len()), "{also:?}");
    let offered: Vec<&Value> = answer["options"].as_array().unwrap().iter().map(|option| &option["target"]["id"]).collect();
    for item in also {
        assert_eq!(item["code"], "digital_help");
        assert!(item["label"].as_str().unwrap().contains("en ligne") && item["target"]["type"] == "structure");
        assert!(!offered.contains(&&item["target"]["id"]));
    }
}

#[tokio::test]
async fn the_way_out_when_blocked_is_on_two_tracks() {
    let (app, _database) = App::national().await;
    let answer = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    assert_eq!(answer["escalation"], app.get("/v1/procedures/rsa").await.json()["escalation"], "told the same everywhere");
    let first = &answer["escalation"]["appeal"][0];
    for key in ["against", "label", "body", "deadline", "deadline_days", "deadline_hours", "from", "from_label", "compulsory", "effect"] {
        assert!(first.get(key).is_some(), "{key}");
    }
    assert_eq!(first["label"], "Président du conseil départemental : 2 mois à compter de la notification de la décision.");
    assert_eq!((first["deadline_days"].as_u64(), first["compulsory"].as_bool()), (Some(60), Some(true)));
    let steps = answer["escalation"]["amicable"].as_array().unwrap();
    let defender = steps.iter().find(|step| step["code"] == "delegue_defenseur_droits").unwrap();
    assert_eq!((defender["requires_prior_complaint"].as_bool(), defender["suspends_deadline"].as_bool()), (Some(true), Some(false)));
    assert!(defender["label"].as_str().unwrap().contains("n'arrête pas le délai"), "{defender}");

    let expelled = app.get("/v1/orientations?procedure=oqtf-recours&commune=35238").await.json();
    let stages = expelled["escalation"]["appeal"].as_array().unwrap();
    let hours = stages.iter().find(|stage| stage["against"]["slug"] == "retention").unwrap();
    assert_eq!(
        (hours["deadline"].as_str(), hours["deadline_hours"].as_u64(), hours["deadline_days"].as_u64()),
        (Some("PT48H"), Some(48), None)
    );
}

/// The answer to words said in Rennes.
async fn heard(app: &App, words: &str) -> Value {
    let body = json!({"q": words, "commune": "35238"});
    let answer = app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&body)).await;
    assert_eq!(answer.status, 200, "{words}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn words_lead_to_the_procedure() {
    let (app, _database) = App::national().await;
    let answer = heard(&app, "carte grise volée").await;
    assert_eq!(answer["procedure"]["slug"], "carte-grise-duplicata");
    assert_eq!(answer["procedure"]["match"]["how"], "words");
    assert!(answer["procedure"]["match"]["score"].as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)));
    assert!(!answer["procedure"]["documents"].as_array().unwrap().is_empty());
    for option in answer["options"].as_array().unwrap() {
        assert!(option["reasons"].as_array().unwrap().len() >= 2, "{option}");
    }
    for (words, slug) in [
        ("on m'a coupé les allocs", "allocations-familiales"),
        ("jarive pa a me conecté a ameli", "ameli-compte"),
        ("inscription ANPE", "inscription-france-travail"),
        ("<b>PASSEPORT</b> 🛂 périmé", "passeport"),
    ] {
        let answer = heard(&app, words).await;
        let found = answer["procedure"]["slug"].as_str().unwrap_or_default();
        assert!(found.contains(slug), "{words}: {found}");
    }
}

#[tokio::test]
async fn several_needs_are_heard_at_once() {
    let (app, _database) = App::national().await;
    let answer = heard(&app, "j'ai perdu ma carte vitale, et mon permis de conduire est expiré").await;
    let others: Vec<&str> = answer["other_needs"].as_array().unwrap().iter().filter_map(|need| need["slug"].as_str()).collect();
    assert_eq!(answer["procedure"]["slug"], "carte-vitale-commande", "{others:?}");
    assert_eq!(others, ["permis-conduire-renouvellement"]);
}

#[tokio::test]
async fn words_that_say_nothing_of_ours_match_nothing() {
    let (app, _database) = App::national().await;
    for words in ["recette de gâteau au chocolat", "qsdfghjklm", "😀😀😀", "مرحبا", "<script>alert(1)</script>", "bleu", "..."]
    {
        let answer = heard(&app, words).await;
        assert!(answer["procedure"].is_null(), "{words}: {}", answer["procedure"]["slug"]);
        assert!(!answer["options"].as_array().unwrap().is_empty(), "whoever helps with any procedure");
        assert_eq!(answer["escalation"], json!({"amicable": [], "appeal": []}));
    }
    let long = "carte grise ".repeat(420);
    let refused = app.send(reqwest::Method::POST, "/v1/orientations", &[], Some(&json!({"q": long, "commune": "35238"}))).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("1000 caractères au plus"), "{}", refused.text);
}

#[tokio::test]
async fn danger_heard_in_any_words_puts_its_line_first() {
    let (app, _database) = App::national().await;
    for (words, line) in [
        ("mon mari me frappe et je n'ai plus de rsa", "3919"),
        ("je suis surendettée, j'ai envie d'en finir, me suicider", "3114"),
        ("on dort dans la voiture ce soir avec les enfants", "115"),
        ("un élève est battu par son beau-père", "119"),
    ] {
        let answer = heard(&app, words).await;
        assert_eq!(answer["options"][0]["target"]["type"], "hotline", "{words}: {}", answer["procedure"]["slug"]);
        assert_eq!(answer["options"][0]["target"]["phone"], line, "{words}");
        assert_eq!(answer["hotline"]["phone"], line, "{words}");
    }
    let violence = app.get("/v1/orientations?procedure=violences-conjugales&commune=48095").await.json();
    assert_eq!(violence["options"][0]["target"]["phone"], "3919", "whatever is near");
}

#[tokio::test]
async fn an_order_to_leave_never_leads_to_the_prefecture() {
    let (app, _database) = App::national().await;
    let answer = app.get("/v1/orientations?procedure=oqtf-recours&commune=35238&limit=20").await.json();
    assert_ne!(answer["institution_channels"].to_string().to_lowercase().matches("prefecture").count(), 1);
    assert_ne!(answer["procedure"]["institution"]["slug"], "prefecture");
    for option in answer["options"].as_array().unwrap() {
        assert_ne!(option["target"]["kind"], "point-numerique-prefecture");
        assert_ne!(option["target"]["id"], "prefecture");
    }
    let appeals = answer["escalation"]["appeal"].as_array().unwrap();
    assert!(appeals.iter().any(|appeal| appeal["deadline_hours"] == 48), "{appeals:?}");
    assert!(appeals.iter().any(|appeal| appeal["deadline"] == "P7D"), "{appeals:?}");
    assert!(appeals.iter().any(|appeal| appeal["deadline"] == "P1M"), "{appeals:?}");
}
