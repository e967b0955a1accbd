/// Something that people agree to: in a version, so that it is known to what. A value.
///
/// ```
/// use saas_auth::Document;
///
/// const DOCUMENTS: &[Document] = &[
///     Document::required("terms", "2026-01", "auth-consent-terms").at("/terms"),
///     Document::required("privacy", "2026-01", "auth-consent-privacy").at("/privacy"),
///     Document::optional("marketing", "1", "auth-consent-marketing"),
/// ];
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) title: &'static str,
    pub(crate) path: Option<&'static str>,
    pub(crate) is_required: bool,
}

impl Document {
    /// One that everybody agrees to who has an account: at sign-up, and to another version at their next sign-in. `name` is the same for ever: a
    /// lower-case letter, and up to 49 more of them, digits or `_`. `version` has up to 50 characters. `title` is the key of a text.
    #[must_use]
    pub const fn required(name: &'static str, version: &'static str, title: &'static str) -> Self {
        Self { name, version, title, path: None, is_required: true }
    }

    /// One that people may agree to and take back, such as news by mail.
    #[must_use]
    pub const fn optional(name: &'static str, version: &'static str, title: &'static str) -> Self {
        Self { name, version, title, path: None, is_required: false }
    }

    /// Where it can be read.
    #[must_use]
    pub const fn at(self, path: &'static str) -> Self {
        Self { path: Some(path), ..self }
    }

    /// Its name and version, as forms and programs say to what somebody agrees.
    pub(crate) fn tag(&self) -> String {
        format!("{}:{}", self.name, self.version)
    }

    /// Whether it can be kept.
    pub(crate) fn is_sound(&self) -> bool {
        let mut bytes = self.name.bytes();
        let is_name = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_name && self.name.len() <= 50 && (1..=50).contains(&self.version.chars().count())
    }
}
