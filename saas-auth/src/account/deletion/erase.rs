use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{
    Actor, EraseAgain, Erased, ErasedAgain, Erasures, Job, JobError, Jobs, Ledger, SystemDb, SystemRun, UserId, mail::MailInError,
    pages::Locale, person_erase_again_in, person_erase_in, system_event_in,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Auth, account::AccountErased, mail::Reader};

/// How long before the end somebody is reminded.
const REMINDER: TimeDelta = TimeDelta::days(3);

#[derive(Debug, Serialize, Deserialize)]
struct EraseAccounts {}

impl Job for EraseAccounts {
    const NAME: &'static str = "auth.erase";
}

impl Auth {
    /// Erases each night (UTC) whoever has been leaving for 30 days, and reminds those whose days are nearly over. Who is erased stands in the list
    /// afterwards, and after a restore is erased again by it.
    pub fn erase_daily(&self, jobs: &Jobs, erasures: &Erasures) {
        erasures.register(self.clone());
        let (auth, erasures) = (self.clone(), erasures.clone());
        jobs.on(move |run: SystemRun, _: EraseAccounts| {
            let (auth, erasures) = (auth.clone(), erasures.clone());
            async move {
                let erased = auth.erase(run.db()).await;
                // Whatever stood in somebody's way, the others are gone.
                let kept = erasures.keep(run.db()).await;
                erased?;
                kept.map(drop).map_err(JobError::from)
            }
        });
        jobs.cron("50 3 * * *", &EraseAccounts {});
    }

    /// Erases whoever has been leaving for 30 days, in all tables that the inventory knows ([`person_erase_in`]), and reminds those who have three
    /// days left. Says how many it erased.
    ///
    /// Each person is erased in a transaction of their own, together with the event that proves it and the last letter: whatever is killed
    /// when, it happens once, and two at once do no harm.
    ///
    /// # Errors
    ///
    /// Fails if the database does or a letter cannot be written; who was erased until then stays so.
    pub async fn erase(&self, db: &SystemDb) -> Result<u64, MailInError> {
        while self.remind_one(db).await? {}
        let mut erased = 0;
        while self.erase_one(db).await? {
            erased += 1;
        }
        Ok(erased)
    }

    /// The next one; false if nobody is left.
    async fn remind_one(&self, db: &SystemDb) -> Result<bool, MailInError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let next = sqlx::query!(
            r#"update auth.account set leaving_reminded_at = $1
            from (
                select account.user_id from auth.account
                join core.user person on person.id = account.user_id
                where person.state = 'leaving' and account.leaving_reminded_at is null and account.leaves_at between $1 and $2
                limit 1
                for no key update of account skip locked
            ) next
            where account.user_id = next.user_id
            returning account.user_id as "user_id: UserId", account.email, account.name, account.leaves_at as "leaves_at!""#,
            now,
            now + REMINDER,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(next) = next else { return Ok(false) };
        let reader = Reader { user: next.user_id, email: &next.email, name: &next.name };
        self.letters(Locale::default(), None).leaving_soon_in(&mut tx, reader, next.leaves_at).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn erase_one(&self, db: &SystemDb) -> Result<bool, MailInError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let next = sqlx::query!(
            r#"select account.user_id as "user_id: UserId", account.email, account.name
            from auth.account
            join core.user person on person.id = account.user_id
            where person.state = 'leaving' and account.leaves_at <= $1
            order by account.leaves_at
            limit 1
            for update of account skip locked"#,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(next) = next else { return Ok(false) };
        let user = next.user_id;
        self.outbox().forget_in(&mut tx, &next.email).await?;
        let reader = Reader { user, email: &next.email, name: &next.name };
        self.letters(Locale::default(), None).erased_in(&mut tx, reader).await?;
        let rows = person_erase_in(&mut tx, &self.db().inventory(), user).await?;
        system_event_in(&mut tx, Ledger::Platform, Actor::System, user, &AccountErased { rows }).await?;
        tx.commit().await?;
        tracing::info!(user.id = %user, rows, "erased an account");
        Ok(true)
    }
}

#[async_trait]
impl EraseAgain for Auth {
    async fn erase_again(&self, db: &SystemDb, erased: Erased) -> Result<Option<ErasedAgain>, Box<dyn std::error::Error + Send + Sync>> {
        let Erased::Person(user) = erased else { return Ok(None) };
        let mut tx = db.begin().await?;
        let email = sqlx::query_scalar!("select email from auth.account where user_id = $1 for update", Uuid::from(user))
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(email) = &email {
            // Letters that waited when the dump was made.
            self.outbox().forget_in(&mut tx, email).await?;
        }
        let (rows, done) = person_erase_again_in(&mut tx, &self.db().inventory(), user).await?;
        // Who stays an owner is emptied as often as somebody asks, and erased once.
        if email.is_some() || done == ErasedAgain::Whole {
            system_event_in(&mut tx, Ledger::Platform, Actor::System, user, &AccountErased { rows }).await?;
        }
        tx.commit().await?;
        tracing::info!(user.id = %user, rows, "erased an account again");
        Ok(Some(done))
    }
}
