//! What the agent says about the machine it runs on.

use std::time::SystemTime;

use chrono::{DateTime, SubsecRound, Utc};
use rustix::system::uname;

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name of the machine.
pub(super) fn hostname() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// The time of this machine, to the microsecond, which is what a database keeps.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()).trunc_subsecs(6)
}

/// Operating system and processor, as in `Debian GNU/Linux 12 (bookworm), x86_64`.
pub(super) fn os() -> String {
    let uname = uname();
    let release = || format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    let pretty = std::fs::read_to_string("/etc/os-release").ok().and_then(|text| pretty_name(&text));
    format!("{}, {}", pretty.unwrap_or_else(release), std::env::consts::ARCH)
}

/// `PRETTY_NAME` of os-release(5).
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_system_is_read_without_its_quotes() {
        assert_eq!(pretty_name("ID=debian\nPRETTY_NAME=\"Debian 12\"\n"), Some("Debian 12".to_owned()));
        assert_eq!(pretty_name("ID=debian\n"), None);
    }
}
