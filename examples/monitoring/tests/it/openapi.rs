//! What the API says of itself (API-01).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, TcpListener},
    process::Stdio,
};

use saas_core::testing::EmptyDatabase;
use serde_json::Value;

use crate::{
    api_keys::SCOPES,
    app::App,
    crash::outside::Outside,
    process::{Settings, folder},
};

/// API-01: every route of the API says all of itself, and the document names no other.
#[tokio::test]
async fn every_route_of_the_api_is_documented_and_nothing_else() {
    let app = App::new().await;
    assert_eq!(app.document.flaws(), &[] as &[String]);
    let served: BTreeSet<_> = app
        .routes
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| (route.method.as_str().to_lowercase(), route.path.clone()))
        .collect();
    let mut documented = BTreeSet::new();
    for (path, operations) in app.document.json()["paths"].as_object().unwrap() {
        documented.extend(operations.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    }
    assert_eq!(documented, served);
}

/// AUT-10: the document names keys where the permissions that they may be given let them in, and on the routes of agents.
#[tokio::test]
async fn a_key_is_documented_where_its_scopes_let_it_in() {
    let app = App::new().await;
    let (mut with_key, is_key) = (0, |scheme: &serde_json::Value| scheme.get("key").is_some());
    for (path, operations) in app.document.json()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let takes_key = operation["security"].as_array().unwrap().iter().any(is_key);
            let is_given = |name: &serde_json::Value| SCOPES.iter().any(|scope| name == scope);
            let takes_scopes = operation["x-permissions"].as_array().is_some_and(|names| !names.is_empty() && names.iter().all(is_given));
            let is_agents = path.starts_with("/api/v1/agent/") || path.starts_with("/api/agent/");
            assert_eq!(takes_key, takes_scopes || is_agents, "{method} {path}");
            with_key += u32::from(takes_key);
        }
    }
    assert!(with_key > 20, "{with_key}");
    let document = app.document.json();
    let takes_token = |path: &str| {
        let operation = &document["paths"][path]["get"];
        operation["security"].as_array().unwrap().iter().any(|scheme| scheme.get("token").is_some())
    };
    assert!(takes_token("/api/v1/devices") && !takes_token("/api/v1/auth/me") && !takes_token("/api/v1/agent/status"));
    assert_eq!(app.document.json()["components"]["securitySchemes"]["key"]["scheme"], "bearer");
}

/// Design 12.19: everything public has a path under `/api/v1`; any other is another name of one.
#[tokio::test]
async fn what_is_not_under_v1_is_an_alias_of_what_is() {
    let app = App::new().await;
    let mut aliases = 0;
    for route in app.routes.iter().filter(|route| route.path.starts_with("/api/") && !route.path.starts_with("/api/v1/")) {
        let original = route.alias_of.as_deref().unwrap_or_else(|| panic!("{} {} is no alias", route.method, route.path));
        let original = app.routes.iter().find(|it| it.path == original && it.method == route.method).unwrap();
        assert!(original.path.starts_with("/api/v1/") && original.access == route.access);
        aliases += 1;
    }
    assert!(aliases >= 5, "the agent's paths");
}

/// How often each operation is tried.
const EXAMPLES: &str = "10";

/// How each route of the API answered, as the program's metrics count it.
async fn answers(metrics: SocketAddr) -> BTreeMap<String, BTreeSet<String>> {
    let text = reqwest::get(format!("http://{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let label = |line: &str, name: &str| line.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
    let mut answers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("http_requests_total{")) {
        answers.entry(format!("{} {}", label(line, "method"), label(line, "path"))).or_default().insert(label(line, "status"));
    }
    answers
}

/// API-01, ASVS 2.2.1: requests made from the document, good and bad, by a person and by a machine, never break the program, and what it
/// answers is what it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_made_from_the_document_are_answered_as_it_says() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings::serving(folder.path()).argument("--metrics").argument(&metrics.to_string());
    let server = settings.set("DATABASE_URL", database.owner_url().expose()).start().await;
    let outside = Outside::at(&server.url, folder.path(), database.owner_url().expose()).await;
    let (cookie, key) = (format!("Cookie: {}", outside.cookie()), format!("Authorization: Bearer {}", outside.credential));
    // What ends the session or the membership comes last, as a stranger, who may not.
    let ends = "^/api/v1/(auth/|members)|/key$|/credential$";
    for arguments in [
        // The machine before people can remove it; the organization by its name, for others are made on the way.
        &["--include-path-regex", "^/api/v1/agent/", "--header", key.as_str()][..],
        &["--exclude-path-regex", ends, "--header", &cookie, "--header", "x-organization: acme"],
        &["--include-path-regex", ends],
    ] {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/schemathesis");
        let ran = tokio::process::Command::new(program)
            .args(["run", &format!("{}/api/v1/openapi.json", server.url), "--no-color"])
            .args(["--seed", "20260301", "--generation-deterministic", "--max-examples", EXAMPLES])
            .args(["--phases", "examples,fuzzing", "--suppress-health-check", "all", "--header", "Sec-Fetch-Site: same-origin"])
            .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap_or_else(|error| panic!("{program} (tests/install puts it there) cannot be started: {error}"));
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{arguments:?}\n{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
    // Not that all was refused: of what is read without naming anything, each was answered; but for the price of another plan, where none is paid for.
    let document: Value = reqwest::get(format!("{}/api/v1/openapi.json", server.url)).await.unwrap().json().await.unwrap();
    let (mut answers, mut refused) = (answers(metrics).await, Vec::new());
    for (path, operations) in document["paths"].as_object().unwrap() {
        let route = format!("GET {path}");
        let statuses = answers.remove(&route).unwrap_or_default();
        let is_tried = path.starts_with("/api/v1/")
            && !path.contains('{')
            && !["/auth/", "/members", "/change-plan"].iter().any(|it| path.contains(it));
        if is_tried && operations.get("get").is_some() && !statuses.contains("200") {
            refused.push((route, statuses));
        }
    }
    assert!(refused.is_empty(), "{refused:?}");
}
