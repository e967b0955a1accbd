use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// How much an event matters to whoever hears of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum EventSeverity {
    /// Everyday work.
    #[default]
    Info,
    /// Worth knowing.
    Notice,
    /// Somebody should look.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl EventSeverity {
    /// All of them, the lowest first.
    pub const ALL: &'static [Self] = &[Self::Info, Self::Notice, Self::Warning, Self::Critical];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// What is stored, read again. The table's constraint lets nothing else in.
    pub(crate) fn of(text: &str) -> Self {
        Self::ALL.iter().copied().find(|severity| severity.as_str() == text).unwrap_or_default()
    }
}

/// Something that happened. Past tense, and the same name for ever: others listen for it.
///
/// ```
/// #[derive(serde::Serialize, utoipa::ToSchema)]
/// struct DeviceAdded { address: String }
///
/// impl saas_core::Event for DeviceAdded {
///     const NAME: &'static str = "monitoring.device.added";
///     const TOPIC: &'static str = "devices";
///     const PERMISSION: Option<&'static str> = Some("monitoring.device.read");
/// }
///
/// /// What this crate announces; a product puts the lists of its crates together.
/// const EVENTS: &[saas_core::EventKind] = &[saas_core::EventKind::of::<DeviceAdded>()];
/// ```
///
/// # Security
///
/// What it carries is stored, sent to other systems and shown to all who hold the permission. Put no secret into it; if there is no way
/// around it, [`Masked`](crate::Masked). Wrap what says something about a person in [`Personal`](crate::Personal).
pub trait Event: Serialize + ToSchema {
    /// `crate.noun.verb`, in the past tense.
    const NAME: &'static str;
    /// The version of its shape: one more for each change that a listener could stumble over.
    const VERSION: i32 = 1;
    /// The part of a page that shows what changed; live streams of the tenant whose readers hold the permission are told it after the commit.
    const TOPIC: &'static str;
    /// How much it matters.
    const SEVERITY: EventSeverity = EventSeverity::Info;
    /// The permission that lets a member of the tenant hear of it. Without one, nobody but the person it is about does.
    const PERMISSION: Option<&'static str>;
}

/// What is known of a kind of event without one at hand: an entry of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct EventKind {
    /// Its name.
    pub name: &'static str,
    /// The version of its shape.
    pub version: i32,
    /// The part of a page that shows it.
    pub topic: &'static str,
    /// How much it matters.
    pub severity: EventSeverity,
    /// Who may hear of it.
    pub permission: Option<&'static str>,
    schema: fn() -> Value,
}

impl EventKind {
    /// The kind of `E`.
    #[must_use]
    pub const fn of<E: Event>() -> Self {
        Self {
            name: E::NAME,
            version: E::VERSION,
            topic: E::TOPIC,
            severity: E::SEVERITY,
            permission: E::PERMISSION,
            schema: schema_of::<E>,
        }
    }

    /// The shape of its data, as JSON Schema 2020-12.
    #[must_use]
    pub fn schema(&self) -> Value {
        (self.schema)()
    }
}

/// A kind of event, as the catalogue shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = EventKind)]
struct Shown {
    /// Its name: `crate.noun.verb`.
    name: &'static str,
    /// The version of its shape.
    version: i32,
    /// How much it matters.
    severity: EventSeverity,
    /// The part of a page that shows it.
    topic: &'static str,
    /// The permission that lets a member hear of it; nobody else does if there is none.
    permission: Option<&'static str>,
    /// The shape of its data, as JSON Schema 2020-12.
    #[schema(value_type = Object)]
    schema: Value,
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { name, version, topic, severity, permission, .. } = *self;
        Shown { name, version, severity, topic, permission, schema: self.schema() }.serialize(to)
    }
}

/// A schema that stands alone: OpenAPI keeps what is referred to elsewhere in its document, JSON Schema within.
fn schema_of<E: Event>() -> Value {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    E::schemas(&mut parts);
    let parts: BTreeMap<String, RefOr<Schema>> = parts.into_iter().collect();
    // A schema is data of ours, and always JSON.
    let mut schema = serde_json::to_value(E::schema()).unwrap_or_default();
    if let (Value::Object(schema), false) = (&mut schema, parts.is_empty()) {
        schema.insert("$defs".to_owned(), serde_json::to_value(parts).unwrap_or_default());
    }
    point_within(&mut schema);
    schema
}

fn point_within(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref") {
                *reference = reference.replacen("#/components/schemas/", "#/$defs/", 1);
            }
            map.values_mut().for_each(point_within);
        }
        Value::Array(items) => items.iter_mut().for_each(point_within),
        _ => {}
    }
}

/// Everything that a product announces: the lists of its crates together.
///
/// Published at `/api/v1/events/catalogue` and, for people, at `/events`; see [`routes`](Self::routes).
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct EventCatalogue {
    /// All kinds, by name.
    #[schema(value_type = Vec<Shown>)]
    events: Cow<'static, [EventKind]>,
}

impl EventCatalogue {
    /// The catalogue of these kinds, in the order of their names. Of two with one name and version, one is kept.
    #[must_use]
    pub fn new(lists: &[&[EventKind]]) -> Self {
        let kinds: BTreeMap<_, _> = lists.iter().flat_map(|list| list.iter()).map(|kind| ((kind.name, kind.version), *kind)).collect();
        Self { events: kinds.into_values().collect() }
    }

    /// All kinds, by name.
    #[must_use]
    pub fn kinds(&self) -> &[EventKind] {
        &self.events
    }

    /// The newest version of the kind with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&EventKind> {
        self.events.iter().rev().find(|kind| kind.name == name)
    }
}
