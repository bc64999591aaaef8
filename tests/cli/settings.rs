use aiguilleur_testkit::binary;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = binary(arguments).envs(environment.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn settings_that_cannot_work_stop_the_start_with_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let nowhere = "postgresql://nobody@127.0.0.1:1/nothing";
    let file = tempfile::NamedTempFile::new().unwrap();
    for (arguments, code, said) in [
        (vec!["serve", "--data-dir", data, "--listen", &taken], 1, "--listen"),
        (vec!["serve", "--data-dir", data, "--listen", "nowhere"], 2, "--listen"),
        (vec!["serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--database-url", nowhere], 1, "DATABASE_URL"),
        (vec!["serve", "--data-dir", file.path().to_str().unwrap(), "--listen", "127.0.0.1:0"], 1, ""),
        (vec!["serve", "--seed", "everything"], 2, "national"),
        (vec!["token", "--subject", "x"], 2, "--role"),
        (vec!["token", "--role", "king", "--subject", "x"], 2, "mediator"),
        (vec!["token", "--role", "mediator", "--subject", "x", "--ttl", "forever"], 2, "8h"),
        (vec!["import", "boulangeries"], 2, "france-services"),
    ] {
        let (status, _, stderr) = run(&arguments, &[]);
        assert_eq!(status, Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_misspelt_setting_is_reported_and_a_token_stands_alone() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["token", "--role", "mediator", "--subject", "agent-7", "--data-dir", data.path().to_str().unwrap()];
    let (status, token, stderr) = run(&arguments, &[("AIGUILLEUR_LISTN", "127.0.0.1:1")]);
    assert_eq!(status, Some(0));
    assert!(stderr.contains("AIGUILLEUR_LISTN"), "{stderr}");
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
}
