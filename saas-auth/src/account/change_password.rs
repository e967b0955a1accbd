use std::time::Duration;

use saas_core::{DbError, Ledger, Origin, Problem, Secret, SignedIn, mail::MailInError, system_event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    PasswordChangeRefused, PasswordChanged,
    current_password::{CurrentPasswordError, current_password_check, current_password_entered},
    password::{Person, organizations_in, password_check},
};
use crate::{
    Auth, HashError,
    attempt::throttled,
    mail::{Letters, Reader},
    refused::{Refusal, Refused},
    session::{Begin, Method, NewSession, session_end_all_in, session_insert_in},
};

/// What somebody who is signed in enters to change their password.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The one that they have.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) current_password: Secret,
    /// The one that they want.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) new_password: Secret,
}

/// The password was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The current password is wrong, or the new one is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// The current password was wrong too often.
    #[error("the current password was wrong too often")]
    Throttled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// A password could not be checked or hashed.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The notice could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ChangePasswordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<CurrentPasswordError> for ChangePasswordError {
    fn from(error: CurrentPasswordError) -> Self {
        match error {
            CurrentPasswordError::Wrong => wrong(),
            CurrentPasswordError::Throttled { wait } => Self::Throttled { wait },
            CurrentPasswordError::Hash(error) => Self::Hash(error),
            CurrentPasswordError::Db(error) => Self::Db(error),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Refused(refused) => refused.into(),
            ChangePasswordError::Throttled { wait } => throttled("The current password was wrong too often.", wait),
            ChangePasswordError::Hash(error) => error.into(),
            ChangePasswordError::Mail(error) => error.into(),
            ChangePasswordError::Db(error) => error.into(),
        }
    }
}

/// Changes the password of whoever is signed in and knows the one that they have. All other sessions end; the one at hand goes on under another
/// id and token. Of any number at once one succeeds.
pub(crate) async fn account_change_password(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    change: &PasswordChange,
    letters: &Letters,
) -> Result<NewSession, ChangePasswordError> {
    let mut tx = auth.db().system("the organizations of whoever changes their password").begin().await?;
    let organizations = organizations_in(&mut tx, me.user).await?;
    tx.commit().await?;
    check(auth, me, change, &organizations).await.map_err(ChangePasswordError::Refused)?;
    let current = current_password_check(auth, origin.clone(), me, &change.current_password, &PasswordChangeRefused {}).await?;
    let new_hash = auth.hasher().hash(&change.new_password).await?;

    let mut tx = auth.db().system("change a password").caused_by(origin).begin().await?;
    let now = tx.now();
    current.counts_in(&mut tx).await?;
    let account = sqlx::query!(
        "update auth.account set password_hash = $3 where user_id = $1 and password_hash = $2 returning email, name",
        Uuid::from(me.user),
        current.hash,
        new_hash,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let session = sqlx::query!(
        "select remembered, methods, proved_at from auth.session where id = $1 and ended_at is null and expires_at > $2",
        Uuid::from(me.session),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Somebody was faster: the password is another one by now, or the session is over.
    let (Some(account), Some(session)) = (account, session) else { return Err(wrong()) };
    session_end_all_in(&mut tx, me.user, None).await?;
    let methods: Vec<Method> = session.methods.iter().filter_map(|method| Method::stored(method)).collect();
    // Whoever has a second factor has not shown it here.
    let proved_at = if me.second_factor { session.proved_at } else { now };
    let begin = Begin { user: me.user, password_hash: Some(&new_hash), remembered: session.remembered, methods: &methods, proved_at };
    let Some(session) = session_insert_in(&mut tx, begin).await? else { return Err(wrong()) };
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PasswordChanged {}).await?;
    letters.password_changed_in(&mut tx, Reader { user: me.user, email: &account.email, name: &account.name }, session.id).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "changed a password");
    Ok(session)
}

fn wrong() -> ChangePasswordError {
    ChangePasswordError::Refused(Refused::of("current_password", Refusal::PasswordWrong))
}

async fn check(auth: &Auth, me: &SignedIn, change: &PasswordChange, organizations: &[String]) -> Result<(), Refused> {
    let mut refused = Refused::default();
    refused.take("current_password", current_password_entered(&change.current_password));
    let person = Person { name: Some(&me.name), email: Some(&me.email), organizations };
    refused.take("new_password", password_check(auth, &change.new_password, person).await);
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}
