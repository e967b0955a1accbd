use std::{fmt, str::FromStr};

use url::Host;

/// An email address that mail can be sent to: `name@domain.tld`.
///
/// Narrower than RFC 5321 on purpose. Quoted names, addresses by IP and names outside ASCII are refused: hardly anybody has one, and each
/// is a way to write one mailbox as two accounts. A domain in other scripts is kept in its ASCII form (IDNA).
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    text: String,
    key: String,
}

impl Email {
    /// The longest address that mail can carry (RFC 5321, erratum 1690).
    pub const MAX_BYTES: usize = 254;

    /// The address as it was written, with its domain in ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the address is found by: in lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = text.trim_matches(' ').rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = domain_of(domain).ok_or(InvalidEmail)?;
        if !is_local_part(local) || local.len() + 1 + domain.len() > Self::MAX_BYTES {
            return Err(InvalidEmail);
        }
        let text = format!("{local}@{domain}");
        let key = text.to_ascii_lowercase();
        Ok(Self { text, key })
    }
}

/// A dot-atom (RFC 5322, section 3.2.3).
fn is_local_part(local: &str) -> bool {
    let is_atom =
        |atom: &str| !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte));
    local.len() <= 64 && local.split('.').all(is_atom)
}

fn domain_of(text: &str) -> Option<String> {
    // Checked first, because the parser of hosts would decode percent signs and read numbers as addresses.
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    if !is_plain || text.len() > Email::MAX_BYTES {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(text) else { return None };
    let is_label = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    (domain.contains('.') && domain.split('.').all(is_label)).then_some(domain)
}

/// Addresses do not belong in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[address]")
    }
}

/// The text is no address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an email address looks like name@example.com")]
pub struct InvalidEmail;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_taken() {
        for (text, key) in [
            ("ada@example.com", "ada@example.com"),
            (" Ada.Lovelace+test@Example.COM ", "ada.lovelace+test@example.com"),
            ("o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"),
            ("a@bücher.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Email>().map(|email| email.key), Ok(key.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_mail_cannot_reach_or_two_could_claim_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.example", "a.".repeat(130));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@@example.com",
            "a b@example.com",
            "ada@exa mple.com",
            "ada@example.com\0",
            "ada\0@example.com",
            "ada@example.com\nBcc: eve@example.com",
            "\"ada\"@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a@example..com",
            "a@example.com.",
            "a@-example.com",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a@0x7f.1",
            "a@ex%61mple.com",
            "\u{212a}@example.com",
            "<ada@example.com>",
            "ada@example.com,eve@example.com",
            &long_local,
            &long,
        ] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text:?}");
        }
    }
}
