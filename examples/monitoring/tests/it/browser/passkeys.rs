//! AUT-09 in a real browser, with the authenticator that it can pretend to have (WebDriver's extension of WebAuthn).

use super::{Chromium, Driver, EMAIL, PASSWORD, Page, Product, becomes_a_user};

/// The page as it should be, on a phone or a desk.
async fn is_well(page: &Page, name: &str, dark: bool) {
    page.fits(name).await;
    page.is_readable(name, dark).await;
    page.shot(name).await;
}

async fn signs_out(page: &Page) {
    page.forget().await;
    page.open("/sign-in").await;
    page.wait("main form[action='/sign-in']").await;
}

/// A phone in the dark, and a desktop in the light.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_made_signs_in_and_is_removed() {
    for dark in [true, false] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let kind = Chromium { phone: dark, dark, ..Chromium::default() };
        let name = if dark { "passkeys-phone-dark" } else { "passkeys-desktop" };
        let page = driver.browse(&kind, &product.server.url, name).await;
        let authenticator = page.add_authenticator().await;
        becomes_a_user(&page).await;
        page.open("/account/security").await;
        page.press("#passkeys a[href='/account/passkeys/new']").await;
        page.wait("form[data-passkey='create']:not([hidden])").await;
        is_well(&page, "new", dark).await;
        page.fill("name", "This computer").await;
        page.press("form[data-passkey='create'] .button.primary").await;
        page.wait("#passkeys li").await;
        page.open("/account/security#passkeys").await;
        is_well(&page, "security", dark).await;
        assert!(page.text("#passkeys").await.contains("This computer"));
        // The device says that it has one already.
        page.open("/account/passkeys/new").await;
        page.fill("name", "Twice").await;
        page.press("form[data-passkey='create'] .button.primary").await;
        page.wait("[data-passkey-there]:not([hidden])").await;
        is_well(&page, "there", dark).await;

        signs_out(&page).await;
        is_well(&page, "sign-in", dark).await;
        page.press("form[data-passkey='get'] .button").await;
        page.wait("header .menu.right").await;
        page.open("/account/security").await;
        assert!(page.text("#passkeys li").await.contains("last used"));
        page.press_inside("#passkeys li", "form[action$='/remove'] .button.danger").await;
        page.wait("#passkeys:not(:has(li)) .row > a").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());

        // Whoever cancels is told, and may go on in another way.
        signs_out(&page).await;
        page.remove_authenticator(&authenticator).await;
        let empty = page.add_authenticator().await;
        page.press("form[data-passkey='get'] .button").await;
        page.wait("[data-passkey-failed]:not([hidden])").await;
        is_well(&page, "failed", dark).await;
        page.remove_authenticator(&empty).await;
        page.fill("email", EMAIL).await;
        page.fill("password", PASSWORD).await;
        page.press("main form[action='/sign-in'] .button").await;
        page.wait("header .menu.right").await;
        page.close().await;
    }
}

/// Nothing is offered that would do nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_no_passkey_is_offered() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium { scripts: false, ..Chromium::default() }, &product.server.url, "passkeys-plain").await;
    page.open("/sign-in").await;
    page.wait("form[data-passkey='get'][hidden]").await;
    becomes_a_user(&page).await;
    page.open("/account/passkeys/new").await;
    page.wait("form[data-passkey='create'][hidden]").await;
    page.wait("[data-passkey-none]:not([hidden])").await;
    page.shot("new").await;
    page.close().await;
}
