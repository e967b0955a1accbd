/// The addresses in a text that somebody pasted: from a list, a spreadsheet or the head of a mail, so separated by commas, semicolons or white
/// space, and perhaps with names. What is no address stays as it was written, to be shown as such.
pub(super) fn addresses(text: &str) -> Vec<String> {
    text.split([',', ';', '\n', '\r'])
        .flat_map(|part| match part.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
            Some((address, _)) => vec![address.trim().to_owned()],
            None => part.split_whitespace().map(ToOwned::to_owned).collect(),
        })
        .filter(|address| !address.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn addresses_are_found_in_what_people_paste() {
        for text in [
            "a@example.com,b@example.com",
            "a@example.com; b@example.com;",
            "  a@example.com\r\n\r\nb@example.com\n",
            "a@example.com\tb@example.com",
            "Ada Lovelace <a@example.com>, \"B\" <b@example.com>",
        ] {
            assert_eq!(addresses(text), ["a@example.com", "b@example.com"], "{text:?}");
        }
        assert_eq!(addresses("nobody, <>"), ["nobody"]);
    }
}
