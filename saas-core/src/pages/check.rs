//! Checks that templates, their documented samples and the languages agree.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Value, value::Serde};

use super::{Frame, FrameTenant, FrameUser, Locale, NavItem, PageError, Pages, PagesErrors, compiled::Compiled, letter, scan};
use crate::failure;

/// A template with a context that its leading comment documents.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// The template's name.
    pub template: String,
    /// The sample's name; empty for the plain one.
    pub name: String,
    /// The whole context, with the frame (`"frame": "member"` in the sample asks for one of somebody signed in, `"operator"` for one of somebody
    /// who runs the product).
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

    /// Renders every sample in every language, compares the languages' keys and variables, and looks for what the
    /// Content-Security-Policy of a page would block (mails, which are in folders named `mail`, may carry styles). For a test of each
    /// crate:
    ///
    /// ```
    /// use saas_core::pages::{Pages, PagesErrors};
    ///
    /// // Here with the crate's own set: `Pages::builder().add(PAGES)`.
    /// Pages::builder().build()?.check()?;
    /// # Ok::<(), PagesErrors>(())
    /// ```
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
                let place = format!("{} ({locale}, sample {:?})", sample.template, sample.name);
                let rendered = match sample.template.strip_suffix(".mjml") {
                    Some(letter) => letter::letter(&strict, letter, locale, context).map(|rendered| rendered.html),
                    None => strict.render(&sample.template, locale, context),
                };
                match rendered {
                    Err(PageError::Render { name, source }) => errors.push(format!("{place}: {name}: {}", failure::in_full(&source))),
                    Err(PageError::Letter { source, .. }) => errors.push(format!("{place}: {source}")),
                    Ok(html) if is_page(&sample.template) => {
                        errors.extend(blocked(&html).map(|tag| format!("{place}: the policy blocks <{tag}>")));
                    }
                    Ok(_) | Err(PageError::Changed(_)) => {}
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(PagesErrors(errors)) }
    }
}

fn is_page(template: &str) -> bool {
    template.ends_with(".html") && !template.contains("/mail/") && !template.ends_with("/mail.html")
}

/// The tags with a style, a script or a handler of their own.
fn blocked(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).filter(|tag| {
        let is_own_script = tag.starts_with("script") && !(tag.contains(" src=") && tag.contains(" nonce="));
        let is_handled = tag.split_whitespace().skip(1).any(|part| part.starts_with("on") || part.starts_with("style="));
        is_own_script || is_handled || tag.starts_with("style") || tag.contains("\"javascript:")
    })
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
    let asked = context.get("frame").and_then(serde_json::Value::as_str);
    let operator = asked == Some("operator");
    let member = operator || asked == Some("member");
    let mut frame = Frame { nonce: "sample".to_owned(), path: "/".to_owned(), visitor: !member, ..Frame::default() };
    if member {
        let tenant = |id: &str, slug: &str, name: &str, role: &str| FrameTenant {
            id: id.to_owned(),
            slug: slug.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
        };
        let nav = |href: &str, label: &str, current| NavItem {
            href: href.to_owned(),
            label: label.to_owned(),
            badge: None,
            of_organization: href == "/members",
            current,
        };
        let acme = tenant("01890000-0000-7000-8000-000000000001", "acme", "Acme Logistics", "Owner");
        let other = tenant("01890000-0000-7000-8000-000000000002", "globex", "Globex Research Institute", "Viewer");
        frame.user = Some(FrameUser {
            id: "01890000-0000-7000-8000-000000000003".to_owned(),
            session: "01890000-0000-7000-8000-000000000004".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Ada Lovelace".to_owned(),
            picture: None,
            operator,
        });
        frame.memberships = vec![acme.clone(), other];
        frame.here = format!("?organization={}", acme.id);
        frame.tenant = Some(acme);
        frame.nav = vec![nav("/devices", "Devices", true), nav("/agents", "Agents", false), nav("/members", "Members", false)];
    }
    minijinja::context! { ..Serde(context), ..Serde(&frame) }
}
