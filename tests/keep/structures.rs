use std::time::Duration;

use aiguilleur_testkit::mail::PostOffice;
use aiguilleur_testkit::{Answer, App, NATIONAL, TestDatabase, binary, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use super::text;

/// The CCAS of the demonstration layer in Rennes, which has a mail address.
const CCAS: &str = "/v1/structures/33e1b82d-6549-5e98-8aa0-0322ee5eae31";

async fn send(app: &App, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    super::send(app, method, path, token, None, Some(body)).await
}

/// By the version that the caller knows.
async fn change(app: &App, path: &str, token: &str, if_match: Option<&str>, body: &Value) -> Answer {
    super::send(app, Method::PATCH, path, token, if_match, Some(body)).await
}

fn id() -> &'static str {
    CCAS.rsplit_once('/').unwrap().1
}

/// The record, once the directory in memory has caught up with a revision's tag.
async fn read(app: &App, tag: &str) -> Value {
    let revision = |tag: &str| tag.trim_start_matches("W/\"").split('-').next().unwrap().parse::<i64>().unwrap();
    let caught_up = eventually(Duration::from_secs(2), || async { revision(app.get(CCAS).await.header("etag")) >= revision(tag) }).await;
    assert!(caught_up, "shown within two seconds");
    app.get(CCAS).await.json()
}

/// Without the instant of its last change, which going back doesn't undo.
fn timeless(mut record: Value) -> Value {
    record.as_object_mut().unwrap().retain(|key, _| !["updated_at", "warnings"].contains(&key.as_str()));
    record
}

/// The token of an editor whose organisation keeps the CCAS.
async fn keeper(app: &App) -> String {
    let (editor, administrator) = (app.token("structure_editor", "ed", "ccas-test"), app.token("administrator", "admin", "installation"));
    let claim = send(app, Method::POST, &format!("{CCAS}/claims"), &editor, &json!({})).await;
    assert_eq!((claim.status.as_u16(), &claim.json()["check"]), (201, &json!("administrator")), "{}", claim.text);
    let path = format!("/v1/claims/{}", text(&claim.json()["id"]));
    let settled = send(app, Method::PATCH, &path, &administrator, &json!({"verdict": "accepted"})).await;
    assert_eq!((settled.status.as_u16(), &settled.json()["status"]), (200, &json!("accepted")), "{}", settled.text);
    editor
}

async fn edit(app: &App, token: &str, body: &Value) -> Answer {
    let edited = change(app, CCAS, token, Some("*"), body).await;
    assert_eq!(edited.status, 200, "{body}: {}", edited.text);
    edited
}

/// What its door is said to be at an instant, in an answer that shows it.
async fn opening(app: &App, at: &str) -> Value {
    let asked = format!("/v1/orientations?procedure=domiciliation&commune=35238&kinds=ccas-cias&limit=20&at={at}");
    let answer = app.get(&asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    let shown = answer["options"].as_array().unwrap().iter().find(|option| option["target"]["id"] == id());
    shown.unwrap_or_else(|| panic!("{answer}")).clone()
}

#[tokio::test]
async fn a_claim_is_settled_by_whoever_reads_the_place_s_mail() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let mailbox = PostOffice::open();
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_SMTP_URL", &mailbox.url)]);
    let (editor, other) = (app.token("structure_editor", "ed", "ccas-test"), app.token("structure_editor", "x", "intrus"));
    let claims = format!("{CCAS}/claims");
    for role in ["mediator", "partner", "institution_editor", "network_manager", "administrator"] {
        let token = app.token(role, "x", "ccas-test");
        assert_eq!(send(&app, Method::POST, &claims, &token, &json!({})).await.status, 403, "{role}");
    }
    let claim = send(&app, Method::POST, &claims, &editor, &json!({})).await;
    assert_eq!((claim.status.as_u16(), &claim.json()["check"]), (201, &json!("mail")), "{}", claim.text);
    assert_eq!(claim.json()["sent_to"], "cc…@example.org");
    assert_eq!(send(&app, Method::POST, &claims, &editor, &json!({})).await.status, 409, "one at a time");
    let rival = send(&app, Method::POST, &claims, &other, &json!({})).await;
    assert_eq!(rival.status, 201, "{}", rival.text);
    let mails: Vec<String> = mailbox.letters().into_iter().map(|letter| letter.text).collect();
    assert_eq!(mails.len(), 2, "{mails:?}");
    let link = |mail: &str| mail.split("/revendication/").nth(1).unwrap().chars().take_while(char::is_ascii_hexdigit).collect::<String>();
    let (own, rivals) = (format!("/revendication/{}", link(&mails[0])), format!("/revendication/{}", link(&mails[1])));
    assert!(mails[0].contains("ccas-test") && own.len() == "/revendication/".len() + 64, "{}", mails[0]);
    // A scanner opens it.
    for _ in 0..3 {
        let page = app.get(&own).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
        assert!(page.text.contains("ccas-test") && page.text.contains("CCAS de démonstration"), "{}", page.text);
    }
    assert_eq!(app.get(CCAS).await.json()["keeper"], Value::Null, "seen only");
    assert_eq!(change(&app, CCAS, &editor, Some("*"), &json!({"phone": "3939"})).await.status, 403);
    let answered = submit(&app, &own, "verdict=accepted").await;
    assert_eq!(answered, 200);
    let shown = eventually(Duration::from_secs(2), || async { app.get(CCAS).await.json()["keeper"] == "ccas-test" }).await;
    assert!(shown);
    assert_eq!(submit(&app, &own, "verdict=refused").await, 404, "it serves once");
    // Somebody else's claim on a record that is kept waits for an administrator, link or no link.
    assert_eq!((app.get(&rivals).await.status.as_u16(), submit(&app, &rivals, "verdict=accepted").await), (404, 404));
    let administrator = app.token("administrator", "admin", "installation");
    let waiting = app.get_as("/v1/claims", &administrator).await.json();
    assert_eq!((waiting["items"].as_array().unwrap().len(), &waiting["items"][0]["check"]), (1, &json!("administrator")), "{waiting}");
    assert_eq!(waiting["items"][0]["organisation"], "intrus");
    assert_eq!(send(&app, Method::POST, &claims, &editor, &json!({})).await.status, 409, "it keeps it already");
    assert_eq!(app.get_as("/v1/claims", &editor).await.status, 403);
    let third = app.token("structure_editor", "y", "tiers");
    assert_eq!(send(&app, Method::POST, &claims, &third, &json!({})).await.json()["check"], "administrator");
    assert_eq!(mailbox.letters().len(), 2, "no mail for a record that is kept");
    assert_eq!(app.get("/revendication/0000").await.status, 404);
    assert!(!app.log().contains(&link(&mails[0])), "the secret is in no log");
}

/// Sends a page's form, as a browser does; the status.
async fn submit(app: &App, path: &str, body: &'static str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}{path}", app.address)).header("Content-Type", "application/x-www-form-urlencoded");
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_edit_needs_the_version_and_one_undone_restores_exactly() {
    let (app, _database) = App::national().await;
    let stranger = app.token("structure_editor", "x", "autre");
    let editor = keeper(&app).await;
    let kept = eventually(Duration::from_secs(2), || async { app.get(CCAS).await.json()["keeper"] == "ccas-test" }).await;
    assert!(kept);
    let first = app.get(CCAS).await;
    let (tag, before) = (first.header("etag").to_owned(), first.json());
    let body = json!({"phone": "02 61 91 01 99", "note": "Sonnez deux fois.", "clear": ["website"]});
    assert_eq!(change(&app, CCAS, &editor, None, &body).await.status, 428);
    assert_eq!(change(&app, CCAS, &editor, Some("\"x\""), &body).await.status, 412);
    assert_eq!(change(&app, CCAS, &editor, Some("W/\"999999-fr\""), &body).await.status, 412, "a version to come");
    let refused = change(&app, CCAS, &stranger, Some(&tag), &body).await;
    assert_eq!(refused.status, 403);
    assert!(text(&refused.json()["detail"]).contains("/suggestions"), "{}", refused.text);
    // Two editors at once: one of them is told.
    let other = json!({"name": "CCAS de Rennes"});
    let (one, two) = tokio::join!(change(&app, CCAS, &editor, Some(&tag), &body), change(&app, CCAS, &editor, Some(&tag), &other));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
    let tag = if one.status == 200 { one } else { change(&app, CCAS, &editor, Some(two.header("etag")), &body).await };
    assert_eq!(tag.status, 200, "{}", tag.text);
    let edited = tag.json();
    assert_eq!(
        (&edited["phone"], &edited["website"], &edited["note"]),
        (&json!("+33261910199"), &Value::Null, &json!("Sonnez deux fois."))
    );
    assert_eq!((&edited["provenance"]["phone"]["source"], &edited["provenance"]["phone"]["by"]), (&json!("edit"), &json!("ccas-test")));
    assert_eq!(timeless(edited.clone()), timeless(read(&app, tag.header("etag")).await), "what is answered is what is shown");
    // What was changed elsewhere doesn't make it stale.
    let elsewhere = app.get("/v1/structures?commune=35051&limit=1").await.json()["items"][0]["id"].clone();
    let administrator = app.token("administrator", "admin", "installation");
    let done = change(&app, &format!("/v1/structures/{}", text(&elsewhere)), &administrator, Some("*"), &json!({"free": true})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let undone = change(&app, CCAS, &editor, Some(tag.header("etag")), &json!({"revert": ["phone"]})).await;
    assert_eq!((undone.status.as_u16(), &undone.json()["phone"]), (200, &before["phone"]), "{}", undone.text);
    assert_eq!(undone.json()["provenance"]["phone"], before["provenance"]["phone"]);
    let all = edit(&app, &editor, &json!({"revert": ["note", "website", "name"]})).await;
    assert_eq!(timeless(all.json()), timeless(before.clone()), "exactly");
    assert_eq!(timeless(read(&app, all.header("etag")).await), timeless(before));
    let nothing = edit(&app, &editor, &json!({"revert": ["note"]})).await;
    assert_eq!(nothing.header("etag").split('-').next(), all.header("etag").split('-').next(), "nothing to write raises no revision");
}

#[tokio::test]
async fn any_state_can_be_read_and_gone_back_to() {
    let (app, _database) = App::national().await;
    let editor = keeper(&app).await;
    let history = format!("/v1/history/structure/{}", id());
    assert_eq!(app.get_as(&history, &editor).await.json()["items"], json!([]));
    let closures = json!([{"from": "2026-12-24", "until": "2027-01-02", "note": "congés"}]);
    let session = json!([{"holder": "CAF", "kind": "guichet", "institution": "caf", "opening_hours": "Tu 09:00-12:00", "places": 8}]);
    let first = edit(&app, &editor, &json!({"phone": "3646", "closures": closures, "sessions": session})).await.json();
    assert_eq!((&first["sessions"][0]["places"], &first["closures"]), (&json!(8), &closures));
    let second =
        edit(&app, &editor, &json!({"phone": "3939", "location": {"lat": 48.11, "lon": -1.68}, "clear": ["closures", "sessions"]})).await;
    let listed = app.get_as(&history, &editor).await.json();
    let origins: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|version| text(&version["origin"])).collect();
    assert_eq!(origins, ["edit", "edit", "source"]);
    assert_eq!(listed["items"][0]["state"]["phone"], "3939");
    let page = app.get_as(&format!("{history}?limit=1"), &editor).await.json();
    let next = app.get_as(&format!("{history}?limit=1&cursor={}", text(&page["next_cursor"])), &editor).await.json();
    assert_eq!(next["items"][0]["version"], 2);
    let go_back = async |version: i64| send(&app, Method::POST, &history, &editor, &json!({"version": version})).await;
    let back = go_back(2).await;
    assert_eq!(
        (back.status.as_u16(), &back.json()["version"], &back.json()["origin"]),
        (200, &json!(4), &json!("restoration")),
        "{}",
        back.text
    );
    let shown = read(&app, second.header("etag")).await;
    let there = eventually(Duration::from_secs(2), || async { timeless(app.get(CCAS).await.json()) == timeless(first.clone()) }).await;
    assert!(there, "{shown} {first}");
    assert_eq!(go_back(3).await.status, 200, "and forth");
    let forth = eventually(Duration::from_secs(2), || async { timeless(app.get(CCAS).await.json()) == timeless(second.json()) }).await;
    assert!(forth);
    assert_eq!((go_back(99).await.status.as_u16(), go_back(0).await.status.as_u16()), (422, 422));
    let stranger = app.token("structure_editor", "x", "autre");
    assert_eq!(app.get_as(&history, &stranger).await.status, 403);
    assert_eq!(send(&app, Method::POST, &history, &stranger, &json!({"version": 1})).await.status, 403);
    for nowhere in ["/v1/history/structure/x", "/v1/history/horse/1", "/v1/history/structure/00000000-0000-4000-8000-000000000000"] {
        assert_eq!(app.get_as(nowhere, &editor).await.status, 404, "{nowhere}");
    }
    let audit = app.get_as(&format!("/v1/audit?entity=structure&entity_id={}", id()), &editor).await.json();
    let line = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["action"] == "update_structure" && line["after"]["phone"] == "3646")
        .unwrap();
    assert_eq!(line["before"].as_object().unwrap().len(), 3, "only what changed: {line}");
}

#[tokio::test]
async fn closures_rule_in_answers_and_capacity_lapses() {
    let (app, _database) = App::national().await;
    let editor = keeper(&app).await;
    let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Paris).date_naive();
    let monday = (1..=7).map(|days| today + chrono::Duration::days(days)).find(|day| day.format("%u").to_string() == "1").unwrap();
    let after = monday + chrono::Duration::days(13);
    let at = |day: chrono::NaiveDate| format!("{day}T09:30:00Z");
    // The hours count as checked today.
    edit(&app, &editor, &json!({"opening_hours": "Mo-Su 08:00-18:00; PH 08:00-18:00"})).await;
    let shown = edit(&app, &editor, &json!({"closures": [{"from": monday, "until": after, "note": "travaux"}]})).await;
    read(&app, shown.header("etag")).await;
    assert_eq!(opening(&app, &at(monday - chrono::Duration::days(1))).await["opening"]["status"], "open");
    let closed = opening(&app, &at(monday)).await;
    assert_eq!(closed["opening"]["status"], "closed", "{closed}");
    assert!(text(&closed["opening"]["next"]).starts_with(&(after + chrono::Duration::days(1)).to_string()), "{closed}");
    assert!(text(&closed["opening"]["comment"]).contains("travaux"), "{closed}");
    assert_eq!(closed["opening"]["hours"], "Mo-Su 08:00-18:00; PH 08:00-18:00", "shown as the record has them");
    assert_eq!(opening(&app, &at(after + chrono::Duration::days(1))).await["opening"]["status"], "open");
    // Unknown hours: closed on those days, unknown on others.
    let shown = edit(&app, &editor, &json!({"clear": ["opening_hours"]})).await;
    read(&app, shown.header("etag")).await;
    assert_eq!(opening(&app, &at(monday)).await["opening"]["status"], "closed");
    assert_eq!(opening(&app, &at(after + chrono::Duration::days(1))).await["opening"]["status"], "unknown");

    let capacity = format!("{CCAS}/capacity");
    let until = today + chrono::Duration::days(10);
    for (body, status) in [
        (json!({"capacity": "full"}), 422),
        (json!({"until": until}), 422),
        (json!({}), 422),
        (json!({"capacity": "bof", "until": until}), 422),
        (json!({"capacity": "full", "until": today - chrono::Duration::days(1)}), 422),
        (json!({"capacity": "full", "until": today + chrono::Duration::days(91)}), 422),
        (json!({"capacity": "full", "until": until, "note": "x"}), 400),
    ] {
        assert_eq!(send(&app, Method::PUT, &capacity, &editor, &body).await.status, status, "{body}");
    }
    let stranger = app.token("structure_editor", "x", "autre");
    let full = json!({"capacity": "full", "until": until});
    assert_eq!(send(&app, Method::PUT, &capacity, &stranger, &full).await.status, 403);
    let declared = send(&app, Method::PUT, &capacity, &editor, &full).await;
    assert_eq!((declared.status.as_u16(), &declared.json()["capacity"]), (200, &json!("full")), "{}", declared.text);
    assert_eq!(declared.json()["provenance"]["capacity_until"]["by"], "ccas-test");
    read(&app, declared.header("etag")).await;
    let tells = |option: &Value| option.to_string().contains("capacity_full") || option["cautions"].to_string().contains("full");
    assert!(tells(&opening(&app, &at(until)).await), "{}", opening(&app, &at(until)).await);
    assert!(!tells(&opening(&app, &at(until + chrono::Duration::days(1))).await), "past its day it no longer counts");
    let withdrawn = send(&app, Method::PUT, &capacity, &editor, &json!({"capacity": null})).await;
    assert_eq!((withdrawn.status.as_u16(), &withdrawn.json()["capacity"]), (200, &Value::Null), "{}", withdrawn.text);
}

#[tokio::test]
async fn ten_spellings_are_one_number_and_bad_input_is_told_at_once() {
    let (app, _database) = App::national().await;
    let editor = keeper(&app).await;
    for spelling in [
        "0261910199",
        "02 61 91 01 99",
        "02.61.91.01.99",
        "02-61-91-01-99",
        "02/61/91/01/99",
        "+33261910199",
        "+33 (0)2 61 91 01 99",
        "0033 2 61 91 01 99",
        "33 2 61 91 01 99",
        "(02) 61 91 01 99",
    ] {
        edit(&app, &editor, &json!({"clear": ["phone"]})).await;
        assert_eq!(edit(&app, &editor, &json!({"phone": spelling})).await.json()["phone"], "+33261910199", "{spelling}");
    }
    for (address, codes) in [
        ("accueil@ccas.exemple.fr", json!([])),
        ("ccas.rennes@orange.fr", json!(["private_mail"])),
        ("marie.dupont@ccas.exemple.fr", json!(["private_mail"])),
    ] {
        let taken = edit(&app, &editor, &json!({"email": address})).await.json();
        assert_eq!(taken["email"], address);
        let told: Vec<&Value> = taken["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
        assert_eq!(json!(told), codes, "{address}");
    }
    let swapped = edit(&app, &editor, &json!({"location": {"lat": -1.68, "lon": 48.11}})).await.json();
    assert_eq!(swapped["warnings"][0]["code"], "position_outside_commune");
    let wrong = json!({
        "phone": "appelez la mairie", "email": "a@b", "website": "ftp://x", "opening_hours": "Mo-Fr 9h-12h", "postal_code": "3500",
        "procedures": ["rsa", "nage"], "groups": ["jardin"], "territory": ["99999"], "languages": ["french"], "closed_on": "2099-01-01",
        "closures": [{"from": "2026-12-24", "until": "2027-01-02"}, {"from": "2027-01-02", "until": "2027-01-04"}],
        "sessions": [{"holder": "CAF", "kind": "guichet"}], "clear": ["name", "phone"], "revert": ["email"]
    });
    let refused = change(&app, CCAS, &editor, Some("*"), &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let refused = refused.json();
    let told: Vec<&str> = refused["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
    for pointer in [
        "/phone",
        "/email",
        "/website",
        "/opening_hours",
        "/postal_code",
        "/procedures/1",
        "/groups/0",
        "/territory/0",
        "/languages/0",
        "/closed_on",
        "/closures/1",
        "/sessions/0/institution",
        "/clear",
    ] {
        assert!(told.contains(&pointer), "{pointer}: {told:?}");
    }
    for (body, status) in [
        (json!({}), 422),
        (json!({"phone": null}), 422),
        (json!({"phone": "3939", "clear": ["phone"]}), 422),
        (json!({"phone": "3939", "revert": ["phone"]}), 422),
        (json!({"clear": ["horse"]}), 422),
        (json!({"closures": [{"from": "2026-12-24"}]}), 422),
        (json!({"closures": [{"from": "2026-12-24", "until": "2026-12-23"}]}), 422),
        (json!({"closures": [{"from": "hier", "until": "2026-12-23"}]}), 400),
        (json!({"kind": "mairie"}), 400),
        (json!({"source": "x"}), 400),
        (json!({"location": {"lat": 48.1}}), 422),
        (json!({"location": {"lat": 148.1, "lon": 0}}), 422),
        (json!([]), 400),
    ] {
        assert_eq!(change(&app, CCAS, &editor, Some("*"), &body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn suggestions_wait_for_the_keeper() {
    let (app, _database) = App::national().await;
    let editor = keeper(&app).await;
    let suggestions = format!("{CCAS}/suggestions");
    let mediator = app.token("mediator", "m", "mediatheque-test");
    let suggested = json!({"changes": {"phone": "02 61 91 01 97", "note": "Entrée par la cour."}, "note": "Vu sur place."});
    let made = send(&app, Method::POST, &suggestions, &mediator, &suggested).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["changes"], json!({"phone": "+33261910197", "note": "Entrée par la cour."}));
    for wrong in [
        json!({"changes": {"note": "demander Mme X au 06 12 34 56 78"}}),
        json!({"changes": {"phone": "3939"}, "note": "a.b@exemple.fr me l'a dit"}),
        json!({"changes": {}}),
        json!({"note": "x"}),
        json!({"changes": {"phone": "rien"}}),
    ] {
        assert_eq!(send(&app, Method::POST, &suggestions, &mediator, &wrong).await.status, 422, "{wrong}");
    }
    assert_eq!(app.send(Method::POST, &suggestions, &[], Some(&suggested)).await.status, 401);
    assert_eq!(app.get_as(&suggestions, &mediator).await.status, 403);
    assert_eq!(app.get_as(&suggestions, &app.token("structure_editor", "x", "autre")).await.status, 403);
    let refused = send(&app, Method::POST, &suggestions, &mediator, &json!({"changes": {"name": "Autre"}})).await.json();
    let waiting = app.get_as(&suggestions, &editor).await.json();
    assert_eq!((waiting["items"].as_array().unwrap().len(), &waiting["items"][0]["organisation"]), (2, &json!("mediatheque-test")));
    let settle = async |it: &Value, verdict: &str| {
        send(&app, Method::PATCH, &format!("{suggestions}/{}", text(&it["id"])), &editor, &json!({"verdict": verdict})).await
    };
    assert_eq!(settle(&refused, "refused").await.json()["verdict"], "refused");
    assert_eq!(settle(&refused, "accepted").await.json()["verdict"], "refused", "it stays as it is");
    assert_eq!(settle(&made.json(), "accepted").await.status, 200);
    let shown = eventually(Duration::from_secs(2), || async { app.get(CCAS).await.json()["phone"] == "+33261910197" }).await;
    assert!(shown);
    let record = app.get(CCAS).await.json();
    assert_eq!(
        (&record["provenance"]["phone"]["source"], &record["provenance"]["phone"]["by"]),
        (&json!("suggestion"), &json!("ccas-test"))
    );
    assert_ne!(record["name"], "Autre");
    assert_eq!(app.get_as(&format!("{suggestions}?settled=true"), &editor).await.json()["items"].as_array().unwrap().len(), 2);
}

const HEADER: &str = "id_fs,insee_dep,lib_fs,adresse,complement_adresse,insee_com,code_postal,lib_com,latitude,longitude,mail,telephone,\
    h_lundi,h_mardi,h_mercredi,h_jeudi,h_vendredi,h_samedi,prise_rdv,commentaire,type_fs,format_fs,groupe_fs,labellisation_fs";

/// Imports twelve places of the national list; the report, and what was said.
fn import(database: &TestDatabase, phone: &str, street: &str, places: std::ops::Range<u32>, day: &str) -> (Value, String) {
    let rows: Vec<String> = places
        .map(|number| {
            format!(
                "{number},35,France services n° {number},{street},,35238,35000,Rennes,48.{:03},-1.68,fs{number}@example.org,{phone},\
                 09:00 - 12:00,,,,,,Non,,Principal,Fixe,,Espace labellisé 01/01/2020",
                50 + number
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (file, report) = (folder.path().join(format!("liste_{day}.csv")), folder.path().join("report.json"));
    std::fs::write(&file, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    let output = binary(&["import", "france-services", "--database-url", &database.url("postgres"), "--data-dir"])
        .args([folder.path(), file.as_path()])
        .arg("--report")
        .arg(&report)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap(), said)
}

#[tokio::test]
async fn an_import_keeps_what_an_editor_set_and_says_so() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let (report, _) = import(&database, "02 61 91 00 01", "1 rue A", 1..13, "20261101");
    assert_eq!((&report["created"], &report["rows"][0]["kept"]), (&json!(12), &json!([])), "{report}");
    let app = App::on(&database, "demo");
    let place = format!("/v1/structures/{}", text(&report["rows"][0]["id"]));
    let administrator = app.token("administrator", "admin", "installation");
    let set = change(&app, &place, &administrator, Some("*"), &json!({"phone": "02 61 91 00 99", "name": "Maison"})).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let (report, said) = import(&database, "02 61 91 00 02", "2 rue B", 1..13, "20261102");
    assert_eq!((&report["updated"], &report["rows"][0]["status"]), (&json!(12), &json!("updated")), "{report}");
    assert_eq!(report["rows"][0]["kept"], json!(["name", "phone"]), "and row by row");
    assert_eq!(report["rows"][0]["remarks"][0]["code"], "edited_here");
    assert!(said.contains("1 fiches modifiées ici gardent") && said.contains("name, phone"), "{said}");
    let current = eventually(Duration::from_secs(2), || async { app.get(&place).await.json()["address"] == "2 rue B" }).await;
    assert!(current, "what nobody set is the source's");
    let record = app.get(&place).await.json();
    assert_eq!((&record["phone"], &record["name"]), (&json!("+33261910099"), &json!("Maison")));
    assert_eq!(
        (&record["provenance"]["phone"]["source"], &record["provenance"]["address"]["date"]),
        (&json!("edit"), &json!("2026-11-02"))
    );
    // Its version was read before the import.
    let stale = change(&app, &place, &administrator, Some(set.header("etag")), &json!({"free": true})).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    let undone = change(&app, &place, &administrator, Some("*"), &json!({"revert": ["phone"]})).await.json();
    assert_eq!(undone["phone"], "+33261910002", "what the source says now");
    // One that somebody edited isn't closed by being lost from the list; the report names it.
    let (report, said) = import(&database, "02 61 91 00 02", "2 rue B", 2..13, "20261103");
    assert_eq!((&report["closed"], &report["kept_open"][0]["name"]), (&json!(0), &json!("Maison")), "{report}");
    assert!(said.contains("« Maison »"), "{said}");
}

#[tokio::test]
async fn every_field_of_every_record_says_its_source_and_date() {
    let (app, _database) = App::national().await;
    let about = ["id", "source", "source_id", "commune", "source_date", "updated_at", "distance_m", "keeper", "provenance"];
    let listed = app.get("/v1/structures?lat=48.11&lon=-1.68&radius_m=20000&limit=100").await.json();
    for item in listed["items"].as_array().unwrap() {
        let record = app.get(&format!("/v1/structures/{}", text(&item["id"]))).await.json();
        for key in record.as_object().unwrap().keys().filter(|key| !about.contains(&key.as_str())) {
            let provenance = &record["provenance"][key];
            assert!(provenance["source"].is_string() && provenance["date"].is_string(), "{key}: {provenance}");
        }
        assert!(record["provenance"]["commune"]["date"].is_string());
    }
}
