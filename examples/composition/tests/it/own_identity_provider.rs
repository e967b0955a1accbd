use composition::own_identity_provider::{identity, product};
use saas_core::{MasterKey, UserId};
use serde_json::json;

use crate::product::Running;

/// Issue 4: an application can bring its own identity provider.
#[tokio::test]
async fn a_product_that_knows_its_people_from_elsewhere_has_organizations_and_rights_all_the_same() {
    let running = Running::new(product()).await;
    let ada = UserId::new();
    let browser = running.browser().with("x-identity", &identity(&running.program.master_key, ada));
    let made = browser.post("/api/v1/organizations", &json!({ "name": "Acme" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = browser.clone().with("x-organization", "acme");
    let notes = here.get("/api/v1/notes").await;
    assert_eq!((notes.status.as_u16(), &notes.json()["organization"]), (200, &"Acme".into()));
    assert_eq!(here.get("/api/v1/members").await.json()["items"].as_array().unwrap().len(), 1);

    let eve = running.browser().with("x-identity", &identity(&running.program.master_key, UserId::new()));
    assert_eq!(eve.with("x-organization", "acme").get("/api/v1/notes").await.status, 404);
    for forged in [identity(&MasterKey::generate(), ada), ada.to_string(), format!("{ada}."), format!("{ada}.zz"), ".".to_owned()] {
        let stranger = running.browser().with("x-identity", &forged).with("x-organization", "acme");
        assert_eq!(stranger.get("/api/v1/notes").await.status, 401, "{forged}");
    }
    assert!(!running.serves("/sign-in") && !running.serves("/sessions"));
}
