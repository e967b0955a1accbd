//! Letters: a subject, a text, and HTML that mail programs can show, from one pair of templates.

use mrml::prelude::{parser::ParserOptions, render::RenderOptions};
use serde::Serialize;

use super::{Locale, PageError, Pages, compiled::Compiled};

/// A letter in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The letter without formatting.
    pub text: String,
    /// The letter as a document.
    pub html: String,
}

impl Pages {
    /// Renders the letter `name` from `name.txt`, whose first line is the subject, and `name.mjml`, which becomes a layout of tables that mail
    /// programs understand (<https://documentation.mjml.io>).
    ///
    /// # Errors
    ///
    /// [`PageError`]: the context does not fit the templates, or they make no MJML.
    pub fn letter(&self, name: &str, locale: Locale, context: impl Serialize) -> Result<Rendered, PageError> {
        let context = minijinja::context! { ..minijinja::value::Serde(context), ..self.surroundings(locale) };
        letter(&*self.current()?, name, locale, context)
    }
}

pub(super) fn letter(compiled: &Compiled, name: &str, locale: Locale, context: minijinja::Value) -> Result<Rendered, PageError> {
    let written = compiled.render(&format!("{name}.txt"), locale, context.clone())?;
    let (subject, text) = written.trim_start().split_once('\n').unwrap_or((written.trim(), ""));
    let mjml = compiled.render(&format!("{name}.mjml"), locale, context)?;
    let html = html(&mjml).map_err(|source| PageError::Letter { name: name.to_owned(), source })?;
    Ok(Rendered { subject: subject.trim().to_owned(), text: text.trim().to_owned() + "\n", html })
}

fn html(mjml: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let parsed = mrml::parse_with_options(mjml, &ParserOptions::default())?;
    // No fonts from elsewhere: a mail program that fetches one tells whoever serves it who reads what.
    let options = RenderOptions { fonts: Default::default(), ..RenderOptions::default() };
    Ok(parsed.element.render(&options)?)
}
