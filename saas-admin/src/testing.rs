//! A product over a test's database, put together as serving does it.

use std::path::Path;

use saas_auth::SessionIdle;
use saas_billing::{Counts, MemoryGateway, Mode, Payments};
use saas_core::{
    App, Db, Dependencies, Erasures, Jobs, Lifecycle, Live, MasterKey, Metrics, Outbound, OutboundPolicy, Relay, Secret, TenantHosts,
    file::Storage,
    mail::{DevMailbox, MailSender, Outbox},
    webhook::Webhooks,
};
use url::Url;

use crate::{
    Error, Product, Program, RequestLimits, limits, providers,
    serve::{self, Development},
};

/// What the gateway of a [`TestProgram`] signs with.
pub const GATEWAY_SECRET: &str = "whsec_of_a_test";

/// A product that is called without a network.
#[derive(Debug)]
pub struct TestProgram {
    /// All that it answers.
    pub app: App,
    /// What it was put together from.
    pub program: Program,
    /// The mail that it sent.
    pub mailbox: DevMailbox,
    /// Who sends it; nobody does by itself, see [`deliver`](saas_core::testing::deliver).
    pub sender: MailSender,
    /// Who takes money: one in memory, that sells the product's plans and signs with [`GATEWAY_SECRET`].
    pub gateway: MemoryGateway,
}

impl Product {
    /// Puts the product together over a database that is migrated, with its mail kept in a folder. It believes itself to be at
    /// `http://localhost:3000`, as [`TestClient`](saas_core::testing::TestClient) does, and its organizations beneath that name.
    ///
    /// # Errors
    ///
    /// Fails if the pages or the parts of the product do not fit together.
    pub fn test(&self, db: &Db, mail: &Path) -> Result<TestProgram, Error> {
        self.test_within(db, mail, RequestLimits::default())
    }

    /// The same with other limits, for tests that ask more than anybody would.
    ///
    /// # Errors
    ///
    /// As [`test`](Self::test).
    pub fn test_within(&self, db: &Db, mail: &Path, request_limits: RequestLimits) -> Result<TestProgram, Error> {
        let mailbox = DevMailbox::new(mail, db.clock().clone()).map_err(Error::io("the mailbox"))?;
        let (lifecycle, metrics) = (Lifecycle::new(), Metrics::new());
        let dependencies = Dependencies::new(db.clock().clone(), &metrics);
        let master_key = MasterKey::generate();
        let pages = serve::pages(self, true)?;
        let public_url = Url::parse("http://localhost:3000").map_err(|error| Error::io("the address")(std::io::Error::other(error)))?;
        let sender = MailSender::new(db, std::sync::Arc::new(mailbox.clone()), master_key.clone()).shown_in(&dependencies);
        let outbound = Outbound::new(OutboundPolicy::local()).map_err(Error::Outbound)?;
        let webhooks = Webhooks::new(db, &master_key, outbound.clone(), serve::catalogue(self));
        let plans = self.plans.map_or_else(|| Ok(None), |plans| plans().map(Some))?;
        let gateway = plans.as_ref().map_or_else(MemoryGateway::new, MemoryGateway::selling);
        let payments = Payments::new(db, gateway.clone(), [Secret::new(GATEWAY_SECRET)], Mode::Test)?;
        let mut providers = Vec::new();
        let provider = providers::development(&mut providers, &public_url, db.clock().clone())?;
        let program = Program {
            db: db.clone(),
            outbox: Outbox::new(pages.clone(), master_key.clone(), public_url.clone()),
            pages,
            storage: Storage::folder(&mail.join("files")).map_err(Error::Storage)?.shown_in(&dependencies),
            erasures: Erasures::new(Storage::folder(&mail.join("records")).map_err(Error::Storage)?, &master_key),
            live: Live::start(db, &lifecycle),
            catalogue: serve::catalogue(self),
            relay: Relay::new(db),
            outbound,
            providers,
            counts: Counts::new(db, &metrics),
            payments: Some(payments),
            webhooks,
            jobs: Jobs::new(db),
            lifecycle,
            limits: limits::store(None, self.name, &metrics, &dependencies)?,
            request_limits,
            metrics,
            dependencies,
            master_key,
            public_url,
            tenant_hosts: "localhost".parse().map(TenantHosts::beneath).unwrap_or_default(),
            insecure_lan: false,
            session_idle: SessionIdle::default(),
        };
        let app = serve::assemble(self, &program, Development { mailbox: Some(mailbox.routes()), provider, clock: None }, Vec::new())?;
        Ok(TestProgram { app, program, mailbox, sender, gateway })
    }
}
