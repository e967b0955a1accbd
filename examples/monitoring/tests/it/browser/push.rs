//! NOT-05 in a real browser: its worker, its page, and what is said where no push service can be reached.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Chromium, Driver, Page, Product, becomes_a_user};

const PREFERENCES: &str = "/notifications/preferences";

/// Up to the page on which one chooses how to be told.
async fn comes_to_the_page(page: &Page) {
    becomes_a_user(page).await;
    page.fill("name", "Acme").await;
    page.press("main form .button").await;
    page.wait("main a[href='/agents/new']").await;
    page.open(PREFERENCES).await;
}

async fn is_well(page: &Page, name: &str, dark: bool) {
    page.fits(name).await;
    page.is_readable(name, dark).await;
    page.shot(name).await;
}

/// What the worker shows at this moment.
async fn shown(page: &Page) -> Value {
    let script = "return navigator.serviceWorker.getRegistration('/notifications/').then((it) => it.getNotifications())
        .then((all) => all.map(({ title, body, tag, lang, data }) => ({ title, body, tag, lang, link: data.link })))";
    page.ask(script).await
}

/// Hands the worker a message until it shows that and nothing else: which number its browser gave it is not told here, and one that is still being set up
/// misses what it is handed.
async fn shows(page: &Page, url: &str, text: &str) {
    let said = json!({ "id": "1", "title": "Acme", "text": text, "link": "/devices?state=down", "lang": "en" }).to_string();
    let expected = json!([{ "title": "Acme", "body": text, "tag": "1", "lang": "en", "link": "/devices?state=down" }]);
    let arrives = async {
        while shown(page).await != expected {
            for registration in ["0", "1", "2", "3"] {
                let message = json!({ "origin": url, "registrationId": registration, "data": said });
                page.command("ServiceWorker.deliverPushMessage", message).await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), arrives).await.is_err() {
        panic!("{text}: {}", shown(page).await);
    }
}

/// With the keyboard: it is said calmly that no push service can be reached; the worker is there all the same, and shows what it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_asked_and_its_worker_shows_what_it_is_told() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "push-desktop").await;
    page.open("/").await;
    let allowed = json!({ "origin": product.server.url, "permissions": ["notifications"] });
    page.command("Browser.grantPermissions", allowed).await;
    comes_to_the_page(&page).await;
    page.wait("[data-push-start]:not([hidden])").await;
    page.wait_for_text("[data-push-said]", "You are not told here.").await;
    is_well(&page, "off", false).await;
    // After the last of the many boxes above.
    page.ask("document.querySelector(\"main form a[href='/notifications']\").focus()").await;
    page.tab_to("[data-push-start]").await;
    page.keys("\u{e007}").await;
    page.wait_for_text("[data-push-said]", "It did not work.").await;
    is_well(&page, "failed", false).await;
    page.wait("[data-push-start]:not([hidden]):not([aria-disabled])").await;

    let scope = page.ask("return navigator.serviceWorker.ready.then((it) => [it.scope, it.active.scriptURL])").await;
    let url = &product.server.url;
    assert_eq!(scope, json!([format!("{url}/notifications/"), format!("{url}/assets/push-worker.js")]));
    page.command("ServiceWorker.enable", json!({})).await;
    // Twice under one id: the second takes the place of the first.
    for text in ["A device went down.", "A device came back."] {
        shows(&page, url, text).await;
    }
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;
}

/// On a phone in the dark: the browsers in which one is told, and none of them any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_seen_and_removed_on_a_phone() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let kind = Chromium { phone: true, dark: true, ..Chromium::default() };
    let page = driver.browse(&kind, &product.server.url, "push-phone-dark").await;
    comes_to_the_page(&page).await;
    // As the page's script says it where there is a push service.
    let script = "const path = '/api/v1/notifications/browsers';
        const keys = {
            p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg',
        };
        const headers = { 'content-type': 'application/json' };
        return fetch(path).then((it) => it.json())
            .then(({ server_key }) => fetch(path, { method: 'POST', headers, body: JSON.stringify({
                endpoint: 'http://127.0.0.1:9/x', keys, server_key }) }))
            .then((it) => it.status)";
    assert_eq!(page.ask(script).await, json!(201));
    page.open(PREFERENCES).await;
    page.wait_for_text("main", "Chrome on").await;
    is_well(&page, "told", true).await;
    page.press("form[action*='/notifications/browsers/'] .button").await;
    page.wait("section[data-push]:not([data-browser])").await;
    assert!(!page.has("form[action*='/notifications/browsers/']").await);
    is_well(&page, "removed", true).await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;
}

/// Nothing is offered that would do nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_it_is_said_that_no_browser_can_be_told() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium { scripts: false, ..Chromium::default() }, &product.server.url, "push-plain").await;
    comes_to_the_page(&page).await;
    assert!(page.text("section[data-push]").await.contains("This needs a script"));
    page.wait("[data-push-start][hidden]").await;
    page.shot("preferences").await;
    page.close().await;
}
