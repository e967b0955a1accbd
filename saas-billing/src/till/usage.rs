//! What was used, by whom and when: a page with a chart, the same for programs, and as a file.

mod chart;
mod export;
mod names;

pub(super) use names::Naming;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Months, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{Can, DbError, Download, FieldError, FormErrors, Html, Json, Page, Problem, Query, Routes, TenantDb, TenantTx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Till;
use crate::{
    BillingRead, Period,
    usage::{Bucket, Question, Span, SpanError, Whose},
};
use chart::chart;
use export::{Format, export};

/// How many of those who used the most the page shows.
const TOP: i64 = 5;

/// How many a program is told.
const TOP_TOLD: i64 = 100;

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .get("/usage", show)
        .get("/usage/export", export_from_page)
        .get("/api/v1/billing/usage", read)
        .about("Says how much was used in each period, and who used the most")
        .get("/api/v1/billing/usage/export", export_for_programs)
        .about("Gives what each used in each period as a file")
}

/// Of what, when and by whom.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct UsageQuery {
    /// What was used; what the product shows first if it is not said.
    meter: String,
    /// From this time on (RFC 3339), or from the beginning of this day (UTC): from the beginning of the period that it is in.
    from: String,
    /// Before this time (RFC 3339), or to the end of this day (UTC): to the end of the period that it is in.
    to: String,
    /// By the hour, day or month, all in UTC; by the day if it is not said.
    per: Option<Period>,
    /// By whom.
    by: Whose,
    /// What a file is written as; `json` if it is not said.
    format: Option<Format>,
}

/// What is wrong with a field: for people the key of a text, for programs words.
struct Wrong {
    field: &'static str,
    text: &'static str,
    words: &'static str,
}

impl Wrong {
    const TIME: [&'static str; 2] = ["billing-usage-error-time", "is neither a time nor a day"];

    const fn new(field: &'static str, [text, words]: [&'static str; 2]) -> Self {
        Self { field, text, words }
    }
}

impl From<SpanError> for Wrong {
    fn from(error: SpanError) -> Self {
        match error {
            SpanError::Backwards => Self::new("to", ["billing-usage-error-backwards", "must be after from"]),
            SpanError::Far => Self::new("from", ["billing-usage-error-far", "and to must be between the years 1970 and 9000"]),
            SpanError::Long => Self::new("from", ["billing-usage-error-long", "is more than 744 periods before to"]),
        }
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self::invalid([FieldError::new(format!("/{}", wrong.field), wrong.words)])
    }
}

/// How much was used.
#[derive(Debug, Serialize, ToSchema)]
struct UsageAnswer {
    /// Of what.
    meter: String,
    /// Whether each item is an hour, a day or a month.
    per: Period,
    /// When the first item begins.
    from: DateTime<Utc>,
    /// When the last one ends.
    to: DateTime<Utc>,
    /// How much that is together.
    total: i64,
    /// How much in each period, also where it is nothing.
    items: Vec<Bucket>,
    /// Who used the most, up to a hundred of them.
    top: Vec<Top>,
}

/// Somebody who used much.
#[derive(Debug, Serialize, ToSchema)]
struct Top {
    /// What they are: `user`, `key`, `agent`, `tool` or `system`.
    kind: String,
    /// Their id, or the name of a tool; null for the program itself.
    id: Option<String>,
    /// What they are called; null where nobody knows any more.
    name: Option<String>,
    /// How much.
    quantity: i64,
}

impl Till {
    /// What is asked for, in words or by default: the last 30 days, 48 hours or 12 months.
    fn question(&self, query: &UsageQuery, now: DateTime<Utc>) -> Result<Question, Wrong> {
        let asked = query.meter.trim();
        let known = self.charted.iter().find(|meter| asked.is_empty() || meter.name() == asked);
        let meter = known.ok_or(Wrong::new("meter", ["billing-usage-error-meter", "is nothing of which use is recorded"]))?.name();
        let per = query.per.unwrap_or(Period::Day);
        let to = time(&query.to, TimeDelta::days(1)).map_err(|()| Wrong::new("to", Wrong::TIME))?.unwrap_or(now);
        let before = |at: DateTime<Utc>| match per {
            Period::Hour => at.checked_sub_signed(TimeDelta::hours(47)),
            Period::Day => at.checked_sub_signed(TimeDelta::days(29)),
            Period::Month => at.checked_sub_months(Months::new(11)),
        };
        let from = time(&query.from, TimeDelta::zero()).map_err(|()| Wrong::new("from", Wrong::TIME))?;
        // Where only the end is said, it is the end of a day, and the period that begins there is not meant.
        let from = from.or_else(|| before(to - TimeDelta::microseconds(1))).unwrap_or(to);
        Ok(Question { meter, span: Span::new(per, from, to)?, whose: query.by })
    }

    async fn answer_in(&self, tx: &mut TenantTx, question: &Question, most: i64) -> Result<UsageAnswer, DbError> {
        let items = question.buckets_in(tx).await?;
        let sums = question.top_in(tx, most).await?;
        let names = self.names_in(tx, sums.iter().map(|sum| (&*sum.by_kind, &*sum.by_id))).await?;
        let top = sums.into_iter().map(|sum| Top {
            name: names.get(&sum.by_id).cloned(),
            id: Some(sum.by_id).filter(|id| !id.is_empty()),
            kind: sum.by_kind,
            quantity: sum.quantity,
        });
        Ok(UsageAnswer {
            meter: question.meter.to_owned(),
            per: question.span.per,
            from: question.span.start(),
            to: question.span.end(),
            total: items.iter().map(|item| item.quantity).fold(0, i64::saturating_add),
            items,
            top: top.collect(),
        })
    }
}

/// A time as RFC 3339 has it, or the midnight at which a day begins, so much later; none for nothing.
fn time(text: &str, later: TimeDelta) -> Result<Option<DateTime<Utc>>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = || text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc().checked_add_signed(later);
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()).or_else(day).map(Some).ok_or(())
}

async fn read(
    _: Can<BillingRead>,
    db: TenantDb,
    State(till): State<Till>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<UsageAnswer>, Problem> {
    let mut tx = db.begin().await?;
    let question = till.question(&query, tx.now())?;
    Ok(Json(till.answer_in(&mut tx, &question, TOP_TOLD).await?))
}

async fn export_for_programs(
    _: Can<BillingRead>,
    db: TenantDb,
    State(till): State<Till>,
    Query(query): Query<UsageQuery>,
) -> Result<Download, Problem> {
    let question = till.question(&query, till.db.clock().now())?;
    Ok(Download(export(db, till, question, query.format.unwrap_or_default())))
}

/// The same at an address that a browser reaches with its cookie.
async fn export_from_page(can: Can<BillingRead>, db: TenantDb, till: State<Till>, query: Query<UsageQuery>) -> Result<Response, Problem> {
    Ok(export_for_programs(can, db, till, query).await?.0)
}

async fn show(
    _: Can<BillingRead>,
    db: TenantDb,
    State(till): State<Till>,
    Query(query): Query<UsageQuery>,
    page: Page,
) -> Result<(StatusCode, Html), Problem> {
    let mut tx = db.begin().await?;
    let (question, mut errors) = (till.question(&query, tx.now()), FormErrors::default());
    let (status, answer) = match &question {
        Ok(question) => (StatusCode::OK, Some(till.answer_in(&mut tx, question, TOP).await?)),
        Err(wrong) => {
            errors.add(wrong.field, wrong.text);
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
    };
    let day = |at: DateTime<Utc>| at.date_naive().to_string();
    let asked = answer.as_ref().map(|answer| (day(answer.from), day(answer.to - TimeDelta::microseconds(1)), &*answer.meter));
    let (from, to, meter) = asked.unwrap_or_else(|| (query.from.clone(), query.to.clone(), &*query.meter));
    // The files are of what is drawn, to the hour; the form has days.
    let exact = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let drawn = answer.as_ref().map(|answer| format!("&from={}&to={}", exact(answer.from), exact(answer.to))).unwrap_or_default();
    let per = query.per.unwrap_or(Period::Day);
    let label = |meter: &str| page.text(&format!("{}-meter-{meter}", till.texts));
    let context = json!({
        "meters": till.charted.iter().map(|meter| json!({ "value": meter.name(), "label": label(meter.name()) })).collect::<Vec<_>>(),
        "meter": meter,
        "per": per,
        "by": query.by,
        "form": page.form(&[("from", &from), ("to", &to)], &errors),
        "query": format!("meter={meter}&per={}&by={}{drawn}", per.as_str(), query.by.as_str()),
        "label": answer.as_ref().map(|answer| label(&answer.meter)),
        "total": answer.as_ref().map(|answer| answer.total),
        "chart": answer.as_ref().map(|answer| chart(&answer.items, answer.per)),
        "top": answer.as_ref().map(|answer| answer.top.iter().map(|top| till.shown(&page, top, answer.total)).collect::<Vec<_>>()),
    });
    Ok((status, page.render("billing/usage.html", context)?))
}

impl Till {
    fn shown(&self, page: &Page, top: &Top, total: i64) -> serde_json::Value {
        let name = match (&*top.kind, &top.name, &top.id) {
            (_, Some(name), _) => name.clone(),
            ("tool", None, Some(id)) => page.text_or(&format!("{}-tool-{id}", self.texts), id),
            ("system", ..) => page.text("billing-usage-system"),
            _ => page.text("billing-usage-gone"),
        };
        let share = (i128::from(top.quantity) * 100).checked_div(total.into()).unwrap_or(0);
        json!({ "kind": top.kind, "id": top.id, "name": name, "quantity": top.quantity, "share": i64::try_from(share).unwrap_or(100) })
    }
}
