use std::{error::Error, iter::successors};

/// An error, what caused it, what caused that.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| (*error).source())
}

/// The same in one line.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the list could not be read")]
    struct Unreadable(#[source] std::num::ParseIntError);

    #[test]
    fn an_error_is_told_with_what_caused_it() {
        let error = Unreadable("x".parse::<u8>().unwrap_err());
        assert_eq!(in_full(&error), "the list could not be read: invalid digit found in string");
    }
}
