use std::{num::NonZeroU16, str::FromStr};

use chrono::TimeDelta;
use saas_auth::SessionIdle;
use saas_core::Settings;

/// How long a session lasts that nobody uses, as it is configured (`sessions.idle`, `SAAS_SESSION_IDLE`, and `sessions.remembered_idle`,
/// `SAAS_SESSION_REMEMBERED_IDLE`), or the default.
pub(crate) fn read(from: &mut Settings) -> SessionIdle {
    let default = SessionIdle::default();
    let Span(session) = from.or("sessions.idle", "SAAS_SESSION_IDLE", Span(default.session()));
    let Span(remembered) = from.or("sessions.remembered_idle", "SAAS_SESSION_REMEMBERED_IDLE", Span(default.remembered()));
    SessionIdle::new(session, remembered).unwrap_or_else(|error| {
        from.refuse(format!("SAAS_SESSION_IDLE, SAAS_SESSION_REMEMBERED_IDLE: {error}"));
        default
    })
}

/// A length of time, as people write it in settings: `30m`, `2h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span(TimeDelta);

/// The text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is a whole number and a unit, such as 30m, 2h or 7d")]
struct SpanError;

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(SpanError)?;
        let number = i64::from(number.parse::<NonZeroU16>().map_err(|_| SpanError)?.get());
        match unit {
            "m" => Ok(Self(TimeDelta::minutes(number))),
            "h" => Ok(Self(TimeDelta::hours(number))),
            "d" => Ok(Self(TimeDelta::days(number))),
            _ => Err(SpanError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(session: &str, remembered: &str) -> Settings {
        let variables = [("SAAS_SESSION_IDLE", session), ("SAAS_SESSION_REMEMBERED_IDLE", remembered)];
        Settings::new(None, variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for (text, span) in [("30m", TimeDelta::minutes(30)), ("2h", TimeDelta::hours(2)), ("7d", TimeDelta::days(7))] {
            assert_eq!(text.parse(), Ok(Span(span)));
        }
        for text in ["", "h", "0h", "-1h", "2", "2 h", "2w", "1.5h", "99999m", "2ü", "ü"] {
            assert_eq!(text.parse::<Span>(), Err(SpanError), "{text}");
        }
    }

    #[test]
    fn sessions_last_unused_as_it_is_configured_within_reason() {
        let mut from = settings("30m", "2d");
        assert_eq!(read(&mut from), SessionIdle::new(TimeDelta::minutes(30), TimeDelta::days(2)).unwrap());
        from.finish().unwrap();
        let mut unset = Settings::new(None, []).unwrap();
        assert_eq!(read(&mut unset), SessionIdle::default());
        unset.finish().unwrap();
        for (session, remembered) in [("4m", "7d"), ("25h", "7d"), ("2h", "31d")] {
            let mut from = settings(session, remembered);
            read(&mut from);
            let refused = from.finish().unwrap_err().to_string();
            assert!(refused.contains("SAAS_SESSION_IDLE") && refused.contains("30 days"), "{refused}");
        }
    }
}
