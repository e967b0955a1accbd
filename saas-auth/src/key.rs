//! What all keys have in common, those of programs and those of machines: how they are written and hashed, from where they may be used, and
//! how one secret takes the place of another.

mod allowed;
mod overlap;
mod proposed;
mod text;

pub(crate) use allowed::is_allowed;
pub use allowed::{AllowedFrom, NoNetwork};
pub use overlap::{Overlap, RotatedKey};
pub use proposed::KeyFlaw;
pub(crate) use proposed::Proposed;
pub(crate) use text::{KeyText, Kind};
