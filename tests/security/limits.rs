use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase};
use reqwest::Method;

const ASKED: &str = "/v1/procedures?limit=1";

async fn from(app: &App, address: &str) -> Answer {
    app.send(Method::GET, ASKED, &[("X-Forwarded-For", address)], None).await
}

#[tokio::test]
async fn an_address_has_its_limit_and_a_forged_one_changes_nothing() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let settings = [("AIGUILLEUR_TRUSTED_PROXIES", "127.0.0.1"), ("AIGUILLEUR_RATE_ADDRESS", "1")];
    let app = App::with_settings(&database, "none", &settings);
    let mut refused = 0;
    for number in 0..60 {
        // What a client writes itself stands before what the proxy adds.
        let answer = from(&app, &format!("10.9.8.{number}, 203.0.113.7")).await;
        refused += usize::from(answer.status == 429);
    }
    assert!((25..=30).contains(&refused), "thirty in half a minute: {refused} of 60 were refused");
    assert_eq!(from(&app, "203.0.113.8").await.status, 200, "another address");
    assert_eq!(app.get(ASKED).await.status, 200, "this machine itself");
    let (first, second) = (from(&app, "2001:db8::1").await, from(&app, "2001:db8::2").await);
    let left = |answer: &Answer| answer.header("ratelimit").to_owned();
    assert!(left(&first).contains(";r=29;") && left(&second).contains(";r=28;"), "one subscriber: {} {}", left(&first), left(&second));
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let answer = app.send(Method::GET, path, &[("X-Forwarded-For", "203.0.113.7")], None).await;
        assert_eq!(answer.status, 200, "whoever watches over the service is always answered: {path}");
    }
}

#[tokio::test]
async fn nobody_elses_word_is_taken_for_an_address() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::with_settings(&database, "none", &[("AIGUILLEUR_RATE_ADDRESS", "1")]);
    for number in 0..60 {
        assert_eq!(from(&app, "203.0.113.7").await.status, 200, "{number}: no proxy is trusted, this is loopback");
    }
}

#[tokio::test]
async fn a_subject_has_its_limit() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::with_settings(&database, "none", &[("AIGUILLEUR_RATE_SUBJECT", "1")]);
    let (one, other) = (app.token("mediator", "one", "ccas"), app.token("mediator", "other", "ccas"));
    let mut last = app.get_as("/v1/me", &one).await;
    assert_eq!(last.header("ratelimit-policy"), "\"subject\";q=30;w=30");
    for _ in 0..40 {
        last = app.get_as("/v1/me", &one).await;
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert_eq!(last.json()["type"], "/problems/rate-limited");
    // Another token of the same subject changes nothing.
    assert_eq!(app.get_as("/v1/me", &app.token("mediator", "one", "ccas")).await.status, 429);
    assert_eq!(app.get_as("/v1/me", &other).await.status, 200);
}

#[tokio::test]
async fn by_default_two_thousand_a_second_are_let_in() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let token = app.token("mediator", "one", "ccas");
    let answer = app.get_as("/v1/me", &token).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"subject\";q=60000;w=30");
}

#[tokio::test]
async fn nobodys_mailbox_is_flooded() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    // Nobody is a member: no mail is sent.
    let app = App::with_settings(&database, "none", &[("AIGUILLEUR_SMTP_URL", "smtp://127.0.0.1:1")]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |address: &str| {
        let form = client.post(format!("{}/sign-in/mail", app.address)).header("Content-Type", "application/x-www-form-urlencoded");
        form.body(format!("email={address}")).send().await.unwrap().status().as_u16()
    };
    for _ in 0..10 {
        assert_eq!(ask("accueil@ccas.exemple.fr").await, 200);
    }
    assert_eq!(ask("Accueil@CCAS.exemple.fr").await, 429, "the same address");
    assert_eq!(ask("autre@ccas.exemple.fr").await, 200);
    assert_eq!(ask("pas-une-adresse").await, 422);
}
