//! Who carries mail.

use std::sync::Arc;

use saas_core::{
    Db, Routes,
    mail::{Mailer, SmtpMailer, SmtpOptions},
};

use crate::{Error, config::Config};

/// The configured mail server; in development, without one, a mailbox that can be looked into, and the pages for that.
pub(crate) fn carrier(config: &Config, db: &Db) -> Result<(Arc<dyn Mailer>, Option<Routes>), Error> {
    match &config.smtp_url {
        Some(url) => {
            let options = SmtpOptions { return_path: config.mail_return_path.clone(), ..SmtpOptions::default() };
            Ok((Arc::new(SmtpMailer::with(url, &config.mail_from, &options)?), None))
        }
        None => mailbox(db),
    }
}

#[cfg(feature = "dev-mail")]
fn mailbox(db: &Db) -> Result<(Arc<dyn Mailer>, Option<Routes>), Error> {
    let folder = format!("{}/mail", crate::development::FOLDER);
    let mailbox = saas_core::mail::DevMailbox::new(&folder, db.clock().clone()).map_err(Error::io(folder))?;
    let routes = mailbox.routes();
    Ok((Arc::new(mailbox), Some(routes)))
}

/// The settings were refused before anybody came here.
#[cfg(not(feature = "dev-mail"))]
fn mailbox(_: &Db) -> Result<(Arc<dyn Mailer>, Option<Routes>), Error> {
    Err(saas_core::mail::SmtpError::Url.into())
}
