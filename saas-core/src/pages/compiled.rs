//! Templates, texts and assets of all sets, compiled for each language.

use std::{borrow::Cow, collections::BTreeMap, fs, sync::Arc};

use include_dir::Dir;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

use super::{
    Locale, PageError, PageSet, PagesErrors, Texts,
    asset::Assets,
    folder::Folder,
    functions::{self, TIME_ZONE},
    scan::{TextUse, text_uses},
};
use crate::failure;

/// Everything that a request needs, immutable.
pub(super) struct Compiled {
    pub(super) assets: Arc<Assets>,
    /// Template sources by name, for the checks.
    pub(super) sources: BTreeMap<String, Cow<'static, str>>,
    /// The state of the application's folder that this was made from.
    pub(super) fingerprint: u64,
    languages: [Language; Locale::ALL.len()],
}

struct Language {
    texts: Arc<Texts>,
    env: Environment<'static>,
}

impl Compiled {
    /// Compiles everything, or says everything that is wrong. In strict mode a text that is missing at run time is an error.
    pub(super) fn new(sets: &[PageSet], folder: Option<&Folder>, strict: bool) -> Result<Self, PagesErrors> {
        let mut errors = Vec::new();
        // Taken first: a file written meanwhile is then noticed at the next request.
        let fingerprint = folder.map_or(0, Folder::fingerprint);
        let sources = templates(sets, folder, &mut errors);
        let assets = Arc::new(assets(sets, folder, &mut errors));
        let fallback = Arc::new(texts(sets, folder, Locale::En, None, &mut errors));
        let german = Arc::new(texts(sets, folder, Locale::De, Some(Arc::clone(&fallback)), &mut errors));
        for (name, source) in &sources {
            errors.extend(missing_texts(&fallback, source).map(|key| format!("{name}: there is no text {key}")));
        }
        let mut language = |locale, texts: Arc<Texts>| {
            let mut env = environment();
            functions::install(&mut env, locale, &texts, &assets, strict);
            for (name, source) in &sources {
                let added = env.add_template_owned(name.clone(), source.clone());
                // Both languages compile the same sources: say it once.
                if let Err(error) = added.as_ref()
                    && locale == Locale::default()
                {
                    errors.push(format!("{name}: {}", failure::in_full(error)));
                }
            }
            Language { texts, env }
        };
        let languages = [language(Locale::En, fallback), language(Locale::De, german)];
        match errors.is_empty() {
            true => Ok(Self { assets, sources, fingerprint, languages }),
            false => Err(PagesErrors(errors)),
        }
    }

    pub(super) fn texts(&self, locale: Locale) -> &Arc<Texts> {
        &self.language(locale).texts
    }

    /// Times are told in the zone that the context names as `time_zone`.
    pub(super) fn render(&self, name: &str, locale: Locale, context: Value) -> Result<String, PageError> {
        let mut env = Cow::Borrowed(&self.language(locale).env);
        // As a global it reaches the macros too, which see nothing of a context.
        if let Some(zone) = context.get_attr(TIME_ZONE).ok().filter(|zone| zone.as_str().is_some()) {
            env.to_mut().add_global(TIME_ZONE, zone);
        }
        env.get_template(name)
            .and_then(|template| template.render(context))
            .map_err(|source| PageError::Render { name: name.to_owned(), source })
    }

    fn language(&self, locale: Locale) -> &Language {
        match locale {
            Locale::En => &self.languages[0],
            Locale::De => &self.languages[1],
        }
    }
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html" | "mjml")) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        env.set_syntax(syntax);
    }
    env
}

fn missing_texts(texts: &Texts, source: &str) -> impl Iterator<Item = String> {
    text_uses(source).into_iter().filter_map(|wanted| match wanted {
        TextUse::Key(key) => (!texts.contains(&key)).then_some(key),
        TextUse::Prefix(prefix) => (!texts.keys().keys().any(|key| key.starts_with(&prefix))).then(|| format!("{prefix}…")),
    })
}

fn templates(sets: &[PageSet], folder: Option<&Folder>, errors: &mut Vec<String>) -> BTreeMap<String, Cow<'static, str>> {
    let mut sources = BTreeMap::new();
    for set in sets {
        for file in files(set.templates) {
            match file.contents_utf8() {
                Some(source) => drop(sources.insert(name(file), Cow::Borrowed(source))),
                None => errors.push(format!("{} ({}): not UTF-8", name(file), set.name)),
            }
        }
    }
    read(folder, "templates", errors, |path, bytes, errors| match String::from_utf8(bytes) {
        Ok(source) => drop(sources.insert(path, Cow::Owned(source))),
        Err(_) => errors.push(format!("{path} (application): not UTF-8")),
    });
    sources
}

fn assets(sets: &[PageSet], folder: Option<&Folder>, errors: &mut Vec<String>) -> Assets {
    let mut assets = Assets::default();
    for file in sets.iter().filter_map(|set| set.assets).flat_map(files) {
        assets.insert(name(file), Cow::Borrowed(file.contents()));
    }
    read(folder, "assets", errors, |name, bytes, _| assets.insert(name, Cow::Owned(bytes)));
    assets
}

fn texts(sets: &[PageSet], folder: Option<&Folder>, locale: Locale, fallback: Option<Arc<Texts>>, errors: &mut Vec<String>) -> Texts {
    let mut texts = Texts::new(locale, fallback);
    let wanted = format!("{locale}.ftl");
    let mut add = |place: &str, source: Option<&str>, errors: &mut Vec<String>| {
        let outcome = source.map_or_else(|| Err(vec!["not UTF-8".to_owned()]), |source| texts.add(source));
        errors.extend(outcome.err().into_iter().flatten().map(|reason| format!("{wanted} ({place}): {reason}")));
    };
    for set in sets {
        if let Some(file) = set.locales.get_file(&wanted) {
            add(set.name, file.contents_utf8(), errors);
        }
    }
    read(folder, "locales", errors, |name, bytes, errors| {
        if name == wanted {
            add("application", std::str::from_utf8(&bytes).ok(), errors);
        }
    });
    texts
}

/// Hands each file of a part of the application's folder to `each`.
fn read(folder: Option<&Folder>, part: &str, errors: &mut Vec<String>, mut each: impl FnMut(String, Vec<u8>, &mut Vec<String>)) {
    let Some(folder) = folder else { return };
    match folder.files(part) {
        Ok(files) => {
            for file in files {
                match fs::read(&file.path) {
                    Ok(bytes) => each(file.name, bytes, errors),
                    Err(error) => errors.push(format!("{}: {error}", file.path.display())),
                }
            }
        }
        Err(error) => errors.push(format!("{}: {error}", folder.0.join(part).display())),
    }
}

fn files(dir: &'static Dir<'static>) -> Vec<&'static include_dir::File<'static>> {
    let mut found: Vec<_> = dir.files().collect();
    found.extend(dir.dirs().flat_map(files));
    found
}

fn name(file: &include_dir::File<'_>) -> String {
    file.path().to_string_lossy().replace('\\', "/")
}
