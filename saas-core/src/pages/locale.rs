//! The languages that pages and mails exist in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language that every page and mail exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English, and what every other language falls back to.
    #[default]
    En,
    /// German.
    De,
}

impl Locale {
    /// All of them, the fallback first.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// The language tag (BCP 47), as in `<html lang>` and in the name of a `.ftl` file.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The best language for an `Accept-Language` header (RFC 9110, section 12.5.4): the highest weight wins, then the order of
    /// the header. A region is ignored (`de-AT` is German), a weight of 0 excludes, `*` stands for the fallback.
    ///
    /// ```
    /// use saas_core::pages::Locale;
    ///
    /// assert_eq!(Locale::negotiate(Some("fr, de-CH;q=0.8, en;q=0.5")), Locale::De);
    /// assert_eq!(Locale::negotiate(None), Locale::En);
    /// ```
    #[must_use]
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let mut best: Option<(Self, u16)> = None;
        for range in accept_language.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let language = tag.split('-').next().unwrap_or_default();
            let locale = if language == "*" { Some(Self::default()) } else { language.parse().ok() };
            let Some(locale) = locale else { continue };
            let Some(weight) = parts.next().map_or(Some(1000), weight) else { continue };
            if weight > 0 && best.is_none_or(|(_, highest)| weight > highest) {
                best = Some((locale, weight));
            }
        }
        best.map_or_else(Self::default, |(locale, _)| locale)
    }

    /// A whole number with its digits grouped: 1234567 is `1,234,567` in English and `1.234.567` in German.
    #[must_use]
    pub fn group(self, value: i64) -> String {
        let separator = match self {
            Self::En => ',',
            Self::De => '.',
        };
        let digits = value.unsigned_abs().to_string();
        let mut text = if value < 0 { "-".to_owned() } else { String::new() };
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }

    /// A length in bytes as people read it, in decimal units: 1482113 is `1.5 MB` in English and `1,5 MB` in German.
    #[must_use]
    pub fn bytes(self, value: u64) -> String {
        let point = match self {
            Self::En => '.',
            Self::De => ',',
        };
        let Some((size, unit)) = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")].into_iter().find(|(size, _)| value >= *size)
        else {
            return format!("{value} B");
        };
        let tenths = value.saturating_add(size / 20) / (size / 10);
        if tenths >= 100 { format!("{} {unit}", tenths / 10) } else { format!("{}{point}{} {unit}", tenths / 10, tenths % 10) }
    }
}

/// Thousandths of a `q=` parameter; none if it is not one.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value: f32 = value.trim().parse().ok()?;
    // Between 0 and 1 checked first, so the cast cannot lose more than a fraction of a thousandth.
    (0.0..=1.0).contains(&value).then(|| (value * 1000.0).round() as u16)
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The text names no language that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such language; there are en and de")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(tag)).ok_or(UnknownLocale)
    }
}

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn the_highest_weight_wins_then_the_order() {
        for (header, expected) in [
            ("de", Locale::De),
            ("DE-at", Locale::De),
            ("en;q=0.5, de;q=0.9", Locale::De),
            ("en, de", Locale::En),
            ("de, en", Locale::De),
            ("fr, *;q=0.1", Locale::En),
            ("de;q=0, en;q=0.1", Locale::En),
            ("de;q=0", Locale::En),
            ("de;q=2, en", Locale::En),
            ("de;q=NaN, en", Locale::En),
            ("fr", Locale::En),
            (",;q=,=;", Locale::En),
        ] {
            assert_eq!(Locale::negotiate(Some(header)), expected, "{header}");
        }
    }

    #[test]
    fn a_length_has_two_digits_or_more() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_482_113, "1.5 MB"), (26_214_400, "26 MB"), (5_000_000_000, "5.0 GB")]
        {
            assert_eq!(Locale::En.bytes(bytes), text);
        }
        assert_eq!(Locale::De.bytes(1_482_113), "1,5 MB");
    }

    #[test]
    fn digits_are_grouped_as_the_language_does() {
        assert_eq!(Locale::En.group(0), "0");
        assert_eq!(Locale::En.group(999), "999");
        assert_eq!(Locale::En.group(1_234_567), "1,234,567");
        assert_eq!(Locale::De.group(-10_000), "-10.000");
    }
}
