use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Email, FieldError, Personal, Standing, TenantTx, Token, Validate, event_in,
    mail::{Envelope, Outbox, letters},
    pages::Locale,
};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{InvitationError, InvitationId, InvitationSent, LIFETIME};
use crate::{MemberError, RoleName, Tenancy, member::Rank};

/// How many addresses one request may name.
pub(super) const AT_ONCE: usize = 50;

/// How many mails an organization sends to one address within a day. All organizations together are held up by the mail sender.
const PER_ADDRESS: i32 = 3;

/// How many mails an organization sends within a day.
const PER_ORGANIZATION: i64 = 200;

const DAY: TimeDelta = TimeDelta::days(1);

/// Who is to be invited, and as what.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitations {
    /// The addresses, 1 to 50.
    pub emails: Vec<String>,
    /// The role that all of them are to have.
    pub role: RoleName,
}

impl Validate for NewInvitations {
    fn validate(&self) -> Vec<FieldError> {
        if (1..=AT_ONCE).contains(&self.emails.len()) {
            Vec::new()
        } else {
            vec![FieldError::new("/emails", format!("must be 1 to {AT_ONCE}"))]
        }
    }
}

/// What became of one address. It says nothing of whether somebody has an account with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invited {
    /// The address as it was given.
    pub email: String,
    /// What became of it.
    pub outcome: InvitationOutcome,
    /// The invitation, if it was invited.
    pub id: Option<InvitationId>,
}

/// What became of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationOutcome {
    /// A mail is on its way. An earlier invitation of this address does not count any more.
    Invited,
    /// It is no address that mail can be sent to.
    NoAddress,
    /// Whoever has it is a member already.
    Member,
    /// It has had enough mails for today.
    TooOften,
    /// The organization has sent enough of them for today.
    TooMany,
}

/// One letter of an organization, for whoever writes several.
pub(super) struct Sender<'a> {
    outbox: &'a Outbox,
    locale: Locale,
    caller: &'a Standing,
    rank: Rank,
}

impl<'a> Sender<'a> {
    /// Whoever may invite into this role, now and until the transaction ends: the organization's row is locked.
    pub(super) async fn of(
        tx: &mut TenantTx,
        tenancy: &'a Tenancy,
        locale: Locale,
        caller: &'a Standing,
        role: &RoleName,
    ) -> Result<Self, InvitationError> {
        let outbox = tenancy.outbox().ok_or(InvitationError::NotPermitted)?;
        let rank = tenancy.rank_in(tx, caller).await?.ok_or(InvitationError::NotPermitted)?;
        let offered = tenancy.roles().rights_in(tx, role).await?.ok_or(MemberError::NoRole)?;
        if !rank.rights.covers(&offered) {
            return Err(InvitationError::NotPermitted);
        }
        Ok(Self { outbox, locale, caller, rank })
    }

    /// Takes the address's row for a new invitation and mails its link; or says why not.
    pub(super) async fn send_in(
        &self,
        tx: &mut TenantTx,
        email: &Email,
        role: &RoleName,
    ) -> Result<Result<InvitationId, InvitationOutcome>, InvitationError> {
        let now = tx.now();
        let mailed = query_scalar!(
            r#"select count(*) as "mailed!" from tenancy.invitation, unnest(mailed) one(at) where tenant_id = $1 and one.at > $2"#,
            Uuid::from(self.caller.tenant),
            now - DAY,
        )
        .fetch_one(&mut **tx)
        .await?;
        if mailed >= PER_ORGANIZATION {
            return Ok(Err(InvitationOutcome::TooMany));
        }
        let token = Token::generate();
        let Some(id) = self.row_in(tx, email, role, &token, now).await? else { return Ok(Err(InvitationOutcome::TooOften)) };
        let href = self.outbox.link("/invitation").with("token", token.text().expose());
        let letter = letters::Invitation {
            inviter: self.rank.name.clone(),
            organization: self.caller.name.to_string(),
            href,
            days: LIFETIME.num_days(),
        };
        // Each link is a letter of its own.
        let envelope = Envelope::new(email.as_str(), id, Uuid::now_v7()).in_language(self.locale);
        self.outbox.mail_in(tx, &envelope, &letter).await?;
        event_in(tx, self.caller.actor, id, &InvitationSent { email: Personal(email.as_str().to_owned()), role: role.clone() }).await?;
        Ok(Ok(id))
    }

    /// The row, with the new link's hash; none if the address has had enough mails.
    async fn row_in(
        &self,
        tx: &mut TenantTx,
        email: &Email,
        role: &RoleName,
        token: &Token,
        now: DateTime<Utc>,
    ) -> Result<Option<InvitationId>, InvitationError> {
        let hash = token.hash();
        let id = query_scalar!(
            r#"insert into tenancy.invitation as kept
                (tenant_id, id, email, email_key, role, token_hash, invited_by, member_since, invited_at, expires_at, mailed)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, array[$9::timestamptz])
            on conflict on constraint invitation_email_key do update
            set email = excluded.email, role = excluded.role, token_hash = excluded.token_hash, invited_by = excluded.invited_by,
                member_since = excluded.member_since, invited_at = excluded.invited_at, expires_at = excluded.expires_at,
                ended_at = null, accepted_by = null,
                mailed = $9::timestamptz || array(select one.at from unnest(kept.mailed) one(at) where one.at > $11)
            where (select count(*) from unnest(kept.mailed) one(at) where one.at > $11) < $12::int4
            returning id as "id: InvitationId""#,
            Uuid::from(self.caller.tenant),
            Uuid::from(InvitationId::new()),
            email.as_str(),
            email.key(),
            role.as_str(),
            hash.as_bytes(),
            Uuid::from(self.rank.person),
            self.rank.since,
            now,
            now + LIFETIME,
            now - DAY,
            PER_ADDRESS,
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(id)
    }

    /// Each address once, in the order in which they were given.
    pub(super) async fn send_all_in(&self, tx: &mut TenantTx, new: &NewInvitations) -> Result<Vec<Invited>, InvitationError> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for given in &new.emails {
            let parsed = given.parse::<Email>();
            if !seen.insert(parsed.as_ref().map_or(given.as_str(), Email::key).to_owned()) {
                continue;
            }
            let sent = match parsed {
                Err(_) => Err(InvitationOutcome::NoAddress),
                Ok(email) if is_member_in(tx, &email).await? => Err(InvitationOutcome::Member),
                Ok(email) => self.send_in(tx, &email, &new.role).await?,
            };
            let outcome = sent.err().unwrap_or(InvitationOutcome::Invited);
            all.push(Invited { email: given.clone(), outcome, id: sent.ok() });
        }
        Ok(all)
    }
}

/// Whether a member is known under this address, which members see of each other anyway.
async fn is_member_in(tx: &mut TenantTx, email: &Email) -> Result<bool, InvitationError> {
    let found = query!(
        "select user_id from core.member where tenant_id = $1 and left_at is null and lower(email) = $2",
        tx.tenant().map(Uuid::from),
        email.key(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}
