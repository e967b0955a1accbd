use saas_core::{
    DbError, Ledger, Origin, Preferences, Problem, SignedIn, Theme, TimeZone, Validate, pages::Locale, person_known_as_in,
    preferences_set_in, system_event_in,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ProfileChanged;
use crate::{
    Auth,
    refused::{self, Refused},
};

/// What a person is called and how they want to be addressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What they are called: 1 to 100 characters.
    pub name: String,
    /// The language of pages and mails; null leaves it to the browser.
    #[serde(default)]
    pub locale: Option<Locale>,
    /// The time zone that times are told in; null leaves it to the browser, and mail tells UTC.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Light, dark, or as the device says.
    #[serde(default)]
    pub theme: Theme,
}

/// Its name is checked where it is used.
impl Validate for Profile {}

impl Profile {
    pub(crate) fn of(me: &SignedIn) -> Self {
        let Preferences { locale, time_zone, theme } = me.preferences;
        Self { name: me.name.clone(), locale, time_zone, theme }
    }

    fn preferences(&self) -> Preferences {
        Preferences { locale: self.locale, time_zone: self.time_zone, theme: self.theme }
    }

    /// What is another in `new`.
    fn difference(&self, new: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != new.name),
            ("locale", self.locale != new.locale),
            ("time_zone", self.time_zone != new.time_zone),
            ("theme", self.theme != new.theme),
        ];
        fields.into_iter().filter_map(|(field, is_other)| is_other.then_some(field)).collect()
    }
}

/// A profile was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Something that was entered is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ProfileError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Refused(refused) => refused.into(),
            ProfileError::Db(error) => error.into(),
        }
    }
}

/// Changes what differs, wherever it is kept, and gives the profile as it is now.
pub(crate) async fn profile_set(auth: &Auth, origin: Origin, me: &SignedIn, mut new: Profile) -> Result<Profile, ProfileError> {
    let mut refused = Refused::default();
    new.name = refused.take("name", refused::name(&new.name)).ok_or(ProfileError::Refused(refused))?;
    let changed = Profile::of(me).difference(&new);
    if changed.is_empty() {
        return Ok(new);
    }
    let mut tx = auth.db().system("change a profile").caused_by(origin).begin().await?;
    let email = sqlx::query_scalar!("update auth.account set name = $2 where user_id = $1 returning email", Uuid::from(me.user), new.name)
        .fetch_one(&mut *tx)
        .await?;
    if changed.contains(&"name") {
        person_known_as_in(&mut tx, me.user, &new.name, &email).await?;
    }
    preferences_set_in(&mut tx, me.user, &new.preferences()).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &ProfileChanged { changed }).await?;
    tx.commit().await?;
    Ok(new)
}
