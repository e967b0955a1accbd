use std::{
    any::Any,
    collections::HashSet,
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use ipnet::IpNet;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::Instrument as _;
use url::Url;
use uuid::Uuid;

use super::{
    ClientAddress, Html, Nonce, Page, TenantHost, TenantHosts, assets, csrf::csrf, headers::harden, health, health::Health,
    patience::patience, status,
};
use crate::{
    Declares, Dependencies, Document, MasterKey, Metrics, Path, Permission, Principal, Problem, ProblemType, Routes,
    db::Db,
    failure,
    idempotency::{Repeatable, once},
    lifecycle::Lifecycle,
    openapi,
    pages::Pages,
    problem::Detour,
    routes::{RouteInfo, wrap},
};

/// What stands around an application.
#[derive(Clone, Debug)]
pub struct Web {
    /// Templates, texts, assets.
    pub pages: Pages,
    /// The database, for readiness.
    pub db: Db,
    /// Where the program is in its life.
    pub lifecycle: Lifecycle,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// What is outside and may be away, for the status page.
    pub dependencies: Dependencies,
    /// Where people and machines reach the application; links in mails begin with it.
    pub public_url: Url,
    /// The master key: cursors are signed and kept answers sealed with keys derived from it.
    pub keys: MasterKey,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where tenants are reached beside the main host.
    pub tenant_hosts: TenantHosts,
    /// The main navigation, shown inside a tenant.
    pub nav: Vec<NavLink>,
    /// Where a stranger who asks for a page is sent.
    pub sign_in: &'static str,
}

/// An entry of the main navigation.
#[derive(Clone, Copy, Debug)]
pub struct NavLink {
    /// Where it leads.
    pub href: &'static str,
    /// The key of its text.
    pub text: &'static str,
    /// Where a number that belongs beside it comes from, as a fragment; it is asked for again when the topic of the entry's own name
    /// changes.
    pub badge: Option<&'static str>,
    /// The permission without which it is not shown: what would only be refused is not offered.
    pub permission: Option<&'static str>,
    /// Whether it is about the organization rather than its work, and stands in the organization's own menu.
    pub of_organization: bool,
}

impl NavLink {
    /// An entry that leads to `href`.
    #[must_use]
    pub const fn new(href: &'static str, text: &'static str) -> Self {
        Self { href, text, badge: None, permission: None, of_organization: false }
    }

    /// In the menu of the organization, for what is not everyday work.
    #[must_use]
    pub const fn of_organization(mut self) -> Self {
        self.of_organization = true;
        self
    }

    /// Only for those who hold `P`.
    #[must_use]
    pub const fn needs<P: Permission>(mut self) -> Self {
        self.permission = Some(P::NAME);
        self
    }

    /// With a number beside it, from this address.
    #[must_use]
    pub const fn badge(mut self, href: &'static str) -> Self {
        self.badge = Some(href);
        self
    }
}

/// A finished application: its router, and the list of everything in it.
#[derive(Clone, Debug)]
pub struct App {
    router: Router,
    routes: Vec<RouteInfo>,
    document: Arc<Document>,
}

impl App {
    /// What it answers, and to whom.
    #[must_use]
    pub fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }

    /// What the OpenAPI document says of it.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The router, to serve or to call in a test.
    pub fn into_router(self) -> Router {
        self.router
    }
}

/// Largest body of a request whose route says nothing else, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// How long a body may pause. What was settled from the head of a request must not wait for ever to be acted on.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// Puts around an application what every application needs: request ids and logs, problem documents for every refusal (404, 405 and panics
/// too), security headers, protection from cross-site writes, health and status, assets, a page for each kind of problem.
///
/// It takes [`Routes`] alone, so nothing can be served that is not in the list.
#[must_use]
pub fn finish(routes: Routes, web: Web) -> App {
    let web = Arc::new(web);
    let health = Health::of(&web);
    let own = Routes::new()
        .get("/assets/{file}", assets::asset)
        .get("/problems", list_problems)
        .get("/problems/{kind}", explain)
        .with_state(web.clone())
        .merge(health::routes(&health))
        .merge(status::routes(health, &web))
        .on_tenant_hosts();
    let served = openapi::Served::default();
    let routes = routes.merge(own).merge(openapi::routes().with_state(served.clone()));
    let document = Document::of(web.pages.product(), web.public_url.as_str(), routes.entries());
    served.set(&document);
    let writes = routes.entries().iter().filter(|entry| entry.operation.is_repeatable());
    let writes = writes.map(|entry| (entry.info.method.clone(), entry.info.path.clone())).collect();
    let repeatable = Repeatable { routes: writes, keys: web.keys.clone() };
    let for_other_sites = routes.entries().iter().filter(|entry| entry.is_for_other_sites).map(|entry| entry.info.path.clone()).collect();
    let on_tenant_hosts = routes.entries().iter().filter(|entry| entry.is_on_tenant_hosts);
    let on_tenant_hosts = on_tenant_hosts.map(|entry| (entry.info.method.clone(), entry.info.path.clone())).collect();
    let gate = Arc::new(Gate { web: Arc::clone(&web), open: on_tenant_hosts });
    let infos = routes.list().cloned().collect();
    let router = routes
        .into_router()
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::new(&ProblemType::METHOD_NOT_ALLOWED) });
    let router = wrap(router, middleware::from_fn_with_state(Arc::new(repeatable), once));
    let router = wrap(router, middleware::from_fn_with_state(Arc::new(for_other_sites), csrf));
    let router = wrap(router, middleware::from_fn_with_state(gate, only_the_tenants));
    let router = router.layer(DefaultBodyLimit::max(BODY_LIMIT)).layer(RequestBodyTimeoutLayer::new(BODY_PATIENCE));
    let router = wrap(router, middleware::from_fn(patience));
    let router = wrap(router, middleware::from_fn_with_state(web, outermost));
    App { router, routes: infos, document: Arc::new(document) }
}

/// The request's id, in the answer's `x-request-id` and in every line of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| Problem::missing_layer("finish"))
    }
}

impl Declares for RequestId {}

/// How a browser is answered, remembered before the request is given away.
struct Reader {
    next: String,
    parts: Parts,
}

async fn outermost(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let id = RequestId(Uuid::now_v7());
    let nonce = Nonce::generate();
    if let Some(address) = ClientAddress::of(&parts, &web.trusted_proxies) {
        parts.extensions.insert(address);
    }
    if let Some(host) = web.tenant_hosts.of(&parts, &web.trusted_proxies, &web.public_url) {
        parts.extensions.insert(host);
    }
    parts.extensions.insert(id);
    parts.extensions.insert(nonce.clone());
    parts.extensions.insert(web.clone());
    let (method, matched) = (parts.method.clone(), parts.extensions.get::<MatchedPath>().cloned());
    let reader = wants_page(&parts)
        .then(|| Reader { next: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(), parts: parts.clone() });
    let span = tracing::info_span!(
        "request",
        request.id = %id.0,
        http.method = %parts.method,
        http.route = matched.as_ref().map(MatchedPath::as_str),
        tenant.id = tracing::field::Empty,
        user.id = tracing::field::Empty,
        key.id = tracing::field::Empty,
        agent.id = tracing::field::Empty,
    );
    let mut response = AssertUnwindSafe(next.run(Request::from_parts(parts, body)))
        .catch_unwind()
        .instrument(span.clone())
        .await
        .unwrap_or_else(|panic| Problem::internal(Panicked::of(&*panic)).into_response());
    let took = started.elapsed();
    web.metrics.http().answered(&method, matched.as_ref(), response.status().as_u16(), took);
    span.in_scope(|| {
        if let Some(problem) = response.extensions().get::<Problem>() {
            log_cause(problem);
        }
        tracing::info!(
            http.status = response.status().as_u16(),
            http.latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
    });
    if let Some(reader) = reader {
        response = as_page(response, &web, reader, id);
    }
    harden(response.headers_mut(), &nonce, web.public_url.scheme() == "https");
    if let Ok(id) = HeaderValue::try_from(id.0.to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// What is answered on hosts of tenants.
struct Gate {
    web: Arc<Web>,
    open: HashSet<(Method, String)>,
}

/// Answers on a tenant's host what is the tenant's, and nothing else: a session of that host is worth no more than the host itself.
async fn only_the_tenants(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (Some(_), Some(matched)) = (request.extensions().get::<TenantHost>(), request.extensions().get::<MatchedPath>()) else {
        return next.run(request).await;
    };
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    if gate.open.contains(&(method.clone(), matched.as_str().to_owned())) {
        return next.run(request).await;
    }
    let (parts, _) = request.into_parts();
    match parts.uri.path_and_query() {
        Some(path) if method == Method::GET && wants_page(&parts) => {
            Redirect::to(&format!("{}{path}", gate.web.public_url.as_str().trim_end_matches('/'))).into_response()
        }
        _ => Problem::not_found().into_response(),
    }
}

fn log_cause(problem: &Problem) {
    let Some(cause) = problem.cause() else { return };
    let chain = failure::in_full(&*cause.0);
    if problem.status().is_server_error() {
        tracing::error!(problem = problem.kind().slug, cause = %chain, "failed");
    } else {
        tracing::debug!(problem = problem.kind().slug, cause = %chain, "refused");
    }
}

/// Whether a person with a browser is asking, rather than a program: what they get is a page.
fn wants_page(parts: &Parts) -> bool {
    !parts.uri.path().starts_with("/api/") && !parts.headers.contains_key("x-fragment") && accepts_html(&parts.headers)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Shows a problem as a page; a stranger who asked for one is sent to sign in, and back afterwards.
fn as_page(response: Response, web: &Arc<Web>, mut reader: Reader, id: RequestId) -> Response {
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let is_get = reader.parts.method == Method::GET;
    let host = reader.parts.extensions.get::<TenantHost>();
    // What a tenant's host sends people to is on the main one.
    let main = if host.is_some() { web.public_url.as_str().trim_end_matches('/') } else { "" };
    match problem.detour() {
        Some(Detour::Instead(path)) if is_get => return Redirect::to(&format!("{main}{path}")).into_response(),
        Some(Detour::First(path)) => {
            let next = if is_get { reader.next } else { page_of_form(web, host, &reader.parts.headers).unwrap_or_else(|| "/".to_owned()) };
            return and_back(&format!("{main}{path}"), &next);
        }
        _ => {}
    }
    if problem.status() == StatusCode::UNAUTHORIZED && is_get {
        return and_back(if host.is_some() { TenantHost::ENTRANCE } else { web.sign_in }, &reader.next);
    }
    let context = serde_json::json!({ "problem": problem.document(), "request_id": id.0 });
    // Who it was is found out further in.
    if let Some(principal) = response.extensions().get::<Principal>() {
        reader.parts.extensions.insert(principal.clone());
    }
    match Page::of(web, &reader.parts).render("core/problem.html", context) {
        Ok(page) => {
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(header::CONTENT_TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            (parts.status, parts.headers, page).into_response()
        }
        // The document stays: a problem with the page about a problem helps nobody.
        Err(second) => {
            log_cause(&second);
            response
        }
    }
}

fn and_back(path: &str, next: &str) -> Response {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Redirect::to(&format!("{path}?next={next}")).into_response()
}

/// The page of ours that a form was sent from, as its browser says.
fn page_of_form(web: &Web, host: Option<&TenantHost>, headers: &HeaderMap) -> Option<String> {
    let page: Url = headers.get(header::REFERER)?.to_str().ok()?.parse().ok()?;
    let ours = host.map_or_else(|| Some(web.public_url.clone()), |host| host.url(&web.public_url, "/").parse().ok())?;
    (page.origin() == ours.origin()).then(|| page[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

struct Panicked(String);

impl Panicked {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_default())
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

async fn explain(Path(kind): Path<String>, page: Page) -> Result<Html, Problem> {
    let kind = ProblemType::ALL.iter().find(|it| it.slug == kind).ok_or_else(Problem::not_found)?;
    let document = Problem::new(kind).document();
    page.render("core/problem_type.html", serde_json::json!({ "problem": document, "slug": kind.slug }))
}

async fn list_problems(page: Page) -> Result<Html, Problem> {
    let kinds: Vec<_> = ProblemType::ALL.iter().map(|kind| Problem::new(kind).document()).collect();
    page.render("core/problem_types.html", serde_json::json!({ "kinds": kinds }))
}
