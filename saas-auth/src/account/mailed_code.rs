use saas_core::{MasterKey, Purpose, Secret, Token};

use crate::Email;

/// What codes are kept under.
const CODES: Purpose = Purpose::new("auth mailed codes");

const DIGITS: usize = 8;

/// The code in a mail to sign in with: 26 bits, of which a mail lets five be tried (ASVS 6.5.4, 6.6.3).
#[derive(Debug, Clone)]
pub(crate) struct MailedCode(Secret);

impl MailedCode {
    pub(crate) fn generate() -> Self {
        Self(Secret::new(format!("{:0DIGITS$}", rand::random_range(0..10_u32.pow(8)))))
    }

    /// Reads what somebody typed, with or without something between the digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(Secret::new(digits)))
    }

    /// As a mail shows it: two halves are easier to type.
    pub(crate) fn text(&self) -> String {
        let (first, second) = self.0.expose().split_at(DIGITS / 2);
        format!("{first} {second}")
    }

    /// What is kept of it. Whoever has not the browser that asked for the mail, or has a code for another address, finds nothing by it (ASVS 6.6.2).
    pub(super) fn mac(&self, keys: &MasterKey, browser: &Token, email: &Email) -> [u8; 32] {
        keys.sign(CODES, &[browser.hash().as_bytes(), self.0.expose().as_bytes(), email.key().as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_typed() {
        let (keys, browser, ada) = (MasterKey::generate(), Token::generate(), "ada@example.com".parse().unwrap());
        let code = MailedCode::generate();
        let (text, mac) = (code.text(), code.mac(&keys, &browser, &ada));
        assert_eq!((text.len(), text.as_bytes()[4]), (9, b' '));
        for typed in [text.clone(), text.replace(' ', ""), format!(" {}\u{a0}", text.replace(' ', "-"))] {
            assert_eq!(MailedCode::parse(&typed).unwrap().mac(&keys, &browser, &ada), mac, "{typed:?}");
        }
        for bad in ["", "1234567", "123456789", "1234567a", "１２３４５６７８", "12345678\0"] {
            assert!(MailedCode::parse(bad).is_none(), "{bad:?}");
        }
    }

    /// ASVS 6.6.2, 6.5.2: a code is worth nothing in another browser, for another address or to whoever reads the database.
    #[test]
    fn a_code_is_bound_to_the_browser_and_the_address_and_kept_under_a_key() {
        let (keys, browser, ada) = (MasterKey::generate(), Token::generate(), "ada@example.com".parse().unwrap());
        let code = MailedCode::generate();
        let mac = code.mac(&keys, &browser, &ada);
        assert_ne!(mac, code.mac(&keys, &Token::generate(), &ada));
        assert_ne!(mac, code.mac(&keys, &browser, &"eve@example.com".parse().unwrap()));
        assert_ne!(mac, code.mac(&MasterKey::generate(), &browser, &ada));
        assert_eq!(mac, code.mac(&keys, &browser, &"ADA@example.com".parse().unwrap()));
    }

    #[test]
    fn codes_begin_with_every_digit() {
        let firsts: std::collections::BTreeSet<_> = (0..1_000).map(|_| MailedCode::generate().text().chars().next()).collect();
        assert_eq!(firsts.len(), 10);
    }
}
