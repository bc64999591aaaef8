use aiguilleur_domain::code::SlipCode;
use aiguilleur_testkit::{Answer, App};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{arrive, kept, refer, text};

/// Wrong codes that a caller may try.
const TRIES: usize = 10;

/// A code that is well formed and nobody's.
fn guess() -> String {
    SlipCode::from_random(Uuid::new_v4()).to_string()
}

fn caf() -> Value {
    json!({"type": "institution", "id": "caf"})
}

fn is_told_to_wait(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 60), "{:?}", answer.headers);
}

#[tokio::test]
async fn sixty_four_agents_who_guess_get_nowhere() {
    let (app, database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    let before = kept(&database).await;
    let guessers: Vec<String> = (0..64).map(|number| app.token("mediator", &format!("guesser-{number}"), "theirs")).collect();
    let attempts = guessers.iter().map(|token| {
        let app = &app;
        async move {
            for number in 0..TRIES + 4 {
                // Through either of the two doors: they are one limit.
                let outcome = json!({"code": guess(), "outcome": "resolved"});
                let is_arrival = number % 2 == 0;
                let answer =
                    if is_arrival { arrive(app, token, &guess(), &caf()).await } else { app.post("/v1/outcomes", token, &outcome).await };
                if number < TRIES {
                    assert_eq!(answer.status, 404, "{}", answer.text);
                } else {
                    is_told_to_wait(&answer);
                }
            }
        }
    });
    join_all(attempts).await;
    for guesser in guessers.iter().take(4) {
        is_told_to_wait(&arrive(&app, guesser, code, &caf()).await);
        let outcome = app.post("/v1/outcomes", guesser, &json!({"code": code, "outcome": "resolved"})).await;
        is_told_to_wait(&outcome);
    }
    assert_eq!(kept(&database).await, before, "nothing was done");
    // Nobody else is kept out, and what the guesser does without codes goes on.
    let colleague = app.token("mediator", "agent-2", "theirs");
    assert_eq!(arrive(&app, &colleague, code, &caf()).await.status, 201);
    assert_eq!(app.get_as("/v1/referrals", &guessers[0]).await.status, 200);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_way_round() {
    let (app, _database) = App::national().await;
    let guesser = app.token("mediator", "guesser", "theirs");
    let at = caf();
    let codes: Vec<String> = (0..64).map(|_| guess()).collect();
    let answers = join_all(codes.iter().map(|code| arrive(&app, &guesser, code, &at))).await;
    let told = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(404), told(429)), (TRIES, 64 - TRIES));
}

#[tokio::test]
async fn sixty_four_guesses_without_an_account_get_nowhere() {
    let (app, database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    assert_eq!(app.get(&format!("/c/{code}")).await.status, 200);
    let before = kept(&database).await;
    let pages = ["", "/data", "/data.json", "/erase"];
    let guesses = (0..64).map(|number| {
        let app = &app;
        async move { app.get(&format!("/c/{}{}", guess(), pages[number % pages.len()])).await }
    });
    let answers = join_all(guesses).await;
    let told = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(404), told(429)), (TRIES, 64 - TRIES));
    answers.iter().filter(|answer| answer.status == 429).for_each(is_told_to_wait);
    for page in pages {
        is_told_to_wait(&app.get(&format!("/c/{code}{page}")).await);
    }
    is_told_to_wait(&crate::submit(&app, &format!("/c/{code}"), &[("outcome", "resolved")]).await);
    is_told_to_wait(&crate::submit(&app, &format!("/c/{code}/erase"), &[]).await);
    assert_eq!(kept(&database).await, before, "nothing was done");
    assert_eq!(arrive(&app, &ours, code, &caf()).await.status, 201, "agents are no part of that network");
}

#[tokio::test]
async fn what_is_mistyped_and_what_is_right_is_no_guess() {
    let (app, _database) = App::national().await;
    let ours = app.token("mediator", "agent-1", "ours");
    let referral = refer(&app, &ours, json!({})).await;
    let code = text(&referral["code"]);
    let mistyped: Vec<String> = (0..30)
        .map(|number| {
            let mut wrong = code.to_owned().into_bytes();
            let symbols = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            let place = number % 9;
            wrong[place] = symbols.iter().copied().filter(|symbol| *symbol != wrong[place]).nth(number % 31).unwrap();
            String::from_utf8(wrong).unwrap()
        })
        .collect();
    for typed in &mistyped {
        assert_eq!(arrive(&app, &ours, typed, &caf()).await.status, 422, "{typed}");
        assert_eq!(app.get(&format!("/c/{typed}")).await.status, 404, "{typed}");
    }
    for _ in 0..30 {
        assert!(arrive(&app, &ours, code, &caf()).await.status.is_success());
        assert_eq!(app.get(&format!("/c/{code}")).await.status, 200);
    }
    // Nine wrong ones, and the right one still opens.
    for _ in 1..TRIES {
        assert_eq!(arrive(&app, &ours, &guess(), &caf()).await.status, 404);
    }
    assert_eq!(arrive(&app, &ours, code, &caf()).await.status, 200);
    assert_eq!(arrive(&app, &ours, &guess(), &caf()).await.status, 404);
    is_told_to_wait(&arrive(&app, &ours, code, &caf()).await);
    let unknown = app.send(Method::GET, &format!("/c/{}", guess()), &[("Accept-Language", "uk")], None).await;
    assert_eq!(unknown.status, 404, "another caller's count");
}
