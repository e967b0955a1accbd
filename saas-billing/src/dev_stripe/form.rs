//! Stripe's forms: `items[0][price]=…` is a list of objects, `metadata[tenant]=…` an object, `expand[]=…` a list.

use serde_json::{Map, Value};

/// Reads a form into what it means.
pub(super) fn read(body: &[u8]) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let mut path = name.split('[').map(|part| part.trim_end_matches(']').to_owned());
        let Some(first) = path.next() else { continue };
        put(&mut root, first, &path.collect::<Vec<_>>(), Value::String(value.into_owned()));
    }
    root.into_iter().map(|(name, value)| (name, lists(value))).collect()
}

fn put(object: &mut Map<String, Value>, name: String, rest: &[String], value: Value) {
    let Some((next, rest)) = rest.split_first() else {
        object.insert(name, value);
        return;
    };
    let inner = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
    // A name that was a plain value before becomes an object, as the last one to be said.
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        let next = if next.is_empty() { inner.len().to_string() } else { next.clone() };
        put(inner, next, rest, value);
    }
}

/// An object whose names are 0, 1, 2… is a list.
fn lists(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let is_list = !object.is_empty() && (0..object.len()).all(|place| object.contains_key(&place.to_string()));
    let mut object: Map<String, Value> = object.into_iter().map(|(name, value)| (name, lists(value))).collect();
    if !is_list {
        return Value::Object(object);
    }
    (0..object.len()).filter_map(|place| object.remove(&place.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn brackets_are_objects_and_lists() {
        let form =
            "name=A+b&metadata[tenant]=t&metadata[x]=&items[0][price]=p1&items[1][price]=p2&items[1][quantity]=3&expand[]=a&expand[]=b.c";
        assert_eq!(
            serde_json::Value::Object(super::read(form.as_bytes())),
            json!({
                "name": "A b", "metadata": { "tenant": "t", "x": "" },
                "items": [{ "price": "p1" }, { "price": "p2", "quantity": "3" }], "expand": ["a", "b.c"],
            })
        );
    }

    #[test]
    fn nonsense_is_read_as_something_and_never_fails() {
        for form in ["", "=", "[", "]=1", "a[=1", "a[]]]=1&a=2", "a=1&a[b]=2", "a[b][c]=1&a[b]=2&a[b][d]=3", "%ff=%ff"] {
            super::read(form.as_bytes());
        }
    }
}
