//! What is sealed, as the sealer and the verifier both read it.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An entry with all that its seal covers.
pub(super) struct Row {
    pub(super) tenant_id: Uuid,
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) action: String,
    pub(super) version: i32,
    pub(super) severity: String,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<Uuid>,
    pub(super) on_behalf_of: Option<Uuid>,
    pub(super) resource: String,
    pub(super) data: String,
    pub(super) request_id: Option<Uuid>,
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) number: Option<i64>,
    pub(super) salt: Option<Vec<u8>>,
    pub(super) origin_digest: Option<Vec<u8>>,
    pub(super) mac: Option<Vec<u8>>,
}

/// What the seal says of where a request came from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SealedOrigin {
    /// It is as it was.
    Kept,
    /// It was emptied, as a person may demand.
    Forgotten,
    /// It was changed.
    Changed,
}

/// An unambiguous text of fields: each with its length before it.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn add(&mut self, field: Option<&[u8]>) {
        // No field is as long as this says.
        let length = field.map_or(u64::MAX, |field| field.len() as u64);
        self.0.extend(length.to_be_bytes());
        self.0.extend(field.unwrap_or_default());
    }
}

impl Row {
    /// What the mac of this entry is made over, at its place in the chain.
    pub(super) fn message(&self, before: &[u8], number: i64, origin_digest: &[u8]) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.add(Some(before));
        fields.add(Some(&number.to_be_bytes()));
        fields.add(Some(self.tenant_id.as_bytes()));
        fields.add(Some(self.id.as_bytes()));
        fields.add(Some(&self.at.timestamp_micros().to_be_bytes()));
        fields.add(Some(self.action.as_bytes()));
        fields.add(Some(&self.version.to_be_bytes()));
        fields.add(Some(self.severity.as_bytes()));
        fields.add(Some(self.actor_kind.as_bytes()));
        fields.add(self.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
        fields.add(self.on_behalf_of.as_ref().map(|id| id.as_bytes().as_slice()));
        fields.add(Some(self.resource.as_bytes()));
        fields.add(Some(self.data.as_bytes()));
        fields.add(self.request_id.as_ref().map(|id| id.as_bytes().as_slice()));
        fields.add(Some(origin_digest));
        fields.0
    }

    fn has_origin(&self) -> bool {
        self.address.is_some() || self.user_agent.is_some()
    }

    /// The salt for a new seal; none if there is nothing to hide.
    pub(super) fn new_salt(&self) -> Option<Vec<u8>> {
        self.has_origin().then(|| rand::random::<[u8; 16]>().to_vec())
    }

    /// What the seal covers in place of the address and the user agent.
    pub(super) fn digest(&self, salt: Option<&[u8]>) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.add(salt);
        fields.add(self.address.as_deref().map(str::as_bytes));
        fields.add(self.user_agent.as_deref().map(str::as_bytes));
        Sha256::digest(fields.0).to_vec()
    }

    pub(super) fn sealed_origin(&self) -> SealedOrigin {
        if self.origin_digest.as_deref() == Some(&self.digest(self.salt.as_deref())) {
            SealedOrigin::Kept
        } else if !self.has_origin() && self.salt.is_none() {
            SealedOrigin::Forgotten
        } else {
            SealedOrigin::Changed
        }
    }
}
