//! The page that compares plans, and the same for programs.

use http::StatusCode;
use saas_billing::{Billing, PAGES, Plans};
use saas_core::{Routes, finish, pages::Pages, testing::TestApp};

use crate::given::database;

const PLANS: &str = r#"
    meters = [{ name = "agents" }, { name = "messages", per = "day" }]
    features = ["api"]

    [[plans]]
    name = "free"
    limits = { agents = 1, messages = 100 }

    [[plans]]
    name = "starter"
    trial_days = 14
    prices.month = { usd = "29", eur = "27.50" }
    prices.year = { usd = "290", eur = "275" }
    limits = { agents = 1500, messages = 10000 }
    features = ["api"]

    [[plans]]
    name = "old"
    retired = true
    prices.month = { usd = "9", eur = "9" }
    prices.year = { usd = "90", eur = "90" }

    [[plans]]
    name = "enterprise"
    quoted = true
    limits = { agents = "unlimited", messages = "unlimited" }
    features = ["api"]
"#;

async fn app() -> TestApp {
    let test = database().await;
    let pages = Pages::builder().add(PAGES).build().unwrap();
    let billing = Billing::new(Plans::from_toml(PLANS).unwrap()).unwrap();
    let routes: Routes = billing.pricing_routes("hosting");
    TestApp::new(finish(routes, TestApp::web(&test, &pages)))
}

/// BIL-01, BIL-16: prices in the chosen currency, limits in the reader's language.
#[tokio::test]
async fn the_page_compares_plans_in_the_readers_currency_and_language() {
    let app = app().await;
    let english = app.browser().page("/pricing?currency=usd").await;
    assert_eq!(english.status, StatusCode::OK);
    for part in ["$0", "$29", "$290 a year", "Free for the first 14 days", "1,500", "10,000 a day", "Unlimited", "On request"] {
        assert!(english.text().contains(part), "{part}: {}", english.text());
    }
    assert!(!english.text().contains("hosting-plan-old") && !english.text().contains("€"), "{}", english.text());
    let german = app.browser().with("accept-language", "de").page("/pricing?currency=eur").await.text();
    for part in ["27,50 €", "275 € im Jahr", "1.500", "10.000 am Tag", "Unbegrenzt", "Auf Anfrage"] {
        assert!(german.contains(part), "{part}: {german}");
    }
    // A currency that nothing is sold in is none.
    assert!(app.browser().page("/pricing?currency=jpy").await.text().contains("27.50"));
}

#[tokio::test]
async fn a_program_gets_the_same_catalogue() {
    let app = app().await;
    let answer = app.browser().get("/api/v1/plans").await;
    assert_eq!(answer.status, StatusCode::OK);
    let catalogue = answer.json();
    assert_eq!(
        catalogue["plans"][1],
        serde_json::json!({
            "name": "starter", "quoted": false, "trial_days": 14,
            "prices": [
                { "interval": "month", "amount": 2_750, "currency": "eur" },
                { "interval": "month", "amount": 2_900, "currency": "usd" },
                { "interval": "year", "amount": 27_500, "currency": "eur" },
                { "interval": "year", "amount": 29_000, "currency": "usd" },
            ],
            "limits": { "agents": 1_500, "messages": 10_000 }, "features": ["api"],
        })
    );
    let names: Vec<_> = catalogue["plans"].as_array().unwrap().iter().map(|plan| plan["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["free", "starter", "enterprise"]);
    assert_eq!(catalogue["plans"][2]["limits"]["agents"], serde_json::Value::Null);
    assert_eq!(catalogue["meters"][1], serde_json::json!({ "name": "messages", "per": "day" }));
}

/// Every template with each of its samples, in both languages.
#[test]
fn templates_samples_and_languages_agree() {
    Pages::builder().add(PAGES).build().unwrap().check().unwrap();
}
