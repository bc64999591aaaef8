//! What is kept of questions: how many.

use aiguilleur_testkit::{App, NATIONAL, TestDatabase};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

#[derive(Debug, diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn counted(database: &TestDatabase) -> Vec<String> {
    let mut connection = AsyncPgConnection::establish(&database.url("postgres")).await.unwrap();
    let sql =
        "SELECT format('%s %s %s %s %s %s', day, procedure, place_kind, place, coverage, questions) AS line FROM question_count ORDER BY 1";
    let lines: Vec<Line> = diesel::sql_query(sql).load(&mut connection).await.unwrap();
    lines.into_iter().map(|row| row.line).collect()
}

#[tokio::test]
async fn are_counted_by_procedure_commune_and_coverage_and_written_at_a_stop() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let month = chrono::Utc::now().format("%Y-%m-01").to_string();
    let mut expected = Vec::new();
    for round in 1..=2 {
        let app = App::on(&database, "demo");
        let procedures = app.get("/v1/procedures?limit=100").await.json();
        let sensitive = procedures["items"].as_array().unwrap().iter().find(|item| item["sensitive"] == true).unwrap()["slug"].clone();
        let sensitive = sensitive.as_str().unwrap();
        for _ in 0..3 {
            app.get("/v1/orientations?procedure=rsa&commune=35238").await;
        }
        app.get("/v1/orientations?procedure=rsa&lat=48.11&lon=-1.68").await;
        app.get("/v1/orientations?procedure=rsa&commune=35047&at=2026-12-24T10:00:00Z").await;
        app.get("/v1/orientations?procedure=nothing&commune=35047").await;
        let level = app.get(&format!("/v1/orientations?procedure={sensitive}&commune=35238")).await.json()["coverage"]["level"].clone();
        app.get(&format!("/v1/orientations?procedure={sensitive}&commune=35047")).await;
        app.stop();
        expected = vec![
            format!("{today} rsa commune 35047 local {round}"),
            format!("{today} rsa commune 35238 local {}", 4 * round),
            format!("{month} {sensitive} departement 35 {} {}", level.as_str().unwrap(), 2 * round),
        ];
        expected.sort();
    }
    assert_eq!(counted(&database).await, expected);
}

#[tokio::test]
async fn wait_in_memory_while_the_database_is_away() {
    let database = TestDatabase::clone_of(NATIONAL).await;
    let app = App::on(&database, "demo");
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    database.shut().await;
    assert_eq!(app.get("/v1/orientations?procedure=rsa&commune=35238").await.status, 200);
    database.reopen().await;
    assert_eq!(app.get("/v1/orientations?procedure=rsa&commune=35238").await.status, 200);
    app.stop();
    assert_eq!(counted(&database).await, [format!("{today} rsa commune 35238 local 2")]);
}

/// What `serve` does each minute, tried without waiting for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_is_written_later() {
    use aiguilleur_directory::orient::CoverageLevel;
    use aiguilleur_domain::territory::{Commune, CommuneCode, CommuneKind};
    let database = TestDatabase::clone_of(NATIONAL).await;
    let pool = aiguilleur_storage::Database::new(&database.url("postgres"), 2).unwrap();
    let code = CommuneCode::parse("35238").unwrap();
    let commune = Commune {
        kind: CommuneKind::Commune,
        name: "Rennes".to_owned(),
        resolves_to: code,
        departement: "35".to_owned(),
        code,
        postal_codes: Vec::new(),
        population: None,
        epci: None,
        region: None,
        centre: None,
        time_zone: chrono_tz::Europe::Paris,
    };
    let counts = aiguilleur_jobs::questions::QuestionCounts::default();
    let day = "2026-11-23".parse().unwrap();
    let ask = || counts.count(day, None, &commune, CoverageLevel::Distant);
    ask();
    database.shut().await;
    counts.flush(&pool).await.unwrap_err();
    ask();
    counts.flush(&pool).await.unwrap_err();
    database.reopen().await;
    counts.flush(&pool).await.unwrap();
    assert_eq!(counts.flush(&pool).await.unwrap(), 0, "once");
    ask();
    counts.flush(&pool).await.unwrap();
    assert_eq!(counted(&database).await, ["2026-11-23  commune 35238 distant 3"]);
}
