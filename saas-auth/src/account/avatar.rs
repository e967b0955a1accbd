use std::time::Duration;

use saas_core::{DbError, FieldError, Ledger, Origin, Problem, ProblemType, SignedIn, system_event_in};
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AvatarChanged;
use crate::{
    Auth, PictureError,
    picture::{LARGE, MAX_SIDE, SMALL, picture},
};

saas_core::ids! {
    /// One picture of a person.
    pub(crate) AvatarId;
}

impl AvatarId {
    /// Where the picture is.
    pub(crate) fn path(self, size: AvatarSize) -> String {
        format!("/avatars/{self}/{}", size.side())
    }
}

/// How large a picture is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum AvatarSize {
    /// 64 pixels wide and high.
    #[serde(rename = "64")]
    Small,
    /// 256 pixels wide and high.
    #[serde(rename = "256")]
    Large,
}

impl AvatarSize {
    const fn side(self) -> u32 {
        match self {
            Self::Small => SMALL,
            Self::Large => LARGE,
        }
    }
}

/// A picture was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AvatarError {
    /// The picture itself is at fault.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Others are being looked at.
    #[error("too many pictures at once")]
    Busy,
    /// Looking at it failed, which is our mistake.
    #[error("the picture could not be looked at")]
    Failed(#[from] JoinError),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AvatarError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<AvatarError> for Problem {
    fn from(error: AvatarError) -> Self {
        match error {
            AvatarError::Picture(PictureError::Kind) => {
                Self::new(&ProblemType::UNSUPPORTED_MEDIA_TYPE).detail("GIF, JPEG, PNG and WebP pictures are taken")
            }
            AvatarError::Picture(PictureError::TooManyPixels) => Self::invalid([FieldError::new(
                "/file",
                format!("has too many pixels: at most {MAX_SIDE} on a side and 25 million in all"),
            )]),
            AvatarError::Picture(PictureError::Broken(_)) => {
                Self::invalid([FieldError::new("/file", "cannot be read: it is cut off or damaged")])
            }
            AvatarError::Failed(error) => Self::internal(error),
            AvatarError::Busy => Self::new(&ProblemType::UNAVAILABLE).retry_after(Duration::from_secs(2)),
            AvatarError::Db(error) => error.into(),
        }
    }
}

/// How long a picture waits for others that are being looked at.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a picture anew and gives it to its person in the place of the one that they have.
pub(crate) async fn avatar_set(auth: &Auth, origin: Origin, me: &SignedIn, bytes: axum::body::Bytes) -> Result<AvatarId, AvatarError> {
    // An unpacked picture is large: a few at a time, and no thread that answers requests.
    let permit = tokio::time::timeout(PATIENCE, auth.pictures().clone().acquire_owned()).await.ok().and_then(Result::ok);
    let permit = permit.ok_or(AvatarError::Busy)?;
    let made = tokio::task::spawn_blocking(move || {
        let made = picture(&bytes);
        drop(permit);
        made
    });
    let made = made.await??;
    let id = AvatarId::new();
    let mut tx = auth.db().system("change a picture").caused_by(origin).begin().await?;
    let now = tx.now();
    sqlx::query!(
        "insert into auth.avatar (user_id, id, small, large, created_at) values ($1, $2, $3, $4, $5)
        on conflict on constraint avatar_pkey do update
        set id = excluded.id, small = excluded.small, large = excluded.large, created_at = excluded.created_at",
        Uuid::from(me.user),
        Uuid::from(id),
        made.small,
        made.large,
        now,
    )
    .execute(&mut *tx)
    .await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &AvatarChanged { has_one: true }).await?;
    tx.commit().await?;
    Ok(id)
}

/// Takes the picture away. There may be none.
pub(crate) async fn avatar_remove(auth: &Auth, origin: Origin, me: &SignedIn) -> Result<(), DbError> {
    let mut tx = auth.db().system("remove a picture").caused_by(origin).begin().await?;
    let removed = sqlx::query!("delete from auth.avatar where user_id = $1", Uuid::from(me.user)).execute(&mut *tx).await?;
    if removed.rows_affected() > 0 {
        system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &AvatarChanged { has_one: false }).await?;
    }
    tx.commit().await
}

/// A picture, for its person and for those who belong to an organization with them.
pub(crate) async fn avatar_read(auth: &Auth, reader: &SignedIn, id: AvatarId, size: AvatarSize) -> Result<Option<Vec<u8>>, DbError> {
    let places: Vec<Uuid> = reader.memberships.iter().map(|place| place.id.into()).collect();
    let mut tx = auth.db().system("show a picture").begin().await?;
    let picture = sqlx::query_scalar!(
        r#"select case when $3 then avatar.large else avatar.small end as "picture!"
        from auth.avatar
        where avatar.id = $1 and (
            avatar.user_id = $2
            or exists (
                select from core.member theirs
                where theirs.tenant_id = any($4) and theirs.user_id = avatar.user_id and theirs.left_at is null
            )
        )"#,
        Uuid::from(id),
        Uuid::from(reader.user),
        size == AvatarSize::Large,
        &places,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(picture)
}
