use aiguilleur_api::spec;
use serde_json::Value;

/// What names of operations begin with.
const VERBS: [&str; 13] =
    ["add_", "create_", "get_", "list_", "post_", "remove_", "report_", "restore_", "revoke_", "rotate_", "stream_", "update_", "write_"];

#[test]
fn the_document_on_disk_is_the_one_the_code_generates() {
    let path = format!("{}/../openapi/openapi.json", env!("CARGO_MANIFEST_DIR"));
    let on_disk: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap_or_default()).unwrap_or_default();
    assert!(on_disk == *spec::document(), "openapi/openapi.json is not what the code generates: run `make openapi` and commit it");
}

#[test]
fn every_operation_is_named_verb_first_and_described() {
    for (path, item) in spec::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(VERBS.iter().any(|verb| id.starts_with(verb)), "{id}");
            assert!(operation["summary"].is_string(), "{id} has no summary");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].is_string(), "{id} {status}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, inner) in object {
                    match inner {
                        Value::String(reference) if key == "$ref" => found.push(reference.clone()),
                        inner => references(inner, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(spec::document(), &mut found);
    assert!(found.len() > 50);
    for reference in found {
        assert!(spec::document().pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}
