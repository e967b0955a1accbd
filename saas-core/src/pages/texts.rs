//! Translated texts (Fluent messages) of one language.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use super::Locale;

/// The texts of one language, from all sets, with those of the fallback language where one is missing.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    fallback: Option<std::sync::Arc<Texts>>,
    /// The variables of each message of this language itself.
    variables: BTreeMap<String, BTreeSet<String>>,
}

/// A value for a variable of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TextValue<'a> {
    /// Words.
    Text(&'a str),
    /// A count, which also chooses between singular and plural.
    Number(i64),
}

impl<'a> TextValue<'a> {
    fn fluent(&self) -> FluentValue<'a> {
        match *self {
            Self::Text(text) => FluentValue::from(text),
            Self::Number(number) => FluentValue::from(number),
        }
    }
}

impl<'a> From<&'a str> for TextValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for TextValue<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A text cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// No message has the key.
    #[error("there is no text {0}")]
    Missing(String),
    /// The message refers to something that was not given.
    #[error("text {key} cannot be formatted: {reasons}")]
    Format {
        /// The message's key.
        key: String,
        /// What Fluent says.
        reasons: String,
    },
}

impl Texts {
    pub(super) fn new(locale: Locale, fallback: Option<std::sync::Arc<Texts>>) -> Self {
        // A language tag of two letters always parses; the root language would only lose plural rules.
        let language = locale.tag().parse::<LanguageIdentifier>().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Both languages run left to right: the isolation marks would only end up in copied text and in tests.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(match locale {
            Locale::En => |value, _| grouped(value, Locale::En),
            Locale::De => |value, _| grouped(value, Locale::De),
        }));
        Self { bundle, fallback, variables: BTreeMap::new() }
    }

    /// Adds messages, in place of those with the same keys; says where the source is wrong.
    pub(super) fn add(&mut self, source: &str) -> Result<(), Vec<String>> {
        let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| {
            let line = |position: usize| source.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1;
            errors.iter().map(|error| format!("line {}: {}", line(error.pos.start), error.kind)).collect::<Vec<_>>()
        })?;
        self.variables.extend(messages(source));
        self.bundle.add_resource_overriding(resource);
        Ok(())
    }

    /// The text of a key; the key itself, and an error in the log, if there is none: a reader is better served by a page with an
    /// odd word than by no page.
    #[must_use]
    pub fn get(&self, key: &str, args: &[(&str, TextValue<'_>)]) -> String {
        self.format(key, args).unwrap_or_else(|error| {
            tracing::error!(text.key = key, %error, "a text is missing or wrong");
            key.to_owned()
        })
    }

    /// A text whose values are the texts and numbers of a JSON object.
    #[must_use]
    pub fn sentence(&self, key: &str, values: &serde_json::Value) -> String {
        let values = values.as_object().into_iter().flatten();
        let args: Vec<_> = values
            .filter_map(|(name, value)| {
                let value = value.as_str().map(TextValue::Text).or_else(|| value.as_i64().map(TextValue::Number))?;
                Some((name.as_str(), value))
            })
            .collect();
        self.get(key, &args)
    }

    /// Whether the key has a text, in this language or the fallback.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.bundle.has_message(key) || self.fallback.as_ref().is_some_and(|texts| texts.contains(key))
    }

    /// The text of a key.
    ///
    /// # Errors
    ///
    /// [`TextError`] if there is no such text, or an argument of it is missing.
    pub fn format(&self, key: &str, args: &[(&str, TextValue<'_>)]) -> Result<String, TextError> {
        self.format_fluent(key, &args.iter().map(|(name, value)| (*name, value.fluent())).collect())
    }

    pub(super) fn format_fluent(&self, key: &str, args: &FluentArgs<'_>) -> Result<String, TextError> {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return match &self.fallback {
                Some(fallback) => fallback.format_fluent(key, args),
                None => Err(TextError::Missing(key.to_owned())),
            };
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        if errors.is_empty() {
            return Ok(text.into_owned());
        }
        let reasons = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(TextError::Format { key: key.to_owned(), reasons })
    }

    /// The keys of this language itself, each with the variables of its message.
    pub(super) fn keys(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.variables
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("messages", &self.variables.len()).finish_non_exhaustive()
    }
}

/// A count with its digits grouped, which Fluent leaves to us.
fn grouped(value: &FluentValue<'_>, locale: Locale) -> Option<String> {
    match value {
        FluentValue::Number(number) if number.value.fract() == 0.0 => Some(locale.group(number.value as i64)),
        _ => None,
    }
}

/// Each message of a (valid) source with the variables it refers to.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let mut current = None;
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            current = line.split_once('=').map(|(key, _)| key.trim().to_owned());
            found.extend(current.clone().map(|key| (key, BTreeSet::new())));
        }
        let Some(variables) = current.as_ref().and_then(|key| found.get_mut(key)) else { continue };
        for rest in line.split('$').skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
            variables.insert(name);
        }
    }
    found
}
