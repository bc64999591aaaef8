use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::history::{self, Entity, Origin};
use aiguilleur_storage::{Scope, practice_notes, scoped};
use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase, eventually, token};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{SOON, pointers, send, storage, text};

/// Of whom each is an agent.
struct People {
    administrator: String,
    /// Of the keeper, on the network's territory.
    manager: String,
    /// Of two members.
    ours: String,
    theirs: String,
    stranger: String,
}

impl People {
    fn of(app: &App) -> Self {
        Self {
            administrator: app.token("administrator", "a", "installation"),
            manager: manager(app, "hub", "35,22"),
            ours: app.token("mediator", "m", "ours"),
            theirs: app.token("structure_editor", "e", "theirs"),
            stranger: app.token("mediator", "s", "strangers"),
        }
    }
}

fn manager(app: &App, organisation: &str, territory: &str) -> String {
    let of = ["--role", "network_manager", "--subject", "r", "--organisation", organisation, "--territory", territory];
    token(app.data_dir.path(), &of)
}

/// A network of the hub's, with two members; its path.
async fn network(app: &App, people: &People, changes: Value) -> String {
    for slug in ["hub", "ours", "theirs", "strangers"] {
        let made = app.post("/v1/organisations", &people.administrator, &json!({"slug": slug})).await;
        assert!([201, 409].contains(&made.status.as_u16()), "{}", made.text);
    }
    let mut new = json!({"slug": format!("n-{}", Uuid::new_v4().simple()), "label": "Réseau", "territory": ["35"], "keeper": "hub"});
    for (key, value) in changes.as_object().unwrap() {
        new[key] = value.clone();
    }
    let made = app.post("/v1/networks", &people.administrator, &new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = made.header("location").to_owned();
    for member in ["ours", "theirs"] {
        let added = send(app, Method::PUT, &format!("{path}/members/{member}"), &people.manager, None, None).await;
        assert_eq!(added.status, 204, "{}", added.text);
    }
    path
}

async fn write(app: &App, token: &str, note: &str, if_match: Option<&str>, markdown: &str) -> Answer {
    send(app, Method::PUT, note, token, if_match, Some(&json!({"markdown": markdown}))).await
}

#[tokio::test]
async fn a_network_is_its_members_and_nobody_elses() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let people = People::of(&app);
    let path = network(&app, &people, json!({})).await;
    let listed = async |token: &str| app.get_as("/v1/networks", token).await.json()["items"].as_array().unwrap().len();
    for token in [&people.administrator, &people.manager, &people.ours, &people.theirs] {
        assert_eq!(listed(token).await, 1);
        assert_eq!(app.get_as(&path, token).await.json()["keeper"], "hub");
    }
    assert_eq!(listed(&people.stranger).await, 0);
    assert_eq!(listed(&app.token("mediator", "x", "never-heard-of")).await, 0);
    assert_eq!(write(&app, &people.ours, &format!("{path}/notes/rsa"), None, "À nous.").await.status, 201);
    for (method, end) in [
        (Method::GET, ""),
        (Method::GET, "/members"),
        (Method::GET, "/notes"),
        (Method::GET, "/notes/rsa"),
        (Method::PUT, "/notes/rsa"),
        (Method::PUT, "/notes/aide-logement"),
        (Method::DELETE, "/notes/rsa"),
        (Method::GET, "/gaps"),
    ] {
        let body = (method == Method::PUT).then(|| json!({"markdown": "x"}));
        let answer = send(&app, method.clone(), &format!("{path}{end}"), &people.stranger, Some("*"), body.as_ref()).await;
        assert_eq!(answer.status, 404, "{method} {end}: {}", answer.text);
        assert_eq!(app.send(method, &format!("{path}{end}"), &[], body.as_ref()).await.status, 401);
    }
    // Members are the keeper's managers' to choose, on their own territory.
    let member = format!("{path}/members/strangers");
    for (whose, token, status) in [
        ("another's manager", manager(&app, "strangers", "FR"), 404),
        ("a member's manager", manager(&app, "ours", "35"), 403),
        ("elsewhere", manager(&app, "hub", "22"), 403),
        ("nowhere", app.token("network_manager", "r", "hub"), 403),
        ("no manager", app.token("mediator", "m", "hub"), 403),
    ] {
        for method in [Method::PUT, Method::DELETE] {
            assert_eq!(send(&app, method, &member, &token, None, None).await.status, status, "{whose}");
        }
    }
    assert_eq!(send(&app, Method::DELETE, &member, &people.manager, None, None).await.status, 404, "it is no member");
    assert_eq!(send(&app, Method::PUT, &format!("{path}/members/nobody"), &people.manager, None, None).await.status, 404);
    let members = app.get_as(&format!("{path}/members"), &people.ours).await.json();
    let slugs: Vec<&Value> = members["items"].as_array().unwrap().iter().map(|item| &item["organisation"]).collect();
    assert_eq!(slugs, ["ours", "theirs"]);
    // Who left sees nothing more; what they wrote stays.
    assert_eq!(send(&app, Method::DELETE, &format!("{path}/members/ours"), &people.manager, None, None).await.status, 204);
    assert_eq!(app.get_as(&path, &people.ours).await.status, 404);
    assert_eq!(app.get_as(&format!("{path}/notes/rsa"), &people.theirs).await.json()["updated_by"], "ours");
    assert_eq!(send(&app, Method::PUT, &format!("{path}/members/ours"), &people.manager, None, None).await.status, 204, "and comes back");
    assert_eq!(app.get_as(&path, &people.ours).await.status, 200);
}

#[tokio::test]
async fn a_network_that_means_nothing_is_refused_whole() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let people = People::of(&app);
    let path = network(&app, &people, json!({"theme": "caf"})).await;
    let new = json!({"slug": "a b", "label": "x\ny", "territory": ["35", "99"], "theme": "rien", "keeper": "nobody"});
    let refused = app.post("/v1/networks", &people.administrator, &new).await;
    let mut told = pointers(&refused);
    told.sort();
    assert_eq!((refused.status.as_u16(), told.join(" ")), (422, "/keeper /label /slug /territory /theme".to_owned()));
    assert_eq!(app.post("/v1/networks", &people.administrator, &json!({"territory": []})).await.status, 422);
    let change = async |body: Value| send(&app, Method::PATCH, &path, &people.administrator, None, Some(&body)).await;
    assert_eq!(change(json!({})).await.status, 422);
    assert_eq!(change(json!({"territory": []})).await.status, 422);
    let changed = change(json!({"theme": null, "territory": ["22", "35"], "label": "Bretagne"})).await.json();
    assert_eq!((&changed["theme"], &changed["territory"], &changed["keeper"]), (&json!(null), &json!(["22", "35"]), &json!("hub")));
    let slug = text(&changed["slug"]);
    let again = json!({"slug": slug, "label": "x", "territory": ["35"], "keeper": "hub"});
    assert_eq!(app.post("/v1/networks", &people.administrator, &again).await.status, 409);
}

#[tokio::test]
async fn a_note_runs_nothing_and_names_nobody() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let people = People::of(&app);
    let note = format!("{}/notes/rsa", network(&app, &people, json!({})).await);
    for attack in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://ailleurs.example/pixel.png)",
        "<svg/onload=alert(1)>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href=\"java&#x0A;script:alert(1)\" onmouseover=\"alert(1)\">x</a>",
        "<style>body{background:url(https://ailleurs.example)}</style>",
        "<p style=\"position:fixed\">x</p>",
        "<form action=https://ailleurs.example><input></form>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<details open ontoggle=alert(1)>",
    ] {
        let written = write(&app, &people.ours, &note, Some("*"), &format!("{attack}\n\nfin")).await;
        assert!(written.status.is_success(), "{attack}: {}", written.text);
        let html = text(&written.json()["html"]).to_lowercase();
        for never in [
            "<script",
            "<img",
            "<svg",
            "<iframe",
            "<style",
            "<form",
            "<input",
            "<math",
            "<details",
            " style=",
            "href=\"java",
            "href=\"data",
        ] {
            assert!(!html.contains(never), "{attack} left {never}: {html}");
        }
        let tags = html.split('<').filter_map(|part| part.split_once('>').map(|(tag, _)| tag));
        assert!(tags.clone().all(|tag| !tag.contains(" on")), "{attack} left a handler: {html}");
    }
    let link = write(&app, &people.ours, &note, Some("*"), "# Titre\n\n[la CAF](https://caf.fr)").await.json();
    assert_eq!(link["html"], "<h3>Titre</h3>\n<p><a href=\"https://caf.fr\" rel=\"noopener nofollow\">la CAF</a></p>\n");
    for (refused, status) in [
        ("Demander Mme X au 02 99 01 02 03", 422),
        ("écrire à jeanne.martin@caf.fr", 422),
        ("numéro 1 85 05 78 006 084 91", 422),
        ("allocataire 1234567", 422),
        ("   ", 422),
        ("a\u{0}b", 422),
        (&"é".repeat(20_001), 422),
    ] {
        assert_eq!(write(&app, &people.ours, &note, Some("*"), refused).await.status, status, "{refused:.40}");
    }
    assert!(write(&app, &people.ours, &note, Some("*"), &"é".repeat(20_000)).await.status.is_success());
    let unknown = note.replace("/rsa", "/none");
    assert_eq!(write(&app, &people.ours, &unknown, None, "x").await.status, 404);
    assert_eq!(send(&app, Method::PUT, &note, &people.ours, None, Some(&json!({}))).await.status, 422);
    let partner = app.token("partner", "p", "ours");
    assert_eq!(write(&app, &partner, &note, Some("*"), "x").await.status, 403);
}

#[tokio::test]
async fn two_who_write_at_once_lose_nothing_and_all_comes_back() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let people = People::of(&app);
    let note = format!("{}/notes/rsa", network(&app, &people, json!({})).await);
    let statuses = |answers: [&Answer; 2]| {
        let mut statuses = answers.map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        statuses
    };
    let (one, other) = tokio::join!(write(&app, &people.ours, &note, None, "une"), write(&app, &people.theirs, &note, None, "autre"));
    assert_eq!(statuses([&one, &other]), [201, 428], "{} {}", one.text, other.text);
    let first = app.get_as(&note, &people.ours).await;
    let tag = Some(first.header("etag"));
    let (one, other) = tokio::join!(write(&app, &people.ours, &note, tag, "une"), write(&app, &people.theirs, &note, tag, "autre"));
    assert_eq!(statuses([&one, &other]), [200, 412], "{} {}", one.text, other.text);
    let second = app.get_as(&note, &people.theirs).await;
    assert_eq!(second.json()["version"], 2);
    let remove = async |tag: Option<&str>| send(&app, Method::DELETE, &note, &people.ours, tag, None).await.status.as_u16();
    assert_eq!((remove(None).await, remove(tag).await, remove(Some(second.header("etag"))).await), (428, 412, 204));
    assert_eq!((app.get_as(&note, &people.ours).await.status.as_u16(), remove(Some("*")).await), (404, 404));
    // A version is never another text's: who knew the second doesn't write over what came after.
    assert_eq!(write(&app, &people.ours, &note, Some(second.header("etag")), "x").await.status, 412);
    let anew = write(&app, &people.ours, &note, None, "quatrième").await;
    assert_eq!((anew.status.as_u16(), &anew.json()["version"], &anew.json()["id"]), (201, &json!(4), &second.json()["id"]));

    let id = Uuid::parse_str(text(&second.json()["id"])).unwrap();
    let pool = storage(&database);
    let mut scope = scoped(&pool, Scope::System).await.unwrap();
    let states = history::list(&mut scope, Entity::PracticeNote, &id.to_string(), None, 10).await.unwrap();
    let told: Vec<_> = states.iter().map(|state| state.origin).collect();
    assert_eq!(told, [Origin::Edit, Origin::Removal, Origin::Edit, Origin::Edit]);
    let restored = practice_notes::restore(&mut scope, &Actor::command_line(), id, &states[2]).await.unwrap().unwrap();
    assert_eq!((restored.version, restored.markdown.as_deref()), (5, second.json()["markdown"].as_str()));
    scope.commit().await.unwrap();
    let back = app.get_as(&note, &people.ours).await.json();
    assert_eq!((&back["markdown"], &back["html"]), (&second.json()["markdown"], &second.json()["html"]));
    let mut scope = scoped(&pool, Scope::System).await.unwrap();
    practice_notes::restore(&mut scope, &Actor::command_line(), id, &states[1]).await.unwrap().unwrap();
    scope.commit().await.unwrap();
    assert_eq!(app.get_as(&note, &people.ours).await.status, 404, "removed again");
    // Another organisation's transaction sees neither the note nor its history.
    let strangers = database.query("SELECT id::text AS line FROM organisation WHERE slug = 'strangers'").await.remove(0);
    let mut scope = scoped(&pool, Scope::Organisation(Uuid::parse_str(&strangers).unwrap())).await.unwrap();
    assert_eq!(practice_notes::network_of(&mut scope, id).await.unwrap(), None);
    assert!(history::list(&mut scope, Entity::PracticeNote, &id.to_string(), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn gaps_are_told_by_institution_and_departement() {
    let (app, _database) = App::national().await;
    let people = People::of(&app);
    let of = async |changes: Value| {
        let path = network(&app, &people, changes).await;
        app.get_as(&format!("{path}/gaps"), &people.ours).await.json()
    };
    let all = of(json!({"territory": ["22", "35"]})).await;
    assert_eq!(all["departements"], json!(["22", "35"]));
    let caf = all["items"].as_array().unwrap().iter().find(|item| item["institution"]["slug"] == "caf").unwrap().clone();
    assert_eq!(caf["departements"], json!([{"slug": "22", "label": "Côtes-d'Armor"}, {"slug": "35", "label": "Ille-et-Vilaine"}]));
    let themed = of(json!({"theme": "caf"})).await;
    let themed = themed["items"].as_array().unwrap().len();
    assert!(themed > 0 && themed < all["items"].as_array().unwrap().len(), "{themed}");
}

/// Referrals by an organisation's agent, all at once.
async fn refer(app: &App, organisation: &str, count: usize, procedure: &str, commune: &str) {
    let token = app.token("mediator", "m", organisation);
    let one = json!({"procedure": procedure, "commune": commune, "target": {"type": "institution", "id": "caf"}, "mode": "information"});
    let batch = app.post("/v1/referrals/batch", &token, &json!({"items": vec![one; count]})).await;
    assert_eq!(batch.status, 200, "{}", batch.text);
    assert!(batch.json()["items"].as_array().unwrap().iter().all(|item| item["status"] == 201), "{}", batch.text);
}

#[tokio::test]
async fn a_manager_sees_figures_and_never_a_case() {
    let (app, _database) = App::national().await;
    let people = People::of(&app);
    // Before it was a member, and by one who isn't.
    refer(&app, "ours", 20, "rsa", "35238").await;
    refer(&app, "strangers", 15, "rsa", "35238").await;
    let path = network(&app, &people, json!({})).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let figures = async |token: &str, group_by: &str| {
        app.get_as(&format!("/v1/stats/referrals?scope=network&network={id}&group_by={group_by}"), token).await
    };
    let by_procedure = async || figures(&people.manager, "procedure").await.json();
    let of = |figures: &Value, key: &str| {
        figures["items"].as_array().unwrap().iter().find(|item| item["key"] == key).map(|item| item["referrals"].clone())
    };
    assert_eq!(by_procedure().await["items"], json!([]));

    refer(&app, "ours", 30, "rsa", "35238").await;
    refer(&app, "theirs", 12, "aide-logement", "35238").await;
    refer(&app, "ours", 4, "prime-activite", "35238").await;
    refer(&app, "ours", 12, "ameli-compte", "22278").await; // Another département.
    refer(&app, "ours", 12, "violences-conjugales", "35238").await; // Sensitive.
    assert!(eventually(SOON, async || of(&by_procedure().await, "rsa") == Some(json!(30))).await, "{}", by_procedure().await);
    let told = by_procedure().await;
    assert_eq!(told["scope"], "network");
    assert_eq!(of(&told, "prime-activite"), Some(json!(null)), "4 are too few");
    assert_eq!(of(&told, "aide-logement"), Some(json!(null)), "12 and the total would tell the 4");
    assert_eq!((of(&told, "ameli-compte"), of(&told, "violences-conjugales")), (None, None));
    assert_eq!((&told["total"]["referrals"], &told["total"]["unmet_questions"]), (&json!(46), &json!(null)));
    for group_by in ["target_kind", "commune", "month"] {
        let told = figures(&people.manager, group_by).await.json();
        let counts: Vec<i64> = told["items"].as_array().unwrap().iter().filter_map(|item| item["referrals"].as_i64()).collect();
        assert!(counts.iter().all(|count| *count >= 11), "{group_by}: {told}");
    }
    let csv = app
        .send(
            Method::GET,
            &format!("/v1/stats/referrals?scope=network&network={id}&group_by=procedure"),
            &[("Authorization", &format!("Bearer {}", people.manager)), ("Accept", "text/csv")],
            None,
        )
        .await;
    assert!(csv.text.contains("\nprime-activite,"), "{}", csv.text);
    assert!(!csv.text.contains(",4,"), "{}", csv.text);

    // Who leaves takes nothing away, or the difference would tell what they did.
    assert_eq!(send(&app, Method::DELETE, &format!("{path}/members/theirs"), &people.manager, None, None).await.status, 204);
    refer(&app, "theirs", 20, "prime-activite", "35238").await;
    assert_eq!(figures(&people.manager, "departement").await.json()["total"]["referrals"], 46);
    // Nor is anything small left of what everybody may read, once this is taken from it.
    refer(&app, "strangers", 5, "aide-logement", "35238").await;
    assert!(eventually(SOON, async || of(&by_procedure().await, "aide-logement") == Some(json!(null))).await);

    for (who, token, status) in [
        ("a mediator of the keeper", app.token("mediator", "m", "hub"), 403),
        ("a member", people.ours.clone(), 403),
        ("a member's manager", manager(&app, "ours", "35"), 403),
        ("elsewhere", manager(&app, "hub", "22"), 403),
        ("an administrator", people.administrator.clone(), 403),
        ("a stranger", people.stranger.clone(), 422),
        ("a stranger's manager", manager(&app, "strangers", "FR"), 422),
    ] {
        assert_eq!(figures(&token, "procedure").await.status, status, "{who}");
    }
    let path = format!("/v1/stats/referrals?scope=network&network={id}&group_by=procedure");
    assert_eq!(app.get(&path).await.status, 401);
    for half in ["scope=network&group_by=procedure", &format!("network={id}&group_by=procedure")] {
        assert_eq!(app.get_as(&format!("/v1/stats/referrals?{half}"), &people.manager).await.status, 422, "{half}");
    }
    for path in ["/v1/referrals", "/v1/follow-ups"] {
        assert_eq!(app.get_as(path, &people.manager).await.status, 403, "{path}");
    }
}
