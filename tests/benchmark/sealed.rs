//! What the seal on a tenant costs a transaction, beside one whose setting is believed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use saas_core::{Db, MasterKey, TenantId};
use serde_json::json;
use tokio::task::JoinSet;

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

/// Rows of each tenant.
const ROWS: i32 = 100;

pub(crate) async fn measure(library: &Library, plan: &Plan, report: &mut Report) -> Outcome<()> {
    report.heading("A transaction that reads a row of its tenant's", "a second")?;
    let key = MasterKey::generate();
    library.seal(Some(&key)).await?;
    let sealed = library.connect(Some(key.clone())).await?;
    fill(&sealed, &library.tenants).await?;
    let mut section = Vec::new();
    for at_once in AT_ONCE {
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for round in 0..=plan.rounds {
            library.seal(None).await?;
            let one = transactions(library, &library.db, at_once, plan).await?;
            library.seal(Some(&key)).await?;
            let other = transactions(library, &sealed, at_once, plan).await?;
            // The first round is for warming up.
            if round > 0 {
                open.push(one);
                closed.push(other);
            }
        }
        library.seal(None).await?;
        let figures = |rounds: &[Round]| rounds.iter().map(|round| round.figures.clone()).collect::<Vec<_>>();
        let (plain, sealed) = (figures(&open), figures(&closed));
        report.figures(&format!("the setting is believed, {at_once} at once"), &Figures::median(&plain))?;
        report.figures("  sealed", &Figures::median(&sealed))?;
        let of = |rounds: &[Round], what: fn(&Round) -> f64| median(rounds.iter().map(what));
        let (begin, read) = ((of(&open, BEGIN), of(&closed, BEGIN)), (of(&open, READ), of(&closed, READ)));
        report.say(&format!(
            "  p50 of begin {:.3} ms, sealed {:.3} ms; of the query {:.3} ms, sealed {:.3} ms",
            begin.0, begin.1, read.0, read.1
        ))?;
        let ratio = median(sealed.iter().zip(&plain).map(|(sealed, plain)| sealed.per_second / plain.per_second));
        report.ratio("sealed transactions a second to others", ratio, "")?;
        section.push(json!({
            "at_once": at_once, "plain": plain, "sealed": sealed, "begin_p50_ms": begin, "read_p50_ms": read, "ratio_per_second": ratio,
        }));
    }
    report.section("sealed", section)
}

const BEGIN: fn(&Round) -> f64 = |round| round.begin_p50_ms;
const READ: fn(&Round) -> f64 = |round| round.read_p50_ms;

struct Round {
    figures: Figures,
    begin_p50_ms: f64,
    read_p50_ms: f64,
}

struct Took {
    all: Histogram<u64>,
    begin: Histogram<u64>,
    read: Histogram<u64>,
}

impl Took {
    fn nothing() -> Outcome<Self> {
        Ok(Self { all: histogram()?, begin: histogram()?, read: histogram()? })
    }
}

async fn fill(db: &Db, tenants: &[TenantId]) -> Outcome<()> {
    for tenant in tenants {
        let mut tx = db.tenant(*tenant).begin().await?;
        let rows = "insert into note (tenant_id, id, subject, data, at) \
            select $1, md5($1::text || n)::uuid, 'a subject', '{}', $3 from generate_series(1, $2) n on conflict do nothing";
        let now = tx.now();
        sqlx::query(rows).bind(*tenant).bind(ROWS).bind(now).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn transactions(library: &Library, db: &Db, at_once: usize, plan: &Plan) -> Outcome<Round> {
    let (db, tenants, until) = (db.clone(), Arc::new(library.tenants.clone()), plan.round);
    let (before, started) = (Used::now(0, library.postmaster)?, Instant::now());
    let took = library
        .run(async move {
            let mut tasks = JoinSet::new();
            for nth in 0..at_once {
                tasks.spawn(one_after_another(db.clone(), Arc::clone(&tenants), nth, until));
            }
            let mut all = Took::nothing()?;
            while let Some(done) = tasks.join_next().await {
                let took = done??;
                all.all.add(took.all)?;
                all.begin.add(took.begin)?;
                all.read.add(took.read)?;
            }
            Ok(all)
        })
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    let used = Used::now(0, library.postmaster)?.since(before, took.all.len());
    Ok(Round {
        figures: Figures::of(&took.all, took.all.len() as f64 / seconds, used),
        begin_p50_ms: quantile_ms(&took.begin, 0.5),
        read_p50_ms: quantile_ms(&took.read, 0.5),
    })
}

async fn one_after_another(db: Db, tenants: Arc<Vec<TenantId>>, nth: usize, until: Duration) -> Outcome<Took> {
    let (mut took, started) = (Took::nothing()?, Instant::now());
    for (turn, tenant) in tenants.iter().cycle().skip(nth * 13).enumerate() {
        let began = Instant::now();
        if started.elapsed() >= until {
            break;
        }
        let mut tx = db.tenant(*tenant).read_only(true).begin().await?;
        took.begin.record(micros(began.elapsed()))?;
        let reading = Instant::now();
        let subject: String = sqlx::query_scalar("select subject from note where id = md5($1::text || $2)::uuid")
            .bind(*tenant)
            .bind((turn % 100 + 1).to_string())
            .fetch_one(&mut *tx)
            .await?;
        took.read.record(micros(reading.elapsed()))?;
        drop(tx);
        took.all.record(micros(began.elapsed()))?;
        if subject.is_empty() {
            return Err("a row of another kind".into());
        }
    }
    Ok(took)
}
