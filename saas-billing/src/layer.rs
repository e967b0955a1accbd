use std::{
    mem,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures_core::future::BoxFuture;
use http::{Method, request::Parts};
use saas_core::{Actor, Db, DbError, Problem, ProblemType, Standing, pages::Banner};
use tower::{Layer, Service};

use crate::{Access, Billing, BillingWrite, banner::banner};

/// Applies [`AccessService`]. Made by [`Billing::layer`].
#[derive(Debug, Clone)]
#[must_use]
pub struct AccessLayer {
    billing: Billing,
    db: Db,
}

impl Billing {
    /// Refuses what a tenant that has not paid may no longer do, and puts its [`Access`] on all other requests, with what stands above
    /// each page while something is due. Inside of the layer that finds
    /// the tenant, and around everything but what leads to paying.
    ///
    /// Where changes are locked, whatever is safe (`GET`, `HEAD`) is let through, so that all can be read and taken along. Machines are let
    /// through as well, so that what they watch is not lost; what they want more of is refused by [`reserve_in`](Self::reserve_in), which
    /// decides the same again in the work's own transaction.
    pub fn layer(&self, db: &Db) -> AccessLayer {
        AccessLayer { billing: self.clone(), db: db.clone() }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService { inner, layer: self.clone() }
    }
}

/// Lets a request through with its tenant's [`Access`], or answers 402.
#[derive(Debug, Clone)]
pub struct AccessService<S> {
    inner: S,
    layer: AccessLayer,
}

impl<S> Service<Request> for AccessService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone has not been polled ready; the original has, so it takes the call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match layer.admit(&parts).await {
                Ok(access) => drop(access.map(|access| parts.extensions.insert(access))),
                Err(problem) => return Ok(problem.into_response()),
            }
            match layer.banner(&parts).await {
                Ok(banner) => drop(banner.map(|banner| parts.extensions.insert(banner))),
                Err(error) => return Ok(Problem::from(error).into_response()),
            }
            inner.call(Request::from_parts(parts, body)).await
        })
    }
}

impl AccessLayer {
    async fn admit(&self, parts: &Parts) -> Result<Option<Access>, Problem> {
        let standing = parts.extensions.get::<Standing>().ok_or_else(|| Problem::missing_layer("one that finds the tenant"))?;
        if matches!(standing.actor, Actor::Agent(_)) {
            return Ok(None);
        }
        let access = self.billing.entitlement_of(&self.db, standing).await?.access();
        let is_let_through = if parts.method.is_safe() { access.may_read() } else { access.may_write() };
        if is_let_through {
            return Ok(Some(access));
        }
        let problem = Problem::from(access);
        Err(if standing.may::<BillingWrite>() { problem.with("pay", "/billing") } else { problem })
    }

    /// What stands above the page that a person asks for, if something is due.
    async fn banner(&self, parts: &Parts) -> Result<Option<Banner>, DbError> {
        let is_page = parts.method == Method::GET && !parts.uri.path().starts_with("/api/");
        let (Some(access), Some(standing), Some(db)) = (parts.extensions.get(), parts.extensions.get(), parts.extensions.get()) else {
            return Ok(None);
        };
        if is_page { banner(*access, standing, db).await } else { Ok(None) }
    }
}

/// 402, and what is possible still.
impl From<Access> for Problem {
    fn from(access: Access) -> Self {
        let detail = match access {
            Access::Suspended => "the subscription is not paid: nothing can be used until it is",
            _ => "the subscription is not paid: everything can be read and exported, and changed again once it is paid",
        };
        Self::new(&ProblemType::PAYMENT_OVERDUE).detail(detail).with("access", access.as_str())
    }
}

impl Access {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Grace { .. } => "grace",
            Self::SoftLocked => "soft_locked",
            Self::Suspended => "suspended",
        }
    }
}
