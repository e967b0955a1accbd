//! Catalogues as files: what the products sell, and what is wrong with one.

use saas_billing::{Currency, Feature, Interval, Meter, Money, Period, Plan, PlanFlaw, Plans, PlansError};

const HOSTING: &str = include_str!("catalogues/hosting.toml");
const PROCUREMENT: &str = include_str!("catalogues/procurement.toml");

/// What a plan allows of a meter, as a number; none for no limit.
fn limits(plans: &Plans, meter: &'static str) -> Vec<Option<u32>> {
    plans.iter().map(|plan| plan.limit_of(Meter::new(meter)).at_most()).collect()
}

fn names(plans: &Plans) -> Vec<&str> {
    plans.iter().map(Plan::name).collect()
}

fn monthly(plans: &Plans) -> Vec<Option<Money>> {
    plans.iter().map(|plan| plan.price_of(Interval::Month, Currency::Usd)).collect()
}

fn dollars(amount: i64) -> Option<Money> {
    Some(Money::of(amount * 100, Currency::Usd))
}

/// HST-01: tiers, prices, limits and sets of features.
#[test]
fn the_hosting_product_sells_four_tiers() {
    let plans = Plans::from_toml(HOSTING).unwrap();
    assert_eq!(names(&plans), ["free", "starter", "professional", "enterprise"]);
    assert_eq!(monthly(&plans), [None, dollars(29), dollars(99), None]);
    assert!(plans.get("enterprise").unwrap().is_quoted());
    assert_eq!(limits(&plans, "agents"), [Some(1), Some(3), Some(10), None]);
    assert_eq!(limits(&plans, "messages"), [Some(100), Some(1_000), Some(10_000), None]);
    assert_eq!(plans.period_of(Meter::new("messages")), Some(Period::Day));
    assert_eq!(plans.period_of(Meter::new("agents")), None);
    assert_eq!(limits(&plans, "storage-gb"), [Some(1), Some(5), Some(50), None]);
    assert_eq!(limits(&plans, "bridges"), [Some(1), Some(3), Some(10), None]);
    let having = |feature| plans.iter().filter(|plan| plan.allows(Feature::new(feature))).map(Plan::name).collect::<Vec<_>>();
    assert_eq!(having("api"), ["starter", "professional", "enterprise"]);
    assert_eq!(having("custom-agents"), ["professional", "enterprise"]);
    assert_eq!(having("service-level"), ["enterprise"]);
}

/// PRO-06: quotas and prices.
#[test]
fn the_procurement_product_sells_three_tiers() {
    let plans = Plans::from_toml(PROCUREMENT).unwrap();
    assert_eq!(names(&plans), ["none", "starter", "professional", "enterprise"]);
    assert_eq!(monthly(&plans), [None, dollars(500), dollars(2_000), None]);
    assert_eq!(limits(&plans, "configurations"), [Some(0), Some(50), None, None]);
    assert_eq!(plans.period_of(Meter::new("configurations")), Some(Period::Month));
    assert_eq!(limits(&plans, "exports"), [Some(0), Some(5), Some(50), None]);
    assert_eq!(plans.period_of(Meter::new("exports")), Some(Period::Day));
    assert_eq!(limits(&plans, "users"), [Some(0), Some(1), Some(5), None]);
    assert_eq!(limits(&plans, "api-calls"), [Some(0), Some(0), Some(10_000), None]);
    assert!(!plans.get("starter").unwrap().allows(Feature::new("api")), "starter has no API");
}

fn flaws(text: &str) -> Vec<String> {
    let error = Plans::from_toml(text).unwrap_err();
    error.flaws().iter().map(ToString::to_string).collect()
}

/// BIL-01: a wrong catalogue says at once everything that is wrong with it.
#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = r#"
        grace_days = 91
        dunning = { retry_days = [3, 0], lock_after = 4 }
        meters = [{ name = "agents" }, { name = "API calls", per = "hour" }]
        features = ["sso", "agents"]

        [[plans]]
        name = "free"
        trial_days = 14
        limits = { agents = 1, agent = 1 }

        [[plans]]
        name = "team"
        trial_days = 731
        prices.month = { usd = "49.999", eur = "49" }
        features = ["sso", "sso", "voice"]

        [[plans]]
        name = "team"
        prices.month = { usd = "0", kwd = "1.005" }

        [[plans]]
        name = "best"
        quoted = true
        prices.month = { usd = "1000000", eur = "1", kwd = "1" }

        [[plans]]
        name = "gift"
    "#;
    assert_eq!(
        flaws(text),
        [
            r#"plan "free": "agent" is neither among the meters nor among the features"#,
            r#"plan "team": "voice" is neither among the meters nor among the features"#,
            r#"plan "team": "49.999" is no amount of usd that can be charged each month"#,
            r#""team" is there twice"#,
            r#"the name "API calls" must be 1 to 40 lower-case letters, digits and hyphens, and begin with a letter"#,
            r#""agents" is there twice"#,
            r#""sso" is there twice"#,
            r#"plan "free" is the first, which everybody begins on: it has no price, no trial and is not agreed upon"#,
            "a trial has 731 days, which is more than 730",
            r#"plan "team": "1.005 kwd" is no amount of kwd that can be charged each month"#,
            r#"plan "team": "0 usd" is no amount of usd that can be charged each month"#,
            r#"plan "best" has neither a price nor `quoted = true`, or both"#,
            r#"plan "best": "1000000 usd" is no amount of usd that can be charged each month"#,
            r#"plan "gift" has neither a price nor `quoted = true`, or both"#,
            "the time of grace has 91 days, which is more than 90",
            "dunning: one to eight attempts, each at least a day after the one before, and a lock after one of all of them",
        ]
    );
}

/// BIL-16: whoever pays in a currency finds each plan in it.
#[test]
fn a_plan_has_a_price_in_each_currency_and_interval_that_others_have() {
    let text = r#"
        [[plans]]
        name = "free"

        [[plans]]
        name = "team"
        prices.month = { usd = "49", eur = "45" }
        prices.year = { usd = "490", eur = "450" }

        [[plans]]
        name = "best"
        prices.month = { usd = "99" }
    "#;
    assert_eq!(
        flaws(text),
        [
            r#"plan "best" has no price in eur each month, which others have"#,
            r#"plan "best" has no price in eur each year, which others have"#,
            r#"plan "best" has no price in usd each year, which others have"#,
        ]
    );
}

#[test]
fn a_file_that_is_none_says_where() {
    for (text, said) in [
        ("plans = 3", "line 1"),
        ("\n[[plans]]\nname = \"free\"\nlimit = {}", "unknown field `limit`"),
        ("meters = [{ name = \"a\" }]\n[[plans]]\nname = \"free\"\nlimits = { a = -1 }", "a limit is a whole number or \"unlimited\""),
        ("[[plans]]\nname = \"free\"\n[[plans]]\nname = \"team\"\nprices.month = { xxx = \"1\" }", "xxx is no currency"),
        ("[[plans]]\nname = \"free\"\n[[plans]]\nname = \"team\"\nprices.month = { usd = 49.0 }", "line 5"),
    ] {
        let error: PlansError = Plans::from_toml(text).unwrap_err();
        assert!(matches!(error.flaws(), [PlanFlaw::Syntax(_)]), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(matches!(Plans::from_toml("").unwrap_err().flaws(), [PlanFlaw::Empty]));
}

/// The same checks whichever way it is written.
#[test]
fn a_catalogue_in_rust_is_checked_too() {
    let plans = Plans::new(Plan::new("Free")).with(Plan::new("team")).with(Plan::new("team").quoted());
    let error = saas_billing::Billing::new(plans).unwrap_err();
    assert!(matches!(error.flaws(), [PlanFlaw::Twice { .. } | PlanFlaw::Name { .. }, _, PlanFlaw::Price { .. }]), "{error}");
}

/// S69: a plan that is no longer sold stays a plan.
#[test]
fn a_retired_plan_is_not_sold_and_still_there() {
    let text = "[[plans]]\nname = \"free\"\n[[plans]]\nname = \"old\"\nretired = true\nprices.month = { usd = \"5\" }";
    let plans = Plans::from_toml(text).unwrap();
    assert_eq!(plans.sold().map(Plan::name).collect::<Vec<_>>(), ["free"]);
    assert!(plans.get("old").is_some());
}
