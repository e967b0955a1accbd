//! Accounts: who a person is to us.

mod event;
mod sign_in;
mod sign_up;
mod verify;

pub(crate) use event::{AccountCreated, AccountVerified, SessionBegan, SessionsEnded, SignInRefused, SignUpRepeated};
pub(crate) use sign_in::account_sign_in;
pub use sign_in::{Credentials, SignInError};
pub(crate) use sign_up::account_sign_up;
pub use sign_up::{NewAccount, SignUpError};
pub use verify::VerifyError;
pub(crate) use verify::{
    Chosen, LINK_LIFETIME, TokenState, VerifyPassword, account_resend, account_verify, account_verify_and_sign_in, email_token_insert_in,
    email_token_state,
};
