use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use sqlx::PgConnection;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::MailBrandChanged;
use crate::{Actor, Change, DbError, TenantId, TenantTx, Validate, event_in, pages::Locale, wrong::Wrong};

/// How a tenant's mail looks to its readers: values alone, never markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// In whose name it is; the product's where there is none.
    pub name: Option<String>,
    /// A picture to show in place of the name, at an `https` address.
    pub logo: Option<Url>,
    /// What buttons are filled with.
    pub color: Option<Color>,
    /// The language of letters to readers whose own is not known.
    pub locale: Option<Locale>,
}

/// The tenant's brand; the plain one in a transaction without a tenant.
///
/// # Errors
///
/// Fails if the database does.
pub async fn brand_in(tx: &mut TenantTx) -> Result<Brand, DbError> {
    match tx.tenant() {
        Some(tenant) => brand(tx, tenant).await,
        None => Ok(Brand::default()),
    }
}

pub(super) async fn brand(connection: &mut PgConnection, tenant: TenantId) -> Result<Brand, DbError> {
    let row = sqlx::query!("select name, logo_url, color, locale from core.brand where tenant_id = $1", Uuid::from(tenant))
        .fetch_optional(connection)
        .await?;
    // The table holds only what can be read again; what could not is as if it were not set, for a letter must not fail for its looks.
    Ok(row.map_or_else(Brand::default, |row| Brand {
        name: row.name,
        logo: row.logo_url.and_then(|url| url.parse().ok()),
        color: row.color.and_then(|color| color.parse().ok()),
        locale: row.locale.and_then(|locale| locale.parse().ok()),
    }))
}

/// A brand as it is entered and shown: what is left out or empty is the product's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BrandFields {
    /// In whose name mail is: up to 100 characters.
    name: Option<String>,
    /// The https address of a picture to show in place of the name: up to 500 characters.
    logo: Option<String>,
    /// What buttons are filled with, as `#3d4fcf`.
    color: Option<String>,
    /// The language of letters to readers who chose none: `en` or `de`.
    locale: Option<String>,
}

/// What of it is wrong is said where it is read.
impl Validate for BrandFields {}

impl BrandFields {
    pub(super) fn of(brand: &Brand) -> Self {
        Self {
            name: brand.name.clone(),
            logo: brand.logo.as_ref().map(ToString::to_string),
            color: brand.color.map(|color| color.to_string()),
            locale: brand.locale.map(|locale| locale.to_string()),
        }
    }

    /// By name, and what was entered.
    pub(super) fn each(&self) -> [(&'static str, Option<&str>); 4] {
        let Self { name, logo, color, locale } = self;
        let fields = [("name", name), ("logo", logo), ("color", color), ("locale", locale)];
        fields.map(|(field, text)| (field, text.as_deref().map(str::trim).filter(|text| !text.is_empty())))
    }
}

impl TryFrom<&BrandFields> for Brand {
    type Error = Vec<Wrong>;

    fn try_from(fields: &BrandFields) -> Result<Self, Vec<Wrong>> {
        let [name, logo, color, locale] = fields.each().map(|(_, entered)| entered);
        let is_name = |name: &str| name.chars().count() <= 100 && !name.contains(char::is_control);
        let is_address = |url: &Url| url.scheme() == "https" && url.as_str().len() <= 500;
        let brand = Self {
            name: name.filter(|name| is_name(name)).map(ToOwned::to_owned),
            logo: logo.and_then(|logo| logo.parse().ok()).filter(is_address),
            color: color.and_then(|color| color.parse().ok()),
            locale: locale.and_then(|locale| locale.parse().ok()),
        };
        let each = [
            (name.is_some() && brand.name.is_none(), "name", "is longer than 100 characters, or not one line", "core-mail-error-name"),
            (logo.is_some() && brand.logo.is_none(), "logo", "is no https address of up to 500 characters", "core-mail-error-logo"),
            (color.is_some() && brand.color.is_none(), "color", "is no colour like #3d4fcf", "core-mail-error-color"),
            (locale.is_some() && brand.locale.is_none(), "locale", "is neither en nor de", "core-mail-error-locale"),
        ];
        let wrong: Vec<_> =
            each.into_iter().filter_map(|(is_wrong, field, words, text)| is_wrong.then_some(Wrong { field, words, text })).collect();
        if wrong.is_empty() { Ok(brand) } else { Err(wrong) }
    }
}

/// Changes the tenant's brand, and announces it if that is a change.
pub(super) async fn brand_change_in(tx: &mut TenantTx, actor: Actor, brand: &Brand) -> Result<(), DbError> {
    let (old, new) = (BrandFields::of(&brand_in(tx).await?), BrandFields::of(brand));
    if old == new {
        return Ok(());
    }
    brand_set_in(tx, brand).await?;
    let tenant = tx.tenant().map(|tenant| tenant.to_string()).unwrap_or_default();
    let changed = MailBrandChanged {
        name: Change::new(old.name, new.name),
        logo: Change::new(old.logo, new.logo),
        color: Change::new(old.color, new.color),
        locale: Change::new(old.locale, new.locale),
    };
    event_in(tx, actor, tenant, &changed).await.map(drop)
}

/// Changes the tenant's brand. The caller records the event.
///
/// # Errors
///
/// Fails if a value is refused, such as a picture that is not at an `https` address; in a transaction without a tenant, always.
pub async fn brand_set_in(tx: &mut TenantTx, brand: &Brand) -> Result<(), DbError> {
    sqlx::query!(
        "insert into core.brand (tenant_id, name, logo_url, color, locale) values ($1, $2, $3, $4, $5)
        on conflict on constraint brand_pkey do update
        set name = excluded.name, logo_url = excluded.logo_url, color = excluded.color, locale = excluded.locale",
        tx.tenant().map(Uuid::from),
        brand.name,
        brand.logo.as_ref().map(Url::as_str),
        brand.color.map(|color| color.to_string()),
        brand.locale.map(Locale::tag),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A colour, as `#3d4fcf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    pub(crate) const PRODUCT: Self = Self([0x3d, 0x4f, 0xcf]);

    /// White or black, whichever can be read better on it: at 4.5 to 1 or more, whatever the colour.
    #[must_use]
    pub fn text_on(self) -> Self {
        const WHITE: Color = Color([0xff; 3]);
        const BLACK: Color = Color([0; 3]);
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }

    /// The contrast ratio of two colours, from 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.0722_f64.mul_add(blue, 0.2126_f64.mul_add(red, 0.7152 * green))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl FromStr for Color {
    type Err = ColorError;

    fn from_str(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(ColorError)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

/// The text is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written like #3d4fcf")]
pub struct ColorError;

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-02: whatever colour a tenant chooses, what is written on it can be read (WCAG 2.2 AA, 4.5 to 1).
    #[test]
    fn text_on_any_colour_can_be_read() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let color = Color([red, green, blue]);
                    assert!(color.contrast(color.text_on()) > 4.5, "{color} {}", color.contrast(color.text_on()));
                }
            }
        }
        assert_eq!("#FFD400".parse::<Color>().unwrap().text_on().to_string(), "#000000");
        assert_eq!(Color::PRODUCT.text_on().to_string(), "#ffffff");
    }

    #[test]
    fn a_colour_that_is_none_is_refused() {
        for text in ["", "#fff", "red", "#12345g", "#+12345", "3d4fcf", "#3d4fcf;"] {
            assert_eq!(text.parse::<Color>(), Err(ColorError), "{text}");
        }
    }
}
