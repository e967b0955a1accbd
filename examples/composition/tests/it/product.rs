use std::ops::Deref;

use saas_admin::{Product, Program, testing::TestProgram};
use saas_core::mail::{DevMailbox, MailSender};
use saas_core::testing::{TestApp, TestDb, deliver};
use tempfile::TempDir;

/// A product over a database of its own.
pub(crate) struct Running {
    pub(crate) test: TestDb,
    pub(crate) program: Program,
    pub(crate) paths: Vec<String>,
    app: TestApp,
    mailbox: DevMailbox,
    sender: MailSender,
    _mail: TempDir,
}

impl Deref for Running {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Running {
    pub(crate) async fn new(product: Product) -> Self {
        let (test, mail) = (TestDb::new(product.migrations).await.unwrap(), TempDir::new().unwrap());
        let TestProgram { app, program, mailbox, sender, .. } = product.test(&test.db, mail.path()).unwrap();
        let paths = app.routes().iter().map(|route| route.path.clone()).collect();
        Self { test, program, paths, app: TestApp::new(app), mailbox, sender, _mail: mail }
    }

    pub(crate) fn serves(&self, path: &str) -> bool {
        self.paths.iter().any(|it| it == path)
    }

    /// The token in the first mail.
    pub(crate) async fn mailed_token(&self) -> String {
        deliver(&self.test.db, &self.sender).await.unwrap();
        let mails = self.mailbox.list().await.unwrap();
        let (_, token) = mails[0].mail.text.split_once("token=").unwrap();
        token.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap().to_owned()
    }
}
