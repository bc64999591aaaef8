use std::collections::BTreeMap;
use std::path::Path;

use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::history::{self, Entity, Origin};
use aiguilleur_storage::{Scope, catalogue, scoped};
use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase, binary, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{SOON, pointers, send, storage, text};

const RSA: &str = "/v1/procedures/rsa";

async fn edit(app: &App, path: &str, if_match: Option<&str>, mut change: Value) -> Answer {
    if change["source"].is_null() {
        change["source"] = json!({"title": "Fiche relue", "url": "https://exemple.fr/fiche", "date": "2026-11-02"});
    }
    let administrator = app.token("administrator", "a", "installation");
    send(app, Method::PATCH, path, &administrator, if_match, Some(&change)).await
}

async fn row(database: &TestDatabase, table: &str, slug: &str) -> String {
    database.query(&format!("SELECT to_jsonb(t)::text AS line FROM {table} t WHERE slug = '{slug}'")).await.remove(0)
}

#[tokio::test]
async fn an_edit_is_in_the_next_answer_and_is_undone_exactly() {
    let (app, database) = App::national().await;
    let (before, row_before) = (app.get(RSA).await, row(&database, "procedure", "rsa").await);
    let change = json!({"documents": ["une pièce d'identité"], "delay": "Deux mois.", "official_url": null});
    let edited = edit(&app, RSA, Some(before.header("etag")), change).await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    let after = app.get(RSA).await;
    assert_eq!((after.json(), after.header("etag")), (edited.json(), edited.header("etag")), "the answer to the edit is the next one");
    let shown = after.json();
    assert_eq!((&shown["documents"], &shown["official_url"]), (&json!(["une pièce d'identité"]), &json!(null)));
    let known = |fact: &str| shown["facts"].as_array().unwrap().iter().find(|item| item["fact"] == fact).unwrap().clone();
    assert_eq!(
        known("delay"),
        json!({"fact": "delay", "basis": "read", "as_of": "2026-11-02", "check_by": "2027-11-02", "to_check": false})
    );
    let sources: Vec<&Value> = shown["sources"].as_array().unwrap().iter().filter(|source| source["field"] == "documents").collect();
    assert_eq!(sources, [&json!({"field": "documents", "title": "Fiche relue", "url": "https://exemple.fr/fiche", "date": "2026-11-02"})]);
    let asked = app.get("/v1/orientations?procedure=rsa&commune=35238").await.json();
    assert_eq!(asked["procedure"]["documents"], json!(["une pièce d'identité"]));

    // Undone, it is the row it was, to the letter, and the seeds' again.
    let pool = storage(&database);
    let mut scope = scoped(&pool, Scope::System).await.unwrap();
    let states = history::list(&mut scope, Entity::Procedure, "rsa", None, 10).await.unwrap();
    let told: Vec<_> = states.iter().map(|state| (state.version, state.origin, state.made_by.as_deref())).collect();
    assert_eq!(told, [(2, Origin::Edit, Some("installation")), (1, Origin::Source, None)]);
    catalogue::restore_procedure(&mut scope, &Actor::command_line(), "rsa", &states[1]).await.unwrap().unwrap();
    let newest = history::list(&mut scope, Entity::Procedure, "rsa", None, 1).await.unwrap().remove(0);
    assert_eq!((newest.version, newest.origin, &newest.state), (3, Origin::Restoration, &states[1].state));
    scope.commit().await.unwrap();
    assert_eq!(row(&database, "procedure", "rsa").await, row_before);
    assert!(eventually(SOON, async || app.get(RSA).await.json() == before.json()).await, "{}", app.get(RSA).await.text);

    // And undoing that brings the edit back.
    let mut scope = scoped(&pool, Scope::System).await.unwrap();
    catalogue::restore_procedure(&mut scope, &Actor::command_line(), "rsa", &states[0]).await.unwrap().unwrap();
    assert!(
        catalogue::restore_procedure(&mut scope, &Actor::command_line(), "aide-logement", &states[0]).await.is_err(),
        "another's state"
    );
    assert_eq!(catalogue::restore_procedure(&mut scope, &Actor::command_line(), "none", &states[0]).await.ok().flatten(), None);
    scope.commit().await.unwrap();
    assert!(eventually(SOON, async || app.get(RSA).await.json() == edited.json()).await);
    let audited = database.query("SELECT action || ' ' || entity_id AS line FROM audit_entry WHERE entity = 'procedure' ORDER BY id").await;
    assert_eq!(audited, ["update_procedure rsa", "restore_version rsa", "restore_version rsa"]);
}

#[tokio::test]
async fn two_editors_at_once_lose_nothing() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let read = app.get(RSA).await;
    let tag = Some(read.header("etag"));
    let (one, other) = tokio::join!(
        edit(&app, RSA, tag, json!({"cost": "Gratuit, dit l'une."})),
        edit(&app, RSA, tag, json!({"cost": "Gratuit, dit l'autre."}))
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, other.text);
    let kept = if one.status == 200 { one } else { other };
    assert_eq!(app.get(RSA).await.json()["cost"], kept.json()["cost"]);
    // Another record, read before, hasn't changed; nor does what was read before say nothing.
    assert_eq!(edit(&app, "/v1/institutions/caf", tag, json!({"label": "Caf"})).await.status, 200);
    assert_eq!(edit(&app, RSA, Some(kept.header("etag")), json!({"cost": "Gratuit."})).await.status, 200);
    assert_eq!(edit(&app, RSA, None, json!({"cost": "Gratuit."})).await.status, 428);
    for stale in ["W/\"1\"", "W/\"999999-2026-11-23-fr\"", "W/\"x\""] {
        assert_eq!(edit(&app, RSA, Some(stale), json!({"cost": "Gratuit."})).await.status, 412, "{stale}");
    }
    // Read in either language, and with others' tags beside.
    let english = app.send(Method::GET, RSA, &[("Accept-Language", "en")], None).await;
    let tags = format!("W/\"0-fr\", {}", english.header("etag"));
    assert_eq!(edit(&app, RSA, Some(&tags), json!({"cost": "Gratuit."})).await.status, 200);
}

#[tokio::test]
async fn every_fault_is_told_at_once_and_nothing_changes() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let before = row(&database, "procedure", "rsa").await;
    let refused = edit(
        &app,
        RSA,
        Some("*"),
        json!({
            "label": null, "urgency": 5, "mandate": "never", "targets": ["ccas", "cacs"], "ladder": [], "institution": "anpe",
            "official_url": "http://caf.fr", "hotline": "la Caf", "steps": ["une\nligne"],
            "appeals": [{"deadline": "P2X", "verified": "oui"}, {"body": "Tribunal", "against": {"slug": "indu"}, "from": "hier"}],
            "source": {"date": "2150-01-01"},
        }),
    )
    .await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let mut told = pointers(&refused);
    told.sort();
    assert_eq!(
        told,
        [
            "/appeals/0/body",
            "/appeals/0/deadline",
            "/appeals/0/verified",
            "/appeals/1/against",
            "/appeals/1/from",
            "/hotline",
            "/institution",
            "/label",
            "/ladder",
            "/mandate",
            "/official_url",
            "/source/date",
            "/source/title",
            "/steps",
            "/targets",
            "/urgency",
        ]
    );
    let of = |pointer: &str| refused.json()["errors"].as_array().unwrap().iter().find(|error| error["pointer"] == pointer).unwrap().clone();
    for pointer in ["/targets", "/ladder", "/institution", "/mandate", "/appeals/1/from"] {
        assert!(!of(pointer)["allowed"].as_array().unwrap().is_empty(), "{pointer} doesn't say what is allowed");
    }
    for (change, pointer) in [
        (json!({"safety": true, "hotline": null}), "/hotline"),
        (json!({"synonyms": []}), "/synonyms"),
        (json!({"appeals": [{"body": "  "}]}), "/appeals/0/body"),
        (json!({}), "/label"),
        (json!({"cost": "x", "source": {"title": "x", "url": "javascript:alert(1)"}}), "/source/url"),
        (json!({"cost": "x", "source": {"title": "x", "date": "20-11-2026"}}), "/source/date"),
    ] {
        let refused = edit(&app, RSA, Some("*"), change.clone()).await;
        assert_eq!((refused.status.as_u16(), pointers(&refused)), (422, vec![pointer.to_owned()]), "{change}");
    }
    for malformed in [json!({"slug": "rsa2"}), json!({"appeals": ["x"]}), json!({"appeals": [{"organisme": "x"}]}), json!({"appeals": {}})]
    {
        assert_eq!(edit(&app, RSA, Some("*"), malformed.clone()).await.status, 400, "{malformed}");
    }
    let refused =
        edit(&app, "/v1/institutions/caf", Some("*"), json!({"phone": "32 30", "website": "caf.fr", "territory": "canton"})).await;
    assert_eq!((refused.status.as_u16(), pointers(&refused)), (422, ["/website", "/phone", "/territory"].map(str::to_owned).to_vec()));
    assert_eq!(edit(&app, "/v1/procedures/none", Some("*"), json!({"cost": "x"})).await.status, 404);
    for role in ["mediator", "network_manager", "institution_editor"] {
        let token = app.token(role, "x", "y");
        assert_eq!(send(&app, Method::PATCH, RSA, &token, Some("*"), Some(&json!({}))).await.status, 403, "{role}");
    }
    assert_eq!(row(&database, "procedure", "rsa").await, before);
    assert_eq!(database.query("SELECT 'x' AS line FROM record_version").await.len(), 0);
}

#[tokio::test]
async fn an_appeal_is_rewritten_stage_by_stage() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let stages = json!([
        {"body": "Président du conseil départemental", "deadline": "P2M", "from": "notification", "compulsory": true, "law": "CASF L262-47", "verified": true},
        {"against": {"slug": "indu-rsa", "label": "indu de RSA"}, "body": "Tribunal administratif", "deadline": "P2M", "from": "previous_step", "franc": true},
    ]);
    let edited = edit(&app, RSA, Some("*"), json!({"appeals": stages})).await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    let appeal = &edited.json()["escalation"]["appeal"];
    assert_eq!((&appeal[0]["deadline"], &appeal[0]["verified"]), (&json!("P2M"), &json!(true)));
    assert!(!appeal.to_string().contains("Tribunal administratif"), "what isn't verified is shown without its time limit: {appeal}");
    let none = edit(&app, RSA, Some("*"), json!({"appeals": []})).await;
    assert_eq!(none.status, 200, "{}", none.text);
}

#[tokio::test]
async fn an_institution_says_where_each_field_was_read_and_seeds_leave_it_alone() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let caf = "/v1/institutions/caf";
    let before = app.get(caf).await;
    let provenance = |answer: &Answer| -> BTreeMap<String, String> {
        let items = answer.json()["provenance"].clone();
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (text(&it["field"]).to_owned(), format!("{} {}", text(&it["title"]), text(&it["date"]))))
            .collect()
    };
    let ours = "Catalogue fourni avec Aiguilleur 2026-11-01";
    for field in ["label", "name", "website", "phone", "territory"] {
        assert_eq!(provenance(&before)[field], ours, "{field}");
    }
    let edited = edit(&app, caf, Some(before.header("etag")), json!({"phone": "3230", "website": null})).await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    assert_eq!(
        (&provenance(&edited)["phone"], &provenance(&edited)["website"]),
        (&"Fiche relue 2026-11-02".to_owned(), &"Fiche relue 2026-11-02".to_owned())
    );
    assert_eq!((provenance(&edited)["name"].as_str(), &edited.json()["website"]), (ours, &json!(null)));
    app.stop();
    database.sql("DELETE FROM seed_layer").await;
    let app = App::on(&database, "none");
    assert_eq!(app.get(caf).await.json(), edited.json(), "applied again, the seed leaves it alone");

    let pool = storage(&database);
    let mut scope = scoped(&pool, Scope::System).await.unwrap();
    let first = history::find(&mut scope, Entity::Institution, "caf", 1).await.unwrap().unwrap();
    catalogue::restore_institution(&mut scope, &Actor::command_line(), "caf", &first).await.unwrap().unwrap();
    scope.commit().await.unwrap();
    assert!(eventually(SOON, async || app.get(caf).await.json() == before.json()).await);
}

/// Every file under a folder, by its path in it.
fn files_under(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn export(database: &TestDatabase) -> BTreeMap<String, Vec<u8>> {
    let (into, data_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = binary(&["export", "catalogue", "--database-url", &database.url("postgres"), "--data-dir"]);
    let output = command.arg(data_dir.path()).arg("--into").arg(into.path().join("new")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    files_under(&into.path().join("new"))
}

#[tokio::test]
async fn what_is_exported_is_what_was_seeded_but_for_what_was_edited() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let seed_data = files_under(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../seed-data")));
    let exported = export(&database);
    let of_the_catalogue = |name: &str| {
        name.starts_with("catalogue/") || name.starts_with("said/") || ["institutions.csv", "procedure_sources.csv"].contains(&name)
    };
    let seeded: BTreeMap<&String, &Vec<u8>> = seed_data.iter().filter(|(name, _)| of_the_catalogue(name)).collect();
    assert!(exported.keys().eq(seeded.keys().copied()), "{:?}", exported.keys());
    for (name, bytes) in &exported {
        assert!(bytes == seeded[name], "{name} is not what it was seeded from");
    }

    let app = App::on(&database, "none");
    assert_eq!(edit(&app, RSA, Some("*"), json!({"cost": "Gratuit, \"toujours\"."})).await.status, 200);
    assert_eq!(edit(&app, "/v1/institutions/caf", Some("*"), json!({"former_names": ["CNAF", "Allocs"]})).await.status, 200);
    let lines_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let mut changed = BTreeMap::new();
    for (name, bytes) in export(&database) {
        let (before, after) = (lines_of(&exported[&name]), lines_of(&bytes));
        let new: Vec<String> = after.iter().filter(|line| !before.contains(line)).cloned().collect();
        let gone = before.iter().filter(|line| !after.contains(line)).count();
        if before != after {
            changed.insert(name, (new, gone));
        }
    }
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["catalogue/caf.toml", "institutions.csv", "procedure_sources.csv"]);
    assert_eq!(changed["catalogue/caf.toml"].0.len(), 1, "{changed:?}");
    assert!(changed["catalogue/caf.toml"].0[0].contains("toujours"));
    assert_eq!(changed["institutions.csv"].0.len(), 1);
    assert!(changed["institutions.csv"].0[0].ends_with("CNAF;Allocs"), "{changed:?}");
    assert_eq!(
        changed["procedure_sources.csv"].0,
        ["rsa,cost,\"Gratuit, \"\"toujours\"\".\",Fiche relue,https://exemple.fr/fiche,2026-11-02"]
    );
}
