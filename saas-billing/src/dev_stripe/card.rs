//! What people pay with here: Stripe's test cards (<https://docs.stripe.com/testing>).

use serde::{Deserialize, Serialize};

/// What becomes of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payment {
    Paid,
    Declined,
    /// Whoever pays must say to their bank that it is them.
    Asked,
}

/// A card, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Card {
    /// 4242 4242 4242 4242.
    Good,
    /// 4000 0000 0000 0002.
    Declined,
    /// 4000 0000 0000 0341: taken, and declined whenever it is charged.
    DeclinedLater,
    /// 4000 0025 0000 3155: asks when it is set up, and not again.
    AskedOnce,
    /// 4000 0027 6000 3184: asks each time.
    AskedAlways,
}

const CARDS: &[(&str, &str, Card)] = &[
    ("4242424242424242", "pm_card_visa", Card::Good),
    ("4000000000000002", "pm_card_chargeDeclined", Card::Declined),
    ("4000000000000341", "pm_card_chargeCustomerFail", Card::DeclinedLater),
    ("4000002500003155", "pm_card_authenticationRequiredOnSetup", Card::AskedOnce),
    ("4000002760003184", "pm_card_authenticationRequired", Card::AskedAlways),
];

impl Card {
    /// The card of a number, with or without spaces, or of a name.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        CARDS.iter().find(|(number, name, _)| *number == text || *name == text).map(|(.., card)| *card)
    }

    /// Its number, in groups.
    pub(super) fn number(self) -> String {
        let number = CARDS.iter().find(|(.., card)| *card == self).map(|(number, ..)| *number).unwrap_or_default();
        let groups: Vec<_> = (0..number.len()).step_by(4).filter_map(|at| number.get(at..at + 4)).collect();
        groups.join(" ")
    }

    /// While somebody is there to answer.
    pub(super) fn pays_here(self) -> Payment {
        match self {
            Self::Good | Self::DeclinedLater => Payment::Paid,
            Self::Declined => Payment::Declined,
            Self::AskedOnce | Self::AskedAlways => Payment::Asked,
        }
    }

    /// While nobody is.
    pub(super) fn pays_later(self) -> Payment {
        match self {
            Self::Good | Self::AskedOnce => Payment::Paid,
            Self::Declined | Self::DeclinedLater => Payment::Declined,
            Self::AskedAlways => Payment::Asked,
        }
    }
}
