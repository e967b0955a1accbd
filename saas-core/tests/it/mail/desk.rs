//! What an organization decides about its mail.

use std::sync::Arc;

use axum::{extract::Request, middleware::Next};
use http::{Method, StatusCode};
use saas_core::{
    Actor, MasterKey, Permission as _, Principal, Routes, SessionId, SignedIn, Standing, TenantId, UserId, finish,
    mail::{MailWrite, SuppressionReason, Suppressions, brand_in, mail_routes},
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::{Value, json};

/// An organization, one who looks after its mail, and one who does not.
struct Desk {
    test: TestDb,
    suppressions: Suppressions,
    tenant: TenantId,
    app: TestApp,
}

impl Desk {
    async fn new() -> Self {
        let (test, keys) = (TestDb::new(&[]).await.unwrap(), MasterKey::generate());
        let tenant = test.tenant("acme").await;
        let db = test.db.clone();
        let routes: Routes = mail_routes(&test.db, &keys);
        let routes = routes.layer(axum::middleware::from_fn(move |mut request: Request, next: Next| {
            let Some(Principal::User(me)) = request.extensions().get::<Principal>().cloned() else { unreachable!("somebody is signed in") };
            let permissions: &[&'static str] = if me.name == "owner" { &[MailWrite::NAME] } else { &[] };
            let standing = Standing {
                tenant,
                slug: "acme".into(),
                name: "Acme".into(),
                actor: Actor::User(me.user),
                role: me.name.as_str().into(),
                permissions: permissions.into(),
                revision: None,
            };
            request.extensions_mut().insert(db.tenant(tenant).acting(me.user));
            request.extensions_mut().insert(standing);
            next.run(request)
        }));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &Pages::builder().build().unwrap())));
        Self { test, suppressions: Suppressions::new(keys), tenant, app }
    }

    fn acting(&self, role: &str) -> TestClient {
        let mut me = SignedIn::new(UserId::new(), SessionId::new());
        role.clone_into(&mut me.name);
        self.app.acting(Principal::User(Arc::new(me)))
    }

    /// A member to whose address nothing is sent.
    async fn silenced(&self, tenant: TenantId, reason: SuppressionReason) -> UserId {
        let user = self.test.user().await;
        self.test.member(tenant, user, "viewer").await;
        let mut tx = self.test.db.system("arrange a test").begin().await.unwrap();
        self.suppressions.add_in(&mut tx, &format!("{user}@EXAMPLE.com"), reason, Some("550 5.1.1")).await.unwrap();
        tx.commit().await.unwrap();
        user
    }

    async fn logged(&self) -> Vec<(String, Value)> {
        let mut tx = self.test.db.tenant(self.tenant).begin().await.unwrap();
        sqlx::query_as("select action, data::jsonb from audit_entry order by id").fetch_all(&mut *tx).await.unwrap()
    }
}

/// NOT-02: name, picture, colour and language of an organization's mail are chosen by those who may, and what is wrong is said of each.
#[tokio::test]
async fn those_who_may_choose_how_the_organizations_mail_looks() {
    let desk = Desk::new().await;
    let (owner, viewer) = (desk.acting("owner"), desk.acting("viewer"));
    let nothing = json!({ "name": null, "logo": null, "color": null, "locale": null });
    assert_eq!(owner.get("/api/v1/mail/brand").await.json(), nothing);
    let acme = json!({ "name": "Acme", "logo": "https://acme.example/logo.png", "color": "#3D4FCF", "locale": "de" });
    let changed = owner.json(Method::PUT, "/api/v1/mail/brand", &acme).await;
    let kept = json!({ "name": "Acme", "logo": "https://acme.example/logo.png", "color": "#3d4fcf", "locale": "de" });
    assert_eq!((changed.status, changed.json()), (StatusCode::OK, kept.clone()), "{}", changed.text());
    assert_eq!(owner.json(Method::PUT, "/api/v1/mail/brand", &acme).await.status, StatusCode::OK);
    for (field, value) in [
        ("name", "a\nb".to_owned()),
        ("name", "a".repeat(101)),
        ("logo", "http://acme.example/logo.png".to_owned()),
        ("logo", "javascript:alert(1)".to_owned()),
        ("color", "red".to_owned()),
        ("locale", "fr".to_owned()),
    ] {
        let refused = owner.json(Method::PUT, "/api/v1/mail/brand", &json!({ field: value })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"));
        let page = owner.form("/mail", &[(field, &value)]).await;
        assert!(
            page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text().contains("aria-invalid"),
            "{field} {value}: {}",
            page.text()
        );
    }
    assert_eq!(owner.get("/api/v1/mail/brand").await.json(), kept);
    // On the page, and back to the product's own by emptying all of it.
    assert!(owner.page("/mail").await.text().contains("logo.png"));
    let emptied = owner.form("/mail", &[("name", " "), ("logo", ""), ("color", ""), ("locale", "")]).await;
    assert_eq!((emptied.status, emptied.location()), (StatusCode::SEE_OTHER, Some("/mail")));
    let mut tx = desk.test.db.tenant(desk.tenant).begin().await.unwrap();
    assert_eq!(brand_in(&mut tx).await.unwrap(), saas_core::mail::Brand::default());
    drop(tx);
    let logged = desk.logged().await;
    assert_eq!(logged.iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>(), ["mail.brand.changed", "mail.brand.changed"]);
    assert_eq!(logged[0].1["color"], json!({ "old": null, "new": "#3d4fcf" }));
    for path in ["/mail", "/api/v1/mail/brand", "/api/v1/mail/undelivered"] {
        assert_eq!(viewer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

/// NOT-01: who gets no mail is seen by their organization, which may have it sent again unless they complained.
#[tokio::test]
async fn an_organization_sees_whose_mail_came_back_and_sends_it_again() {
    let desk = Desk::new().await;
    let owner = desk.acting("owner");
    let other = desk.test.tenant("other").await;
    let gone = desk.silenced(desk.tenant, SuppressionReason::Bounce).await;
    let annoyed = desk.silenced(desk.tenant, SuppressionReason::Complaint).await;
    let theirs = desk.silenced(other, SuppressionReason::Bounce).await;
    let list = owner.get("/api/v1/mail/undelivered").await.json()["undelivered"].clone();
    let mut seen: Vec<_> =
        list.as_array().unwrap().iter().map(|it| (it["user"].as_str().unwrap(), it["reason"].as_str().unwrap())).collect();
    seen.sort_unstable();
    let (gone_id, annoyed_id) = (gone.to_string(), annoyed.to_string());
    let mut expected = vec![(gone_id.as_str(), "bounce"), (annoyed_id.as_str(), "complaint")];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert!(!list.to_string().contains("5.1.1"), "what a mail server answered may be about somebody else's letter");
    let page = owner.page("/mail").await.text();
    assert!(page.contains("There is no such mailbox") && page.contains("Its owner complained"), "{page}");

    let lift = async |user: UserId| owner.post(&format!("/api/v1/mail/undelivered/{user}/lift"), &json!({})).await.status;
    for (user, status) in [(annoyed, StatusCode::FORBIDDEN), (theirs, StatusCode::NOT_FOUND), (UserId::new(), StatusCode::NOT_FOUND)] {
        assert_eq!(lift(user).await, status);
    }
    assert_eq!((lift(gone).await, lift(gone).await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    let mut tx = desk.test.db.system("look").begin().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from core.mail_suppression").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(left, 2);
    assert_eq!(desk.logged().await, [("mail.address.lifted".to_owned(), json!({ "reason": "bounce" }))]);
    let again = desk.silenced(desk.tenant, SuppressionReason::Bounce).await;
    let lifted = owner.form(&format!("/mail/undelivered/{again}/lift"), &[]).await;
    assert_eq!((lifted.status, lifted.location()), (StatusCode::SEE_OTHER, Some("/mail")));
}
