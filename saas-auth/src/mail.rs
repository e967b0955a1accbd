//! The mails of this crate: rendered in the reader's language, sent after the commit, on their own.

use std::{sync::Arc, time::Duration};

use saas_core::{
    Token,
    mail::{Mail, MailError, Mailer},
    pages::{Locale, PageError, Pages, TextValue},
};
use serde_json::{Value, json};
use url::Url;

use crate::account::LINK_LIFETIME;

/// Writes letters for one request: in its language, with links that begin with our own address, whatever the request calls us.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    public_url: Url,
    locale: Locale,
    next: Option<String>,
}

/// A mail that is not rendered yet.
#[derive(Debug)]
pub(crate) struct Letter {
    to: String,
    locale: Locale,
    template: &'static str,
    subject: &'static str,
    context: Value,
}

impl Letters {
    /// `next` is a checked path, to go to after the link.
    pub(crate) fn new(public_url: Url, locale: Locale, next: Option<String>) -> Self {
        Self { public_url, locale, next }
    }

    /// Asks to confirm an address.
    pub(crate) fn verify(&self, to: &str, name: &str, token: &Token) -> Letter {
        let mut href = self.at("/verify");
        href.query_pairs_mut().append_pair("token", token.text().expose());
        if let Some(next) = &self.next {
            href.query_pairs_mut().append_pair("next", next);
        }
        let context = json!({ "name": name, "href": href.as_str(), "hours": LINK_LIFETIME.num_hours() });
        self.letter(to, "auth/mail/verify", "auth-mail-verify-subject", context)
    }

    /// Says that somebody signed up with an address that has an account.
    pub(crate) fn known(&self, to: &str, name: &str) -> Letter {
        let context = json!({ "name": name, "href": self.at("/sign-in").as_str() });
        self.letter(to, "auth/mail/already", "auth-mail-already-subject", context)
    }

    fn letter(&self, to: &str, template: &'static str, subject: &'static str, context: Value) -> Letter {
        Letter { to: to.to_owned(), locale: self.locale, template, subject, context }
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(path);
        url.set_query(None);
        url
    }
}

/// Renders letters and hands them over.
#[derive(Clone)]
pub(crate) struct Post {
    mailer: Arc<dyn Mailer>,
    pages: Pages,
}

impl Post {
    /// A mail server that is away for a moment should not cost anybody their mail.
    const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

    /// How long an answer waits for its mail to be handed over.
    const PATIENCE: Duration = Duration::from_secs(1);

    pub(crate) fn new(mailer: Arc<dyn Mailer>, pages: Pages) -> Self {
        Self { mailer, pages }
    }

    /// Sends a letter; what cannot be sent is logged, without its reader.
    pub(crate) async fn send(&self, letter: Letter) {
        if let Err(error) = self.try_send(&letter).await {
            tracing::error!(error = &error as &dyn std::error::Error, mail = letter.template, "a mail was not sent");
        }
    }

    /// Sends a letter in a task of its own, so that it goes out even if nobody waits any more, and waits a moment for it.
    pub(crate) async fn send_and_wait(&self, letter: Letter) {
        let post = self.clone();
        let sending = tokio::spawn(async move { post.send(letter).await });
        // Both a slow mail server and a failure are logged by the task itself.
        drop(tokio::time::timeout(Self::PATIENCE, sending).await);
    }

    async fn try_send(&self, letter: &Letter) -> Result<(), SendError> {
        let mail = self.render(letter)?;
        let mut pauses = Self::PAUSES.into_iter();
        loop {
            match (self.mailer.send(&mail).await, pauses.next()) {
                (Err(MailError::Transport(error)), Some(pause)) => {
                    tracing::warn!(error = &*error as &dyn std::error::Error, "the mail server did not take a mail; trying again");
                    tokio::time::sleep(pause).await;
                }
                (result, _) => return Ok(result?),
            }
        }
    }

    fn render(&self, letter: &Letter) -> Result<Mail, PageError> {
        let render = |kind: &str| self.pages.render(&format!("{}.{kind}", letter.template), letter.locale, &letter.context);
        let product = TextValue::Text(self.pages.product());
        Ok(Mail {
            to: letter.to.clone(),
            subject: self.pages.texts(letter.locale).get(letter.subject, &[("product", product)]),
            text: render("txt")?,
            html: render("html")?,
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the mail could not be rendered")]
    Render(#[from] PageError),
    #[error("the mail could not be handed over")]
    Send(#[from] MailError),
}
