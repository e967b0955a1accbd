use std::{fmt, str::FromStr};

use crate::EventKind;

/// Which events an endpoint hears of: one by its name, or all whose name begins alike (`monitoring.device.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventFilter(String);

impl EventFilter {
    /// Whether it lets this kind of event through. The consumer's query says the same in SQL.
    pub(super) fn matches(&self, kind: &EventKind) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => kind.name.starts_with(beginning),
            None => kind.name == self.0,
        }
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a filter is the name of an event, or the beginning of one followed by .*")]
pub(super) struct NoFilter;

impl FromStr for EventFilter {
    type Err = NoFilter;

    fn from_str(text: &str) -> Result<Self, NoFilter> {
        let name = text.strip_suffix(".*").unwrap_or(text);
        let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if text.len() <= 100 && name.split('.').all(is_name) { Ok(Self(text.to_owned())) } else { Err(NoFilter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_name_or_a_beginning() {
        for fine in ["monitoring.device.added", "monitoring.*", "monitoring.device.*"] {
            assert_eq!(fine.parse::<EventFilter>().unwrap().to_string(), fine);
        }
        for wrong in ["", "*", ".*", "monitoring*", "monitoring.", "Monitoring.x", "a b", "a.*.b", "%"] {
            assert_eq!(wrong.parse::<EventFilter>(), Err(NoFilter), "{wrong:?}");
        }
    }
}
