use http::HeaderMap;

use crate::{Problem, ProblemType};

pub(super) const HEADER: &str = "idempotency-key";

const MOST: usize = 255;

/// The key of a request, if it has one: a string of RFC 8941, or the same without its quotes.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_key = (1..=MOST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if is_key && values.next().is_none() {
        Ok(Some(key.to_owned()))
    } else {
        Err(Problem::new(&ProblemType::BAD_REQUEST).detail("an Idempotency-Key is one value of 1 to 255 visible characters without quotes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_visible_word_with_or_without_quotes() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value.parse().unwrap());
            }
            key(&headers).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["a-1"]), Ok(Some("a-1".to_owned())));
        assert_eq!(read(&["\"a-1\""]), Ok(Some("a-1".to_owned())));
        for bad in [&[""][..], &["a b"], &["\""], &["\"\""], &["a\"b"], &["a", "a"], &[&"a".repeat(256)]] {
            assert_eq!(read(bad), Err(400), "{bad:?}");
        }
    }
}
