use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Db, DbError, Ledger, MasterKey, Purpose, SystemTx};

const ENTRIES: Purpose = Purpose::new("audit chain");
const HEADS: Purpose = Purpose::new("audit head");

/// What the first entry of a chain has before it.
const NOTHING: [u8; 32] = [0; 32];

/// The chains of all ledgers, with the key that they are made with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditChain {
    pub(super) db: Db,
    keys: MasterKey,
}

/// The end of a chain at some time, signed: proof that there were so many entries. Keep it where whoever has the database cannot write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose chain: a tenant's id, or the nil id for the program's own.
    pub ledger: Uuid,
    /// How many entries were sealed.
    pub sealed: i64,
    /// The mac of the last of them, in hexadecimal.
    #[serde(with = "hex")]
    pub mac: Vec<u8>,
    /// Up to which entry the chain had been pruned.
    pub pruned: i64,
    /// The mac of that entry, in hexadecimal.
    #[serde(with = "hex")]
    pub pruned_mac: Vec<u8>,
    /// When the chain came to be so.
    pub at: DateTime<Utc>,
    /// Over all of it, in hexadecimal.
    #[serde(with = "hex")]
    pub signature: Vec<u8>,
}

impl AuditChain {
    /// The chains in this database, made with a key that is derived from the master key. After the master key was rotated, what was sealed
    /// with the old one verifies as long as that one is in the list.
    #[must_use]
    pub fn new(db: &Db, keys: &MasterKey) -> Self {
        Self { db: db.clone(), keys: keys.clone() }
    }

    pub(super) fn seal(&self, message: &[u8]) -> Vec<u8> {
        self.keys.sign(ENTRIES, message).to_vec()
    }

    pub(super) fn is_sealed(&self, message: &[u8], mac: &[u8]) -> bool {
        self.keys.signed(ENTRIES, message, mac)
    }

    /// Whether a checkpoint, or the end of a chain, is as it was signed.
    #[must_use]
    pub fn is_signed(&self, checkpoint: &Checkpoint) -> bool {
        self.keys.signed(HEADS, &checkpoint.message(), &checkpoint.signature)
    }

    /// The ends of all chains as they are now.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, DbError> {
        let mut tx = self.db.system("take audit checkpoints").begin().await?;
        let heads = sqlx::query_as!(
            Checkpoint,
            "select tenant_id as ledger, sealed, mac, pruned, pruned_mac, at, signature from audit_head order by tenant_id"
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(heads)
    }

    /// The end of a chain that has not begun.
    pub(super) fn beginning(&self, ledger: Ledger, at: DateTime<Utc>) -> Checkpoint {
        let mut head = Checkpoint {
            ledger: ledger.id(),
            sealed: 0,
            mac: NOTHING.to_vec(),
            pruned: 0,
            pruned_mac: NOTHING.to_vec(),
            at,
            signature: Vec::new(),
        };
        self.sign(&mut head);
        head
    }

    fn sign(&self, head: &mut Checkpoint) {
        head.signature = self.keys.sign(HEADS, &head.message()).to_vec();
    }

    /// Writes the end of a chain, which the caller has locked.
    pub(super) async fn head_set_in(&self, tx: &mut SystemTx, mut head: Checkpoint) -> Result<(), DbError> {
        head.at = tx.now();
        self.sign(&mut head);
        sqlx::query!(
            r#"update audit_head set sealed = $2, mac = $3, pruned = $4, pruned_mac = $5, at = $6, signature = $7 where tenant_id = $1"#,
            head.ledger,
            head.sealed,
            head.mac,
            head.pruned,
            head.pruned_mac,
            head.at,
            head.signature,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The end of a chain, locked until the transaction ends; none if there is none, somebody else has it, or it is not as it was signed: a
    /// chain that was tampered with must not be signed again.
    pub(super) async fn head_lock_in(&self, tx: &mut SystemTx, ledger: Ledger) -> Result<Option<Checkpoint>, DbError> {
        let head = sqlx::query_as!(
            Checkpoint,
            r#"select tenant_id as ledger, sealed, mac, pruned, pruned_mac, at, signature from audit_head
            where tenant_id = $1
            for update skip locked"#,
            ledger.id(),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(head.filter(|head| {
            let is_signed = self.is_signed(head);
            if !is_signed {
                tracing::error!(tenant.id = %head.ledger, "the end of an audit chain is not as it was signed: nothing more is sealed");
            }
            is_signed
        }))
    }
}

impl Checkpoint {
    fn message(&self) -> Vec<u8> {
        // Numbers and ids have one length; a mac that has another says so.
        [
            self.ledger.as_bytes().as_slice(),
            &self.sealed.to_be_bytes(),
            &self.pruned.to_be_bytes(),
            &self.at.timestamp_micros().to_be_bytes(),
            &(self.mac.len() as u64).to_be_bytes(),
            &self.mac,
            &self.pruned_mac,
        ]
        .concat()
    }
}

mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2));
        pairs.map(|pair| u8::from_str_radix(pair.unwrap_or_default(), 16).map_err(D::Error::custom)).collect()
    }
}
