//! The system account that the server runs as: ourselves, or an unprivileged one when we are root.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io,
    os::unix::{
        fs::{MetadataExt, chown, fchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::DevError;

const UNPRIVILEGED: [&str; 3] = ["postgres", "_postgres", "nobody"];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    /// Whether we are root and so have to become this account.
    switch: bool,
}

impl Account {
    /// The account for a new cluster.
    pub(crate) fn choose() -> Result<Self, DevError> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw(), switch: false });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        UNPRIVILEGED
            .iter()
            .find_map(|name| lookup(&users, name))
            .map(|(uid, gid)| Self { uid, gid, switch: true })
            .ok_or(DevError::NoAccount)
    }

    /// The account for a cluster that exists: when we are root, whoever owns it.
    pub(super) fn of(home: &Path) -> Result<Self, DevError> {
        let chosen = Self::choose()?;
        let owner = fs::symlink_metadata(home).map_err(DevError::file("read", home))?;
        if chosen.switch && owner.uid() != 0 {
            return Ok(Self { uid: owner.uid(), gid: owner.gid(), switch: true });
        }
        Ok(chosen)
    }

    /// A command that runs as this account in `home`, cut off from the terminal and from the settings of other
    /// PostgreSQL servers in our environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(home).stdin(Stdio::null());
        for (key, _) in std::env::vars_os() {
            let foreign =
                key.to_str().is_some_and(|key| key.starts_with("PG") || key.starts_with("LC_") || key == "LANG" || key == "LANGUAGE");
            if foreign {
                command.env_remove(key);
            }
        }
        // The server's messages are read below, so they have to be English.
        command.env("LC_ALL", "C");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Hands a file that we made to the account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), DevError> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(DevError::file("hand over", path))?;
        }
        Ok(())
    }

    /// The same for an open file, whose path may since lead elsewhere.
    pub(super) fn own_open(&self, file: &File) -> io::Result<()> {
        if self.switch {
            fchown(file, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    pub(super) fn uid(&self) -> u32 {
        self.uid
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "user {}", self.uid)
    }
}

/// User and group id from a passwd file (`passwd(5)`). macOS writes the ids of `nobody` as -2.
fn lookup(users: &str, name: &str) -> Option<(u32, u32)> {
    let fields: Vec<&str> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.first() == Some(&name))?;
    let id = |field: &str| match field.parse::<u32>() {
        Ok(id) => Some(id),
        Err(_) => field.parse::<i32>().ok().map(i32::cast_unsigned),
    };
    Some((id(fields.get(2)?)?, id(fields.get(3)?)?))
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn a_user_is_found_by_name_and_negative_ids_wrap_around() {
        let users = "root:*:0:0:System:/var/root:/bin/sh\nnobody:*:-2:-2:None:/var/empty:/usr/bin/false\n";
        assert_eq!(lookup(users, "nobody"), Some((4_294_967_294, 4_294_967_294)));
        assert_eq!(lookup(users, "root"), Some((0, 0)));
        assert_eq!(lookup(users, "postgres"), None);
    }
}
