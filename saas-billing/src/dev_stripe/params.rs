//! What a request asks, and whether it asks for what there is.

use serde_json::{Map, Value};

use super::answer::Refusal;

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(pub(super) Map<String, Value>);

impl Params {
    /// Refuses whatever is not one of these; what every request may ask is.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let is_known = |name: &str| known.contains(&name) || name == "expand";
        match self.0.keys().find(|name| !is_known(name)) {
            Some(name) => Err(Refusal::parameter_unknown(name)),
            None => Ok(()),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::parameter_missing(name))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let number = |text: &str| text.parse().map_err(|_| Refusal::invalid(name, format!("Invalid integer: {text}")));
        self.text(name).map(number).transpose()
    }

    pub(super) fn is(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Refusal::invalid(name, format!("Invalid boolean: {other}"))),
        }
    }

    /// The parameters below a name.
    pub(super) fn below(&self, name: &str) -> Self {
        Self(self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    /// The parameters of each entry of a list.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let entries = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        entries.map(|entry| Self(entry.as_object().cloned().unwrap_or_default())).collect()
    }

    /// Those of these that are given, as they are.
    pub(super) fn given(&self, names: &[&str]) -> Map<String, Value> {
        self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
