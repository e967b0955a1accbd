use serde::{Deserialize, Serialize};
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Frequency, NoticeGroup, NoticeKind, NotificationPreferenceChanged, Notifications};
use crate::{Actor, Change, DbError, FieldError, Problem, TenantTx, UserId, event_in};

/// A channel that each person has preferences for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PersonalChannel {
    /// The list inside the product.
    List,
    /// Mail.
    Mail,
    /// The browsers that they allowed.
    Push,
}

impl PersonalChannel {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Mail => "mail",
            Self::Push => "push",
        }
    }
}

/// How somebody is told of one kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preference {
    /// The name of the event.
    pub kind: &'static str,
    /// What it is about.
    pub group: NoticeGroup,
    /// Whether it is in the list: now or off.
    pub list: Frequency,
    /// How it is mailed.
    pub mail: Frequency,
    /// Whether it is told in the browsers that were allowed: now or off.
    pub push: Frequency,
    /// Whether none of it can be changed.
    pub mandatory: bool,
}

/// A preference cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreferenceError {
    /// Nobody is told of such a thing.
    #[error("nobody is told of such a thing")]
    Unknown,
    /// It cannot be switched off or put off.
    #[error("this cannot be switched off")]
    Mandatory,
    /// Only mail has a daily edition.
    #[error("this channel is now or off")]
    Frequency(PersonalChannel),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<PreferenceError> for Problem {
    fn from(error: PreferenceError) -> Self {
        match error {
            PreferenceError::Unknown => Self::invalid([FieldError::new("/kind", "nobody is told of such a thing")]),
            PreferenceError::Mandatory => Self::invalid([FieldError::new("/kind", "cannot be switched off")]),
            PreferenceError::Frequency(channel) => Self::invalid([FieldError::new(format!("/{}", channel.as_str()), "must be now or off")]),
            PreferenceError::Database(error) => error.into(),
        }
    }
}

impl Notifications {
    /// How a person is told of each kind that their role may hear of.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn preferences_in(&self, tx: &mut TenantTx, user: UserId, permissions: &[&'static str]) -> Result<Vec<Preference>, DbError> {
        let chosen = query!(
            "select kind, channel, frequency from notification_preference where tenant_id = $1 and user_id = $2",
            tx.tenant().map(Uuid::from),
            Uuid::from(user),
        )
        .fetch_all(&mut **tx)
        .await?;
        let choice = |kind: &NoticeKind, channel: PersonalChannel| {
            let row = chosen.iter().find(|row| row.kind == kind.event && row.channel == channel.as_str() && !kind.mandatory);
            row.map_or(channel.default_of(kind), |row| Frequency::of(&row.frequency))
        };
        let kinds = self.kinds().iter().filter(|kind| self.is_heard_with(kind, permissions));
        let preferences = kinds.map(|kind| Preference {
            kind: kind.event,
            group: kind.group,
            list: choice(kind, PersonalChannel::List),
            mail: choice(kind, PersonalChannel::Mail),
            push: choice(kind, PersonalChannel::Push),
            mandatory: kind.mandatory,
        });
        Ok(preferences.collect())
    }
}

impl PersonalChannel {
    /// How somebody is told of a kind here who chose nothing.
    const fn default_of(self, kind: &NoticeKind) -> Frequency {
        match self {
            Self::List => Frequency::Now,
            Self::Mail => kind.mail,
            Self::Push => kind.push(),
        }
    }
}

/// Remembers how a person wants to be told of a kind in a channel, and records it if it is another way than before.
///
/// Where nothing was chosen yet, the default is put there first: so of two that choose at once the second sees what the first chose.
pub(super) async fn preference_set_in(
    tx: &mut TenantTx,
    (user, actor): (UserId, Actor),
    kind: &NoticeKind,
    channel: PersonalChannel,
    frequency: Frequency,
) -> Result<(), PreferenceError> {
    if kind.mandatory {
        return Err(PreferenceError::Mandatory);
    }
    if channel != PersonalChannel::Mail && frequency == Frequency::Daily {
        return Err(PreferenceError::Frequency(channel));
    }
    let tenant = tx.tenant().map(Uuid::from);
    query!(
        "insert into notification_preference (tenant_id, user_id, kind, channel, frequency) values ($1, $2, $3, $4, $5)
        on conflict on constraint notification_preference_pkey do nothing",
        tenant,
        Uuid::from(user),
        kind.event,
        channel.as_str(),
        channel.default_of(kind).as_str(),
    )
    .execute(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let old = query_scalar!(
        "update notification_preference p set frequency = $5
        from (
            select frequency from notification_preference
            where tenant_id = $1 and user_id = $2 and kind = $3 and channel = $4
            for no key update
        ) old
        where p.tenant_id = $1 and p.user_id = $2 and p.kind = $3 and p.channel = $4
        returning old.frequency",
        tenant,
        Uuid::from(user),
        kind.event,
        channel.as_str(),
        frequency.as_str(),
    )
    .fetch_one(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let change = Change::new(Frequency::of(&old), frequency);
    if change.old != change.new {
        let changed = NotificationPreferenceChanged { kind: kind.event.to_owned(), channel, frequency: change };
        event_in(tx, actor, user, &changed).await?;
    }
    Ok(())
}

/// Remembers that a person wants no daily mail: whatever would come with it does not, but for what is mandatory. Each kind that came with it is
/// recorded.
pub(super) async fn daily_end_in(tx: &mut TenantTx, (user, actor): (UserId, Actor), kinds: &[NoticeKind]) -> Result<(), DbError> {
    let optional = || kinds.iter().filter(|kind| !kind.mandatory);
    let names: Vec<_> = optional().map(|kind| kind.event.to_owned()).collect();
    let mails: Vec<_> = optional().map(|kind| kind.mail.as_str().to_owned()).collect();
    let ended = query_scalar!(
        "insert into notification_preference as p (tenant_id, user_id, kind, channel, frequency)
        select $1, $2, kind.name, 'mail', 'off' from unnest($3::text[], $4::text[]) kind (name, mail)
        left join notification_preference chosen
            on chosen.tenant_id = $1 and chosen.user_id = $2 and chosen.kind = kind.name and chosen.channel = 'mail'
        where coalesce(chosen.frequency, kind.mail) = 'daily'
        on conflict on constraint notification_preference_pkey do update set frequency = excluded.frequency where p.frequency = 'daily'
        returning p.kind",
        tx.tenant().map(Uuid::from),
        Uuid::from(user),
        &names,
        &mails,
    )
    .fetch_all(&mut **tx)
    .await?;
    for kind in ended {
        let frequency = Change::new(Frequency::Daily, Frequency::Off);
        event_in(tx, actor, user, &NotificationPreferenceChanged { kind, channel: PersonalChannel::Mail, frequency }).await?;
    }
    Ok(())
}
