use aiguilleur_testkit::{TEMPLATE, TestDatabase, binary};
use serde_json::{Value, json};

struct Cli {
    database: TestDatabase,
    data_dir: tempfile::TempDir,
}

impl Cli {
    async fn new() -> Self {
        Self { database: TestDatabase::clone_of(TEMPLATE).await, data_dir: tempfile::tempdir().unwrap() }
    }

    /// What a command writes; as the error, what it says when it fails.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = binary(arguments);
        command.env("RUST_LOG", "warn").args(["--database-url", &self.database.url("postgres"), "--data-dir"]).arg(self.data_dir.path());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.run(arguments).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_administered_from_the_command_line() {
    let cli = Cli::new().await;
    cli.run(&["organisation", "create", "ccas-a", "--name", "CCAS A"]).unwrap();
    let taken = cli.run(&["organisation", "create", "ccas-a"]).unwrap_err();
    assert!(taken.contains("déjà"), "{taken}");
    cli.run(&["organisation", "update", "ccas-a", "--may-refer", "true"]).unwrap();
    let organisations = cli.lines(&["organisation", "list"]);
    assert_eq!((&organisations[0]["slug"], &organisations[0]["may_refer"]), (&json!("ccas-a"), &json!(true)));
    let unknown = cli.run(&["member", "list", "--organisation", "nobody"]).unwrap_err();
    assert!(unknown.contains("organisation create nobody"), "it says what to do: {unknown}");

    cli.run(&["member", "add", "--organisation", "ccas-a", "--subject", "agent-7", "--role", "mediator"]).unwrap();
    let editor = ["member", "add", "--organisation", "ccas-a", "--subject", "agent-8", "--role", "institution_editor"];
    assert!(cli.run(&editor).unwrap_err().contains("institution"), "an editor of no institution");
    cli.run(&[&editor[..], &["--institution", "caf", "--territory", "35,22"]].concat()).unwrap();
    let invite = ["member", "invite", "--organisation", "ccas-a", "--email", "Accueil@ccas.exemple.fr", "--role", "mediator"];
    let link = cli.run(&[&invite[..], &["--public-url", "https://aiguilleur.exemple.fr"]].concat()).unwrap();
    assert!(link.starts_with("https://aiguilleur.exemple.fr/sign-in/link/"), "without a mail server, the link to hand over: {link}");
    cli.run(&["member", "remove", "--organisation", "ccas-a", "--subject", "agent-7"]).unwrap();
    let members = cli.lines(&["member", "list", "--organisation", "ccas-a"]);
    assert_eq!(members.len(), 3);
    assert!(!members[0]["removed_at"].is_null() && members[1]["territory"] == json!(["22", "35"]), "{members:?}");
    assert_eq!((&members[2]["email"], &members[2]["joined_at"]), (&json!("accueil@ccas.exemple.fr"), &json!(null)));

    let create = ["key", "create", "--organisation", "ville", "--label", "Carte", "--origin", "https://www.ville.exemple.fr"];
    let key = cli.run(&create).unwrap();
    assert!(key.starts_with("pk_"), "{key}");
    let id = cli.lines(&["key", "list"])[0]["id"].as_str().unwrap().to_owned();
    let new = cli.run(&["key", "rotate", &id, "--overlap", "24h"]).unwrap();
    assert!(new.starts_with("pk_") && new != key);
    cli.run(&["key", "revoke", &id]).unwrap();
    assert!(cli.run(&["key", "revoke", &id]).unwrap_err().contains("déjà"));

    let add = ["issuer", "add", "agents", "--url", "https://connexion.exemple.fr", "--label", "Agents", "--audience", "aiguilleur"];
    cli.run(&[&add[..], &["--roles-claim", "/roles", "--role", "mediation=mediator"]].concat()).unwrap();
    assert_eq!(cli.lines(&["issuer", "list"])[0]["role_map"], json!({"mediation": "mediator"}));
    cli.run(&["issuer", "remove", "agents"]).unwrap();
    assert!(cli.run(&["issuer", "remove", "agents"]).is_err());

    let audit = cli.lines(&["audit"]);
    assert_eq!(audit.len(), 12, "{audit:?}");
    assert!(audit.iter().all(|entry| entry["subject"] == "cli" && entry["network"].is_null()));
    assert!(!audit.iter().any(|entry| entry.to_string().contains("accueil@")), "no address in the audit");
}
