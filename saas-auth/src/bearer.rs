use http::{HeaderMap, header};
use saas_core::{Problem, ProblemType};

use crate::{key::KeyText, token::AccessToken};

/// What a request's `Authorization` header says.
pub(crate) enum Bearer {
    /// There is none.
    Nothing,
    /// Something well-formed, with a checksum that fits.
    Text(KeyText),
    /// Something that has the shape of an access token.
    Token(AccessToken),
}

/// Reads the header without asking the database: what is not well-formed is 401, two headers are 400.
pub(crate) fn bearer(headers: &HeaderMap, prefix: &str) -> Result<Bearer, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(Bearer::Nothing),
        (Some(value), None) => {
            let text = value.to_str().ok().and_then(|value| value.split_once(' '));
            let shown = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, shown)| shown.trim_matches(' '));
            shown.and_then(|shown| read(prefix, shown)).ok_or_else(Problem::unauthenticated)
        }
        (Some(_), Some(_)) => Err(Problem::new(&ProblemType::BAD_REQUEST).detail("more than one Authorization header")),
    }
}

fn read(prefix: &str, shown: &str) -> Option<Bearer> {
    // A key has no dots, and a token has two.
    if shown.contains('.') { AccessToken::parse(shown).map(Bearer::Token) } else { KeyText::parse(prefix, shown).map(Bearer::Text) }
}
