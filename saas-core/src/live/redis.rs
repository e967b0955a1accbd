use std::{fmt, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use redis::{AsyncCommands as _, AsyncConnectionConfig, Client, RedisError, Script, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout};

use super::{
    hub::{ANYTHING, Hub},
    listen::{Notices, PATIENCE, PAUSE, SILENCE, again, pass_on},
};
use crate::{Breaker, Db, Dependencies, Dependency, Lifecycle, MasterKey, Purpose, Secret, limit::RedisAddressError};

/// The nodes of one installation share its master key; others in the same Redis do not know where these talk.
const PLACE: Purpose = Purpose::new("live updates in redis");

/// How often whoever has the turn says so.
const BEAT: Duration = Duration::from_secs(1);

/// For how long the turn is a node's from the last time that it said so.
const TURN: Duration = Duration::from_secs(5);

/// Carries live updates between many nodes through Redis (5.0 or newer, or Valkey), so that one of them listens to the database and not each.
///
/// The notice of a transaction stays where a change begins: the database gives it out at the commit, in the order of the commits, or never.
/// One node at a time, whichever took the turn, listens and publishes what it hears, and all nodes subscribe. Another takes the turn at once
/// when that node stops, and within six seconds when it vanishes; every stream is then told to read everything again, and so it is when Redis
/// was away. Until then nothing is heard. That somebody's access may have ended comes the same way, so whoever does not hear of that does not
/// hear of changes either.
///
/// # Security
///
/// What is published are ids and fixed words. Whoever can write to this Redis can make pages read again, and withhold news; whoever can read
/// from it sees which tenants are busy. Use `rediss://` where the network is not yours.
#[derive(Clone)]
pub struct RedisCarrier {
    client: Client,
    script: Script,
    /// Of all nodes.
    channel: String,
    /// Who this node is.
    node: String,
    breaker: Breaker,
}

/// It keeps nobody from calling: this node tries again once a second whatever it says. It is there to be seen.
const LIVE: Dependency =
    Dependency::new("live_updates").shown_as("core-status-live").pauses(Duration::from_secs(1), Duration::from_secs(1));

#[derive(Debug, thiserror::Error)]
enum CarryError {
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    #[error("Redis does not answer")]
    Silent,
    #[error("Redis closed the connection")]
    Closed,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl RedisCarrier {
    /// Carries through the Redis at this address (`redis://…`, `rediss://…` with TLS). Names there begin with `prefix`, the product's, and
    /// hold something of the key, so that several installations can share it. It connects when [`Live`](super::Live) starts, and again
    /// whenever the connection is lost.
    ///
    /// # Errors
    ///
    /// Fails if that is no address of a Redis server.
    pub fn new(address: &Secret, prefix: &str, keys: &MasterKey) -> Result<Self, RedisAddressError> {
        let client = Client::open(address.expose()).map_err(RedisAddressError)?;
        let place: String = keys.sign(PLACE, b"")[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            client,
            script: Script::new(include_str!("redis.lua")),
            channel: format!("{prefix}:live:{place}"),
            node: format!("{:016x}", rand::random::<u64>()),
            breaker: Breaker::new(LIVE),
        }
        .with_probe())
    }

    /// Tells these whether Redis is away.
    #[must_use]
    pub fn shown_in(self, dependencies: &Dependencies) -> Self {
        Self { breaker: dependencies.breaker(LIVE), ..self }.with_probe()
    }

    fn with_probe(self) -> Self {
        let client = self.client.clone();
        self.breaker.probe_with(move || {
            let client = client.clone();
            async move {
                let asked = async { connect(&client).await?.ping::<()>().await };
                in_time(asked).await.is_ok()
            }
        });
        self
    }

    fn answers(&self, is_there: bool) {
        if let Ok(pass) = self.breaker.enter() {
            if is_there { pass.succeeded() } else { pass.failed() }
        }
    }

    /// Passes on what Redis says until the program stops.
    pub(super) async fn listen(self, hub: Arc<Hub>, lifecycle: Lifecycle) {
        again(&lifecycle, || async {
            let heard = self.hear(&hub).await;
            if heard.is_err() {
                self.answers(false);
            }
            heard
        })
        .await;
    }

    /// Has Redis say what the database says, when it is this node's turn, until the program stops.
    pub(super) async fn carry(self, db: Db, lifecycle: Lifecycle) {
        again(&lifecycle, || self.wait_and_carry(&db)).await;
        self.yield_turn().await;
    }

    async fn hear(&self, hub: &Hub) -> Result<(), CarryError> {
        let (mut asking, mut said) = in_time(async {
            let mut subscribed = self.client.get_async_pubsub().await?;
            subscribed.subscribe(&self.channel).await?;
            Ok(subscribed.split())
        })
        .await?;
        hub.lost();
        loop {
            self.answers(true);
            match timeout(SILENCE, said.next()).await {
                Ok(Some(message)) => pass_on(hub, &message.get_payload::<String>()?),
                Ok(None) => return Err(CarryError::Closed),
                Err(_) => in_time(asking.ping::<()>()).await?,
            }
        }
    }

    async fn wait_and_carry(&self, db: &Db) -> Result<(), CarryError> {
        let mut redis = connect(&self.client).await?;
        while !self.publish(&mut redis, TURN, &[]).await? {
            sleep(PAUSE).await;
        }
        let carried = self.carry_on(&mut redis, db).await;
        // Another node may reach the database where this one does not.
        self.yield_turn().await;
        carried
    }

    /// Publishes until the turn is another's.
    async fn carry_on(&self, redis: &mut MultiplexedConnection, db: &Db) -> Result<(), CarryError> {
        let mut notices = Notices::begin(db, BEAT).await?;
        // What was said before is not known.
        let mut said = vec![ANYTHING.to_owned()];
        while self.publish(redis, TURN, &said).await? {
            said = notices.next().await?;
        }
        Ok(())
    }

    /// Lets others have the turn.
    async fn yield_turn(&self) {
        let yielded = async { self.publish(&mut connect(&self.client).await?, Duration::from_millis(1), &[]).await };
        if let Err(error) = yielded.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the turn to carry live updates is kept until it is over by itself");
        }
    }

    /// Publishes, if it is this node's turn or nobody's; then it is this node's for as long.
    async fn publish(&self, redis: &mut MultiplexedConnection, turn: Duration, notices: &[String]) -> Result<bool, RedisError> {
        let mut call = self.script.key(format!("{}:turn", self.channel));
        call.arg(&self.node).arg(u64::try_from(turn.as_millis()).unwrap_or(u64::MAX)).arg(&self.channel).arg(notices);
        call.invoke_async(redis).await
    }
}

/// A connection for as long as it answers in time: one that fell silent is not used again.
async fn connect(client: &Client) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    client.get_multiplexed_async_connection_with_config(&config).await
}

async fn in_time<T>(what: impl Future<Output = Result<T, RedisError>>) -> Result<T, CarryError> {
    Ok(timeout(PATIENCE, what).await.map_err(|_| CarryError::Silent)??)
}

impl fmt::Debug for RedisCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCarrier").field("channel", &self.channel).finish_non_exhaustive()
    }
}
