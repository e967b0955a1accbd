use composition::sessions_only::product;
use serde_json::json;

use crate::product::Running;

const PASSWORD: &str = "quiet river under glass";

/// Issue 4: an application can use only sessions.
#[tokio::test]
async fn a_product_with_sessions_alone_knows_people_and_gives_programs_nothing() {
    let running = Running::new(product()).await;
    let browser = running.browser().here();
    let account = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(browser.post("/api/v1/auth/sign-up", &account).await.status, 202);
    let verify = json!({ "token": running.mailed_token().await, "password": PASSWORD });
    assert_eq!(browser.post("/api/v1/auth/verify", &verify).await.status, 204);
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(browser.post("/api/v1/auth/sign-in", &credentials).await.status, 200);
    assert_eq!(browser.get("/greeting").await.text(), "Hello, Ada");
    assert_eq!(running.browser().page("/greeting").await.location(), Some("/sign-in?next=%2Fgreeting"));
    for path in ["/api/v1/auth/token", "/.well-known/jwks.json", "/api-keys", "/api/v1/api-keys", "/organizations"] {
        assert!(!running.serves(path), "{path}");
    }
}
