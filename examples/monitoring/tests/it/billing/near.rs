//! People are told when most of what the plan allows is used.

use monitoring::server::{DEVICES, plans};
use saas_billing::Billing;

use super::*;

/// MET-03: whoever sees the plan is told in the list and by mail, in their language, and can have that end; nobody else is.
#[tokio::test]
async fn whoever_sees_the_plan_is_told_that_most_of_a_limit_is_used() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let (owner, viewer) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    let billing = Billing::new(plans().unwrap()).unwrap();
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    billing.reserve_in(&mut tx, DEVICES, 41).await.unwrap();
    tx.commit().await.unwrap();
    app.told_of_events().await;
    let mails = app.mailbox.list().await.unwrap();
    let warnings: Vec<_> = mails.iter().filter(|kept| kept.mail.text.contains("uses 41 of the 50 in its plan")).collect();
    let [warning] = &warnings[..] else { panic!("{mails:?}") };
    assert_eq!(
        (warning.mail.to.as_str(), warning.mail.subject.as_str()),
        (format!("{}@example.com", owner.id).as_str(), "Devices: 41 of 50 used")
    );
    assert!(warning.mail.unsubscribe.is_some() && warning.mail.text.contains(&format!("/billing?organization={tenant}")), "{warning:?}");
    let list = owner.browser.page("/notifications").await.text();
    assert!(list.contains("Devices: 41 of 50 are used"), "{list}");
    let german = owner.browser.clone().with("accept-language", "de").page("/notifications").await.text();
    assert!(german.contains("Geräte: 41 von 50 sind belegt"), "{german}");
    assert!(!viewer.browser.page("/notifications").await.text().contains("41 of 50"));
}
