//! Keys for machines, and the credentials that machines get for them.
//!
//! A member of a tenant makes a key ([`Auth::agent_key_create_in`](crate::Auth::agent_key_create_in)) and gives it to a machine. At its first
//! start the machine shows the key ([`ByAgentKey`]) and gets a credential of its own
//! ([`Auth::agent_credential_issue_in`](crate::Auth::agent_credential_issue_in)), with which it is a
//! [`CurrentAgent`](saas_core::CurrentAgent) from then on. Both get another secret without interruption
//! ([`Auth::agent_key_rotate_in`](crate::Auth::agent_key_rotate_in),
//! [`Auth::agent_credential_rotate_in`](crate::Auth::agent_credential_rotate_in)).

mod by_key;
mod credential;
mod key;
mod rotation;

pub use by_key::{AgentKeyPrincipal, ByAgentKey};
pub use credential::{AgentCredentialError, IssuedCredential};
pub(crate) use credential::{AgentCredentialIssued, AgentCredentialRevoked, credential_by_text, credential_seen};
pub use key::{AgentKey, AgentKeyError, AgentKeyId, NewAgentKey};
pub(crate) use key::{AgentKeyCreated, AgentKeyRevoked};
pub(crate) use rotation::{AgentCredentialRotated, AgentKeyNetworksChanged, AgentKeyRotated, credential_taken_over};
