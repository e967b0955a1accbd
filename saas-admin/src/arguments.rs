use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

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
}

#[derive(Debug, Args)]
pub(crate) struct MigrateOptions {
    /// Make the application and system logins too, and print their addresses
    #[arg(long)]
    pub(crate) provision: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// Print findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
