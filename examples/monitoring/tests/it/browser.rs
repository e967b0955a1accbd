//! The way of a new customer, in a real browser: from signing up to seeing a device.

mod api_docs;
mod billing;
mod chromium;
mod dunning;
mod hosts;
mod invitation;
mod onboarding;
mod passkeys;
mod provider;
mod push;
mod second_factor;
mod usage;

use std::time::Duration;

use saas_core::testing::EmptyDatabase;
use tempfile::TempDir;

use crate::process::{Server, Settings, folder};
use chromium::{Chromium, Driver, Page};

const PASSWORD: &str = "correct horse battery staple 9";
const EMAIL: &str = "ada@example.com";

/// A server that runs, and the folder and the database that it runs on.
struct Product {
    server: Server,
    database: EmptyDatabase,
    _folder: TempDir,
}

impl Product {
    async fn start() -> Self {
        let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
        let server = Settings::serving(folder.path()).set("DATABASE_URL", database.owner_url().expose()).start().await;
        Self { server, database, _folder: folder }
    }
}

/// A mail in the list of them.
const MAIL: &str = "main a[href^='/dev/mail/']:not([href*='preview'])";

/// It is sent after the answer was given.
async fn mail_arrives(page: &Page) {
    let arrived = async {
        loop {
            page.open("/dev/mail").await;
            if page.has(MAIL).await {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.expect("a mail comes");
}

/// Signing up, confirming the address by the mail, and signing in; ends at the form for the first organization.
async fn becomes_a_user(page: &Page) {
    page.open("/sign-up").await;
    page.shot("sign-up").await;
    page.fill("name", "Ada Lovelace").await;
    page.fill("email", EMAIL).await;
    page.fill("password", PASSWORD).await;
    page.press("main form .button").await;
    page.wait("a[href='/dev/mail']").await;
    mail_arrives(page).await;
    page.press(MAIL).await;
    page.shot("mail").await;
    page.press("main a[href*='/verify?token=']").await;
    page.wait("main form[action='/verify']").await;
    page.shot("verify").await;
    page.fill("password", PASSWORD).await;
    page.press("main form .button.primary").await;
    page.wait("main form[action='/organizations']").await;
}

/// The organization and the agent; what its page says is to be run.
async fn adds_an_agent(page: &Page) -> String {
    page.shot("organization").await;
    page.fill("name", "Müller & Söhne").await;
    page.press("main form .button").await;
    page.wait("main a[href='/agents/new']").await;
    page.shot("no-devices").await;
    page.press("main a[href='/agents/new']").await;
    page.fill("name", "Office").await;
    page.press("main form .button.primary").await;
    page.wait(".pill.wait").await;
    page.shot("agent-waiting").await;
    page.value("#command").await
}

/// The command as the page shows it, but for the network and the place of its state.
/// Networks of this machine, which answers at each of their addresses.
const NETWORK: &str = "127.0.0.0/29";
const NEXT_NETWORK: &str = "127.0.0.8/29";

fn run_agent(command: &str, network: &str, state: &TempDir) -> tokio::process::Child {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("monitoring-agent"), "{command}");
    let mut arguments: Vec<_> = words.collect();
    let position = arguments.iter().position(|word| *word == "--network").unwrap() + 1;
    arguments[position] = network;
    tokio::process::Command::new(env!("CARGO_BIN_EXE_monitoring-agent"))
        .args(arguments)
        .arg("--state")
        .arg(state.path())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// MON-01, MON-02, MON-05: the whole way, and the page turns green without being asked to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_customer_sees_the_devices_of_their_network() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "desktop").await;
    page.open("/").await;
    page.shot("home").await;
    becomes_a_user(&page).await;
    let command = adds_an_agent(&page).await;
    page.mark().await;
    let state = TempDir::new().unwrap();
    let mut agent = run_agent(&command, NETWORK, &state);
    page.wait(".pill.good").await;
    assert!(page.is_marked().await, "it turned green live, not by being loaded again");
    page.shot("agent-connected").await;
    page.press("[data-fragment] a[href='/devices']").await;
    page.wait("tr[data-key] .pill, tr[data-key] [class*=good]").await;
    let text = page.text("main table").await;
    assert!(text.contains("127.0.0."), "{text}");
    page.shot("devices").await;
    agent.kill().await.unwrap();
    page.mark().await;
    agent = run_agent(&command, NEXT_NETWORK, &state);
    page.wait_for_text("main table", "127.0.0.9").await;
    assert!(page.is_marked().await, "devices that are found come live, not by being loaded again");
    for path in ["/agents", "/members", "/sessions", "/organizations", "/dev", "/problems/limit-reached"] {
        page.open(path).await;
        page.shot(path.trim_start_matches('/')).await;
    }
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;

    // The same pages on a phone, where nothing may have to be moved sideways; in the light and in the dark, where all of it can be read.
    for (dark, shots) in [(false, "phone"), (true, "phone-dark")] {
        let page = driver.browse(&Chromium { phone: true, dark, ..Chromium::default() }, &product.server.url, shots).await;
        for path in ["/", "/sign-up", "/sign-in", "/verify", "/reset"] {
            page.open(path).await;
            page.fits(path).await;
            page.is_readable(path, dark).await;
        }
        page.open("/sign-in").await;
        page.fill("email", EMAIL).await;
        page.fill("password", PASSWORD).await;
        page.press("main form .button").await;
        page.wait("main table").await;
        page.open("/agents").await;
        let agent = page.attribute("main table a[href^='/agents/']", "href").await;
        let own = [
            "/devices",
            "/agents",
            "/agents/new",
            &agent,
            "/workspaces",
            "/members",
            "/members/invite",
            "/account/security",
            "/sessions",
            "/organizations",
            "/organizations/new",
        ];
        let all = page.navigation().await;
        let others = ["/dev", "/dev/mail", "/nowhere", "/problems/limit-reached", "/status"].map(str::to_owned);
        for path in own.map(str::to_owned).into_iter().chain(all).chain(others) {
            page.open(&path).await;
            page.fits(&path).await;
            page.is_readable(&path, dark).await;
            page.shot(path.trim_start_matches('/')).await;
        }
        page.close().await;
    }
    let page = driver.browse(&Chromium { dark: true, ..Chromium::default() }, &product.server.url, "desktop-dark").await;
    for path in ["/", "/sign-up", "/problems/not-found"] {
        page.open(path).await;
        page.is_readable(path, true).await;
        page.shot(path.trim_start_matches('/')).await;
    }
    agent.kill().await.unwrap();
    page.close().await;
}

/// Design 6: every page works without JavaScript; and it speaks the reader's language.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_and_in_german_the_way_is_the_same() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let kind = Chromium { scripts: false, language: "de-DE", ..Chromium::default() };
    let page = driver.browse(&kind, &product.server.url, "plain-german").await;
    page.open("/sign-up").await;
    let form = page.text("main").await;
    assert!(form.contains("Passwort") && form.contains("Konto"), "{form}");
    becomes_a_user(&page).await;
    let command = adds_an_agent(&page).await;
    let state = TempDir::new().unwrap();
    let mut agent = run_agent(&command, NETWORK, &state);
    // Without the script a page is as it was when it was asked for, so it is asked for again.
    let found = async {
        loop {
            page.open("/devices").await;
            if page.has("main table").await {
                return page.text("main table").await;
            }
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(60), found).await.unwrap();
    assert!(text.contains("127.0.0.") && text.contains("Office"), "{text}");
    page.shot("devices").await;
    agent.kill().await.unwrap();

    page.open("/agents").await;
    page.press_inside("main", "form[action*='/revoke'] button").await;
    page.open("/devices").await;
    page.wait("main a[href='/agents/new']").await;
    page.press_inside("header", "form[action='/sign-out'] button").await;
    page.wait("main form[action='/sign-in']").await;
    page.open("/devices").await;
    page.wait("main form[action='/sign-in']").await;
    page.close().await;
}

/// AUT-14: what is wrong with a field is said while it is filled in, and the theme that was chosen holds against the device's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_checked_as_one_types_and_its_theme_holds() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "profile").await;
    becomes_a_user(&page).await;
    page.open("/account").await;
    page.shot("account").await;
    page.mark().await;
    page.fill("name", &"a".repeat(101)).await;
    page.wait("#name[aria-invalid][aria-describedby~='name-error'] + #name-error").await;
    page.fill("email", "ada@").await;
    page.wait("#email[aria-invalid] + #email-error").await;
    page.shot("account-wrong").await;
    page.fill("name", "Countess of Lovelace").await;
    page.wait("#name:not([aria-invalid])").await;
    assert!(!page.has("#name-error").await && page.has("#email-error").await, "each field for itself");
    assert!(page.is_marked().await, "all of it without loading the page");

    for (dark, device_is_dark) in [(true, false), (false, true)] {
        let kind = Chromium { phone: true, dark: device_is_dark, ..Chromium::default() };
        let page = driver.browse(&kind, &product.server.url, if dark { "profile-dark" } else { "profile-light" }).await;
        page.open("/sign-in").await;
        page.fill("email", EMAIL).await;
        page.fill("password", PASSWORD).await;
        page.press("main form .button").await;
        page.wait("header .menu.right").await;
        page.open("/account").await;
        page.is_readable("/account", if dark { device_is_dark } else { true }).await;
        page.press(&format!(".segments input[value='{}']", if dark { "dark" } else { "light" })).await;
        page.press("main form[action='/account'] .button.primary").await;
        page.wait(".alert.good").await;
        // The last is a page about a problem.
        for path in ["/account", "/sessions", "/avatars/00000000-0000-7000-8000-000000000000/64"] {
            page.open(path).await;
            page.is_readable(path, dark).await;
            page.fits(path).await;
        }
        page.open("/account").await;
        page.fill("email", "countess@example.org").await;
        page.press("main form[action='/account/email'] .button").await;
        page.wait("#email-change .pill").await;
        page.fits("/account").await;
        page.is_readable("/account", dark).await;
        page.shot("account").await;
        page.press("main form[action='/account/email/stop'] .button").await;
        page.wait("main form[action='/account/email']").await;
        assert_eq!(page.complaints().await.into_iter().filter(|line| !line.contains("404")).collect::<Vec<_>>(), Vec::<String>::new());
        page.close().await;
    }
    page.close().await;
}

/// Design 6: who has no mouse signs up with the keyboard alone, and always sees where they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_alone_is_enough_to_sign_up() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "keyboard").await;
    page.open("/").await;
    page.tab_to(".skip").await;
    page.tab_to("main a[href='/sign-up']").await;
    page.keys("\u{e007}").await;
    page.wait("main form[action='/sign-up']").await;
    for (field, text) in [("name", "Ada Lovelace"), ("email", EMAIL), ("password", "short")] {
        page.tab_to(&format!("[name='{field}']")).await;
        page.keys(text).await;
    }
    page.tab_to("main form .button.primary").await;
    page.keys("\u{e007}").await;
    // The browser itself says that the password is too short, and leads back to it.
    page.keys("correct horse battery staple 9").await;
    page.keys("\u{e007}").await;
    page.wait("a[href='/dev/mail']").await;
    page.tab_to("main a[href='/dev/mail']").await;
    page.keys("\u{e007}").await;
    mail_arrives(&page).await;
    page.tab_to(MAIL).await;
    page.keys("\u{e007}").await;
    page.wait("main a[href*='/verify?token=']").await;
    page.close().await;
}

/// The link of the latest mail that leads there.
async fn follows_mail(page: &Page, link: &str) {
    let css = format!("main a[href*='{link}']");
    let arrived = async {
        loop {
            page.open("/dev/mail").await;
            page.press(MAIL).await;
            if page.has(&css).await {
                return page.press(&css).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.expect("the mail comes");
}

/// AUT-15, AUT-17: a mail alone signs somebody in, by its link and by its code; and whoever wanted to be deleted comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_by_mail_leaves_and_comes_back() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium { phone: true, ..Chromium::default() }, &product.server.url, "by-mail").await;
    becomes_a_user(&page).await;
    page.open("/account/data").await;
    page.fits("/account/data").await;
    page.is_readable("/account/data", false).await;
    page.shot("data").await;
    page.press("main a[href='/account/deletion']").await;
    page.fill("password", PASSWORD).await;
    page.shot("deletion").await;
    page.press("main form[action='/account/deletion'] .button").await;
    page.wait("main a[href='/dev/mail']").await;
    follows_mail(&page, "/account/deletion/confirm?token=").await;
    page.shot("deletion-confirm").await;
    page.press("main form[action='/account/deletion/confirm'] .button").await;
    page.wait("main a[href='/sign-in']").await;
    page.shot("deletion-begun").await;

    page.open("/sign-in?next=/account/security").await;
    page.fill("email", EMAIL).await;
    page.shot("sign-in").await;
    page.press("main [formaction='/sign-in/mail']").await;
    page.wait("main form[action='/sign-in/code']").await;
    page.fits("/sign-in/mail").await;
    page.shot("sign-in-sent").await;
    follows_mail(&page, "/sign-in/link?token=").await;
    page.wait("main form[action='/sign-in/link']").await;
    page.shot("sign-in-link").await;
    page.press("main form[action='/sign-in/link'] .button").await;
    page.wait("main form[action='/account/leaving/stay']").await;
    page.fits("/account/leaving").await;
    page.shot("leaving").await;
    page.press("main form[action='/account/leaving/stay'] .button").await;
    page.wait("header .menu.right").await;
    page.open("/account/security").await;
    page.wait("main form[action='/account/password']").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;
}
