use std::collections::BTreeSet;
use std::process::Command;

use aiguilleur_storage::migrations;
use aiguilleur_testkit::{TEMPLATE, TestDatabase};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

#[derive(Debug, diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

async fn lines(database: &TestDatabase, sql: &str) -> Vec<String> {
    let mut connection = AsyncPgConnection::establish(&database.url("postgres")).await.unwrap();
    let lines: Vec<Line> = diesel::sql_query(sql).load(&mut connection).await.unwrap();
    lines.into_iter().map(|row| row.line).collect()
}

/// Everything the catalogue says of the schema: columns, constraints, indexes, policies, functions, rights, comments.
fn dump(database: &TestDatabase) -> String {
    let output = Command::new("pg_dump").args(["--schema-only", "--dbname", &database.url("postgres")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer versions add a random token.
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn up_down_up_leaves_the_same() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let url = database.url("aiguilleur_owner");
    let before = dump(&database);
    let migrations_on_disk = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).unwrap().count();
    assert_eq!(migrations::revert_all(&url).await.unwrap().len(), migrations_on_disk);
    assert!(
        lines(&database, "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'")
            .await
            .is_empty()
    );
    assert_eq!(migrations::run(&url).await.unwrap().len(), migrations_on_disk);
    assert_eq!(dump(&database), before);
    assert!(migrations::run(&url).await.unwrap().is_empty(), "nothing is left to run");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_commented_and_nothing_serves_as_an_owner() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let uncommented = "SELECT format('%s.%s', c.relname, coalesce(a.attname, '')) AS line FROM pg_class c \
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_%' \
        AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)";
    assert_eq!(lines(&database, uncommented).await, Vec::<String>::new());
    let rights = "SELECT format('%s %s %s', rolname, rolbypassrls, rolsuper) AS line FROM pg_roles WHERE rolname = 'aiguilleur_app'";
    assert_eq!(lines(&database, rights).await, ["aiguilleur_app f f"]);
    let owned = "SELECT tablename::text AS line FROM pg_tables WHERE tableowner = 'aiguilleur_app'";
    assert!(lines(&database, owned).await.is_empty());
    let unguarded = "SELECT relname::text AS line FROM pg_class WHERE relkind = 'r' AND NOT relrowsecurity \
        AND relname IN ('referral', 'handoff', 'handoff_event', 'outcome', 'outbox', 'idempotency', 'member', 'partner_key', 'issuer', \
        'mail_link', 'ended_session', 'audit_entry', 'referral_link', 'refusal_count', \
        'record_version', 'referent', 'referent_showing', 'showing_allowance', 'charter_acceptance', 'misuse_report', 'network', \
        'network_member', 'practice_note', 'structure_claim', 'suggestion')";
    assert!(lines(&database, unguarded).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_a_scope_sees_nothing() {
    use aiguilleur_storage::organisations::Organisations;
    use aiguilleur_storage::{Database, Scope, scoped};
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let pool = Database::new(&database.url("postgres"), 2).unwrap();
    let organisations = Organisations::of(pool.clone());
    let (ours, theirs) = (organisations.ensure("ours").await.unwrap(), organisations.ensure("theirs").await.unwrap());
    database
        .sql(&format!(
            "INSERT INTO referral (id, organisation_id, created_by, code, procedure, sensitive, departement, mode, status, help_kinds, \
             constraints, occurred_at, created_at) VALUES (gen_random_uuid(), '{ours}', 'x', 'AAAAAAAAAA', 'rsa', false, '35', 'information', \
             'given', '{{}}', '{{}}', now(), now())"
        ))
        .await;
    let count = "SELECT count(*)::text AS line FROM referral";
    let mut connection = pool.get().await.unwrap();
    let unscoped: Vec<Line> = diesel::sql_query(count).load(&mut connection).await.unwrap();
    assert_eq!(unscoped[0].line, "0");
    drop(connection);
    for (scope, expected) in
        [(Scope::Organisation(ours), "1"), (Scope::Organisation(theirs), "0"), (Scope::Administrator, "0"), (Scope::System, "1")]
    {
        let mut transaction = scoped(&pool, scope).await.unwrap();
        let seen: Vec<Line> = diesel::sql_query(count).load(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(seen[0].line, expected, "{scope:?}");
        let mut connection = pool.get().await.unwrap();
        let after: Vec<Line> = diesel::sql_query(count).load(&mut connection).await.unwrap();
        assert_eq!(after[0].line, "0", "a scope ends with its transaction");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_agrees_with_the_database() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let columns = "SELECT format('%s.%s %s%s', table_name, column_name, replace(udt_name, '_', '[]'), \
        CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END) AS line FROM information_schema.columns c JOIN pg_tables t ON t.tablename = c.table_name \
        WHERE table_schema = 'public' AND t.schemaname = 'public' AND table_name NOT LIKE '\\_\\_%'";
    let in_database: BTreeSet<String> = lines(&database, columns).await.into_iter().collect();

    let source = include_str!("../../crates/storage/src/schema.rs");
    let types = [
        ("Text", "text"),
        ("Bool", "bool"),
        ("Int2", "int2"),
        ("Int4", "int4"),
        ("Int8", "int8"),
        ("Double", "float8"),
        ("Date", "date"),
        ("Timestamptz", "timestamptz"),
        ("Uuid", "uuid"),
        ("Jsonb", "jsonb"),
        ("Array<Text>", "[]text"),
    ];
    let (mut table, mut in_code) = (String::new(), BTreeSet::new());
    for line in source.lines().map(str::trim).filter(|line| !line.starts_with("diesel::")) {
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with(") {")
        {
            name.clone_into(&mut table);
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let (kind, nullable) = kind.strip_prefix("Nullable<").map_or((kind, ""), |inner| (inner.trim_end_matches('>'), "?"));
            let kind = if kind == "Array<Text" { "Array<Text>" } else { kind };
            let (_, kind) = types.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("{kind}"));
            in_code.insert(format!("{table}.{column} {kind}{nullable}"));
        }
    }
    let differing: Vec<&String> = in_database.symmetric_difference(&in_code).collect();
    assert!(differing.is_empty(), "crates/storage/src/schema.rs and the migrations differ: {differing:?}");
}
