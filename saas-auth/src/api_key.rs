//! Keys with which programs use the API of one organization.
//!
//! A member makes a key ([`Auth::api_key_create_in`](crate::Auth::api_key_create_in)) and says what it may do: some of what the member may do,
//! from the list that the product offers ([`AuthBuilder::scopes`](crate::AuthBuilder::scopes)). A request with it in its `Authorization`
//! header comes from a [`Principal::Key`](saas_core::Principal::Key).
//!
//! * What a key may do is asked at each request: its scopes, as far as the role that its maker has now allows them. It loses what its maker's
//!   role loses, and ends for good when the membership does; what must outlive people is made by somebody who stays.
//! * A key makes and changes no keys, and opens neither pages nor streams.
//! * One that stands in the address of a request is refused, whatever the parameter is called, and its organization is told.

mod change;
mod event;
mod exposed;
mod key;
mod leaked;
mod list;
mod lookup;
mod scope;

pub(crate) use event::{ApiKeyAllowedFromChanged, ApiKeyCreated, ApiKeyExposed, ApiKeyLeaked, ApiKeyRevoked, ApiKeyRotated};
pub use key::{ApiKeyError, NewApiKey};
pub use list::{ApiKey, ApiKeyState};
pub(crate) use list::{SELECT, living};
pub use scope::Scope;

use saas_core::notification::{Frequency, NoticeGroup, NoticeKind};

saas_core::permissions! {
    /// See the organization's API keys, never the secrets themselves.
    pub ApiKeyRead = "auth.api_key.read";
    /// Make, rotate and revoke API keys.
    pub ApiKeyWrite = "auth.api_key.write";
}

/// What those who may read the audit log are told of keys, whatever they prefer.
pub const API_KEY_NOTICES: [NoticeKind; 2] = [
    NoticeKind::new(<ApiKeyExposed as saas_core::Event>::NAME, "auth-notice-api-key-exposed", "/api-keys/{subject}")
        .group(NoticeGroup::System)
        .mail(Frequency::Now)
        .mandatory(),
    NoticeKind::new(<ApiKeyLeaked as saas_core::Event>::NAME, "auth-notice-api-key-leaked", "/api-keys/{subject}")
        .group(NoticeGroup::System)
        .mail(Frequency::Now)
        .mandatory(),
];
