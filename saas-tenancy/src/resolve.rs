//! Which tenant a request is for. Membership is checked afterwards, whatever is answered here.

use async_trait::async_trait;
use axum::extract::{FromRequestParts as _, RawPathParams};
use http::{HeaderName, request::Parts};
use saas_core::{Membership, Problem, TenantId};

/// A tenant as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRef {
    /// By its id.
    Id(TenantId),
    /// By its short name.
    Slug(String),
}

impl TenantRef {
    /// Whether it names the tenant of this membership.
    pub(crate) fn is(&self, membership: &Membership) -> bool {
        match self {
            Self::Id(id) => membership.id == *id,
            Self::Slug(slug) => membership.slug == *slug,
        }
    }

    fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Slug(text.to_owned()), Self::Id)
    }
}

/// Reads from a request which tenant it is for.
///
/// * `Ok(None)` means that this resolver sees no sign of a tenant, and another may.
/// * It must not check membership: the layer does, for every resolver.
#[async_trait]
pub trait ResolveTenant: Send + Sync + 'static {
    /// The tenant that the request names.
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem>;

    /// Asks another where this one sees nothing.
    fn or<R: ResolveTenant>(self, other: R) -> Or<Self, R>
    where
        Self: Sized,
    {
        Or(self, other)
    }
}

/// The first of two that sees a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Or<A, B>(A, B);

#[async_trait]
impl<A: ResolveTenant, B: ResolveTenant> ResolveTenant for Or<A, B> {
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        match self.0.resolve(parts).await? {
            Some(tenant) => Ok(Some(tenant)),
            None => self.1.resolve(parts).await,
        }
    }
}

/// A header that names the tenant by id or short name.
#[derive(Debug, Clone)]
pub struct Header(HeaderName);

impl Header {
    /// Reads this header; its name is in lower case.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(HeaderName::from_static(name))
    }
}

#[async_trait]
impl ResolveTenant for Header {
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        let mut values = parts.headers.get_all(&self.0).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(|text| Some(TenantRef::parse(text))).map_err(|_| Problem::not_found()),
            // Two answers to one question are none.
            (Some(_), Some(_)) => Err(Problem::not_found()),
        }
    }
}

/// A parameter of the matched path, such as `{organization}`, that names the tenant by id or short name.
///
/// It reads the matched parameter and not the path, because inside a nested router the beginning of the path is gone.
#[derive(Debug, Clone, Copy)]
pub struct PathParameter(pub &'static str);

#[async_trait]
impl ResolveTenant for PathParameter {
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        let Ok(parameters) = RawPathParams::from_request_parts(parts, &()).await else { return Ok(None) };
        Ok(parameters.iter().find(|(name, _)| *name == self.0).map(|(_, value)| TenantRef::parse(value)))
    }
}
