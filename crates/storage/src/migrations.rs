//! Bringing a database up to date: the two roles, then the tables.

use diesel::OptionalExtension;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::StorageError;
use crate::pool::{APP, OWNER, establish};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// What an operator's superuser runs once, when the account of `DATABASE_URL` may not.
pub const ROLES_SQL: &str = "\
DO $$ BEGIN CREATE ROLE aiguilleur_owner NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE aiguilleur_app NOLOGIN NOBYPASSRLS; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT aiguilleur_owner, aiguilleur_app TO CURRENT_USER;
GRANT CREATE, USAGE ON SCHEMA public TO aiguilleur_owner;
GRANT USAGE ON SCHEMA public TO aiguilleur_app;";

#[derive(diesel::QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Makes the two roles unless they exist.
///
/// # Errors
/// When the account may not: the caller then shows [`ROLES_SQL`] to the operator.
pub async fn ensure_roles(url: &str) -> Result<(), StorageError> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    // Roles belong to the cluster, their rights on the schema to each database.
    let known = "SELECT count(*) = 2 AND bool_and(has_schema_privilege(rolname, 'public', 'USAGE') \
                 AND (rolname <> 'aiguilleur_owner' OR has_schema_privilege(rolname, 'public', 'CREATE'))) AS yes \
                 FROM pg_roles WHERE rolname IN ('aiguilleur_owner', 'aiguilleur_app')";
    let known: Option<Answer> = diesel::sql_query(known).get_result(&mut connection).await.optional()?;
    if !known.is_some_and(|answer| answer.yes) {
        connection.batch_execute(&format!("BEGIN; {ROLES_SQL} COMMIT;")).await?;
    }
    Ok(())
}

/// Makes a database of a private cluster, owned by the owner, unless it exists, with roles that may log in by themselves:
/// nobody else reaches the cluster's socket. `superuser` logs in to the database `postgres`, `database` to the new one.
pub async fn ensure_database(superuser: &str, name: &str, superuser_on_it: &str) -> Result<(), StorageError> {
    let mut connection = AsyncPgConnection::establish(superuser).await?;
    // One process at a time; the others find it made.
    connection.batch_execute("SELECT pg_advisory_lock(7305808869229538920)").await?;
    let known = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS yes");
    let known: Answer = known.bind::<diesel::sql_types::Text, _>(name).get_result(&mut connection).await?;
    if !known.yes {
        connection.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
    }
    ensure_roles(superuser_on_it).await?;
    connection
        .batch_execute(&format!(
            "ALTER ROLE {OWNER} LOGIN; ALTER ROLE {APP} LOGIN; ALTER DATABASE \"{name}\" OWNER TO {OWNER}; \
             REVOKE CONNECT ON DATABASE \"{name}\" FROM PUBLIC; GRANT CONNECT ON DATABASE \"{name}\" TO {APP}"
        ))
        .await?;
    Ok(())
}

/// Runs the migrations that are still to run, as the owner; returns their names. Needs a multi-thread runtime.
pub async fn run(url: &str) -> Result<Vec<String>, StorageError> {
    with_harness(url, |harness| {
        let ran = harness.run_pending_migrations(MIGRATIONS)?;
        Ok(ran.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Takes every migration back: for tests of the migrations themselves.
pub async fn revert_all(url: &str) -> Result<Vec<String>, StorageError> {
    with_harness(url, |harness| {
        let reverted = harness.revert_all_migrations(MIGRATIONS)?;
        Ok(reverted.iter().map(ToString::to_string).collect())
    })
    .await
}

type HarnessResult = Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>>;

async fn with_harness(
    url: &str,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> HarnessResult + Send + 'static,
) -> Result<Vec<String>, StorageError> {
    let mut connection = establish(url, OWNER).await?;
    // Several nodes may start at once: one migrates, the others wait and find nothing to do.
    connection.batch_execute("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock(7305808869229538919)").await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    tokio::task::spawn_blocking(move || work(&mut harness))
        .await
        .map_err(|error| StorageError::Migration(error.to_string()))?
        .map_err(|error| StorageError::Migration(error.to_string()))
}
