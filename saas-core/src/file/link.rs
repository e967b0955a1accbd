use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};

use super::FileId;
use crate::{Actor, MasterKey, Purpose, TenantId};

/// How long a link leads to its file.
const LIFE: Duration = Duration::minutes(15);

/// Signs links to files, each for one reader.
///
/// # Security
///
/// A link is no key: whoever follows it must be its reader and still belong to the tenant. The signature adds an end, and that the reader
/// had the right to read when the link was made.
#[derive(Debug)]
pub(super) struct Signer(MasterKey);

const LINKS: Purpose = Purpose::new("links to files");

impl Signer {
    pub(super) fn new(keys: &MasterKey) -> Self {
        Self(keys.clone())
    }

    pub(super) fn link(&self, tenant: TenantId, file: FileId, reader: Actor, now: DateTime<Utc>) -> String {
        let expires = (now + LIFE).timestamp();
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(LINKS, text(tenant, file, reader, expires).as_bytes()));
        format!("/api/v1/files/{file}/content?expires={expires}&signature={signature}")
    }

    pub(super) fn holds(&self, tenant: TenantId, file: FileId, reader: Actor, expires: i64, signature: &str, now: DateTime<Utc>) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.0.signed(LINKS, text(tenant, file, reader, expires).as_bytes(), &signature) && now.timestamp() < expires
    }
}

/// What is signed. Ids and a number have no spaces, so no two lists of them make the same text.
fn text(tenant: TenantId, file: FileId, reader: Actor, expires: i64) -> String {
    format!("{tenant} {file} {reader} {expires}")
}
