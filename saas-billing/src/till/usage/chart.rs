//! Bars, drawn on the server: numbers for the template's `svg`, which is stretched to whatever room there is.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Period, usage::Bucket};

/// How high the chart is, in units of its own.
const HEIGHT: i64 = 1_000;

/// How much room a bar has.
const STEP: i64 = 10;

/// How high a bar is at least that stands for something.
const SEEN: i64 = 6;

/// What the template draws.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Chart {
    width: i64,
    height: i64,
    /// The number at the upper edge, and the one at half the height.
    top: i64,
    half: i64,
    bars: Vec<Bar>,
}

/// A period.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Bar {
    x: i64,
    y: i64,
    height: i64,
    label: String,
    quantity: i64,
}

pub(super) fn chart(buckets: &[Bucket], per: Period) -> Chart {
    let top = round(buckets.iter().map(|bucket| bucket.quantity).max().unwrap_or(0));
    let bars = buckets.iter().zip(0..).map(|(bucket, place)| {
        let height = i64::try_from(i128::from(bucket.quantity) * i128::from(HEIGHT) / i128::from(top)).unwrap_or(HEIGHT);
        let height = if bucket.quantity > 0 { height.clamp(SEEN, HEIGHT) } else { 0 };
        Bar { x: place * STEP + 1, y: HEIGHT - height, height, label: label(bucket.start, per), quantity: bucket.quantity }
    });
    let bars: Vec<_> = bars.collect();
    Chart { width: bars.len().try_into().unwrap_or(1).max(1) * STEP, height: HEIGHT, top, half: top / 2, bars }
}

/// In UTC, as the periods are, and as files have it.
fn label(start: DateTime<Utc>, per: Period) -> String {
    let format = match per {
        Period::Hour => "%Y-%m-%d %H:00",
        Period::Day => "%Y-%m-%d",
        Period::Month => "%Y-%m",
    };
    start.format(format).to_string()
}

/// The next even number of one digit and zeros.
fn round(most: i64) -> i64 {
    let mut unit: i64 = 1;
    while unit.saturating_mul(10) < most {
        unit = unit.saturating_mul(10);
    }
    [2, 4, 6, 8, 10].map(|digit: i64| digit.saturating_mul(unit)).into_iter().find(|round| *round >= most).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_ends_at_a_round_number_that_has_a_half() {
        assert_eq!([0, 1, 2, 3, 9, 10, 11, 60, 61, 99, 101, 4_001].map(round), [2, 2, 2, 4, 10, 10, 20, 60, 80, 100, 200, 6_000]);
        assert_eq!(round(i64::MAX), i64::MAX);
    }

    #[test]
    fn bars_are_as_high_as_they_stand_for_and_seen_if_they_stand_for_anything() {
        let start: DateTime<Utc> = "2026-02-28T23:00:00Z".parse().unwrap();
        let buckets = [0, 1, 500, 1_000].map(|quantity| Bucket { start, quantity });
        let drawn = chart(&buckets, Period::Hour);
        assert_eq!(drawn.bars.iter().map(|bar| (bar.y, bar.height)).collect::<Vec<_>>(), [(1000, 0), (994, 6), (500, 500), (0, 1000)]);
        assert_eq!((drawn.width, drawn.top, drawn.half, &*drawn.bars[0].label), (40, 1_000, 500, "2026-02-28 23:00"));
        assert_eq!(chart(&[], Period::Day).width, 10);
    }
}
