use serde::Serialize;
use utoipa::ToSchema;

use super::FileRead;
use crate::{Event, EventKind, Permission as _};

/// What files announce.
pub const EVENTS: &[EventKind] = &[EventKind::of::<FileAdded>(), EventKind::of::<FileDeleted>()];

/// A file is stored and can be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileAdded {
    /// Its name.
    pub name: String,
    /// Its type.
    pub media_type: &'static str,
    /// Its length.
    pub bytes: u64,
}

impl Event for FileAdded {
    const NAME: &'static str = "file.added";
    const TOPIC: &'static str = "files";
    const PERMISSION: Option<&'static str> = Some(FileRead::NAME);
}

/// A file was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileDeleted {
    /// Its name.
    pub name: String,
}

impl Event for FileDeleted {
    const NAME: &'static str = "file.deleted";
    const TOPIC: &'static str = "files";
    const PERMISSION: Option<&'static str> = Some(FileRead::NAME);
}
