//! Products and prices.

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    list::list,
    params::Params,
};

const PRODUCT: &[&str] = &["id", "name", "active", "description", "metadata", "unit_label", "statement_descriptor", "url", "default_price"];
const PRICE: &[&str] = &[
    "currency",
    "product",
    "unit_amount",
    "recurring",
    "nickname",
    "lookup_key",
    "metadata",
    "active",
    "tax_behavior",
    "transfer_lookup_key",
];
const PRICE_LATER: &[&str] = &["active", "nickname", "lookup_key", "metadata", "tax_behavior", "transfer_lookup_key"];

pub(super) fn products(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "product", "/v1/products", params, &["active"]),
        ("GET", [id]) => books.find("product", id).cloned(),
        ("POST", []) => {
            params.only(PRODUCT)?;
            params.required("name")?;
            if let Some(id) = params.text("id").filter(|id| books.get("product", id).is_some()) {
                return Err(Refusal::invalid("id", format!("Product already exists: {id}")));
            }
            let mut fields = Value::Object(params.given(PRODUCT));
            plain(&mut fields, params)?;
            fields["updated"] = books.now().into();
            Ok(made(books, "product", fields))
        }
        ("POST", [id]) => {
            params.only(PRODUCT)?;
            books.find("product", id)?;
            let mut fields = Value::Object(params.given(&PRODUCT[1..]));
            plain(&mut fields, params)?;
            fields["updated"] = books.now().into();
            books.update("product", id, fields, "product.updated");
            books.find("product", id).cloned()
        }
        ("DELETE", [id]) => {
            if books.all("price").any(|price| price["product"] == **id) {
                return Err(Refusal::invalid("id", "This product cannot be deleted because it has one or more user-created prices."));
            }
            let product = books.remove("product", id).ok_or_else(|| Refusal::missing("product", id))?;
            books.happened("product.deleted", &product, None);
            Ok(json!({ "id": id, "object": "product", "deleted": true }))
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/products")),
    }
}

pub(super) fn prices(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => {
            let mut params = params.clone();
            let keys = params.0.remove("lookup_keys");
            let mut found = list(books, "price", "/v1/prices", &params, &["active", "product", "currency", "type"])?;
            if let (Some(Value::Array(keys)), Some(data)) = (keys, found["data"].as_array_mut()) {
                data.retain(|price| keys.contains(&price["lookup_key"]));
            }
            Ok(found)
        }
        ("GET", [id]) => books.find("price", id).cloned(),
        ("POST", []) => price_make(books, params),
        ("POST", [id]) => {
            params.only(PRICE_LATER)?;
            books.find("price", id)?;
            let mut fields = Value::Object(params.given(PRICE_LATER));
            plain(&mut fields, params)?;
            key_taken(books, params)?;
            books.update("price", id, fields, "price.updated");
            books.find("price", id).cloned()
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/prices")),
    }
}

fn price_make(books: &mut Books, params: &Params) -> Answer {
    params.only(PRICE)?;
    let (currency, product) = (params.required("currency")?.to_owned(), params.required("product")?.to_owned());
    books.named("product", &product, "product")?;
    let amount = params.number("unit_amount")?.ok_or_else(|| Refusal::parameter_missing("unit_amount"))?;
    if !(0..=99_999_999).contains(&amount) {
        return Err(Refusal::invalid("unit_amount", "This value must be between 0 and 99999999."));
    }
    key_taken(books, params)?;
    let mut fields = Value::Object(params.given(PRICE));
    plain(&mut fields, params)?;
    fields["currency"] = currency.to_lowercase().into();
    fields["unit_amount"] = amount.into();
    fields["unit_amount_decimal"] = amount.to_string().into();
    let recurring = params.below("recurring");
    if let Some(interval) = recurring.text("interval") {
        if !["day", "week", "month", "year"].contains(&interval) {
            return Err(Refusal::invalid("recurring[interval]", "Must be one of day, week, month, or year."));
        }
        let count = recurring.number("interval_count")?.unwrap_or(1);
        fields["type"] = "recurring".into();
        fields["recurring"] =
            json!({ "interval": interval, "interval_count": count, "meter": null, "trial_period_days": null, "usage_type": "licensed" });
    }
    Ok(made(books, "price", fields))
}

/// A lookup key is one price's, and goes over to another only if that is asked for.
fn key_taken(books: &mut Books, params: &Params) -> Result<(), Refusal> {
    let Some(key) = params.text("lookup_key") else { return Ok(()) };
    let holder = books.all("price").find(|price| price["lookup_key"] == key).and_then(|price| price["id"].as_str()).map(ToOwned::to_owned);
    match holder {
        Some(holder) if params.is("transfer_lookup_key")? == Some(true) => {
            books.update("price", &holder, json!({ "lookup_key": null }), "price.updated");
            Ok(())
        }
        Some(_) => Err(Refusal::invalid("lookup_key", "A price already uses that lookup key.")),
        None => Ok(()),
    }
}

/// What forms write as text and objects do not.
fn plain(fields: &mut Value, params: &Params) -> Result<(), Refusal> {
    if let Some(active) = params.is("active")? {
        fields["active"] = active.into();
    }
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("transfer_lookup_key");
    }
    Ok(())
}

fn made(books: &mut Books, kind: &'static str, fields: Value) -> Value {
    let object = books.make(kind, fields);
    books.happened(&format!("{kind}.created"), &object, None);
    object
}
