//! Chat channels for programs.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Chat, ChatChannel, ChatChannelId, ChatError, ChatFormat, ChatMessage, ChatMessageId, ChatRead, ChatState, ChatWrite,
    channel::{Draft, SELECT, channel_in, channel_remove_in},
    message::MESSAGES,
    page,
};
use crate::{
    Accepted, Can, Created, EventSeverity, FieldError, Json, List, Listed, NoContent, Order, OrderBy, Path, Problem, Routes, TenantDb,
    Validate, Wanted,
};

impl Chat {
    /// The pages at `/channels` and the API at `/api/v1/channels`, to be merged below a tenancy layer.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        Routes::new()
            .get("/api/v1/channels", list)
            .about("The organization's chat channels.")
            .post("/api/v1/channels", create)
            .about("Adds a chat channel. Its address is never shown again.")
            .get("/api/v1/channels/{id}", read)
            .about("One chat channel.")
            .patch("/api/v1/channels/{id}", change)
            .about("Changes, pauses or resumes a chat channel.")
            .delete("/api/v1/channels/{id}", remove)
            .about("Removes a chat channel, and all that waits for it.")
            .post("/api/v1/channels/{id}/test", test)
            .about("Sends a message that means nothing to a chat channel.")
            .get("/api/v1/channels/{id}/messages", messages)
            .about("What was sent to a chat channel, or is to be.")
            .with_state(self.clone())
            .merge(page::routes(self))
    }
}

/// A chat channel that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewChatChannel {
    /// How it takes messages.
    format: ChatFormat,
    /// What people call it.
    name: String,
    /// An https address on port 443 or 8443. Whoever knows it can write there, so it is kept as a secret.
    address: String,
    /// The kinds of notices that it is told, by the names of their events. Empty: all.
    #[serde(default)]
    kinds: Vec<String>,
    /// How much something must matter, of these kinds, that it is told. `info`, if it is not said: all.
    #[serde(default)]
    severity: EventSeverity,
}

impl Validate for NewChatChannel {}

/// What of a chat channel is to be different. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedChatChannel {
    name: Option<String>,
    address: Option<String>,
    kinds: Option<Vec<String>>,
    severity: Option<EventSeverity>,
    /// `active` or `paused`.
    state: Option<ChatState>,
}

impl Validate for ChangedChatChannel {
    fn validate(&self) -> Vec<FieldError> {
        match self.state {
            Some(ChatState::Refused) => vec![FieldError::new("/state", "must be active or paused")],
            _ => Vec::new(),
        }
    }
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
struct ChatTest {
    /// The message.
    id: ChatMessageId,
}

impl Listed for ChatMessage {
    const ORDERS: &'static [Order] = &[Order::new("at", "at", OrderBy::Time).descending()];
}

async fn list(_: Can<ChatRead>, db: TenantDb, wanted: Wanted<ChatChannel>) -> Result<List<ChatChannel>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query(SELECT);
    query.push_bind(tx.tenant());
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn create(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Json(new): Json<NewChatChannel>,
) -> Result<Created<ChatChannel>, Problem> {
    let draft = Draft { name: &new.name, address: Some(&new.address), kinds: &new.kinds, severity: new.severity };
    let described = chat.describe(can.standing(), &draft)?;
    let mut tx = db.begin().await?;
    let channel = chat.channel_add_in(&mut tx, can.actor(), new.format, described).await?;
    tx.commit().await?;
    Ok(Created(channel))
}

async fn read(_: Can<ChatRead>, db: TenantDb, Path(id): Path<ChatChannelId>) -> Result<Json<ChatChannel>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?))
}

async fn change(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
    Json(new): Json<ChangedChatChannel>,
) -> Result<Json<ChatChannel>, Problem> {
    let mut tx = db.begin().await?;
    let old = channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    let (name, kinds) = (new.name.unwrap_or(old.name), new.kinds.unwrap_or(old.kinds));
    let severity = new.severity.unwrap_or(old.severity);
    let draft = Draft { name: &name, address: new.address.as_deref(), kinds: &kinds, severity };
    let described = chat.describe(can.standing(), &draft)?;
    let channel = chat.channel_change_in(&mut tx, can.actor(), id, described, new.state.unwrap_or(old.state)).await?;
    tx.commit().await?;
    Ok(Json(channel))
}

async fn remove(can: Can<ChatWrite>, db: TenantDb, Path(id): Path<ChatChannelId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    channel_remove_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn test(
    _: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
) -> Result<Accepted<ChatTest>, Problem> {
    let mut tx = db.begin().await?;
    let id = chat.test_send_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Accepted(ChatTest { id }))
}

async fn messages(
    _: Can<ChatRead>,
    db: TenantDb,
    Path(id): Path<ChatChannelId>,
    wanted: Wanted<ChatMessage>,
) -> Result<List<ChatMessage>, Problem> {
    let mut tx = db.begin().await?;
    channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    let mut query = wanted.query(MESSAGES);
    query.push_bind(tx.tenant()).push(" and channel_id = ").push_bind(id);
    Ok(wanted.fetch(&mut tx, query).await?)
}
