use sqlx::query;

use super::{Delivery, MailReport, Says};
use crate::{
    DbError, SystemTx,
    mail::{SuppressionReason, Suppressions, suppression::without_addresses, verdict::Verdict},
};

/// What followed on a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Nothing more is sent to the letter's reader.
    Suppressed(SuppressionReason),
    /// The letter did not arrive, and that is not the mailbox's fault: the next one may.
    Failed,
    /// Nothing: it arrived, is still tried, by its mail server or by us, or somebody thinks something of it that is no complaint.
    Nothing,
}

/// A report is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It returns a letter that was never sent, or so long ago that nobody knows.
    #[error("none of our letters has the id of the one that the report returns")]
    Unknown,
    /// It names somebody else than the one reader of that letter: its sender's idea, or the mailbox to which its reader has mail passed on.
    #[error("the letter that the report returns went to another address")]
    OtherReader,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Suppressions {
    /// Does what follows on a report: sends nothing more to a mailbox that is not there, or to somebody who complained.
    ///
    /// # Security
    ///
    /// A report is believed of a letter in the outbox, found by the `Message-ID` that it was sent under, and of the address that it was sent
    /// to. Nobody can make that id of the one that our logs have: a part of it is signed with the master key. So who has neither the letter nor the
    /// log of a mail server on its way can say nothing of it, and who has, nothing of anybody else. A complaint that names nobody, as some
    /// providers want it, is its reader's.
    ///
    /// What is kept of the answer has no address in it.
    ///
    /// # Errors
    ///
    /// Fails if it is not to be believed, or the database does.
    pub async fn report_in(&self, tx: &mut SystemTx, report: &MailReport) -> Result<Reported, ReportError> {
        let letter = query!(
            "select to_hash, state from core.mail where id = $1 and message_id = $2 for no key update",
            report.letter,
            report.message_id.as_str(),
        )
        .fetch_optional(&mut **tx)
        .await
        .map_err(DbError::from)?
        .ok_or(ReportError::Unknown)?;
        let is_reader = |address: &str| self.hashes(address).contains(&letter.to_hash);
        let (reason, answer) = match &report.says {
            Says::Delivery(all) => {
                let Delivery { verdict, answer, .. } = all.iter().find(|it| is_reader(&it.address)).ok_or(ReportError::OtherReader)?;
                match verdict {
                    Verdict::Later => return Ok(Reported::Nothing),
                    // It had not ended here when it came back: the next try says how it ends.
                    Verdict::Refused if !matches!(letter.state.as_str(), "sent" | "failed") => return Ok(Reported::Nothing),
                    Verdict::Refused => {
                        failed_in(tx, report, answer).await?;
                        return Ok(Reported::Failed);
                    }
                    Verdict::NoSuchMailbox => {
                        failed_in(tx, report, answer).await?;
                        (SuppressionReason::Bounce, Some(answer.as_str()))
                    }
                }
            }
            Says::Complaint(named) if named.is_empty() || named.iter().any(|address| is_reader(address)) => {
                (SuppressionReason::Complaint, None)
            }
            Says::Complaint(_) => return Err(ReportError::OtherReader),
            Says::Opinion => return Ok(Reported::Nothing),
        };
        self.add_hash_in(tx, &letter.to_hash, reason, answer).await?;
        Ok(Reported::Suppressed(reason))
    }
}

/// A letter that was taken did not arrive.
async fn failed_in(tx: &mut SystemTx, report: &MailReport, answer: &str) -> Result<(), DbError> {
    let answer = without_addresses(answer);
    query!("update core.mail set state = 'failed', answer = left($2, 500) where id = $1 and state = 'sent'", report.letter, answer)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
