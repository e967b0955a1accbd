use std::net::IpAddr;

use chrono::{DateTime, Utc};
use saas_core::{Db, DbError, SignedIn, TenantId, TokenFamilyId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A program that acts for a person in an organization, as the person sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[non_exhaustive]
pub struct TokenFamily {
    /// Its id, to end it by. Of no use for anything else.
    pub id: TokenFamilyId,
    /// What the person called it.
    pub name: Option<String>,
    /// The organization in which it acts.
    pub organization: TenantId,
    /// The organization's name.
    pub organization_name: String,
    /// What it called itself when it last got tokens.
    pub user_agent: Option<String>,
    /// Where it last got tokens from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// When it got its first tokens.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// The programs that may act for a person, the last used first.
pub(crate) async fn token_family_list(db: &Db, me: &SignedIn) -> Result<Vec<TokenFamily>, DbError> {
    let mut tx = db.system("a person's tokens").begin().await?;
    let now = tx.now();
    let families = sqlx::query_as!(
        TokenFamily,
        r#"select token_family.id as "id: TokenFamilyId", token_family.name, token_family.tenant_id as "organization: TenantId",
            tenant.name as organization_name, token_family.user_agent, token_family.address as "address: IpAddr",
            token_family.created_at, token_family.last_seen_at, token_family.expires_at
        from auth.token_family
        join core.tenant on tenant.id = token_family.tenant_id
        join core.member on member.tenant_id = token_family.tenant_id and member.user_id = token_family.user_id
        where token_family.user_id = $1 and token_family.ended_at is null and token_family.expires_at > $2
          and member.left_at is null and member.joined_at = token_family.member_since
        order by token_family.last_seen_at desc, token_family.id"#,
        Uuid::from(me.user),
        now,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(families)
}
