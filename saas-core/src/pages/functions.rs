//! What templates can call beside Jinja's own functions.

use std::{fmt::Write as _, sync::Arc};

use chrono::{DateTime, Datelike as _, Utc};
use fluent_bundle::{FluentArgs, FluentValue};
use minijinja::{
    Environment, Error, ErrorKind, HtmlEscape, State, Value,
    value::{Kwargs, ValueKind},
};

use super::{Locale, Texts, asset::Assets};
use crate::TimeZone;

/// The variable that says in which time zone times are told.
pub(super) const TIME_ZONE: &str = "time_zone";

/// Adds the functions and filters for one language. In strict mode a missing text is an error.
pub(super) fn install(env: &mut Environment<'static>, locale: Locale, texts: &Arc<Texts>, assets: &Arc<Assets>, strict: bool) {
    let translate = Arc::clone(texts);
    env.add_function("t", move |key: &str, args: Kwargs| text(&translate, key, &args, strict));

    let addresses = Arc::clone(assets);
    env.add_function("asset", move |name: &str| {
        let missing = || Error::new(ErrorKind::InvalidOperation, format!("there is no asset {name}"));
        addresses.address(name).map(Value::from_safe_string).ok_or_else(missing)
    });

    let months = Arc::clone(texts);
    env.add_function("time", move |state: &State<'_, '_>, value: &str, args: Kwargs| time(&months, zone(state), value, &args));

    let months = Arc::clone(texts);
    env.add_function("day", move |state: &State<'_, '_>, value: &str| plain_time(&months, zone(state), value, "core-date"));

    let months = Arc::clone(texts);
    env.add_function("moment", move |state: &State<'_, '_>, value: &str| plain_time(&months, zone(state), value, "core-time"));

    env.add_filter("number", move |value: i64| locale.group(value));
    env.add_filter("bytes", move |value: u64| locale.bytes(value));
    env.add_filter("linkify", |text: &str| Value::from_safe_string(linkify(text)));
}

fn text(texts: &Texts, key: &str, args: &Kwargs, strict: bool) -> Result<String, Error> {
    let mut fluent = FluentArgs::new();
    for name in args.args() {
        let value: Value = args.get(name)?;
        fluent.set(name.to_owned(), fluent_value(name, &value)?);
    }
    match texts.format_fluent(key, &fluent) {
        Ok(text) => Ok(text),
        Err(error) if strict => Err(Error::new(ErrorKind::InvalidOperation, error.to_string()).with_source(error)),
        Err(error) => {
            tracing::error!(text.key = key, %error, "a text is missing or wrong");
            Ok(key.to_owned())
        }
    }
}

fn fluent_value(name: &str, value: &Value) -> Result<FluentValue<'static>, Error> {
    if value.kind() == ValueKind::Number {
        let number = f64::try_from(value.clone())?;
        return Ok(FluentValue::from(number));
    }
    match value.as_str() {
        Some(text) => Ok(FluentValue::from(text.to_owned())),
        None => Err(Error::new(ErrorKind::InvalidOperation, format!("argument {name} of t() is neither a text nor a number"))),
    }
}

/// Where the reader's clock stands: UTC, unless they chose a place.
fn zone(state: &State<'_, '_>) -> TimeZone {
    state.lookup(TIME_ZONE).and_then(|zone| zone.as_str()?.parse().ok()).unwrap_or(TimeZone::UTC)
}

/// A `<time>` element: readable as it is, and turned into the time zone of the reader's device by the script where they chose none.
fn time(texts: &Texts, zone: TimeZone, value: &str, args: &Kwargs) -> Result<Value, Error> {
    let relative = args.get::<Option<bool>>("relative")?.unwrap_or_default();
    let date = args.get::<Option<bool>>("date")?.unwrap_or_default();
    args.assert_all_used()?;
    let at = moment(value)?;
    let readable = readable(texts, zone, at, if date { "core-date" } else { "core-time" })?;
    let mode = match (relative, date) {
        (true, _) => " data-relative",
        (false, true) => " data-date",
        (false, false) => "",
    };
    let machine = at.format("%Y-%m-%dT%H:%M:%SZ");
    Ok(Value::from_safe_string(format!("<time datetime=\"{machine}\"{mode}>{}</time>", HtmlEscape(&readable))))
}

/// A day or a time in words, where there is no script and no markup: in mail.
fn plain_time(texts: &Texts, zone: TimeZone, value: &str, text: &str) -> Result<String, Error> {
    readable(texts, zone, moment(value)?, text)
}

fn moment(value: &str) -> Result<DateTime<Utc>, Error> {
    DateTime::parse_from_rfc3339(value)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, "a time is an RFC 3339 text").with_source(error))
}

fn readable(texts: &Texts, zone: TimeZone, at: DateTime<Utc>, text: &str) -> Result<String, Error> {
    let at = zone.show(at);
    let mut parts = FluentArgs::new();
    parts.set("day", at.day());
    parts.set("month", at.month());
    parts.set("year", at.year().to_string());
    parts.set("time", at.format("%H:%M %Z").to_string());
    texts.format_fluent(text, &parts).map_err(|error| Error::new(ErrorKind::InvalidOperation, "a time has no text").with_source(error))
}

/// Escapes a plain text and makes its `http` and `https` addresses links.
fn linkify(text: &str) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    for word in text.split_inclusive(char::is_whitespace) {
        let address = word.trim_end();
        let written = if address.starts_with("https://") || address.starts_with("http://") {
            let after = &word[address.len()..];
            write!(html, "<a href=\"{0}\">{0}</a>{after}", HtmlEscape(address))
        } else {
            write!(html, "{}", HtmlEscape(word))
        };
        // Writing to a String cannot fail.
        debug_assert!(written.is_ok());
    }
    html
}

#[cfg(test)]
mod tests {
    use super::linkify;

    #[test]
    fn a_text_with_markup_stays_text_when_its_links_are_made() {
        assert_eq!(
            linkify("See <b> https://a.test/?x=1&y=2\nbye"),
            "See &lt;b&gt; <a href=\"https:&#x2f;&#x2f;a.test&#x2f;?x=1&amp;y=2\">https:&#x2f;&#x2f;a.test&#x2f;?x=1&amp;y=2</a>\nbye"
        );
        assert!(!linkify("javascript:alert(1) \"https://x").contains("<a"));
    }
}
