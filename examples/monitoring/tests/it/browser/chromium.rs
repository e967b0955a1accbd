use std::{path::PathBuf, process::Stdio, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(30);

/// chromedriver, with all the browsers that it starts; ended when dropped.
pub(super) struct Driver {
    url: String,
    _process: Child,
    /// Profiles of its browsers.
    profiles: TempDir,
}

/// What kind of browser to start.
pub(super) struct Chromium {
    pub(super) scripts: bool,
    pub(super) phone: bool,
    /// Whether the reader prefers a dark page.
    pub(super) dark: bool,
    pub(super) language: &'static str,
}

impl Default for Chromium {
    fn default() -> Self {
        Self { scripts: true, phone: false, dark: false, language: "en-US" }
    }
}

impl Driver {
    pub(super) async fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver (Debian: chromium-driver) cannot be started: {error}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').parse::<u16>().unwrap();
                }
            }
        });
        let port = port.await.unwrap();
        // Its pipe stays open, or it would end at its next word.
        tokio::spawn(async move { while lines.next_line().await.is_ok_and(|line| line.is_some()) {} });
        Self { url: format!("http://127.0.0.1:{port}"), _process: process, profiles: TempDir::new().unwrap() }
    }

    /// Starts a browser for a product; its screenshots go to a folder of that name.
    pub(super) async fn browse(&self, kind: &Chromium, product: &str, shots: &str) -> Page {
        let profile = self.profiles.path().join(uuid::Uuid::now_v7().to_string());
        let mut options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900",
                format!("--user-data-dir={}", profile.display()), format!("--accept-lang={}", kind.language),
            ],
            "prefs": { "intl.accept_languages": kind.language },
        });
        // 0 is dark, 1 is light; the default is what the machine of the test happens to prefer.
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!kind.dark));
        options["args"].as_array_mut().unwrap().push(json!(scheme));
        if !kind.scripts {
            options["prefs"]["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        if kind.phone {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 360, "height": 740, "pixelRatio": 2.0 } });
        }
        let capabilities = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = timeout(PATIENCE, builder.connect(&self.url)).await.unwrap().unwrap();
        Page::new(client, product, shots)
    }
}

/// One tab, as a person uses it.
pub(super) struct Page {
    client: Client,
    url: String,
    shots: PathBuf,
}

impl Page {
    fn new(client: Client, url: &str, name: &str) -> Self {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let shots = target.parent().unwrap().join("screenshots").join(name);
        std::fs::create_dir_all(&shots).unwrap();
        Self { client, url: url.to_owned(), shots }
    }

    pub(super) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// Goes to another host.
    pub(super) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The whole address of the page.
    pub(super) async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The path and query of the page.
    pub(super) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    }

    pub(super) async fn has(&self, css: &str) -> bool {
        self.client.find(Locator::Css(css)).await.is_ok()
    }

    pub(super) async fn wait(&self, css: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => {
                self.shot("failed").await;
                let (url, source) = (self.client.current_url().await.unwrap(), self.client.source().await.unwrap());
                panic!("no {css} at {url}: {error}\n{source}")
            }
        }
    }

    /// Waits for words in a part of the page, which may be replaced meanwhile.
    pub(super) async fn wait_for_text(&self, css: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])?.innerText.includes(arguments[1]) ?? false";
        let says = async {
            while self.client.execute(script, vec![json!(css), json!(text)]).await.unwrap() != json!(true) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if timeout(PATIENCE, says).await.is_err() {
            self.shot("failed").await;
            panic!("{css} never says {text}: {}", self.text("body").await);
        }
    }

    pub(super) async fn fill(&self, name: &str, text: &str) {
        let field = self.wait(&format!("main [name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses it, and again if it was replaced or covered at that moment.
    pub(super) async fn press(&self, css: &str) {
        let pressed = async {
            while self.wait(css).await.click().await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if timeout(PATIENCE, pressed).await.is_err() {
            self.shot("failed").await;
            panic!("{css} cannot be pressed");
        }
    }

    /// Presses what leads to a page, which may look like this one, and waits until this one has gone.
    pub(super) async fn leaves_by(&self, css: &str) {
        self.mark().await;
        self.press(css).await;
        let left = async {
            while self.is_marked().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, left).await.unwrap_or_else(|_| panic!("{css} leads nowhere"));
    }

    /// Opens the part of the page that hides something, and presses it.
    pub(super) async fn press_inside(&self, part: &str, css: &str) {
        let css = format!("{part} {css}");
        self.wait(&css).await;
        for summary in self.client.find_all(Locator::Css(&format!("{part} details summary"))).await.unwrap() {
            summary.click().await.unwrap();
            let inside = self.client.find(Locator::Css(&css)).await.unwrap();
            if inside.is_displayed().await.unwrap() {
                return inside.click().await.unwrap();
            }
        }
        panic!("nothing opens to show {css}");
    }

    pub(super) async fn text(&self, css: &str) -> String {
        self.wait(css).await.text().await.unwrap()
    }

    pub(super) async fn attribute(&self, css: &str, name: &str) -> String {
        self.wait(css).await.attr(name).await.unwrap().unwrap()
    }

    /// Where the main navigation leads.
    pub(super) async fn navigation(&self) -> Vec<String> {
        let links = self.client.execute(
            "return [...document.querySelectorAll('.nav a, .top .menu-body > a')].map((it) => it.getAttribute('href'))",
            Vec::new(),
        );
        serde_json::from_value(links.await.unwrap()).unwrap()
    }

    pub(super) async fn value(&self, css: &str) -> String {
        self.wait(css).await.prop("value").await.unwrap().unwrap()
    }

    /// Leaves a sign that goes when the page is loaded again.
    pub(super) async fn mark(&self) {
        self.client.execute("window.marked = true", Vec::new()).await.unwrap();
    }

    pub(super) async fn is_marked(&self) -> bool {
        self.client.execute("return window.marked === true", Vec::new()).await.unwrap() == json!(true)
    }

    /// Demands that the page is no wider than the window, and names what is.
    pub(super) async fn fits(&self, path: &str) {
        let script = "const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > width + 1)
                .map((it) => it.outerHTML.slice(0, 120));";
        let wide = self.client.execute(script, Vec::new()).await.unwrap();
        assert_eq!(wide, json!([]), "{path} is wider than a phone");
    }

    /// Demands that the page is dark or light, and that every text stands out from what is behind it (WCAG 2.2, 1.4.3).
    pub(super) async fn is_readable(&self, path: &str, dark: bool) {
        let script = include_str!("contrast.js");
        let seen = self.client.execute(script, Vec::new()).await.unwrap();
        assert_eq!(seen["dark"], json!(dark), "{path}: {seen}");
        assert_eq!(seen["faint"], json!([]), "{path}: text that cannot be read");
    }

    /// Types on the keyboard, into whatever has the focus.
    pub(super) async fn keys(&self, keys: &str) {
        let mut typed = self.client.active_element().await.unwrap().send_keys(keys).await;
        // The page may have given way to the next one in between; then nothing was typed.
        for _ in 0..100 {
            if typed.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            typed = self.client.active_element().await.unwrap().send_keys(keys).await;
        }
        typed.unwrap();
    }

    /// Presses Tab until something has the focus, which must be seen to have it on the way.
    pub(super) async fn tab_to(&self, css: &str) {
        for _ in 0..30 {
            self.keys("\u{e004}").await;
            let script = "const it = document.activeElement, style = getComputedStyle(it);
                const is_seen = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
                return [it.matches(arguments[0]), is_seen, it.outerHTML.slice(0, 120)];";
            let at = self.client.execute(script, vec![json!(css)]).await.unwrap();
            assert_eq!(at[1], json!(true), "nobody sees that this has the focus: {}", at[2]);
            if at[0] == json!(true) {
                return;
            }
        }
        panic!("Tab does not lead to {css}");
    }

    pub(super) async fn shot(&self, name: &str) {
        let image = self.client.screenshot().await.unwrap();
        let name = if name.is_empty() { "home".to_owned() } else { name.replace('/', "-") };
        std::fs::write(self.shots.join(format!("{name}.png")), image).unwrap();
    }

    /// What scripts and the content policy complained about since it was last asked.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(ConsoleLog).await.unwrap();
        log.as_array().unwrap().iter().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// What a script of the page comes to, which may be a promise.
    pub(super) async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Asks the browser itself for something, by the Chrome DevTools Protocol.
    pub(super) async fn command(&self, name: &'static str, parameters: Value) -> Value {
        let answer = self.client.issue_cmd(DevTools { name, parameters }).await;
        answer.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Loses every cookie.
    pub(super) async fn forget(&self) {
        self.client.delete_all_cookies().await.unwrap();
    }

    /// Gives the browser a device that keeps passkeys and recognizes its person.
    pub(super) async fn add_authenticator(&self) -> String {
        let added = self.client.issue_cmd(Authenticator::Add).await.unwrap();
        added.as_str().unwrap().to_owned()
    }

    pub(super) async fn remove_authenticator(&self, id: &str) {
        self.client.issue_cmd(Authenticator::Remove(id.to_owned())).await.unwrap();
    }

    pub(super) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// chromedriver's own command for what a page wrote to its console.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// chromedriver's way to the Chrome DevTools Protocol.
#[derive(Debug)]
struct DevTools {
    name: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.name, "params": self.parameters }).to_string()))
    }
}

/// Devices that the browser pretends to have (WebAuthn Level 3, section 11).
#[derive(Debug)]
enum Authenticator {
    Add,
    Remove(String),
}

impl WebDriverCompatibleCommand for Authenticator {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let all = format!("session/{}/webauthn/authenticator", session.unwrap_or_default());
        match self {
            Self::Add => base.join(&all),
            Self::Remove(id) => base.join(&format!("{all}/{id}")),
        }
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let device = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserConsenting": true,
            "isUserVerified": true,
        });
        match self {
            Self::Add => (http::Method::POST, Some(device.to_string())),
            Self::Remove(_) => (http::Method::DELETE, None),
        }
    }
}
