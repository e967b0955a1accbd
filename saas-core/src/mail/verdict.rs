//! What the answer of a mail server means for a letter and its reader.

/// What to do after an answer that is not "yes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try again later.
    Later,
    /// This letter never.
    Refused,
    /// Nothing to this address any more.
    NoSuchMailbox,
}

/// Reads the code of an answer and, where there is one, the enhanced code at the beginning of its text (RFC 3463).
pub(super) fn verdict(code: u16, text: &str) -> Verdict {
    let enhanced = enhanced(text);
    match (code, enhanced) {
        // Our own credentials: every letter would fail until somebody corrects the settings, and no reader is at fault (RFC 4954).
        (530 | 534 | 535 | 538, _) | (_, Some((7, 8))) => Verdict::Later,
        (..500 | 600.., _) => Verdict::Later,
        // Bad destination mailbox, system, syntax; ambiguous; moved; no mail accepted; disabled.
        (_, Some((1, 0..=3 | 6 | 10) | (2, 1))) => Verdict::NoSuchMailbox,
        (_, Some(_)) => Verdict::Refused,
        (550 | 551 | 553, None) => Verdict::NoSuchMailbox,
        _ => Verdict::Refused,
    }
}

/// Reads what a report says of one address for good: its status (RFC 3463) and, where that says no more than that it failed, the answer that it
/// repeats. Nobody tries again what failed (RFC 3464, section 2.3.3), so a letter that was only not taken in time is refused too.
pub(super) fn reported(status: &str, diagnostic: Option<&str>) -> Verdict {
    if status.starts_with("2.") {
        // That it arrived: the report contradicts itself.
        return Verdict::Later;
    }
    let said = match enhanced(status).filter(|_| status.starts_with('5')) {
        Some((0, 0)) => diagnostic.and_then(repeated),
        Some(_) => Some(verdict(550, status)),
        None => None,
    };
    said.filter(|&said| said == Verdict::NoSuchMailbox).unwrap_or(Verdict::Refused)
}

/// What `smtp; 550 5.1.1 No such user` means. Without the second code nobody knows at which step it was said: it may be about the letter.
fn repeated(diagnostic: &str) -> Option<Verdict> {
    let (_, answer) = diagnostic.split_once(';').filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("smtp"))?;
    let answer = answer.trim_start();
    let (code, text) = (answer.get(..3)?.parse().ok()?, answer.get(4..)?);
    enhanced(text).map(|_| verdict(code, text))
}

/// The subject and detail of `5.1.1 No such user`.
fn enhanced(text: &str) -> Option<(u16, u16)> {
    let mut numbers = text.split_whitespace().next()?.split('.').map(str::parse::<u16>);
    match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
        (Ok(2 | 4 | 5), Ok(subject), Ok(detail), None) => Some((subject, detail)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, reported, verdict};

    /// NOT-01: a bounce is what is wrong with the reader's mailbox, and nothing else.
    #[test]
    fn only_an_answer_about_the_mailbox_stops_mail_to_it() {
        for (code, text, expected) in [
            (550, "5.1.1 no such user", Verdict::NoSuchMailbox),
            (550, "no such user here", Verdict::NoSuchMailbox),
            (553, "mailbox name not allowed", Verdict::NoSuchMailbox),
            (550, "5.2.1 mailbox disabled", Verdict::NoSuchMailbox),
            (552, "5.2.2 mailbox full", Verdict::Refused),
            (550, "5.7.1 rejected as spam", Verdict::Refused),
            (550, "5.1.8 sender's domain does not exist", Verdict::Refused),
            (554, "transaction failed", Verdict::Refused),
            (500, "what?", Verdict::Refused),
            (535, "5.7.8 bad credentials", Verdict::Later),
            (530, "authentication required", Verdict::Later),
            (451, "4.7.1 greylisted", Verdict::Later),
            (421, "shutting down", Verdict::Later),
        ] {
            assert_eq!(verdict(code, text), expected, "{code} {text}");
        }
    }

    /// NOT-01: so it is in a report, whose status may say no more than that it failed.
    #[test]
    fn only_a_report_about_the_mailbox_stops_mail_to_it() {
        for (status, diagnostic, expected) in [
            ("5.1.1", None, Verdict::NoSuchMailbox),
            ("5.2.1 (disabled)", Some("smtp; 550 5.7.1 spam"), Verdict::NoSuchMailbox),
            ("5.2.2", Some("smtp; 552 5.2.2 full"), Verdict::Refused),
            ("5.7.1", Some("smtp; 550 5.1.1 no such user"), Verdict::Refused),
            ("5.0.0", Some("SMTP ; 550 5.1.1 no such user"), Verdict::NoSuchMailbox),
            ("5.0.0", Some("smtp; 550-5.1.1 no such user, 550 5.1.1 sorry"), Verdict::NoSuchMailbox),
            ("5.0.0", Some("smtp; 550 no such user"), Verdict::Refused),
            ("5.0.0", Some("x-unix; 550 5.1.1 no such user"), Verdict::Refused),
            ("5.0.0", Some("smtp; 5"), Verdict::Refused),
            ("5.0.0", Some("smtp; éé"), Verdict::Refused),
            ("5.0.0", None, Verdict::Refused),
            ("4.4.1", Some("smtp; 550 5.1.1 no such user"), Verdict::Refused),
            ("4.4.7", None, Verdict::Refused),
            ("5.7.8", None, Verdict::Refused),
            ("5.0.0", Some("smtp; 421 4.7.0 later"), Verdict::Refused),
            ("2.1.5", None, Verdict::Later),
            ("5.1", None, Verdict::Refused),
            ("", None, Verdict::Refused),
        ] {
            assert_eq!(reported(status, diagnostic), expected, "{status} {diagnostic:?}");
        }
    }
}
