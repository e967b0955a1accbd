use std::{
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use ipnet::IpNet;
use saas_core::{
    App, Db, Html, Lifecycle, Live, Page, Problem, Web, finish, init_logs,
    mail::{DevMailbox, Mailer, SmtpMailer},
    pages::Pages,
};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    Error, Product, Program,
    arguments::Arguments,
    config::Config,
    development::{self, FOLDER},
};

pub(crate) async fn serve(product: &Product, arguments: &Arguments) -> Result<(), Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, &config.log_filter);
    let (database, _started) = development::database(product, &config).await?;
    if config.migrate_at_start {
        // Before anything is judged: what is dangerous may be what this release mends.
        let owner = database.owner.as_ref().ok_or(saas_core::MigrateError::NoOwner)?;
        Db::migrate_as(owner, product.migrations).await?;
    }
    let db = Db::connect(&database, product.migrations, saas_core::Clock::system()).await?;

    let listener = TcpListener::bind(config.listen).await.map_err(|source| Error::Listen { address: config.listen, source })?;
    // With port 0 the system chose one.
    let address = listener.local_addr().map_err(|source| Error::Listen { address: config.listen, source })?;
    let public_url = config.public_url.clone().map_or_else(|| local_url(address), Ok)?;
    let lifecycle = Lifecycle::new();
    let (mailer, mailbox) = mailer(&config, &db)?;
    let program = Program {
        db: db.clone(),
        pages: pages(product, config.is_development())?,
        mailer,
        live: Live::start(&db, &lifecycle),
        lifecycle: lifecycle.clone(),
        master_key: development::master_key(&config).await?,
        public_url,
        insecure_lan: config.insecure_lan,
    };
    let app = assemble(product, &program, mailbox.as_ref(), config.trusted_proxies.clone())?;
    lifecycle.drain_on_signals().map_err(Error::io("signals"))?;
    greet(product, &config, &program.public_url).map_err(Error::io("standard output"))?;
    saas_core::serve(listener, app, lifecycle).await.map_err(Error::io("serving"))?;
    db.close().await;
    Ok(())
}

/// The whole application: what the product composed, and what stands around it.
pub(crate) fn assemble(
    product: &Product,
    program: &Program,
    mailbox: Option<&DevMailbox>,
    trusted_proxies: Vec<IpNet>,
) -> Result<App, Error> {
    let mut routes = (product.compose)(program).map_err(Error::Compose)?;
    if let Some(mailbox) = mailbox {
        routes = routes.merge(mailbox.routes()).get("/dev", start_page);
    }
    let web = Web {
        pages: program.pages.clone(),
        db: program.db.clone(),
        lifecycle: program.lifecycle.clone(),
        public_url: program.public_url.clone(),
        trusted_proxies,
        nav: product.nav.to_vec(),
        sign_in: "/sign-in",
    };
    Ok(finish(routes, web))
}

pub(crate) fn pages(product: &Product, development: bool) -> Result<Pages, Error> {
    let builder = Pages::builder().product(product.title).development(development);
    Ok(product.pages.iter().fold(builder, |builder, set| builder.add(*set)).build()?)
}

/// The configured mail server; in development, without one, a mailbox that can be looked into.
fn mailer(config: &Config, db: &Db) -> Result<(Arc<dyn Mailer>, Option<DevMailbox>), Error> {
    match &config.smtp_url {
        Some(url) => Ok((Arc::new(SmtpMailer::new(url, &config.mail_from)?), None)),
        None => {
            let folder = format!("{FOLDER}/mail");
            let mailbox = DevMailbox::new(&folder, db.clock().clone()).map_err(Error::io(folder))?;
            Ok((Arc::new(mailbox.clone()), Some(mailbox)))
        }
    }
}

/// `localhost`, not a number: browsers keep `__Host-` cookies over plain http for that name.
fn local_url(address: SocketAddr) -> Result<Url, Error> {
    let is_here = address.ip().is_loopback() || address.ip().is_unspecified();
    let host = if is_here { format!("localhost:{}", address.port()) } else { address.to_string() };
    Url::parse(&format!("http://{host}")).map_err(|error| Error::io("the public address")(io::Error::other(error)))
}

async fn start_page(page: Page) -> Result<Html, Problem> {
    let address = page.web().public_url.as_str();
    page.render("core/start.html", json!({ "services": [{ "name": page.web().pages.product(), "address": address, "note": "" }] }))
}

fn greet(product: &Product, config: &Config, url: &Url) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{} is ready.\n\n  Open  {url}", product.title)?;
    if config.is_development() && config.smtp_url.is_none() {
        writeln!(out, "  Mail  {url}dev/mail")?;
    }
    if config.insecure_lan {
        writeln!(out, "\n  Plain http: anybody on this network can read passwords and cookies.")?;
    }
    writeln!(out, "\nStop it with Ctrl-C.")?;
    out.flush()
}
