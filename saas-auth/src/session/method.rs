use serde::Serialize;
use utoipa::ToSchema;

/// A way to show who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignInMethod)]
#[non_exhaustive]
pub enum Method {
    /// The account's password.
    Password,
    /// A link or a code from a mail to the account's address.
    Email,
    /// An account elsewhere that is linked with this one.
    Provider,
    /// A code from an authenticator app.
    Totp,
    /// A code from the list that is kept for bad days.
    BackupCode,
    /// A passkey.
    Passkey,
}

impl Method {
    const ALL: [Self; 6] = [Self::Password, Self::Email, Self::Provider, Self::Totp, Self::BackupCode, Self::Passkey];

    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
            Self::Provider => "provider",
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
            Self::Passkey => "passkey",
        }
    }

    /// Whether it is asked for after another one.
    pub(crate) const fn is_second(self) -> bool {
        matches!(self, Self::Totp | Self::BackupCode)
    }

    /// Whether nothing is asked for after it: it is something that its person has, and what unlocks it.
    pub(crate) const fn is_both(self) -> bool {
        matches!(self, Self::Passkey)
    }

    /// Whether whoever has shown it has shown a second factor.
    pub(crate) const fn shows_second(self) -> bool {
        self.is_second() || self.is_both()
    }

    /// What is stored, read again. The table's constraint lets nothing else in.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_read_as_it_is_stored_and_shown() {
        for method in Method::ALL {
            assert_eq!(Method::stored(method.as_str()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert_eq!(Method::stored("fax"), None);
    }

    /// ASVS 6.1.3.
    #[test]
    fn the_ways_in_are_written_down_with_what_they_are_worth() {
        let (_, section) = include_str!("../../ASVS.md").split_once("\n### Ways in\n").unwrap();
        let rows = section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), Method::ALL.len());
        for (method, row) in Method::ALL.into_iter().zip(rows) {
            let worth = match (method.is_second(), method.is_both()) {
                (false, false) => "one factor",
                (true, false) => "second factor",
                (_, true) => "both factors",
            };
            assert!(row.starts_with(&format!("| `{}` | {worth}", method.as_str())), "{row}");
        }
    }
}
