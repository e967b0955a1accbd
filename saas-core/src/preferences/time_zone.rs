use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{DateTime, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

/// A time zone of the IANA database.
///
/// ```
/// use saas_core::TimeZone;
///
/// let zone: TimeZone = "America/New_York".parse()?;
/// assert_eq!(zone.to_string(), "America/New_York");
/// assert!("Middle-earth/Shire".parse::<TimeZone>().is_err());
/// # Ok::<(), saas_core::UnknownTimeZone>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeZone(Tz);

/// Where people live; the rest of the database are older names and offsets.
const REGIONS: [&str; 9] = ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Every zone there is, older names among them.
    pub fn all() -> impl Iterator<Item = Self> {
        TZ_VARIANTS.iter().copied().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Its part of the world and its place there, for a list to choose from; none for names that nobody looks for.
    #[must_use]
    pub fn place(self) -> Option<(&'static str, Cow<'static, str>)> {
        let (region, place) = self.name().split_once('/')?;
        let readable = if place.contains('_') { Cow::Owned(place.replace('_', " ")) } else { Cow::Borrowed(place) };
        REGIONS.contains(&region).then_some((region, readable))
    }

    /// The moment as a clock there shows it.
    pub(crate) fn show(self, at: DateTime<Utc>) -> DateTime<Tz> {
        at.with_timezone(&self.0)
    }

    /// When it was last `hour` o'clock there. Where the clocks skip that hour, it is the first moment after it; where they show it twice, the
    /// first time.
    pub(crate) fn last_at(self, hour: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.show(now).date_naive().and_time(hour);
        let at = self.moment(today);
        if at <= now { at } else { self.moment(today - TimeDelta::days(1)) }
    }

    fn moment(self, local: NaiveDateTime) -> DateTime<Utc> {
        let mut local = local;
        loop {
            match self.0.from_local_datetime(&local) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at.with_timezone(&Utc),
                LocalResult::None => local += TimeDelta::minutes(15),
            }
        }
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such time zone; they are called like Europe/Berlin")]
pub struct UnknownTimeZone;

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(text: &str) -> Result<Self, UnknownTimeZone> {
        text.parse().map(Self).map_err(|_| UnknownTimeZone)
    }
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl PartialSchema for TimeZone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).description(Some("A name of the IANA database")).into()
    }
}

impl ToSchema for TimeZone {}

#[cfg(test)]
mod tests {
    use super::*;

    fn seven(zone: &str, now: &str) -> String {
        let zone: TimeZone = zone.parse().unwrap();
        zone.last_at(NaiveTime::from_hms_opt(7, 0, 0).unwrap(), now.parse().unwrap()).to_rfc3339()
    }

    /// NOT-04: the morning is where the person is.
    #[test]
    fn the_last_morning_is_the_one_of_the_place() {
        for (zone, now, morning) in [
            ("UTC", "2026-11-03T07:00:00Z", "2026-11-03T07:00:00+00:00"),
            ("UTC", "2026-11-03T06:59:59Z", "2026-11-02T07:00:00+00:00"),
            ("Europe/Berlin", "2026-11-03T06:30:00Z", "2026-11-03T06:00:00+00:00"),
            ("Asia/Kolkata", "2026-11-03T02:00:00Z", "2026-11-03T01:30:00+00:00"),
            ("Pacific/Kiritimati", "2026-11-02T18:00:00Z", "2026-11-02T17:00:00+00:00"),
            ("Pacific/Pago_Pago", "2026-11-03T17:00:00Z", "2026-11-02T18:00:00+00:00"),
        ] {
            assert_eq!(seven(zone, now), morning, "{zone} {now}");
        }
    }

    #[test]
    fn an_hour_that_the_clocks_skip_or_show_twice_is_still_one_moment() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let half_past_two = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let at = |now: &str| berlin.last_at(half_past_two, now.parse().unwrap()).to_rfc3339();
        assert_eq!(at("2026-03-29T12:00:00Z"), "2026-03-29T01:00:00+00:00", "skipped: the first moment after it");
        assert_eq!(at("2026-10-25T12:00:00Z"), "2026-10-25T00:30:00+00:00", "twice: the first time");
    }

    #[test]
    fn every_place_can_be_chosen_and_what_is_none_is_refused() {
        let places: Vec<_> = TimeZone::all().filter_map(TimeZone::place).collect();
        assert!(places.contains(&("America", Cow::Borrowed("New York"))) && places.len() > 300, "{}", places.len());
        for text in ["", "berlin", "Europe/Berlin\0", "europe/berlin", "../etc/passwd", "+02:00"] {
            assert_eq!(text.parse::<TimeZone>(), Err(UnknownTimeZone), "{text:?}");
        }
    }
}
