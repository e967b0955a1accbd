use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use saas_auth::{Provider, SessionIdle};
use saas_core::{HostName, JobsConfig, LogFormat, MasterKey, OutboundPolicy, Secret, Settings, SettingsError};
use url::Url;

use crate::{RequestLimits, arguments::Arguments, live::Carrier, payments::StripeSettings, providers, sessions};

/// Whether people depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A database, a key and a mailbox come by themselves, under `.saas/`.
    Development,
    /// Everything is configured, or the program does not start.
    Production,
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("a mode is development or production"),
        }
    }
}

/// Everything that is configured.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<Url>,
    pub(crate) owner_url: Option<Secret>,
    pub(crate) app_url: Option<Secret>,
    pub(crate) system_url: Option<Secret>,
    pub(crate) direct_url: Option<Secret>,
    pub(crate) sealed: bool,
    pub(crate) max_connections: u32,
    pub(crate) jobs: usize,
    pub(crate) migrate_at_start: bool,
    pub(crate) master_key: Option<MasterKey>,
    pub(crate) storage_url: Option<Url>,
    pub(crate) checkpoints_url: Option<Url>,
    pub(crate) smtp_url: Option<Secret>,
    pub(crate) mail_from: String,
    pub(crate) mail_return_path: Option<String>,
    pub(crate) redis_url: Option<Secret>,
    pub(crate) live: Carrier,
    pub(crate) limits: RequestLimits,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) outbound: OutboundPolicy,
    pub(crate) providers: Vec<Provider>,
    pub(crate) stripe: Option<StripeSettings>,
    pub(crate) collector: Option<Url>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) tenant_hosts: Option<HostName>,
    pub(crate) insecure_lan: bool,
    pub(crate) session_idle: SessionIdle,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: String,
}

impl Config {
    pub(crate) fn load(arguments: &Arguments) -> Result<Self, SettingsError> {
        Self::read(Self::settings(arguments)?, arguments, true)
    }

    fn settings(arguments: &Arguments) -> Result<Settings, SettingsError> {
        // A variable that is no text is none of ours.
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Settings::new(arguments.config.as_deref(), environment)
    }

    /// For a command that needs the owner login alone: what serving would need may be missing.
    pub(crate) fn load_for_migration(arguments: &Arguments) -> Result<Self, SettingsError> {
        Self::read(Self::settings(arguments)?, arguments, false)
    }

    fn read(mut from: Settings, arguments: &Arguments, serves: bool) -> Result<Self, SettingsError> {
        let configured: SocketAddr = from.or("listen", "SAAS_LISTEN", SocketAddr::from(([127, 0, 0, 1], 3000)));
        let listen = arguments.listen.unwrap_or(configured);
        let mode: Option<Mode> = from.optional("mode", "SAAS_MODE");
        let insecure_lan = from.or("insecure_lan", "SAAS_INSECURE_LAN", false) || arguments.insecure_lan;
        let metrics: Option<SocketAddr> = from.optional("metrics", "SAAS_METRICS");
        let config = Self {
            mode: mode.unwrap_or(Mode::Development),
            listen,
            public_url: from.optional("public_url", "SAAS_PUBLIC_URL"),
            owner_url: from.optional("database.url", "DATABASE_URL"),
            app_url: from.optional("database.app_url", "DATABASE_APP_URL"),
            system_url: from.optional("database.system_url", "DATABASE_SYSTEM_URL"),
            direct_url: from.optional("database.direct_url", "DATABASE_DIRECT_URL"),
            sealed: from.or("database.sealed", "SAAS_SEALED", false),
            max_connections: from.or("database.max_connections", "DATABASE_MAX_CONNECTIONS", 10),
            jobs: from.or("jobs.concurrency", "SAAS_JOBS", JobsConfig::default().concurrency),
            migrate_at_start: from.or("database.migrate_at_start", "DATABASE_MIGRATE_AT_START", mode != Some(Mode::Production)),
            master_key: from.optional("master_key", "SAAS_MASTER_KEY"),
            storage_url: from.optional("storage_url", "SAAS_STORAGE_URL"),
            checkpoints_url: from.optional("audit.checkpoints_url", "SAAS_AUDIT_CHECKPOINTS_URL"),
            smtp_url: from.optional("smtp.url", "SMTP_URL"),
            mail_from: from.or("smtp.from", "MAIL_FROM", "no-reply@localhost".to_owned()),
            mail_return_path: from.optional("smtp.return_path", "MAIL_RETURN_PATH"),
            redis_url: from.optional("redis.url", "REDIS_URL"),
            live: from.or("live.carrier", "SAAS_LIVE", Carrier::default()),
            limits: RequestLimits::read(&mut from),
            metrics: arguments.metrics.or(metrics),
            outbound: outbound(&mut from, mode == Some(Mode::Production), listen),
            providers: providers::read(&mut from),
            stripe: StripeSettings::read(&mut from),
            collector: from.optional("otlp.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            trusted_proxies: from.list("trusted_proxies", "SAAS_TRUSTED_PROXIES"),
            tenant_hosts: from.optional("tenant_hosts", "SAAS_TENANT_HOSTS"),
            insecure_lan,
            session_idle: sessions::read(&mut from),
            log_format: from.or("log.format", "SAAS_LOG_FORMAT", LogFormat::default()),
            log_filter: from.or("log.filter", "RUST_LOG", "info,graphile_worker=warn,sqlx=warn".to_owned()),
        };
        if serves {
            config.check(mode.is_some(), &mut from);
        } else if config.sealed && !config.is_development() && config.master_key.is_none() {
            from.refuse("SAAS_SEALED is set, and SAAS_MASTER_KEY is not: the key is the one that the program seals with");
        }
        from.finish()?;
        Ok(config)
    }

    /// What each setting alone cannot say.
    fn check(&self, mode_is_said: bool, settings: &mut Settings) {
        let is_plain = self.public_url.as_ref().is_none_or(|url| url.scheme() == "http");
        let is_local = self.listen.ip().is_loopback();
        if !is_local && is_plain && !self.insecure_lan {
            settings.refuse(format!(
                "{} can be reached by other machines over plain http, which shows passwords to whoever listens: set SAAS_PUBLIC_URL to \
                 the https address that a proxy serves, or accept it with --insecure-lan",
                self.listen
            ));
        }
        if !is_local && !mode_is_said && !self.insecure_lan {
            settings.refuse("SAAS_MODE is not set: other machines can reach the program, so say whether this is production or development");
        }
        let is_local_name = self.public_url.as_ref().is_none_or(|url| {
            url.host_str()
                .is_some_and(|host| host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
        });
        if !is_local_name && !mode_is_said {
            settings
                .refuse("SAAS_MODE is not set: SAAS_PUBLIC_URL is not on this machine, so say whether this is production or development");
        }
        if self.live == Carrier::Redis && self.redis_url.is_none() {
            settings.refuse("SAAS_LIVE is redis, and REDIS_URL is not set");
        }
        if cfg!(not(feature = "dev-mail")) && self.smtp_url.is_none() && self.mode == Mode::Development {
            settings.refuse("SMTP_URL is not set, and this program was built without the mailbox for development (feature dev-mail)");
        }
        if !is_plain && self.smtp_url.is_none() && self.mode == Mode::Development {
            // Behind a proxy on this machine everybody looks local, to the page that shows all mail too.
            settings.refuse("SMTP_URL is not set: behind a proxy, other people could read everybody's mail at /dev/mail");
        }
        if self.mode == Mode::Production {
            for (missing, what) in [
                (
                    self.app_url.is_none(),
                    "DATABASE_APP_URL is not set: run `migrate --provision` with DATABASE_URL set, it prints the address",
                ),
                (
                    self.system_url.is_none(),
                    "DATABASE_SYSTEM_URL is not set: run `migrate --provision` with DATABASE_URL set, it prints the address",
                ),
                (self.master_key.is_none(), "SAAS_MASTER_KEY is not set: make one with `openssl rand -base64 32`, and keep it"),
                (self.smtp_url.is_none(), "SMTP_URL is not set: people could not verify their addresses"),
                (self.storage_url.is_none(), "SAAS_STORAGE_URL is not set: say where files are kept, as file:///folder or s3://bucket"),
                (self.public_url.is_none(), "SAAS_PUBLIC_URL is not set: links in mails begin with it"),
            ] {
                if missing {
                    settings.refuse(what);
                }
            }
        }
    }

    pub(crate) fn is_development(&self) -> bool {
        self.mode == Mode::Development
    }
}

/// Who may be called at addresses that tenants choose. In development this machine too; in production what is named and public.
fn outbound(from: &mut Settings, is_production: bool, listen: SocketAddr) -> OutboundPolicy {
    let policy = if is_production { OutboundPolicy::public() } else { OutboundPolicy::local() }.deny_own(listen);
    let networks: Vec<IpNet> = from.list("outbound.allow", "SAAS_OUTBOUND_ALLOW");
    let policy = networks.into_iter().fold(policy, OutboundPolicy::allow);
    let ports: Vec<u16> = from.list("outbound.ports", "SAAS_OUTBOUND_PORTS");
    let policy = if ports.is_empty() { policy } else { policy.ports(ports) };
    if from.or("outbound.plain_http", "SAAS_OUTBOUND_PLAIN_HTTP", false) { policy.plain_http() } else { policy }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Topic 3: where the program itself listens is no address that a tenant may have called, however public.
    #[test]
    fn the_own_address_is_not_called() {
        let own: SocketAddr = "93.184.215.14:443".parse().unwrap();
        for is_production in [true, false] {
            let policy = outbound(&mut Settings::new(None, []).unwrap(), is_production, own);
            assert!(!policy.permits(own.ip()), "{is_production}");
            assert!(policy.permits("93.184.215.15".parse().unwrap()), "{is_production}");
        }
    }
}
