//! What the layout around every page shows, and the state of a form.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::TimeZone;

/// What the layout shows around a page: who is here, in which organization, and where to go.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Frame {
    /// The nonce that the response's Content-Security-Policy allows.
    pub nonce: String,
    /// Light or dark, where the reader chose one.
    pub theme: Option<&'static str>,
    /// The time zone that times are told in, where the reader chose one.
    pub time_zone: Option<TimeZone>,
    /// The path of the page, which is where forms of the layout return to.
    pub path: String,
    /// Whether it is known that nobody is signed in, so that signing in is offered.
    pub visitor: bool,
    /// The person signed in.
    pub user: Option<FrameUser>,
    /// The active organization.
    pub tenant: Option<FrameTenant>,
    /// What the address of a form that changes something of the organization ends with, so that it is not taken for another one which the
    /// person switched to meanwhile: `action="/devices{{ here }}"`. Empty without an organization.
    pub here: String,
    /// The organizations that the person may switch to, with the active one.
    pub memberships: Vec<FrameTenant>,
    /// The product's main navigation.
    pub nav: Vec<NavItem>,
    /// What stands above the page.
    pub banner: Option<Banner>,
}

/// What stands above each page of a request on which a layer put it, for those who are signed in: something is due, and what happens when.
#[derive(Clone, Debug, Serialize)]
pub struct Banner {
    /// The key of its text, which may name `until` as a day and `who`.
    pub text: &'static str,
    /// `warn` or `bad`.
    pub kind: &'static str,
    /// Until when, if there is such a time.
    pub until: Option<DateTime<Utc>>,
    /// Who can help, by name.
    pub who: Option<String>,
    /// Where the reader can help themselves.
    pub link: Option<BannerLink>,
}

/// Where a banner leads.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BannerLink {
    /// The path.
    pub href: &'static str,
    /// The key of what it says.
    pub text: &'static str,
}

/// The person signed in, as the layout shows them.
#[derive(Clone, Debug, Serialize)]
pub struct FrameUser {
    /// Their id.
    pub id: String,
    /// The id of the session at hand; of no use for signing in.
    pub session: String,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The path of a small square picture of them.
    pub picture: Option<String>,
    /// Whether they are one of those who run the product.
    pub operator: bool,
}

/// An organization, as the layout shows it.
#[derive(Clone, Debug, Serialize)]
pub struct FrameTenant {
    /// Its id.
    pub id: String,
    /// Its short name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The person's role in it, translated.
    pub role: String,
}

/// One entry of the main navigation.
#[derive(Clone, Debug, Serialize)]
pub struct NavItem {
    /// Where it leads.
    pub href: String,
    /// What it says, translated.
    pub label: String,
    /// Where a number that belongs beside it comes from.
    pub badge: Option<String>,
    /// Whether it stands in the menu of the organization.
    pub of_organization: bool,
    /// Whether the page belongs to it.
    pub current: bool,
}

/// The state of a form, for a template's `form`: empty at first, refilled with what is wrong after a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Form {
    /// What was entered, by field. Never a password.
    pub values: BTreeMap<String, String>,
    /// What is wrong, by field, translated.
    pub errors: BTreeMap<String, String>,
    /// What is wrong with the form as a whole, translated.
    pub error: Option<String>,
}

impl Form {
    /// Fills in a field.
    #[must_use]
    pub fn value(mut self, field: &str, value: impl Into<String>) -> Self {
        self.values.insert(field.to_owned(), value.into());
        self
    }

    /// Says what is wrong with a field, in the reader's language.
    #[must_use]
    pub fn field_error(mut self, field: &str, text: impl Into<String>) -> Self {
        self.errors.insert(field.to_owned(), text.into());
        self
    }

    /// Says what is wrong with the form as a whole, in the reader's language.
    #[must_use]
    pub fn error(mut self, text: impl Into<String>) -> Self {
        self.error = Some(text.into());
        self
    }
}
