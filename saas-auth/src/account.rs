//! Accounts: who a person is to us.

mod avatar;
mod bound_token;
mod change_password;
mod claim;
mod consent;
mod current_password;
mod deletion;
mod email_change;
mod entry;
mod event;
mod export;
mod give_way;
mod lock;
mod mail_link;
mod mailed_code;
mod mailed_sign_in;
mod password;
mod profile;
mod reset;
mod sign_in;
mod sign_up;
mod throttle;
mod verified;
mod verify;
mod ways_in;

pub use avatar::AvatarError;
pub(crate) use avatar::{AvatarId, AvatarSize, avatar_read, avatar_remove, avatar_set};
pub(crate) use bound_token::{BoundToken, bound_token_holder, bound_token_insert_in, bound_token_use_in};
pub use change_password::ChangePasswordError;
pub(crate) use change_password::{PasswordChange, account_change_password};
pub use consent::ConsentError;
pub(crate) use consent::{Agreed, Consent, consent_list, consent_set, consents_give};
pub(crate) use current_password::{
    CurrentPassword, CurrentPasswordError, account_has_password, current_password_check, current_password_entered,
};
pub use deletion::DeletionError;
pub(crate) use deletion::{
    DELETION_LINK_LIFETIME, DeletionState, DeletionWanted, Leaving, deletion_ask, deletion_confirm, deletion_state, deletion_stop,
    leaving_by_token,
};
pub(crate) use email_change::{
    Confirmed, LinkState, NewEmail, Side, email_change_confirm, email_change_link, email_change_refuse, email_change_start,
    email_change_stop, email_change_waiting,
};
pub use email_change::{EmailChange, EmailChangeError};
pub(crate) use entry::{Entry, Shown, entry_begin_in, entry_in};
pub(crate) use event::{
    AccountCreated, AccountErased, AccountVerified, AvatarChanged, ConsentGiven, ConsentWithdrawn, DataExportAsked, DataExportRead,
    DataExportReady, DataExportRefused, DeletionAsked, DeletionRefused, EmailChangeConfirmed, EmailChangeStarted, EmailChangeStopped,
    EmailChanged, LeavingBegan, LeavingStopped, LinkRequested, PasswordChangeRefused, PasswordChanged, PasswordReset, ProfileChanged,
    SessionBegan, SessionsEnded, SessionsEndedByOperator, SignInRefused, SignInThrottled, SignUpRepeated,
};
pub use export::DataExportError;
pub(crate) use export::{
    DataExport, EXPORT_LIFETIME, ExportId, ExportKey, ExportWanted, export_ask, export_ask_leaving, export_is_there, export_list,
    export_read,
};
pub(crate) use give_way::unverified_gives_way_in;
pub(crate) use lock::account_lock_in;
pub(crate) use mail_link::{MailWanted, account_mail_link};
pub(crate) use mailed_code::MailedCode;
pub(crate) use mailed_sign_in::{Arrived, Mailed, MailedSignIn, SIGN_IN_LIFETIME, account_sign_in_by_mail};
pub(crate) use profile::profile_set;
pub use profile::{Profile, ProfileError};
pub use reset::ResetError;
pub(crate) use reset::account_reset;
pub(crate) use sign_in::account_sign_in;
pub use sign_in::{Credentials, SignInError};
pub(crate) use sign_up::account_sign_up;
pub use sign_up::{NewAccount, SignUpError};
pub(crate) use verified::account_verified_in;
pub use verify::VerifyError;
pub(crate) use verify::{
    Chosen, LINK_LIFETIME, TokenState, VerifyPassword, account_resend, account_verify, account_verify_and_sign_in, email_token_insert_in,
    email_token_state,
};
pub(crate) use ways_in::ways_in_count_in;
