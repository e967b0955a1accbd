//! Where the clock is moved: the stand-in's, which is the product's.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use chrono::TimeDelta;
use minijinja::context;
use serde_json::Value;

use super::{
    super::{
        Shared,
        books::{Books, time},
        clock, subscription,
        subscription::text,
    },
    back_to, home, portal, posted, shown,
};

/// How far it can be moved at once.
const STEPS: &[(&str, &str, TimeDelta)] = &[
    ("hour", "One hour", TimeDelta::hours(1)),
    ("day", "One day", TimeDelta::days(1)),
    ("week", "One week", TimeDelta::days(7)),
    ("month", "30 days", TimeDelta::days(30)),
];

/// How much of what happens next is shown.
const SHOWN: usize = 5;

pub(super) async fn show(State(shared): State<Shared>) -> Response {
    let books = shared.now();
    let next = upcoming(&books).into_iter().take(SHOWN).map(|(at, words)| context! { day => minute(at), words => words });
    let steps = STEPS.iter().map(|(name, words, _)| context! { name => *name, words => *words });
    let context = context! {
        now => minute(books.now()), movable => books.is_movable(), ahead => ahead(&books), next => next.collect::<Vec<_>>(),
        steps => steps.collect::<Vec<_>>(), home => home(&books),
    };
    shown("clock.html", context)
}

pub(super) async fn moved(State(shared): State<Shared>, body: Bytes) -> Response {
    let params = posted(&body);
    let step = STEPS.iter().find(|(name, ..)| params.text("by") == Some(*name)).map(|(.., by)| *by);
    {
        let mut books = shared.now();
        // A second more, so that it is over.
        let next = || Some(time(upcoming(&books).first()?.0 + 1) - time(books.now()));
        let by = step.or_else(|| next().filter(|by| *by > TimeDelta::zero() && params.text("to") == Some("next")));
        if let Some(by) = by {
            books.advance(by);
            clock::catch_up(&mut books);
        }
    }
    shared.changed().await;
    back_to("/clock")
}

/// What is due, the first thing first, for those who live by this clock.
fn upcoming(books: &Books) -> Vec<(i64, String)> {
    let ours = books.all("subscription").filter(|held| held["test_clock"].is_null());
    let mut due: Vec<_> = ours.filter_map(|held| Some((subscription::due(books, held)?, words(books, held)))).collect();
    due.sort();
    due
}

fn words(books: &Books, held: &Value) -> String {
    let title = portal::title(books, held);
    match held["status"].as_str() {
        Some("trialing" | "active") if held["cancel_at_period_end"] == true => format!("{title} ends"),
        Some("trialing") => format!("The trial of {title} ends, and it is paid"),
        Some("past_due") => {
            let bill = books.get("invoice", &text(held, "latest_invoice"));
            let attempts = bill.and_then(|bill| bill["attempt_count"].as_i64()).unwrap_or(0);
            format!("{title} is to be paid, attempt {}", attempts + 1)
        }
        Some("incomplete") => format!("{title} is given up"),
        _ => format!("{title} is paid once more"),
    }
}

fn ahead(books: &Books) -> String {
    // It was moved to a second, and some have gone by since.
    let ahead = books.ahead() + TimeDelta::minutes(30);
    match (ahead.num_days(), ahead.num_hours() % 24) {
        (0, 0) => "As late as on this computer.".to_owned(),
        (days, hours) => format!("{days} days and {hours} hours ahead of this computer."),
    }
}

fn minute(seconds: i64) -> String {
    time(seconds).format("%Y-%m-%d %H:%M UTC").to_string()
}
