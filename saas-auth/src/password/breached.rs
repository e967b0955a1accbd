//! Passwords that were stolen somewhere: attackers try them first.

use std::fmt;

use async_trait::async_trait;
use saas_core::Secret;
use sha2::{Digest as _, Sha256};

/// Knows passwords that were stolen somewhere. Asked for each password that somebody chooses, after [`CommonPasswords`] and if the policy wants it.
///
/// * It must answer within a fraction of a second, or fail.
/// * It must not let the password out of the program; of its hash, no more than a part that many passwords share.
/// * If it fails, that is logged and the password is accepted: what the program carries itself has been asked, and whoever makes a service fail
///   must not keep people from choosing a password.
///
/// ```
/// use saas_auth::{BreachedPasswords, BreachedPasswordsError};
/// use saas_core::Secret;
///
/// /// The passwords of one's own that were stolen.
/// #[derive(Debug)]
/// struct Ours(Vec<String>);
///
/// #[async_trait::async_trait]
/// impl BreachedPasswords for Ours {
///     async fn contains(&self, password: &Secret) -> Result<bool, BreachedPasswordsError> {
///         Ok(self.0.iter().any(|stolen| stolen == password.expose()))
///     }
/// }
/// ```
#[async_trait]
pub trait BreachedPasswords: fmt::Debug + Send + Sync + 'static {
    /// Whether this password is one of them.
    async fn contains(&self, password: &Secret) -> Result<bool, BreachedPasswordsError>;
}

/// Whoever knows could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the list of stolen passwords could not be asked")]
pub struct BreachedPasswordsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The first bytes of the SHA-256 of each, in order. `tests/common-passwords` makes it and says from what; its licence lies beside it.
static LIST: &[u8] = include_bytes!("common.bin");

/// Of a trillion passwords that are in no list, about one in seven million is taken for one that is.
const BYTES: usize = 5;

/// The 150,000 passwords that are the most common in what was stolen, of 8 characters and more, in whatever letters. It is part of the program and
/// asks nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommonPasswords;

impl CommonPasswords {
    /// Whether this password is one of them.
    #[must_use]
    pub fn contains(self, password: &str) -> bool {
        let hash = Sha256::digest(password.to_lowercase());
        let (entries, _) = LIST.as_chunks::<BYTES>();
        entries.binary_search_by(|entry| entry.as_slice().cmp(&hash[..BYTES])).is_ok()
    }

    /// How many they are.
    #[must_use]
    pub const fn count(self) -> usize {
        LIST.len() / BYTES
    }
}

#[async_trait]
impl BreachedPasswords for CommonPasswords {
    async fn contains(&self, password: &Secret) -> Result<bool, BreachedPasswordsError> {
        Ok(Self::contains(*self, password.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ASVS 6.2.12.
    #[test]
    fn the_list_is_whole_and_in_order() {
        let (entries, rest) = LIST.as_chunks::<BYTES>();
        assert!(rest.is_empty() && entries.is_sorted_by(|one, next| one < next));
        assert!(CommonPasswords.count() >= 100_000);
    }

    #[test]
    fn what_was_stolen_often_is_in_it_however_it_is_written_and_what_was_not_is_not() {
        for password in ["password", "PASSWORD", "123456789", "1qaz2wsx3edc", "WpGyUGVME58XGhiO", "whysoserious2012", "vjlbabrfwbzfunny304"]
        {
            assert!(CommonPasswords.contains(password), "{password}");
        }
        for password in ["", "quiet river under glass", "WpGyUGVME58XGhiP", "passwore-of-mine", "私はガラスの川を渡る夜に歌う"]
        {
            assert!(!CommonPasswords.contains(password), "{password}");
        }
    }
}
