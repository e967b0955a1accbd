//! The seal on a transaction's tenant, and who cannot make one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sqlx::{Connection as _, PgConnection};
use zeroize::Zeroizing;

use super::{Db, DbError, Finding, READ, Severity, connections::Connections, pool::OpenTransaction};
use crate::{Clock, MasterKey, Purpose, Secret, keys::Key};

const SEAL: Purpose = Purpose::new("tenant seal");

/// What other sessions of our login can see of a statement (`track_activity_query_size`), at most as far as we go to be out of their sight.
const SHOWN: usize = 16 * 1024;

/// A block of SHA-256.
const BLOCK: usize = 64;

/// What a program seals its transactions with.
pub(super) struct Seal {
    keys: Vec<SealKey>,
    /// Which of them is used: the first that the database knows.
    chosen: usize,
    /// How much of a statement other sessions can see.
    shown: usize,
}

struct SealKey {
    name: String,
    key: Key,
    mac: Hmac<Sha256>,
}

impl SealKey {
    fn each(keys: &MasterKey) -> impl Iterator<Item = Self> {
        keys.derive_each(SEAL).map(|key| {
            let mut block = Zeroizing::new([0; BLOCK]);
            // A key is filled up with zeros to a block of the hash (RFC 2104, section 2).
            block[..key.len()].copy_from_slice(key.as_slice());
            let mac = Hmac::<Sha256>::new(&(*block).into());
            Self { name: tag(&mac, "name")[..16].to_owned(), key, mac }
        })
    }

    /// The key's block with each byte changed by `by` (RFC 2104, section 2).
    fn block(&self, by: u8) -> Zeroizing<[u8; BLOCK]> {
        let mut block = Zeroizing::new([by; BLOCK]);
        block.iter_mut().zip(self.key.iter()).for_each(|(to, key)| *to ^= key);
        block
    }
}

fn tag(mac: &Hmac<Sha256>, message: &str) -> String {
    let mut mac = mac.clone();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the database is: whether it looks at seals, which keys it has, and how much of a statement it shows to other sessions.
struct State {
    is_sealed: bool,
    keys: Vec<String>,
    shown: usize,
}

impl State {
    async fn read(connection: &mut PgConnection) -> Result<Self, DbError> {
        let (is_sealed, may_ask, shown): (Option<bool>, Option<bool>, i32) = sqlx::query_as(
            r"with own as (
                select p.oid, p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname = 'core' and p.proname in ('own_tenant', 'seal_keys') and p.pronargs = 0
            )
            select (select pg_get_functiondef(oid) ~ 'core\.seal_holds\(\)' from own where proname = 'own_tenant'),
                (select has_function_privilege(oid, 'execute') and has_schema_privilege('core', 'usage') from own where proname = 'seal_keys'),
                (select setting::integer from pg_settings where name = 'track_activity_query_size')",
        )
        .fetch_one(&mut *connection)
        .await?;
        // Before its migration there is no such function, and a login that is no member of saas_app may not call it.
        let keys = match may_ask {
            Some(true) => sqlx::query_scalar("select core.seal_keys()").fetch_one(connection).await?,
            _ => Vec::new(),
        };
        Ok(Self { is_sealed: is_sealed == Some(true), keys, shown: usize::try_from(shown).unwrap_or(SHOWN) })
    }

    fn choice(&self, keys: &[SealKey]) -> Option<usize> {
        keys.iter().position(|key| self.keys.contains(&key.name))
    }
}

impl Seal {
    pub(super) async fn of(app: &Connections, keys: Option<&MasterKey>) -> Result<Option<Self>, DbError> {
        let Some(keys) = keys else { return Ok(None) };
        let keys: Vec<_> = SealKey::each(keys).collect();
        let mut transaction = OpenTransaction::begin(app, READ).await?;
        let state = State::read(&mut transaction).await?;
        Ok(Some(Self { chosen: state.choice(&keys).unwrap_or_default(), keys, shown: state.shown.min(SHOWN) }))
    }

    /// The last argument of `core.enter`: it stands so far behind in the text that no other session is shown it.
    pub(super) fn proof(&self, tenant: &str, user: &str) -> String {
        let Some(SealKey { name, mac, .. }) = self.keys.get(self.chosen) else { return String::new() };
        // The server's own time is compared with it, whatever time the program believes it is.
        let at = Clock::system().now().timestamp_micros();
        let proof = tag(mac, &format!("enter/{at}/{tenant}/{user}"));
        format!(", {:shown$}'{name}.{at}.{proof}'", "", shown = self.shown)
    }
}

/// Whether database and program agree about the seal.
pub(super) async fn findings(connection: &mut PgConnection, seal: Option<&Seal>) -> Result<Vec<Finding>, DbError> {
    let state = State::read(connection).await?;
    let mut findings = Vec::new();
    let mut find = |rule, severity, message| findings.push(Finding { rule, severity, object: "core.own_tenant".to_owned(), message });
    match seal {
        None if state.is_sealed => find(
            "sealed",
            Severity::Danger,
            "the database is sealed and the program does not seal, so it would see nothing; set SAAS_SEALED, or open the database (`migrate --unseal`)",
        ),
        None => {}
        Some(_) if !state.is_sealed => find(
            "unsealed",
            Severity::Danger,
            "the program seals its transactions and the database does not look at the seal; seal it (`migrate` with SAAS_SEALED set)",
        ),
        Some(seal) if state.choice(&seal.keys).is_none() => find(
            "seal-key",
            Severity::Danger,
            "the database is sealed and has none of the keys that the program seals with; bring them (`migrate` with the same SAAS_MASTER_KEY)",
        ),
        Some(_) if state.shown > SHOWN => find(
            "seal-shown",
            Severity::Warning,
            "track_activity_query_size is so large that other sessions are shown what opens a sealed transaction; make it 16 kB or less",
        ),
        Some(_) => {}
    }
    Ok(findings)
}

impl Db {
    /// Seals a database, as its owner: from now on the tenant and the person of a transaction count only if the program said so, which it
    /// proves with a key of its own. It is an option; [`DatabaseConfig::seal`](crate::DatabaseConfig::seal) must name the same key.
    ///
    /// Sealing and opening are for a moment in which no program runs: one that seals does not start on an open database, nor does one that does not seal
    /// on a sealed one, and those that run fail.
    ///
    /// Done again, it brings the keys up to date. To rotate, put the new key in front of the old one, call this, and restart the nodes; then take
    /// the old one away and call this again.
    ///
    /// # Security
    ///
    /// Without a seal, row-level security believes a setting (`saas.tenant_id`) that every statement may change. It holds against queries that
    /// forget the tenant, and not against somebody who can run SQL of their own. Sealed, policies ask `core.own_tenant()`, and that answers nothing
    /// unless the settings bear a seal: an HMAC over tenant, person, session and the beginning of the transaction, with a key that the application's login
    /// cannot read. `core.enter` makes it, once, if the program brings a proof: an HMAC over tenant, person and time with the same key.
    ///
    /// What it stops: statements that are injected as the application's login cannot choose another tenant or another person, neither by setting them
    /// nor with a seal of an earlier transaction, of another session or of another person. A proof that was seen is of no use to a statement that comes
    /// later in the transaction, because a proof counts only in the message that opens one; and it counts for a minute.
    ///
    /// Statements that the program prepared could be replaced by others of the same name, so a program that seals prepares none for later: each takes
    /// one more round trip.
    ///
    /// What it does not stop:
    ///
    /// * reading and writing within the tenant whose transaction it is;
    /// * the functions that look something up before a tenant is known ([`Migrations::lookups`](crate::Migrations)): whoever runs SQL may call them;
    /// * a proof of the last minute, where it can be seen, in a transaction of one's own. The text of other sessions' statements
    ///   can be (`pg_stat_activity`), so the proof stands behind what the server shows of it (`track_activity_query_size`, up to 16 kB; the doctor warns of
    ///   more); the logs of the server and of the program may show it to those who read them;
    /// * whoever runs code in the program, reads its memory or its master key, or has the owner's or the system's login;
    /// * a copy of the database: it holds the keys, as it holds everybody's rows. After one got lost, rotate the master key.
    ///
    /// The clocks of program and server may differ by a minute.
    ///
    /// # Errors
    ///
    /// Fails if the owner cannot connect, or the database is not migrated.
    pub async fn seal(owner: &Secret, keys: &MasterKey) -> Result<(), SealError> {
        let mut connection = PgConnection::connect(owner.expose()).await?;
        let mut transaction = connection.begin().await?;
        one_at_a_time(&mut transaction).await?;
        let keys: Vec<_> = SealKey::each(keys).collect();
        for key in &keys {
            let (inner, outer) = (key.block(0x36), key.block(0x5c));
            sqlx::query!(
                "insert into core.seal_key (name, inner_block, outer_block) values ($1, $2, $3) on conflict (name) do nothing",
                key.name,
                inner.as_slice(),
                outer.as_slice()
            )
            .execute(&mut *transaction)
            .await?;
        }
        let names: Vec<_> = keys.into_iter().map(|key| key.name).collect();
        sqlx::query!("delete from core.seal_key where name <> all ($1)", &names).execute(&mut *transaction).await?;
        sqlx::query!("select core.seal(true)").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }

    /// Opens a sealed database again, as its owner.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub async fn unseal(owner: &Secret) -> Result<(), SealError> {
        let mut connection = PgConnection::connect(owner.expose()).await?;
        let mut transaction = connection.begin().await?;
        one_at_a_time(&mut transaction).await?;
        sqlx::query!("select core.seal(false)").execute(&mut *transaction).await?;
        sqlx::query!("delete from core.seal_key").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }
}

/// Nodes that start at once bring the keys one after the other.
async fn one_at_a_time(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('core.seal', 0))").execute(connection).await.map(drop)
}

/// The database could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
#[error("the database could not be sealed or opened as the owner of DATABASE_URL")]
pub struct SealError(#[from] sqlx::Error);
