use aiguilleur_testkit::App;
use chrono::{Duration, Utc};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

fn referral() -> Value {
    json!({"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"})
}

fn with(changes: Value) -> Value {
    let mut body = referral();
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

async fn post_with_key(app: &App, token: &str, key: &str, body: &Value) -> aiguilleur_testkit::Answer {
    let authorization = format!("Bearer {token}");
    app.send(Method::POST, "/v1/referrals", &[("Authorization", &authorization), ("Idempotency-Key", key)], Some(body)).await
}

#[tokio::test]
async fn are_created_read_listed_and_closed_by_a_report() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ccas-rennes");
    let option = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    let body = with(json!({
        "target": {"type": "structure", "id": option["options"][0]["target"]["id"]}, "mode": "warm", "rank": 1,
        "orientation_id": option["orientation_id"], "moment": "reception", "help_kinds": ["account", "form"], "setting": "individual",
        "repeat": "none", "constraints": ["distance"], "minutes_spent": 12, "person_ref": "dossier-812",
    }));
    let created = app.post("/v1/referrals", &token, &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let referral = created.json();
    assert_eq!(created.header("location"), format!("/v1/referrals/{}", referral["id"].as_str().unwrap()));
    assert_eq!((referral["status"].as_str(), referral["handoffs"][0]["target"]["kind"].as_str()), (Some("sent"), Some("france-services")));
    assert_eq!(referral["code"].as_str().unwrap().len(), 10);
    assert!(referral["follow_up_due_at"].is_string());
    assert_eq!(app.get_as(created.header("location"), &token).await.json(), referral, "what was answered is what is on record");

    let outcomes = format!("{}/outcomes", created.header("location"));
    for outcome in ["unknown", "resolved"] {
        assert_eq!(app.post(&outcomes, &token, &json!({"outcome": outcome})).await.status, 201);
    }
    let closed = app.get_as(created.header("location"), &token).await.json();
    let told: Vec<&str> = closed["outcomes"].as_array().unwrap().iter().map(|report| report["outcome"].as_str().unwrap()).collect();
    assert_eq!((told, closed["closed"].as_bool()), (vec!["unknown", "resolved"], Some(true)));
    let listed = app.get_as("/v1/referrals?outcome=resolved&status=sent&procedure=rsa", &token).await.json();
    assert_eq!(listed["items"][0]["id"], referral["id"]);
    assert_eq!(app.get_as("/v1/referrals?outcome=unresolved", &token).await.json()["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn belong_to_their_organisation() {
    let (app, _database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let theirs = app.token("mediator", "agent-1", "theirs");
    let created = app.post("/v1/referrals", &ours, &referral()).await;
    let location = created.header("location");
    assert_eq!(app.get_as(location, &theirs).await.status, 404);
    assert_eq!(app.post(&format!("{location}/outcomes"), &theirs, &json!({"outcome": "resolved"})).await.status, 404);
    assert_eq!(app.post("/v1/referrals", &theirs, &referral()).await.status, 201);
    assert_eq!(app.get_as("/v1/referrals", &theirs).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.get(location).await.status, 401);
}

#[tokio::test]
async fn one_key_records_once_even_in_parallel() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = referral();
    let answers = join_all((0..16).map(|_| post_with_key(&app, &token, "key-1", &body))).await;
    let first = answers[0].json();
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), answer.json()["id"].clone()), (201, first["id"].clone()), "{}", answer.text);
    }
    assert_eq!(post_with_key(&app, &token, "key-1", &with(json!({"mode": "warm"}))).await.status, 409);
    let other_subject = app.token("mediator", "agent-2", "ours");
    assert_ne!(post_with_key(&app, &other_subject, "key-1", &body).await.json()["id"], first["id"], "a key belongs to its subject");
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn many_at_once_are_each_recorded_once_for_their_own() {
    let (app, _database) = App::national().await;
    let slugs = ["ours", "theirs", "others"];
    let tokens = slugs.map(|slug| app.token("mediator", "agent-1", slug));
    let stranger = app.token("institution_editor", "agent-1", "ours");
    let posts = (0..240).map(|number| {
        let (app, token) = (&app, if number % 8 == 7 { &stranger } else { &tokens[number % 3] });
        async move {
            let body = with(json!({"person_ref": format!("dossier-{number}")}));
            // One in two without a key; of the others, each key comes from three requests that differ, of which one wins.
            let answer = match number % 2 {
                0 => app.post("/v1/referrals", token, &body).await,
                _ => post_with_key(app, token, &format!("key-{}", number / 18), &body).await,
            };
            (number, answer)
        }
    });
    let mut promised = [const { std::collections::BTreeMap::new() }; 3];
    for (number, answer) in join_all(posts).await {
        match answer.status.as_u16() {
            201 => {
                let referral = answer.json();
                let twice = promised[number % 3].insert(referral["id"].to_string(), referral.clone());
                assert_eq!((twice, &referral["person_ref"]), (None, &json!(format!("dossier-{number}"))));
            }
            409 => assert!(number % 2 == 1, "{}", answer.text),
            status => assert_eq!((status, number % 8), (403, 7), "{}", answer.text),
        }
    }
    for (promised, token) in promised.into_iter().zip(&tokens) {
        let listed = app.get_as("/v1/referrals?limit=100", token).await.json();
        let listed: std::collections::BTreeMap<String, Value> =
            listed["items"].as_array().unwrap().iter().map(|item| (item["id"].to_string(), item.clone())).collect();
        assert_eq!(listed, promised, "all that was promised, and nothing else");
        assert!(listed.len() > 40, "{}", listed.len());
    }
}

#[tokio::test]
async fn a_key_is_forgotten_in_time() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    assert_eq!(post_with_key(&app, &token, "key-1", &referral()).await.status, 201);
    database.sql("UPDATE idempotency SET kept_until = current_date - 1").await;
    let _another_node = App::on(&database, "demo");
    let forgotten = aiguilleur_testkit::eventually(std::time::Duration::from_secs(5), || async {
        post_with_key(&app, &token, "key-1", &with(json!({"mode": "warm"}))).await.status == 201
    });
    assert!(forgotten.await);
}

#[tokio::test]
async fn a_batch_records_what_is_right_and_says_what_is_not() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = json!({"items": [referral(), with(json!({"commune": "99999"})), referral()]});
    let answer = app.post("/v1/referrals/batch", &token, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json()["items"].clone();
    let statuses: Vec<u64> = items.as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 201]);
    assert_eq!(items[1]["problem"]["errors"][0]["pointer"], "/commune");
    let too_many = json!({"items": vec![referral(); 101]});
    assert_eq!(app.post("/v1/referrals/batch", &token, &too_many).await.status, 422);
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_key_is_for_one_batch() {
    let (app, _database) = App::national().await;
    let authorization = format!("Bearer {}", app.token("mediator", "agent-1", "ours"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "batch-1")];
    let post = async |items: Value| app.send(Method::POST, "/v1/referrals/batch", &headers, Some(&json!({"items": items}))).await;
    let (one, other) = (referral(), with(json!({"mode": "warm"})));
    let first = post(json!([one, other])).await;
    assert_eq!(post(json!([one, other])).await.json(), first.json(), "the first answer again");
    for different in [json!([one]), json!([one, other, one]), json!([other, one])] {
        assert_eq!(post(different).await.status, 409);
    }
    let token = app.token("mediator", "agent-1", "ours");
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 2);

    // A batch of which only the second was recorded, corrected and sent again under the same key: none of it is.
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "batch-2")];
    let post = async |items: Value| app.send(Method::POST, "/v1/referrals/batch", &headers, Some(&json!({"items": items}))).await;
    assert_eq!(post(json!([with(json!({"commune": "99999"})), one])).await.status, 200);
    assert_eq!(post(json!([one, one])).await.status, 409);
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn pages_give_each_once() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let body = json!({"items": vec![referral(); 45]});
    app.post("/v1/referrals/batch", &token, &body).await;
    let (mut ids, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    for _ in 0..5 {
        let page = app.get_as(&format!("/v1/referrals?limit=10{cursor}"), &token).await.json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    assert_eq!((ids.len(), cursor.as_str()), (45, ""));
}

#[tokio::test]
async fn a_sensitive_one_keeps_departement_and_month_only() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let procedures = app.get("/v1/procedures?limit=100").await.json();
    let sensitive = procedures["items"].as_array().unwrap().iter().find(|item| item["sensitive"] == true).unwrap()["slug"].clone();
    let body = with(json!({"procedure": sensitive, "orientation_id": uuid::Uuid::new_v4()}));
    let created = post_with_key(&app, &token, "sensitive-1", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let referral = created.json();
    for key in ["commune", "orientation_id", "follow_up_due_at"] {
        assert!(referral[key].is_null(), "{key}");
    }
    assert_eq!(referral["departement"], "35");
    let month = format!("{}-01T00:00:00Z", Utc::now().format("%Y-%m"));
    for instant in [&referral["occurred_at"], &referral["created_at"], &referral["handoffs"][0]["created_at"]] {
        assert_eq!(*instant, json!(month));
    }
    // Not even as a digest, which 35,000 trials would undo: another commune looks the same.
    let elsewhere = with(json!({"procedure": sensitive, "commune": "35051"}));
    assert_eq!(post_with_key(&app, &token, "sensitive-1", &elsewhere).await.json()["id"], referral["id"]);
    // Nor behind the answer.
    database
        .sql(
            "DO $$ BEGIN IF EXISTS (SELECT FROM referral r JOIN handoff_event e ON e.referral_id = r.id WHERE r.commune IS NOT NULL \
             OR r.epci IS NOT NULL OR e.at <> date_trunc('month', e.at, 'UTC')) OR EXISTS (SELECT FROM idempotency WHERE extract(day FROM kept_until) <> 1) THEN RAISE EXCEPTION 'too much is kept'; END IF; END $$",
        )
        .await;
}

#[tokio::test]
async fn what_would_name_the_person_is_refused() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    for (field, text) in [
        ("person_ref", "2690549588157"),
        ("note", "rappeler au 06 12 34 56 78"),
        ("note", "écrire à quelqu.un@exemple.fr"),
        ("person_ref", "allocataire 1234567"),
    ] {
        let answer = app.post("/v1/referrals", &token, &with(json!({field: text}))).await;
        assert_eq!(answer.status, 422, "{text}");
        assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{field}"));
        assert!(!answer.text.contains(text), "it is not said again");
    }
    let noted = app.post("/v1/referrals", &token, &with(json!({"note": "revient jeudi"}))).await;
    assert_eq!((noted.status.as_u16(), noted.json()["note"].clone()), (201, Value::Null), "notes are off by default");
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bad_ones_are_refused_and_leave_nothing() {
    let (app, _database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let late = (Utc::now() - Duration::days(8)).to_rfc3339();
    let ahead = (Utc::now() + Duration::days(1)).to_rfc3339();
    for (body, status, pointer) in [
        (json!({}), 422, "/procedure"),
        (json!([]), 400, ""),
        (with(json!({"procedure": "rsaa"})), 422, "/procedure"),
        (with(json!({"commune": "99999"})), 422, "/commune"),
        (with(json!({"target": {"type": "structure", "id": uuid::Uuid::new_v4()}})), 422, "/target/id"),
        (with(json!({"target": {"type": "hotline", "id": "12"}})), 422, "/target/id"),
        (with(json!({"target": "caf"})), 400, "/target"),
        (with(json!({"mode": "fax"})), 422, "/mode"),
        (with(json!({"mode": 3})), 400, "/mode"),
        (with(json!({"colour": "red"})), 400, "/colour"),
        (with(json!({"minutes_spent": -1})), 422, "/minutes_spent"),
        (with(json!({"minutes_spent": 1.5})), 422, "/minutes_spent"),
        (with(json!({"minutes_spent": "12"})), 400, "/minutes_spent"),
        (with(json!({"occurred_at": late})), 422, "/occurred_at"),
        (with(json!({"occurred_at": ahead})), 422, "/occurred_at"),
        (with(json!({"help_kinds": ["magic"]})), 422, "/help_kinds"),
        (with(json!({"person_ref": "\u{0}"})), 422, "/person_ref"),
    ] {
        let answer = app.post("/v1/referrals", &token, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(answer.text.contains(pointer), "{body}: {}", answer.text);
    }
    let huge = json!({"note": "x".repeat(10_000_000)});
    assert_eq!(app.post("/v1/referrals", &token, &huge).await.status, 413);
    let authorization = format!("Bearer {token}");
    let untyped = app.send(Method::POST, "/v1/referrals", &[("Authorization", &authorization)], None).await;
    assert_eq!(untyped.status, 415);
    assert_eq!(app.get_as("/v1/referrals", &token).await.json()["items"].as_array().unwrap().len(), 0);
}
