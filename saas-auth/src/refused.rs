//! What is wrong with what somebody entered, once, for pages and programs alike.

use std::fmt;

use saas_core::{FieldError, FormErrors, Problem};

use crate::PasswordFlaw;

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A name is missing.
    NameMissing,
    /// A name is too long.
    NameLong,
    /// Control characters, which nobody types.
    Characters,
    /// Not an address that mail can be sent to.
    Email,
    /// The address that the account has already.
    EmailSame,
    /// A password is missing.
    PasswordMissing,
    /// Not the password that was chosen at sign-up.
    PasswordOther,
    /// Not the password that the account has.
    PasswordWrong,
    /// A code is missing.
    CodeMissing,
    /// Something that everybody agrees to who has an account was not agreed to.
    Consent,
    /// Not the code of a mail.
    Code,
    /// Not one of those that can be chosen.
    Choice,
    /// The password policy does not accept it.
    Password(PasswordFlaw),
}

impl Refusal {
    /// The key of its text, and the numbers in that text.
    fn text(self) -> (&'static str, Vec<(&'static str, i64)>) {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::NameMissing => ("auth-error-name-required", Vec::new()),
            Self::NameLong => ("auth-error-name-long", Vec::new()),
            Self::Characters => ("auth-error-characters", Vec::new()),
            Self::Email => ("auth-error-email-invalid", Vec::new()),
            Self::EmailSame => ("auth-error-email-same", Vec::new()),
            Self::PasswordMissing => ("auth-error-password-required", Vec::new()),
            Self::PasswordOther => ("auth-error-password-other", Vec::new()),
            Self::PasswordWrong => ("auth-error-password-wrong", Vec::new()),
            Self::CodeMissing => ("auth-error-code-required", Vec::new()),
            Self::Consent => ("auth-error-consent", Vec::new()),
            Self::Code => ("auth-error-code", Vec::new()),
            Self::Choice => ("auth-error-choice", Vec::new()),
            Self::Password(flaw) => match flaw {
                PasswordFlaw::Short { minimum } => ("auth-error-password-short", vec![("minimum", number(minimum))]),
                PasswordFlaw::Long { maximum } => ("auth-error-password-long", vec![("maximum", number(maximum))]),
                PasswordFlaw::Weak => ("auth-error-password-weak", Vec::new()),
                PasswordFlaw::Personal => ("auth-error-password-personal", Vec::new()),
                PasswordFlaw::Breached => ("auth-error-password-breached", Vec::new()),
                PasswordFlaw::Classes => ("auth-error-password-classes", Vec::new()),
            },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameMissing | Self::PasswordMissing | Self::CodeMissing => f.write_str("is missing"),
            Self::PasswordOther => f.write_str("is not the one that was chosen at sign-up"),
            Self::PasswordWrong => f.write_str("is not the one that the account has"),
            Self::NameLong => write!(f, "at most {NAME_MAX} characters"),
            Self::Characters => f.write_str("must not contain control characters"),
            Self::Email => f.write_str("must be an address such as name@example.com"),
            Self::EmailSame => f.write_str("is the address that the account has"),
            Self::Consent => f.write_str("must name all documents that are required"),
            Self::Code => f.write_str("must be the eight digits from the mail"),
            Self::Choice => f.write_str("is not one of those that can be chosen"),
            Self::Password(flaw) => flaw.fmt(f),
        }
    }
}

/// What is wrong with a form or a body: every field at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused(Vec<(&'static str, Refusal)>);

impl Refused {
    /// One field and what is wrong with it.
    pub(crate) fn of(field: &'static str, refusal: Refusal) -> Self {
        Self(vec![(field, refusal)])
    }

    pub(crate) fn add(&mut self, field: &'static str, refusal: Refusal) {
        self.0.push((field, refusal));
    }

    /// Keeps what a check gives, or notes why it gives nothing.
    pub(crate) fn take<T>(&mut self, field: &'static str, checked: Result<T, Refusal>) -> Option<T> {
        checked.map_err(|refusal| self.add(field, refusal)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields and what is wrong with each.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Refusal)> {
        self.0.iter().copied()
    }

    pub(crate) fn form_errors(&self) -> FormErrors {
        let mut errors = FormErrors::default();
        for (field, refusal) in self.fields() {
            let (text, numbers) = refusal.text();
            errors.add_with(field, text, &numbers);
        }
        errors
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::invalid(refused.fields().map(|(field, refusal)| FieldError::new(format!("/{field}"), refusal.to_string())))
    }
}

/// The longest name of a person or a key, in characters.
pub(crate) const NAME_MAX: usize = 100;

/// A name without the space around it. PostgreSQL could not store a NUL, and no name has other control characters.
pub(crate) fn name(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        Err(Refusal::NameMissing)
    } else if text.chars().count() > NAME_MAX {
        Err(Refusal::NameLong)
    } else if text.contains(char::is_control) {
        Err(Refusal::Characters)
    } else {
        Ok(text.to_owned())
    }
}

pub(crate) fn email(text: &str) -> Result<crate::Email, Refusal> {
    text.parse().map_err(|_| Refusal::Email)
}
