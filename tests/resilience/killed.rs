use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aiguilleur_testkit::{App, binary};
use reqwest::Method;
use serde_json::{Value, json};

/// An embedded installation, as a newcomer has it, killed three times in the middle of its work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_201_is_on_record_once() {
    let mut app = Arc::new(App::embedded(folder(), "national"));
    let token = app.token("mediator", "agent-1", "ours");
    let authorization = format!("Bearer {token}");
    let mut promised: Vec<String> = Vec::new();
    for round in 0..3_u64 {
        let posts: Vec<_> = (0..64)
            .map(|number| {
                let (app, authorization) = (app.clone(), authorization.clone());
                tokio::spawn(async move {
                    let mut ids = Vec::new();
                    for attempt in 0..100 {
                        let body = json!({
                            "procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information",
                            "person_ref": format!("r{round}-{number}-{attempt}"),
                        });
                        let posted = app.try_send(Method::POST, "/v1/referrals", &[("Authorization", &authorization)], Some(&body)).await;
                        match posted {
                            Ok(answer) if answer.status == 201 => ids.push(answer.json()["id"].as_str().unwrap().to_owned()),
                            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text),
                            Err(_) => break,
                        }
                    }
                    ids
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(400 + 350 * round)).await;
        kill(app.pid());
        for post in posts {
            promised.extend(post.await.unwrap());
        }
        let data_dir = Arc::into_inner(app).unwrap().kill();
        app = Arc::new(App::embedded(data_dir, "national"));
    }
    assert!(promised.len() > 100, "{} promises are too few to tell", promised.len());
    let mut on_record: BTreeMap<String, u32> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page: Value = app.get_as(&format!("/v1/referrals?limit=100{cursor}"), &token).await.json();
        for item in page["items"].as_array().unwrap() {
            *on_record.entry(item["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for id in &promised {
        assert_eq!(on_record.get(id), Some(&1), "{id}");
    }
}

/// `serve` and another command on one data directory; either is killed, the other goes on, and the next start works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_the_other_goes_on() {
    let app = App::embedded(folder(), "national");
    let list = app.data_dir.path().join("list.csv");
    let row = |number: u32| format!("{number},France services n° {number},35238,{:.4},-1.68\n", 48.0 + f64::from(number) * 0.0004);
    let rows = (1..=400).map(row).collect::<Vec<_>>().concat();
    std::fs::write(&list, format!("id_fs,lib_fs,insee_com,latitude,longitude\n{rows}")).unwrap();
    let import = |app_dir: &std::path::Path| {
        let mut command = binary(&["import", "france-services"]);
        command.arg(app_dir.join("list.csv")).arg("--data-dir").arg(app_dir).stdout(std::process::Stdio::null());
        command
    };
    for wait in [5, 40, 120, 300] {
        let mut importing = import(app.data_dir.path()).stderr(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let _ = importing.kill();
        importing.wait().unwrap();
        assert_eq!(app.get("/v1/orientations?procedure=rsa&commune=35238").await.status, 200);
        assert_eq!(app.get("/health/ready").await.json()["database"], "available", "an import that was killed took the database along");
    }
    let mut importing = import(app.data_dir.path()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let data_dir = app.kill();
    assert!(importing.wait().unwrap().success(), "the import goes on without the service");
    let app = App::embedded(data_dir, "national");
    let nearest = app.get("/v1/orientations?procedure=rsa&lat=48.0004&lon=-1.68&kinds=france-services").await.json();
    assert_eq!(nearest["options"][0]["target"]["name"], "France services n° 1");
}

/// Readable by the user that runs PostgreSQL when the tests run as root.
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn kill(pid: u32) {
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}
