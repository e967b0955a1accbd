//! How a person wants to be addressed: in which language, by which clock, light or dark.

mod time_zone;

use std::{convert::Infallible, str::FromStr};

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use serde::{Deserialize, Serialize};
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

pub use time_zone::{TimeZone, UnknownTimeZone};

use crate::{DbError, Declares, Principal, SystemTx, UserId, pages::Locale};

/// How a person wants to be addressed. What they did not choose is left to their device.
///
/// ```
/// use saas_core::{Preferences, Theme};
///
/// let preferences = Preferences::stored(Some("de"), Some("Europe/Berlin"), None);
/// assert_eq!(preferences.time_zone.map(|zone| zone.to_string()).as_deref(), Some("Europe/Berlin"));
/// assert_eq!(preferences.theme, Theme::System);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The language of pages and letters.
    pub locale: Option<Locale>,
    /// The time zone that times are told in.
    pub time_zone: Option<TimeZone>,
    /// Light or dark.
    pub theme: Theme,
}

impl Preferences {
    /// What the database has, read again. A language or a time zone that a later release no longer knows is as if it were not chosen: nobody
    /// is locked out of a page by it.
    #[must_use]
    pub fn stored(locale: Option<&str>, time_zone: Option<&str>, theme: Option<&str>) -> Self {
        Self {
            locale: locale.and_then(|locale| locale.parse().ok()),
            time_zone: time_zone.and_then(|zone| zone.parse().ok()),
            theme: theme.and_then(|theme| theme.parse().ok()).unwrap_or_default(),
        }
    }

    /// Those of whoever is asking; a stranger has none.
    pub(crate) fn of(parts: &Parts) -> Self {
        match parts.extensions.get::<Principal>() {
            Some(Principal::User(me)) => me.preferences,
            _ => Self::default(),
        }
    }
}

/// Writes down how a person wants to be addressed. The caller records the event.
///
/// # Errors
///
/// Fails if the database does.
pub async fn preferences_set_in(tx: &mut SystemTx, user: UserId, preferences: &Preferences) -> Result<(), DbError> {
    let Preferences { locale, time_zone, theme } = preferences;
    query!(
        "update core.user set locale = $2, time_zone = $3, theme = $4 where id = $1",
        Uuid::from(user),
        locale.map(Locale::tag),
        time_zone.map(TimeZone::name),
        theme.forced(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what a person is called, and where mail reaches them, into the copies that their tenants have. The caller records the event. A tenant
/// that they left keeps what it knew.
///
/// # Errors
///
/// Fails if the database does.
pub async fn person_known_as_in(tx: &mut SystemTx, user: UserId, name: &str, email: &str) -> Result<(), DbError> {
    query!(
        "update core.member set name = $2, email = $3
        where user_id = $1 and left_at is null and (name, email) is distinct from ($2, $3)",
        Uuid::from(user),
        name,
        email,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the person's device says.
    #[default]
    System,
    /// Light, whatever the device says.
    Light,
    /// Dark, whatever the device says.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name, as it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What a page says to the browser, and the database keeps: nothing where the device decides.
    #[must_use]
    pub const fn forced(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.as_str()),
        }
    }
}

/// The text is no theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such theme; there are system, light and dark")]
pub struct UnknownTheme;

impl FromStr for Theme {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, UnknownTheme> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text).ok_or(UnknownTheme)
    }
}

impl Locale {
    pub(crate) fn of(parts: &Parts) -> Self {
        let accepted = || Self::negotiate(parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()));
        Preferences::of(parts).locale.unwrap_or_else(accepted)
    }
}

/// The language of whoever is asking: the one that they chose, or else their browser's.
impl<S: Send + Sync> FromRequestParts<S> for Locale {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl Declares for Locale {}
