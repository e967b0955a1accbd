use std::fmt;

use saas_core::{DbError, Ledger, Origin, Secret, SignedIn, SystemTx, UserId, system_event_in};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{BackupCodesRenewed, SecondFactorError, second_factor_in};
use crate::{Auth, account::account_lock_in, mail::Letters};

/// How many there are at once.
const COUNT: usize = 10;

/// 120 bits: nothing to guess (ASVS 6.5.2 asks for 112), and 24 letters and digits.
const BYTES: usize = 15;

/// What they are written with: five bits each.
const LETTERS: usize = BYTES * 8 / 5;

/// Letters and digits that stand together.
const GROUP: usize = 4;

/// A set of codes, shown once.
pub(crate) struct BackupCodes(Vec<Code>);

struct Code(Zeroizing<[u8; BYTES]>);

impl Code {
    /// As it is kept.
    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_slice()).to_vec()
    }

    fn text(&self) -> String {
        let text = totp_rs::Secret::from(*self.0).to_base32();
        let groups: Vec<&str> = (0..text.len()).step_by(GROUP).map(|at| &text[at..(at + GROUP).min(text.len())]).collect();
        groups.join("-")
    }

    /// What [`text`](Self::text) wrote, also in small letters and with other spaces.
    fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        let secret = totp_rs::Secret::try_from_base32(&text).ok().filter(|_| text.len() == LETTERS)?;
        Some(Self(Zeroizing::new(secret.as_bytes().try_into().ok()?)))
    }
}

impl BackupCodes {
    fn generate() -> Self {
        Self((0..COUNT).map(|_| Code(Zeroizing::new(rand::random()))).collect())
    }

    /// As they are shown.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.iter().map(Code::text).collect()
    }
}

impl fmt::Debug for BackupCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// New codes in the place of all that there were.
pub(super) async fn backup_codes_replace_in(tx: &mut SystemTx, user: UserId) -> Result<BackupCodes, DbError> {
    let now = tx.now();
    let codes = BackupCodes::generate();
    let hashes: Vec<Vec<u8>> = codes.0.iter().map(Code::hash).collect();
    sqlx::query!("delete from auth.backup_code where user_id = $1", Uuid::from(user)).execute(&mut **tx).await?;
    sqlx::query!(
        "insert into auth.backup_code (user_id, code_hash, created_at) select $1, hash, $3 from unnest($2::bytea[]) hash",
        Uuid::from(user),
        &hashes,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(codes)
}

/// Uses a code, if it is one of the account's that was not; how many are left then.
pub(super) async fn backup_code_use_in(tx: &mut SystemTx, user: UserId, code: &Secret) -> Result<Option<i64>, DbError> {
    let Some(code) = Code::parse(code.expose()) else { return Ok(None) };
    let now = tx.now();
    let used = sqlx::query!(
        "update auth.backup_code set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null",
        Uuid::from(user),
        code.hash(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    if used.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(second_factor_in(tx, user).await?.backup_codes_left))
}

/// Gives whoever is signed in and has a second factor new codes; the old ones end.
pub(crate) async fn backup_codes_renew(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    letters: &Letters,
) -> Result<BackupCodes, SecondFactorError> {
    let mut tx = auth.db().system("renew backup codes").caused_by(origin).begin().await?;
    account_lock_in(&mut tx, me.user).await?;
    if second_factor_in(&mut tx, me.user).await?.since.is_none() {
        return Err(SecondFactorError::Absent);
    }
    let codes = backup_codes_replace_in(&mut tx, me.user).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &BackupCodesRenewed {}).await?;
    letters.backup_codes_renewed_in(&mut tx, me.into()).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "renewed backup codes");
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ASVS 6.5.2 to 6.5.4, topic 9.
    #[test]
    fn ten_codes_have_120_bits_each_and_are_read_as_people_type_them() {
        let codes = BackupCodes::generate();
        let texts = codes.texts();
        let mut distinct = texts.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((distinct.len(), BYTES * 8), (10, 120));
        for (code, text) in codes.0.iter().zip(&texts) {
            assert_eq!((text.len(), text.split('-').count()), (29, 6), "{text}");
            for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), format!(" {} ", text.replace('-', ""))] {
                assert_eq!(Code::parse(&typed).map(|read| read.hash()), Some(code.hash()), "{typed}");
            }
        }
        for wrong in ["", "123456", "AAAA-AAAA-AAAA-AAAA-AAAA", &format!("{}A", texts[0]), "ÄÄÄÄ-AAAA-AAAA-AAAA-AAAA-AAAA"] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
    }
}
