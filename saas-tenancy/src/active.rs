use async_trait::async_trait;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use saas_core::{Principal, Problem, ProblemType, SignedIn, TenantId};

use crate::{ResolveTenant, TenantRef};

/// The organization that the person works in: chosen with the switch, or the only one that they belong to.
///
/// A form acts on the organization that its page was made for. Its address says which (`{{ here }}` in a template); where that is not the one
/// that is chosen by now, because the person switched in another tab, it is refused with 409. One that says nothing is refused too, unless
/// the person has one organization alone.
///
/// A link may say it too, such as one in a mail: whoever follows it works there from then on, if they belong to it. What a page loads by itself
/// switches nothing.
///
/// # Security
///
/// Another site can link to a page and so make somebody switch. It needs the organization's id, gains nothing by it, and a form that was open acts on
/// the organization that it was made for or on none.
#[derive(Debug, Clone, Copy)]
pub struct ActiveOrganization;

#[async_trait]
impl ResolveTenant for ActiveOrganization {
    async fn resolve(&self, _: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        Ok(None)
    }

    async fn choice(&self, parts: &mut Parts) -> Result<Option<TenantRef>, Problem> {
        let Some(Principal::User(signed_in)) = parts.extensions.get::<Principal>() else { return Ok(None) };
        let cookie = *parts.extensions.get::<OrganizationCookie>().ok_or_else(|| Problem::missing_layer("saas-tenancy's"))?;
        let is_mine = |id: &TenantId| signed_in.memberships.iter().any(|membership| membership.id == *id);
        let chosen = cookie.read(&parts.headers).filter(is_mine).or_else(|| only(signed_in));
        if let Some(chosen) = chosen
            && is_form(parts)
        {
            match (form_organization(parts), only(signed_in)) {
                (Some(Some(meant)), _) if meant == chosen => {}
                (None, Some(_)) => {}
                _ => return Err(Problem::new(&ProblemType::OTHER_TENANT)),
            }
        }
        let followed = is_followed(parts).then(|| form_organization(parts).flatten()).flatten().filter(is_mine);
        if let Some(followed) = followed.filter(|it| chosen != Some(*it)) {
            parts.extensions.insert(Followed(cookie.set(followed)?));
            return Ok(Some(TenantRef::Id(followed)));
        }
        Ok(chosen.map(TenantRef::Id))
    }
}

/// Somebody followed a link into another organization than they worked in: what makes the browser remember it.
#[derive(Debug, Clone)]
pub(crate) struct Followed(pub(crate) HeaderValue);

/// Whether somebody goes to a page, which browsers say of themselves (Fetch Metadata), and no page loads a part.
fn is_followed(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

fn only(signed_in: &SignedIn) -> Option<TenantId> {
    match signed_in.memberships.as_slice() {
        [only] => Some(only.id),
        _ => None,
    }
}

/// Whether a page's form may have sent it: a form can send everything but JSON, and nothing but POST.
fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    parts.method == Method::POST && !kind.to_ascii_lowercase().starts_with("application/json")
}

/// The organization that an address names; `Some(None)` if it is none.
pub(crate) fn form_organization(parts: &Parts) -> Option<Option<TenantId>> {
    let mut named = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).filter(|(name, _)| name == "organization");
    let (_, value) = named.next()?;
    Some(if named.next().is_some() { None } else { value.parse().ok() })
}

/// Holds the chosen organization's id. It is a wish, not a right, so it needs no signature.
///
/// # Security
///
/// With the `__Host-` prefix no subdomain can choose for the person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationCookie {
    pub(crate) secure: bool,
}

impl OrganizationCookie {
    const fn name(self) -> &'static str {
        if self.secure { "__Host-organization" } else { "lan-organization" }
    }

    /// What was chosen; nothing if there are two, of which somebody planted one.
    fn read(self, headers: &HeaderMap) -> Option<TenantId> {
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == self.name());
        match (values.next(), values.next()) {
            (Some(one), None) => one.value().parse().ok(),
            _ => None,
        }
    }

    /// Remembers it in the browser for a year.
    pub(crate) fn set(self, organization: TenantId) -> Result<HeaderValue, Problem> {
        let cookie = Cookie::build((self.name(), organization.to_string()))
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(cookie::time::Duration::days(365));
        HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)
    }
}
