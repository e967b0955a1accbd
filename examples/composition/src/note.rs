//! What the products are about: one route of an organization, for whoever may read there.

use saas_core::{Can, Json, Permission as _, Routes};
use saas_tenancy::{Role, Roles};
use serde::Serialize;
use utoipa::ToSchema;

saas_core::permissions! {
    /// Read notes.
    pub NoteRead = "composition.note.read";
}

/// Everybody in an organization reads its notes.
pub(crate) fn roles() -> Roles {
    Roles::new(&[(NoteRead::NAME, Role::ALL)])
}

#[derive(Debug, Serialize, ToSchema)]
struct Notes {
    /// The organization.
    organization: String,
    notes: Vec<String>,
}

pub(crate) fn routes() -> Routes {
    Routes::new().get("/api/v1/notes", list).about("Lists the notes of the organization")
}

async fn list(can: Can<NoteRead>) -> Json<Notes> {
    Json(Notes { organization: can.standing().name.to_string(), notes: vec!["Water the plants.".to_owned()] })
}
