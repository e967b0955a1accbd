//! BIL-02, BIL-13 in a real browser, with no account anywhere: the stand-in for Stripe takes the money.

use super::{Chromium, Driver, Page, Product, becomes_a_user};

pub(super) async fn is_well(page: &Page, name: &str, dark: bool) {
    page.fits(name).await;
    page.is_readable(name, dark).await;
    page.shot(name).await;
}

/// Somebody goes to the page where the team plan is paid by the month.
pub(super) async fn chooses_team(page: &Page) {
    page.open("/billing").await;
    page.press("main form[action^='/billing/checkout'] .button").await;
    page.wait("input[name='number']").await;
}

pub(super) async fn pays_with(page: &Page, number: &str) {
    let field = page.wait("input[name='number']").await;
    field.clear().await.unwrap();
    field.send_keys(number).await.unwrap();
    page.press("form button").await;
}

/// A plan is bought with a test card, is there at once, ends if somebody wants that, and goes on after all. On a phone in the dark, and on a desktop
/// in the light and without scripts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_bought_cancelled_and_kept() {
    for dark in [true, false] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let kind = Chromium { phone: dark, dark, ..Chromium::default() };
        let name = if dark { "billing-phone-dark" } else { "billing-desktop" };
        let page = driver.browse(&kind, &product.server.url, name).await;
        becomes_a_user(&page).await;
        page.fill("name", "Müller & Söhne").await;
        page.press("main form .button").await;
        page.wait("main a[href='/agents/new']").await;
        page.open("/billing").await;
        is_well(&page, "billing-free", dark).await;

        // Declined, and gone back: nothing is bought, and both pages say so.
        chooses_team(&page).await;
        page.shot("checkout").await;
        pays_with(&page, "4000 0000 0000 0002").await;
        page.wait("[role='alert']").await;
        page.shot("checkout-declined").await;
        page.press("a[href*='/billing?from=left']").await;
        page.wait("main [role='status']").await;
        is_well(&page, "billing-left", dark).await;
        assert!(page.text("#plan").await.contains("Free"));

        chooses_team(&page).await;
        pays_with(&page, "4242 4242 4242 4242").await;
        page.wait("main .alert.good").await;
        assert_eq!(page.text("#plan").await, "Team");
        assert!(page.text("main .alert.good").await.contains("Team is active"));
        assert!(page.text(".usage").await.contains("10,000"));
        is_well(&page, "billing-team", dark).await;

        page.press("main form[action^='/billing/cancel'] .button").await;
        page.wait("main form[action^='/billing/resume']").await;
        is_well(&page, "billing-ending", dark).await;
        page.press("main form[action^='/billing/resume'] .button").await;
        page.wait("main form[action^='/billing/cancel']").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
        page.close().await;
    }
}

/// Without scripts somebody presses two buttons more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_bought_without_scripts() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium { scripts: false, ..Chromium::default() }, &product.server.url, "billing-plain").await;
    becomes_a_user(&page).await;
    page.fill("name", "Müller & Söhne").await;
    page.press("main form .button").await;
    page.wait("main a[href='/agents/new']").await;
    chooses_team(&page).await;
    pays_with(&page, "4242 4242 4242 4242").await;
    page.press("main form[action^='/billing/return'] .button").await;
    page.wait("main .alert.good").await;
    assert_eq!(page.text("#plan").await, "Team");
    page.close().await;
}
