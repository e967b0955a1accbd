//! Reads what a template's source promises and needs: the texts it names, and the samples in its leading comment.

use serde_json::Value;

/// A text that a template asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextUse {
    /// `t("key")`
    Key(String),
    /// `t("prefix-" ~ name)`
    Prefix(String),
}

/// The texts a template asks for by a literal, in order.
pub(super) fn text_uses(source: &str) -> Vec<TextUse> {
    let code = without_comments(source);
    let mut uses = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("t(") {
        let start = from + found;
        from = start + 2;
        let is_part_of_a_name = code[..start].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let argument = code[from..].trim_start();
        let Some(quote) = argument.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some((key, rest)) = argument[1..].split_once(quote).filter(|_| !is_part_of_a_name) else { continue };
        uses.push(if rest.trim_start().starts_with('~') { TextUse::Prefix(key.to_owned()) } else { TextUse::Key(key.to_owned()) });
    }
    uses
}

/// The samples of the leading comment: names (empty for a plain `sample:`) and contexts. `Ok(None)` if the template declares
/// with `sample: none` that it is only a part of others.
pub(super) fn samples(source: &str) -> Result<Option<Vec<(String, Value)>>, String> {
    let comment = source.trim_start().strip_prefix("{#").and_then(|rest| rest.split_once("#}")).map(|(comment, _)| comment);
    let mut found = Vec::new();
    let mut rest = comment.unwrap_or_default();
    while let Some(start) = next_sample(rest) {
        let Some((name, after)) = rest[start + "sample".len()..].split_once(':') else { break };
        let name = name.trim();
        if after.trim_start().starts_with("none") {
            return Ok(None);
        }
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => found.push((name.to_owned(), value)),
            Some(Err(error)) => return Err(format!("the sample {name:?} is not JSON: {error}")),
            None => return Err(format!("the sample {name:?} has no context")),
        }
        rest = &after[values.byte_offset()..];
    }
    if found.is_empty() {
        return Err("its leading comment has no sample".to_owned());
    }
    Ok(Some(found))
}

/// Where a line begins with the word `sample`.
fn next_sample(comment: &str) -> Option<usize> {
    let mut position = 0;
    for line in comment.split_inclusive('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with("sample:") || trimmed.starts_with("sample ") {
            return Some(position + line.len() - trimmed.len());
        }
        position += line.len();
    }
    None
}

fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{#") {
        code.push_str(before);
        rest = after.split_once("#}").map_or("", |(_, rest)| rest);
    }
    code.push_str(rest);
    code
}

#[cfg(test)]
mod tests {
    use super::{TextUse, samples, text_uses};

    #[test]
    fn texts_are_found_in_code_and_not_in_comments_or_other_calls() {
        let source =
            r#"{# t("no") #}{{ t("a-b", n=1) }} {% if x %}{{ field(t( 'c' )) }}{{ alert("d") }}{{ x.t("e") }}{{ t("f-" ~ g) }}{{ t(h) }}"#;
        let expected = [TextUse::Key("a-b".into()), TextUse::Key("c".into()), TextUse::Prefix("f-".into())];
        assert_eq!(text_uses(source), expected);
    }

    #[test]
    fn samples_are_read_from_the_leading_comment() {
        let source = "{#\nA page, for sample data.\nsample: {\"a\": 1}\n  sample expired: {\"a\":\n 2}\n#}\n{# sample: no #}";
        let found = samples(source).unwrap().unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].0.as_str(), &found[1].1["a"]), ("expired", &2.into()));
        assert_eq!(samples("{# sample: none #}x").unwrap(), None);
        assert!(samples("{# sample: {a} #}").unwrap_err().contains("not JSON"));
        assert!(samples("<p>").unwrap_err().contains("no sample"));
    }
}
