//! The clock jumps, under a service that runs (libfaketime): forward, and back.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aiguilleur_testkit::{App, DataDir};
use chrono::{SecondsFormat, Utc};
use serde_json::Value;

use crate::Failure;
use crate::report::{Aim, Report};
use crate::service::Joined;

/// How far from the real time, as libfaketime reads it, and in hours; and what is said then of a token of eight hours taken before.
const JUMPS: [(&str, i64, u16); 4] = [("+1h", 1, 200), ("+40d", 40 * 24, 401), ("-1d", -24, 200), ("-1y", -365 * 24, 200)];
/// What isn't right again by then is wrong.
const PATIENCE: Duration = Duration::from_mins(1);
/// A base is current when it was built this near to now, in seconds: openings are expanded around that day.
const A_DAY_S: f64 = 86_400.0;

const QUESTIONS: [&str; 4] = [
    "/v1/orientations?procedure=rsa&commune=35238&limit=10",
    "/v1/orientations?procedure=carte-grise-duplicata&commune=35238&limit=10",
    "/v1/orientations?procedure=prime-activite&lat=48.11&lon=-1.68&limit=10",
    "/v1/orientations?procedure=titre-sejour-renouvellement&commune=75112&limit=10",
];

pub async fn measure(report: &mut Report) -> Result<(), Failure> {
    let Some(library) = faketime() else {
        report.lacks("clock_settled_s", "libfaketime is not at hand (Debian: apt-get install faketime)");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let (told, data_dir) = (folder.path().join("clock"), folder.path().join("data"));
    std::fs::create_dir(&data_dir)?;
    std::fs::write(&told, "+0\n")?;
    let app = start(&library, &told, &data_dir, "service");
    let token = app.token("mediator", "strain", "strain");
    let (asked, wrong) = (AtomicU64::new(0), AtomicU64::new(0));
    let (mut settled, mut misjudged) = (0.0, 0.0);
    let jumping = async {
        for (jump, hours, token_is) in JUMPS {
            // What a service says that was started at that very clock.
            let its_clock = folder.path().join(format!("clock{jump}"));
            std::fs::write(&its_clock, format!("{jump}\n"))?;
            let (its_library, its_data_dir) = (library.clone(), data_dir.clone());
            let oracle = tokio::task::spawn_blocking(move || start(&its_library, &its_clock, &its_data_dir, "oracle")).await?;
            std::fs::write(&told, format!("{jump}\n"))?;
            let jumped = Instant::now();
            let at = Utc::now() + chrono::Duration::hours(hours);
            while !(is_current(&app).await && says_alike(&app, &oracle, at, &asked).await) {
                if jumped.elapsed() > PATIENCE {
                    return Err(format!("{jump}: openings are not what a service started then says").into());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            settled = f64::max(settled, jumped.elapsed().as_secs_f64());
            let status = app.get_as("/v1/referrals", &token).await.status.as_u16();
            misjudged += f64::from(u8::from(status != token_is));
            println!("  {jump}: right again after {:.1} s, the token {status}", jumped.elapsed().as_secs_f64());
            tokio::task::spawn_blocking(move || drop(oracle)).await?;
        }
        Ok::<(), Failure>(())
    };
    let asking = async {
        loop {
            let answer = app.get(QUESTIONS[0]).await;
            asked.fetch_add(1, Ordering::Relaxed);
            wrong.fetch_add(u64::from(answer.status != 200), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        jumped = jumping => jumped?,
        () = asking => unreachable!("it never ends"),
    }
    let panics = ["service-log", "oracle-log"].map(|name| std::fs::read_to_string(data_dir.join(name)).unwrap_or_default());
    let panics = panics.iter().map(|log| log.matches("panicked").count()).sum::<usize>();
    tokio::task::spawn_blocking(move || app.stop()).await?;
    let lost = asked.load(Ordering::Relaxed) as f64 - counted(&data_dir).await? as f64;
    report.aim("clock_settled_s", "s", vec![settled], Aim::AtMost(10.0));
    report.aim("clock_unanswered", "", vec![wrong.load(Ordering::Relaxed) as f64], Aim::AtMost(0.0));
    report.aim("clock_tokens_misjudged", "", vec![misjudged], Aim::AtMost(0.0));
    report.aim("clock_panics", "", vec![panics as f64], Aim::AtMost(0.0));
    report.add("clock_questions", "", vec![asked.load(Ordering::Relaxed) as f64]);
    report.aim("clock_questions_lost", "", vec![lost.abs()], Aim::AtMost(0.0));
    Ok(())
}

/// Only the wall clock is told; what measures durations goes on.
fn start(library: &Path, told: &Path, data_dir: &Path, name: &str) -> App {
    let variables = [
        ("LD_PRELOAD", library.to_string_lossy()),
        ("FAKETIME_TIMESTAMP_FILE", told.to_string_lossy()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    let app = App::embedded_with(DataDir::Kept(data_dir.to_owned()), "demo", &variables);
    let _ = std::fs::rename(data_dir.join("log"), data_dir.join(format!("{name}-log")));
    app
}

async fn is_current(app: &App) -> bool {
    let metrics = app.get("/metrics").await.text;
    let age = metrics.lines().find_map(|line| line.strip_prefix("directory_base_age_seconds ")?.trim().parse::<f64>().ok());
    age.is_some_and(|age| age.abs() <= A_DAY_S)
}

/// Whether both give the same openings for the same instant.
async fn says_alike(app: &App, oracle: &App, at: chrono::DateTime<Utc>, asked: &AtomicU64) -> bool {
    for question in QUESTIONS {
        let path = format!("{question}&at={}", at.to_rfc3339_opts(SecondsFormat::Secs, true));
        asked.fetch_add(2, Ordering::Relaxed);
        if openings(&app.get(&path).await.json()) != openings(&oracle.get(&path).await.json()) {
            return false;
        }
    }
    true
}

fn openings(answer: &Value) -> Vec<Value> {
    let options = answer["options"].as_array().cloned().unwrap_or_default();
    options.iter().map(|option| serde_json::json!([option["target"]["id"], option["opening"]])).collect()
}

/// Questions written down, whatever the day they were counted on.
async fn counted(data_dir: &Path) -> Result<i64, Failure> {
    use aiguilleur_storage::schema::question_count::{questions, table};
    use diesel::QueryDsl;
    use diesel_async::RunQueryDsl;
    let joined = Joined::open(data_dir).await?;
    let mut connection = joined.database.get().await?;
    let counts: Vec<i64> = table.select(questions).load(&mut connection).await?;
    drop(connection);
    joined.close().await?;
    Ok(counts.iter().sum())
}

/// Where distributions keep it.
fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime", "/usr/lib/faketime"];
    folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|library| library.is_file())
}
