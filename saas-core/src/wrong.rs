use crate::{FieldError, FormErrors, Problem};

/// What is wrong with a field: for people the key of a text, for programs words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) text: &'static str,
    pub(crate) words: &'static str,
}

impl From<Vec<Wrong>> for Problem {
    fn from(wrong: Vec<Wrong>) -> Self {
        Self::invalid(wrong.iter().map(|wrong| FieldError::new(format!("/{}", wrong.field), wrong.words)))
    }
}

impl From<Vec<Wrong>> for FormErrors {
    fn from(wrong: Vec<Wrong>) -> Self {
        let mut errors = Self::default();
        wrong.iter().for_each(|wrong| errors.add(wrong.field, wrong.text));
        errors
    }
}
