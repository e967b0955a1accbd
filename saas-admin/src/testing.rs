//! A product over a test's database, put together as serving does it.

use std::path::Path;

use saas_core::{App, Db, Lifecycle, Live, MasterKey, mail::DevMailbox};
use url::Url;

use crate::{Error, Product, Program, serve};

/// A product that is called without a network.
#[derive(Debug)]
pub struct TestProgram {
    /// All that it answers.
    pub app: App,
    /// What it was put together from.
    pub program: Program,
    /// The mail that it sent.
    pub mailbox: DevMailbox,
}

impl Product {
    /// Puts the product together over a database that is migrated, with its mail kept in a folder. It believes itself to be at
    /// `http://localhost:3000`, as [`TestClient`](saas_core::testing::TestClient) does.
    ///
    /// # Errors
    ///
    /// Fails if the pages or the parts of the product do not fit together.
    pub fn test(&self, db: &Db, mail: &Path) -> Result<TestProgram, Error> {
        let mailbox = DevMailbox::new(mail, db.clock().clone()).map_err(Error::io("the mailbox"))?;
        let lifecycle = Lifecycle::new();
        let program = Program {
            db: db.clone(),
            pages: serve::pages(self, true)?,
            mailer: std::sync::Arc::new(mailbox.clone()),
            live: Live::start(db, &lifecycle),
            lifecycle,
            master_key: MasterKey::generate(),
            public_url: Url::parse("http://localhost:3000").map_err(|error| Error::io("the address")(std::io::Error::other(error)))?,
            insecure_lan: false,
        };
        let app = serve::assemble(self, &program, Some(&mailbox), Vec::new())?;
        Ok(TestProgram { app, program, mailbox })
    }
}
