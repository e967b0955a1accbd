//! Tables as text.

/// A cell of a table as RFC 4180 has it, in quotation marks. What a spreadsheet would take for a formula gets an apostrophe before it: what people
/// and clients call themselves is theirs to choose.
///
/// ```
/// assert_eq!(saas_core::csv_cell("=1+1"), "\"'=1+1\"");
/// ```
#[must_use]
pub fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn a_cell_stays_a_cell_and_is_no_formula() {
        assert_eq!(csv_cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(csv_cell("@x"), "\"'@x\"");
    }
}
