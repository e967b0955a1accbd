use url::Url;

/// Where to go after a form: a path on our own host, and nothing else.
///
/// # Security
///
/// Browsers read `//host`, `/\host` and paths with tabs in them as other hosts. What looks harmless here is also read by a URL parser as a
/// browser would, and must stay on our origin.
pub(crate) fn local_path(text: &str, public_url: &Url) -> Option<String> {
    const LONGEST: usize = 2_000;
    let is_plain = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= LONGEST
        && !text.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace());
    let stays = || public_url.join(text).is_ok_and(|url| url.origin() == public_url.origin());
    (is_plain && stays()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_on_our_own_host_is_followed() {
        let ours: Url = "https://app.example.com".parse().unwrap();
        for good in ["/", "/devices", "/devices?state=down&page=2", "/a//b", "/a?next=//evil.example", "/%5Cevil.example"] {
            assert_eq!(local_path(good, &ours).as_deref(), Some(good));
        }
        let long = format!("/{}", "a".repeat(2_000));
        for bad in [
            "",
            "devices",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            " /devices",
            "/devices\r\nSet-Cookie: a=b",
            "/a\0b",
            &long,
        ] {
            assert_eq!(local_path(bad, &ours), None, "{bad:?}");
        }
    }
}
