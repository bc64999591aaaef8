//! Contacts as their institution keeps them, and who is told of which.

use std::time::Duration;

use aiguilleur_testkit::mail::PostOffice;
use aiguilleur_testkit::{App, NATIONAL, TestDatabase, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RENNES, contact, contact_with, editor, send, text, told};

fn functions(referents: &Value) -> Vec<&str> {
    referents["items"].as_array().unwrap().iter().map(|item| text(&item["function"])).collect()
}

#[tokio::test]
async fn a_change_is_told_on_every_node() {
    let (here, database) = App::national().await;
    let there = App::on(&database, "demo");
    let (editor, mediator) = (editor(&here, "caf-35", "35"), here.token("mediator", "agent-1", "ours"));
    let elsewhere = there.token("mediator", "agent-1", "ours");
    assert_eq!(told(&there, &elsewhere).await, json!({"available": 0, "items": [], "next_step": null, "charter": "/v1/charter"}));
    let made = contact(&here, &editor, json!({})).await;
    let path = format!("/v1/referents/{}", text(&made["id"]));
    assert_eq!(functions(&told(&here, &mediator).await), ["Référente partenaires"], "at once where it was done");
    let soon = Duration::from_secs(5);
    assert!(eventually(soon, async || told(&there, &elsewhere).await["available"] == 1).await);
    let changed = send(&here, Method::PATCH, &path, &editor, Some("*"), Some(&json!({"function": "Cellule partenaires"}))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(eventually(soon, async || functions(&told(&there, &elsewhere).await) == ["Cellule partenaires"]).await);
    let answer = there.get_as(&format!("/v1/orientations?procedure=rsa&commune={RENNES}"), &elsewhere).await.json();
    let steps: Vec<&str> = answer["escalation"]["amicable"].as_array().unwrap().iter().map(|step| text(&step["code"])).collect();
    assert!(steps.contains(&"referent"), "{steps:?}");
    assert_eq!(send(&here, Method::PATCH, &path, &editor, Some("*"), Some(&json!({"suspended": true}))).await.status, 200);
    assert!(eventually(soon, async || functions(&told(&there, &elsewhere).await).is_empty()).await);
    assert_eq!(send(&here, Method::DELETE, &path, &editor, Some("*"), None).await.status, 204);
    assert_eq!(send(&here, Method::GET, &path, &editor, None, None).await.status, 404);
}

/// The answers of everything that is public, without what changes by itself.
async fn crawl(app: &App, token: Option<&str>) -> Vec<(String, u16, String)> {
    let volatile = ["orientation_id", "asked_at", "age_s", "request_id"];
    let mut seen = Vec::new();
    for path in [
        format!("/v1/orientations?procedure=rsa&commune={RENNES}"),
        format!("/v1/orientations?procedure=rsa&commune={RENNES}&reason=complex_case"),
        "/v1/orientations?q=contact%20r%C3%A9f%C3%A9rent%20de%20la%20caf&commune=35238".to_owned(),
        "/v1/procedures/rsa".to_owned(),
        "/v1/procedures?limit=100".to_owned(),
        "/v1/institutions".to_owned(),
        "/v1/institutions/caf".to_owned(),
        "/v1/structures?commune=35238".to_owned(),
        "/v1/structures.ndjson".to_owned(),
        "/v1/communes/35238".to_owned(),
        "/v1/coverage?procedure=rsa".to_owned(),
        "/v1/stats/referrals?group_by=institution".to_owned(),
        "/v1/referents".to_owned(),
        "/v1/referents/019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11".to_owned(),
        "/v1/charter".to_owned(),
        "/v1/misuse-reports".to_owned(),
        "/v1/audit".to_owned(),
        "/health/ready".to_owned(),
    ] {
        let answer = match token {
            Some(token) => app.get_as(&path, token).await,
            None => app.get(&path).await,
        };
        let mut body = serde_json::from_str::<Value>(&answer.text).unwrap_or_else(|_| json!(answer.text));
        for place in ["", "/directory"] {
            if let Some(object) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                object.retain(|key, _| !volatile.contains(&key.as_str()));
            }
        }
        seen.push((path, answer.status.as_u16(), format!("{} {body}", answer.headers.get("etag").map_or("", |tag| tag.to_str().unwrap()))));
    }
    seen
}

#[tokio::test]
async fn nobody_else_learns_that_there_are_contacts() {
    let (app, _database) = App::national().await;
    let partner = app.token("partner", "tool", "partners");
    let (before, before_partner) = (crawl(&app, None).await, crawl(&app, Some(&partner)).await);
    let editor = editor(&app, "caf-35", "35");
    for _ in 0..3 {
        contact(&app, &editor, json!({"visibility": "relay"})).await;
    }
    let mediator = app.token("mediator", "agent-1", "ours");
    assert_eq!(told(&app, &mediator).await["available"], 3, "they are there");
    assert_eq!(crawl(&app, None).await, before);
    assert_eq!(crawl(&app, Some(&partner)).await, before_partner);
    let orientation = &before.iter().find(|(path, ..)| path.starts_with("/v1/orientations")).unwrap().2;
    assert!(orientation.contains("\"referents\":null") && !orientation.contains("\"code\":\"referent\""));
    // How often contacts were made or asked for is nobody's business either.
    let metrics = app.get("/metrics").await.text;
    assert!(!metrics.contains("referent") && !metrics.contains("charter"), "{metrics}");
}

#[tokio::test]
async fn an_editor_keeps_one_institution_on_one_territory() {
    let (app, _database) = App::national().await;
    let ours = editor(&app, "caf-35", "35,22");
    for (body, status) in [
        (json!({"territory": ["35"]}), 201),
        (json!({"territory": ["29"]}), 403),
        (json!({"territory": ["35", "29"]}), 403),
        (json!({"territory": ["FR"]}), 403),
        (json!({"institution": "cpam"}), 403),
        (json!({"territory": ["Bretagne"]}), 422),
        (json!({"institution": "nobody"}), 422),
    ] {
        let answer = app.post("/v1/referents", &ours, &contact_with(body.clone())).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    let theirs = editor(&app, "caf-29", "29");
    let kept = app.get_as("/v1/referents", &ours).await.json();
    let path = format!("/v1/referents/{}", text(&kept["items"][0]["id"]));
    assert_eq!(kept["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.get_as("/v1/referents", &theirs).await.json()["items"], json!([]));
    assert_eq!(send(&app, Method::GET, &path, &theirs, None, None).await.status, 404);
    assert_eq!(send(&app, Method::PATCH, &path, &theirs, Some("*"), Some(&json!({"suspended": true}))).await.status, 404);
    assert_eq!(send(&app, Method::DELETE, &path, &theirs, Some("*"), None).await.status, 404);
    // Of the same organisation, with a smaller territory: it sees the contact, and can't change it.
    let smaller = editor(&app, "caf-35", "22");
    assert_eq!(send(&app, Method::PATCH, &path, &smaller, Some("*"), Some(&json!({"suspended": true}))).await.status, 403);
    assert_eq!(send(&app, Method::DELETE, &path, &smaller, Some("*"), None).await.status, 403);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once() {
    let (app, _database) = App::national().await;
    let editor = editor(&app, "caf-35", "35");
    let wrong = json!({
        "function": "Référente 06 12 34 56 78", "procedures": ["nothing"], "channels": {"email": "personne", "phone": "1", "platform": {"url": "javascript:1"}},
        "hours": "Mo-Fr 9h-12h", "reasons": ["chat"], "visibility": "all", "verify_by": "2020-01-01", "weekly_cap": 5000,
        "absences": ["2026-12-24/2027-01-02", "2027-01-02/2027-01-05"], "substitute": "x"
    });
    let answer = app.post("/v1/referents", &editor, &wrong).await;
    let errors = answer.json()["errors"].clone();
    let pointers: Vec<&str> = errors.as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect();
    for pointer in [
        "/function",
        "/procedures",
        "/channels/email",
        "/channels/phone",
        "/channels/platform/url",
        "/hours",
        "/reasons",
        "/visibility",
        "/verify_by",
        "/weekly_cap",
        "/absences",
        "/substitute",
    ] {
        assert!(pointers.contains(&pointer), "{pointer}: {}", answer.text);
    }
    for (body, pointer) in [
        (json!({"channels": {}}), "/channels/email"),
        (json!({"visibility": "relay", "channels": {"phone": "3646"}}), "/channels/email"),
        (json!({"substitute": "019ab0f4-7c3e-7d5a-8f2b-3b8a4f0e9d11"}), "/substitute"),
        (json!({"absences": ["2026-12-24"]}), "/absences"),
        (json!({"absences": ["2026-12-24/2026-12-23"]}), "/absences"),
        (json!({"note": "écrire à marie.d@exemple.fr"}), "/note"),
    ] {
        let answer = app.post("/v1/referents", &editor, &contact_with(body.clone())).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["errors"][0]["pointer"].as_str()),
            (422, Some(pointer)),
            "{body}: {}",
            answer.text
        );
    }
    assert_eq!(app.get_as("/v1/referents", &editor).await.json()["items"], json!([]), "nothing was kept");
    for spelling in [
        "02 99 12 34 56",
        "02.99.12.34.56",
        "02-99-12-34-56",
        "02/99/12/34/56",
        "0299123456",
        "+33299123456",
        "+33 2 99 12 34 56",
        "+33 (0)2 99 12 34 56",
        "0033299123456",
        "33 2 99 12 34 56",
    ] {
        let made = contact(&app, &editor, json!({"channels": {"phone": spelling}})).await;
        assert_eq!(made["channels"]["phone"], "+33299123456", "{spelling}");
    }
}

#[tokio::test]
async fn two_editors_at_once_lose_nothing() {
    let (app, _database) = App::national().await;
    let editor = editor(&app, "caf-35", "35");
    let made = app.post("/v1/referents", &editor, &contact_with(json!({"weekly_cap": 5, "note": "Avant 11 h."}))).await;
    let (tag, path) = (made.header("etag").to_owned(), made.header("location").to_owned());
    let change = async |tag: Option<&str>, body: Value| send(&app, Method::PATCH, &path, &editor, tag, Some(&body)).await;
    assert_eq!(change(None, json!({"weekly_cap": 6})).await.status, 428);
    let (one, other) = tokio::join!(change(Some(&tag), json!({"weekly_cap": 6})), change(Some(&tag), json!({"weekly_cap": 7})));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let won = if one.status == 200 { one } else { other };
    let now = app.get_as(&path, &editor).await;
    assert_eq!((now.json(), now.header("etag")), (won.json(), won.header("etag")));
    // Nothing said: nothing changed, no version more.
    assert_eq!(change(Some(now.header("etag")), json!({})).await.header("etag"), now.header("etag"));
    let cleared = change(Some("*"), json!({"clear": ["note", "weekly_cap"]})).await.json();
    assert_eq!((&cleared["note"], &cleared["keeping"]["weekly_cap"]), (&Value::Null, &Value::Null));
    assert_eq!(change(Some("*"), json!({"clear": ["email"]})).await.status, 422, "its only channel");
    // Every field says whose it is, and since when.
    let provenance = cleared["keeping"]["provenance"].as_object().unwrap();
    for field in ["function", "territory", "channels", "reasons", "visibility", "verify_by", "note", "weekly_cap", "absences"] {
        assert_eq!(provenance[field]["source"], "caf-35", "{field}");
        assert!(provenance[field]["date"].is_string(), "{field}");
    }
}

#[tokio::test]
async fn a_contact_is_handed_over() {
    let (app, database) = App::national().await;
    let (ours, theirs) = (editor(&app, "caf-35", "35"), editor(&app, "caf-bretagne", "22,29,35,56"));
    let made = contact(&app, &ours, json!({})).await;
    let path = format!("/v1/referents/{}", text(&made["id"]));
    let hand_over = async |body: Value| send(&app, Method::PATCH, &path, &ours, Some("*"), Some(&body)).await;
    assert_eq!(hand_over(json!({"keeper": "caf-bretagne"})).await.status, 422, "nobody knows it yet");
    app.get_as("/v1/referents", &theirs).await;
    assert_eq!(hand_over(json!({"keeper": "caf-bretagne", "suspended": true})).await.status, 422, "as it is");
    assert_eq!(hand_over(json!({"keeper": "caf-bretagne"})).await.status, 200);
    assert_eq!(send(&app, Method::GET, &path, &ours, None, None).await.status, 404);
    let changed = send(&app, Method::PATCH, &path, &theirs, Some("*"), Some(&json!({"territory": ["22", "35"]}))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    // The audit tells what changed, not how to reach it.
    let rows = database.query("SELECT to_jsonb(a)::text FROM audit_entry a WHERE entity = 'referent'").await;
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains("@caf.exemple.fr")), "{rows:?}");
}

#[tokio::test]
async fn who_sees_which() {
    let (app, _database) = App::national().await;
    let editor = editor(&app, "caf-35", "35");
    let substitute = contact(&app, &editor, json!({"function": "Suppléance", "procedures": ["prime-activite"]})).await;
    let everywhere = |days: &str| json!({"function": "Absente", "absences": [days], "substitute": substitute["id"]});
    contact(&app, &editor, everywhere("2020-01-01/2099-12-31")).await;
    contact(&app, &editor, json!({"function": "Du territoire", "visibility": "same_territory"})).await;
    contact(&app, &editor, json!({"function": "Comprendre", "reasons": ["understand"]})).await;
    let of = |territory: &str| {
        app.token_with(&["--role", "mediator", "--subject", "agent-1", "--organisation", "ours", "--territory", territory])
    };
    let without = app.token("mediator", "agent-2", "ours");
    let ask = async |token: &str, more: &str| {
        let answer = app.get_as(&format!("/v1/orientations?procedure=rsa&commune={RENNES}{more}"), token).await.json();
        let mut told: Vec<String> = functions(&answer["referents"]).into_iter().map(str::to_owned).collect();
        told.sort();
        told
    };
    assert_eq!(ask(&without, "").await, ["Comprendre", "Suppléance"]);
    assert_eq!(ask(&of("22"), "").await, ["Comprendre", "Suppléance"]);
    assert_eq!(ask(&of("35"), "").await, ["Comprendre", "Du territoire", "Suppléance"]);
    assert_eq!(ask(&of("35"), "&reason=redirect").await, ["Du territoire", "Suppléance"]);
    assert_eq!(ask(&of("35"), "&residence=22278").await, Vec::<String>::new(), "who lives elsewhere has other contacts");
    let answer = app.get_as(&format!("/v1/orientations?procedure=rsa&commune={RENNES}"), &without).await.json();
    let stand_in = answer["referents"]["items"].as_array().unwrap().iter().find(|item| item["function"] == "Suppléance").unwrap();
    assert_eq!((&stand_in["stands_in_for"], &stand_in["channels"], &stand_in["keeping"]), (&json!("Absente"), &Value::Null, &Value::Null));
    let listed = app.get_as("/v1/referents?institution=caf&departement=35", &without).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert!(!app.get_as("/v1/referents", &of("35")).await.text.contains("@caf.exemple.fr"));
    for role in ["partner", "structure_editor", "network_manager", "administrator"] {
        let token = app.token(role, "somebody", "elsewhere");
        assert_eq!(told(&app, &token).await, Value::Null, "{role}");
        assert_eq!(app.get_as("/v1/referents", &token).await.status, 403, "{role}");
    }
}

#[tokio::test]
async fn a_contact_that_nobody_verifies_sinks_then_goes() {
    let (database, post) = (TestDatabase::clone_of(NATIONAL).await, PostOffice::open());
    let settings = [("AIGUILLEUR_SMTP_URL", post.url.as_str())];
    let app = App::with_settings(&database, "demo", &settings);
    let administrator = app.token("administrator", "admin", "installation");
    let organisation = app.post("/v1/organisations", &administrator, &json!({"slug": "caf-35"})).await.json();
    let member = json!({"email": "editrice@caf.exemple.fr", "roles": ["institution_editor"], "institution": "caf", "territory": ["35"]});
    let members = format!("/v1/organisations/{}/members", text(&organisation["id"]));
    assert_eq!(app.post(&members, &administrator, &member).await.status, 201);
    let (editor, mediator) = (editor(&app, "caf-35", "35"), app.token("mediator", "agent-1", "ours"));
    let made = contact(&app, &editor, json!({"function": "Périmée"})).await;
    contact(&app, &editor, json!({"function": "Vérifiée"})).await;
    assert_eq!(functions(&told(&app, &mediator).await), ["Périmée", "Vérifiée"]);
    let age = async |days: u32| {
        database.sql(&format!("UPDATE referent SET verify_by = current_date - {days}, version = version WHERE function = 'Périmée'")).await;
    };
    age(2).await;
    assert!(eventually(Duration::from_secs(5), async || functions(&told(&app, &mediator).await) == ["Vérifiée", "Périmée"]).await);
    assert_eq!(told(&app, &mediator).await["items"][1]["freshness"], "lapsed");
    // Its editors are told once, by whichever node looks first.
    let _nodes = [App::with_settings(&database, "demo", &settings), App::with_settings(&database, "demo", &settings)];
    let told_of =
        || post.letters_to("editrice@caf.exemple.fr").into_iter().filter(|letter| letter.subject == "Un contact à vérifier").count();
    assert!(eventually(Duration::from_secs(10), async || told_of() > 0).await);
    age(31).await;
    assert!(eventually(Duration::from_secs(5), async || functions(&told(&app, &mediator).await) == ["Vérifiée"]).await);
    let path = format!("/v1/referents/{}", text(&made["id"]));
    assert_eq!(app.get_as(&path, &mediator).await.status, 404);
    assert_eq!(app.get_as(&path, &editor).await.json()["freshness"], "hidden");
    let day = (chrono::Utc::now() + chrono::Duration::days(90)).date_naive();
    let verified = send(&app, Method::PATCH, &path, &editor, Some("*"), Some(&json!({"verify_by": day}))).await;
    assert_eq!(verified.json()["freshness"], "current", "{}", verified.text);
    assert_eq!(functions(&told(&app, &mediator).await), ["Périmée", "Vérifiée"]);
    assert_eq!(told_of(), 1);
}

#[tokio::test]
async fn any_state_of_a_contact_can_be_gone_back_to() {
    let (app, _database) = App::national().await;
    let (ours, theirs) = (editor(&app, "caf-35", "35"), editor(&app, "caf-29", "29"));
    let made = contact(&app, &ours, json!({"weekly_cap": 5, "channels": {"email": "anne.martin@caf.exemple.fr"}})).await;
    assert_eq!(made["keeping"]["email_looks_personal"], true);
    let (path, history) = (format!("/v1/referents/{}", text(&made["id"])), format!("/v1/history/referent/{}", text(&made["id"])));
    for change in [json!({"weekly_cap": 6, "note": "Avant 11 h."}), json!({"suspended": true, "channels": {"phone": "3230"}})] {
        assert_eq!(send(&app, Method::PATCH, &path, &ours, Some("*"), Some(&change)).await.status, 200);
    }
    assert_eq!(send(&app, Method::DELETE, &path, &ours, Some("*"), None).await.status, 204);
    let states = app.get_as(&history, &ours).await.json();
    let origins: Vec<&str> = states["items"].as_array().unwrap().iter().map(|state| text(&state["origin"])).collect();
    assert_eq!(origins, ["removal", "edit", "edit", "edit"]);
    assert_eq!(app.get_as(&history, &theirs).await.json()["items"], json!([]));
    assert_eq!(app.post(&history, &theirs, &json!({"version": 1})).await.status, 422, "none of theirs");
    let restored = app.post(&history, &ours, &json!({"version": 1})).await;
    assert_eq!((restored.status.as_u16(), &restored.json()["origin"]), (200, &json!("restoration")), "{}", restored.text);
    let timeless = |mut contact: Value| {
        let keeping = contact["keeping"].as_object_mut().unwrap();
        keeping.retain(|key, _| !["version", "provenance"].contains(&key.as_str()));
        contact
    };
    assert_eq!(timeless(app.get_as(&path, &ours).await.json()), timeless(made), "exactly as it was");
    assert_eq!(app.post(&history, &ours, &json!({"version": 99})).await.status, 422);
}
