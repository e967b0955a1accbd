use saas_core::{Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{BillingRead, Meter};

/// At how many per cent of a limit people are warned, the most first.
const PERCENTS: [u8; 2] = [90, 80];

/// Most of what a plan allows is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitNear {
    /// What is limited.
    pub meter: String,
    /// How many are used.
    pub used: u64,
    /// How many the plan allows.
    pub limit: u32,
    /// How many per cent of that are used at least: 80 or 90.
    pub percent: u8,
}

impl Event for LimitNear {
    const NAME: &'static str = "billing.limit.near";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// A number of which people are warned.
pub(super) struct Mark {
    pub(super) at: i64,
    percent: u8,
    limit: u32,
}

impl Mark {
    /// The highest one that is reached. One that is the limit itself warns of nothing: of a few, most are soon used.
    pub(super) fn reached(used: i64, limit: u32) -> Option<Self> {
        let mark = |percent: u8| (u64::from(limit) * u64::from(percent)).div_ceil(100);
        let marks = PERCENTS.map(|percent| Self { at: i64::try_from(mark(percent)).unwrap_or(i64::MAX), percent, limit });
        marks.into_iter().find(|mark| mark.at < limit.into() && mark.at <= used)
    }

    pub(super) fn event(&self, meter: Meter, used: i64) -> LimitNear {
        LimitNear { meter: meter.name().to_owned(), used: used.unsigned_abs(), limit: self.limit, percent: self.percent }
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_mark_is_reached_by_what_is_at_least_so_much_of_the_limit() {
        let percent = |used, limit| Mark::reached(used, limit).map(|mark| mark.percent);
        assert_eq!([39, 40, 44, 45, 50, 51].map(|used| percent(used, 50)), [None, Some(80), Some(80), Some(90), Some(90), Some(90)]);
        // Of five the fourth; of four all are the mark, and of one or none there is none.
        assert_eq!([percent(4, 5), percent(5, 5), percent(4, 4), percent(1, 1), percent(0, 0)], [Some(80), Some(80), None, None, None]);
        assert_eq!([percent(7, 9), percent(8, 9), percent(9, 10)], [None, Some(80), Some(90)]);
        assert_eq!(percent(i64::from(u32::MAX), u32::MAX), Some(90));
    }
}
