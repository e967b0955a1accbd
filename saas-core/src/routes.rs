//! Routes that know who may call them.
//!
//! axum cannot list its routes, so [`Routes`] keeps the list beside the router: for each route its method, its path and its [`Access`],
//! read from the handler's extractors. What is not in the list cannot be composed, because [`finish`](crate::finish) takes nothing else.

use std::{collections::BTreeSet, fmt};

use axum::{
    Router,
    extract::{Extension, Request, State},
    handler::Handler,
    response::IntoResponse,
    routing::{MethodFilter, Route, on},
};
use http::{HeaderMap, Method, Uri};
use serde::Serialize;
use tower::{Layer, Service};

/// Who may call a route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Access {
    /// The kind of caller.
    pub caller: Caller,
    /// The permissions that the caller must hold, all of them.
    pub permissions: BTreeSet<&'static str>,
}

/// A kind of caller, from the most open to the narrowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Anybody.
    #[default]
    Public,
    /// A signed provider: the handler checks a signature over the body.
    Provider,
    /// A person who is signed in.
    SignedIn,
    /// Somebody with a standing in the tenant of the request.
    Member,
    /// A machine with a credential.
    Agent,
}

impl Access {
    /// Anybody.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// A person who is signed in.
    #[must_use]
    pub fn signed_in() -> Self {
        Self { caller: Caller::SignedIn, ..Self::default() }
    }

    /// Somebody with a standing in the tenant of the request.
    #[must_use]
    pub fn member() -> Self {
        Self { caller: Caller::Member, ..Self::default() }
    }

    /// A machine.
    #[must_use]
    pub fn agent() -> Self {
        Self { caller: Caller::Agent, ..Self::default() }
    }

    /// A provider whose signature the handler checks.
    #[must_use]
    pub fn provider() -> Self {
        Self { caller: Caller::Provider, ..Self::default() }
    }

    /// Somebody who holds this permission in the tenant of the request.
    #[must_use]
    pub fn permission(name: &'static str) -> Self {
        Self { caller: Caller::Member, permissions: BTreeSet::from([name]) }
    }

    /// What satisfies both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.caller = self.caller.max(other.caller);
        self.permissions.extend(other.permissions);
        self
    }
}

/// What an extractor demands of the caller. Implement it for extractors of your own; most demand nothing.
///
/// ```
/// struct UserAgent(String);
/// impl saas_core::Declares for UserAgent {}
/// ```
pub trait Declares {
    /// Who may call a handler that uses this extractor.
    #[must_use]
    fn access() -> Access {
        Access::public()
    }
}

impl<T> Declares for State<T> {}
impl<T> Declares for Extension<T> {}
impl Declares for HeaderMap {}
impl Declares for Method {}
impl Declares for Uri {}
impl Declares for Request {}
impl Declares for bytes::Bytes {}

/// An optional extractor settles nothing, so it demands nothing.
impl<T> Declares for Option<T> {}

/// The extractors of a handler, as axum names them in its `Handler<T, S>`.
pub trait DeclaresAll {
    /// What they demand together.
    #[must_use]
    fn access() -> Access;
}

macro_rules! declares_all {
    ($($name:ident)*) => {
        impl<M, $($name: Declares),*> DeclaresAll for (M, $($name,)*) {
            fn access() -> Access {
                Access::public()$(.and($name::access()))*
            }
        }
    };
}

declares_all!();
declares_all!(A);
declares_all!(A B);
declares_all!(A B C);
declares_all!(A B C D);
declares_all!(A B C D E);
declares_all!(A B C D E F);
declares_all!(A B C D E F G);
declares_all!(A B C D E F G H);

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
}

fn method_text<S: serde::Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(method.as_str())
}

/// A router and the list of what is in it.
///
/// ```
/// use saas_core::{Routes, CurrentUser};
///
/// async fn me(CurrentUser(me): CurrentUser) -> String {
///     me.name.clone()
/// }
/// let routes: Routes = Routes::new().get("/me", me);
/// assert_eq!(routes.list()[0].access, saas_core::Access::signed_in());
/// ```
#[must_use]
pub struct Routes<S = ()> {
    router: Router<S>,
    list: Vec<RouteInfo>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new() -> Self {
        Self { router: Router::new(), list: Vec::new() }
    }

    /// Answers `GET` (and `HEAD`). It must not write: a tenant's transaction is read-only here.
    pub fn get<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.on(Method::GET, MethodFilter::GET, path, handler)
    }

    /// Answers `POST`.
    pub fn post<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.on(Method::POST, MethodFilter::POST, path, handler)
    }

    /// Answers `PUT`.
    pub fn put<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.on(Method::PUT, MethodFilter::PUT, path, handler)
    }

    /// Answers `PATCH`.
    pub fn patch<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.on(Method::PATCH, MethodFilter::PATCH, path, handler)
    }

    /// Answers `DELETE`.
    pub fn delete<H, T>(self, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.on(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn on<H, T>(mut self, method: Method, filter: MethodFilter, path: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaresAll + 'static,
    {
        self.router = self.router.route(path, on(filter, handler));
        self.list.push(RouteInfo { method, path: path.to_owned(), access: T::access() });
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
        self.router = self.router.nest(prefix, other.router);
        self.list.extend(other.list.into_iter().map(|route| {
            let path = if route.path == "/" { prefix.to_owned() } else { format!("{prefix}{}", route.path) };
            RouteInfo { path, ..route }
        }));
        self
    }

    /// Wraps the routes that are here so far.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// Gives the handlers their state, so that these routes merge into any others.
    pub fn with_state<S2>(self, state: S) -> Routes<S2> {
        Routes { router: self.router.with_state(state), list: self.list }
    }

    /// What is in it.
    #[must_use]
    pub fn list(&self) -> &[RouteInfo] {
        &self.list
    }

    pub(crate) fn into_parts(self) -> (Router<S>, Vec<RouteInfo>) {
        (self.router, self.list)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}
