//! What a password must be, wherever somebody chooses one.

use saas_core::Secret;

use crate::{
    Auth, HashError,
    refused::{Refusal, Refused},
};

/// What is known of whoever chooses a password, and so no part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Person<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) email: Option<&'a str>,
}

/// Whether the policy takes a password.
pub(super) fn password_check(auth: &Auth, password: &Secret, person: Person<'_>) -> Result<(), Refusal> {
    let text = password.expose();
    if text.is_empty() {
        return Err(Refusal::PasswordMissing);
    }
    if text.contains('\0') {
        return Err(Refusal::Characters);
    }
    let known = [person.name, person.email, Some(auth.pages().product())];
    let context: Vec<&str> = known.into_iter().flatten().flat_map(words).collect();
    auth.policy().flaw(text, &context).map_or(Ok(()), |flaw| Err(Refusal::Password(flaw)))
}

/// The hash of a password that the policy takes, or what is wrong with the field of that name.
pub(super) async fn password_hash<E>(auth: &Auth, field: &'static str, password: &Secret, person: Person<'_>) -> Result<String, E>
where
    E: From<Refused> + From<HashError>,
{
    password_check(auth, password, person).map_err(|refusal| Refused::of(field, refusal))?;
    Ok(auth.hasher().hash(password).await?)
}

/// A name as a whole, and the words that it is made of.
fn words(text: &str) -> impl Iterator<Item = &str> {
    std::iter::once(text).chain(text.split(|c: char| !c.is_alphanumeric())).filter(|word| word.len() >= 3)
}
