//! Routes that know who may call them and what they take and give.
//!
//! axum cannot list its routes, so [`Routes`] keeps the list beside the router: for each route its method, its path, its [`Access`] and
//! what the OpenAPI document says of it, all read from the handler's types. What is not in the list cannot be composed, because
//! [`finish`](crate::finish) takes nothing else.

mod access;
mod beneath;
mod declares;

pub(crate) use beneath::wrap;

pub use access::{Access, Caller};
pub use beneath::Beneath;
pub use declares::{Declares, Described};

use std::{collections::BTreeSet, fmt};

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    response::IntoResponse,
    routing::{MethodFilter, on},
};
use http::Method;
use serde::Serialize;
use tower::{Layer, Service};

use crate::openapi::Operation;

/// One route: what it answers and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteInfo {
    /// The method.
    #[serde(serialize_with = "method_text")]
    pub method: Method,
    /// The path, with `{parameters}`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// The path that it is another name of, if it is one.
    pub alias_of: Option<String>,
}

fn method_text<S: serde::Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(method.as_str())
}

/// A route and what the document says of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) info: RouteInfo,
    pub(crate) about: Option<&'static str>,
    /// Whether other sites may send people here with a form.
    pub(crate) is_for_other_sites: bool,
    /// Whether it is answered on hosts of tenants too.
    pub(crate) is_on_tenant_hosts: bool,
    /// Whether an API key can be given all the permissions that it takes.
    pub(crate) is_for_keys: bool,
    pub(crate) operation: Operation,
}

/// The path of a route, or several of them, of which the first is its own and the others are aliases.
pub trait Paths {
    /// All of them.
    fn paths(&self) -> &[&str];
}

impl Paths for &str {
    fn paths(&self) -> &[&str] {
        std::slice::from_ref(self)
    }
}

impl<const N: usize> Paths for [&str; N] {
    fn paths(&self) -> &[&str] {
        self
    }
}

/// A router and the list of what is in it.
///
/// ```
/// use saas_core::{Routes, CurrentUser};
///
/// async fn me(CurrentUser(me): CurrentUser) -> String {
///     me.name.clone()
/// }
/// let routes: Routes = Routes::new().get(["/api/v1/me", "/api/me"], me).about("Says who is signed in");
/// assert_eq!(routes.list().next().map(|route| &route.access), Some(&saas_core::Access::signed_in()));
/// ```
#[must_use]
pub struct Routes<S = ()> {
    router: Router<S>,
    list: Vec<Entry>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new() -> Self {
        Self { router: Router::new(), list: Vec::new() }
    }

    /// Answers `GET` (and `HEAD`). It must not write: a tenant's transaction is read-only here.
    pub fn get<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        self.on(Method::GET, MethodFilter::GET, path.paths(), handler)
    }

    /// Answers `POST`.
    pub fn post<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        self.on(Method::POST, MethodFilter::POST, path.paths(), handler)
    }

    /// Answers `POST` also where another site's form is sent here, as some sign-in providers answer.
    ///
    /// # Security
    ///
    /// The request comes without its cookies, wherever it comes from, so the handler never acts for whoever is signed in.
    pub fn post_from_other_sites<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        let before = self.list.len();
        let mut routes = self.post(path, handler);
        routes.list[before..].iter_mut().for_each(|entry| entry.is_for_other_sites = true);
        routes
    }

    /// Answers `PUT`.
    pub fn put<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        self.on(Method::PUT, MethodFilter::PUT, path.paths(), handler)
    }

    /// Answers `PATCH`.
    pub fn patch<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        self.on(Method::PATCH, MethodFilter::PATCH, path.paths(), handler)
    }

    /// Answers `DELETE`.
    pub fn delete<H, T>(self, path: impl Paths, handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        self.on(Method::DELETE, MethodFilter::DELETE, path.paths(), handler)
    }

    fn on<H, T>(mut self, method: Method, filter: MethodFilter, paths: &[&str], handler: H) -> Self
    where
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        for (at, path) in paths.iter().enumerate() {
            self.router = self.router.route(path, on(filter, handler.clone()));
            let alias_of = (at > 0).then(|| paths[0].to_owned());
            let info = RouteInfo { method: method.clone(), path: (*path).to_owned(), access: H::access(), alias_of };
            let is_on_tenant_hosts = matches!(info.access.caller, Caller::Member | Caller::Agent);
            let operation = H::operation();
            self.list.push(Entry { info, about: None, is_for_other_sites: false, is_on_tenant_hosts, is_for_keys: false, operation });
        }
        self
    }

    /// Says in one sentence what the route before does, for the OpenAPI document. Everything under `/api/` needs it.
    pub fn about(mut self, sentence: &'static str) -> Self {
        // A route stands before its aliases.
        for entry in self.list.iter_mut().rev() {
            entry.about = Some(sentence);
            if entry.info.alias_of.is_none() {
                break;
            }
        }
        self
    }

    /// Adds the routes of another.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.list.extend(other.list);
        self
    }

    /// Adds the routes of another below a prefix.
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        let below = |path: String| if path == "/" { prefix.to_owned() } else { format!("{prefix}{path}") };
        self.router = self.router.nest(prefix, other.router);
        self.list.extend(other.list.into_iter().map(|mut entry| {
            entry.info.path = below(entry.info.path);
            entry.info.alias_of = entry.info.alias_of.map(below);
            entry
        }));
        self
    }

    /// Says of the routes that are here so far which take a feature of the plan, because a permission does: in their access and in the document. What
    /// holds, the layer that finds the tenant knows by itself.
    pub fn featured(mut self, features: &[(&'static str, &'static str)]) -> Self {
        for entry in &mut self.list {
            let taken = features.iter().filter(|(permission, _)| entry.info.access.permissions.contains(permission));
            entry.info.access.features.extend(taken.map(|(_, feature)| *feature));
        }
        self
    }

    /// Says of the routes that are here so far, in the document, which a program can call with an API key: those of which the product gives keys all
    /// the permissions. What belonging alone gives a right to is for people: a key belongs nowhere. What was said of a route before stays said.
    pub fn open_to_keys(mut self, permissions: impl IntoIterator<Item = &'static str>) -> Self {
        let given: BTreeSet<_> = permissions.into_iter().collect();
        for entry in &mut self.list {
            let Access { caller, permissions, .. } = &entry.info.access;
            entry.is_for_keys |= *caller == Caller::Member && !permissions.is_empty() && permissions.is_subset(&given);
        }
        self
    }

    /// Has the routes that are here so far answered on hosts of tenants too ([`TenantHosts`](crate::TenantHosts)). Those that take a standing in a tenant
    /// are so in any case.
    ///
    /// # Security
    ///
    /// Whoever has the name of such a host may read what is sent there, so nothing may be answered there that concerns an account or another tenant.
    pub fn on_tenant_hosts(mut self) -> Self {
        self.list.iter_mut().for_each(|entry| entry.is_on_tenant_hosts = true);
        self
    }

    /// Wraps the routes that are here so far.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Beneath> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = wrap(self.router, layer);
        self
    }

    /// Gives the handlers their state, so that these routes merge into any others.
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes { router: self.router.with_state(state), list: self.list }
    }

    /// What is in it.
    pub fn list(&self) -> impl Iterator<Item = &RouteInfo> {
        self.list.iter().map(|entry| &entry.info)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.list
    }

    pub(crate) fn into_router(self) -> Router<S> {
        self.router
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|entry| &entry.info)).finish()
    }
}
