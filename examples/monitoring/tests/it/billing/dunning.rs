//! Whoever does not pay is warned, told by mail, locked, and let in again once they have paid; and where the card is changed.

use chrono::DateTime;
use saas_billing::{Portal, PortalPage};
use saas_core::Clock;

use super::*;
use crate::app::Person;

/// Where somebody reads mail of an organization.
fn mailbox(of: &Person) -> String {
    format!("{}@example.com", of.id)
}

/// An organization that bought the team plan, and its owner.
struct Payer {
    app: App,
    tenant: TenantId,
    owner: Person,
    order: Order,
    held: Subscription,
}

impl Payer {
    async fn at(clock: Clock) -> Self {
        let app = App::at(clock).await;
        let tenant = app.tenant("acme").await;
        let owner = app.member(tenant, Role::Owner).await;
        let order = begins(&app, &owner.browser).await;
        let held = paid(&app, &order, SubscriptionState::Active);
        let it = Self { app, tenant, owner, order, held };
        it.is_read().await;
        it
    }

    /// What the gateway has is stored, as it is when an event of it is heard.
    async fn is_read(&self) {
        let system = self.app.test.db.system("a test hears of the gateway");
        self.app.program.payments.as_ref().unwrap().mirror().tenant(&system, self.tenant).await.unwrap();
    }

    /// A payment has failed so often, and is tried again then.
    async fn fails(&mut self, attempts: u32, next: Option<TimeDelta>) {
        let now = self.app.test.db.clock().now();
        let since = self.held.past_due_since.unwrap_or(now);
        // As the gateway does when its schedule is over.
        let state = if next.is_some() { SubscriptionState::PastDue } else { SubscriptionState::Unpaid };
        (self.held.state, self.held.past_due_since, self.held.failed_attempts) = (state, Some(since), attempts);
        self.app.gateway.subscription_set(&self.order.customer, self.held.clone());
        let bill = invoice(&self.held, &self.order.customer, InvoiceState::Open);
        let next_attempt_at = next.map(|next| now + next);
        self.app.gateway.invoice_set(&self.order.customer, Invoice { attempts, next_attempt_at, ..bill });
        self.is_read().await;
    }

    /// Somebody paid.
    async fn pays(&mut self) {
        (self.held.state, self.held.past_due_since, self.held.failed_attempts) = (SubscriptionState::Active, None, 0);
        self.app.gateway.subscription_set(&self.order.customer, self.held.clone());
        self.app.gateway.invoice_set(&self.order.customer, invoice(&self.held, &self.order.customer, InvoiceState::Paid));
        self.is_read().await;
    }

    /// The letters about money to somebody, the oldest first.
    async fn letters(&self, to: &Person) -> Vec<String> {
        self.app.told_of_events().await;
        let mut mails = self.app.mailbox.list().await.unwrap();
        mails.sort_by_key(|kept| (kept.at, kept.id));
        let about_money = ["We could not collect", "open invoice is paid"];
        let theirs = mails.into_iter().filter(|kept| kept.mail.to == mailbox(to));
        let texts = theirs.map(|kept| format!("{}\n{}", kept.mail.subject, kept.mail.text));
        texts.filter(|text| about_money.iter().any(|words| text.contains(words))).collect()
    }
}

/// BIL-06: a letter for each attempt, which says what happens when, to all who see the plan and nobody else; then one that it is paid.
#[tokio::test]
async fn a_letter_is_written_for_each_attempt_and_one_when_it_is_paid() {
    let clock = Clock::fixed("2026-11-03T14:00:00Z".parse::<DateTime<chrono::Utc>>().unwrap());
    let mut payer = Payer::at(clock.clone()).await;
    let admin = payer.app.member(payer.tenant, Role::Admin).await;
    let others = [payer.app.member(payer.tenant, Role::Member).await, payer.app.member(payer.tenant, Role::Viewer).await];
    // When, and what the letter says of it.
    let schedule = [
        (0, Some(3), ["on 6 Nov 2026", "Everything works until 10 Nov 2026"]),
        (3, Some(5), ["on 11 Nov 2026", "Everything works until 10 Nov 2026"]),
        (5, Some(7), ["on 18 Nov 2026", "Until it is paid, everything can be read"]),
        (7, None, ["will not try again", "Until it is paid, nothing can be used"]),
    ];
    for (attempt, (days, next, says)) in (1..).zip(schedule) {
        clock.advance(TimeDelta::days(days));
        payer.fails(attempt, next.map(TimeDelta::days)).await;
        payer.is_read().await;
        for person in [&payer.owner, &admin] {
            let letters = payer.letters(person).await;
            assert_eq!(letters.len(), usize::try_from(attempt).unwrap(), "{letters:?}");
            let last = letters.last().unwrap();
            let page = format!("/billing?organization={}", payer.tenant);
            for part in ["49 USD for acme", &page].into_iter().chain(says) {
                assert!(last.contains(part), "attempt {attempt}, {part}: {last}");
            }
        }
    }
    payer.pays().await;
    for person in [&payer.owner, &admin] {
        let letters = payer.letters(person).await;
        assert!(letters.len() == 5 && letters[4].contains("Everything can be used as before"), "{letters:?}");
    }
    for person in &others {
        assert_eq!(payer.letters(person).await, Vec::<String>::new());
    }
}

/// S80: whoever has paid by the time that a letter would be written is not told that it failed.
#[tokio::test]
async fn no_letter_about_a_failure_follows_on_a_payment() {
    let mut payer = Payer::at(Clock::system()).await;
    payer.app.told_of_events().await;
    payer.fails(1, Some(TimeDelta::days(3))).await;
    payer.pays().await;
    let letters = payer.letters(&payer.owner).await;
    assert!(letters.len() == 1 && letters[0].contains("Everything can be used as before"), "{letters:?}");
}

/// BIL-06: above each page stands what happens when; whoever may pay is led there, others are told whom to ask; once paid it is gone.
#[tokio::test]
async fn above_each_page_stands_what_is_due_and_who_can_pay() {
    let mut payer = Payer::at(Clock::system()).await;
    let viewer = payer.app.member(payer.tenant, Role::Viewer).await;
    let owner = payer.owner.browser.clone();
    let pages = ["/devices", "/agents", "/members", "/notifications", "/organization/settings"];
    for path in pages {
        assert!(!owner.page(path).await.text().contains("class=\"banner\""), "{path}");
    }
    let banner = async |client: &TestClient, path: &str| {
        let page = client.page(path).await;
        expect(&page, StatusCode::OK);
        let text = plain(&page.text());
        let (_, banner) = text.split_once("class=\"banner\"").unwrap_or_else(|| panic!("{path}: {text}"));
        banner.split_once("<main").unwrap().0.to_owned()
    };
    for (attempts, said, in_german) in [
        (1, "The last payment failed. Everything works until", "geht alles weiter"),
        (3, "changed again as soon as it is paid", "geändert wieder"),
    ] {
        payer.fails(attempts, Some(TimeDelta::days(3))).await;
        for path in pages {
            let above = banner(&owner, path).await;
            assert!(above.contains(said) && above.contains("href=\"/billing\"") && !above.contains("Ask"), "{path}: {above}");
        }
        let (above, asks) = (banner(&viewer.browser, "/devices").await, format!("Ask owner {}.", payer.owner.id));
        assert!(above.contains(said) && above.contains(&asks) && !above.contains("href"), "{above}");
        assert!(banner(&owner.clone().with("accept-language", "de"), "/agents").await.contains(in_german));
    }
    let refused = owner.form("/agents", &[("name", "Office")]).await;
    expect(&refused, StatusCode::PAYMENT_REQUIRED);
    assert!(refused.text().contains("href=\"/billing\"") || plain(&refused.text()).contains("href=\"/billing\""), "{}", refused.text());
    let admin = payer.app.member(payer.tenant, Role::Admin).await.browser;
    let refused = admin.form("/agents", &[("name", "Office")]).await;
    assert!(refused.text().contains("Whoever owns the organization can pay"), "{}", refused.text());
    payer.pays().await;
    for path in pages {
        assert!(!owner.page(path).await.text().contains("class=\"banner\""), "{path}");
    }
    expect(&owner.form("/agents", &[("name", "Office")]).await, StatusCode::CREATED);
}

/// BIL-03, S44, S45: the card and the invoices are at the gateway, on a page for whoever may pay; under a lock too.
#[tokio::test]
async fn whoever_may_pay_is_led_to_the_card_and_the_invoices() {
    let mut payer = Payer::at(Clock::system()).await;
    let owner = payer.owner.browser.clone();
    payer.fails(4, None).await;
    assert!(plain(&owner.page("/billing").await.text()).contains("/billing/portal"));
    let leaving = owner.form("/billing/portal", &[("page", "card")]).await;
    expect(&leaving, StatusCode::OK);
    let text = plain(&leaving.text());
    let url = text.split("href=\"").filter_map(|it| it.split('"').next()).find(|it| it.contains("/portal/")).unwrap();
    let back_url = Url::parse(&format!("http://localhost:3000/billing/return?organization={}&from=portal", payer.tenant)).unwrap();
    let wanted = |page| Some(Portal { customer: payer.order.customer.clone(), page, back_url: back_url.clone() });
    assert_eq!(payer.app.gateway.portal(&Url::parse(url).unwrap()), wanted(PortalPage::Card));
    let shown = owner.post("/api/v1/billing/portal-session", &json!({})).await;
    expect(&shown, StatusCode::OK);
    let url = Url::parse(shown.json()["url"].as_str().unwrap()).unwrap();
    assert_eq!(payer.app.gateway.portal(&url), wanted(PortalPage::Home));
    assert_eq!(audited(&payer.app, payer.tenant).await.iter().filter(|name| *name == "billing.portal.opened").count(), 2);

    // Back from there, what has changed is seen.
    assert!(plain(&owner.page("/billing/return?from=portal").await.text()).contains("from=portal"));
    payer.pays().await;
    let back = owner.form("/billing/return?from=portal", &[]).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, Some("/billing?from=portal")));
    expect(&owner.page("/billing?from=portal").await, StatusCode::OK);

    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let person = payer.app.member(payer.tenant, role).await.browser;
        expect(&person.form("/billing/portal", &[("page", "card")]).await, StatusCode::FORBIDDEN);
        expect_problem(&person.post("/api/v1/billing/portal-session", &json!({})).await, StatusCode::FORBIDDEN, "forbidden");
        assert!(!person.page("/billing").await.text().contains("/billing/portal"));
    }
    // Whoever never paid has nothing there.
    let other = payer.app.tenant("other").await;
    let stranger = payer.app.member(other, Role::Owner).await.browser;
    expect_problem(&stranger.post("/api/v1/billing/portal-session", &json!({})).await, StatusCode::CONFLICT, "conflict");
    let unknown = owner.post("/api/v1/billing/portal-session", &json!({ "page": "secrets" })).await;
    expect_problem(&unknown, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
}
