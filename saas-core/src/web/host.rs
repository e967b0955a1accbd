use std::{convert::Infallible, fmt, net::SocketAddr, str::FromStr, sync::Arc};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{header, request::Parts, uri::Authority};
use ipnet::IpNet;
use url::Url;

use crate::{Declares, Membership};

/// The name of a host as DNS has it (RFC 1123): labels of lower-case letters, digits and hyphens, without a dot at the end. A name in other
/// letters is in its ASCII form (`xn--`, RFC 5891). What reads like a network address is none.
///
/// ```
/// use saas_core::HostName;
///
/// let host: HostName = "Acme.Example.com.".parse()?;
/// assert_eq!(host.as_str(), "acme.example.com");
/// assert!("203.0.113.9".parse::<HostName>().is_err());
/// # Ok::<(), saas_core::InvalidHostName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Arc<str>);

/// It is not the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a host has labels of letters, digits and hyphens, such as acme.example.com")]
pub struct InvalidHostName;

impl HostName {
    const LONGEST: usize = 253;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one label that stands before `parent`; nothing where it is not right beneath it.
    #[must_use]
    pub fn label_beneath(&self, parent: &Self) -> Option<&str> {
        let label = self.0.strip_suffix(&*parent.0)?.strip_suffix('.')?;
        (!label.contains('.')).then_some(label)
    }

    /// The host that a request was sent to, as far as it has a name and says one alone.
    ///
    /// # Security
    ///
    /// `X-Forwarded-Host` is read only from a proxy that the configuration names. Whoever writes two answers to the question gives none.
    fn of(parts: &Parts, trusted: &[IpNet]) -> Option<Self> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip().to_canonical());
        let is_proxy = peer.is_some_and(|peer| trusted.iter().any(|net| net.contains(&peer)));
        let forwarded = HeaderHost::read(parts, "x-forwarded-host");
        let said = match (is_proxy, forwarded) {
            (true, HeaderHost::One(forwarded)) => forwarded,
            (true, HeaderHost::Several) => return None,
            (true, HeaderHost::None) | (false, _) => match (parts.uri.authority(), HeaderHost::read(parts, header::HOST.as_str())) {
                (None, HeaderHost::One(host)) => host,
                (Some(target), HeaderHost::One(host)) if host.eq_ignore_ascii_case(target.as_str()) => host,
                (Some(target), HeaderHost::None) => target.as_str(),
                _ => return None,
            },
        };
        said.parse::<Authority>().ok().filter(|it| !it.as_str().contains('@'))?.host().parse().ok()
    }
}

/// What a header says about the host.
enum HeaderHost<'a> {
    None,
    One(&'a str),
    Several,
}

impl<'a> HeaderHost<'a> {
    fn read(parts: &'a Parts, name: &str) -> Self {
        let mut values = parts.headers.get_all(name).iter();
        match (values.next().map(http::HeaderValue::to_str), values.next()) {
            (None, _) => Self::None,
            (Some(Ok(one)), None) if !one.contains(',') => Self::One(one.trim()),
            _ => Self::Several,
        }
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // Browsers take a name whose last label is a number for an address, however it is written (WHATWG, "ends in a number").
        let is_number = |label: &str| {
            let hexadecimal = label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
            hexadecimal || label.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_name =
            text.len() <= Self::LONGEST && text.split('.').all(is_label) && text.rsplit('.').next().is_some_and(|it| !is_number(it));
        if is_name { Ok(Self(text.into())) } else { Err(InvalidHostName) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// On which hosts, beside the main one, tenants are reached: none unless it is said.
///
/// On such a host the tenant's own routes are answered, and those that say so ([`Routes::on_tenant_hosts`](crate::Routes::on_tenant_hosts)). Whoever asks
/// for another page is led to the main host.
#[derive(Debug, Clone, Default)]
pub struct TenantHosts {
    beneath: Option<HostName>,
}

impl TenantHosts {
    /// Each tenant at its short name beneath `parent`: `acme.example.com`.
    #[must_use]
    pub fn beneath(parent: HostName) -> Self {
        Self { beneath: Some(parent) }
    }

    /// The host of a tenant, if it is one and there is such a tenant, which is not asked here. The main host is nobody's.
    #[must_use]
    pub fn find(&self, host: &HostName, main: &Url) -> Option<TenantHost> {
        if main.host_str().is_some_and(|main| main.parse().as_ref() == Ok(host)) {
            return None;
        }
        let slug = host.label_beneath(self.beneath.as_ref()?)?;
        Some(TenantHost { slug: slug.to_owned(), name: host.clone() })
    }

    pub(super) fn of(&self, parts: &Parts, trusted: &[IpNet], main: &Url) -> Option<TenantHost> {
        self.beneath.as_ref()?;
        self.find(&HostName::of(parts, trusted)?, main)
    }
}

/// A host at which one tenant is reached and nothing else. [`finish`](crate::finish) puts it on each request that was sent to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHost {
    /// The host.
    pub name: HostName,
    /// The short name of the tenant whose it is. Perhaps no tenant has it.
    pub slug: String,
}

impl TenantHost {
    /// Where a browser signs in here that has no session: a path on this host, which leads to the main one and back.
    pub const ENTRANCE: &'static str = "/hand-off/begin";

    /// Whether it is the host of the tenant in which somebody has this place.
    #[must_use]
    pub fn is_of(&self, place: &Membership) -> bool {
        place.slug == self.slug
    }

    /// The address of a path here: scheme and port are those of the main host.
    #[must_use]
    pub fn url(&self, main: &Url, path: &str) -> String {
        let port = main.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}{path}", main.scheme(), self.name)
    }
}

/// The tenant's host that a request was sent to; none on the main one.
#[derive(Debug, Clone)]
pub struct OnTenantHost(pub Option<TenantHost>);

impl<S: Send + Sync> FromRequestParts<S> for OnTenantHost {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<TenantHost>().cloned()))
    }
}

impl Declares for OnTenantHost {}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn name(text: &str) -> Option<String> {
        text.parse::<HostName>().ok().map(|host| host.to_string())
    }

    #[test]
    fn a_name_is_read_as_browsers_read_it_and_an_address_is_none() {
        for (text, read) in [
            ("acme.example.com", "acme.example.com"),
            ("ACME.Example.COM", "acme.example.com"),
            ("acme.example.com.", "acme.example.com"),
            ("xn--mnchen-3ya.example.com", "xn--mnchen-3ya.example.com"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(name(text).as_deref(), Some(read));
        }
        let long = format!("{}.example.com", "a".repeat(64));
        let many = format!("{}com", "abc.".repeat(64));
        for text in [
            "",
            ".",
            "acme..com",
            ".example.com",
            "acme.example.com..",
            "münchen.example.com",
            "a_b.example.com",
            "-a.example.com",
            "a-.example.com",
            "a b.example.com",
            "a/b",
            "203.0.113.9",
            "2130706433",
            "0x7f.1",
            "example.0x7f",
            "example.1",
            "[::1]",
            "::1",
            "a:b",
            "*.example.com",
            &long,
            &many,
        ] {
            assert_eq!(name(text), None, "{text:?}");
        }
    }

    fn sent(target: &str, headers: &[(&str, &str)], peer: &str, trusted: &[&str]) -> Option<String> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 40_000)));
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        HostName::of(&parts, &trusted).map(|host| host.to_string())
    }

    #[test]
    fn a_request_has_one_host_or_none() {
        let direct = |target, headers: &[(&str, &str)]| sent(target, headers, "192.0.2.1", &[]);
        let acme = Some("acme.example.com".to_owned());
        assert_eq!(direct("/", &[("host", "acme.example.com:8443")]), acme);
        assert_eq!(direct("/", &[("host", "Acme.Example.Com.:443")]), acme);
        assert_eq!(direct("https://acme.example.com/", &[]), acme, "as HTTP/2 has it");
        assert_eq!(direct("https://acme.example.com/", &[("host", "acme.example.com")]), acme);
        for none in [
            direct("/", &[]),
            direct("/", &[("host", "acme.example.com"), ("host", "other.example.com")]),
            direct("https://acme.example.com/", &[("host", "other.example.com")]),
            direct("/", &[("host", "203.0.113.9:3000")]),
            direct("/", &[("host", "[::1]:3000")]),
            direct("/", &[("host", "me@acme.example.com")]),
            direct("/", &[("host", "acme.example.com/../x")]),
        ] {
            assert_eq!(none, None);
        }
    }

    #[test]
    fn a_forwarded_host_counts_only_behind_a_trusted_proxy() {
        let headers = [("host", "inner"), ("x-forwarded-host", "acme.example.com")];
        assert_eq!(sent("/", &headers, "192.0.2.1", &[]).as_deref(), Some("inner"));
        assert_eq!(sent("/", &headers, "10.0.0.1", &["10.0.0.0/8"]).as_deref(), Some("acme.example.com"));
        for several in [vec!["a.example.com, b.example.com"], vec!["a.example.com", "b.example.com"]] {
            let mut headers = vec![("host", "inner")];
            headers.extend(several.into_iter().map(|value| ("x-forwarded-host", value)));
            assert_eq!(sent("/", &headers, "10.0.0.1", &["10.0.0.0/8"]), None, "two answers are none");
        }
    }

    #[test]
    fn a_host_right_beneath_the_parent_is_a_tenants_and_the_main_one_is_nobodys() {
        let hosts = TenantHosts::beneath("example.com".parse().unwrap());
        let main: Url = "https://app.example.com:8443".parse().unwrap();
        let find = |host: &str| hosts.find(&host.parse().unwrap(), &main);
        let slug = |host: &str| find(host).map(|host| host.slug);
        assert_eq!(slug("acme.example.com").as_deref(), Some("acme"));
        for none in
            ["app.example.com", "example.com", "a.b.example.com", "acmeexample.com", "acme.example.com.evil.example", "acme.example.org"]
        {
            assert_eq!(slug(none), None, "{none}");
        }
        let acme = find("acme.example.com").unwrap();
        assert_eq!(acme.url(&main, "/devices"), "https://acme.example.com:8443/devices");
    }
}
