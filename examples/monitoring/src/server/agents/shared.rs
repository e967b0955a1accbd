use saas_core::{AgentId, Permission as _, Resource};

use super::super::{AgentShare, AgentWrite, DeviceRead};

/// An agent with its devices, which people look after who added it or with whom it is shared.
pub(in crate::server) struct SharedAgent;

impl Resource for SharedAgent {
    type Id = AgentId;
    type Share = AgentShare;
    const KIND: &'static str = "monitoring.agent";
    const TABLE: &'static str = "agent";
    const TITLE: &'static str = "name";
    const AUTHOR: Option<&'static str> = Some("created_by");
    const VIEW: &'static [&'static str] = &[DeviceRead::NAME];
    const EDIT: &'static [&'static str] = &[AgentWrite::NAME];
}
