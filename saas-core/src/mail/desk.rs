//! What an organization decides about its mail: how it looks, and whom it goes to again although it came back.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MailAddressLifted, Suppression, SuppressionReason, Suppressions, page};
use crate::{
    Actor, Can, Db, DbError, Json, MasterKey, NoContent, Origin, Path, Problem, Routes, TenantDb, TenantTx, UserId,
    mail::{
        MailWrite,
        brand::{Brand, BrandFields, brand_change_in, brand_in},
    },
    system_event_in,
};

/// The pages at `/mail` and the API at `/api/v1/mail`, to be merged below a tenancy layer.
pub fn mail_routes<S: Clone + Send + Sync + 'static>(db: &Db, keys: &MasterKey) -> Routes<S> {
    let desk = Desk { db: db.clone(), suppressions: Suppressions::new(keys.clone()) };
    Routes::new()
        .get("/api/v1/mail/brand", read)
        .about("How the organization's mail looks")
        .put("/api/v1/mail/brand", change)
        .about("Changes how the organization's mail looks; what is left out is the product's own")
        .get("/api/v1/mail/undelivered", undelivered)
        .about("Lists the members whom no mail goes to, because it came back or they complained")
        .post("/api/v1/mail/undelivered/{user}/lift", lift)
        .about("Sends mail again to a member whose address it came back from")
        .with_state(desk.clone())
        .merge(page::routes(desk))
}

#[derive(Clone)]
pub(super) struct Desk {
    db: Db,
    suppressions: Suppressions,
}

/// A member whom no mail goes to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Undelivered {
    /// The member.
    user: UserId,
    /// What the organization calls them.
    name: String,
    /// Their address.
    email: String,
    /// Why nothing goes there. What came back may be sent again; whoever complained stays undisturbed.
    reason: SuppressionReason,
    /// Since when.
    since: DateTime<Utc>,
}

/// Members whom no mail goes to.
#[derive(Debug, Serialize, ToSchema)]
struct UndeliveredList {
    undelivered: Vec<Undelivered>,
}

/// Mail was not begun again.
#[derive(Debug, thiserror::Error)]
pub(super) enum LiftError {
    #[error("mail goes to this member, or there is none such")]
    NotFound,
    #[error("whoever complained is not written to again")]
    Complained,
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<LiftError> for Problem {
    fn from(error: LiftError) -> Self {
        match error {
            LiftError::NotFound => Self::not_found(),
            LiftError::Complained => Self::forbidden().detail(error.to_string()),
            LiftError::Database(error) => error.into(),
        }
    }
}

struct Addressee {
    user: UserId,
    name: String,
    email: String,
}

impl Desk {
    /// Those of the tenant's members whom no mail goes to.
    pub(super) async fn undelivered_in(&self, tx: &mut TenantTx) -> Result<Vec<Undelivered>, DbError> {
        let members = addressees_in(tx, None).await?;
        let addresses: Vec<_> = members.iter().map(|member| member.email.as_str()).collect();
        // Which addresses these are, the application's login cannot see.
        let mut system = self.db.system("look for members whose mail came back").begin().await?;
        let found = self.suppressions.among_in(&mut system, &addresses).await?;
        let members = members.into_iter().zip(found);
        let undelivered = |(Addressee { user, name, email }, found): (Addressee, Option<Suppression>)| {
            found.map(|Suppression { reason, since, .. }| Undelivered { user, name, email, reason, since })
        };
        Ok(members.filter_map(undelivered).collect())
    }

    /// Sends mail to a member again, and says so in the log; the two are one transaction.
    pub(super) async fn lift(&self, db: &TenantDb, actor: Actor, origin: Origin, user: UserId) -> Result<(), LiftError> {
        let mut tx = db.begin().await?;
        let member = addressees_in(&mut tx, Some(user)).await?.pop().ok_or(LiftError::NotFound)?;
        let tenant = tx.tenant().ok_or(LiftError::NotFound)?;
        drop(tx);
        let mut system = self.db.system("send mail again that came back").caused_by(origin).begin().await?;
        let reason = self.suppressions.find_in(&mut system, &member.email).await?.ok_or(LiftError::NotFound)?.reason;
        if reason == SuppressionReason::Complaint {
            return Err(LiftError::Complained);
        }
        self.suppressions.lift_in(&mut system, &member.email).await?;
        system_event_in(&mut system, tenant.into(), actor, user, &MailAddressLifted { reason }).await?;
        system.commit().await?;
        Ok(())
    }
}

/// The tenant's members, by name; or one of them.
async fn addressees_in(tx: &mut TenantTx, only: Option<UserId>) -> Result<Vec<Addressee>, DbError> {
    let rows = query!(
        r#"select user_id as "user: UserId", name, email from core.member
        where tenant_id = $1 and left_at is null and ($2::uuid is null or user_id = $2)
        order by lower(name), user_id"#,
        tx.tenant().map(Uuid::from),
        only.map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| Addressee { user: row.user, name: row.name, email: row.email }).collect())
}

async fn read(_: Can<MailWrite>, db: TenantDb) -> Result<Json<BrandFields>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(BrandFields::of(&brand_in(&mut tx).await?)))
}

async fn change(can: Can<MailWrite>, db: TenantDb, Json(fields): Json<BrandFields>) -> Result<Json<BrandFields>, Problem> {
    let brand = Brand::try_from(&fields)?;
    let mut tx = db.begin().await?;
    brand_change_in(&mut tx, can.actor(), &brand).await?;
    tx.commit().await?;
    Ok(Json(BrandFields::of(&brand)))
}

async fn undelivered(_: Can<MailWrite>, db: TenantDb, State(desk): State<Desk>) -> Result<Json<UndeliveredList>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(UndeliveredList { undelivered: desk.undelivered_in(&mut tx).await? }))
}

async fn lift(
    can: Can<MailWrite>,
    db: TenantDb,
    origin: Origin,
    State(desk): State<Desk>,
    Path(user): Path<UserId>,
) -> Result<NoContent, Problem> {
    desk.lift(&db, can.actor(), origin, user).await?;
    Ok(NoContent)
}
