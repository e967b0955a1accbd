use serde::Serialize;
use serde_json::{Map, Value};

use crate::mail::{Letter, Link};

/// Tells of one event.
#[derive(Debug, Clone, Serialize)]
pub struct NoticeLetter {
    /// The key of its sentence.
    pub text: &'static str,
    /// What the sentence is made with.
    pub args: Map<String, Value>,
    /// The organization.
    pub organization: String,
    /// Where to read more.
    pub href: Link,
    /// Where to choose what to be told.
    pub preferences: Link,
}

impl Letter for NoticeLetter {
    const TEMPLATE: &'static str = "core/mail/notice";
}
