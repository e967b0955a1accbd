//! The whole way of a customer who pays, does not, and pays again, in a real browser with no account anywhere.

use std::time::Duration;

use super::{
    Chromium, Driver, EMAIL, PASSWORD, Page, Product, becomes_a_user,
    billing::{chooses_team, is_well, pays_with},
};

/// What is done off the request has this long: an event is delivered and worked on, the customer read, a mail sent.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks at a page again and again, until something is there or is not any more.
async fn becomes(page: &Page, path: &str, css: &str, is_there: bool) {
    let looked = async {
        loop {
            page.open(path).await;
            signs_in_again(page).await;
            if page.has(css).await == is_there {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, looked).await.is_err() {
        page.shot("failed").await;
        panic!("{css} at {path} is still {}there: {}", if is_there { "not " } else { "" }, page.text("body").await);
    }
}

/// Who was signed in for a day has to sign in again when a day has passed.
async fn signs_in_again(page: &Page) {
    if page.path().await.starts_with("/sign-in") {
        page.fill("email", EMAIL).await;
        page.fill("password", PASSWORD).await;
        page.press("main [name='remember']").await;
        page.leaves_by("main form .button.primary").await;
    }
}

/// The clock is moved to what happens next, on the page that the start page of development names.
async fn time_passes(page: &Page, shot: &str) {
    page.open("/dev").await;
    page.press("main a[href$='/clock']").await;
    page.wait("button[name='to']").await;
    page.shot(shot).await;
    page.leaves_by("button[name='to']").await;
}

async fn adds_an_agent(page: &Page, name: &str) {
    page.open("/agents/new").await;
    page.fill("name", name).await;
    // By the keyboard: what the page loads later may move what is to be pressed.
    page.keys("\u{e007}").await;
}

/// What is loaded later, the number beside the notifications, may move what is to be pressed.
async fn presses(page: &Page, css: &str) {
    page.wait(".badge:not(:empty)").await;
    page.press(css).await;
}

/// How many letters about a payment that failed have come.
async fn warnings(page: &Page) -> usize {
    page.open("/dev/mail").await;
    page.text("main").await.matches("did not go through").count()
}

async fn is_warned(page: &Page, times: usize) {
    let mails = async { while warnings(page).await < times {} };
    tokio::time::timeout(PATIENCE, mails).await.expect("a letter for each attempt");
    assert_eq!(warnings(page).await, times);
}

/// Issue 6: sign up, hit the limit, buy, be unlocked at once, fail to pay as time passes, be warned, locked, pay, be let in again, and cancel. On a
/// phone in the dark, and on a desktop in the light.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_hits_the_limit_buys_fails_to_pay_is_locked_pays_and_cancels() {
    for dark in [true, false] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let kind = Chromium { phone: dark, dark, ..Chromium::default() };
        let name = if dark { "dunning-phone-dark" } else { "dunning-desktop" };
        let page = driver.browse(&kind, &product.server.url, name).await;
        becomes_a_user(&page).await;
        page.fill("name", "Müller & Söhne").await;
        page.press("main form .button").await;
        page.wait("main a[href='/agents/new']").await;

        // The free plan has one agent.
        adds_an_agent(&page, "Office").await;
        page.wait("#command").await;
        page.open("/agents/new").await;
        page.wait("main a[href='/billing']").await;
        is_well(&page, "limit", dark).await;

        // The first payment is due when the trial ends, and this card refuses it then.
        chooses_team(&page).await;
        pays_with(&page, "4000 0000 0000 0341").await;
        page.wait("main .alert.good").await;
        adds_an_agent(&page, "Warehouse").await;
        page.wait("#command").await;
        assert!(!page.has(".banner").await);

        time_passes(&page, "clock").await;
        becomes(&page, "/agents", ".banner .alert.warn", true).await;
        is_well(&page, "warned", dark).await;
        assert!(page.text(".banner").await.contains("Everything works until"));
        is_warned(&page, 1).await;
        adds_an_agent(&page, "Shop").await;
        page.wait("#command").await;

        time_passes(&page, "clock-again").await;
        is_warned(&page, 2).await;
        time_passes(&page, "clock-again").await;
        is_warned(&page, 3).await;
        becomes(&page, "/agents", ".banner .alert.bad", true).await;
        is_well(&page, "locked", dark).await;
        assert!(page.text("main").await.contains("Warehouse"), "nothing is deleted");
        adds_an_agent(&page, "Garage").await;
        page.wait("main a[href='/billing']").await;
        is_well(&page, "locked-refused", dark).await;

        page.press("main a[href='/billing']").await;
        page.wait("main form[action^='/billing/portal']").await;
        is_well(&page, "locked-billing", dark).await;
        presses(&page, "main a.button.primary[href*='/i/']").await;
        page.wait("input[name='number']").await;
        is_well(&page, "invoice", dark).await;
        pays_with(&page, "4000 0000 0000 0002").await;
        page.wait("[role='alert']").await;
        pays_with(&page, "4242 4242 4242 4242").await;
        page.wait("[role='status']").await;
        is_well(&page, "invoice-paid", dark).await;
        page.press("a[href^='http://localhost']").await;
        becomes(&page, "/agents", ".banner", false).await;
        adds_an_agent(&page, "Garage").await;
        page.wait("#command").await;
        assert_eq!(warnings(&page).await, 3, "what was tried by hand is no attempt of the schedule");

        page.open("/billing").await;
        is_well(&page, "billing-paid", dark).await;
        presses(&page, "main form[action^='/billing/portal'] .button").await;
        page.wait("input[name='number']").await;
        is_well(&page, "portal", dark).await;
        page.press("a[href*='from=portal']").await;
        presses(&page, "main form[action^='/billing/cancel'] .button").await;
        page.wait("main form[action^='/billing/resume']").await;
        is_well(&page, "cancelled", dark).await;
        // Browsers say of each refusal that it is one.
        let complaints: Vec<_> = page.complaints().await.into_iter().filter(|it| !it.contains("402 (Payment Required)")).collect();
        assert_eq!(complaints, Vec::<String>::new());
        page.close().await;
    }
}
