//! API keys as operations, for callers that no product of ours has.

use std::sync::Arc;

use saas_auth::{ApiKeyError, ApiKeyRead, ApiKeyState, ApiKeyWrite, Auth, AuthBuildError, MIGRATIONS, NewApiKey, Overlap, PAGES, Scope};
use saas_core::{Actor, KeyId, Permission as _, Standing, TenantId, pages::Pages, testing::TestDb};

use crate::{app::App, mailbox::Mailbox};

saas_core::permissions! {
    /// For tests.
    NoteRead = "test.note.read";
    /// For tests.
    NoteWrite = "test.note.write";
}

const SCOPES: &[Scope] = &[Scope::of::<NoteRead>("test", "test"), Scope::of::<NoteWrite>("test", "test")];

struct House {
    app: App,
    tenant: TenantId,
}

impl House {
    async fn new() -> Self {
        let app = App::with(|builder| builder.scopes(SCOPES)).await;
        let tenant = app.test.tenant("acme").await;
        Self { app, tenant }
    }

    /// A member who holds these permissions.
    async fn member(&self, permissions: &[&'static str]) -> Standing {
        let user = self.app.test.user().await;
        self.app.test.member(self.tenant, user, "owner").await;
        Standing {
            tenant: self.tenant,
            slug: Arc::from("acme"),
            name: Arc::from("Acme"),
            actor: Actor::User(user),
            role: Arc::from("owner"),
            permissions: permissions.into(),
            revision: None,
        }
    }

    async fn make(&self, by: &Standing, scopes: &[&str]) -> Result<KeyId, ApiKeyError> {
        let mut tx = self.app.test.db.tenant(self.tenant).begin().await?;
        let new = NewApiKey { name: "Key".to_owned(), scopes: scopes.iter().map(ToString::to_string).collect(), ..NewApiKey::default() };
        let (id, _) = self.app.auth.api_key_create_in(&mut tx, by, &new).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn rotate(&self, by: &Standing, key: KeyId) -> Result<(), ApiKeyError> {
        let mut tx = self.app.test.db.tenant(self.tenant).begin().await?;
        self.app.auth.api_key_rotate_in(&mut tx, by, key, Overlap::DAY).await?;
        Ok(tx.commit().await?)
    }
}

/// RBA-05: a subset of what the maker may do, also where somebody may make keys and little else.
#[tokio::test]
async fn nobody_gives_a_key_what_they_do_not_hold() {
    let house = House::new().await;
    let reader = house.member(&[ApiKeyWrite::NAME, NoteRead::NAME]).await;
    let writer = house.member(&[ApiKeyWrite::NAME, NoteRead::NAME, NoteWrite::NAME]).await;
    house.make(&reader, &[NoteRead::NAME]).await.unwrap();
    for scopes in [&[NoteWrite::NAME][..], &[NoteRead::NAME, NoteWrite::NAME], &[ApiKeyWrite::NAME], &[]] {
        assert!(matches!(house.make(&reader, scopes).await, Err(ApiKeyError::Scopes)), "{scopes:?}");
    }
    let broad = house.make(&writer, &[NoteWrite::NAME, NoteRead::NAME, NoteWrite::NAME]).await.unwrap();
    let mut tx = house.app.test.db.tenant(house.tenant).begin().await.unwrap();
    let about = house.app.auth.api_key_in(&mut tx, broad).await.unwrap().unwrap();
    assert_eq!(about.scopes, [NoteRead::NAME, NoteWrite::NAME], "each once");
}

/// RBA-05: whoever rotates a key holds it afterwards.
#[tokio::test]
async fn nobody_rotates_a_key_that_may_more_than_they() {
    let house = House::new().await;
    let reader = house.member(&[ApiKeyWrite::NAME, NoteRead::NAME]).await;
    let writer = house.member(&[ApiKeyWrite::NAME, NoteRead::NAME, NoteWrite::NAME]).await;
    let (broad, narrow) = (house.make(&writer, &[NoteWrite::NAME]).await.unwrap(), house.make(&writer, &[NoteRead::NAME]).await.unwrap());
    assert!(matches!(house.rotate(&reader, broad).await, Err(ApiKeyError::NotPermitted)));
    house.rotate(&reader, narrow).await.unwrap();
    house.rotate(&writer, broad).await.unwrap();
    let program = Standing { actor: Actor::Key(broad), ..writer.clone() };
    assert!(matches!(house.rotate(&program, narrow).await, Err(ApiKeyError::NotPermitted)));
    assert!(matches!(house.make(&program, &[NoteRead::NAME]).await, Err(ApiKeyError::NotPermitted)));
}

/// AUT-10: somebody who left between the head of the request and its body makes no key, and theirs have ended.
#[tokio::test]
async fn whoever_has_left_makes_no_key() {
    let house = House::new().await;
    house.member(&[]).await;
    let leaver = house.member(&[ApiKeyWrite::NAME, NoteRead::NAME]).await;
    let key = house.make(&leaver, &[NoteRead::NAME]).await.unwrap();
    let Actor::User(user) = leaver.actor else { panic!("a person") };
    house.app.test.left(house.tenant, user).await;
    assert!(matches!(house.make(&leaver, &[NoteRead::NAME]).await, Err(ApiKeyError::NotPermitted)));
    assert!(matches!(house.rotate(&leaver, key).await, Err(ApiKeyError::Ended)));
    let mut tx = house.app.test.db.tenant(house.tenant).begin().await.unwrap();
    assert_eq!(house.app.auth.api_key_in(&mut tx, key).await.unwrap().unwrap().state, ApiKeyState::Orphaned);
}

/// RBA-05: no product offers keys that make keys.
#[tokio::test]
async fn to_look_after_keys_is_no_scope() {
    const READ: &[Scope] = &[Scope::of::<ApiKeyRead>("test", "test")];
    const WRITE: &[Scope] = &[Scope::of::<NoteRead>("test", "test"), Scope::of::<ApiKeyWrite>("test", "test")];
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let url: url::Url = "http://localhost".parse().unwrap();
    let pages = Pages::builder().add(PAGES).build().unwrap();
    let (outbox, keys) = (Mailbox::new(&test.db, &pages, &url).outbox, saas_core::MasterKey::generate());
    for scopes in [READ, WRITE] {
        let built = Auth::builder(&test.db, &keys, outbox.clone(), pages.clone(), url.clone()).scopes(scopes).build();
        assert!(matches!(built, Err(AuthBuildError::Scope(_))), "{built:?}");
    }
    let auth = Auth::builder(&test.db, &keys, outbox, pages, url).scopes(SCOPES).build().unwrap();
    assert_eq!(auth.api_key_routes::<()>().list().filter(|route| route.access.permissions.is_empty()).count(), 0);
}
