use std::time::Duration;

use http::StatusCode;
use saas_core::testing::EmptyDatabase;
use serde_json::{Value, json};

use super::outside::Outside;
use crate::{
    lab::AgentSettings,
    process::{PATIENCE, Settings, folder},
};

const SOON: Duration = Duration::from_secs(30);

/// AUT-11: the agent's own program against the server's own program: removed while it runs, it stops with a message; started again, it
/// does not get in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_key_is_revoked_stops_with_a_message_and_code_3() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let server = Settings::serving(folder.path()).set("DATABASE_URL", database.owner_url().expose()).start().await;
    let outside = Outside::at(&server.url, folder.path(), database.owner_url().expose()).await;
    let added: Value = outside.expect("/api/v1/agents", &json!({ "name": "Cellar" }), StatusCode::CREATED).await.json().await.unwrap();
    let (id, key) = (added["id"].as_str().unwrap(), added["key"].as_str().unwrap());
    let state = tempfile::tempdir().unwrap();
    let settings = AgentSettings::new(&server.url, "127.7.1.0/30", state.path()).key(Some(key));
    let mut agent = settings.start();
    agent.until_said(PATIENCE, "registered as \"Cellar\"", 1).await;
    agent.until_said(PATIENCE, "recorded", 1).await;

    let removal = outside.http.delete(format!("{}/api/v1/agents/{id}", server.url));
    assert_eq!(outside.as_person(removal).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let (status, said) = agent.ended(SOON).await;
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no longer accepts this agent") && said.contains("was revoked") && said.contains("\"Agents\""), "{said}");
    assert!(!said.contains(key), "what is secret is not repeated: {said}");

    let (status, said) = settings.start().ended(SOON).await;
    assert_eq!(status.code(), Some(3), "its credential is refused: {said}");
    let fresh = tempfile::tempdir().unwrap();
    let (status, said) = AgentSettings::new(&server.url, "127.7.1.0/30", fresh.path()).key(Some(key)).start().ended(SOON).await;
    assert_eq!(status.code(), Some(3), "its key is refused: {said}");
    assert!(said.contains("does not accept the agent key") && said.contains("--key"), "{said}");
    server.terminate();
    assert!(server.ended().await.success());
}
