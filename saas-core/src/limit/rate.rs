use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// How many requests in how long: at most `limit` in any stretch of `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    limit: NonZeroU32,
    window: Duration,
}

/// Shorter windows would be shorter than a clock's jitter, longer ones are quotas and belong into the database.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Rate {
    /// So many in so long. A limit of 0 counts as 1, and a window is taken as 1 s to 24 h.
    #[must_use]
    pub const fn new(limit: u32, window: Duration) -> Self {
        let limit = match NonZeroU32::new(limit) {
            Some(limit) => limit,
            None => NonZeroU32::MIN,
        };
        let window = match window.as_secs() {
            0 => Duration::from_secs(1),
            seconds if seconds >= LONGEST.as_secs() => LONGEST,
            _ => window,
        };
        Self { limit, window }
    }

    /// So many a second.
    #[must_use]
    pub const fn per_second(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(1))
    }

    /// So many a minute.
    #[must_use]
    pub const fn per_minute(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(60))
    }

    /// So many an hour.
    #[must_use]
    pub const fn per_hour(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(60 * 60))
    }

    /// How many.
    #[must_use]
    pub const fn limit(self) -> NonZeroU32 {
        self.limit
    }

    /// In how long.
    #[must_use]
    pub const fn window(self) -> Duration {
        self.window
    }
}

/// As it stands in settings: `20/minute`, or `20/900s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window.as_secs() {
            1 => write!(f, "{}/second", self.limit),
            60 => write!(f, "{}/minute", self.limit),
            3600 => write!(f, "{}/hour", self.limit),
            seconds => write!(f, "{}/{seconds}s", self.limit),
        }
    }
}

/// What somebody is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// So much.
    AtMost(Rate),
    /// As much as they like; it is not even counted.
    Unlimited,
}

impl From<Rate> for Allowance {
    fn from(rate: Rate) -> Self {
        Self::AtMost(rate)
    }
}

/// The text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number of at least 1 and a time, such as 20/minute, 1000/hour or 30/900s, or the word unlimited")]
pub struct RateError;

impl FromStr for Allowance {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let (limit, window) = text.split_once('/').ok_or(RateError)?;
        let limit: NonZeroU32 = limit.parse().map_err(|_| RateError)?;
        let seconds = match window {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            other => other.strip_suffix('s').and_then(|text| text.parse().ok()).ok_or(RateError)?,
        };
        let window = Duration::from_secs(seconds);
        if seconds == 0 || window > LONGEST {
            return Err(RateError);
        }
        Ok(Self::AtMost(Rate { limit, window }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_is_written() {
        for text in ["20/minute", "1000/hour", "5/second", "30/900s"] {
            let Ok(Allowance::AtMost(rate)) = text.parse() else { panic!("{text}") };
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!("unlimited".parse(), Ok(Allowance::Unlimited));
        for text in ["", "20", "0/minute", "-1/minute", "20/fortnight", "20/0s", "20/86401s", "x/hour"] {
            assert_eq!(text.parse::<Allowance>(), Err(RateError), "{text}");
        }
    }
}
