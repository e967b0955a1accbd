//! Lists in pages, the newest first (<https://docs.stripe.com/api/pagination>).

use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    params::Params,
};

const PAGING: &[&str] = &["limit", "starting_after", "ending_before", "created", "expand"];

/// The objects of a kind that have what the filters ask: a parameter of the name of a field.
pub(super) fn list(books: &Books, kind: &'static str, path: &str, params: &Params, filters: &[&str]) -> Answer {
    list_of(books, kind, path, params, filters, &|_| true)
}

/// The same, of those that something holds for.
pub(super) fn list_of(
    books: &Books,
    kind: &'static str,
    path: &str,
    params: &Params,
    filters: &[&str],
    holds: &dyn Fn(&Value) -> bool,
) -> Answer {
    let known: Vec<_> = PAGING.iter().chain(filters).copied().collect();
    params.only(&known)?;
    let limit = usize::try_from(params.number("limit")?.unwrap_or(10)).unwrap_or(0);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::invalid("limit", "This value must be between 1 and 100."));
    }
    let since = params.below("created").number("gte")?;
    let fits = |object: &&Value| {
        let is_young = since.is_none_or(|since| object["created"].as_i64().is_some_and(|created| created >= since));
        is_young && filters.iter().all(|name| params.text(name).is_none_or(|wanted| is(object, name, wanted)))
    };
    let found: Vec<_> = books.all(kind).rev().filter(fits).filter(|object| holds(object)).collect();
    let place = |name: &str| {
        params.text(name).map(|id| {
            let place = found.iter().position(|object| object["id"] == id);
            place.ok_or_else(|| Refusal::no_such(kind, id, name))
        })
    };
    let (page, has_more) = match (place("starting_after").transpose()?, place("ending_before").transpose()?) {
        (Some(after), _) => page(&found[after + 1..], limit),
        (None, Some(before)) => {
            let first = before.saturating_sub(limit);
            (&found[first..before], first > 0)
        }
        (None, None) => page(&found, limit),
    };
    Ok(json!({ "object": "list", "url": path, "has_more": has_more, "data": page }))
}

fn page<'a, 'b>(found: &'a [&'b Value], limit: usize) -> (&'a [&'b Value], bool) {
    (&found[..limit.min(found.len())], found.len() > limit)
}

/// Whether a field is what is wanted. `status=all` wants everything, and without it what is canceled is left out by whoever asks.
fn is(object: &Value, name: &str, wanted: &str) -> bool {
    match &object[name] {
        _ if name == "status" && wanted == "all" => true,
        // An invoice names its subscription below what it came from.
        Value::Null if name == "subscription" => object["parent"]["subscription_details"]["subscription"] == wanted,
        Value::String(text) => text == wanted,
        Value::Bool(is) => is.to_string() == wanted,
        _ => false,
    }
}
