//! Every route of the composed product, called by everybody who could try. A route that is added is in these tests by itself; what they
//! cannot know, a good request and a reason for an exception, stands in the tables here.

mod actors;
mod audited;
mod requests;
mod staged;

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use monitoring::server::{MATRIX, OWN, product};
use saas_admin::RequestLimits;
use saas_auth::ApiKeyWrite;
use saas_core::{
    Caller, Clock, DatabaseConfig, Db, Permission as _, RouteInfo, Secret,
    limit::Allowance,
    testing::isolation::{Demand, attack_routes},
};
use saas_tenancy::{OrganizationOwn, Role, Roles};

use crate::{
    api_keys::SCOPES,
    app::{App, expect_problem},
};
use actors::{Actor, Kind, Scene};
use staged::Staged;

/// What a rule would answer otherwise, and why it does not.
const EXCEPTIONS: &[(&str, &str, Kind, u16, &str)] = &[
    ("DELETE", "/api/v1/members/{user}", Kind::Role(Role::Viewer), 403, "everybody may leave, but removing another takes the permission"),
    ("DELETE", "/api/v1/members/{user}", Kind::Role(Role::Member), 403, "everybody may leave, but removing another takes the permission"),
    ("POST", "/members/{user}/remove", Kind::Role(Role::Viewer), 403, "everybody may leave, but removing another takes the permission"),
    ("POST", "/members/{user}/remove", Kind::Role(Role::Member), 403, "everybody may leave, but removing another takes the permission"),
    ("POST", "/account/providers/{provider}/link", Kind::Other, 200, "a provider is everybody's"),
    ("POST", "/api/v1/me/providers/{provider}/link", Kind::Other, 200, "a provider is everybody's"),
    ("POST", "/organizations/switch", Kind::Other, 404, "the organization stands in the form"),
    ("POST", "/organizations/restore", Kind::Other, 404, "the organization stands in the form"),
    ("POST", "/account/consents/{document}", Kind::Other, 303, "everybody is asked for the same documents"),
    ("PUT", "/api/v1/me/consents/{document}", Kind::Other, 204, "everybody is asked for the same documents"),
    ("PUT", "/api/v1/organization/flags/{name}", Kind::Other, 204, "every organization has the same flags"),
    ("POST", "/start/steps/{step}", Kind::Other, 303, "every organization has the same steps"),
    ("PUT", "/api/v1/onboarding/steps/{step}", Kind::Other, 204, "every organization has the same steps"),
    ("POST", "/api/agent/register", Kind::Agent, 401, "a machine registers with a key, before it has a credential"),
    ("POST", "/api/v1/agent/register", Kind::Agent, 401, "a machine registers with a key, before it has a credential"),
];

fn demand(route: &RouteInfo, kind: Kind) -> Demand {
    if route.access.caller == Caller::Operator {
        return if kind == Kind::Operator { Demand::Allowed } else { Demand::Status(404) };
    }
    // In an organization of others whoever runs the product is nobody special.
    let kind = if kind == Kind::Operator { Kind::Other } else { kind };
    let exception = EXCEPTIONS.iter().find(|(method, path, who, ..)| route.method == *method && route.path == *path && *who == kind);
    if let Some((.., status, _)) = exception {
        return Demand::Status(*status);
    }
    let roles = Roles::new(MATRIX).own(OWN);
    // What is there already is the owner's; what is made is one's own.
    let is_own = |role, permission| {
        !route.path.contains("{id}") && route.access.in_part.contains(permission) && roles.own_of(role).contains(permission)
    };
    let holds = |role| route.access.permissions.iter().all(|it| roles.of(role).contains(it) || is_own(role, it));
    match (route.access.caller, kind) {
        // Whoever is leaving shows a cookie of its own, which none of these has.
        (Caller::Public, _) if route.path == "/api/v1/me/deletion/stop" => Demand::Status(401),
        (Caller::Public, _) => Demand::Allowed,
        // Nobody here signs as the payment gateway does.
        (Caller::Provider, _) => Demand::Status(400),
        (_, Kind::Stranger) => Demand::of_stranger(route),
        (Caller::Agent, Kind::Agent) => Demand::Allowed,
        (Caller::Agent, Kind::AgentKey) if route.access.permissions.is_empty() => Demand::Allowed,
        (_, Kind::AgentKey) => Demand::of_stranger(route),
        (Caller::Agent, _) if route.access.permissions.is_empty() => Demand::Status(401),
        (Caller::Agent, _) | (_, Kind::Agent) => Demand::Status(403),
        (Caller::Member, Kind::ApiKey) if route.path.starts_with("/api/") && is_in(route, SCOPES) => Demand::Allowed,
        (_, Kind::ApiKey) => Demand::Status(403),
        (Caller::Member, Kind::Token) if !route.path.starts_with("/api/") || !holds(Role::Owner) || is_withheld(route) => {
            Demand::Status(403)
        }
        (Caller::SignedIn, Kind::Token) => Demand::Status(403),
        (Caller::SignedIn | Caller::Member, Kind::Other) if route.path.contains('{') => Demand::Status(404),
        // Nobody deletes it here.
        (Caller::SignedIn, Kind::Role(_)) if route.path.ends_with("/restore") => Demand::Status(404),
        (Caller::SignedIn, Kind::Role(_))
            if ["sessions/{id}", "programs/{id}", "exports/{id}", "identities/{id}", "passkeys/{id}", "browsers/{id}"]
                .iter()
                .any(|own| route.path.contains(own)) =>
        {
            Demand::Status(404)
        }
        (Caller::Member, Kind::Role(role)) if !holds(role) => Demand::Status(403),
        _ => Demand::Allowed,
    }
}

/// Whether a route takes some of these permissions and no others.
fn is_in(route: &RouteInfo, scopes: &[&str]) -> bool {
    !route.access.permissions.is_empty() && route.access.permissions.iter().all(|permission| scopes.contains(permission))
}

/// What no token does, whoever holds it.
fn is_withheld(route: &RouteInfo) -> bool {
    // Whoever asks others for a second factor shows that they have one.
    let is_about_factors = route.path == "/api/v1/organization/second-factor" && route.method == Method::PUT;
    // Nor does it show who somebody is.
    let is_owners = route.access.permissions.contains(OrganizationOwn::NAME) && !route.path.contains("/flags/");
    is_about_factors || is_owners || route.access.permissions.contains(ApiKeyWrite::NAME)
}

/// TEN-03, TEN-04, RBA-02, RBA-04, DX-05: every route as everybody who could try, by the suite that embedders have, and the whole matrix of what they are
/// answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_everybody_as_its_access_says() {
    // Time stands still, so that no machine goes offline meanwhile.
    let mut limits = RequestLimits::default();
    (limits.account, limits.mail) = (Allowance::Unlimited, Allowance::Unlimited);
    let app = App::within(Clock::fixed(Clock::system().now()), limits).await;
    let staged = Staged::of(&app).await;
    let report = attack_routes(&app.test, &app.routes, &staged).await.unwrap();
    println!("{report}");
    report.assert_safe();
    assert_eq!(report.routes.len(), app.routes.len());
    let table = report.matrix.unwrap().to_string();
    let is_as_noted = table == include_str!("routes/matrix.txt").trim_end();
    assert!(is_as_noted, "the matrix in routes/matrix.txt is another; it is now:\n{table}");
}

/// Conventions 19: an exception that nothing needs any more goes.
#[tokio::test]
async fn every_exception_is_of_a_route_that_there_is() {
    let app = App::new().await;
    for (method, path, kind, status, reason) in EXCEPTIONS {
        let route = app.routes.iter().find(|route| route.method == *method && route.path == *path);
        let route = route.unwrap_or_else(|| panic!("{method} {path} is no route: {reason}"));
        let plain = RouteInfo { path: format!("/no-exception{}", route.path.replace("{user}", "x")), ..route.clone() };
        assert_ne!(demand(&plain, *kind), Demand::Status(*status), "{method} {path}: the rule says so already");
    }
}

/// A stranger who asks for a page is led to sign in and back; a program is told 401, and so is a form.
#[tokio::test]
async fn a_stranger_is_led_to_sign_in_and_a_program_is_told_401() {
    let app = App::new().await;
    for route in app.routes.iter().filter(|route| !matches!(route.access.caller, Caller::Public | Caller::Provider | Caller::Operator)) {
        let path = route
            .path
            .replace("{id}", "01890000-0000-7000-8000-000000000000")
            .replace("{message}", "01890000-0000-7000-8000-000000000000")
            .replace("{size}", "64")
            .replace("{user}", "01890000-0000-7000-8000-000000000000");
        let name = format!("{} {path}", route.method);
        let program = app.anon().call(route.method.clone(), &path, "application/json", None, bytes::Bytes::new()).await;
        expect_problem(&program, StatusCode::UNAUTHORIZED, "unauthenticated");
        let browser = app.anon().call(route.method.clone(), &path, "text/html", None, bytes::Bytes::new()).await;
        if path.starts_with("/api/") {
            expect_problem(&browser, StatusCode::UNAUTHORIZED, "unauthenticated");
        } else if route.method == Method::GET {
            let encoded = path.replace('/', "%2F");
            assert_eq!(browser.location(), Some(format!("/sign-in?next={encoded}").as_str()), "{name}");
        } else {
            assert_eq!(browser.status, StatusCode::UNAUTHORIZED, "{name}");
            assert!(browser.text().contains("<html"), "{name} shows a browser no page: {}", browser.text());
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_offer_is_405_and_an_unknown_path_404() {
    let app = App::new().await;
    let mut offered: BTreeMap<&str, Vec<&Method>> = BTreeMap::new();
    for route in &app.routes {
        offered.entry(&route.path).or_default().push(&route.method);
    }
    let everything = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (path, methods) in offered {
        for method in everything.iter().filter(|method| !methods.contains(method)) {
            let path = path.replace(['{', '}'], "");
            let matches_another = app.routes.iter().any(|route| route.method == *method && matches(&route.path, &path));
            if matches_another {
                continue;
            }
            let answer = app.anon().call(method.clone(), &path, "application/json", None, bytes::Bytes::new()).await;
            expect_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
            assert!(answer.headers.contains_key(http::header::ALLOW), "{method} {path}");
        }
    }
    for path in ["/nowhere", "/api/v1/nowhere", "/api/v2/devices", "/devices/", "//devices", "/agents/../devices"] {
        expect_problem(&app.anon().get(path).await, StatusCode::NOT_FOUND, "not-found");
    }
    let page = app.anon().page("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text().contains("<html"));
}

/// Whether a path is one of a route's.
pub(crate) fn matches(route: &str, path: &str) -> bool {
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    route.len() == path.len() && route.iter().zip(path).all(|(part, given)| part.starts_with('{') || *part == given)
}

/// Design 12.19: safe methods never write. Both logins may only read here, and every GET answers as it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_get_needs_to_write() {
    let app = App::new().await;
    let scene = Scene::of(&app).await;
    let read_only = |url: &Secret| Secret::new(format!("{}?options=-c%20default_transaction_read_only%3Don", url.expose()));
    let logins = app.test.database.logins();
    let config = DatabaseConfig {
        app: read_only(&logins.app),
        system: read_only(&logins.system),
        max_connections: 5,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    let db = Db::connect(&config, product().migrations, Clock::system()).await.unwrap();
    let refused = sqlx::query("insert into core.user (id, created_at) values (gen_random_uuid(), now())");
    assert!(refused.execute(&mut *db.system("prove that it is read-only").begin().await.unwrap()).await.is_err());
    let (reader, _, _mail) = app.again(&db);
    // Mail and files lie in folders of the first program's own.
    let elsewhere = |route: &RouteInfo| route.path.starts_with("/dev/mail/{id}") || route.path.ends_with("files/{id}/content");
    for route in app.routes.iter().filter(|route| route.method == Method::GET && !elsewhere(route)) {
        for actor in &scene.actors {
            let request = scene.request(&app, route, actor).await;
            let usual = request.send(&actor.client, route).await.status;
            let copied = request.send(&actor.copied_to(&reader), route).await;
            assert_eq!(copied.status, usual, "{request} as {}: {}", actor.name, copied.text());
            assert!(!usual.is_server_error(), "{request} as {}", actor.name);
        }
    }
}

impl Actor {
    /// The same caller at another application.
    fn copied_to(&self, app: &saas_core::testing::TestApp) -> saas_core::testing::TestClient {
        let cookies: Vec<_> = ["__Host-session", "__Host-organization"]
            .into_iter()
            .filter_map(|name| Some(format!("{name}={}", self.client.cookie(name)?)))
            .collect();
        let mut copy = app.browser().here();
        for (name, value) in self.headers.iter().map(|(name, value)| (*name, value.as_str())) {
            copy = copy.with(name, value);
        }
        if cookies.is_empty() { copy } else { copy.with("cookie", &cookies.join("; ")) }
    }
}
