use composition::keys_only::{key_for, product};

use crate::product::Running;

/// Issue 4: an application can use only keys.
#[tokio::test]
async fn a_product_with_keys_alone_lets_programs_in_and_nobody_else() {
    let running = Running::new(product()).await;
    let (tenant, maker) = (running.test.tenant("acme").await, running.test.user().await);
    running.test.member(tenant, maker, "owner").await;
    let key = key_for(&running.program, tenant, maker, "Reports").await.unwrap();
    assert!(key.expose().starts_with("note_key_"));
    let program = running.browser().bearer(key.expose());
    let notes = program.get("/api/v1/notes").await;
    assert_eq!((notes.status.as_u16(), &notes.json()["organization"]), (200, &"acme".into()));
    assert_eq!(running.browser().get("/api/v1/notes").await.status, 401);
    for path in ["/sign-up", "/sign-in", "/sessions", "/api/v1/auth/sign-in", "/api/v1/auth/token", "/api-keys"] {
        assert!(!running.serves(path), "{path}");
    }
    let other = running.test.user().await;
    assert!(key_for(&running.program, tenant, other, "Theirs").await.is_err(), "of another organization, or none");
}
