//! Checks that templates, their documented samples and the languages agree.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Value, value::Serde};

use super::{Frame, FrameTenant, FrameUser, Locale, NavItem, PageError, Pages, PagesErrors, compiled, compiled::Compiled, scan};

/// A template with a context that its leading comment documents.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// The template's name.
    pub template: String,
    /// The sample's name; empty for the plain one.
    pub name: String,
    /// The whole context, with the frame (`"frame": "member"` in the sample asks for one of somebody signed in).
    pub context: Value,
}

impl Pages {
    /// All documented samples, for checks and for a gallery of every page.
    ///
    /// # Errors
    ///
    /// Each template whose comment has no sample, or one that is not JSON.
    pub fn samples(&self) -> Result<Vec<Sample>, PagesErrors> {
        let mut errors = Vec::new();
        let mut found = Vec::new();
        for (template, source) in &self.last().sources {
            match scan::samples(source) {
                Ok(samples) => found.extend(samples.into_iter().flatten().map(|(name, context)| Sample {
                    template: template.clone(),
                    name,
                    context: with_frame(&context),
                })),
                Err(error) => errors.push(format!("{template}: {error}")),
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(PagesErrors(errors)) }
    }

    /// Renders every sample in every language, and compares the languages' keys and variables. For a test of each crate.
    ///
    /// # Errors
    ///
    /// Everything that disagrees, one line each.
    pub fn check(&self) -> Result<(), PagesErrors> {
        let strict = Compiled::new(&self.inner.sets, self.inner.folder.as_ref(), true)?;
        let mut errors = language_differences(&strict);
        for sample in self.samples()? {
            for locale in Locale::ALL {
                let context = minijinja::context! { ..sample.context.clone(), ..self.surroundings(locale) };
                if let Err(PageError::Render { name, source }) = strict.render(&sample.template, locale, context) {
                    errors.push(format!("{name} ({locale}, sample {:?}): {}", sample.name, compiled::describe(&source)));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(PagesErrors(errors)) }
    }
}

fn language_differences(compiled: &Compiled) -> Vec<String> {
    let mut errors = Vec::new();
    let reference = compiled.texts(Locale::default()).keys();
    for locale in Locale::ALL {
        let texts = compiled.texts(locale).keys();
        errors.extend(missing(reference, texts).map(|key| format!("{locale}.ftl: {key} is missing")));
        errors.extend(missing(texts, reference).map(|key| format!("{locale}.ftl: {key} is in no other language")));
        for (key, variables) in texts {
            if reference.get(key).is_some_and(|wanted| wanted != variables) {
                errors.push(format!("{locale}.ftl: {key} has other variables than in {}", Locale::default()));
            }
        }
    }
    errors
}

type Keys = BTreeMap<String, BTreeSet<String>>;

fn missing<'a>(wanted: &'a Keys, present: &'a Keys) -> impl Iterator<Item = &'a String> {
    wanted.keys().filter(|key| !present.contains_key(*key))
}

fn with_frame(context: &serde_json::Value) -> Value {
    let member = context.get("frame").is_some_and(|frame| frame == "member");
    let mut frame = Frame { nonce: "sample".to_owned(), path: "/".to_owned(), ..Frame::default() };
    if member {
        let tenant = |id: &str, slug: &str, name: &str, role: &str| FrameTenant {
            id: id.to_owned(),
            slug: slug.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
        };
        let nav = |href: &str, label: &str, current| NavItem { href: href.to_owned(), label: label.to_owned(), current };
        let acme = tenant("01890000-0000-7000-8000-000000000001", "acme", "Acme Logistics", "Owner");
        let other = tenant("01890000-0000-7000-8000-000000000002", "globex", "Globex Research Institute", "Viewer");
        frame.user = Some(FrameUser { email: "ada@example.com".to_owned(), name: "Ada Lovelace".to_owned() });
        frame.memberships = vec![acme.clone(), other];
        frame.tenant = Some(acme);
        frame.nav = vec![nav("/devices", "Devices", true), nav("/agents", "Agents", false), nav("/members", "Members", false)];
    }
    minijinja::context! { ..Serde(context), ..Serde(&frame) }
}
