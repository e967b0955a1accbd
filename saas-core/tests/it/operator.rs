//! AUT-08: who is let in to what is for those who run the product.

use std::sync::Arc;

use http::StatusCode;
use saas_core::{
    Access, AgentId, AgentPrincipal, Caller, CurrentUser, KeyId, KeyPrincipal, Membership, Principal, Routes, SessionId, SignedIn,
    TenantId, TokenFamilyId, TokenPrincipal, UserId, finish,
    operator::{Admin, Operator, OperatorRole, ReadOnly, Support},
    pages::Pages,
    testing::{TestApp, TestDb},
};
use serde_json::json;

const LEVELS: [(&str, OperatorRole); 3] =
    [("/api/v1/look", OperatorRole::ReadOnly), ("/api/v1/help", OperatorRole::Support), ("/api/v1/all", OperatorRole::Admin)];

async fn look(operator: Operator<ReadOnly>) -> String {
    operator.me().name.clone()
}

async fn help(operator: Operator<Support>) -> String {
    operator.me().name.clone()
}

async fn all(operator: Operator<Admin>) -> String {
    operator.me().name.clone()
}

async fn app() -> TestApp {
    let test = TestDb::new(&[]).await.unwrap();
    let pages = Pages::builder().build().unwrap();
    let routes = Routes::new()
        .get(LEVELS[0].0, look)
        .about("Looks at things")
        .get(LEVELS[1].0, help)
        .about("Helps people")
        .get(LEVELS[2].0, all)
        .about("Does everything");
    TestApp::new(finish(routes, TestApp::web(&test, &pages)))
}

fn person(operator: Option<OperatorRole>, second_factor: bool) -> Principal {
    let mut me = SignedIn::new(UserId::new(), SessionId::new());
    (me.operator, me.second_factor) = (operator, second_factor);
    "Ada".clone_into(&mut me.name);
    Principal::User(Arc::new(me))
}

#[tokio::test]
async fn each_role_opens_what_those_before_it_open_and_nothing_without_a_second_factor() {
    let app = app().await;
    for (path, level) in LEVELS {
        for (_, role) in LEVELS {
            let wanted = if role >= level { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(app.acting(person(Some(role), true)).get(path).await.status, wanted, "{role:?} at {path}");
            let without = app.acting(person(Some(role), false)).get(path).await;
            assert_eq!((without.status, &without.json()["type"]), (StatusCode::FORBIDDEN, &json!("/problems/second-factor-required")));
        }
    }
}

#[tokio::test]
async fn to_everybody_else_there_is_nothing() {
    let app = app().await;
    let tenant = TenantId::new();
    let place = || Membership::new(tenant, "owner");
    let others = [
        Principal::Anonymous,
        person(None, true),
        Principal::Token(Arc::new(TokenPrincipal::new(UserId::new(), TokenFamilyId::new(), place(), &[]))),
        Principal::Key(Arc::new(KeyPrincipal::new(KeyId::new(), place(), Vec::new()))),
        Principal::Agent(AgentPrincipal::new(AgentId::new(), tenant)),
    ];
    for principal in others {
        for (path, _) in LEVELS {
            let answer = app.acting(principal.clone()).get(path).await;
            assert_eq!((answer.status, &answer.json()["type"]), (StatusCode::NOT_FOUND, &json!("/problems/not-found")), "{principal:?}");
        }
    }
}

#[tokio::test]
async fn a_route_says_who_may_call_it_and_so_does_the_document() {
    let app = app().await;
    let document = app.browser().get("/api/v1/openapi.json").await.json();
    for (path, level) in LEVELS {
        let operation = &document["paths"][path]["get"];
        assert_eq!(operation["security"], json!([{ "session": [] }]), "{path}");
        let refused = |status: &str| operation["responses"][status].is_object();
        assert_eq!(["401", "403", "404"].map(refused), [false, true, true], "{path}: {operation:#}");
        assert_eq!((Access::operator(level).caller, Access::operator(level).operator), (Caller::Operator, Some(level)));
    }
    async fn both(_: Operator<Support>, _: CurrentUser, _: Operator<ReadOnly>) -> &'static str {
        "both"
    }
    let routes: Routes = Routes::new().get("/both", both);
    assert_eq!(routes.list().next().map(|route| &route.access), Some(&Access::operator(OperatorRole::Support)));
}
