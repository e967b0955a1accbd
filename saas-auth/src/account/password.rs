//! What a password must be, wherever somebody chooses one.

use saas_core::{DbError, Secret, SystemTx, UserId};
use uuid::Uuid;

use crate::{
    Auth, HashError, PasswordFlaw,
    refused::{Refusal, Refused},
};

/// What is known of whoever chooses a password, and so no part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Person<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) email: Option<&'a str>,
    /// The names of the organizations that they belong to.
    pub(super) organizations: &'a [String],
}

/// The names of the organizations that a person belongs to who is not signed in.
pub(super) async fn organizations_in(tx: &mut SystemTx, user: UserId) -> Result<Vec<String>, DbError> {
    let names = sqlx::query_scalar!(
        "select tenant.name from core.member join core.tenant on tenant.id = member.tenant_id
        where member.user_id = $1 and member.left_at is null and tenant.state <> 'deleted'",
        Uuid::from(user),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(names)
}

/// Whether the policy takes a password, and whoever knows stolen ones does not know it.
pub(super) async fn password_check(auth: &Auth, password: &Secret, person: Person<'_>) -> Result<(), Refusal> {
    let text = password.expose();
    if text.is_empty() {
        return Err(Refusal::PasswordMissing);
    }
    if text.contains('\0') {
        return Err(Refusal::Characters);
    }
    let known = [person.name, person.email, Some(auth.pages().product())].into_iter().flatten();
    let context: Vec<&str> = known.chain(person.organizations.iter().map(String::as_str)).flat_map(words).collect();
    if let Some(flaw) = auth.policy().flaw(text, &context) {
        return Err(Refusal::Password(flaw));
    }
    let Some(breached) = auth.breached_passwords().filter(|_| auth.policy().is_screened()) else { return Ok(()) };
    match breached.contains(password).await {
        Ok(true) => Err(Refusal::Password(PasswordFlaw::Breached)),
        Ok(false) => Ok(()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a password was accepted unasked");
            Ok(())
        }
    }
}

/// The hash of a password that the policy takes, or what is wrong with the field of that name.
pub(super) async fn password_hash<E>(auth: &Auth, field: &'static str, password: &Secret, person: Person<'_>) -> Result<String, E>
where
    E: From<Refused> + From<HashError>,
{
    password_check(auth, password, person).await.map_err(|refusal| Refused::of(field, refusal))?;
    Ok(auth.hasher().hash(password).await?)
}

/// A name as a whole, and the words that it is made of.
fn words(text: &str) -> impl Iterator<Item = &str> {
    std::iter::once(text).chain(text.split(|c: char| !c.is_alphanumeric())).filter(|word| word.len() >= 3)
}
