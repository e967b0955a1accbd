//! A notebook for organizations. Put together as it should be, it keeps them apart; each of the [`HOLES`] is a mistake that somebody could
//! make. Its test makes them one by one, and `saas_core::testing::isolation` must find each of them and nothing else.
//!
//! It is also what to start from for a test like that of your own: `tests/it/people.rs` is all that the suite must be told.

mod hole;
mod migrations;
mod note;

pub use hole::{HOLES, Hole, Mistake, Plant};
pub use migrations::MIGRATIONS;
pub use note::{NoteId, NoteRead, NoteWrite, roles};

use saas_core::{Db, Routes};
use saas_tenancy::{Header, Tenancy};

/// The product's routes, with one mistake in them or none.
pub fn compose(db: &Db, mistake: Option<Mistake>) -> Routes {
    let tenancy = Tenancy::new(db, Header::new("x-organization"), roles());
    note::routes(db, mistake).layer(tenancy.layer())
}
