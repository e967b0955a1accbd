use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a plan limits: devices, seats, messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Meter(&'static str);

impl Meter {
    /// Names it, in lower case and the plural, as it stands in problem documents and in the database.
    ///
    /// # Panics
    ///
    /// Panics if the name does not have 1 to 100 bytes, all of them visible ASCII: as a constant it does not compile.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_name(name), "a name has 1 to 100 bytes of visible ASCII");
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Whether the database can keep something by this name, and it can stand anywhere.
pub(crate) const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if rest.is_empty() || rest.len() > 100 {
        return false;
    }
    while let [first, others @ ..] = rest {
        if !first.is_ascii_graphic() {
            return false;
        }
        rest = others;
    }
    true
}

/// Something that a plan has or has not: single sign-on, the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Feature(&'static str);

impl Feature {
    /// Names it, in lower case.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// After how long what is counted begins anew, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// At each full hour.
    Hour,
    /// At midnight.
    Day,
    /// On the first of the month.
    Month,
}

impl Period {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the one that `now` is in began.
    #[must_use]
    pub fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let day = now.date_naive();
        match self {
            Self::Hour => midnight(day) + TimeDelta::hours(now.hour().into()),
            Self::Day => midnight(day),
            Self::Month => midnight(day.with_day(1).unwrap_or(day)),
        }
    }

    /// When the next one begins.
    #[must_use]
    pub fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.start(now);
        match self {
            Self::Hour => start + TimeDelta::hours(1),
            Self::Day => start + TimeDelta::days(1),
            Self::Month => start + Months::new(1),
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// A meter of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    pub(crate) name: Arc<str>,
    pub(crate) per: Option<Period>,
}

impl Metered {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// After how long it begins anew; never for what is held, such as devices.
    #[must_use]
    pub const fn per(&self) -> Option<Period> {
        self.per
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{Period, is_name};

    #[test]
    fn a_name_is_one_that_the_database_can_keep() {
        let names = ["devices", "api-requests", "", "a\0b", "two words", "Geräte", &"m".repeat(100), &"m".repeat(101)];
        assert_eq!(names.map(is_name), [true, true, false, false, false, false, true, false]);
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_begins_and_ends_in_utc_whatever_the_month() {
        for (period, now, start, end) in [
            (Period::Hour, "2028-02-29T23:59:59.999999Z", "2028-02-29T23:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Day, "2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z"),
            (Period::Day, "2026-12-31T23:59:59Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
            (Period::Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Month, "2026-01-31T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            (Period::Month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!((period.start(at(now)), period.end(at(now))), (at(start), at(end)), "{period:?} {now}");
        }
    }

    /// The last moment of one is before the first of the next.
    #[test]
    fn the_end_of_one_is_the_start_of_the_next() {
        for period in [Period::Hour, Period::Day, Period::Month] {
            let mut now = at("2027-11-30T22:10:00Z");
            for _ in 0..500 {
                let end = period.end(now);
                assert_eq!(period.start(end), end);
                assert_eq!(period.start(end - chrono::TimeDelta::microseconds(1)), period.start(now));
                now = end + chrono::TimeDelta::minutes(7);
            }
        }
    }
}
