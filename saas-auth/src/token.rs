//! Tokens with which a program uses the API for a person, in one organization.
//!
//! A person's program asks for a pair of them: an access token, a JWT (RFC 9068) that works for an hour, and a refresh token with which it gets
//! the next pair. A request with an access token in its `Authorization` header comes from a
//! [`Principal::Token`](saas_core::Principal::Token).
//!
//! * What a token says is information for the program that holds it. What its person may do is asked of the database at each request, with the
//!   same statement that finds out whether the token still counts: so it ends with the membership, with the password and when its person says so.
//! * A token may do in its organization what its person may do there. It makes no keys, reaches nothing of the account, and opens neither pages
//!   nor streams.
//! * A refresh token works once. Whoever uses one again has copied it, or was copied: nobody can tell which (RFC 9700, section 4.14), so all
//!   tokens that came of it end, and the person is told.
//!
//! # The lost answer
//!
//! A program that does not get the answer to a refresh has a token that is used up, and its person signs in again. Others let a token work once
//! more for some seconds; whoever copied it and is quick then has a pair of their own, and nobody learns of it. No such time is given.
//!
//! # Why no library for tokens
//!
//! Signatures are made and checked by `aws-lc-rs`, which TLS brings anyway. What is left is one header that is compared and never obeyed: there
//! is one algorithm, the key is looked for among ours by an id, and a header that says anything more (`jku`, `jwk`, `x5u`, `crit`) is refused.
//! `jsonwebtoken` 12 reads a header of any kind, checks times by the system's clock, and panics where two crates of a program have chosen
//! different cryptography for it. Tests have it read our tokens.

mod access;
mod end;
mod event;
mod family;
mod features;
mod issue;
mod keyring;
mod lookup;
mod refresh;
mod signing_key;

pub(crate) use access::{AccessToken, Issuer};
pub(crate) use end::{families_end_in, token_family_end, token_revoke, tokens_end_all_in};
pub(crate) use event::{SigningKeyRotated, TokensEnded, TokensIssued, TokensReused};
pub use family::TokenFamily;
pub(crate) use family::token_family_list;
pub(crate) use features::Features;
pub use issue::TokenError;
pub(crate) use issue::{NewTokens, Tokens, tokens_issue};
pub(crate) use keyring::{Keyring, published};
pub(crate) use refresh::tokens_refresh;
pub use signing_key::{NewSigningKey, Rotation, SigningKeyError, signing_key_rotate};
