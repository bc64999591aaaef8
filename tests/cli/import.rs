use std::io::{Read, Write};
use std::path::Path;

use aiguilleur_testkit::{App, NATIONAL, TestDatabase, binary, eventually};
use serde_json::Value;

const HEADER: &str = "id_fs,insee_dep,lib_fs,adresse,complement_adresse,insee_com,code_postal,lib_com,latitude,longitude,mail,telephone,\
    h_lundi,h_mardi,h_mercredi,h_jeudi,h_vendredi,h_samedi,prise_rdv,commentaire,type_fs,format_fs,groupe_fs,labellisation_fs";

/// A list of `count` places in and around Rennes.
fn list(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| {
            let lat = 48.05 + f64::from(u32::try_from(number).unwrap()) * 0.002;
            format!(
                "{number},35,France services n° {number},{number} rue de l'Essai,,35238,35000,Rennes,{lat:.4},-1.68,fs{number}@example.org,\
                 02 61 91 00 00,09:00 - 12:00 / 13:30 - 17:00,09:00 - 12:00,,09:00 - 12:00,,,Non,,Principal,Fixe,,Espace labellisé 01/01/2020"
            )
        })
        .collect()
}

fn csv(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

struct Imported {
    code: Option<i32>,
    said: String,
    report: Value,
}

fn import(database: &TestDatabase, folder: &Path, content: &[u8], options: &[&str]) -> Imported {
    let file = folder.join("liste_20261101.csv");
    std::fs::write(&file, content).unwrap();
    let report = folder.join("report.json");
    let _ = std::fs::remove_file(&report);
    let output = binary(&["import", "france-services"])
        .arg(&file)
        .arg("--report")
        .arg(&report)
        .args(["--database-url", &database.url("postgres"), "--data-dir"])
        .arg(folder)
        .args(options)
        .output()
        .unwrap();
    Imported {
        code: output.status.code(),
        said: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        report: std::fs::read(&report).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default(),
    }
}

fn counts(report: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "rejected", "closed"].map(|key| report[key].as_u64().unwrap_or(u64::MAX))
}

#[tokio::test]
async fn every_row_ends_somewhere_and_twice_changes_nothing() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let folder = tempfile::tempdir().unwrap();
    let mut rows = list(30);
    rows.push(rows[0].replace("n° 1", "n° 1 bis"));
    rows.push(rows[1].replace("2,35,", "99,35,").replace("48.0540", "0"));
    let first = import(&database, folder.path(), csv(&rows).as_bytes(), &[]);
    assert_eq!((first.code, counts(&first.report)), (Some(0), [30, 0, 0, 2, 0]), "{}", first.said);
    let rejected: Vec<&Value> = first.report["rows"].as_array().unwrap().iter().filter(|row| row["status"] == "rejected").collect();
    assert_eq!(rejected[0]["line"], 32);
    for row in rejected {
        assert!(["column", "value", "reason"].iter().all(|key| row[key].is_string()), "{row}");
    }
    assert_eq!(import(&database, folder.path(), csv(&rows).as_bytes(), &["--strict"]).code, Some(1), "strict minds the rejected");
    let again = import(&database, folder.path(), csv(&rows).as_bytes(), &[]);
    assert_eq!(counts(&again.report), [0, 0, 30, 2, 0]);
    let undated = folder.path().join("list.csv");
    std::fs::write(&undated, csv(&rows)).unwrap();
    let output = binary(&["import", "france-services", "--database-url", &database.url("postgres"), "--data-dir"])
        .args([folder.path(), undated.as_path()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("30 inchangées"), "a list without a date takes nothing away: {said}");
    let nameless = import(&database, folder.path(), csv(&rows).replace("\n7,35,", "\n,35,").as_bytes(), &[]);
    assert_eq!(counts(&nameless.report), [0, 0, 29, 3, 0], "a row without an identifier closes nothing: {}", nameless.said);
}

#[tokio::test]
async fn a_row_gone_closes_its_place_in_every_node_within_two_seconds() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let (one, other) = (App::on(&database, "demo"), App::on(&database, "demo"));
    let folder = tempfile::tempdir().unwrap();
    let rows = list(30);
    import(&database, folder.path(), csv(&rows).as_bytes(), &[]);
    for app in [&one, &other] {
        let shown = eventually(std::time::Duration::from_secs(2), || async {
            let nearest = app.get("/v1/orientations?procedure=rsa&lat=48.0521&lon=-1.68&kinds=france-services").await.json();
            nearest["options"][0]["target"]["name"] == "France services n° 1"
        });
        assert!(shown.await, "an import shows within two seconds");
    }
    let id =
        one.get("/v1/orientations?procedure=rsa&lat=48.0521&lon=-1.68&kinds=france-services").await.json()["options"][0]["target"]["id"]
            .clone();
    let without = import(&database, folder.path(), csv(&rows[1..]).as_bytes(), &[]);
    assert_eq!(counts(&without.report), [0, 0, 29, 0, 1], "{}", without.said);
    let closed = eventually(std::time::Duration::from_secs(2), || async {
        other.get(&format!("/v1/structures/{}", id.as_str().unwrap())).await.json()["closed_on"].is_string()
    });
    assert!(closed.await);
    let nearest = other.get("/v1/orientations?procedure=rsa&lat=48.0521&lon=-1.68&kinds=france-services").await.json();
    assert_eq!(nearest["options"][0]["target"]["name"], "France services n° 2");
    let back = import(&database, folder.path(), csv(&rows).as_bytes(), &[]);
    assert_eq!(counts(&back.report), [0, 1, 29, 0, 0], "a place that is back opens again, under its own id");
    assert_eq!(back.report["rows"][0]["id"], id);
}

#[tokio::test]
async fn a_broken_file_changes_nothing_at_all() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let folder = tempfile::tempdir().unwrap();
    let whole = csv(&list(30));
    import(&database, folder.path(), whole.as_bytes(), &[]);
    let truncated = &whole.as_bytes()[..whole.len() - 90];
    let mut latin_1 = whole.clone().into_bytes();
    latin_1.splice(whole.find('°').unwrap()..whole.find('°').unwrap() + 2, [0xB0]);
    for (what, content) in [
        ("empty", Vec::new()),
        ("a page", b"<!doctype html><title>Maintenance</title>".to_vec()),
        ("truncated", truncated.to_vec()),
        ("not UTF-8", latin_1),
        ("no rows", format!("{HEADER}\n").into_bytes()),
        ("other columns", b"a,b\n1,2\n".to_vec()),
    ] {
        let broken = import(&database, folder.path(), &content, &["--allow-closures"]);
        assert_eq!(broken.code, Some(1), "{what}: {}", broken.said);
        assert!(broken.report.is_null(), "{what}");
    }
    let fewer = import(&database, folder.path(), csv(&list(20)).as_bytes(), &[]);
    assert_eq!(fewer.code, Some(1), "a third gone at once is refused: {}", fewer.said);
    assert!(fewer.said.contains("--allow-closures"), "{}", fewer.said);
    let dry = import(&database, folder.path(), csv(&list(20)).as_bytes(), &["--allow-closures", "--dry-run"]);
    assert_eq!((dry.code, counts(&dry.report)), (Some(0), [0, 0, 20, 0, 10]));
    let after = import(&database, folder.path(), whole.as_bytes(), &[]);
    assert_eq!(counts(&after.report), [0, 0, 30, 0, 0], "nothing had changed");
    let meant = import(&database, folder.path(), csv(&list(20)).as_bytes(), &["--allow-closures"]);
    assert_eq!(counts(&meant.report), [0, 0, 20, 0, 10]);
}

/// A stand-in for data.gouv.fr: one dataset with two lists.
#[tokio::test]
async fn without_a_file_the_newest_list_is_looked_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (own, dataset) = (base.clone(), csv(&list(12)));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0_u8; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let wants_file = String::from_utf8_lossy(&request[..read]).starts_with("GET /new_20261115.csv");
            let body = if wants_file {
                dataset.clone()
            } else {
                serde_json::json!({"resources": [
                    {"format": "csv", "title": "old", "url": format!("{own}/old.csv"), "last_modified": "2024-08-01T00:00:00+00:00"},
                    {"format": "csv", "title": "new", "url": format!("{own}/new_20261115.csv"), "last_modified": "2026-11-16T00:00:00+00:00"},
                ]})
                .to_string()
            };
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        }
    });
    let database = TestDatabase::clone_of(NATIONAL).await;
    let folder = tempfile::tempdir().unwrap();
    let output = binary(&["import", "france-services", "--database-url", &database.url("postgres"), "--data-dir"])
        .arg(folder.path())
        .env("AIGUILLEUR_DATA_GOUV_URL", &base)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("12 créées") && said.contains("15/11/2026"), "{said}");
}
