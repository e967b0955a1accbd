use chrono::TimeDelta;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use saas_core::{Problem, Token};

/// How a cookie that carries a token is named and protected.
///
/// # Security
///
/// The `__Host-` prefix makes browsers refuse the cookie from a subdomain, for a domain or without TLS; `localhost` counts as safe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenCookie {
    name: &'static str,
    secure: bool,
}

/// What a request says about a token.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Nothing.
    Nothing,
    /// Something that cannot be a token of ours.
    Garbage,
    /// A token that is ours, perhaps.
    Token(Token),
}

// Other names without TLS, so that a cookie which was sent in the clear is never taken for a protected one.
impl TokenCookie {
    /// The session's.
    pub(crate) const fn session(secure: bool) -> Self {
        Self { name: if secure { "__Host-session" } else { "lan-session" }, secure }
    }

    /// That of somebody who has still to show a second factor.
    pub(crate) const fn pending(secure: bool) -> Self {
        Self { name: if secure { "__Host-entry" } else { "lan-entry" }, secure }
    }

    /// That of a browser which asked for a mail to sign in with.
    pub(crate) const fn asking(secure: bool) -> Self {
        Self { name: if secure { "__Host-asking" } else { "lan-asking" }, secure }
    }

    /// That of a browser which was asked for a passkey.
    #[cfg(feature = "passkeys")]
    pub(crate) const fn passkey(secure: bool) -> Self {
        Self { name: if secure { "__Host-passkey" } else { "lan-passkey" }, secure }
    }

    /// That of a browser which asks at an organization's host for the session that it has at the main one.
    pub(crate) const fn hand_off(secure: bool) -> Self {
        Self { name: if secure { "__Host-hand-off" } else { "lan-hand-off" }, secure }
    }

    /// That of somebody who has signed in while they are leaving: it lets them stay, and nothing else.
    pub(crate) const fn leaving(secure: bool) -> Self {
        Self { name: if secure { "__Host-leaving" } else { "lan-leaving" }, secure }
    }

    /// Reads a request. Two cookies of the name mean that somebody planted one: neither is believed.
    pub(crate) fn read(self, headers: &HeaderMap) -> Carried {
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == self.name);
        match (values.next(), values.next()) {
            (None, _) => Carried::Nothing,
            (Some(one), None) => Token::parse(one.value()).map_or(Carried::Garbage, Carried::Token),
            (Some(_), Some(_)) => Carried::Garbage,
        }
    }

    /// Gives the browser a token: until the browser is closed, or for as long as `keep` says.
    pub(crate) fn set(self, token: &Token, keep: Option<TimeDelta>) -> Result<HeaderValue, Problem> {
        let mut cookie = self.build(token.text().expose().to_owned());
        if let Some(keep) = keep {
            cookie.set_max_age(cookie::time::Duration::seconds(keep.num_seconds()));
        }
        HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)
    }

    /// Takes it away.
    pub(crate) fn clear(self) -> Result<HeaderValue, Problem> {
        let mut cookie = self.build(String::new());
        cookie.make_removal();
        HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)
    }

    /// Whether an answer says something about it already.
    pub(crate) fn is_in(self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::SET_COOKIE)
            .iter()
            .any(|value| value.as_bytes().strip_prefix(self.name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")))
    }

    fn build(self, value: String) -> Cookie<'static> {
        Cookie::build((self.name, value)).path("/").http_only(true).secure(self.secure).same_site(SameSite::Lax).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(cookies: &[&str]) -> Carried {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        TokenCookie::session(true).read(&headers)
    }

    #[test]
    fn one_token_is_read_and_two_are_not_believed() {
        let token = Token::generate();
        let text = format!("a=b; __Host-session={}; c=d", token.text().expose());
        assert!(matches!(carried(&[&text]), Carried::Token(read) if read.hash().matches(token.hash().as_bytes())));
        assert!(matches!(carried(&[]), Carried::Nothing));
        assert!(matches!(carried(&["session=x; __Host-sessions=y; lan-session=z"]), Carried::Nothing));
        assert!(matches!(carried(&["__Host-session=x"]), Carried::Garbage));
        assert!(matches!(carried(&[&text, "__Host-session=x"]), Carried::Garbage));
    }
}
