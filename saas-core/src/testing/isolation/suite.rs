use std::{
    collections::BTreeSet,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    time::Instant,
};

use async_trait::async_trait;

use super::{
    IsolationError, Report, Seed, attack_but, attack_routes, findings, purge,
    routes::{Body, Guess, Hints},
    setters,
};
use crate::{
    App, TenantId,
    testing::{TestClient, TestDb},
};

/// Who uses an application. The one thing that the suite must be told: how somebody comes in.
#[async_trait]
pub trait Cast: Send + Sync {
    /// Every role, and the permissions that it gives.
    fn roles(&self) -> Vec<(&'static str, Vec<&'static str>)>;

    /// Somebody whom the application does not know.
    fn stranger(&self) -> TestClient;

    /// A new person with this role in this tenant, signed in there.
    async fn member(&self, tenant: TenantId, role: &'static str) -> TestClient;
}

type Purge<'a> = Box<dyn FnOnce(TenantId) -> Pin<Box<dyn Future<Output = ()> + 'a>> + 'a>;

/// All attacks, on the tables and the routes of an application: one call in one test of yours.
///
/// It finds tables and routes by itself. What it cannot guess it asks for, as an error or as a `control` among the findings, and is told here.
#[must_use]
pub struct Suite<'a> {
    test: &'a TestDb,
    app: &'a App,
    cast: &'a dyn Cast,
    seed: Seed,
    source: Option<PathBuf>,
    purge: Option<Purge<'a>>,
    spared: BTreeSet<String>,
    hints: Hints,
}

impl<'a> Suite<'a> {
    /// Attacks this application, over this database, to which `cast` lets people in.
    pub fn new(test: &'a TestDb, app: &'a App, cast: &'a dyn Cast) -> Self {
        Self { test, app, cast, seed: Seed::new(), source: None, purge: None, spared: BTreeSet::new(), hints: Hints::default() }
    }

    /// What is written into columns that cannot be guessed.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Looks through the source in a folder too, usually `env!("CARGO_MANIFEST_DIR")` with `src`.
    pub fn source(mut self, folder: impl AsRef<Path>) -> Self {
        self.source = Some(folder.as_ref().to_owned());
        self
    }

    /// Has a tenant purged, by all that happens between the wish to delete it and its end, and looks for what is left.
    pub fn purge<F>(mut self, purge: impl FnOnce(TenantId) -> F + 'a) -> Self
    where
        F: Future<Output = ()> + 'a,
    {
        self.purge = Some(Box::new(|tenant| Box::pin(purge(tenant))));
        self
    }

    /// Makes no statements against core's own tables, which core's tests do, so that it takes a fraction of the time. What the catalogue says of them is
    /// looked at all the same.
    pub fn sparing_core(mut self) -> Self {
        let core = crate::inventory::CORE.iter().chain(crate::job::JOBS);
        self.spared = core.map(|table| table.name.to_owned()).collect();
        self
    }

    /// The last parameter of this path is what stands in a column: `schema.table.column`.
    pub fn parameter(mut self, path: &str, column: &str) -> Self {
        self.hints.parameters.insert(path.to_owned(), column.to_owned());
        self
    }

    /// What is sent to a route.
    pub fn body(mut self, method: &str, path: &str, body: Body) -> Self {
        self.hints.bodies.insert((method.to_owned(), path.to_owned()), body);
        self
    }

    /// A route that asks for no permission, and why belonging to the tenant is enough.
    pub fn open(mut self, method: &str, path: &str, reason: &'static str) -> Self {
        self.hints.open.insert((method.to_owned(), path.to_owned()), reason);
        self
    }

    /// Makes all attacks. It writes tenants of its own and leaves them there.
    ///
    /// # Errors
    ///
    /// Fails if an attack cannot be made; what got through is in the report.
    pub async fn run(mut self) -> Result<Report, IsolationError> {
        let started = Instant::now();
        self.knows_its_hints()?;
        let mut report = Report::default();
        // First: it looks for the canary in all that there is.
        if let Some(how) = self.purge.take() {
            report.join(purge(self.test, &self.seed, async |tenant| how(tenant).await).await?);
            // They are attacked below, and named then.
            report.tables.clear();
        }
        findings::inventory(self.test, &mut report).await?;
        report.join(attack_but(self.test, &self.seed, self.spared).await?);
        if let Some(folder) = &self.source {
            let setters = setters(folder).map_err(|source| IsolationError::Source { folder: folder.clone(), source })?;
            report.attacks += 1;
            for setter in setters {
                report.breach("T31", &setter.to_string(), "sets the tenant or the person of a transaction by itself");
            }
        }
        let stage = Guess::new(self.test, &self.seed, self.app.document(), self.cast, &self.hints).await?;
        report.join(attack_routes(self.test, self.app.routes(), &stage).await?);
        report.took = started.elapsed();
        Ok(report)
    }

    /// What is said of a route that is gone would be believed of the next one of that name.
    fn knows_its_hints(&self) -> Result<(), IsolationError> {
        let routes: BTreeSet<_> = self.app.routes().iter().map(|route| (route.method.to_string(), route.path.clone())).collect();
        let named = self.hints.bodies.keys().chain(self.hints.open.keys());
        let mut unknown: Vec<_> = named.filter(|key| !routes.contains(key)).map(|(method, path)| format!("{method} {path}")).collect();
        let parameters = self.hints.parameters.keys().filter(|path| !routes.iter().any(|(_, known)| known == *path));
        unknown.extend(parameters.cloned());
        unknown.pop().map_or(Ok(()), |route| Err(IsolationError::UnknownRoute(route)))
    }
}
