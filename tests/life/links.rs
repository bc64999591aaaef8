use std::collections::BTreeSet;
use std::time::Duration;

use aiguilleur_testkit::{App, NATIONAL, TestDatabase, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{arrive, dump, holding, kept, number, path, places, refer, submit, target_link, text};

/// The addresses that a page leads to, whatever for.
fn addresses(page: &str) -> BTreeSet<String> {
    let starts = ["href=\"", "src=\"", "action=\""];
    let found = starts.iter().flat_map(|start| page.split(start).skip(1).filter_map(|rest| rest.split('"').next()));
    found.map(|address| address.replace("&amp;", "&").replace("&#x2F;", "/")).filter(|address| address.starts_with('/')).collect()
}

#[tokio::test]
async fn a_link_is_a_secret_of_which_only_the_digest_is_kept() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let made = app.post(&format!("{}/links", path(&referral)), &token, &json!({"for": "target"})).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"));
    let made = made.json();
    let (site, secret) = text(&made["url"]).rsplit_once("/s/").unwrap();
    assert_eq!((site, secret.len()), (app.address.as_str(), 64));
    assert!(secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let lasts = text(&made["expires_at"]).parse::<chrono::DateTime<chrono::Utc>>().unwrap() - chrono::Utc::now();
    assert!((6 * 24 * 60 + 23 * 60..=7 * 24 * 60).contains(&lasts.num_minutes()), "{lasts}");
    let whole = dump(&database).await;
    assert_eq!(holding(&whole, secret), Vec::<&str>::new());
    let digest = &database.query(&format!("SELECT encode(sha256('{secret}'), 'hex') AS line")).await[0];
    assert_eq!(holding(&whole, digest), ["referral_link"]);
    assert_eq!(holding(&whole, text(&referral["code"])), ["referral"]);
    // The person's link is that of the code, and nothing is kept of it.
    let person = app.post(&format!("{}/links", path(&referral)), &token, &json!({"for": "person"})).await.json();
    assert_eq!((&person["url"], &person["expires_at"]), (&json!(format!("{}/c/{}", app.address, text(&referral["code"]))), &Value::Null));
    assert_eq!(dump(&database).await, whole);
}

#[tokio::test]
async fn a_mail_scanner_that_follows_every_link_changes_nothing() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let place = places(&app, "france-services").await[0].clone();
    let referral = refer(&app, &token, json!({"target": place})).await;
    let link = format!("/s/{}", target_link(&app, &token, &referral).await);
    let code = text(&referral["code"]);
    let before = kept(&database).await;
    let mut known: BTreeSet<String> = [link.clone(), format!("{link}?utm_source=mail"), format!("/c/{code}")].into();
    let mut to_follow: Vec<String> = known.iter().cloned().collect();
    while let Some(address) = to_follow.pop() {
        for method in [Method::GET, Method::HEAD] {
            let answer = app.send(method, &address, &[], None).await;
            assert!(answer.status.as_u16() < 500, "{address}: {}", answer.status);
            let is_page = answer.header("content-type").starts_with("text/html") && known.len() < 200;
            for next in addresses(&answer.text).into_iter().filter(|_| is_page) {
                if known.insert(next.clone()) {
                    to_follow.push(next);
                }
            }
        }
    }
    assert!(known.contains(&format!("/c/{code}/erase?lang=fr")), "it went all the way: {known:?}");
    for _ in 0..20 {
        assert_eq!(app.get(&link).await.status, 200);
    }
    assert_eq!(kept(&database).await, before);
    // Nor do other methods do anything.
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        assert!(app.send(method, &link, &[], None).await.status.as_u16() >= 400);
    }
    assert_eq!(kept(&database).await, before);
    let page = app.get(&link).await;
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"));
    assert_eq!(submit(&app, &link, &[("version", "1"), ("to", "accepted")]).await.status, 303, "it is good still");
}

#[tokio::test]
async fn links_that_are_over_replaced_truncated_or_foreign_open_nothing() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let replaced = target_link(&app, &token, &referral).await;
    let good = target_link(&app, &token, &referral).await;
    let other = refer(&app, &token, json!({})).await;
    let over = target_link(&app, &token, &other).await;
    let id = text(&other["id"]);
    database.sql(&format!("UPDATE referral_link SET expires_at = now() - interval '1 second' WHERE referral_id = '{id}'")).await;
    let before = kept(&database).await;
    let foreign = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let digest = database.query("SELECT token_digest AS line FROM referral_link LIMIT 1").await.remove(0);
    let mut pages = BTreeSet::new();
    for secret in [&replaced, &over, &good[..63], &foreign, &digest, &format!("{good}0"), "x", "%00", "renewals"] {
        let page = app.get(&format!("/s/{secret}")).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"), "{secret}");
        pages.insert(page.text.split("name=\"token\" value=\"").next().unwrap().to_owned());
        if secret != "renewals" {
            let reply = submit(&app, &format!("/s/{secret}"), &[("version", "1"), ("to", "accepted")]).await;
            assert_eq!(reply.status, 404, "{secret}");
        }
    }
    assert_eq!(pages.len(), 1, "one page for all");
    assert_eq!(kept(&database).await, before);
    assert_eq!(app.get(&format!("/s/{good}")).await.status, 200);
    // What is over is over for its referral too: no link for what nobody has to answer any more.
    assert_eq!(submit(&app, &format!("/s/{good}"), &[("version", "1"), ("to", "declined"), ("reason", "no_capacity")]).await.status, 303);
    let late = app.post(&format!("{}/links", path(&referral)), &token, &json!({"for": "target"})).await;
    assert_eq!(late.status, 409, "{}", late.text);
}

#[tokio::test]
async fn a_renewal_says_the_same_whatever_it_is_given() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &token, json!({})).await;
    let over = target_link(&app, &token, &referral).await;
    database.sql("UPDATE referral_link SET expires_at = now() - interval '1 day'").await;
    let other = refer(&app, &token, json!({})).await;
    let good = target_link(&app, &token, &other).await;
    let foreign = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut answers = BTreeSet::new();
    for secret in [&over, &good, &good[..63], &foreign, "", "é", "' OR 1=1"] {
        let answer = submit(&app, "/s/renewals", &[("token", secret)]).await;
        let headers: BTreeSet<(String, String)> = answer
            .headers
            .iter()
            .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        answers.insert((answer.status.as_u16(), headers, answer.text));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().unwrap().0, 200);
    // The organisation sees who asked.
    let asked = "SELECT count(*) FROM referral_link WHERE renewal_asked";
    assert!(eventually(Duration::from_secs(5), || async { number(&database, asked).await == 2 }).await);
    let again = [("token", foreign.as_str())];
    let many = (0..12).map(|_| submit(&app, "/s/renewals", &again));
    assert!(futures_util::future::join_all(many).await.iter().any(|answer| answer.status == 429), "but not without end");
}

#[tokio::test]
async fn anothers_referral_is_not_found_anywhere() {
    let (app, database) = App::national().await;
    let (ours, theirs) = (app.token("mediator", "agent-1", "ours"), app.token("mediator", "agent-2", "theirs"));
    let referral = refer(&app, &ours, json!({})).await;
    refer(&app, &theirs, json!({})).await;
    let before = kept(&database).await;
    let (own, attempt) = (path(&referral), text(&referral["handoffs"][0]["id"]).to_owned());
    let authorization = format!("Bearer {theirs}");
    let headers = [("Authorization", authorization.as_str()), ("If-Match", "*")];
    for (method, url, body) in [
        (Method::POST, format!("{own}/handoffs"), Some(json!({"target": {"type": "institution", "id": "caf"}, "mode": "warm"}))),
        (Method::POST, format!("{own}/handoffs/{attempt}/transitions"), Some(json!({"to": "accepted"}))),
        (Method::POST, format!("{own}/links"), Some(json!({"for": "target"}))),
        (Method::POST, format!("{own}/links"), Some(json!({"for": "person"}))),
        (Method::POST, format!("{own}/outcomes"), Some(json!({"outcome": "resolved"}))),
        (Method::GET, format!("{own}/slip"), None),
        (Method::GET, own.clone(), None),
    ] {
        let answer = app.send(method, &url, &headers, body.as_ref()).await;
        assert_eq!(answer.status, 404, "{url}: {}", answer.text);
        assert!(!answer.text.contains(text(&referral["code"])));
        let nowhere = url.replace(text(&referral["id"]), &Uuid::new_v4().to_string());
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let none = app.send(method, &nowhere, &headers, body.as_ref()).await;
        assert_eq!((none.status, &none.json()["detail"]), (answer.status, &answer.json()["detail"]), "as of one that is none");
    }
    assert_eq!(app.get_as("/v1/follow-ups", &theirs).await.json()["items"], json!([]));
    // Not through one's own either.
    let mine = app.get_as("/v1/referrals", &theirs).await.json()["items"][0].clone();
    let crossed = format!("{}/handoffs/{attempt}/transitions", path(&mine));
    assert_eq!(app.send(Method::POST, &crossed, &headers, Some(&json!({"to": "accepted"}))).await.status, 404);
    let link = json!({"for": "target", "handoff_id": attempt});
    assert_eq!(app.post(&format!("{}/links", path(&mine)), &theirs, &link).await.status, 422);
    let redirect = json!({"target": {"type": "institution", "id": "caf"}, "mode": "warm", "previous_id": attempt});
    assert_eq!(app.post(&format!("{}/handoffs", path(&mine)), &theirs, &redirect).await.status, 422);
    assert_eq!(kept(&database).await, before);
}

#[tokio::test]
async fn the_log_holds_neither_codes_nor_secrets_nor_ids() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let app = App::with_settings(&database, "demo", &[("RUST_LOG", "info")]);
    let token = app.token("mediator", "agent-7q4m2", "ours");
    let place = places(&app, "france-services").await[0].clone();
    let referral = refer(&app, &token, json!({"person_ref": "dossier-812"})).await;
    let (id, code) = (text(&referral["id"]), text(&referral["code"]));
    let secret = target_link(&app, &token, &referral).await;
    for address in [
        format!("/s/{secret}"),
        format!("//s/{secret}"),
        format!("/%73/{secret}"),
        format!("/S/{secret}"),
        format!("/s/{secret}/more"),
        format!("/c/{code}"),
        format!("/c/{}", code.to_lowercase()),
        format!("/c//{code}"),
        format!("/c/{code}/data.json"),
        format!("/%63/{code}/erase"),
        format!("/c?code={code}"),
        format!("/v1/referrals/{id}"),
        format!("/v1/%72eferrals/{id}"),
        format!("/v1//referrals/{id}"),
        format!("/V1/Referrals/{id}"),
        format!("/v1/referrals/{id}/slip"),
        format!("/v1/referrals/{id}/nothing"),
    ] {
        app.get_as(&address, &token).await;
    }
    submit(&app, &format!("/s/{secret}"), &[("version", "1"), ("to", "declined"), ("reason", "hours_wrong")]).await;
    submit(&app, "/s/renewals", &[("token", &secret)]).await;
    submit(&app, "/c", &[("code", code)]).await;
    submit(&app, &format!("/c/{code}"), &[("outcome", "resolved")]).await;
    arrive(&app, &token, code, &place).await;
    arrive(&app, &token, &code[..9], &place).await;
    app.post("/v1/outcomes", &token, &json!({"code": code, "outcome": "resolved"})).await;
    app.post(&format!("/v1/referrals/{id}/outcomes"), &token, &json!({"outcome": "resolved"})).await;
    submit(&app, &format!("/c/{code}/erase"), &[]).await;
    let answered = || app.log().matches("answered").count();
    assert!(eventually(Duration::from_secs(5), || async { answered() >= 25 }).await, "{}", app.log());
    let log = app.log().to_lowercase();
    let simple = id.replace('-', "");
    for told in [secret.as_str(), code, &code[..9], id, &simple, "dossier-812", "agent-7q4m2", text(&referral["handoffs"][0]["id"])] {
        let said: Vec<&str> = log.lines().filter(|line| line.contains(&told.to_lowercase())).collect();
        assert_eq!(said, Vec::<&str>::new(), "{told}");
    }
    let metrics = app.get("/metrics").await.text.to_lowercase();
    for told in [secret.as_str(), code, id] {
        assert!(!metrics.contains(&told.to_lowercase()), "{told}");
    }
}
