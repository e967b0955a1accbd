//! The letters to whoever comes from a provider that is not believed about addresses.

use saas_core::{
    SystemTx, Token,
    mail::{Envelope, Letter, Link, MailInError},
};
use serde::Serialize;

use super::{Letters, Reader, hex};
use crate::{Email, identity::MAILBOX_LIFETIME, provider::ProviderClient};

/// Asks whoever reads an address whether it was they who came from a provider with it.
#[derive(Debug, Serialize)]
struct ProviderConfirm<'a> {
    provider: &'a str,
    href: Link,
    minutes: i64,
}

impl Letter for ProviderConfirm<'_> {
    const TEMPLATE: &'static str = "auth/mail/provider_confirm";
}

/// Says that somebody came from a provider with an address that has an account.
#[derive(Debug, Serialize)]
struct ProviderKnown<'a> {
    name: &'a str,
    provider: &'a str,
    href: Link,
}

impl Letter for ProviderKnown<'_> {
    const TEMPLATE: &'static str = "auth/mail/provider_known";
}

impl Letters {
    /// Asks whoever reads an address whether it was they who came from a provider with it.
    pub(crate) async fn provider_confirm_in(
        &self,
        tx: &mut SystemTx,
        email: &Email,
        provider: &ProviderClient,
        token: &Token,
    ) -> Result<(), MailInError> {
        let href = self.outbox.link(&format!("/sign-in/with/{}/confirm", provider.name())).with("token", token.text().expose());
        let letter = ProviderConfirm { provider: provider.label(), href, minutes: MAILBOX_LIFETIME.num_minutes() };
        let envelope = Envelope::new(email.as_str(), "unknown", hex(&token.hash())).in_language(self.locale);
        self.outbox.mail_system_in(tx, None, &envelope, &letter).await?;
        Ok(())
    }

    /// Says that somebody came from a provider with an address that has an account. `token` stands for the one that another reader would have got.
    pub(crate) async fn provider_known_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        provider: &str,
        token: &Token,
    ) -> Result<(), MailInError> {
        let letter = ProviderKnown { name: reader.name, provider, href: self.outbox.link("/sign-in").with("next", "/account/security") };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }
}
