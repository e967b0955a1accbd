use saas_core::{Actor, Ledger, SystemTx, UserId, mail::MailInError, system_event_in};
use uuid::Uuid;

use super::AccountVerified;
use crate::mail::{Letters, Reader};

/// Announces that an account's address was shown to be its person's, however that was done, and greets them. `replaced` says whether a stranger's
/// password, or account, ended with it.
///
/// Everybody who gets an account of their own comes by here once, those who are invited and those who come from a provider too, and nobody else: an
/// account whose address nobody confirmed may be a stranger's, whose doings must not make us write to whoever has the address.
pub(crate) async fn account_verified_in(tx: &mut SystemTx, user: UserId, replaced: bool, letters: &Letters) -> Result<(), MailInError> {
    system_event_in(tx, Ledger::Platform, Actor::User(user), user, &AccountVerified { replaced }).await?;
    let account = sqlx::query!("select email, name from auth.account where user_id = $1", Uuid::from(user)).fetch_one(&mut **tx).await?;
    letters.welcome_in(tx, Reader { user, email: &account.email, name: &account.name }).await
}
