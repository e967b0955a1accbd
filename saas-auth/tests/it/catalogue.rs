use chrono::TimeDelta;
use saas_auth::{AttemptLimit, Auth, AuthBuildError, Document, MIGRATIONS, PAGES, Provider, ProviderFlaw};
use saas_core::{Access, MasterKey, Secret, inventory::Class, pages::Pages, testing::TestDb};

use crate::{app::App, mailbox::Mailbox};

/// The doctor has nothing to say about our tables.
#[tokio::test]
async fn nothing_about_the_database_is_unsafe_or_unregistered() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let findings = test.db.findings().await.unwrap();
    let ours: Vec<_> = findings.iter().filter(|finding| finding.rule != "old-server").map(ToString::to_string).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

/// The application login cannot read accounts, sessions or mailed links, also with SQL of its own.
#[tokio::test]
async fn the_application_login_has_no_right_to_what_has_no_tenant() {
    let app = App::new().await;
    let tables = [
        "auth.account",
        "auth.attempt",
        "auth.authenticator",
        "auth.avatar",
        "auth.backup_code",
        "auth.consent",
        "auth.email_change",
        "auth.email_token",
        "auth.export",
        "auth.identity",
        "auth.operator",
        "auth.passkey",
        "auth.passkey_challenge",
        "auth.pending_entry",
        "auth.provider_flow",
        "auth.session",
        "auth.signing_key",
        "auth.token_family",
    ];
    for table in tables {
        for right in ["select", "insert", "update", "delete"] {
            let sql = format!("select has_table_privilege('{table}', '{right}')");
            let allowed: bool = app
                .test
                .db
                .lookup(|connection| {
                    let sql = sqlx::AssertSqlSafe(sql.clone());
                    Box::pin(async move { sqlx::query_scalar(sql).fetch_one(connection).await })
                })
                .await
                .unwrap();
            assert!(!allowed, "{right} on {table}");
        }
    }
}

/// CMP-01, CMP-02: a table that names a person is erased with them and known to exports.
#[tokio::test]
async fn every_table_that_names_a_person_says_so() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    for table in test.db.inventory() {
        let names_one = table.columns.iter().any(|(column, _)| *column == "user_id");
        assert!(!names_one || table.person() == Some("user_id"), "{}: user_id is of class Person or Own", table.name);
        let people = table.of(Class::Person).chain(table.of(Class::Own)).count();
        assert!(people <= 1, "{}: a row is one person's", table.name);
    }
}

#[test]
fn every_page_renders_in_every_language() {
    let pages = Pages::builder().add(PAGES).build().unwrap();
    pages.check().unwrap();
}

/// The list of routes that are open to anybody only shrinks.
#[tokio::test]
async fn only_what_must_be_is_open_to_strangers() {
    let app = App::with(|builder| builder.passkeys(true)).await;
    let routes = app.auth.routes::<()>().merge(app.auth.token_routes());
    let mut open: Vec<_> =
        routes.list().filter(|route| route.access == Access::public()).map(|route| format!("{} {}", route.method, route.path)).collect();
    open.sort();
    assert_eq!(
        open,
        [
            "GET /.well-known/jwks.json",
            "GET /account/deletion/confirm",
            "GET /account/email/confirm",
            "GET /account/export",
            "GET /account/leaving",
            "GET /api/v1/auth/providers",
            "GET /hand-off/begin",
            "GET /hand-off/return",
            "GET /reset",
            "GET /sign-in",
            "GET /sign-in/link",
            "GET /sign-in/second",
            "GET /sign-in/with/{provider}/confirm",
            "GET /sign-in/with/{provider}/return",
            "GET /sign-up",
            "GET /verify",
            "POST /account/deletion/confirm",
            "POST /account/email/confirm",
            "POST /account/email/refuse",
            "POST /account/export/file",
            "POST /account/leaving/export",
            "POST /account/leaving/sign-out",
            "POST /account/leaving/stay",
            "POST /api/v1/auth/leaked-keys",
            "POST /api/v1/auth/passkeys/challenge",
            "POST /api/v1/auth/providers/{provider}",
            "POST /api/v1/auth/reset",
            "POST /api/v1/auth/reset/password",
            "POST /api/v1/auth/sign-in",
            "POST /api/v1/auth/sign-in/code",
            "POST /api/v1/auth/sign-in/link",
            "POST /api/v1/auth/sign-in/mail",
            "POST /api/v1/auth/sign-in/passkey",
            "POST /api/v1/auth/sign-in/second",
            "POST /api/v1/auth/sign-out",
            "POST /api/v1/auth/sign-up",
            "POST /api/v1/auth/token",
            "POST /api/v1/auth/token/refresh",
            "POST /api/v1/auth/token/revoke",
            "POST /api/v1/auth/verify",
            "POST /api/v1/auth/verify/resend",
            "POST /api/v1/me/deletion/confirm",
            "POST /api/v1/me/deletion/stop",
            "POST /api/v1/me/email/confirm",
            "POST /api/v1/me/email/refuse",
            "POST /hand-off/return",
            "POST /reset",
            "POST /reset/password",
            "POST /sign-in",
            "POST /sign-in/code",
            "POST /sign-in/link",
            "POST /sign-in/mail",
            "POST /sign-in/passkey",
            "POST /sign-in/second",
            "POST /sign-in/with/{provider}",
            "POST /sign-in/with/{provider}/confirm",
            "POST /sign-in/with/{provider}/posted",
            "POST /sign-in/with/{provider}/return",
            "POST /sign-out",
            "POST /sign-up",
            "POST /verify",
            "POST /verify/resend",
        ]
    );
}

#[tokio::test]
async fn what_would_not_be_safe_does_not_build() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let builder = |url: &str| {
        let (pages, url) = (Pages::builder().add(PAGES).build().unwrap(), url.parse().unwrap());
        Auth::builder(&test.db, &MasterKey::generate(), Mailbox::new(&test.db, &pages, &url).outbox, pages, url)
    };
    assert!(matches!(builder("http://10.0.0.7:3000").build(), Err(AuthBuildError::PlainHttp(_))));
    assert!(matches!(builder("http://localhost.evil.example").build(), Err(AuthBuildError::PlainHttp(_))));
    assert!(builder("http://10.0.0.7:3000").insecure_lan(true).build().is_ok());
    for safe in ["https://app.example.com", "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"] {
        assert!(builder(safe).build().is_ok(), "{safe}");
    }
    let minutes = |minutes| TimeDelta::minutes(minutes);
    for lifetime in [minutes(14), minutes(61), minutes(-30)] {
        assert!(matches!(builder("http://localhost").reset_lifetime(lifetime).build(), Err(AuthBuildError::ResetLifetime(_))));
    }
    for limit in [AttemptLimit::new(0, minutes(15)), AttemptLimit::new(5, minutes(0)), AttemptLimit::new(5, minutes(1)).pause(minutes(-1))]
    {
        assert!(matches!(builder("http://localhost").sign_in_limit(limit).build(), Err(AuthBuildError::Limit(_))), "{limit:?}");
    }
    for document in [Document::optional("", "1", "x"), Document::optional("Terms", "1", "x"), Document::required("terms", "", "x")] {
        let documents: &'static [Document] = Box::leak(Box::new([document]));
        assert!(matches!(builder("http://localhost").documents(documents).build(), Err(AuthBuildError::Document(_))), "{document:?}");
    }
    let provider = |id: &str| Provider::google(id, Secret::new("secret"));
    let twice = builder("http://localhost").provider(provider("one")).provider(provider("two")).build();
    assert!(matches!(twice, Err(AuthBuildError::Provider(ProviderFlaw::Twice(_)))));
    let missing = builder("http://localhost").provider(provider("")).build();
    assert!(matches!(missing, Err(AuthBuildError::Provider(ProviderFlaw::Missing { .. }))));
    assert!(matches!(builder("http://localhost").home("//evil.example").build(), Err(AuthBuildError::Path(_))));
    assert!(matches!(builder("http://localhost").agent_key_prefix("Mon_").build(), Err(AuthBuildError::AgentKeyPrefix(_))));
}
