//! What the stand-in knows: objects by kind, oldest first, and what happened to them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{answer::Refusal, card::Card, checkout::Order, invoice, shape};

/// Everything that there is. One lock holds it, so a request sees and changes it as a whole.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) objects: BTreeMap<&'static str, Vec<Value>>,
    /// What each customer pays with.
    pub(super) cards: BTreeMap<String, Card>,
    /// What is bought on each page.
    pub(super) orders: BTreeMap<String, Order>,
    pub(super) kept: BTreeMap<String, Kept>,
    /// Events that endpoints have not taken yet.
    pub(super) deliveries: Vec<Delivery>,
    /// The secret of each endpoint.
    pub(super) secrets: BTreeMap<String, String>,
    /// The next write that has a key fails.
    pub(super) fails_next: bool,
    /// What addresses of its pages begin with.
    pub(super) pages: String,
    /// After how many days a failed payment is tried again.
    pub(super) retry_days: Vec<u32>,
    clock: Clock,
    /// The time in which whatever happens now happens, while a test clock is moved.
    moment: Option<i64>,
}

/// The answer to a request with a key, kept for whoever asks again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) asked: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) endpoint: String,
    pub(super) event: Value,
    pub(super) attempt: u32,
    pub(super) due: tokio::time::Instant,
}

impl Books {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            objects: BTreeMap::new(),
            cards: BTreeMap::new(),
            orders: BTreeMap::new(),
            kept: BTreeMap::new(),
            deliveries: Vec::new(),
            secrets: BTreeMap::new(),
            fails_next: false,
            pages: String::new(),
            retry_days: vec![3, 5, 7],
            clock,
            moment: None,
        }
    }

    /// The time, in seconds; while a test clock is moved, the time that it has come to.
    pub(super) fn now(&self) -> i64 {
        self.moment.unwrap_or_else(|| self.clock.now().timestamp())
    }

    pub(super) fn at(&mut self, moment: Option<i64>) {
        self.moment = moment;
    }

    /// The pages are there from now on.
    pub(super) fn moved_to(&mut self, pages: &str) {
        pages.clone_into(&mut self.pages);
        for id in self.ids("invoice", |_| true) {
            let page = invoice::address(self, &id);
            self.change("invoice", &id, json!({ "hosted_invoice_url": page }));
        }
    }

    /// The port of its pages.
    pub(super) fn port(&self) -> u16 {
        self.pages.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default()
    }

    /// Whether somebody can move the clock while it goes on.
    pub(super) fn is_movable(&self) -> bool {
        self.clock.ahead().is_some()
    }

    /// How far it is ahead of the computer's.
    pub(super) fn ahead(&self) -> TimeDelta {
        self.clock.ahead().unwrap_or_default()
    }

    /// Moves the clock, and with it that of whoever gave it to us.
    pub(super) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// The time of whatever belongs to a customer: its test clock's, or ours.
    pub(super) fn time_of(&self, customer: &str) -> i64 {
        let clock = self.get("customer", customer).and_then(|customer| customer["test_clock"].as_str());
        let frozen = clock.and_then(|clock| self.get("test_helpers.test_clock", clock)?["frozen_time"].as_i64());
        self.moment.or(frozen).unwrap_or_else(|| self.now())
    }

    pub(super) fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.objects.get(kind)?.iter().find(|object| object["id"] == id)
    }

    pub(super) fn get_mut(&mut self, kind: &str, id: &str) -> Option<&mut Value> {
        self.objects.get_mut(kind)?.iter_mut().find(|object| object["id"] == id)
    }

    /// The object, or 404.
    pub(super) fn find(&self, kind: &str, id: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| Refusal::missing(kind, id))
    }

    /// The object that a parameter names, or 400.
    pub(super) fn named(&self, kind: &str, id: &str, param: &str) -> Result<&Value, Refusal> {
        self.get(kind, id).ok_or_else(|| Refusal::no_such(kind, id, param))
    }

    /// All of a kind, the oldest first.
    pub(super) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.objects.get(kind).into_iter().flatten()
    }

    /// A new object: the shape of its kind, with these fields.
    pub(super) fn make(&mut self, kind: &'static str, fields: Value) -> Value {
        let mut object = shape::of(kind);
        object["id"] = format!("{}_{}", shape::prefix(kind), Uuid::now_v7().simple()).into();
        object["created"] = self.now().into();
        merge(&mut object, fields);
        self.objects.entry(kind).or_default().push(object.clone());
        object
    }

    /// Changes an object and says what was otherwise before, as events do.
    pub(super) fn change(&mut self, kind: &'static str, id: &str, fields: Value) -> Option<Value> {
        let object = self.get_mut(kind, id)?;
        let before = object.clone();
        merge(object, fields);
        let previous: Map<String, Value> = before
            .as_object()?
            .iter()
            .filter(|(name, value)| object.get(name.as_str()) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Some(Value::Object(previous))
    }

    pub(super) fn remove(&mut self, kind: &str, id: &str) -> Option<Value> {
        let objects = self.objects.get_mut(kind)?;
        let place = objects.iter().position(|object| object["id"] == id)?;
        Some(objects.remove(place))
    }

    /// Something happened to an object: an event of it as it is now, on its way to whoever wants to hear of it.
    pub(super) fn happened(&mut self, kind: &str, object: &Value, previous: Option<Value>) {
        let mut data = json!({ "object": object });
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let event = self.make("event", json!({ "type": kind, "data": data }));
        let wanting: Vec<String> = self
            .all("webhook_endpoint")
            .filter(|endpoint| endpoint["status"] == "enabled" && wants(endpoint, kind))
            .filter_map(|endpoint| endpoint["id"].as_str().map(ToOwned::to_owned))
            .collect();
        let due = tokio::time::Instant::now();
        self.deliveries.extend(wanting.into_iter().map(|endpoint| Delivery { endpoint, event: event.clone(), attempt: 0, due }));
    }

    /// Changes an object and says so, if it is another one now.
    pub(super) fn update(&mut self, kind: &'static str, id: &str, fields: Value, event: &str) {
        let Some(previous) = self.change(kind, id, fields) else { return };
        let Some(object) = self.get(kind, id).cloned() else { return };
        if previous.as_object().is_some_and(|previous| !previous.is_empty()) {
            self.happened(event, &object, Some(previous));
        }
    }
}

fn wants(endpoint: &Value, kind: &str) -> bool {
    endpoint["enabled_events"].as_array().into_iter().flatten().any(|wanted| wanted == "*" || wanted == kind)
}

/// Puts fields into an object, and those of `metadata` into its metadata: an empty one takes the name away.
pub(super) fn merge(object: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("metadata", Value::Object(new)) => {
                for (key, text) in new {
                    match (object["metadata"].as_object_mut(), text == "") {
                        (Some(held), true) => drop(held.remove(&key)),
                        (Some(held), false) => drop(held.insert(key, text)),
                        (None, _) => {}
                    }
                }
            }
            (_, value) => object[name] = value,
        }
    }
}

/// The time of a number of seconds.
pub(super) fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

impl Books {
    /// A customer is gone, and still can be asked for.
    pub(super) fn forget(&mut self, customer: &str) {
        self.cards.remove(customer);
        let gone = json!({ "id": customer, "object": "customer", "deleted": true });
        self.objects.entry("deleted_customer").or_default().push(gone);
    }

    /// The object of an id, of whatever kind.
    pub(super) fn any(&self, id: &str) -> Option<&Value> {
        self.objects.values().flatten().find(|object| object["id"] == id)
    }

    /// The same, to be changed.
    pub(super) fn any_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.objects.values_mut().flatten().find(|object| object["id"] == id)
    }

    /// The ids of a kind for which something holds.
    pub(super) fn ids(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Vec<String> {
        self.all(kind).filter(|object| fits(object)).filter_map(|object| object["id"].as_str()).map(ToOwned::to_owned).collect()
    }
}
