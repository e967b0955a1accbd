use std::{
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use axum::extract::State;
use ipnet::IpNet;
use saas_billing::Counts;
use saas_core::{
    App, Clock, Db, Dependencies, Erasures, EventCatalogue, Html, Jobs, JobsConfig, Lifecycle, Live, Metrics, Outbound, Page, Problem,
    Relay, Routes, TenantHosts, Web,
    audit::AuditChain,
    finish,
    mail::{MailSender, Mailer, Outbox},
    pages::Pages,
    webhook::Webhooks,
};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    Error, Product, Program,
    arguments::Arguments,
    backlog::Queues,
    config::Config,
    development, erasures, limits, live,
    mail::carrier,
    migrate,
    payments::{self, StandIn},
    providers, traces,
};

pub(crate) async fn serve(product: &Product, arguments: &Arguments) -> Result<(), Error> {
    let config = Config::load(arguments)?;
    let (clock, metrics) = (development::clock(&config), Metrics::new());
    let dependencies = Dependencies::new(clock.clone(), &metrics);
    let traces = traces::init(product, &config, &dependencies)?;
    let (database, _started) = development::database(product, &config).await?;
    if config.migrate_at_start {
        // Before anything is judged: what is dangerous may be what this release mends.
        let owner = database.owner.as_ref().ok_or(saas_core::MigrateError::NoOwner)?;
        migrate::up_to_date(product, owner, database.seal.as_ref()).await?;
    }
    let db = Db::connect(&database, product.migrations, clock).await?;

    let listener = TcpListener::bind(config.listen).await.map_err(|source| Error::Listen { address: config.listen, source })?;
    // With port 0 the system chose one.
    let address = listener.local_addr().map_err(|source| Error::Listen { address: config.listen, source })?;
    let public_url = config.public_url.clone().map_or_else(|| local_url(address), Ok)?;
    let lifecycle = Lifecycle::new();
    let Parts { program, mailer, development, stand_in } =
        build(product, &config, &db, public_url, lifecycle.clone(), metrics, dependencies).await?;
    measure(&program.metrics, &db, &program.live);
    let mail = MailSender::new(&db, mailer, program.master_key.clone()).shown_in(&program.dependencies);
    mail.work_for(&program.jobs);
    let chain = AuditChain::new(&db, &program.master_key);
    if !config.is_development() && config.checkpoints_url.is_none() {
        tracing::warn!(
            "ends of audit chains are kept where files are: set SAAS_AUDIT_CHECKPOINTS_URL to a place that lets nothing be changed"
        );
    }
    chain.keep_daily(&program.jobs, &development::checkpoints(&config)?);
    saas_core::sweep_daily(&program.jobs);
    let app = assemble(product, &program, development, config.trusted_proxies.clone())?;
    erasures::look_for_returned(&program);
    program.relay.start(&lifecycle);
    let webhooks = program.webhooks.start(&lifecycle);
    chain.start_sealing(&lifecycle);
    let counts = program.counts.start();
    let jobs = program.jobs.start(JobsConfig { concurrency: config.jobs, ..JobsConfig::default() }, &lifecycle).await?;
    Queues { db: db.clone(), relay: program.relay.clone(), chain, webhooks: program.webhooks.clone() }.watch(&program.metrics, &lifecycle);
    lifecycle.drain_on_signals().map_err(Error::io("signals"))?;
    if let Some(address) = config.metrics {
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        tokio::spawn(saas_core::serve_metrics(listener, program.metrics.clone(), lifecycle.clone()));
    }
    let clock = payments::clock_page(&stand_in).map(|page| (page, hours_ahead(db.clock())));
    greet(product, &config, &program.public_url, clock).map_err(Error::io("standard output"))?;
    let served = saas_core::serve(listener, app, lifecycle.clone()).await;
    // Also where serving failed.
    lifecycle.drain();
    jobs.drained().await;
    webhooks.drained().await;
    counts.drained().await;
    db.close().await;
    traces.shutdown().await;
    served.map_err(Error::io("serving"))
}

/// What a product is put together from, and what is served beside it in development.
pub(crate) struct Parts {
    pub(crate) program: Program,
    mailer: Arc<dyn Mailer>,
    pub(crate) development: Development,
    stand_in: StandIn,
}

/// Makes all that the product is put together from; nothing of it runs before it is started.
pub(crate) async fn build(
    product: &Product,
    config: &Config,
    db: &Db,
    public_url: Url,
    lifecycle: Lifecycle,
    metrics: Metrics,
    dependencies: Dependencies,
) -> Result<Parts, Error> {
    let (mailer, mailbox) = carrier(config, db)?;
    let master_key = development::master_key(config).await?;
    let live = live::start(product, config, db, &master_key, &dependencies, &lifecycle)?;
    let outbound = Outbound::new(config.outbound.clone()).map_err(Error::Outbound)?;
    let pages = pages(product, config.is_development())?;
    let mut providers = config.providers.clone();
    let provider = if config.is_development() { providers::development(&mut providers, &public_url, db.clock().clone())? } else { None };
    let payments::Started { payments, stand_in } = payments::start(product, config, db, &dependencies, &public_url).await?;
    let program = Program {
        db: db.clone(),
        outbox: Outbox::new(pages.clone(), master_key.clone(), public_url.clone()),
        pages,
        storage: development::storage(config)?.shown_in(&dependencies),
        erasures: Erasures::new(development::checkpoints(config)?, &master_key),
        live,
        webhooks: Webhooks::new(db, &master_key, outbound.clone(), catalogue(product)),
        catalogue: catalogue(product),
        outbound,
        providers,
        counts: Counts::new(db, &metrics),
        payments,
        relay: Relay::new(db),
        jobs: Jobs::new(db),
        lifecycle,
        limits: limits::store(config.redis_url.as_ref(), product.name, &metrics, &dependencies)?,
        request_limits: config.limits,
        metrics,
        dependencies,
        master_key,
        public_url,
        tenant_hosts: config.tenant_hosts.clone().map(TenantHosts::beneath).unwrap_or_default(),
        insecure_lan: config.insecure_lan,
        session_idle: config.session_idle,
    };
    let development = Development { mailbox, provider, clock: payments::clock_page(&stand_in) };
    Ok(Parts { program, mailer, development, stand_in })
}

/// Counts what is of the whole program.
fn measure(metrics: &Metrics, db: &Db, live: &Live) {
    let (pools, transactions, live) = (db.clone(), db.clone(), live.clone());
    metrics.watch("live_streams", "Open streams of live updates", [], move || vec![([], live.streams() as f64)]);
    metrics.watch("database_connections", "Connections to the database, by login and state", ["login", "state"], move || {
        let pools = pools.pools().into_iter();
        pools.flat_map(|(login, size, idle)| [([login, "open"], f64::from(size)), ([login, "idle"], idle as f64)]).collect()
    });
    metrics.watch_counters("system_transactions", "Transactions across tenants, by what they are for", ["reason"], move || {
        transactions.system_uses().into_iter().map(|(reason, begun)| ([reason], begun as f64)).collect()
    });
}

/// What is served in development beside the product.
pub(crate) struct Development {
    pub(crate) mailbox: Option<Routes>,
    pub(crate) provider: Option<Routes>,
    /// Where the clock is moved.
    pub(crate) clock: Option<Url>,
}

/// The whole application: what the product composed, and what stands around it.
pub(crate) fn assemble(product: &Product, program: &Program, development: Development, trusted_proxies: Vec<IpNet>) -> Result<App, Error> {
    program.relay.register(program.webhooks.clone());
    let mut routes = (product.compose)(program).map_err(Error::Compose)?.merge(program.catalogue.routes());
    let start = Start { has_provider: development.provider.is_some(), clock: development.clock };
    if let Some(mailbox) = development.mailbox {
        routes = routes.merge(mailbox).merge(Routes::new().get("/dev", start_page).with_state(start));
    }
    if let Some(provider) = development.provider {
        routes = routes.merge(provider);
    }
    let web = Web {
        pages: program.pages.clone(),
        db: program.db.clone(),
        lifecycle: program.lifecycle.clone(),
        metrics: program.metrics.clone(),
        dependencies: program.dependencies.clone(),
        public_url: program.public_url.clone(),
        keys: program.master_key.clone(),
        trusted_proxies,
        tenant_hosts: program.tenant_hosts.clone(),
        nav: product.nav.to_vec(),
        sign_in: "/sign-in",
    };
    Ok(finish(routes, web))
}

/// Everything that the product announces.
pub(crate) fn catalogue(product: &Product) -> EventCatalogue {
    let lists: Vec<_> = saas_core::EVENTS.iter().chain(product.events).copied().collect();
    EventCatalogue::new(&lists)
}

pub(crate) fn pages(product: &Product, development: bool) -> Result<Pages, Error> {
    let builder = Pages::builder().product(product.title).development(development);
    Ok(product.pages.iter().fold(builder, |builder, set| builder.add(*set)).build()?)
}

/// `localhost`, not a number: browsers keep `__Host-` cookies over plain http for that name.
pub(crate) fn local_url(address: SocketAddr) -> Result<Url, Error> {
    let is_here = address.ip().is_loopback() || address.ip().is_unspecified();
    let host = if is_here { format!("localhost:{}", address.port()) } else { address.to_string() };
    Url::parse(&format!("http://{host}")).map_err(|error| Error::io("the public address")(io::Error::other(error)))
}

/// What the start page tells of.
#[derive(Clone)]
struct Start {
    has_provider: bool,
    clock: Option<Url>,
}

async fn start_page(State(start): State<Start>, page: Page) -> Result<Html, Problem> {
    let address = page.web().public_url.as_str();
    let mut services = vec![json!({ "name": page.web().pages.product(), "address": address, "note": "" })];
    if start.has_provider {
        let note = page.text("core-start-provider-text");
        services.push(json!({ "name": page.text("core-start-provider"), "address": format!("{address}dev/oidc"), "note": note }));
    }
    if let Some(clock) = &start.clock {
        let note = page.text("core-start-stripe-text");
        services.push(json!({ "name": page.text("core-start-stripe"), "address": clock.as_str(), "note": note }));
    }
    page.render("core/start.html", json!({ "services": services }))
}

/// How far the clock of development was moved, which stays so from one run to the next; to the next whole hour or the last.
fn hours_ahead(clock: &Clock) -> i64 {
    clock.ahead().map_or(0, |ahead| (ahead.num_minutes() + 30) / 60)
}

fn ahead(hours: i64) -> String {
    let parts = [(hours / 24, "day"), (hours % 24, "hour")].into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" })).collect();
    if parts.is_empty() { String::new() } else { format!(" ({} ahead of this computer)", parts.join(" and ")) }
}

fn greet(product: &Product, config: &Config, url: &Url, clock: Option<(Url, i64)>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{} is ready.\n\n  Open  {url}", product.title)?;
    if config.is_development() && config.smtp_url.is_none() {
        writeln!(out, "  Mail  {url}dev/mail")?;
    }
    if let Some((page, hours)) = clock {
        writeln!(out, "  Time  {page}{}", ahead(hours))?;
    }
    if config.insecure_lan {
        writeln!(out, "\n  Plain http: anybody on this network can read passwords and cookies.")?;
    }
    writeln!(out, "\nStop it with Ctrl-C.")?;
    out.flush()
}
