//! Which tenant a request is for. Membership is checked afterwards, whatever is answered here.

use async_trait::async_trait;
use axum::extract::{FromRequestParts as _, RawPathParams};
use http::{HeaderName, request::Parts};
use saas_core::{Membership, Problem, TenantHost, TenantId};

use crate::active::form_organization;

/// A tenant as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRef {
    /// By its id.
    Id(TenantId),
    /// By its short name.
    Slug(String),
    /// Twice, in two ways: both name the same one, or it is none.
    Both(Box<Self>, Box<Self>),
}

impl TenantRef {
    /// Whether it names the tenant of this membership.
    pub(crate) fn is(&self, membership: &Membership) -> bool {
        match self {
            Self::Id(id) => membership.id == *id,
            Self::Slug(slug) => membership.slug == *slug,
            Self::Both(one, other) => one.is(membership) && other.is(membership),
        }
    }

    /// Whether it can be nothing but this tenant, of which no more than the id is known.
    pub(crate) fn is_id(&self, tenant: TenantId) -> bool {
        match self {
            Self::Id(id) => *id == tenant,
            Self::Slug(_) => false,
            Self::Both(one, other) => one.is_id(tenant) && other.is_id(tenant),
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

    /// The tenant that was chosen earlier, which the request does not name. It is asked where nobody [sees](Self::resolve) one.
    async fn choice(&self, _parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        Ok(None)
    }

    /// Asks another too. What both see must be the same tenant, in whichever order they are asked; of two choices the first counts.
    fn or<R: ResolveTenant>(self, other: R) -> Or<Self, R>
    where
        Self: Sized,
    {
        Or(self, other)
    }
}

/// Two that read from a request which tenant it is for; see [`ResolveTenant::or`].
#[derive(Debug, Clone, Copy)]
pub struct Or<A, B>(A, B);

#[async_trait]
impl<A: ResolveTenant, B: ResolveTenant> ResolveTenant for Or<A, B> {
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        Ok(match (self.0.resolve(parts).await?, self.1.resolve(parts).await?) {
            (Some(one), Some(other)) => Some(TenantRef::Both(Box::new(one), Box::new(other))),
            (one, other) => one.or(other),
        })
    }

    async fn choice(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        match self.0.choice(parts).await? {
            Some(tenant) => Ok(Some(tenant)),
            None => self.1.choice(parts).await,
        }
    }
}

/// The host of the request, where it is one of a tenant ([`TenantHosts`](saas_core::TenantHosts)): its short name beneath that of the product.
/// It is asked always, so that nobody can forget it: on a tenant's host nothing is answered for another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host;

#[async_trait]
impl ResolveTenant for Host {
    async fn resolve(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        let Some(host) = parts.extensions.get::<TenantHost>() else { return Ok(None) };
        let host = TenantRef::Slug(host.slug.clone());
        // A page's forms and links in mails say which tenant they are about. Here there is nothing to switch to.
        Ok(Some(match form_organization(parts) {
            None => host,
            Some(Some(meant)) => TenantRef::Both(Box::new(host), Box::new(TenantRef::Id(meant))),
            Some(None) => return Err(Problem::not_found()),
        }))
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

#[cfg(test)]
mod tests {
    use http::Request;
    use saas_core::Flags;

    use super::*;

    /// Sees a tenant, or remembers one.
    #[derive(Debug, Clone, Copy)]
    enum Sign {
        Seen(Option<&'static str>),
        Chosen(&'static str),
    }

    #[async_trait]
    impl ResolveTenant for Sign {
        async fn resolve(&self, _: &mut Parts) -> Result<Option<TenantRef>, Problem> {
            Ok(if let Self::Seen(Some(slug)) = self { Some(TenantRef::Slug((*slug).to_owned())) } else { None })
        }

        async fn choice(&self, _: &mut Parts) -> Result<Option<TenantRef>, Problem> {
            Ok(if let Self::Chosen(slug) = self { Some(TenantRef::Slug((*slug).to_owned())) } else { None })
        }
    }

    /// Which of two tenants a request is for that bears these signs; none if it names none, or several.
    async fn found(resolver: impl ResolveTenant) -> Option<&'static str> {
        let (mut parts, ()) = Request::new(()).into_parts();
        let named = match resolver.resolve(&mut parts).await.unwrap() {
            Some(named) => named,
            None => resolver.choice(&mut parts).await.unwrap()?,
        };
        let place = |slug: &str| Membership { slug: slug.to_owned(), flags: Flags::default(), ..Membership::new(TenantId::new(), "owner") };
        let mut named = ["acme", "other"].into_iter().filter(|slug| named.is(&place(slug)));
        named.next().filter(|_| named.next().is_none())
    }

    /// TEN-05: host, path, header and choice, in every order and however they are put together.
    #[tokio::test]
    async fn signs_of_two_tenants_are_signs_of_none_in_every_order() {
        use Sign::{Chosen, Seen};
        let (acme, other, nothing) = (Seen(Some("acme")), Seen(Some("other")), Seen(None));
        for (signs, tenant) in [
            ([acme, nothing, Chosen("other")], Some("acme")),
            ([acme, acme, Chosen("other")], Some("acme")),
            ([nothing, nothing, Chosen("other")], Some("other")),
            ([acme, other, Chosen("acme")], None),
            ([acme, other, nothing], None),
            ([acme, other, acme], None),
            ([acme, Seen(Some("nobody")), nothing], None),
            ([nothing, nothing, nothing], None),
        ] {
            for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let (a, b, c) = (signs[a], signs[b], signs[c]);
                assert_eq!(found(a.or(b).or(c)).await, tenant, "{a:?} {b:?} {c:?}");
                assert_eq!(found(a.or(b.or(c))).await, tenant, "{a:?} ({b:?} {c:?})");
            }
        }
    }
}
