//! Money in whole minor units, so that no sum is ever rounded.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

macro_rules! currencies {
    ($($name:ident $code:literal $digits:literal $symbol:literal;)*) => {
        /// A currency that can be charged, by its ISO 4217 code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
        #[schema(rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum Currency {$(
            #[doc = $code]
            $name,
        )*}

        impl Currency {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its code in lower case, as Stripe writes it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// How many digits stand after the point.
            #[must_use]
            pub const fn digits(self) -> u32 {
                match self { $(Self::$name => $digits),* }
            }

            /// How people write it: a sign where one means this currency and no other, or else the code.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self { $(Self::$name => $symbol),* }
            }
        }
    };
}

// https://docs.stripe.com/currencies says which have no minor unit, and which have three digits.
currencies! {
    Aed "aed" 2 "AED";
    Aud "aud" 2 "A$";
    Bhd "bhd" 3 "BHD";
    Brl "brl" 2 "R$";
    Cad "cad" 2 "CA$";
    Chf "chf" 2 "CHF";
    Clp "clp" 0 "CLP";
    Czk "czk" 2 "Kč";
    Dkk "dkk" 2 "DKK";
    Eur "eur" 2 "€";
    Gbp "gbp" 2 "£";
    Hkd "hkd" 2 "HK$";
    Inr "inr" 2 "₹";
    Jod "jod" 3 "JOD";
    Jpy "jpy" 0 "¥";
    Krw "krw" 0 "₩";
    Kwd "kwd" 3 "KWD";
    Mxn "mxn" 2 "MX$";
    Nok "nok" 2 "NOK";
    Nzd "nzd" 2 "NZ$";
    Omr "omr" 3 "OMR";
    Pln "pln" 2 "zł";
    Sek "sek" 2 "SEK";
    Sgd "sgd" 2 "S$";
    Tnd "tnd" 3 "TND";
    Usd "usd" 2 "$";
    Vnd "vnd" 0 "₫";
    Zar "zar" 2 "ZAR";
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        Self::ALL.iter().copied().find(|currency| currency.code() == text).ok_or(UnknownCurrency)
    }
}

/// As the database has it.
impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(text: String) -> Result<Self, UnknownCurrency> {
        text.parse()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        code.parse().map_err(|_| D::Error::custom(format_args!("{code} is no currency that is known here")))
    }
}

/// An amount in one currency. Sums are exact, and none is made across currencies.
///
/// ```
/// use saas_billing::{Currency, Money};
///
/// let price = Money::parse("29.50", Currency::Usd)?;
/// assert_eq!(price, Money::of(2_950, Currency::Usd));
/// assert_eq!(Money::parse("1500", Currency::Jpy)?.to_string(), "1500 jpy");
/// assert!(Money::parse("1500.50", Currency::Jpy).is_err());
/// # Ok::<(), saas_billing::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct Money {
    /// How much, in the currency's minor unit: cents for dollars, yen for yen.
    #[serde(rename = "amount")]
    minor: i64,
    /// The currency's code in lower case.
    currency: Currency,
}

impl Money {
    /// So many of the currency's minor unit.
    #[must_use]
    pub const fn of(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal number with a point, and no more digits after it than the currency has.
    ///
    /// # Errors
    ///
    /// Fails on anything else.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (sign, number) = text.strip_prefix('-').map_or((1, text), |number| (-1, number));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let places = usize::try_from(currency.digits()).map_err(|_| MoneyError)?;
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_point_for_nothing = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || has_point_for_nothing || fraction.len() > places || !is_number(whole) || !is_number(fraction) {
            return Err(MoneyError);
        }
        let digits = format!("{whole}{fraction:0<places$}");
        let minor: i64 = digits.parse().map_err(|_| MoneyError)?;
        Ok(Self { minor: sign * minor, currency })
    }

    /// How many of the currency's minor unit.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum, if both are of one currency and it can be counted.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let same = self.currency == other.currency;
        self.minor.checked_add(other.minor).filter(|_| same).map(|minor| Self { minor, ..self })
    }

    /// So many times as much, if it can be counted.
    #[must_use]
    pub fn times(self, count: u32) -> Option<Self> {
        self.minor.checked_mul(count.into()).map(|minor| Self { minor, ..self })
    }

    /// The whole units, and what is left of the minor ones, with all digits; empty if nothing is.
    fn parts(self) -> (u64, String) {
        let base = 10_u64.pow(self.currency.digits());
        let (whole, rest) = (self.minor.unsigned_abs() / base, self.minor.unsigned_abs() % base);
        let places = self.currency.digits() as usize;
        (whole, if rest == 0 { String::new() } else { format!("{rest:0>places$}") })
    }

    /// As templates show it in the reader's language: `billing/money.html`.
    #[must_use]
    pub fn shown(self) -> serde_json::Value {
        let (whole, fraction) = self.parts();
        serde_json::json!({
            "symbol": self.currency.symbol(), "whole": whole, "fraction": fraction, "negative": self.minor < 0,
        })
    }
}

/// The number and the code, for logs.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = self.parts();
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} {}", self.currency)
    }
}

/// No currency that is known has this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no currency that is known has this code")]
pub struct UnknownCurrency;

/// A text is no amount of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no amount of its currency")]
pub struct MoneyError;

#[cfg(test)]
mod tests {
    use super::{Currency, Money};

    #[test]
    fn an_amount_is_read_with_the_digits_of_its_currency_and_no_others() {
        for (text, currency, minor) in [
            ("29", Currency::Usd, 2_900),
            ("29.5", Currency::Usd, 2_950),
            ("0.07", Currency::Eur, 7),
            ("-3.10", Currency::Eur, -310),
            ("500", Currency::Jpy, 500),
            ("1.234", Currency::Kwd, 1_234),
            ("92233720368547758.07", Currency::Usd, i64::MAX),
        ] {
            assert_eq!(Money::parse(text, currency), Ok(Money::of(minor, currency)), "{text}");
        }
        for (text, currency) in [
            ("", Currency::Usd),
            (".5", Currency::Usd),
            ("5.", Currency::Usd),
            ("1.005", Currency::Usd),
            ("1.5", Currency::Jpy),
            ("1,5", Currency::Usd),
            ("+1", Currency::Usd),
            ("1e3", Currency::Usd),
            ("--1", Currency::Usd),
            ("92233720368547758.08", Currency::Usd),
        ] {
            assert!(Money::parse(text, currency).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for currency in Currency::ALL {
            for minor in [0, 1, 9, 10, 99, 100, 1_000, 123_456, i64::MAX, -1, -2_050] {
                let money = Money::of(minor, *currency);
                let text = money.to_string();
                let number = text.strip_suffix(currency.code()).unwrap().trim_end();
                assert_eq!(Money::parse(number, *currency), Ok(money), "{text}");
            }
        }
    }

    #[test]
    fn no_sum_is_made_across_currencies_or_beyond_what_can_be_counted() {
        let (dollar, euro) = (Money::of(100, Currency::Usd), Money::of(100, Currency::Eur));
        assert_eq!(dollar.plus(dollar), Some(Money::of(200, Currency::Usd)));
        assert_eq!(dollar.plus(euro), None);
        assert_eq!(dollar.plus(Money::of(i64::MAX, Currency::Usd)), None);
        assert_eq!(Money::of(i64::MAX, Currency::Usd).times(2), None);
        assert_eq!(dollar.times(3), Some(Money::of(300, Currency::Usd)));
    }
}
