//! The way of a new customer, in a real browser: from signing up to seeing a device.

mod chromium;

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
    _database: EmptyDatabase,
    _folder: TempDir,
}

impl Product {
    async fn start() -> Self {
        let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
        let server = Settings::serving(folder.path()).set("DATABASE_URL", database.owner_url().expose()).start().await;
        Self { server, _database: database, _folder: folder }
    }
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
    page.open("/dev/mail").await;
    page.press("main a[href^='/dev/mail/']").await;
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
fn run_agent(command: &str, state: &TempDir) -> tokio::process::Child {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("monitoring-agent"), "{command}");
    let mut arguments: Vec<_> = words.collect();
    let network = arguments.iter().position(|word| *word == "--network").unwrap() + 1;
    arguments[network] = "127.0.0.0/29";
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
    let mut agent = run_agent(&command, &state);
    page.wait(".pill.good").await;
    assert!(page.is_marked().await, "it turned green live, not by being loaded again");
    page.shot("agent-connected").await;
    page.press("[data-fragment] a[href='/devices']").await;
    page.wait("tr[data-key] .pill, tr[data-key] [class*=good]").await;
    let text = page.text("main table").await;
    assert!(text.contains("127.0.0."), "{text}");
    page.shot("devices").await;
    for path in ["/agents", "/members", "/sessions", "/organizations", "/dev", "/problems/limit-reached"] {
        page.open(path).await;
        page.shot(path.trim_start_matches('/')).await;
    }
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;

    // The same pages on a phone, where nothing may have to be moved sideways.
    let page = driver.browse(&Chromium { phone: true, ..Chromium::default() }, &product.server.url, "phone").await;
    for path in ["/", "/sign-up", "/sign-in", "/verify"] {
        page.open(path).await;
        page.fits(path).await;
    }
    page.open("/sign-in").await;
    page.fill("email", EMAIL).await;
    page.fill("password", PASSWORD).await;
    page.press("main form .button").await;
    page.wait("main table").await;
    for path in
        ["/devices", "/agents", "/agents/new", "/members", "/sessions", "/organizations", "/organizations/new", "/dev/mail", "/nowhere"]
    {
        page.open(path).await;
        page.fits(path).await;
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
    let mut agent = run_agent(&command, &state);
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
    page.press_inside("main", "form[action$='/revoke'] button").await;
    page.open("/devices").await;
    page.wait("main a[href='/agents/new']").await;
    page.press_inside("header", "form[action='/sign-out'] button").await;
    page.wait("main form[action='/sign-in']").await;
    page.open("/devices").await;
    page.wait("main form[action='/sign-in']").await;
    page.close().await;
}
