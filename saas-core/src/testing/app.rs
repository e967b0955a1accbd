use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use super::TestDb;
use crate::{App, Dependencies, Lifecycle, Metrics, Principal, TenantHosts, Web, pages::Pages};

/// A finished application that is called without a network.
#[derive(Debug, Clone)]
pub struct TestApp {
    router: Router,
}

impl TestApp {
    /// Calls this application.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { router: app.into_router() }
    }

    /// What stands around an application in a test.
    #[must_use]
    pub fn web(test: &TestDb, pages: &Pages) -> Web {
        let metrics = Metrics::new();
        Web {
            pages: pages.clone(),
            db: test.db.clone(),
            lifecycle: Lifecycle::new(),
            dependencies: Dependencies::new(test.db.clock().clone(), &metrics),
            metrics,
            public_url: Url::parse("http://localhost:3000").unwrap_or_else(|error| panic!("{error}")),
            keys: crate::MasterKey::generate(),
            trusted_proxies: Vec::new(),
            tenant_hosts: TenantHosts::default(),
            nav: Vec::new(),
            sign_in: "/sign-in",
        }
    }

    /// A browser of its own, with no cookies yet.
    #[must_use]
    pub fn browser(&self) -> TestClient {
        TestClient { address: ELSEWHERE, router: self.router.clone(), principal: None, headers: HeaderMap::new(), cookies: Arc::default() }
    }

    /// Somebody who is known without signing in, for applications that are tested without the layer that authenticates.
    #[must_use]
    pub fn acting(&self, principal: Principal) -> TestClient {
        TestClient { principal: Some(principal), ..self.browser() }
    }
}

/// Where clients come from that say nothing else (TEST-NET-1, RFC 5737).
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Somebody who calls an application: keeps cookies, and sends the headers that a browser on the same site does.
#[derive(Debug, Clone)]
pub struct TestClient {
    address: IpAddr,
    router: Router,
    principal: Option<Principal>,
    headers: HeaderMap,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

impl TestClient {
    /// The same client, sending one more header each time.
    ///
    /// # Panics
    ///
    /// If it is no header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// The same client on the machine of the program itself.
    #[must_use]
    pub fn here(self) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), ..self }
    }

    /// The same client with another address.
    #[must_use]
    pub fn from_address(self, address: IpAddr) -> Self {
        Self { address, ..self }
    }

    /// The same client with a key in place of cookies.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.with("authorization", &format!("Bearer {key}"))
    }

    /// Asks for JSON.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "application/json", None, Bytes::new()).await
    }

    /// Asks for a page.
    pub async fn page(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "text/html", None, Bytes::new()).await
    }

    /// Sends JSON.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.call(method, path, "application/json", Some("application/json"), body.to_string().into()).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    /// Sends a form, as a browser does.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.call(Method::POST, path, "text/html", Some("application/x-www-form-urlencoded"), body.into()).await
    }

    /// Sends a small text file of this name, as a browser's form does.
    pub async fn upload(&self, method: Method, path: &str, name: &str) -> Answer {
        let head = format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        let body = head + "a plan\r\n--x--\r\n";
        let accept = if path.starts_with("/api/") { "application/json" } else { "text/html" };
        self.call(method, path, accept, Some("multipart/form-data; boundary=x"), body.into()).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, "application/json", None, Bytes::new()).await
    }

    /// Sends anything.
    ///
    /// # Panics
    ///
    /// If it is no request.
    pub async fn call(&self, method: Method, path: &str, accept: &str, content_type: Option<&str>, body: Bytes) -> Answer {
        let mut builder = Request::builder().method(method).uri(path).header(header::HOST, "localhost:3000").header(header::ACCEPT, accept);
        if let Some(content_type) = content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        let mut request = builder.body(Body::from(body)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        if let Some(cookies) = self.cookie_header() {
            headers.insert(header::COOKIE, cookies);
        }
        headers.extend(self.headers.clone());
        self.send(request).await
    }

    /// Asks for a stream of events and does not wait for its end.
    ///
    /// # Panics
    ///
    /// If it is no path.
    pub async fn open(&self, path: &str) -> Response<Body> {
        let request = Request::builder().uri(path).header(header::HOST, "localhost:3000").header(header::ACCEPT, "text/event-stream");
        let mut request = request.body(Body::empty()).unwrap_or_else(|error| panic!("{path}: {error}"));
        if let Some(cookies) = self.cookie_header() {
            request.headers_mut().insert(header::COOKIE, cookies);
        }
        request.headers_mut().extend(self.headers.clone());
        self.answer(request).await
    }

    /// Sends a request as it is, with this client's identity but none of its headers.
    ///
    /// # Panics
    ///
    /// If the answer's body breaks off.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.answer(request).await.into_parts();
        let body = body.collect().await.unwrap_or_else(|error| panic!("the body broke off: {error}")).to_bytes();
        self.keep_cookies(&parts.headers);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.address, 40_000))));
        if let Some(principal) = &self.principal {
            request.extensions_mut().insert(principal.clone());
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// The value of a cookie that it keeps.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn cookie_header(&self) -> Option<HeaderValue> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!text.is_empty()).then(|| HeaderValue::from_str(&text.join("; ")).ok()).flatten()
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for value in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let Ok(cookie) = cookie::Cookie::parse(value.to_owned()) else { continue };
            if cookie.max_age().is_some_and(|age| age.is_zero()) || cookie.value().is_empty() {
                cookies.remove(cookie.name());
            } else {
                cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
    }
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The address that it leads to.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok())
    }
}
