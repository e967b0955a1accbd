use std::{fmt, sync::Arc};

use saas_core::{Db, Lifecycle, Live, MasterKey, Migrations, NavLink, Routes, mail::Mailer, pages::PageSet, pages::Pages};
use url::Url;

use crate::ComposeError;

/// A product: what the command line needs to know to run it.
#[derive(Clone, Copy)]
pub struct Product {
    /// The program's name; also the name of its development database.
    pub name: &'static str,
    /// The product's name for people.
    pub title: &'static str,
    /// What it brings to the database, in order; core's own comes first by itself.
    pub migrations: &'static [Migrations],
    /// Its pages, in order.
    pub pages: &'static [PageSet],
    /// Its main navigation.
    pub nav: &'static [NavLink],
    /// Puts it together.
    pub compose: fn(&Program) -> Result<Routes, ComposeError>,
}

impl fmt::Debug for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Product").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a product is put together from.
#[derive(Clone)]
#[non_exhaustive]
pub struct Program {
    /// The database, migrated.
    pub db: Db,
    /// Templates and texts.
    pub pages: Pages,
    /// Where mail goes.
    pub mailer: Arc<dyn Mailer>,
    /// Live updates.
    pub live: Live,
    /// Where the program is in its life.
    pub lifecycle: Lifecycle,
    /// The master key.
    pub master_key: MasterKey,
    /// Where people reach the product.
    pub public_url: Url,
    /// Whether plain http is served to other machines.
    pub insecure_lan: bool,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}
