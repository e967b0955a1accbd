//! Signing in with an account elsewhere, in a real browser: with the provider of development, and with a certified one from npm.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{Chromium, Driver, Page, Product, mail_arrives};
use crate::process::{PATIENCE, Settings, folder};
use saas_core::testing::EmptyDatabase;

const BUTTON: &str = "main form[action='/sign-in/with/dev'] .button";
const SIGN_IN: &str = "main form.card[action='/dev/oidc/authorize'] .button";

/// Somebody new, by the button on the sign-in page.
async fn is_somebody(page: &Page, email: &str) {
    page.open("/sign-in").await;
    page.press(BUTTON).await;
    page.wait(SIGN_IN).await;
    page.fill("email", email).await;
    page.fill("name", "Grace Hopper").await;
}

/// AUT-06: with no account anywhere, the button works; whoever cancels is told so, and what was linked is seen and unlinked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_the_button_signs_in_whoever_one_wants_to_be() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "provider").await;
    page.open("/sign-up").await;
    page.shot("sign-up").await;
    is_somebody(&page, "grace@example.com").await;
    page.shot("dev-provider").await;
    page.press("main form[action='/dev/oidc/authorize']:not(.card) .button").await;
    page.wait("main .mark.warn").await;
    assert!(page.text("main").await.contains("You stopped at Development"));
    page.shot("cancelled").await;
    is_somebody(&page, "grace@example.com").await;
    page.press(SIGN_IN).await;
    page.wait("main form[action='/organizations']").await;
    page.open("/account/security").await;
    let shown = page.text("main").await;
    assert!(shown.contains("Development") && shown.contains("grace@example.com") && shown.contains("no password"), "{shown}");
    page.shot("security").await;
    page.press("main form[action*='/unlink'] button").await;
    page.wait("main .alert.bad").await;
    assert!(page.text("main").await.contains("This is the only way to sign in"));
    page.press("main form[action='/account/providers/dev/link'] button").await;
    page.wait(SIGN_IN).await;
    page.fill("email", "other@example.com").await;
    page.press(SIGN_IN).await;
    page.wait("main .alert.good").await;
    mail_arrives(&page).await;
    page.open("/account/security").await;
    page.press("main form[action*='/unlink'] button").await;
    page.wait("main .alert.good").await;
    assert_eq!(page.complaints().await.into_iter().filter(|line| !line.contains("40")).collect::<Vec<_>>(), Vec::<String>::new());
    page.open("/dev").await;
    assert!(page.text("main").await.contains("/dev/oidc"));
    page.close().await;

    for (dark, shots) in [(false, "provider-phone"), (true, "provider-phone-dark")] {
        let page = driver.browse(&Chromium { phone: true, dark, ..Chromium::default() }, &product.server.url, shots).await;
        for path in ["/sign-in", "/sign-up"] {
            page.open(path).await;
            page.fits(path).await;
            page.is_readable(path, dark).await;
            page.shot(path.trim_start_matches('/')).await;
        }
        is_somebody(&page, "other@example.com").await;
        page.fits("the provider").await;
        page.is_readable("the provider", dark).await;
        page.press(SIGN_IN).await;
        page.wait("header .menu.right").await;
        page.open("/account/security").await;
        page.fits("/account/security").await;
        page.is_readable("/account/security", dark).await;
        page.shot("security").await;
        page.open("/sign-in/with/dev/return?state=none&error=access_denied").await;
        page.wait("main .mark.warn").await;
        page.fits("refused").await;
        page.is_readable("refused", dark).await;
        page.shot("over").await;
        page.close().await;
    }
}

/// Design 6: without scripts it takes two buttons more, and in German it is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_one_signs_in_with_a_provider_too() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let kind = Chromium { scripts: false, language: "de-DE", ..Chromium::default() };
    let page = driver.browse(&kind, &product.server.url, "provider-plain").await;
    is_somebody(&page, "grace@example.com").await;
    page.press(SIGN_IN).await;
    let back = "main form[action='/sign-in/with/dev/return']";
    page.wait(back).await;
    assert!(page.text("main").await.contains("Gleich geschafft"));
    page.shot("return").await;
    page.press(&format!("{back} .button")).await;
    page.wait("main form[action='/organizations']").await;
    page.close().await;
}

/// npm's oidc-provider, where `tests/install` has put it; ended when dropped.
struct Certified {
    _process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Certified {
    async fn start() -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let mut process = Command::new("node")
            .arg(root.join("tests/npm/provider.mjs"))
            .current_dir(root.join("target/npm"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("node cannot be started (tests/install brings it): {error}"));
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut lines = BufReader::new(output).lines();
        let port = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it says its port");
        Self { _process: process, input, lines, issuer: format!("http://127.0.0.1:{port}") }
    }

    /// Begins to answer, for a product at this address.
    async fn knows(&mut self, product: &str) {
        self.input.write_all(format!("{product}/sign-in/with/certified/return\n").as_bytes()).await.unwrap();
        let ready = timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap();
        assert_eq!(ready.as_deref(), Some("ready"));
    }
}

/// AUT-06: a provider that others have certified, on another site than ours, with discovery, RS256 and what it says where it is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certified_provider_signs_somebody_in() {
    let mut certified = Certified::start().await;
    let (folder, database, driver) = (folder(), EmptyDatabase::create().await.unwrap(), Driver::start().await);
    let server = Settings::serving(folder.path())
        .set("DATABASE_URL", database.owner_url().expose())
        .set("SAAS_OIDC_PROVIDERS", "certified")
        .set("SAAS_OIDC_CERTIFIED_ISSUER", &certified.issuer)
        .set("SAAS_OIDC_CERTIFIED_CLIENT_ID", "monitoring")
        .set("SAAS_OIDC_CERTIFIED_CLIENT_SECRET", "a secret that both sides know")
        .set("SAAS_OIDC_CERTIFIED_LABEL", "Certified")
        .set("SAAS_OIDC_CERTIFIED_VOUCHES", "true")
        .start()
        .await;
    certified.knows(&server.url).await;
    let page = driver.browse(&Chromium::default(), &server.url, "certified").await;
    for (email, first) in [("grace@example.com", true), ("grace@example.com", false)] {
        page.open("/sign-in?next=/account").await;
        page.press("main form[action='/sign-in/with/certified'] .button").await;
        if first {
            page.wait("input[name='login']").await;
            page.keys(email).await;
            page.keys("\u{e004}").await;
            page.keys("anything").await;
            page.keys("\u{e007}").await;
            page.wait("input[name='prompt'][value='consent']").await;
            page.press("button[type='submit']").await;
        }
        page.wait("main form[action='/account']").await;
        assert!(page.text("main").await.contains(email));
        assert_eq!(page.value("[name='name']").await, "Grace Hopper");
        page.press_inside("header", "form[action='/sign-out'] button").await;
        page.wait("main form[action='/sign-in']").await;
    }
    // What the other's pages lack is theirs.
    let ours: Vec<_> = page.complaints().await.into_iter().filter(|line| line.contains(&server.url)).collect();
    assert_eq!(ours, Vec::<String>::new());
    page.close().await;
}
