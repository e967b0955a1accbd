//! Prints what the server knows of this agent.

use std::{io::Write, path::Path};

use super::{
    client::Client,
    error::AgentError,
    protocol::{AgentReport, ReportedDevice},
    state::Credential,
};

/// Asks the server at which the agent of a state folder is registered, and prints its answer.
///
/// # Errors
///
/// The agent is not registered, the server cannot be asked, or the answer cannot be printed.
pub async fn print_status(state: &Path, output: &mut (impl Write + Send)) -> Result<(), AgentError> {
    let credential = Credential::read(state)?.ok_or(AgentError::KeyMissing)?;
    let client = Client::new(&credential.server, credential.credential.clone())?;
    let report = client.report().await?;
    print(&report, output).map_err(AgentError::Print)
}

fn print(report: &AgentReport, output: &mut impl Write) -> std::io::Result<()> {
    let agent = &report.agent;
    let seen = agent.last_seen_at.map_or("never".to_owned(), |at| at.format("%F %T UTC").to_string());
    writeln!(output, "agent {} ({}), last seen {seen}", agent.name, agent.id)?;
    let mut devices: Vec<&ReportedDevice> = report.devices.iter().collect();
    devices.sort_unstable_by_key(|device| device.address);
    for device in devices {
        let latency = device.latency_us.map(|latency| format!("{latency} µs")).unwrap_or_default();
        let name = device.hostname.as_deref().unwrap_or_default();
        writeln!(output, "{:<39} {:<7} {latency:>10}  {name}", device.address.to_string(), device.state)?;
    }
    writeln!(output, "{} devices", report.devices.len())
}
