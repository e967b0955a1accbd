use std::fmt;

use zxcvbn::{Score, zxcvbn};

use super::CommonPasswords;

/// Which passwords are accepted. A value: choose one, or change one.
///
/// ```
/// use saas_auth::{PasswordFlaw, PasswordPolicy};
///
/// let policy = PasswordPolicy::asvs();
/// assert_eq!(policy.flaw("short", &[]), Some(PasswordFlaw::Short { minimum: 12 }));
/// assert_eq!(policy.flaw("passwordpassword", &[]), Some(PasswordFlaw::Weak));
/// assert_eq!(policy.flaw("quiet river under glass", &[]), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    minimum: usize,
    classes: bool,
    estimated: bool,
    screened: bool,
}

impl PasswordPolicy {
    /// The longest password, in bytes: room for any passphrase, and a bound for the work that one request can cause.
    pub const MAX_BYTES: usize = 1024;

    /// What OWASP's ASVS 5 asks for (6.2): 12 characters or more, any of them, and none that is easy to guess from lists of common
    /// passwords, from patterns, or from what is known of the person, or that was stolen somewhere.
    #[must_use]
    pub const fn asvs() -> Self {
        Self { minimum: 12, classes: false, estimated: true, screened: true }
    }

    /// What many are used to: 8 characters with an upper-case letter, a lower-case letter and a digit. Weaker than [`asvs`](Self::asvs).
    #[must_use]
    pub const fn classic() -> Self {
        Self { minimum: 8, classes: true, estimated: false, screened: false }
    }

    /// Asks for this many characters.
    #[must_use]
    pub const fn with_minimum(mut self, characters: usize) -> Self {
        self.minimum = characters;
        self
    }

    /// Whether passwords that were stolen somewhere are refused.
    #[must_use]
    pub const fn screened(mut self, yes: bool) -> Self {
        self.screened = yes;
        self
    }

    pub(crate) const fn is_screened(&self) -> bool {
        self.screened
    }

    /// How many characters are asked for.
    #[must_use]
    pub const fn minimum(&self) -> usize {
        self.minimum
    }

    /// What is wrong with a password, if anything. `context` is what is known of the person and the product: an attacker tries that first.
    #[must_use]
    pub fn flaw(&self, password: &str, context: &[&str]) -> Option<PasswordFlaw> {
        if password.len() > Self::MAX_BYTES {
            return Some(PasswordFlaw::Long { maximum: Self::MAX_BYTES });
        }
        if password.chars().count() < self.minimum {
            return Some(PasswordFlaw::Short { minimum: self.minimum });
        }
        let has = |class: fn(char) -> bool| password.contains(class);
        if self.classes && !(has(char::is_uppercase) && has(char::is_lowercase) && has(char::is_numeric)) {
            return Some(PasswordFlaw::Classes);
        }
        if self.estimated && !is_strong(password, &[]) {
            return Some(PasswordFlaw::Weak);
        }
        if self.estimated && (is_personal(password, context) || !is_strong(password, context)) {
            return Some(PasswordFlaw::Personal);
        }
        (self.screened && CommonPasswords.contains(password)).then_some(PasswordFlaw::Breached)
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self::asvs()
    }
}

/// More than 10^8 guesses by an attacker who knows the context.
fn is_strong(password: &str, context: &[&str]) -> bool {
    zxcvbn(password, context).score() >= Score::Three
}

/// Whether little is left of a password without what is known of its owner. The estimator alone thinks too well of several known words in
/// a row.
fn is_personal(password: &str, context: &[&str]) -> bool {
    const LEFT: usize = 8;
    let whole = password.to_lowercase();
    let mut words: Vec<String> = context.iter().filter(|word| word.len() >= 3).map(|word| word.to_lowercase()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = words.iter().fold(whole.clone(), |left, word| left.replace(word.as_str(), ""));
    left != whole && left.chars().filter(|c| c.is_alphanumeric()).count() < LEFT
}

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordFlaw {
    /// Too few characters.
    Short {
        /// How many are asked for.
        minimum: usize,
    },
    /// Too many bytes.
    Long {
        /// How many are taken.
        maximum: usize,
    },
    /// Easy to guess for anybody.
    Weak,
    /// Easy to guess for somebody who knows the person's name or address, or the product's name.
    Personal,
    /// It is in a list of passwords that were stolen.
    Breached,
    /// An upper-case letter, a lower-case letter or a digit is missing.
    Classes,
}

impl fmt::Display for PasswordFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { minimum } => write!(f, "at least {minimum} characters"),
            Self::Long { maximum } => write!(f, "at most {maximum} bytes"),
            Self::Weak => f.write_str("easy to guess: add another word or two"),
            Self::Personal => f.write_str("easy to guess for somebody who knows your name or address"),
            Self::Breached => f.write_str("is in a list of stolen passwords"),
            Self::Classes => f.write_str("needs an upper-case letter, a lower-case letter and a digit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_takes_any_characters_and_refuses_what_is_easy_to_guess() {
        let policy = PasswordPolicy::default();
        let context = ["Ada Lovelace", "Ada", "Lovelace", "ada.lovelace@example.com", "Monitoring"];
        for (password, expected) in [
            ("elevenchars", Some(PasswordFlaw::Short { minimum: 12 })),
            ("ééééééééééé", Some(PasswordFlaw::Short { minimum: 12 })),
            ("password1234", Some(PasswordFlaw::Weak)),
            ("aaaaaaaaaaaaaaaa", Some(PasswordFlaw::Weak)),
            ("qwertyuiop123", Some(PasswordFlaw::Weak)),
            ("ada.lovelaceAda Lovelace", Some(PasswordFlaw::Personal)),
            ("Ada Lovelace 1815", Some(PasswordFlaw::Personal)),
            ("Monitoring Lovelace!", Some(PasswordFlaw::Personal)),
            ("ada.lovelace@example.com", Some(PasswordFlaw::Personal)),
            ("Lovelace wrote the first program", None),
            ("correct quiet staple dune", None),
            ("私はガラスの川を渡る夜に歌う", None),
            ("tr0ub4dor&3 in the rain", None),
        ] {
            assert_eq!(policy.flaw(password, &context), expected, "{password}");
        }
    }

    #[test]
    fn the_length_is_bounded() {
        let policy = PasswordPolicy::default();
        let word = "quiet river under glass ";
        let longest: String = word.chars().cycle().take(PasswordPolicy::MAX_BYTES).collect();
        assert_eq!(policy.flaw(&longest, &[]), None);
        assert_eq!(policy.flaw(&format!("{longest}x"), &[]), Some(PasswordFlaw::Long { maximum: 1024 }));
    }

    /// ASVS 6.2.4, 6.2.12.
    #[test]
    fn what_was_stolen_is_refused_unless_the_policy_says_otherwise() {
        let stolen = "WpGyUGVME58XGhiO";
        assert_eq!(PasswordPolicy::asvs().flaw(stolen, &[]), Some(PasswordFlaw::Breached));
        assert_eq!(PasswordPolicy::asvs().screened(false).flaw(stolen, &[]), None);
        assert_eq!(PasswordPolicy::classic().flaw(stolen, &[]), None);
        assert_eq!(PasswordPolicy::classic().screened(true).flaw(stolen, &[]), Some(PasswordFlaw::Breached));
    }

    #[test]
    fn the_classic_policy_asks_for_classes() {
        let policy = PasswordPolicy::classic();
        assert_eq!(policy.flaw("Abcdef1", &[]), Some(PasswordFlaw::Short { minimum: 8 }));
        for password in ["abcdefg1", "ABCDEFG1", "Abcdefgh"] {
            assert_eq!(policy.flaw(password, &[]), Some(PasswordFlaw::Classes), "{password}");
        }
        assert_eq!(policy.flaw("Abcdefg1", &[]), None);
    }
}
