use std::sync::Arc;

use chrono::TimeDelta;
use saas_core::{Actor, Ledger, Origin, Token, UserId, mail::MailInError, system_event_in};

use super::{
    LinkRequested,
    bound_token::{BoundToken, bound_token_insert_in},
    deletion::DELETION_LINK_LIFETIME,
    mailed_code::MailedCode,
    mailed_sign_in::SIGN_IN_LIFETIME,
};
use crate::{
    AttemptLimit, Auth, Email,
    attempt::{Attempts, Counted},
    mail::{Letters, Reader},
};

/// How many mails about a forgotten password one address gets, with an account or without. While no more are sent, the last of them still works:
/// whoever asks for a victim's mails does not keep the victim from choosing another password.
const RESETS: AttemptLimit = AttemptLimit::new(3, TimeDelta::hours(1));

/// How many mails to sign in with: one in five minutes. Each works for ten, so whoever asks for a victim's mails leaves a link in the victim's
/// mailbox that works for five more.
const SIGN_INS: AttemptLimit = AttemptLimit::new(1, TimeDelta::minutes(5));

/// What somebody wants a mail for.
#[derive(Debug, Clone)]
pub(crate) enum MailWanted {
    /// To choose another password.
    Reset,
    /// To sign in, where it is opened or in the browser of this token.
    SignIn { browser: Token },
}

/// How many mails with a link to turn a second factor off.
const SECOND_FACTORS: AttemptLimit = AttemptLimit::new(3, TimeDelta::hours(1));

/// How long that one works: as long.
const SECOND_FACTOR_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How many mails one account gets about its deletion.
const DELETIONS: AttemptLimit = AttemptLimit::new(3, TimeDelta::hours(1));

impl BoundToken {
    /// How long its link works, and the mails that are counted together with it, for whom this stands.
    pub(crate) fn terms(self, auth: &Auth, key: &str) -> (TimeDelta, Attempts) {
        match self {
            Self::Reset => (auth.reset_lifetime(), auth.attempts("reset mail", key, RESETS)),
            Self::SignIn => (SIGN_IN_LIFETIME, auth.attempts("sign-in mail", key, SIGN_INS)),
            Self::SecondFactorOff => (SECOND_FACTOR_LIFETIME, auth.attempts("second factor mail", key, SECOND_FACTORS)),
            Self::Deletion => (DELETION_LINK_LIFETIME, auth.attempts("deletion mail", key, DELETIONS)),
        }
    }
}

/// Mails a link to whoever has an account with this address, or says in a mail that there is none. Done on its own: neither the answer nor its
/// time nor the number of mails says whether there is one.
pub(crate) fn account_mail_link(auth: &Auth, wanted: MailWanted, origin: Origin, email: Email, letters: Letters) {
    let Ok(permit) = Arc::clone(auth.resends()).try_acquire_owned() else { return };
    let auth = auth.clone();
    tokio::spawn(async move {
        match mail_link(&auth, &wanted, origin, &email, &letters).await {
            Ok(()) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a link could not be mailed"),
        }
        drop(permit);
    });
}

async fn mail_link(auth: &Auth, wanted: &MailWanted, origin: Origin, email: &Email, letters: &Letters) -> Result<(), MailInError> {
    let mut tx = auth.db().system("mail a link").caused_by(origin).begin().await?;
    let opens = match wanted {
        MailWanted::Reset => BoundToken::Reset,
        MailWanted::SignIn { .. } => BoundToken::SignIn,
    };
    let (lifetime, mails) = opens.terms(auth, email.key());
    if let Counted::Refused { .. } = mails.add_in(&mut tx).await? {
        return Ok(());
    }
    let account = sqlx::query!(
        r#"select account.user_id as "user_id: UserId", account.email, account.name
        from auth.account
        join core.user person on person.id = account.user_id
        where account.email_key = $1 and person.state in ('active', 'leaving')"#,
        email.key(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let token = Token::generate();
    match &account {
        Some(account) => {
            let reader = Reader { user: account.user_id, email: &account.email, name: &account.name };
            match wanted {
                MailWanted::Reset => {
                    bound_token_insert_in(&mut tx, &token, opens, reader.user, lifetime, None).await?;
                    letters.reset_in(&mut tx, reader, &token, lifetime).await?;
                }
                MailWanted::SignIn { browser } => {
                    let code = MailedCode::generate();
                    let mac = code.mac(auth.keys(), browser, email);
                    bound_token_insert_in(&mut tx, &token, opens, reader.user, lifetime, Some(mac)).await?;
                    letters.sign_in_in(&mut tx, reader, &token, &code, lifetime, auth.signs_in_by_mail()).await?;
                }
            }
        }
        None => letters.unknown_in(&mut tx, email, &token).await?,
    }
    let subject = account.map_or_else(|| "unknown".to_owned(), |account| account.user_id.to_string());
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, subject, &LinkRequested { opens }).await?;
    tx.commit().await?;
    Ok(())
}
