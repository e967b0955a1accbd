//! What an event costs a transaction, beside an insert that it would make anyway.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use saas_core::{Actor, Db, Event, TenantId, event_in};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Outcome,
    generator::{Figures, histogram, median, micros, quantile_ms},
    library::Library,
    machine::Used,
    plan::Plan,
    report::Report,
};

/// How many transactions at the same time.
const AT_ONCE: [usize; 2] = [1, 8];

/// Something that happens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Noted {
    pub(crate) text: String,
}

impl Event for Noted {
    const NAME: &'static str = "bench.note.added";
    const TOPIC: &'static str = "notes";
    const PERMISSION: Option<&'static str> = None;
}

/// What a transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Insert,
    InsertAndEvent,
}

pub(crate) async fn measure(library: &Library, plan: &Plan, report: &mut Report) -> Outcome<()> {
    report.heading("A transaction that inserts a row", "a second")?;
    let mut section = Vec::new();
    for at_once in AT_ONCE {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for round in 0..=plan.rounds {
            let (one, other) = (
                transactions(library, Does::Insert, at_once, plan).await?,
                transactions(library, Does::InsertAndEvent, at_once, plan).await?,
            );
            // The first round is for warming up.
            if round > 0 {
                without.push(one);
                with.push(other);
            }
        }
        let figures = |rounds: &[Round]| rounds.iter().map(|round| round.figures.clone()).collect::<Vec<_>>();
        let (plain, recorded) = (figures(&without), figures(&with));
        report.figures(&format!("insert, {at_once} at once"), &Figures::median(&plain))?;
        report.figures("  and event_in", &Figures::median(&recorded))?;
        let statement = |of: fn(&Round) -> f64| median(with.iter().map(of));
        let (insert, event) = (statement(|it| it.insert_p50_ms), statement(|it| it.event_p50_ms));
        let ratio = median(recorded.iter().zip(&plain).map(|(with, without)| with.per_second / without.per_second));
        report.say(&format!("  p50 of the statements: insert {insert:.2} ms, event_in {event:.2} ms"))?;
        report.ratio("event_in to a plain insert", event / insert, "")?;
        report.ratio("transactions a second with an event to without", ratio, "")?;
        section.push(json!({
            "at_once": at_once, "insert": plain, "insert_and_event": recorded, "insert_p50_ms": insert, "event_p50_ms": event,
            "ratio_statements": event / insert, "ratio_per_second": ratio,
        }));
    }
    report.section("event", section)
}

struct Round {
    figures: Figures,
    insert_p50_ms: f64,
    event_p50_ms: f64,
}

/// The times of whole transactions and of the statements in them.
struct Took {
    all: Histogram<u64>,
    insert: Histogram<u64>,
    event: Histogram<u64>,
}

impl Took {
    fn nothing() -> Outcome<Self> {
        Ok(Self { all: histogram()?, insert: histogram()?, event: histogram()? })
    }
}

async fn transactions(library: &Library, does: Does, at_once: usize, plan: &Plan) -> Outcome<Round> {
    let (db, tenants, until) = (library.db.clone(), Arc::new(library.tenants.clone()), plan.round);
    let (before, started) = (Used::now(0, library.postmaster)?, Instant::now());
    let took = library
        .run(async move {
            let mut tasks = JoinSet::new();
            for nth in 0..at_once {
                tasks.spawn(one_after_another(db.clone(), Arc::clone(&tenants), nth, does, until));
            }
            let mut all = Took::nothing()?;
            while let Some(done) = tasks.join_next().await {
                let took = done??;
                all.all.add(took.all)?;
                all.insert.add(took.insert)?;
                all.event.add(took.event)?;
            }
            Ok(all)
        })
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    let used = Used::now(0, library.postmaster)?.since(before, took.all.len());
    Ok(Round {
        figures: Figures::of(&took.all, took.all.len() as f64 / seconds, used),
        insert_p50_ms: quantile_ms(&took.insert, 0.5),
        event_p50_ms: quantile_ms(&took.event, 0.5),
    })
}

async fn one_after_another(db: Db, tenants: Arc<Vec<TenantId>>, nth: usize, does: Does, until: Duration) -> Outcome<Took> {
    let (mut took, started) = (Took::nothing()?, Instant::now());
    for tenant in tenants.iter().cycle().skip(nth * 13) {
        let began = Instant::now();
        if started.elapsed() >= until {
            break;
        }
        let mut tx = db.tenant(*tenant).begin().await?;
        let inserting = Instant::now();
        let id = Uuid::now_v7();
        let now = tx.now();
        sqlx::query("insert into note (tenant_id, id, subject, data, at) values ($1, $2, $3, $4, $5)")
            .bind(*tenant)
            .bind(id)
            .bind("a subject")
            .bind(json!({ "text": "A note of some length, as notes are." }))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        took.insert.record(micros(inserting.elapsed()))?;
        if does == Does::InsertAndEvent {
            let recording = Instant::now();
            event_in(&mut tx, Actor::System, id, &Noted { text: "A note of some length, as notes are.".to_owned() }).await?;
            took.event.record(micros(recording.elapsed()))?;
        }
        tx.commit().await?;
        took.all.record(micros(began.elapsed()))?;
    }
    Ok(took)
}
