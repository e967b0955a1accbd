//! Another plan in the middle of a period.

use chrono::{DateTime, Utc};

use crate::{Currency, CustomerId, Interval, Money, SubscriptionId};

/// Another plan for a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// Who pays.
    pub customer: CustomerId,
    /// What is changed.
    pub subscription: SubscriptionId,
    /// The plan, by its name in the catalogue.
    pub plan: String,
    /// How often it is to be paid.
    pub interval: Interval,
    /// In what: as before.
    pub currency: Currency,
    /// How many times the price.
    pub quantity: u32,
    /// The moment from which it is reckoned, within the period that is paid for, in whole seconds. Who asks twice with the same one is charged what they
    /// were told.
    pub at: DateTime<Utc>,
}

/// What another plan costs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preview {
    /// For the new plan, until it is paid next.
    pub charge: Money,
    /// What was paid for the old one and is not used.
    pub credit: Money,
    /// What is charged at once: never less than nothing. What is credited beyond the charge, or was before, goes into it and into what is paid next.
    pub due: Money,
    /// When it is paid next.
    pub renews_at: DateTime<Utc>,
}

/// So much of an amount, to the nearest minor unit; halves go away from zero, as Stripe's do.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let rounded = (2 * product.abs() + whole) / (2 * whole) * product.signum();
    // A part is no more than the whole, so it fits.
    i64::try_from(rounded).unwrap_or(amount)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_rounded_to_the_nearest_and_never_more_than_all() {
        for (amount, part, whole, expected) in [
            (4_900, 1, 2, 2_450),
            (4_901, 1, 2, 2_451),
            (-4_901, 1, 2, -2_451),
            (100, 1, 3, 33),
            (200, 1, 3, 67),
            (1, 1, 2, 1),
            (1, 1, 3, 0),
            (i64::MAX, 2_678_400, 2_678_400, i64::MAX),
            (4_900, 0, 2_678_400, 0),
            (4_900, 1, 0, 0),
        ] {
            assert_eq!(share(amount, part, whole), expected, "{amount} × {part} / {whole}");
        }
    }

    /// What is not used and what is left over make the whole, but for a unit of rounding.
    #[test]
    fn both_parts_make_the_whole() {
        for amount in [1, 99, 4_900, 123_457] {
            for part in 0..=31 {
                let sum = share(amount, part, 31) + share(amount, 31 - part, 31);
                assert!((sum - amount).abs() <= 1, "{amount} {part}");
            }
        }
    }
}
