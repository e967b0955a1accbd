use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

/// An event that people are told of, and how unless they say otherwise.
#[derive(Debug, Clone, Copy)]
pub struct NoticeKind {
    /// The name of the event; its permission says who may hear of it.
    pub event: &'static str,
    /// The key of its sentence. The sentence gets the event's texts and numbers by their names, and of a list the length.
    pub text: &'static str,
    /// Where it leads; `{subject}` is what the event happened to.
    pub href: &'static str,
    /// What it is about.
    pub group: NoticeGroup,
    /// How it is mailed unless its reader prefers otherwise.
    pub mail: Frequency,
    /// Whether it cannot be switched off.
    pub mandatory: bool,
    /// Whether its mail is written by a channel of its own.
    pub own_letter: bool,
    worth: fn(&Value) -> bool,
    about: fn(&Value) -> String,
}

/// What a notification is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeGroup {
    /// The product and what it watches.
    #[default]
    System,
    /// The people of the organization.
    Team,
    /// Money.
    Billing,
}

/// How often somebody is told in a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Of each event, at once.
    Now,
    /// Of all events of a day together. Only by mail.
    #[default]
    Daily,
    /// Never.
    Off,
}

impl Frequency {
    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Daily => "daily",
            Self::Off => "off",
        }
    }

    /// What is stored, read again. The table's constraint lets nothing else in.
    pub(super) fn of(text: &str) -> Self {
        [Self::Now, Self::Daily, Self::Off].into_iter().find(|one| one.as_str() == text).unwrap_or_default()
    }
}

impl NoticeKind {
    /// In the list at once and by mail once a day.
    #[must_use]
    pub const fn new(event: &'static str, text: &'static str, href: &'static str) -> Self {
        Self {
            event,
            text,
            href,
            group: NoticeGroup::System,
            mail: Frequency::Daily,
            mandatory: false,
            own_letter: false,
            worth: |_| true,
            about: |_| String::new(),
        }
    }

    /// About something else than the product.
    #[must_use]
    pub const fn group(mut self, group: NoticeGroup) -> Self {
        self.group = group;
        self
    }

    /// Mailed otherwise.
    #[must_use]
    pub const fn mail(mut self, frequency: Frequency) -> Self {
        self.mail = frequency;
        self
    }

    /// Told whatever its reader prefers, in the list, by mail and in browsers that they allowed: for what concerns their money or their account.
    #[must_use]
    pub const fn mandatory(mut self) -> Self {
        self.mandatory = true;
        self
    }

    /// Mailed with a letter of its own, by a channel of its own: to [`recipients_in`](super::recipients_in), in
    /// [`Notifications::envelope`](super::Notifications::envelope).
    #[must_use]
    pub const fn own_letter(mut self) -> Self {
        self.own_letter = true;
        self
    }

    /// Only of events whose data passes.
    #[must_use]
    pub const fn when(mut self, worth: fn(&Value) -> bool) -> Self {
        self.worth = worth;
        self
    }

    /// Of events that happen to one subject and are about different things, which: what is told at once is quiet about each of them by itself.
    #[must_use]
    pub const fn about(mut self, about: fn(&Value) -> String) -> Self {
        self.about = about;
        self
    }

    /// Whether it is told in browsers unless its reader prefers otherwise: if it is mailed at once.
    pub(crate) const fn push(&self) -> Frequency {
        match self.mail {
            Frequency::Now => Frequency::Now,
            Frequency::Daily | Frequency::Off => Frequency::Off,
        }
    }

    /// Of what only one message at once is written in a while.
    pub(super) fn quiet(&self, subject: &str, data: &Value) -> String {
        match (self.about)(data) {
            about if about.is_empty() => format!("{}/{subject}", self.event),
            about => format!("{}/{subject}/{}", self.event, URL_SAFE_NO_PAD.encode(Sha256::digest(about))),
        }
    }

    pub(super) fn is_worth(&self, data: &Value) -> bool {
        (self.worth)(data)
    }

    pub(crate) fn href(&self, subject: &str) -> String {
        self.href.replace("{subject}", subject)
    }

    /// What the sentence is made with: texts and numbers as they are, of lists their length.
    pub(crate) fn arguments(data: &Value) -> Map<String, Value> {
        let Value::Object(fields) = data else { return Map::new() };
        let argument = |value: &Value| match value {
            Value::String(_) | Value::Number(_) => Some(value.clone()),
            Value::Array(items) => Some(items.len().into()),
            _ => None,
        };
        fields.iter().filter_map(|(name, value)| Some((name.clone(), argument(value)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_gets_texts_numbers_and_lengths() {
        let data = json!({ "host": "a.example", "undelivered": 3, "down": ["x", "y"], "change": { "before": 1 }, "nothing": null });
        assert_eq!(Value::Object(NoticeKind::arguments(&data)), json!({ "host": "a.example", "undelivered": 3, "down": 2 }));
    }
}
