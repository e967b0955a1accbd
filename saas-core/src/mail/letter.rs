use std::fmt;

use serde::Serialize;
use url::Url;

use super::{Brand, Color};
use crate::{
    TimeZone,
    pages::{Locale, PageError, Pages, Rendered},
};

/// What a mail says: a typed value and the template that shows it.
///
/// ```
/// use saas_core::mail::{Letter, Link};
///
/// /// Asks for an opinion.
/// #[derive(serde::Serialize)]
/// struct Survey {
///     name: String,
///     href: Link,
/// }
///
/// impl Letter for Survey {
///     const TEMPLATE: &'static str = "shop/mail/survey";
/// }
/// ```
///
/// There are two templates of that name. `shop/mail/survey.txt` is the text; its first line is the subject. `shop/mail/survey.mjml` extends
/// `core/mail/layout.mjml`. Both see the letter's fields, `product`, and `brand`: `name`, `logo` (or none), `color`, `on_color`.
pub trait Letter: Serialize + Sync {
    /// The name of the templates, without the ending; the same for ever, for the outbox knows by it what was sent.
    const TEMPLATE: &'static str;
}

/// An address of the product in a letter. Only an [`Outbox`](super::Outbox) makes them, from the configured address: a request that calls us
/// by another name cannot make us mail that name to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Link(Url);

impl Link {
    pub(super) fn new(base: &Url, path: &str) -> Self {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = base.clone();
        url.set_path(path);
        url.set_query(query);
        url.set_fragment(None);
        Self(url)
    }

    /// The same with a parameter more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The address from the path on, as it is within the product.
    pub(crate) fn within(&self) -> &str {
        &self.0[url::Position::BeforePath..]
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn into_url(self) -> Url {
        self.0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The brand as templates see it.
#[derive(Debug, Serialize)]
pub(crate) struct Look<'a> {
    name: &'a str,
    logo: Option<&'a Url>,
    color: Color,
    on_color: Color,
}

impl<'a> Look<'a> {
    pub(crate) fn product(pages: &'a Pages) -> Self {
        Self { name: pages.product(), logo: None, color: Color::PRODUCT, on_color: Color::PRODUCT.text_on() }
    }

    pub(super) fn of(brand: &'a Brand, pages: &'a Pages) -> Self {
        let color = brand.color.unwrap_or(Color::PRODUCT);
        Self {
            name: brand.name.as_deref().unwrap_or(pages.product()),
            // A program of another sort than a browser fetches it, from wherever it is: not in the clear.
            logo: brand.logo.as_ref().filter(|logo| logo.scheme() == "https"),
            color,
            on_color: color.text_on(),
        }
    }
}

pub(super) fn render<L: Letter>(
    pages: &Pages,
    locale: Locale,
    time_zone: Option<TimeZone>,
    brand: &Brand,
    letter: &L,
) -> Result<Rendered, PageError> {
    pages.letter(
        L::TEMPLATE,
        locale,
        minijinja::context! {
            brand => minijinja::Value::from(minijinja::value::Serde(Look::of(brand, pages))),
            time_zone => time_zone.map(TimeZone::name),
            ..minijinja::value::Serde(letter)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_its_parameters_and_begins_with_the_configured_address() {
        let base: Url = "https://app.example.com/ignored?also=this#too".parse().unwrap();
        let link = Link::new(&base, "/devices?state=down").with("page", "2 & 3");
        assert_eq!(link.as_str(), "https://app.example.com/devices?state=down&page=2+%26+3");
        assert_eq!(Link::new(&base, "/devices").as_str(), "https://app.example.com/devices");
    }
}
