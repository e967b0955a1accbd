//! Things that are shared with members one by one, to look at or to work on.
//!
//! What a kind of thing is, its [`Resource`] says; [`Reached`](saas_core::Reached) and [`Reaching`](saas_core::Reaching) let in whom it is shared
//! with. A share ends with what it is of and with the membership of its person: the database sees to that.

mod api;
mod event;
mod of_person;
mod operations;
mod page;

use saas_core::{Resource, Routes, ShareLevel};

pub(crate) use of_person::SharedThing;

pub use event::{ShareEnded, ShareGiven};
pub use operations::{Share, ShareError, share_end_in, share_put_in, shares_in};

/// A kind of thing that can be shared, without its type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shareable {
    kind: &'static str,
    table: &'static str,
    title: &'static str,
    view: &'static [&'static str],
    edit: &'static [&'static str],
    path: &'static str,
    routes: fn(Sharing) -> Routes,
}

/// What the handlers of a kind share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sharing {
    /// The page of one of them, with `{id}`.
    path: &'static str,
}

impl Shareable {
    pub(crate) fn of<R: Resource>(path: &'static str) -> Self {
        Self {
            kind: R::KIND,
            table: R::TABLE,
            title: R::TITLE,
            view: R::VIEW,
            edit: R::EDIT,
            path,
            routes: |sharing| api::routes::<R>(sharing).merge(page::routes::<R>(sharing)).with_state(sharing),
        }
    }

    pub(crate) fn routes(&self) -> Routes {
        (self.routes)(Sharing { path: self.path })
    }

    /// What somebody has by shares of this kind among these, each as `kind level`.
    pub(crate) fn given(&self, shares: &[String]) -> Vec<&'static str> {
        let levels = shares.iter().filter_map(|share| share.strip_prefix(self.kind)?.strip_prefix(' ')).map(ShareLevel::stored);
        levels.max().map(|level| level.gives(self.view, self.edit)).unwrap_or_default()
    }

    /// The permissions that a share of this level gives for one of them.
    pub(crate) fn gives(&self, level: ShareLevel) -> Vec<&'static str> {
        level.gives(self.view, self.edit)
    }

    /// Whether some share of this kind gives a permission.
    pub(crate) fn concerns(&self, permission: &str) -> bool {
        self.view.contains(&permission) || self.edit.contains(&permission)
    }
}

impl Sharing {
    fn at(&self, id: impl std::fmt::Display) -> String {
        self.path.replace("{id}", &id.to_string())
    }
}
