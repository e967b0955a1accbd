//! Pages and mails: templates, translated texts and assets, embedded in each crate and replaceable by an application.
//!
//! A crate that has pages declares one [`PageSet`] with [`page_set!`](crate::page_set); an application collects the sets:
//!
//! ```
//! use saas_core::pages::{Locale, Pages};
//!
//! let pages = Pages::builder().product("Monitoring").build()?;
//! let greeting = pages.texts(Locale::De).get("core-sign-out", &[]);
//! assert_eq!(greeting, "Abmelden");
//! # Ok::<(), saas_core::pages::PagesErrors>(())
//! ```
//!
//! # Which file wins
//!
//! A template, asset or text is looked up in the application's folder ([`PagesBuilder::folder`]), then in the sets from the
//! last one added to the first, which is always core's own. So an application replaces `auth/sign_in.html` by having a file of
//! that name, or a wording by having a message of that key.
//!
//! # Templates
//!
//! Jinja, strict about undefined names, escaping in `.html` and `.mjml` and not in `.txt`. Beside Jinja's own there are
//!
//! * `t("key", name=value)`: a translated text;
//! * `asset("core.css")`: the address of an asset, with its content's hash;
//! * `day(value)` and `moment(value)`: an RFC 3339 text in words, for mail; told, as those of `time`, in the reader's time zone, or UTC;
//! * `time(value)`: a `<time>` element for an RFC 3339 text; `date=true` without the hour, `relative=true` where the distance matters;
//! * the filters `number` (digits grouped as the language does) and `linkify` (addresses in a plain text become links).
//!
//! A template begins with a comment that says which context it takes, with one or more samples (`sample: {…}`, or
//! `sample expired: {…}`). [`Pages::check`] renders every sample in every language, so the comment cannot go stale.

mod asset;
mod builder;
mod check;
mod compiled;
mod device;
mod folder;
mod frame;
mod functions;
mod letter;
mod locale;
mod scan;
mod texts;

use std::{
    borrow::Cow,
    sync::{Arc, RwLock},
};

use include_dir::Dir;
use minijinja::{Value, value::Serde};
use serde::Serialize;

pub use self::{
    asset::Asset,
    builder::{PagesBuilder, PagesErrors},
    check::Sample,
    device::device_text,
    frame::{Banner, BannerLink, Form, Frame, FrameTenant, FrameUser, NavItem},
    letter::Rendered,
    locale::Locale,
    texts::{TextError, TextValue, Texts},
};
#[doc(hidden)]
pub use include_dir;

use self::{compiled::Compiled, folder::Folder};
use crate::mail::Look;

/// What one crate brings: its templates, texts and assets, embedded. Made by [`page_set!`](crate::page_set).
#[derive(Clone, Copy, Debug)]
pub struct PageSet {
    /// The crate's short name, for error messages.
    pub name: &'static str,
    /// Templates, under the names they are rendered by: `auth/sign_in.html`.
    pub templates: &'static Dir<'static>,
    /// Fluent messages, one file per language: `en.ftl`, `de.ftl`.
    pub locales: &'static Dir<'static>,
    /// Stylesheets, scripts and pictures, in one flat folder.
    pub assets: Option<&'static Dir<'static>>,
}

/// Declares the calling crate's [`PageSet`] from its folders `templates/` and `locales/`, and `assets/` when asked for.
///
/// ```
/// use saas_core::pages::PageSet;
///
/// /// The pages of this crate.
/// pub const PAGES: PageSet = saas_core::page_set!("monitoring");
/// /// The same, with assets.
/// pub const PAGES_WITH_ASSETS: PageSet = saas_core::page_set!("monitoring", assets);
/// assert!(PAGES.assets.is_none() && PAGES_WITH_ASSETS.assets.is_some());
/// ```
///
/// A file that is added later is noticed with `cargo:rerun-if-changed` for these folders in a build script.
#[macro_export]
macro_rules! page_set {
    (@set $name:literal, $assets:expr) => {{
        use $crate::pages::include_dir;
        static TEMPLATES: include_dir::Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/templates");
        static LOCALES: include_dir::Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/locales");
        $crate::pages::PageSet { name: $name, templates: &TEMPLATES, locales: &LOCALES, assets: $assets }
    }};
    ($name:literal) => { $crate::page_set!(@set $name, None) };
    ($name:literal, assets) => {
        $crate::page_set!(@set $name, {
            use $crate::pages::include_dir;
            static ASSETS: include_dir::Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/assets");
            Some(&ASSETS)
        })
    };
}

/// Core's own pages: the layout, the components and the development pages.
pub const PAGES: PageSet = crate::page_set!("core", assets);

/// A page could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The template failed: an undefined name, a text without a translation, a missing template.
    #[error("page {name} could not be rendered")]
    Render {
        /// The template asked for.
        name: String,
        /// Where and why.
        source: minijinja::Error,
    },
    /// What the template of a letter makes is no MJML.
    #[error("letter {name} could not be rendered")]
    Letter {
        /// The letter asked for.
        name: String,
        /// Where and why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file in the application's folder was changed and is wrong.
    #[error(transparent)]
    Changed(PagesErrors),
}

/// Renders pages and mails, translates texts and serves assets. Cheap to clone.
#[derive(Clone)]
pub struct Pages {
    inner: Arc<Inner>,
}

struct Inner {
    sets: Vec<PageSet>,
    folder: Option<Folder>,
    product: String,
    development: bool,
    current: RwLock<Arc<Compiled>>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages")
            .field("sets", &self.inner.sets.iter().map(|set| set.name).collect::<Vec<_>>())
            .field("product", &self.inner.product)
            .finish_non_exhaustive()
    }
}

impl Pages {
    /// Starts with core's own pages.
    #[must_use]
    pub fn builder() -> PagesBuilder {
        PagesBuilder::new()
    }

    /// Renders a template with `locale`, `product` and `dev` beside the given context: mails, fragments of mails, texts.
    ///
    /// # Errors
    ///
    /// [`PageError`], which is a 5xx: the context does not fit the template.
    pub fn render(&self, name: &str, locale: Locale, context: impl Serialize) -> Result<String, PageError> {
        self.current()?.render(name, locale, minijinja::context! { ..Serde(context), ..self.surroundings(locale) })
    }

    /// Renders a page or a fragment of one: [`render`](Self::render) with the frame that the layout needs.
    ///
    /// # Errors
    ///
    /// As for [`render`](Self::render).
    pub fn page(&self, name: &str, locale: Locale, frame: &Frame, context: impl Serialize) -> Result<String, PageError> {
        self.render(name, locale, minijinja::context! { ..Serde(context), ..Serde(frame) })
    }

    /// The asset at `/assets/{file}`. Its name with the current hash may be cached for good; its plain name, or one with another
    /// hash (asked for by a page of another version during a deployment), gives the same bytes, to be revalidated.
    #[must_use]
    pub fn asset(&self, file: &str) -> Option<Asset> {
        self.current_or_last().assets.get(file)
    }

    /// The texts of one language.
    #[must_use]
    pub fn texts(&self, locale: Locale) -> Arc<Texts> {
        Arc::clone(self.current_or_last().texts(locale))
    }

    /// The product's name, as pages and mails show it.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.inner.product
    }

    fn surroundings(&self, locale: Locale) -> Value {
        minijinja::context! {
            locale => locale.tag(),
            // A page's reader, or a letter's, may have chosen one.
            time_zone => (),
            product => self.inner.product.as_str(),
            dev => self.inner.development,
            // Whether this program has them, at `/api-docs`.
            api_docs => cfg!(feature = "api-docs"),
            // A letter's may be a tenant's.
            brand => Value::from(Serde(Look::product(self))),
        }
    }

    /// What is compiled now, made again first when a file of the application's folder changed (in development only).
    fn current(&self) -> Result<Arc<Compiled>, PageError> {
        let compiled = self.last();
        let Some(folder) = self.inner.folder.as_ref().filter(|_| self.inner.development) else { return Ok(compiled) };
        let fingerprint = folder.fingerprint();
        if fingerprint == compiled.fingerprint {
            return Ok(compiled);
        }
        let fresh = Compiled::new(&self.inner.sets, Some(folder), self.inner.development).map_err(PageError::Changed)?;
        let fresh = Arc::new(fresh);
        *self.inner.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    fn current_or_last(&self) -> Arc<Compiled> {
        self.current().unwrap_or_else(|_| self.last())
    }

    fn last(&self) -> Arc<Compiled> {
        Arc::clone(&self.inner.current.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The bytes of a file, embedded or read.
type Bytes = Cow<'static, [u8]>;
