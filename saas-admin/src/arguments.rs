use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use saas_core::{Email, EventId, JobId, TenantId, operator::OperatorRole};

#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Settings, in TOML; the environment wins over them
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:3000]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address and port on which /metrics is answered, for Prometheus [default: not at all]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,
    /// Serve plain http to other machines, with cookies that anybody on the network can read
    #[arg(long, global = true)]
    pub(crate) insecure_lan: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve requests (what happens without a command)
    Serve,
    /// Bring the database up to date
    Migrate(MigrateOptions),
    /// Look for what would let one tenant see another
    Doctor(DoctorOptions),
    /// Check the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What is sold, at the payment gateway
    #[command(subcommand)]
    Billing(BillingCommand),
    /// Look at background jobs that failed for good, and do them again
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Look at events that nobody could be told of, and have them told again
    #[command(subcommand)]
    Events(EventsCommand),
    /// Look at letters and at addresses that nothing is sent to, read reports about them, and send to one again
    #[command(subcommand)]
    Mail(MailCommand),
    /// Look at the switches of organizations, and set them
    #[command(subcommand)]
    Flags(FlagsCommand),
    /// Replace keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// End what people are signed in with
    #[command(subcommand)]
    People(PeopleCommand),
    /// Name those who run the product
    #[command(subcommand)]
    Operators(OperatorsCommand),
    /// See how long each table's rows are kept, and delete what was kept long enough
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Erase again, after a restore, whoever was erased since the dump
    #[command(subcommand)]
    Erasures(ErasuresCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// List each table with how long its rows are kept and how many are due, and delete nothing
    List(OutputOptions),
    /// Delete what is due, as happens each night
    Apply(OutputOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ErasuresCommand {
    /// Erase all people and organizations again who were erased and are here: the one command after a restore, as often as one likes
    Apply(OutputOptions),
    /// List those who were erased and are here, and change nothing
    List(OutputOptions),
    /// Bring the list up to date with what is erased in the database, as happens each night
    Keep(OutputOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// End the sessions of a person, or of everybody, and what programs may do for them, from the next request on; they are told by mail
    EndSessions {
        /// The person's address
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        address: Option<Email>,
        /// Of everybody
        #[arg(long)]
        all: bool,
        /// Why; it is kept in the program's own audit log
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
        #[command(flatten)]
        options: OutputOptions,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorsCommand {
    /// List them, and whether they have a second factor, without which it opens nothing
    List(OutputOptions),
    /// Name somebody who has an account, or give them another role, from the next request on; they are told by mail
    Grant {
        /// The person's address, which they have confirmed
        address: Email,
        /// As what
        role: OperatorRoleName,
        #[command(flatten)]
        change: OperatorChange,
    },
    /// Name somebody no longer, from the next request on; they are told by mail
    Revoke {
        /// The person's address
        address: Email,
        #[command(flatten)]
        change: OperatorChange,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OperatorChange {
    /// Why; it is kept in the program's own audit log, and the others can read it
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// Who does it, if not whoever is logged in on this machine
    #[arg(long, env = "USER", hide_env_values = true, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) by: String,
    #[command(flatten)]
    pub(crate) options: OutputOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OperatorRoleName {
    /// Looks at things
    ReadOnly,
    /// Helps people
    Support,
    /// Does everything
    Admin,
}

impl From<OperatorRoleName> for OperatorRole {
    fn from(name: OperatorRoleName) -> Self {
        match name {
            OperatorRoleName::ReadOnly => Self::ReadOnly,
            OperatorRoleName::Support => Self::Support,
            OperatorRoleName::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Publish another key that signs tokens; it signs from tomorrow on, and nobody notices
    RotateSigning {
        /// The key may be known to others: the new one signs at once, and what any other has signed is refused from now on
        #[arg(long)]
        compromised: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BillingCommand {
    /// Make products and prices at the payment gateway what the plans say, as often as one likes
    Sync(OutputOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Count what waits, runs and failed for good
    Stats(OutputOptions),
    /// List those that failed for good, the latest first
    Dead {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Show one of them with what it carries
    Show {
        /// The job's id
        id: JobId,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Do one of them again, or all
    Replay {
        /// The job's id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<JobId>,
        /// All of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        options: OutputOptions,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Count what waits and what was given up
    Stats(OutputOptions),
    /// List what was given up, the latest first
    Dead {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Have one of them told again, or all
    Replay {
        /// The event's id
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<EventId>,
        /// All of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        options: OutputOptions,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    #[command(flatten)]
    Suppressions(SuppressionsCommand),
    /// Read a report about a letter that came back by mail, from standard input: a bounce, or a complaint
    ///
    /// Made for the alias of a mail server, to which MAIL_RETURN_PATH leads: `bounces: "|monitoring --config /etc/monitoring.toml mail report"`.
    /// It ends with 0 whatever the message is, and says in a line of the log why it does not believe it; and with 75, so that the mail server
    /// brings it again, if it cannot tell now: because of the database, say, or of the settings.
    #[command(verbatim_doc_comment)]
    Report(OutputOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuppressionsCommand {
    /// Count what waits and what did not arrive
    Stats(OutputOptions),
    /// List why nothing is sent to addresses, the latest first; which they are is not kept
    Suppressed {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Say why nothing is sent to an address
    Show {
        /// The address
        address: String,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Send nothing more to an address, because its owner or their mail provider says so by another way than an answer of the mail server
    Suppress {
        /// The address
        address: String,
        /// Why
        #[arg(long)]
        reason: SuppressReason,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Send to an address again
    Lift {
        /// The address
        address: String,
        #[command(flatten)]
        options: OutputOptions,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SuppressReason {
    /// There is no such mailbox
    Bounce,
    /// Its owner complained
    Complaint,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlagsCommand {
    /// List what can be switched, and how it is set for an organization
    List {
        /// The organization's id or short name
        #[arg(long, value_name = "ORGANIZATION")]
        tenant: Option<String>,
        #[command(flatten)]
        options: OutputOptions,
    },
    /// Set a switch of an organization, which holds from the next request on
    Set {
        /// The switch
        name: String,
        /// On, off, or as the product has it
        state: FlagState,
        /// The organization's id or short name
        #[arg(long, value_name = "ORGANIZATION")]
        tenant: String,
        /// Why; the organization may read it
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
        #[command(flatten)]
        options: OutputOptions,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FlagState {
    On,
    Off,
    Default,
}

#[derive(Debug, Args)]
pub(crate) struct OutputOptions {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateOptions {
    /// Make the application and system logins too, and print their addresses
    #[arg(long)]
    pub(crate) provision: bool,
    /// Open a database again that was sealed (SAAS_SEALED)
    #[arg(long, conflicts_with = "provision")]
    pub(crate) unseal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Print findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the chains of the audit log and name the first bad entry of each
    Verify(VerifyOptions),
    /// Keep the signed ends of all chains, as happens each night, where `verify` finds them
    Keep,
    /// Print the signed ends of all chains, to be kept where the database's administrators cannot write
    Checkpoint,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// The organization whose chain to walk [default: all, and the program's own]
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<TenantId>,
    /// What `audit checkpoint` printed once, besides what is kept each night: finds chains that were cut or put back with their ends
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
