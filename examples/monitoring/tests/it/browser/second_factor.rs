//! AUT-08 in a real browser: a second factor, as somebody with a phone sets it up and uses it.

use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::Clock;

use super::{Chromium, Driver, EMAIL, PASSWORD, Page, Product, becomes_a_user};

/// The code that an app shows at some time, as somebody else makes it.
fn code(secret: &str, at: DateTime<Utc>) -> String {
    let now = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let made = Command::new("oathtool").args(["--totp", "--base32", secret, "--now", &now]).output().expect("oathtool is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// The page as it should be on a phone.
async fn is_well(page: &Page, name: &str, dark: bool) {
    page.fits(name).await;
    page.is_readable(name, dark).await;
    page.shot(name).await;
}

async fn enters_password(page: &Page) {
    page.open("/sign-in").await;
    page.fill("email", EMAIL).await;
    page.fill("password", PASSWORD).await;
    page.press("main form[action='/sign-in'] .button").await;
    page.wait("main form[action='/sign-in/second'] [name='code']").await;
}

/// A phone in the dark, and a desktop in the light.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_set_up_and_asked_for_at_the_next_sign_in() {
    for dark in [true, false] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let kind = Chromium { phone: dark, dark, ..Chromium::default() };
        let name = if dark { "second-factor-phone-dark" } else { "second-factor-desktop" };
        let page = driver.browse(&kind, &product.server.url, name).await;
        becomes_a_user(&page).await;
        page.open("/account/security").await;
        is_well(&page, "security-off", dark).await;
        page.press("form[action='/account/second-factor/app'] .button").await;
        page.wait("main svg[role='img']").await;
        is_well(&page, "app", dark).await;
        let secret = page.value("#secret").await.replace(' ', "");
        page.fill("code", "000000").await;
        page.press("form[action='/account/second-factor/app/confirm'] .button").await;
        page.wait("#code[aria-invalid]").await;
        is_well(&page, "app-wrong", dark).await;
        // Each code works once, so the first is of half a minute ago.
        page.fill("code", &code(&secret, Clock::system().now() - TimeDelta::seconds(30))).await;
        page.press("form[action='/account/second-factor/app/confirm'] .button").await;
        page.wait("#codes").await;
        is_well(&page, "backup-codes", dark).await;
        let backup: Vec<String> = page.value("#codes").await.lines().map(str::to_owned).collect();
        assert_eq!(backup.len(), 10);
        page.open("/account/security").await;
        page.wait("#second-factor .pill.good").await;
        is_well(&page, "security-on", dark).await;
        page.open("/account/prove?next=%2Fsessions").await;
        is_well(&page, "prove", dark).await;
        page.press_inside("main", "form[action='/account/prove'] [name='backup_code']").await;
        page.fill("backup_code", &backup[0]).await;
        page.press("details form[action='/account/prove'] .button").await;
        page.wait("main a[href='/sessions'][aria-current]").await;
        page.close().await;

        let page = driver.browse(&kind, &product.server.url, name).await;
        enters_password(&page).await;
        is_well(&page, "sign-in-second", dark).await;
        page.open("/account/security").await;
        page.wait("main form[action='/sign-in']").await;
        enters_password(&page).await;
        page.fill("code", &code(&secret, Clock::system().now())).await;
        page.press("main form[action='/sign-in/second'] .button").await;
        page.wait("header .menu.right").await;
        page.open("/account/security").await;
        page.wait("#second-factor .pill.good").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
        page.close().await;
    }
}
