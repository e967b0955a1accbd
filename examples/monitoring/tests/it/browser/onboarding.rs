//! MON-05 in a real browser: the seven steps, on a desktop in the light, on a phone in the dark, and without scripts in German.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Chromium, Driver, NETWORK, Page, Product, becomes_a_user, run_agent};

/// From the sign-up to the devices; what is required is ten minutes, in which somebody reads too.
const LONGEST: Duration = Duration::from_secs(120);

fn step(id: &str, rest: &str) -> String {
    format!("main li[data-key='{id}']{rest}")
}

/// Well to look at, also where no script can be asked.
async fn shows(page: &Page, name: &str, kind: &Chromium) {
    if kind.scripts {
        page.fits(name).await;
        page.is_readable(name, kind.dark).await;
    }
    page.shot(name).await;
}

/// Waits for it without touching the page, or asks for the page again where there is no script.
async fn becomes(page: &Page, css: &str, kind: &Chromium) {
    if kind.scripts {
        page.wait(css).await;
        return;
    }
    let there = async {
        while !page.has(css).await {
            page.open("/start").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), there).await.unwrap_or_else(|_| panic!("{css} never comes"));
}

async fn goes_through_the_steps(name: &str, kind: Chromium) {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&kind, &product.server.url, name).await;
    let begun = Instant::now();
    becomes_a_user(&page).await;
    assert!(page.text("main .hint").await.contains("7"), "it is the first of seven");
    shows(&page, "organization", &kind).await;
    page.fill("name", "Müller & Söhne").await;
    page.press("main form .button").await;

    page.wait(&step("plan", "[aria-current='step']")).await;
    page.wait(&step("organization", "[data-state='done']")).await;
    shows(&page, "begun", &kind).await;
    page.press(&step("plan", " button[value='skipped']")).await;
    page.wait(&step("agent", "[aria-current='step']")).await;
    page.wait(&step("plan", " button[value='open']")).await;
    page.press(&step("agent", " a.button")).await;
    page.fill("name", "Office").await;
    page.press("main form .button.primary").await;
    let command = page.value("#command").await;

    page.open("/devices").await;
    page.wait("#pointer").await;
    shows(&page, "pointer", &kind).await;
    page.press("#pointer a.button").await;
    page.wait(&step("connection", "[aria-current='step'] .pill.wait")).await;
    shows(&page, "waiting", &kind).await;
    if kind.scripts {
        page.wait("[data-live][data-state='live']").await;
        page.mark().await;
    }
    let state = TempDir::new().unwrap();
    let mut agent = run_agent(&command, NETWORK, &state);
    becomes(&page, &step("connection", "[data-state='done']"), &kind).await;
    becomes(&page, &step("devices", "[data-state='done']"), &kind).await;
    let taken = begun.elapsed();
    println!("from the sign-up to the devices: {taken:?}");
    assert!(taken < LONGEST, "{taken:?}");
    if kind.scripts {
        assert!(page.is_marked().await, "it came by itself, not by being loaded again");
    }
    page.wait(&step("team", "[aria-current='step']")).await;
    shows(&page, "devices-there", &kind).await;

    page.press(&step("team", " a.button")).await;
    page.fill("emails", "grace@example.com").await;
    page.press("main form[action^='/members/invite'] .button.primary").await;
    page.wait("main [role='status'] .pill.good").await;
    page.open("/start").await;
    page.wait(&step("team", "[data-state='done']")).await;
    page.wait(&step("explore", "[aria-current='step']")).await;
    shows(&page, "last", &kind).await;
    page.press(&step("explore", " button[value='done']")).await;
    page.wait("main table").await;
    assert!(!page.has("#pointer").await, "nothing points to the steps any more");

    page.open("/start").await;
    page.wait("main .alert.good").await;
    shows(&page, "finished", &kind).await;
    page.press("main form[action^='/start/restart'] .button").await;
    page.wait(&step("plan", "[aria-current='step']")).await;
    page.open("/devices").await;
    page.press("#pointer form .button").await;
    page.wait("main:not(:has(#pointer)) table").await;
    if kind.scripts {
        assert_eq!(page.complaints().await, Vec::<String>::new());
    }
    agent.kill().await.unwrap();
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seven_steps_are_done_one_by_one_and_the_agent_comes_live() {
    goes_through_the_steps("start-desktop", Chromium::default()).await;
    goes_through_the_steps("start-phone-dark", Chromium { phone: true, dark: true, ..Chromium::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seven_steps_are_done_without_scripts_and_in_german() {
    goes_through_the_steps("start-plain-german", Chromium { scripts: false, language: "de-DE", ..Chromium::default() }).await;
}

/// Who has no mouse skips a step with the keyboard alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_is_skipped_with_the_keyboard_alone() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "start-keyboard").await;
    becomes_a_user(&page).await;
    page.fill("name", "Acme").await;
    page.keys("\u{e007}").await;
    page.wait(&step("plan", "[aria-current='step']")).await;
    page.tab_to(&step("plan", " button[value='skipped']")).await;
    page.keys("\u{e007}").await;
    page.wait(&step("agent", "[aria-current='step']")).await;
    page.tab_to(&step("agent", " a.button")).await;
    page.keys("\u{e007}").await;
    page.wait("main form[action^='/agents']").await;
    page.close().await;
}
