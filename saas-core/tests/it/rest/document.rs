use http::StatusCode;
use saas_core::{
    Json, Routes, finish,
    pages::Pages,
    testing::{TestApp, TestDb},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Scene;

/// API-01, design 12.16: what is sent, answered and demanded stands in the document as the handler's types say it.
#[tokio::test]
async fn the_document_says_what_the_types_of_a_handler_say() {
    let scene = Scene::new().await;
    assert_eq!(scene.document.flaws(), &[] as &[String]);
    let answer = scene.app.browser().get("/api/v1/openapi.json").await;
    assert_eq!((answer.status, &answer.json()), (StatusCode::OK, scene.document.json()));

    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let create = &document["paths"]["/api/v1/sites"]["post"];
    assert_eq!(create["summary"], "Makes a site");
    assert_eq!(create["operationId"], "post_sites");
    assert_eq!(create["requestBody"]["content"]["application/json"]["schema"], json!({ "$ref": "#/components/schemas/NewSite" }));
    assert_eq!(create["responses"]["201"]["content"]["application/json"]["schema"], json!({ "$ref": "#/components/schemas/SiteWithKey" }));
    assert_eq!(create["security"], json!([{ "session": [] }, { "token": [] }, { "key": [] }]));
    assert_eq!(create["x-permissions"], json!(["test.site.write"]));
    let list = &document["paths"]["/api/v1/sites"]["get"];
    let no_key = json!([{ "session": [] }, { "token": [] }]);
    assert_eq!((&list["x-permissions"], &list["security"]), (&json!(["test.site.read"]), &no_key), "keys are not given this one");
    assert!(["400", "401", "403", "409", "413", "415", "422"].iter().all(|status| create["responses"][status].is_object()), "{create:#}");
    assert_eq!(create["parameters"], json!([{ "$ref": "#/components/parameters/IdempotencyKey" }]));
    assert_eq!(document["components"]["schemas"]["NewSite"]["properties"]["name"]["description"], "1 to 100 characters.");

    let alias = &document["paths"]["/api/sites"]["post"];
    assert_eq!((alias["x-alias-of"].clone(), alias["operationId"].clone()), (json!("/api/v1/sites"), json!("post_api_sites")));

    let list = &document["paths"]["/api/v1/sites"]["get"];
    let names: Vec<_> = list["parameters"].as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["q", "limit", "sort", "after"]);
    assert_eq!(list["parameters"][2]["schema"]["enum"], json!(["name", "-name", "created_at", "-created_at"]));

    let delete = &document["paths"]["/api/v1/sites/{id}"]["delete"];
    assert_eq!(delete["parameters"][0]["schema"]["format"], "uuid");
    assert!(delete["responses"]["204"].is_object());
    assert_eq!(document["paths"]["/api/v1/nowhere"]["post"]["security"], json!([]));
}

mod one {
    #[derive(serde::Serialize, utoipa::ToSchema)]
    pub(super) struct Thing {
        pub(super) a: u8,
    }
}

#[derive(Serialize, ToSchema)]
struct Thing {
    b: u8,
}

/// API-01: what a document leaves open is known, so that a test can refuse it.
#[tokio::test]
async fn what_is_not_said_is_a_flaw() {
    let test = TestDb::at(&[], saas_core::Clock::system(), 2).await.unwrap();
    let routes = Routes::new()
        .get("/api/v1/one", async || Json(one::Thing { a: 1 }))
        .about("Gives a thing")
        .get("/api/v1/two", async || Json(Thing { b: 1 }))
        .about("Gives another thing")
        .get("/api/v1/silent", async || Json(1_u8))
        .get("/api/v1/mute", async || "text")
        .about("Says nothing")
        .get("/api/v1/lost/{id}", async || Json(1_u8))
        .about("Does not read its path")
        .get("/page", async || "no part of the API");
    let app = finish(routes, TestApp::web(&test, &Pages::builder().build().unwrap()));
    let flaws = app.document().flaws().join("\n");
    for (route, flaw) in [
        ("/api/v1/two", "two schemas called Thing"),
        ("/api/v1/silent", "does not say what it does"),
        ("/api/v1/mute", "does not say what it answers"),
        ("/api/v1/lost/{id}", "does not say what its path's parameters are"),
    ] {
        assert!(flaws.lines().any(|line| line.starts_with(&format!("GET {route}")) && line.contains(flaw)), "{route}:\n{flaws}");
    }
    assert_eq!(app.document().flaws().len(), 4, "{flaws}");
}

/// API-01: each kind of problem has a page in each language, with words of its own, and all of them are listed.
#[tokio::test]
async fn every_kind_of_problem_has_a_page_and_is_listed() {
    let scene = Scene::new().await;
    for language in ["en", "de"] {
        let browser = scene.app.browser().with("accept-language", language);
        let list = browser.page("/problems").await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.text());
        let mut texts = std::collections::BTreeSet::new();
        for kind in saas_core::ProblemType::ALL {
            let path = format!("/problems/{}", kind.slug);
            // Slashes are escaped in a page.
            assert!(list.text().contains(&format!("{}\"", kind.slug)), "{path}");
            let page = browser.page(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            let text = page.text();
            assert!(text.contains(&format!(">{}<", kind.status.as_u16())) && text.contains(kind.title), "{text}");
            let title = text.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0.to_owned();
            assert!(texts.insert(title.clone()), "{path}: {title} is said of another kind too");
        }
    }
}

/// API-01: whoever looks for the documentation finds it below each page, and it is open to all.
#[tokio::test]
async fn the_documentation_is_linked_below_each_page() {
    let scene = Scene::new().await;
    let page = scene.app.browser().page("/status").await.text();
    assert!(page.contains(r#"<a href="/api-docs">API documentation</a>"#), "{page}");
    let there = scene.app.browser().get("/api-docs").await;
    assert_eq!((there.status, there.location()), (StatusCode::SEE_OTHER, Some("/api-docs/index.html")));
    assert_eq!(scene.app.browser().get("/api-docs/index.html").await.status, StatusCode::OK);
}
