//! How to reach a contact: shown under conditions, counted, never by whom.

use std::time::Duration;

use aiguilleur_testkit::mail::PostOffice;
use aiguilleur_testkit::{App, NATIONAL, TestDatabase, eventually};
use chrono::{Datelike, Days, Utc};
use chrono_tz::Europe::Paris;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{RENNES, accept_charter, contact, editor, send, text, told};

fn showing() -> Value {
    json!({"procedure": "rsa", "commune": RENNES, "reason": "complex_case"})
}

fn with(mut body: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn showings_of(contact: &Value) -> String {
    format!("/v1/referents/{}/showings", text(&contact["id"]))
}

#[tokio::test]
async fn a_contact_is_shown_to_who_agreed_and_prepared() {
    let (app, database) = App::national().await;
    let (editor, mediator) = (editor(&app, "caf-35", "35"), app.token("mediator", "agent-unforgettable", "ours"));
    let wanted = "La personne a déposé une réclamation écrite";
    let conditions = json!({"prerequisites": [wanted], "procedures": ["rsa"], "reasons": ["complex_case"], "weekly_cap": 50});
    let made = contact(&app, &editor, conditions).await;
    let path = showings_of(&made);
    let good = with(showing(), json!({"prerequisites": [wanted]}));
    let refused = app.post(&path, &mediator, &good).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].as_str()), (403, Some("/problems/charter-not-accepted")));
    assert_eq!(app.get_as("/v1/charter", &mediator).await.json()["accepted_on"], Value::Null);
    assert_eq!(app.post("/v1/charter/acceptances", &mediator, &json!({"version": 2})).await.status, 422);
    accept_charter(&app, &mediator).await;
    for (body, pointer) in [
        (showing(), "/prerequisites"),
        (with(good.clone(), json!({"prerequisites": ["oui"]})), "/prerequisites"),
        (with(good.clone(), json!({"procedure": "prime-activite"})), "/procedure"),
        (with(good.clone(), json!({"reason": "redirect"})), "/reason"),
        (with(good.clone(), json!({"commune": "75056"})), "/commune"),
    ] {
        let answer = app.post(&path, &mediator, &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{body}");
        assert!(!answer.text.contains("@caf.exemple.fr"));
    }
    let figures = app.get_as(&path, &editor).await.json();
    assert_eq!(figures["total"], 0, "what was refused isn't counted");
    let shown = app.post(&path, &mediator, &good).await;
    assert_eq!(shown.json()["channels"]["email"], "referents-35@caf.exemple.fr", "{}", shown.text);
    let figures = app.get_as(&path, &editor).await.json();
    let (total, item) = (&figures["total"], &figures["items"][0]);
    assert_eq!((total, &item["departement"], &item["procedure"]["slug"]), (&json!(1), &json!("35"), &json!("rsa")));
    assert_eq!(app.get_as(&path, &mediator).await.status, 403, "figures are for its keeper");
    // Twenty a day, whichever they are.
    for _ in 1..20 {
        assert_eq!(app.post(&path, &mediator, &good).await.status, 200);
    }
    let over = app.post(&path, &mediator, &good).await;
    assert_eq!(over.status, 429);
    assert!((1..=86_400 + 3_600).contains(&over.header("retry-after").parse::<u32>().unwrap()));
    assert_eq!(app.get_as(&path, &editor).await.json()["total"], 20);
    // By whom is kept nowhere.
    for table in ["referent", "referent_showing", "showing_allowance", "charter_acceptance", "audit_entry", "record_version"] {
        let rows = database.query(&format!("SELECT to_jsonb(t)::text FROM {table} t")).await;
        assert!(rows.iter().all(|row| !row.contains("agent-unforgettable")), "{table}: {rows:?}");
    }
}

#[tokio::test]
async fn what_is_handled_discreetly_is_counted_without_its_procedure() {
    let (app, _database) = App::national().await;
    let procedures = app.get("/v1/procedures?limit=100&institution=caf").await.json();
    let sensitive = procedures["items"].as_array().unwrap().iter().find(|item| item["sensitive"] == true).map(|item| item["slug"].clone());
    let all = app.get("/v1/procedures?limit=100").await.json();
    let any = all["items"].as_array().unwrap().iter().find(|item| item["sensitive"] == true).unwrap()["slug"].clone();
    let slug = sensitive.unwrap_or(any);
    let (editor, mediator) = (editor(&app, "caf-35", "35"), app.token("mediator", "agent-1", "ours"));
    accept_charter(&app, &mediator).await;
    let path = showings_of(&contact(&app, &editor, json!({})).await);
    assert_eq!(app.post(&path, &mediator, &with(showing(), json!({"procedure": slug}))).await.status, 200);
    assert_eq!(app.post(&path, &mediator, &with(showing(), json!({"procedure": slug}))).await.status, 200);
    let figures = app.get_as(&path, &editor).await.json();
    assert_eq!((&figures["items"][0]["procedure"], &figures["items"][0]["shown"]), (&Value::Null, &json!(2)));
}

#[tokio::test]
async fn sixty_four_askers_never_get_one_too_many() {
    let (here, database) = App::national().await;
    let there = App::on(&database, "demo");
    let editor = editor(&here, "caf-35", "35");
    let made = contact(&here, &editor, json!({"weekly_cap": 5})).await;
    let path = showings_of(&made);
    let nodes = [&here, &there];
    let mut askers = Vec::new();
    for number in 0..16 {
        let app = nodes[number % 2];
        let token = app.token("mediator", &format!("agent-{number}"), "ours");
        accept_charter(app, &token).await;
        askers.push((app, token));
    }
    let body = showing();
    let answers = join_all((0..64).map(|number| {
        let (app, token) = &askers[number % 16];
        app.post(&path, token, &body)
    }))
    .await;
    let shown = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(shown, 5, "{:?}", answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>());
    let full = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status.as_u16())));
    assert_eq!(full.json()["type"], "/problems/contact-unavailable");
    let today = Utc::now().with_timezone(&Paris).date_naive();
    let monday = today + Days::new(7 - u64::from(today.weekday().num_days_from_monday()));
    let counted = here.get_as(&path, &editor).await.json();
    assert_eq!(counted["total"], 5);
    // Answers give the reopening day and the next step, on the node that didn't show the last one too.
    for app in nodes {
        assert!(
            eventually(Duration::from_secs(5), async || told(app, &askers[usize::from(app.address == there.address)].1).await["available"]
                == 0)
            .await
        );
    }
    let referents = told(&here, &askers[0].1).await;
    let card = &referents["items"][0];
    assert_eq!((&referents["available"], &card["availability"], &card["ask"]), (&json!(0), &json!("full"), &Value::Null));
    assert_eq!(card["reopens_on"], json!(monday));
    assert!(referents["next_step"]["label"].is_string(), "{referents}");
    // Last week's are over.
    database.sql("UPDATE referent SET week = week - 7").await;
    assert_eq!(here.post(&path, &askers[0].1, &body).await.status, 200);
    // A lower cap counts at once.
    let contact = path.trim_end_matches("/showings");
    assert_eq!(send(&here, Method::PATCH, contact, &editor, Some("*"), Some(&json!({"weekly_cap": 1}))).await.status, 200);
    assert_eq!(here.post(&path, &askers[0].1, &body).await.status, 409);
}

#[tokio::test]
async fn a_relay_forwards_without_showing_the_address() {
    let (database, post) = (TestDatabase::clone_of(NATIONAL).await, PostOffice::open());
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_SMTP_URL", &post.url)]);
    let (editor, mediator) = (editor(&app, "caf-35", "35"), app.token("mediator", "agent-1", "ours"));
    accept_charter(&app, &mediator).await;
    let made = contact(&app, &editor, json!({"visibility": "relay", "weekly_cap": 1})).await;
    let path = format!("/v1/referents/{}/messages", text(&made["id"]));
    assert_eq!(told(&app, &mediator).await["items"][0]["ask"]["url"], json!(path));
    assert_eq!(app.post(&showings_of(&made), &mediator, &showing()).await.status, 409);
    let message =
        with(showing(), json!({"message": "Réclamation sans réponse depuis deux mois.", "reply_to": "Mediation@ours.exemple.fr"}));
    for (changes, pointer) in [
        (json!({"message": "son numéro 2 69 05 49 588 157 80"}), "/message"),
        (json!({"message": " "}), "/message"),
        (json!({"reply_to": "personne\r\nBcc: x@exemple.fr"}), "/reply_to"),
    ] {
        let answer = app.post(&path, &mediator, &with(message.clone(), changes)).await;
        assert_eq!((answer.status.as_u16(), answer.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{}", answer.text);
    }
    let sent = app.post(&path, &mediator, &message).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    assert!(!sent.text.contains('@'), "{}", sent.text);
    let letters = post.letters_to("referents-35@caf.exemple.fr");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reply_to.as_deref(), Some("mediation@ours.exemple.fr"));
    assert!(letters[0].text.contains("Réclamation sans réponse depuis deux mois."), "{}", letters[0].text);
    assert_eq!(app.post(&path, &mediator, &message).await.status, 409, "its week is full");
    assert_eq!(post.letters().len(), 1);
    // Neither the message nor the mediator's address is kept.
    let rows = database.query("SELECT to_jsonb(t)::text FROM outbox t").await;
    assert!(rows.is_empty());
    // Without a mail server nothing is counted.
    let mute = App::on(&database, "demo");
    let token = mute.token("mediator", "agent-1", "ours");
    let other = contact(&app, &editor, json!({"visibility": "relay"})).await;
    let path = format!("/v1/referents/{}/messages", text(&other["id"]));
    assert_eq!(mute.post(&path, &token, &message).await.status, 503);
    assert_eq!(app.get_as(&showings_of(&other), &editor).await.json()["total"], 0);
}

#[tokio::test]
async fn misuse_is_reported_and_dealt_with() {
    let (app, _database) = App::national().await;
    let (ours, theirs) = (editor(&app, "caf-35", "35"), editor(&app, "caf-29", "29"));
    let administrator = app.token("administrator", "admin", "installation");
    let made = contact(&app, &ours, json!({})).await;
    let path = format!("/v1/referents/{}/misuse-reports", text(&made["id"]));
    assert_eq!(app.post(&path, &ours, &json!({"reason": "other"})).await.status, 422);
    assert_eq!(app.post(&path, &theirs, &json!({"reason": "passed_on"})).await.status, 404);
    let reported = app.post(&path, &ours, &json!({"reason": "passed_on", "note": "Des particuliers appellent."})).await;
    assert_eq!(reported.status, 201, "{}", reported.text);
    let open = app.get_as("/v1/misuse-reports", &administrator).await.json();
    assert_eq!(open["items"].as_array().unwrap(), &[reported.json()]);
    assert_eq!(app.get_as("/v1/misuse-reports", &theirs).await.json()["items"], json!([]));
    let one = format!("/v1/misuse-reports/{}", text(&reported.json()["id"]));
    assert_eq!(send(&app, Method::PATCH, &one, &ours, None, Some(&json!({"settled": true}))).await.status, 403);
    assert_eq!(send(&app, Method::PATCH, &one, &administrator, None, Some(&json!({"settled": true}))).await.status, 200);
    assert_eq!(app.get_as("/v1/misuse-reports", &ours).await.json()["items"], json!([]));
    assert_eq!(app.get_as("/v1/misuse-reports?settled=true", &ours).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_code_to_paste_identifies_nobody() {
    let (app, _database) = App::national().await;
    let mediator = app.token("mediator", "agent-1", "ours");
    let body = json!({
        "procedure": "rsa", "commune": RENNES, "target": {"type": "institution", "id": "caf"}, "mode": "unblock", "person_ref": "dossier-1"
    });
    let made = app.post("/v1/referrals", &mediator, &body).await.json();
    let paste = text(&made["unblock"]);
    assert!(paste.contains(text(&made["code"])) && paste.contains("n'identifie personne"), "{paste}");
    assert!(!paste.contains("dossier-1") && !paste.contains(RENNES), "{paste}");
    let warm = app.post("/v1/referrals", &mediator, &with(body, json!({"mode": "warm"}))).await.json();
    assert_eq!(warm["unblock"], Value::Null);
}
