//! Every status that the document lists for an operation is reached by some request, and no request reaches one that it doesn't list.

use std::collections::{BTreeMap, BTreeSet};

use aiguilleur_api::access::OPERATIONS;
use aiguilleur_testkit::mail::PostOffice;
use aiguilleur_testkit::raw::{self, Raw};
use aiguilleur_testkit::{App, NATIONAL, TestDatabase};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::examples::{Known, Operation, Request, operations};

/// What was reached, by operation.
type Reached = BTreeMap<&'static str, BTreeSet<u16>>;

/// A way to spoil a good request; `None` where it doesn't apply.
type Spoil = fn(&Operation, Request) -> Option<Request>;

const SPOILT: &[(&str, Spoil)] = &[
    ("nothing is wrong", |_, request| Some(request)),
    ("asked again", |_, request| Some(with_header(request, "If-None-Match", "*"))),
    ("no such parameter", |_, request| Some(with_query(request, "garbage=1"))),
    ("too long an address", |_, request| Some(with_query(request, &format!("q={}", "a".repeat(9_000))))),
    ("no such format", |_, request| Some(with_header(request, "Accept", "image/png"))),
    ("a bad token", |_, request| Some(with_header(request, "Authorization", "Bearer nonsense"))),
    ("an unknown key", |_, request| Some(with_header(request, "Aiguilleur-Key", "pk_nonsense"))),
    ("no token", |_, mut request| {
        request.headers.retain(|(name, _)| *name != "Authorization");
        Some(request)
    }),
    ("no such thing", |operation, mut request| {
        let segments = operation.path.split('/').zip(request.path.split('/'));
        let others: Vec<&str> = segments.map(|(known, segment)| if known.starts_with('{') { "nobody" } else { segment }).collect();
        request.path = others.join("/");
        Some(request)
    }),
    ("not JSON", |_, request| request.body.is_some().then(|| with_header(request, "Content-Type", "text/plain"))),
    ("an empty body", |_, request| with_body(request, json!({}))),
    ("a list for a body", |_, request| with_body(request, json!([[]]))),
    ("too large a body", |_, request| with_body(request, json!("a".repeat(300_000)))),
];

fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    request.headers.retain(|(known, _)| *known != name);
    request.headers.push((name, value.to_owned()));
    request
}

fn with_query(mut request: Request, query: &str) -> Request {
    request.query = format!("{}&{query}", request.query);
    request
}

fn with_body(mut request: Request, body: Value) -> Option<Request> {
    request.body = Some(request.body.map(|_| body)?);
    Some(request)
}

#[tokio::test]
async fn every_status_listed_is_reached_and_no_other() {
    let (database, post) = (TestDatabase::clone_of(NATIONAL).await, PostOffice::open());
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_SMTP_URL", &post.url)]);
    let mut reached = Reached::new();
    for operation in operations() {
        let known = Known::on(&app).await;
        let good = operation.request(&known);
        // Of no page that it was made for.
        note(&mut reached, &operation, &app, with_header(good.clone(), "Aiguilleur-Key", &known.key_itself)).await;
        for (_, spoil) in SPOILT {
            if let Some(request) = spoil(&operation, good.clone()) {
                note(&mut reached, &operation, &app, request).await;
            }
        }
        for role in ["partner", "administrator"] {
            let other = format!("Bearer {}", app.token(role, "somebody", "somewhere"));
            note(&mut reached, &operation, &app, with_header(good.clone(), "Authorization", &other)).await;
        }
        for name in query_parameters(&operation) {
            for absurd in ["", "0", "no-such-value", "%00", "%FF"] {
                let kept: Vec<&str> = good.query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
                let query = format!("{}&{name}={absurd}", kept.join("&"));
                note(&mut reached, &operation, &app, Request { query, ..good.clone() }).await;
            }
        }
    }
    let known = Known::on(&app).await;
    an_overlap_is_too_long(&mut reached, &app, &known).await;
    keys_are_used_again(&mut reached, &app, &known).await;
    changes_are_refused(&mut reached, &app, &known).await;
    contacts_are_refused(&mut reached, &app, &known).await;
    records_are_changed_unread(&mut reached, &app, &known).await;
    a_code_is_nobodys(&mut reached, &app, &known).await;
    an_address_cannot_be_located(&mut reached, &app).await;
    many_ask_for_an_atlas(&mut reached, &app).await;
    too_many_at_once(&mut reached, &app, &known).await;
    bodies_never_arrive(&mut reached, &app, &known).await;
    nobody_is_taken_on(&mut reached, &database, &known).await;
    somebody_asks_too_often(&mut reached, &database, &known).await;
    database.shut().await;
    for operation in operations() {
        // Without a key a batch tells of each referral that it couldn't be recorded; with one it is refused whole.
        let request = with_header(operation.request(&known), "Idempotency-Key", "while away");
        note(&mut reached, &operation, &app, request).await;
    }
    for operation in operations() {
        let listed: BTreeSet<u16> = operation.statuses().collect();
        assert_eq!(listed, reached[operation.id], "{}: on the left what is documented, on the right what was reached", operation.id);
    }
    assert_eq!(reached.len(), OPERATIONS.len());
}

/// Sends a request, holds the answer against the document, and remembers its status.
async fn note(reached: &mut Reached, operation: &Operation, app: &App, request: Request) {
    let answer = request.send(app).await;
    operation.check(&answer);
    reached.entry(operation.id).or_default().insert(answer.status.as_u16());
}

fn query_parameters(operation: &Operation) -> impl Iterator<Item = &'static str> {
    let parameters = operation.said["parameters"].as_array().into_iter().flatten();
    parameters.filter(|parameter| parameter["in"] == "query").map(|parameter| parameter["name"].as_str().unwrap())
}

fn named(id: &str) -> Operation {
    operations().into_iter().find(|operation| operation.id == id).unwrap()
}

async fn an_overlap_is_too_long(reached: &mut Reached, app: &App, known: &Known) {
    let operation = named("rotate_partner_key");
    let request = Request { body: Some(json!({"overlap_hours": 100_000})), ..operation.request(known) };
    note(reached, &operation, app, request).await;
}

async fn keys_are_used_again(reached: &mut Reached, app: &App, known: &Known) {
    for (id, pointer, other) in [
        ("create_referral", "/mode", json!("warm")),
        ("create_referrals_batch", "/items/0/mode", json!("warm")),
        ("report_outcome", "/outcome", json!("resolved")),
        ("report_outcome_by_code", "/outcome", json!("not_needed")),
        ("report_arrival", "/at", json!({"type": "institution", "id": "cpam"})),
        ("add_handoff", "/mode", json!("information")),
    ] {
        let operation = named(id);
        let first = with_header(operation.request(known), "Idempotency-Key", id);
        note(reached, &operation, app, first.clone()).await;
        let mut body = first.body.clone().unwrap();
        let field = body.pointer_mut(pointer).unwrap();
        assert_ne!(*field, other, "{id}: another body is wanted");
        *field = other;
        note(reached, &operation, app, Request { body: Some(body), ..first }).await;
    }
}

/// A version that isn't said, that isn't the referral's, a change that isn't allowed; then nobody has anything left to answer.
async fn changes_are_refused(reached: &mut Reached, app: &App, known: &Known) {
    let change = named("create_transition");
    let to = |to: &str, version: Option<&'static str>| {
        let mut request = with_body(change.request(known), json!({"to": to, "reason": "no_capacity"})).unwrap();
        request.headers.retain(|(name, _)| *name != "If-Match");
        request.headers.extend(version.map(|version| ("If-Match", version.to_owned())));
        request
    };
    for request in [to("declined", None), to("declined", Some("W/\"99\"")), to("in_progress", Some("*"))] {
        note(reached, &change, app, request).await;
    }
    let stale = with_header(named("add_handoff").request(known), "If-Match", "W/\"99\"");
    note(reached, &named("add_handoff"), app, stale).await;
    let edit = named("update_structure");
    let with_version = |version: Option<&'static str>| {
        let mut request = edit.request(known);
        request.headers.retain(|(name, _)| *name != "If-Match");
        request.headers.extend(version.map(|version| ("If-Match", version.to_owned())));
        request
    };
    for request in [with_version(None), with_version(Some("W/\"0-fr\""))] {
        note(reached, &edit, app, request).await;
    }
    let suggest = named("create_suggestion");
    for _ in 0..=50 {
        note(reached, &suggest, app, suggest.request(known)).await;
    }
    note(reached, &change, app, to("cancelled", Some("*"))).await;
    let link = named("create_link");
    let request = with_body(link.request(known), json!({"for": "target", "handoff_id": known.handoff})).unwrap();
    note(reached, &link, app, request).await;
}

/// A contact that is reached another way.
async fn contacts_are_refused(reached: &mut Reached, app: &App, known: &Known) {
    let update = named("update_referent");
    note(reached, &update, app, with_body(update.request(known), json!({"weekly_cap": 99_999})).unwrap()).await;
    for (id, path, other) in [("create_showing", "showings", &known.relay), ("create_message", "messages", &known.referent)] {
        let operation = named(id);
        let request = Request { path: format!("/v1/referents/{other}/{path}"), ..operation.request(known) };
        note(reached, &operation, app, request).await;
    }
}

/// The first note on a procedure; then a version that isn't said, or isn't the record's.
async fn records_are_changed_unread(reached: &mut Reached, app: &App, known: &Known) {
    let write = named("write_practice_note");
    let mut first = write.request(known);
    first.path = first.path.replace("/rsa", "/prime-activite");
    note(reached, &write, app, first).await;
    for id in
        ["write_practice_note", "remove_practice_note", "update_procedure", "update_institution", "update_referent", "remove_referent"]
    {
        let operation = named(id);
        let good = operation.request(known);
        let mut unconditional = good.clone();
        unconditional.headers.retain(|(name, _)| *name != "If-Match");
        note(reached, &operation, app, unconditional).await;
        note(reached, &operation, app, with_header(good, "If-Match", "W/\"1000000\"")).await;
    }
}

async fn a_code_is_nobodys(reached: &mut Reached, app: &App, known: &Known) {
    let code = aiguilleur_domain::code::SlipCode::from_random(uuid::Uuid::from_u128(7)).to_string();
    for id in ["report_arrival", "report_outcome_by_code"] {
        let operation = named(id);
        let mut request = operation.request(known);
        request.body.as_mut().unwrap()["code"] = json!(code);
        note(reached, &operation, app, request).await;
    }
}

async fn too_many_at_once(reached: &mut Reached, app: &App, known: &Known) {
    let operation = named("create_referrals_batch");
    let request = operation.request(known);
    let one = request.body.as_ref().unwrap()["items"][0].clone();
    note(reached, &operation, app, Request { body: Some(json!({"items": vec![one; 101]})), ..request }).await;
}

/// No geocoder is in use, and the words name no commune.
async fn an_address_cannot_be_located(reached: &mut Reached, app: &App) {
    let asked = named("get_orientation");
    let request = Request { query: "procedure=rsa&address=nulle%20part".to_owned(), ..asked.request(&Known::default()) };
    note(reached, &asked, app, request).await;
    let sent = named("post_orientation");
    let body = json!({"procedure": "rsa", "address": "nulle part"});
    note(reached, &sent, app, Request { body: Some(body), ..sent.request(&Known::default()) }).await;
}

/// One atlas is computed at a time, and nobody waits for long.
async fn many_ask_for_an_atlas(reached: &mut Reached, app: &App) {
    let operation = named("list_coverage");
    let slugs: Vec<String> = app.get("/v1/procedures?limit=60").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|procedure| procedure["slug"].as_str().unwrap().to_owned())
        .collect();
    let request = |slug: &String| Request { query: format!("procedure={slug}&level=commune"), ..operation.request(&Known::default()) };
    let answers = join_all(slugs.iter().map(|slug| {
        let request = request(slug);
        async move { request.send(app).await }
    }))
    .await;
    for answer in answers {
        operation.check(&answer);
        reached.entry(operation.id).or_default().insert(answer.status.as_u16());
    }
}

/// Their heads do, and announce them.
async fn bodies_never_arrive(reached: &mut Reached, app: &App, known: &Known) {
    let waiting = operations().into_iter().filter_map(|operation| {
        let request = operation.request(known);
        let token = request.headers.first().map_or("", |(_, value)| value.trim_start_matches("Bearer "));
        let token = if token.is_empty() { &known.mediator } else { token };
        let written = raw::post(&request.path, token, &request.body?.to_string()).replacen("POST", operation.method.as_str(), 1);
        let head = written.split_once('{')?.0.to_owned();
        Some(async move {
            let mut client = Raw::connect(&app.address).await;
            client.write(&head).await;
            (operation.id, client.answer().await.unwrap().status)
        })
    });
    for (id, status) in join_all(waiting).await {
        reached.entry(id).or_default().insert(status);
    }
}

/// Where nobody may wait, everybody is refused.
async fn nobody_is_taken_on(reached: &mut Reached, database: &TestDatabase, known: &Known) {
    let app = App::with_settings(database, "none", &[("AIGUILLEUR_CROWD", "0")]);
    for operation in operations() {
        note(reached, &operation, &app, operation.request(known)).await;
    }
}

/// From one address, as a proxy tells it.
async fn somebody_asks_too_often(reached: &mut Reached, database: &TestDatabase, known: &Known) {
    let settings = [("AIGUILLEUR_TRUSTED_PROXIES", "127.0.0.1"), ("AIGUILLEUR_RATE_ADDRESS", "1")];
    let app = App::with_settings(database, "none", &settings);
    let forwarded = |request: Request| with_header(request, "X-Forwarded-For", "203.0.113.7");
    let asked = named("list_procedures");
    for _ in 0..40 {
        note(reached, &asked, &app, forwarded(asked.request(known))).await;
    }
    for operation in operations() {
        note(reached, &operation, &app, forwarded(operation.request(known))).await;
    }
}
