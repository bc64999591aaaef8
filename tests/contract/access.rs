use std::collections::BTreeSet;

use aiguilleur_api::access::{Access, OPERATIONS, allows};
use aiguilleur_api::spec;
use aiguilleur_domain::access::Role;
use aiguilleur_testkit::{App, TEMPLATE, TestDatabase};
use reqwest::Method;
use serde_json::json;
use strum::VariantArray;

/// Method, path with its parameters filled in, and id of every operation of the document.
fn operations() -> Vec<(Method, String, String)> {
    let mut operations = Vec::new();
    for (path, item) in spec::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let filled: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "00000000-0000-4000-8000-000000000000" } else { part }).collect();
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, filled.join("/"), operation["operationId"].as_str().unwrap().to_owned()));
        }
    }
    operations
}

#[test]
fn the_table_and_the_document_name_the_same_operations() {
    let documented: BTreeSet<String> = operations().into_iter().map(|(_, _, id)| id).collect();
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(documented, listed, "add the operation to crates/api/src/access.rs, with who may call it");
}

/// Reviewed: what these show is public.
#[test]
fn public_operations_are_the_reviewed_ones() {
    let public: Vec<&str> = OPERATIONS.iter().filter(|(_, access)| *access == Access::Public).map(|(id, _)| *id).collect();
    assert_eq!(
        public,
        [
            "get_commune",
            "get_health_live",
            "get_health_ready",
            "get_institution",
            "get_metrics",
            "get_openapi",
            "get_orientation",
            "get_procedure",
            "get_structure",
            "list_communes",
            "list_coverage",
            "list_institutions",
            "list_procedures",
            // As published; an organisation's own asks for its token.
            "list_referral_figures",
            "list_structures",
            "list_structures_geojson",
            "post_deadlines",
            "post_orientation",
            "stream_structures",
        ]
    );
}

#[tokio::test]
async fn every_operation_is_tried_by_nobody_and_by_every_role() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let administrator = app.token("administrator", "somebody", "installation");
    let made = app.post("/v1/organisations", &administrator, &json!({"slug": "partners", "may_refer": true})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut tried = 0;
    for (method, path, id) in operations() {
        let access = OPERATIONS.iter().find(|(known, _)| *known == id).map(|(_, access)| *access).unwrap();
        let body = [Method::POST, Method::PATCH, Method::PUT].contains(&method).then(|| json!({}));
        let nobody = app.send(method.clone(), &path, &[], body.as_ref()).await.status.as_u16();
        match access {
            Access::Public => assert!(![401, 403].contains(&nobody), "{id}: {nobody}"),
            Access::Roles(_) | Access::Referrers | Access::Agents => assert_eq!(nobody, 401, "{id}"),
        }
        // Partner tools of an organisation that was given the right to refer, too.
        for (role, organisation) in Role::VARIANTS.iter().map(|&role| (role, "somewhere")).chain([(Role::Partner, "partners")]) {
            let authorization = format!("Bearer {}", app.token(role.into(), "somebody", organisation));
            let status = app.send(method.clone(), &path, &[("Authorization", &authorization)], body.as_ref()).await.status.as_u16();
            let refused = !allows(&id, &[role], organisation == "partners");
            assert_eq!(status == 403, refused, "{id} as {role} of {organisation}: {status}");
            assert_ne!(status, 401, "{id}");
            tried += 1;
        }
    }
    assert_eq!(tried, OPERATIONS.len() * (Role::VARIANTS.len() + 1));
}

#[test]
fn the_table_on_disk_is_the_one_in_force() {
    let on_disk = include_str!("../../openapi/access.md");
    assert!(on_disk == aiguilleur_api::access::table(), "openapi/access.md is not what the code says: run `make openapi` and commit it");
}

#[tokio::test]
async fn a_bad_token_is_refused_everywhere_it_could_matter() {
    let database = TestDatabase::clone_of(TEMPLATE).await;
    let app = App::on(&database, "none");
    let good = app.token("mediator", "somebody", "somewhere");
    let elsewhere = tempfile::tempdir().unwrap();
    let other_key = aiguilleur_testkit::token(elsewhere.path(), &["--role", "mediator", "--subject", "somebody"]);
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
    let stripped = format!("{head}.{payload}.");
    for bad in [other_key, unsigned, stripped, "nonsense".to_owned(), String::new()] {
        let answer = app.get_as("/v1/referrals", &bad).await;
        assert_eq!(answer.status, 401, "{bad}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(app.get_as("/v1/referrals", &good).await.status, 200);
}
