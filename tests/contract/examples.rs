//! Every operation shows a request and an answer that are real: they fit what the document says of them, and the service gives them.

use aiguilleur_api::{access, spec};
use aiguilleur_domain::access::Role;
use aiguilleur_testkit::mail::PostOffice;
use aiguilleur_testkit::{Answer, App, NATIONAL, TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};

/// An operation of the document.
pub struct Operation {
    pub method: Method,
    /// With its parameters in braces.
    pub path: &'static str,
    pub id: &'static str,
    pub said: &'static Value,
}

pub fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in spec::document()["paths"].as_object().unwrap() {
        for (method, said) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push(Operation { method, path, id: said["operationId"].as_str().unwrap(), said });
        }
    }
    operations
}

/// A request, to be sent as it is or spoilt.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Request {
    pub async fn send(&self, app: &App) -> Answer {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.send(self.method.clone(), &format!("{}?{}", self.path, self.query), &headers, self.body.as_ref()).await
    }
}

impl Operation {
    /// The request of the document's examples, with a token where one is needed. Ids can't be known beforehand.
    pub fn request(&self, known: &Known) -> Request {
        let ids = [
            ("/v1/referents/{id}/messages", &known.relay),
            ("/v1/referents/{id}", &known.referent),
            ("/v1/misuse-reports/{id}", &known.misuse),
            ("/v1/referrals/{id}", &known.referral),
            ("/v1/organisations/{id}", &known.organisation),
            ("/v1/partner-keys/{id}", &known.key),
            ("/v1/issuers/{id}", &known.issuer),
            ("/v1/corrections/{id}", &known.correction),
            ("/v1/networks/{id}", &known.network),
            ("/v1/claims/{id}", &known.claim),
            ("/v1/structures/{id}/suggestions", &known.place),
            ("/v1/history/{entity}/{id}", &known.place),
        ];
        let known_id = ids.into_iter().find(|(prefix, _)| self.path.starts_with(prefix));
        let mut path = known_id.map_or_else(|| self.path.to_owned(), |(_, id)| self.path.replace("{id}", id));
        path = path.replace("{member_id}", &known.member).replace("{handoff_id}", &known.handoff);
        path = path.replace("{entity}", "structure").replace("{suggestion_id}", &known.suggestion);
        let mut query = Vec::new();
        for parameter in self.said["parameters"].as_array().into_iter().flatten() {
            let Some(example) = parameter.get("example") else { continue };
            let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let name = parameter["name"].as_str().unwrap();
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &value),
                "query" => query.push(format!("{name}={value}")),
                _ => {}
            }
        }
        let may = |role| access::allows(self.id, &[role], false);
        let token = match (may(Role::Mediator), may(Role::Administrator), may(Role::StructureEditor)) {
            (true, ..) => &known.mediator,
            (_, true, _) => &known.administrator,
            (_, _, true) => &known.claimant,
            _ => &known.editor,
        };
        let mut headers = if self.needs_token() { vec![("Authorization", format!("Bearer {token}"))] } else { Vec::new() };
        let asks_for_version = |parameter: &Value| parameter["name"] == "If-Match";
        if self.said["parameters"].as_array().is_some_and(|parameters| parameters.iter().any(asks_for_version)) {
            headers.push(("If-Match", "*".to_owned()));
        }
        let mut body = self.body().cloned();
        if let Some(code) = body.as_mut().and_then(|body| body.get_mut("code")) {
            *code = json!(known.code);
        }
        // A declared room counts for 90 days at most.
        if let Some(until) = body.as_mut().and_then(|body| body.get_mut("until")) {
            *until = json!(chrono::Utc::now().date_naive() + chrono::Duration::days(30));
        }
        Request { method: self.method.clone(), path, query: query.join("&"), headers, body }
    }

    pub fn needs_token(&self) -> bool {
        self.said["security"].as_array().is_some_and(|ways| !ways.is_empty() && ways.iter().all(|way| way["bearer"].is_array()))
    }

    pub fn body(&self) -> Option<&'static Value> {
        self.said.pointer("/requestBody/content/application~1json/example")
    }

    /// The statuses that the document lists.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.said["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap())
    }

    /// Media type, schema and example of each form that the answers of a status may take.
    fn forms(&self, status: u16) -> impl Iterator<Item = (&'static String, &'static Value)> {
        self.said["responses"][status.to_string()]["content"].as_object().into_iter().flatten()
    }

    /// Whether an answer is one that the document lists: its status, its media type and its form.
    pub fn check(&self, answer: &Answer) {
        let (status, id) = (answer.status.as_u16(), self.id);
        assert!(self.statuses().any(|known| known == status), "{id} answered {status}, which is not documented: {}", answer.text);
        let sent = answer.header("content-type").split(';').next().unwrap();
        let mut forms = self.forms(status).peekable();
        if forms.peek().is_none() {
            assert_eq!(answer.text, "", "{id} {status}");
            return;
        }
        let (_, form) = forms.find(|(media, _)| *media == sent).unwrap_or_else(|| panic!("{id} {status}: {sent} is not documented"));
        let value = if sent.ends_with("json") && !sent.ends_with("ndjson") { answer.json() } else { json!(answer.text) };
        assert_fits(&form["schema"], &value, &format!("{id} {status}"));
    }
}

/// Holds a value against a schema of the document.
pub fn assert_fits(schema: &Value, value: &Value, what: &str) {
    let whole = json!({"allOf": [schema], "components": spec::document()["components"]});
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap_or_else(|error| panic!("{what}: {error}"));
    let faults: Vec<String> = validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{what}: {}", faults.join("; "));
}

#[test]
fn every_operation_shows_what_it_takes_and_gives() {
    for operation in operations() {
        let id = operation.id;
        for parameter in operation.said["parameters"].as_array().into_iter().flatten() {
            let (name, required) = (&parameter["name"], parameter["required"] == true);
            assert!(!required || parameter.get("example").is_some(), "{id}: the required parameter {name} has no example");
            if let Some(example) = parameter.get("example") {
                assert_fits(&parameter["schema"], example, &format!("{id}: {name}"));
            }
        }
        if let Some(taken) = operation.said.pointer("/requestBody/content/application~1json") {
            let example = operation.body().unwrap_or_else(|| panic!("{id} shows no body to send"));
            assert_fits(&taken["schema"], example, &format!("{id}, its body"));
        }
        for status in operation.statuses() {
            for (media, form) in operation.forms(status) {
                let what = format!("{id} {status} {media}");
                let example = form.get("example").unwrap_or_else(|| panic!("{what} shows no answer: see crates/api/src/examples.json"));
                assert_fits(&form["schema"], example, &what);
            }
        }
    }
}

#[tokio::test]
async fn what_is_shown_is_what_is_given() {
    let (database, post) = (TestDatabase::clone_of(NATIONAL).await, PostOffice::open());
    let app = App::with_settings(&database, "demo", &[("AIGUILLEUR_SMTP_URL", &post.url)]);
    for operation in operations() {
        let known = Known::on(&app).await;
        let answer = operation.request(&known).send(&app).await;
        assert!(answer.status.is_success(), "{}: {}", operation.id, answer.text);
        operation.check(&answer);
        let Some((_, form)) = operation.forms(answer.status.as_u16()).next() else { continue };
        let shown = form.get("example").unwrap();
        assert_eq!(outline(shown), outline(&answer.json()), "{}: its example is not what it gives now", operation.id);
    }
}

/// The keys of an answer's first level: an example that fell behind lacks some.
fn outline(value: &Value) -> Vec<&String> {
    value.as_object().into_iter().flat_map(|object| object.keys()).collect()
}

/// Who keeps the CAF's contacts in Ille-et-Vilaine.
const EDITOR: [&str; 10] =
    ["--role", "institution_editor", "--subject", "somebody", "--organisation", "caf-35", "--institution", "caf", "--territory", "35"];

/// What requests name: tokens, and records that are there.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub mediator: String,
    pub administrator: String,
    /// Keeps the CAF's contacts.
    pub editor: String,
    /// A contact, one behind a relay, and a report about the first.
    pub referent: String,
    pub relay: String,
    pub misuse: String,
    /// Of structures, of no organisation that anybody else is of.
    pub claimant: String,
    /// Has been edited here.
    pub place: String,
    pub claim: String,
    /// On that place.
    pub suggestion: String,
    pub referral: String,
    pub handoff: String,
    /// On the referral's slip.
    pub code: String,
    pub correction: String,
    pub organisation: String,
    pub member: String,
    pub key: String,
    /// What the key's pages send.
    pub key_itself: String,
    pub issuer: String,
    /// The mediator's organisation keeps it and belongs to it.
    pub network: String,
}

impl Known {
    /// Records of their own, so that one may be removed.
    pub async fn on(app: &App) -> Self {
        let name = format!("known-{}", uuid::Uuid::new_v4().simple());
        let known = Self {
            mediator: app.token("mediator", "somebody", "somewhere"),
            administrator: app.token("administrator", "somebody", "installation"),
            editor: app.token_with(&EDITOR),
            claimant: app.token("structure_editor", "somebody", &format!("other-{name}")),
            ..Self::default()
        };
        let shown = |id| operations().into_iter().find(|operation| operation.id == id).and_then(|create| create.body().cloned()).unwrap();
        let contact = made(app, &known.editor, "/v1/referents", &shown("create_referent")).await;
        let mut behind_a_relay = shown("create_referent");
        behind_a_relay["visibility"] = json!("relay");
        let relay = made(app, &known.editor, "/v1/referents", &behind_a_relay).await;
        let misuse = format!("/v1/referents/{}/misuse-reports", contact["id"].as_str().unwrap());
        let misuse = made(app, &known.editor, &misuse, &shown("report_misuse")).await;
        let accepted = app.post("/v1/charter/acceptances", &known.mediator, &json!({"version": 1})).await;
        assert_eq!(accepted.status, 200, "{}", accepted.text);
        let referral = made(app, &known.mediator, "/v1/referrals", &shown("create_referral")).await;
        let place = app.get("/v1/structures?commune=35238&limit=1").await.json()["items"][0]["id"].clone();
        let elsewhere = json!({"procedure": "rsa", "commune": "35238", "mode": "warm", "target": {"type": "structure", "id": place}});
        let elsewhere = made(app, &known.mediator, "/v1/referrals", &elsewhere).await;
        let outcomes = format!("/v1/referrals/{}/outcomes", elsewhere["id"].as_str().unwrap());
        made(app, &known.mediator, &outcomes, &json!({"outcome": "unresolved", "reason": "hours_wrong"})).await;
        let corrections = app.get_as("/v1/corrections", &known.administrator).await.json();
        let post = async |path: &str, body: Value| made(app, &known.administrator, path, &body).await;
        let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
        let organisation = post("/v1/organisations", json!({"slug": name})).await;
        let members = format!("/v1/organisations/{}/members", text(&organisation, "id"));
        let member = post(&members, json!({"subject": "known", "roles": ["mediator"]})).await;
        let key = post("/v1/partner-keys", json!({"organisation": name, "label": "x", "origins": ["https://known.exemple.fr"]})).await;
        let network = json!({"slug": name, "label": "x", "territory": ["35"], "keeper": "somewhere"});
        let network = text(&post("/v1/networks", network).await, "id");
        for (path, token, body) in [
            ("members/somewhere", &known.administrator, None),
            ("notes/rsa", &known.mediator, Some(json!({"markdown": "Appeler *avant* midi."}))),
        ] {
            let authorization = format!("Bearer {token}");
            let path = format!("/v1/networks/{network}/{path}");
            let answer = app.send(Method::PUT, &path, &[("Authorization", &authorization)], body.as_ref()).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.text);
        }
        // Another one each time: so many suggestions may wait for one place.
        let places = app.get("/v1/structures?lat=48.11&lon=-1.68&limit=100").await.json()["items"].as_array().unwrap().clone();
        let place = text(&places[fastrand::usize(..places.len())], "id");
        let (authorization, path) = (format!("Bearer {}", known.administrator), format!("/v1/structures/{place}"));
        let change = json!({"note": name});
        let headers = [("Authorization", authorization.as_str()), ("If-Match", "*")];
        let edited = app.send(Method::PATCH, &path, &headers, Some(&change)).await;
        assert_eq!(edited.status, 200, "{}", edited.text);
        let suggestion = post(&format!("{path}/suggestions"), json!({"changes": {"phone": "02 61 91 01 98"}})).await;
        let claimant = app.token("structure_editor", "somebody", &name);
        let claim = made(app, &claimant, &format!("{path}/claims"), &json!({})).await;
        let url = format!("https://{name}.exemple.fr");
        let issuer = post("/v1/issuers", json!({"slug": name, "label": "x", "url": url, "audiences": ["aiguilleur"]})).await;
        Self {
            referent: text(&contact, "id"),
            relay: text(&relay, "id"),
            misuse: text(&misuse, "id"),
            referral: text(&referral, "id"),
            handoff: text(&referral["handoffs"][0], "id"),
            code: text(&referral, "code"),
            correction: text(&corrections["items"][0], "id"),
            organisation: text(&organisation, "id"),
            member: text(&member, "id"),
            key: text(&key, "id"),
            key_itself: text(&key, "key"),
            issuer: text(&issuer, "id"),
            network,
            claim: text(&claim, "id"),
            suggestion: text(&suggestion, "id"),
            place,
            ..known
        }
    }
}

async fn made(app: &App, token: &str, path: &str, body: &Value) -> Value {
    let answer = app.post(path, token, body).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn every_line_of_the_stream_is_a_structure() {
    let (app, _database) = App::national().await;
    let schema = json!({"$ref": "#/components/schemas/StructureItem"});
    let answer = app.get("/v1/structures.ndjson").await;
    for line in answer.text.lines().step_by(1_000) {
        assert_fits(&schema, &serde_json::from_str(line).unwrap(), line);
    }
}
