use aiguilleur_api::spec;
use aiguilleur_testkit::{Answer, App, TEMPLATE, TestDatabase};
use reqwest::Method;
use serde_json::json;

fn is_problem(answer: &Answer, what: &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}: {}", answer.text);
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16(), "{what}");
    for key in ["type", "title", "detail", "instance", "request_id"] {
        assert!(problem[key].as_str().is_some_and(|value| !value.is_empty()), "{what}: {key} in {}", answer.text);
    }
    assert_eq!(problem["request_id"], answer.header("x-request-id"), "{what}");
}

#[tokio::test]
async fn garbage_gets_a_problem_document_from_every_operation() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let token = app.token("mediator", "somebody", "somewhere");
    let authorization = format!("Bearer {token}");
    for (path, item) in spec::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            if ["get_health_live", "get_health_ready", "get_metrics", "get_openapi"].contains(&id) {
                continue;
            }
            let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "%F0%9F%92%A9" } else { part }).collect();
            let path = format!("{}?{}", filled.join("/"), "garbage=%00");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let body = (method == Method::POST).then(|| json!({"garbage": [null, {"a": "\u{0}"}]}));
            let answer = app.send(method, &path, &[("Authorization", &authorization)], body.as_ref()).await;
            assert!(answer.status.is_client_error(), "{id}: {}", answer.status);
            is_problem(&answer, id);
            let page = app.get(answer.json()["type"].as_str().unwrap()).await;
            assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"), "{id}");
        }
    }
}

#[tokio::test]
async fn what_the_framework_would_say_is_a_problem_too() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let long = format!("/v1/procedures?q={}", "a".repeat(9_000));
    for (method, path, headers, status) in [
        (Method::GET, "/nothing", vec![], 404),
        (Method::GET, "/v1/structures/not-a-uuid", vec![], 404),
        (Method::DELETE, "/v1/procedures", vec![], 405),
        (Method::GET, "/v1/procedures/", vec![], 404),
        (Method::GET, "/v1/referrals/batch", vec![], 405),
        (Method::PUT, "/v1/referrals/batch", vec![], 405),
        (Method::GET, "/v1/procedures", vec![("Accept", "image/png")], 406),
        (Method::GET, long.as_str(), vec![], 414),
        (Method::GET, "/v1/referrals", vec![], 401),
        (Method::GET, "/v1/procedures", vec![("Authorization", "Basic abc")], 200),
    ] {
        let answer = app.send(method.clone(), path, &headers, None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        if status != 200 {
            is_problem(&answer, path);
        }
    }
    let head = app.send(Method::HEAD, "/v1/procedures/rsa", &[], None).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    let wrong_method = app.send(Method::DELETE, "/v1/orientations", &[], None).await;
    assert_eq!(wrong_method.header("allow"), "GET, POST");
}
