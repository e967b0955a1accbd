use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Scene;

fn names(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// API-01: every item comes once, in order, in each direction, whatever is added or taken away before the cursor meanwhile.
#[tokio::test]
async fn a_list_is_read_page_by_page_in_each_order() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    for number in 0..7 {
        scene.add(scene.tenant, &format!("site {number}")).await;
    }
    for (sort, backwards) in [("name", false), ("-name", true), ("created_at", false), ("-created_at", true)] {
        let mut seen = Vec::new();
        let mut path = format!("/api/v1/sites?limit=3&q=site&sort={sort}");
        let mut pages = 0;
        loop {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let page = answer.json();
            seen.extend(names(&page));
            pages += 1;
            let link = answer.headers.get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
            let Some(next) = page["next"].as_str() else {
                assert_eq!(link, None);
                break;
            };
            path = link.unwrap().strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0.to_owned();
            assert!(path.contains(next) && path.contains("limit=3") && path.contains("q=site"), "{path}");
            // Before what was read last, so it belongs to no later page.
            scene.add(scene.tenant, &format!("{} site of {sort} {pages}", if backwards { "z" } else { "a" })).await;
        }
        let mut wanted: Vec<_> = (0..7).map(|number| format!("site {number}")).collect();
        if backwards {
            wanted.reverse();
        }
        seen.retain(|name| name.starts_with("site "));
        assert_eq!(seen, wanted, "{sort}");
        assert!(pages >= 3);
    }
}

/// API-01: what a list does not offer is refused with a pointer to it, all of it at once.
#[tokio::test]
async fn a_list_refuses_what_it_does_not_offer() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    let pointers = async |query: &str| {
        let answer = client.get(&format!("/api/v1/sites?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text());
        let errors = answer.json()["errors"].clone();
        errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for limit in ["0", "201", "-1", "many", ""] {
        assert_eq!(pointers(&format!("limit={limit}")).await, ["/limit"], "{limit}");
    }
    for sort in ["tenant_id", "--name", "name,id", "name;drop", ""] {
        assert_eq!(pointers(&format!("sort={sort}")).await, ["/sort"], "{sort}");
    }
    assert_eq!(pointers("after=bm90IG91cnM").await, ["/after"]);
    assert_eq!(pointers("limit=0&sort=x&after=y").await, ["/limit", "/after", "/sort"]);
    assert_eq!(pointers("colour=red").await, ["/colour"]);
}

/// API-01, TEN-04: a cursor belongs to one list of one tenant, in one order.
#[tokio::test]
async fn a_cursor_of_another_tenant_or_order_is_refused() {
    let scene = Scene::new().await;
    let other = scene.test.tenant("other").await;
    for tenant in [scene.tenant, other] {
        scene.add(tenant, "a").await;
        scene.add(tenant, "b").await;
    }
    let (ours, theirs) = (scene.person(scene.tenant).await, scene.person(other).await);
    let next = ours.get("/api/v1/sites?limit=1").await.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(ours.get(&format!("/api/v1/sites?after={next}")).await.status, StatusCode::OK);
    assert_eq!(ours.get(&format!("/api/v1/sites?after={next}&sort=name")).await.status, StatusCode::OK);
    for (client, query) in [(&theirs, String::new()), (&ours, "&sort=-name".to_owned()), (&ours, "&sort=created_at".to_owned())] {
        let answer = client.get(&format!("/api/v1/sites?after={next}{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.json()["errors"][0]["pointer"], json!("/after"));
    }
}
