//! Chat channels for people.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Postgres, QueryBuilder};

use super::{
    Chat, ChatChannel, ChatChannelId, ChatError, ChatFormat, ChatMessage, ChatRead, ChatState, ChatWrite,
    channel::{Draft, channel_in, channel_remove_in, channels_in},
    message::{MESSAGES, TEST},
};
use crate::{Can, DbError, EventSeverity, Form, FormErrors, Html, Page, Path, Problem, Routes, Standing, TenantDb, TenantTx, wrong::Wrong};

/// How many messages a page shows.
const SHOWN: i64 = 50;

pub(super) fn routes<S: Clone + Send + Sync + 'static>(chat: &Chat) -> Routes<S> {
    Routes::new()
        .get("/channels", show)
        .post("/channels", create)
        .get("/channels/new", new)
        .get("/channels/{id}", show_one)
        .post("/channels/{id}", change)
        .get("/channels/{id}/edit", edit)
        .post("/channels/{id}/state", set_state)
        .post("/channels/{id}/test", test)
        .post("/channels/{id}/remove", remove)
        .with_state(chat.clone())
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChannelForm {
    format: ChatFormat,
    name: String,
    /// Empty: it stays as it is.
    address: String,
    /// Ticked boxes.
    kinds: Vec<String>,
    severity: EventSeverity,
}

impl Default for ChannelForm {
    fn default() -> Self {
        Self { format: ChatFormat::Slack, name: String::new(), address: String::new(), kinds: Vec::new(), severity: EventSeverity::Info }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateForm {
    state: Wish,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wish {
    Active,
    Paused,
}

impl Chat {
    /// What a kind is called.
    fn label(&self, page: &Page, kind: &str) -> String {
        match self.0.notifications.kind(kind) {
            Some(kind) => page.text(&format!("{}-label", kind.text)),
            None if kind == TEST => page.text("core-chat-test-kind"),
            // Of an older release.
            None => kind.to_owned(),
        }
    }

    fn shown(&self, page: &Page, channel: &ChatChannel) -> Value {
        let kinds: Vec<_> = channel.kinds.iter().map(|kind| self.label(page, kind)).collect();
        json!({
            "id": channel.id, "format": channel.format, "name": channel.name, "host": channel.host, "kinds": kinds, "severity": channel.severity,
            "state": channel.state,
            "failing_since": channel.failing_since, "last": channel.last,
        })
    }

    fn form(&self, standing: &Standing, page: &Page, id: Option<ChatChannelId>, filled: &ChannelForm, errors: &FormErrors) -> Value {
        let is_chosen = |event: &str| filled.kinds.iter().any(|kind| kind == event);
        let kinds = self.offered(standing).map(|kind| kind.event);
        let kinds: Vec<_> =
            kinds.map(|event| json!({ "name": event, "label": self.label(page, event), "chosen": is_chosen(event) })).collect();
        // The address is not written into the page again: whoever looks over a shoulder, or into a cache, would have it.
        let severities: Vec<_> = EventSeverity::ALL
            .iter()
            .map(|severity| json!({ "value": severity, "label": page.text(&format!("core-severity-{}", severity.as_str())) }))
            .collect();
        json!({
            "id": id, "form": page.form(&[("name", &filled.name)], errors), "format": filled.format, "kinds": kinds,
            "severity": filled.severity, "severities": severities,
        })
    }

    /// The form again, with what is wrong with it.
    fn refused(
        &self,
        standing: &Standing,
        page: &Page,
        id: Option<ChatChannelId>,
        filled: &ChannelForm,
        wrong: Vec<Wrong>,
    ) -> Result<Response, Problem> {
        page.refuse("core/channel_form.html", self.form(standing, page, id, filled, &wrong.into()))
    }
}

async fn show(can: Can<ChatRead>, db: TenantDb, State(chat): State<Chat>, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let channels: Vec<_> = channels_in(&mut tx).await?.iter().map(|channel| chat.shown(&page, channel)).collect();
    let context = json!({ "channels": channels, "can_write": can.standing().may::<ChatWrite>() });
    let template = if page.is_fragment() { "core/fragments/channels.html" } else { "core/channels.html" };
    page.render(template, context)
}

async fn new(can: Can<ChatWrite>, State(chat): State<Chat>, page: Page) -> Result<Html, Problem> {
    page.render("core/channel_form.html", chat.form(can.standing(), &page, None, &ChannelForm::default(), &FormErrors::default()))
}

async fn edit(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let channel = channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    let filled = ChannelForm {
        format: channel.format,
        name: channel.name,
        address: String::new(),
        kinds: channel.kinds,
        severity: channel.severity,
    };
    page.render("core/channel_form.html", chat.form(can.standing(), &page, Some(id), &filled, &FormErrors::default()))
}

async fn create(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    page: Page,
    Form(filled): Form<ChannelForm>,
) -> Result<Response, Problem> {
    let draft = Draft { name: &filled.name, address: Some(&filled.address), kinds: &filled.kinds, severity: filled.severity };
    let described = match chat.describe(can.standing(), &draft) {
        Ok(described) => described,
        Err(wrong) => return chat.refused(can.standing(), &page, None, &filled, wrong),
    };
    let mut tx = db.begin().await?;
    let channel = match chat.channel_add_in(&mut tx, can.actor(), filled.format, described).await {
        Err(ChatError::TooMany) => {
            let errors = FormErrors::whole("core-chat-error-too-many");
            return page.refuse("core/channel_form.html", chat.form(can.standing(), &page, None, &filled, &errors));
        }
        added => added?,
    };
    tx.commit().await?;
    Ok(to(channel.id).into_response())
}

async fn change(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
    page: Page,
    Form(filled): Form<ChannelForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let old = channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    // How it takes messages does not change: their receiver is what it is.
    let filled = ChannelForm { format: old.format, ..filled };
    let address = Some(filled.address.trim()).filter(|address| !address.is_empty());
    let described =
        match chat.describe(can.standing(), &Draft { name: &filled.name, address, kinds: &filled.kinds, severity: filled.severity }) {
            Ok(described) => described,
            Err(wrong) => return chat.refused(can.standing(), &page, Some(id), &filled, wrong),
        };
    chat.channel_change_in(&mut tx, can.actor(), id, described, old.state).await?;
    tx.commit().await?;
    Ok(to(id).into_response())
}

async fn set_state(
    can: Can<ChatWrite>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
    Form(wanted): Form<StateForm>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    let old = channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    let state = match wanted.state {
        Wish::Active => ChatState::Active,
        Wish::Paused => ChatState::Paused,
    };
    // What it was told by others may be more than whoever resumes it may hear of.
    let same = Draft { name: &old.name, address: None, kinds: &old.kinds, severity: old.severity };
    let same = chat.describe(can.standing(), &same)?;
    chat.channel_change_in(&mut tx, can.actor(), id, same, state).await?;
    tx.commit().await?;
    Ok(to(id))
}

async fn show_one(
    can: Can<ChatRead>,
    db: TenantDb,
    State(chat): State<Chat>,
    Path(id): Path<ChatChannelId>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let channel = channel_in(&mut tx, id).await?.ok_or(ChatError::NotFound)?;
    let messages = messages_in(&mut tx, id).await?;
    let messages: Vec<_> =
        messages.iter().map(|message| json!({ "label": chat.label(&page, &message.kind), "message": message })).collect();
    let context = json!({
        "channel": chat.shown(&page, &channel), "messages": messages, "can_write": can.standing().may::<ChatWrite>(),
    });
    let template = if page.is_fragment() { "core/fragments/channel_messages.html" } else { "core/channel.html" };
    page.render(template, context)
}

/// The last messages to a channel.
async fn messages_in(tx: &mut TenantTx, channel: ChatChannelId) -> Result<Vec<ChatMessage>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(MESSAGES);
    query.push_bind(tx.tenant()).push(" and channel_id = ").push_bind(channel);
    query.push(" order by at desc, id desc limit ").push_bind(SHOWN);
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

async fn test(_: Can<ChatWrite>, db: TenantDb, State(chat): State<Chat>, Path(id): Path<ChatChannelId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    chat.test_send_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(to(id))
}

async fn remove(can: Can<ChatWrite>, db: TenantDb, Path(id): Path<ChatChannelId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    channel_remove_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/channels"))
}

fn to(id: ChatChannelId) -> Redirect {
    Redirect::to(&format!("/channels/{id}"))
}
