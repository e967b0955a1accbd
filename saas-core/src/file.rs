//! Files of a tenant (OPS-07): bytes in an object store, and a row that says what they are.
//!
//! The row comes first, as *arriving*; then the bytes; then the row is *ready*. Deleting marks the row, and the bytes follow at the next
//! [`sweep`](Files::sweep). Whatever is killed in between, the sweep finds by the row, and nothing lies in the store unknown.
//!
//! ```no_run
//! use saas_core::file::{FileRules, Files, Storage};
//! # use saas_core::{Db, MasterKey};
//! # fn example(db: &Db, keys: &MasterKey) -> Result<(), Box<dyn std::error::Error>> {
//! let storage = Storage::open(&"file:///var/lib/monitoring/files".parse()?, [])?;
//! let files = Files::new(storage, keys, FileRules::DOCUMENTS);
//! let routes: saas_core::Routes = files.routes(); // below the tenancy layer
//! # Ok(())
//! # }
//! ```

mod event;
mod kind;
mod link;
mod operation;
mod receive;
mod remove;
mod storage;
mod sweep;
mod web;

pub(crate) use remove::objects_remove;

pub use event::{EVENTS, FileAdded, FileDeleted};
pub use kind::FileRules;
pub use operation::{File, FileError, FileOwner};
pub use receive::NewFile;
pub use storage::{Storage, StorageError};

use std::sync::Arc;

use crate::MasterKey;

crate::ids! {
    /// One stored file.
    pub FileId;
}

crate::permissions! {
    /// See files and read them.
    pub FileRead = "file.read";
    /// Add and delete files.
    pub FileWrite = "file.write";
}

/// The files of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    links: link::Signer,
    rules: FileRules,
}

impl Files {
    /// Keeps files in `storage`, and takes those that `rules` permit.
    #[must_use]
    pub fn new(storage: Storage, keys: &MasterKey, rules: FileRules) -> Self {
        Self(Arc::new(Inner { storage, links: link::Signer::new(keys), rules }))
    }

    /// What is taken.
    #[must_use]
    pub fn rules(&self) -> &FileRules {
        &self.0.rules
    }
}
