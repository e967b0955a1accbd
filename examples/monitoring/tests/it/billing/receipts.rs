//! Whoever pays gets a receipt.

use saas_billing::Currency;
use saas_core::{Clock, mail::Mail};

use super::*;
use crate::app::Person;

/// The receipts of somebody, the oldest first.
async fn receipts(app: &App, to: &Person) -> Vec<Mail> {
    app.told_of_events().await;
    let address = format!("{}@example.com", to.id);
    let mut mails = app.mailbox.list().await.unwrap();
    mails.sort_by_key(|kept| kept.id);
    let theirs = mails.into_iter().map(|kept| kept.mail).filter(|mail| mail.to == address);
    theirs.filter(|mail| mail.subject.starts_with("Your receipt")).collect()
}

/// NOT-02: everybody who sees the plan gets one for each invoice on which money arrived, however often and in whatever order it is heard of.
#[tokio::test]
async fn a_receipt_is_written_once_for_each_invoice_on_which_money_arrived() {
    let clock = Clock::fixed("2026-11-03T14:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let (owner, admin) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await);
    let (member, viewer) = (app.member(tenant, Role::Member).await, app.member(tenant, Role::Viewer).await);
    let order = begins(&app, &owner.browser).await;
    let held = paid(&app, &order, SubscriptionState::Active);
    let heard = async |invoice: Invoice| {
        app.gateway.invoice_set(&order.customer, invoice);
        let system = app.test.db.system("a test hears of the gateway");
        app.program.payments.as_ref().unwrap().mirror().tenant(&system, tenant).await.unwrap();
    };
    let [open, settled] = [InvoiceState::Open, InvoiceState::Paid].map(|state| invoice(&held, &order.customer, state));
    heard(Invoice { attempts: 0, ..open.clone() }).await;
    assert!(receipts(&app, &owner).await.is_empty(), "nothing has arrived");
    for again in [&settled, &settled, &open, &settled] {
        heard(Invoice { attempts: 0, ..again.clone() }).await;
        app.told_of_events().await;
    }
    for person in [&owner, &admin] {
        let [mail] = &receipts(&app, person).await[..] else { panic!("one receipt") };
        assert_eq!(mail.subject, "Your receipt A-0001 from Monitoring");
        let page = format!("http://localhost:3000/billing?organization={tenant}");
        for part in ["49 USD from acme on 3 Nov 2026", "A-0001", &page] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
        assert_eq!(mail.unsubscribe, None, "it belongs to the books, and is no news");
    }
    for person in [&member, &viewer] {
        assert!(receipts(&app, person).await.is_empty());
    }
    let notices = owner.browser.get("/api/v1/notifications").await.json()["items"].clone();
    assert!(!notices.as_array().unwrap().iter().any(|notice| notice["kind"] == "billing.invoice.paid"), "{notices}");

    clock.advance(TimeDelta::days(30));
    let now = clock.now();
    let one =
        |id: &str| Invoice { id: InvoiceId::new(id), number: Some(id.to_owned()), paid_at: Some(now), created_at: now, ..settled.clone() };
    for no_money in [
        Invoice { total: Money::of(0, Currency::Usd), paid: 0, ..one("trial") },
        // What was left of another plan pays it.
        Invoice { paid: 0, ..one("credit") },
        // Of a customer who was one before, say.
        Invoice { paid_at: Some(now - TimeDelta::days(8)), ..one("history") },
        Invoice { paid_at: None, created_at: now - TimeDelta::days(8), ..one("older history") },
        Invoice { state: InvoiceState::Void, paid: 0, ..one("void") },
    ] {
        heard(no_money).await;
    }
    assert_eq!(receipts(&app, &owner).await.len(), 1);
    // Part of it was left, and nobody heard of it for days.
    heard(Invoice { total: Money::of(6_000, Currency::Eur), paid: 1_050, paid_at: Some(now - TimeDelta::days(6)), ..one("part") }).await;
    heard(Invoice { total: Money::of(1_500, Currency::Jpy), paid: 1_500, paid_at: None, ..one("yen") }).await;
    let texts: Vec<_> = receipts(&app, &owner).await.into_iter().skip(1).map(|mail| mail.text).collect();
    assert!(texts.len() == 2, "{texts:?}");
    for (text, says) in texts.iter().zip(["10.50 EUR from acme on 27 Nov 2026", "1500 JPY from acme on 3 Dec 2026"]) {
        assert!(text.contains(says), "{says}: {text}");
    }
    // It was heard of, and told only long after.
    heard(one("late")).await;
    clock.advance(TimeDelta::days(31));
    assert_eq!(receipts(&app, &owner).await.len(), 3);
}
