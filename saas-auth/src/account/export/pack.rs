use chrono::TimeDelta;
use saas_core::{Actor, Job, JobError, Jobs, Ledger, SystemRun, Token, UserId, pages::Locale, person_export_in, system_event_in};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Auth, account::DataExportReady, mail::Reader};

/// How long an export is there.
pub(crate) const EXPORT_LIFETIME: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackData {
    pub(super) export: Uuid,
}

impl Job for PackData {
    const NAME: &'static str = "auth.export";
}

impl Auth {
    /// Packs the data of people who ask for it, and mails them where it is.
    pub fn export_for(&self, jobs: &Jobs) {
        let auth = self.clone();
        jobs.on(move |run: SystemRun, job: PackData| {
            let auth = auth.clone();
            async move { auth.pack(&run, job.export).await }
        });
    }

    /// The archive, the mail and that the job is done are one transaction.
    async fn pack(&self, run: &SystemRun, export: Uuid) -> Result<(), JobError> {
        let mut tx = run.db().begin().await?;
        let now = tx.now();
        let wanted = sqlx::query!(
            r#"select account.user_id as "user_id: UserId", account.email, account.name
            from auth.export
            join auth.account on account.user_id = export.user_id
            where export.id = $1 and export.ready_at is null
            for update of export"#,
            export,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(wanted) = wanted {
            let data = person_export_in(&mut tx, &self.db().inventory(), wanted.user_id).await?;
            let archive = tokio::task::spawn_blocking(move || data.zip()).await??;
            let token = Token::generate();
            let hash = token.hash();
            sqlx::query!(
                "update auth.export set ready_at = $2, expires_at = $3, token_hash = $4, archive = $5 where id = $1",
                export,
                now,
                now + EXPORT_LIFETIME,
                hash.as_bytes(),
                archive,
            )
            .execute(&mut *tx)
            .await?;
            let reader = Reader { user: wanted.user_id, email: &wanted.email, name: &wanted.name };
            self.letters(Locale::default(), None).export_in(&mut tx, reader, &token).await?;
            system_event_in(&mut tx, Ledger::Platform, Actor::System, wanted.user_id, &DataExportReady {}).await?;
        }
        run.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
