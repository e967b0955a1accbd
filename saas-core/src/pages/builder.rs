//! Collects page sets into [`Pages`].

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, RwLock},
};

use super::{Inner, PAGES, PageSet, Pages, compiled::Compiled, folder::Folder};

/// Collects page sets; see [`Pages::builder`].
#[derive(Clone, Debug)]
pub struct PagesBuilder {
    sets: Vec<PageSet>,
    folder: Option<PathBuf>,
    product: String,
    development: bool,
}

/// Everything that is wrong with the templates, texts and assets, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagesErrors(pub Vec<String>);

impl fmt::Display for PagesErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pages have errors:\n  {}", self.0.join("\n  "))
    }
}

impl std::error::Error for PagesErrors {}

impl PagesBuilder {
    pub(super) fn new() -> Self {
        Self { sets: vec![PAGES], folder: None, product: "SaaS".to_owned(), development: false }
    }

    /// Adds a crate's pages. Its files replace those of the same name in earlier sets.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "reads as a list of sets; adding two builders makes no sense")]
    pub fn add(mut self, set: PageSet) -> Self {
        self.sets.push(set);
        self
    }

    /// The application's folder with `templates/`, `locales/` and `assets/`, whose files replace embedded ones.
    #[must_use]
    pub fn folder(mut self, folder: Option<PathBuf>) -> Self {
        self.folder = folder;
        self
    }

    /// The product's name, shown on every page and in every mail.
    #[must_use]
    pub fn product(mut self, name: impl Into<String>) -> Self {
        self.product = name.into();
        self
    }

    /// In development, changes in the application's folder show at the next request, and a missing text is an error rather than
    /// its key.
    #[must_use]
    pub fn development(mut self, yes: bool) -> Self {
        self.development = yes;
        self
    }

    /// Compiles all templates and texts.
    ///
    /// # Errors
    ///
    /// Every mistake at once: a template that does not parse, a message that does not, a text that a template names and nobody has.
    pub fn build(self) -> Result<Pages, PagesErrors> {
        let folder = self.folder.map(Folder);
        let compiled = Compiled::new(&self.sets, folder.as_ref(), self.development)?;
        Ok(Pages {
            inner: Arc::new(Inner {
                sets: self.sets,
                folder,
                product: self.product,
                development: self.development,
                current: RwLock::new(Arc::new(compiled)),
            }),
        })
    }
}
