//! Values that a column might take.

use uuid::Uuid;

use super::{
    Side,
    catalogue::{Check, Column, literal},
};

/// What makes the values of one row unlike those of any other.
#[derive(Debug, Clone)]
pub(super) struct Salt {
    text: String,
    number: u32,
}

impl Salt {
    pub(super) fn new(side: Side) -> Self {
        let id = Uuid::new_v4();
        let who = match side {
            Side::Attacker => "own",
            Side::Victim => CANARY,
        };
        let hex = id.simple().to_string();
        // Positive in any kind of number, and unlike others often enough; a collision is found and another value tried.
        let number = id.as_u128().rem_euclid(30_000) as u32 + 200;
        Self { text: format!("{who}-{}", &hex[..8]), number }
    }

    fn bytes(&self, length: usize) -> String {
        let hex: String = self.text.bytes().cycle().take(length).map(|byte| format!("{byte:02x}")).collect();
        format!("'\\x{hex}'::bytea")
    }
}

/// What each text of the victim carries.
pub(super) const CANARY: &str = "canary-b";

/// Expressions to try for a column, the most telling first.
pub(super) fn candidates(column: &Column, checks: &[Check], salt: &Salt) -> Vec<String> {
    let literals: Vec<&str> =
        checks.iter().filter(|check| check.columns.contains(&column.name)).flat_map(|check| literals(&check.definition)).collect();
    let mut values = of_kind(column, &literals, salt);
    if column.is_array {
        let mut arrays: Vec<String> = values.iter().map(|value| format!("array[{value}]")).collect();
        arrays.push("'{}'".to_owned());
        values = arrays;
    }
    for value in &mut values {
        *value = format!("({value})::{}", column.cast);
    }
    if column.has_default {
        values.push("default".to_owned());
    }
    if !column.not_null {
        values.push("null".to_owned());
    }
    values
}

fn of_kind(column: &Column, literals: &[&str], salt: &Salt) -> Vec<String> {
    let (text, number) = (&salt.text, salt.number);
    let (high, low) = (number / 250, number % 250);
    let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    match column.kind.as_str() {
        "uuid" => vec![format!("'{}'", Uuid::new_v4())],
        "text" | "varchar" | "bpchar" | "name" | "citext" => {
            let plain: String = text.chars().filter(|letter| *letter != '-').collect();
            let mut texts = vec![text.clone(), format!("{text}@example.com"), format!("https://{text}.example.com/")];
            texts.extend(literals.iter().filter(|literal| literal.contains('%')).map(|literal| literal.replace('%', text)));
            texts.extend(literals.iter().map(|literal| (*literal).to_owned()));
            let hex: String = text.bytes().cycle().take(32).map(|byte| format!("{byte:02x}")).collect();
            texts.extend([plain.clone(), plain.to_uppercase(), hex, number.to_string(), "x".to_owned(), "XX".to_owned(), "XXX".to_owned()]);
            texts.iter().map(|text| literal(text)).collect()
        }
        "bytea" => [32, 16, 20, 24, 48, 64, 12, 8, 1].map(|length| salt.bytes(length)).to_vec(),
        "bool" => own(&["true", "false"]),
        "int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8" | "money" => {
            let mut numbers = vec![number.to_string()];
            numbers.extend(own(&["1", "0", "2", "10", "100", "-1"]));
            numbers.extend(literals.iter().filter(|literal| literal.parse::<f64>().is_ok()).map(|literal| literal.to_string()));
            numbers
        }
        "timestamptz" | "timestamp" => {
            let mut times = vec![format!("now() + interval '{number} milliseconds'")];
            times.extend(own(&[
                "now()",
                "now() - interval '1 day'",
                "now() + interval '1 day'",
                "'2000-01-01'",
                "date_trunc('month', now())",
            ]));
            times
        }
        "date" => own(&["current_date", "current_date + 1", "'2000-01-01'", "date_trunc('month', now())"]),
        "time" | "timetz" => own(&["'12:00'", "'00:00'"]),
        "interval" => vec![format!("interval '{number} seconds'"), "interval '1 day'".to_owned()],
        "json" | "jsonb" => {
            vec![
                format!("'{{\"text\": \"{text}\"}}'"),
                format!("'[\"{text}\"]'"),
                format!("'\"{text}\"'"),
                "'{}'".to_owned(),
                "'[]'".to_owned(),
            ]
        }
        "inet" => vec![format!("'10.9.{high}.{low}'"), format!("'10.{high}.{low}.0/24'")],
        "cidr" => vec![format!("'10.{high}.{low}.0/24'"), format!("'10.9.{high}.{low}/32'")],
        "macaddr" => vec![format!("'02:00:00:00:{high:02x}:{low:02x}'")],
        "macaddr8" => vec![format!("'02:00:00:00:00:00:{high:02x}:{low:02x}'")],
        "tsvector" => vec![format!("array_to_tsvector(array['{text}'])")],
        "tsquery" => vec![format!("plainto_tsquery('simple', '{text}')")],
        "xml" => vec![format!("'<a>{text}</a>'")],
        "int4range" | "int8range" | "numrange" => vec![format!("'[{number},{}]'", number + 1), "'(,)'".to_owned()],
        "tstzrange" | "tsrange" | "daterange" => own(&["'[2030-01-01,2030-02-01)'", "'(,)'"]),
        _ => column.labels.iter().map(|label| literal(label)).collect(),
    }
}

/// The texts and numbers that a constraint compares with.
fn literals(definition: &str) -> Vec<&str> {
    let texts = definition.split('\'').skip(1).step_by(2);
    let numbers = definition.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty());
    texts.chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn the_values_that_a_constraint_compares_with_are_tried() {
        let state = "CHECK ((state = ANY (ARRAY['up'::text, 'down'::text])))";
        assert_eq!(literals(state), ["up", "down"]);
        assert_eq!(literals("CHECK (((rank >= 12) AND (rank < 40)))"), ["12", "40"]);
    }
}
