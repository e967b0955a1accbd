//! Time: test clocks that are moved, and the one that goes by itself (<https://docs.stripe.com/api/test_clocks>).

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    list::list,
    params::Params,
    subscription,
};

const KIND: &str = "test_helpers.test_clock";

/// More would be a mistake.
const MOST_STEPS: u32 = 10_000;

pub(super) fn clocks(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, KIND, "/v1/test_helpers/test_clocks", params, &[]),
        ("GET", [id]) => books.find(KIND, id).cloned(),
        ("POST", []) => {
            params.only(&["frozen_time", "name"])?;
            let frozen = params.number("frozen_time")?.ok_or_else(|| Refusal::parameter_missing("frozen_time"))?;
            Ok(books.make(KIND, json!({ "frozen_time": frozen, "name": params.text("name"), "deletes_after": frozen + 30 * 86_400 })))
        }
        ("POST", [id, "advance"]) => {
            params.only(&["frozen_time"])?;
            let until = params.number("frozen_time")?.ok_or_else(|| Refusal::parameter_missing("frozen_time"))?;
            let frozen = books.find(KIND, id)?["frozen_time"].as_i64().unwrap_or_default();
            if until < frozen {
                return Err(Refusal::invalid("frozen_time", "You can only advance a clock into the future."));
            }
            pass(books, Some(id), until);
            books.update(KIND, id, json!({ "frozen_time": until }), "test_helpers.test_clock.ready");
            books.find(KIND, id).cloned()
        }
        ("DELETE", [id]) => {
            books.remove(KIND, id).ok_or_else(|| Refusal::missing(KIND, id))?;
            Ok(json!({ "id": id, "object": KIND, "deleted": true }))
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/test_helpers/test_clocks")),
    }
}

/// Whatever is due by now happens, for those who live by the clock that goes by itself.
pub(super) fn catch_up(books: &mut Books) {
    let now = books.now();
    pass(books, None, now);
}

/// Whatever is due until then happens, each thing at its time, for those who live by this clock.
pub(super) fn pass(books: &mut Books, clock: Option<&str>, until: i64) {
    let lives_by = |subscription: &Value| subscription["test_clock"].as_str() == clock;
    for _ in 0..MOST_STEPS {
        let next = books
            .all("subscription")
            .filter(|subscription| lives_by(subscription))
            .filter_map(|subscription| Some((subscription::due(books, subscription)?, subscription::text(subscription, "id"))))
            .min();
        let Some((moment, id)) = next.filter(|(moment, _)| *moment <= until) else { break };
        books.at(Some(moment));
        subscription::pass(books, &id);
    }
    books.at(None);
}
