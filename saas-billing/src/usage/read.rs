//! What was used, as it is asked for.

use chrono::{DateTime, Datelike as _, Utc};
use saas_core::{DbError, TenantTx};
use serde::{Deserialize, Serialize};
use sqlx::{query_as, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Period;

/// How many periods are shown at once: a month of hours.
const MOST: usize = 744;

/// Whole periods one after the other, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) per: Period,
    /// When each begins.
    starts: Vec<DateTime<Utc>>,
    end: DateTime<Utc>,
}

/// It is no span that could be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanError {
    /// It ends before it begins.
    Backwards,
    /// It is of other times, in which nothing was used.
    Far,
    /// It has too many periods.
    Long,
}

impl Span {
    /// The periods that something of `from..to` is in.
    pub(crate) fn new(per: Period, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, SpanError> {
        if from >= to {
            return Err(SpanError::Backwards);
        }
        // The ends of other millennia cannot be reckoned with.
        if from.year() < 1970 || to.year() > 9_000 {
            return Err(SpanError::Far);
        }
        let mut starts = Vec::new();
        let mut end = per.start(from);
        while end < to {
            if starts.len() == MOST {
                return Err(SpanError::Long);
            }
            starts.push(end);
            end = per.end(end);
        }
        Ok(Self { per, starts, end })
    }

    /// When it begins.
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.starts.first().copied().unwrap_or(self.end)
    }

    /// When it has ended.
    pub(crate) const fn end(&self) -> DateTime<Utc> {
        self.end
    }
}

/// By whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Whose {
    /// By anybody.
    #[default]
    All,
    /// By people, and by programs with tokens of theirs.
    User,
    /// By programs with API keys.
    Key,
    /// By machines.
    Agent,
    /// By parts of the product.
    Tool,
    /// By the program itself.
    System,
}

impl Whose {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::User => "user",
            Self::Key => "key",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::System => "system",
        }
    }

    /// As it is stored; none for everybody.
    fn kind(self) -> Option<&'static str> {
        (self != Self::All).then_some(self.as_str())
    }
}

/// How much was used in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// When it began.
    pub(crate) start: DateTime<Utc>,
    /// How much.
    pub(crate) quantity: i64,
}

/// How much somebody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) by_kind: String,
    pub(crate) by_id: String,
    pub(crate) quantity: i64,
}

/// How much somebody used in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) start: DateTime<Utc>,
    pub(crate) by_kind: String,
    pub(crate) by_id: String,
    pub(crate) quantity: i64,
}

/// Where records go on: in a period, after somebody of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    start: DateTime<Utc>,
    /// Kind and id.
    after: Option<(String, String)>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) meter: &'static str,
    pub(crate) span: Span,
    pub(crate) whose: Whose,
}

impl Question {
    /// Where its first record is.
    pub(crate) fn place(&self) -> Place {
        Place { start: self.span.start(), after: None }
    }

    /// How much was used in each period, also where it is nothing.
    pub(crate) async fn buckets_in(&self, tx: &mut TenantTx) -> Result<Vec<Bucket>, DbError> {
        let Span { per, starts, end } = &self.span;
        let quantities = query_scalar!(
            r#"select least(coalesce(sum(used.quantity), 0), 9223372036854775807)::bigint as "quantity!"
            from unnest($3::timestamptz[]) with ordinality as period (start, place)
            left join (
                select date_trunc($6, hour, 'UTC') as start, sum(quantity) as quantity from usage_hour
                where tenant_id = $1 and meter = $2 and hour >= $4 and hour < $5 and ($7::text is null or by_kind = $7)
                group by 1
            ) used on used.start = period.start
            group by period.place
            order by period.place"#,
            tx.tenant().map(Uuid::from),
            self.meter,
            starts,
            self.span.start(),
            end,
            per.as_str(),
            self.whose.kind(),
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(starts.iter().zip(quantities).map(|(start, quantity)| Bucket { start: *start, quantity }).collect())
    }

    /// Those who used the most of it.
    pub(crate) async fn top_in(&self, tx: &mut TenantTx, most: i64) -> Result<Vec<Sum>, DbError> {
        let sums = query_as!(
            Sum,
            r#"select by_kind, by_id, least(sum(quantity), 9223372036854775807)::bigint as "quantity!" from usage_hour
            where tenant_id = $1 and meter = $2 and hour >= $3 and hour < $4 and ($5::text is null or by_kind = $5)
            group by by_kind, by_id
            order by 3 desc, by_kind, by_id
            limit $6"#,
            tx.tenant().map(Uuid::from),
            self.meter,
            self.span.start(),
            self.span.end(),
            self.whose.kind(),
            most,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(sums)
    }

    /// What each used in each period, in order, from a place on: so many of them, and where the next ones are if there may be any. A page adds up
    /// its own periods alone, so that all pages together read little more than there is.
    pub(crate) async fn records_in(&self, tx: &mut TenantTx, from: &Place, most: usize) -> Result<(Vec<Record>, Option<Place>), DbError> {
        let (mut records, mut place) = (Vec::new(), from.clone());
        while records.len() < most {
            let Some(start) = self.used_in(tx, place.start).await? else { return Ok((records, None)) };
            if start > place.start {
                place = Place { start, after: None };
            }
            let end = self.span.per.end(start);
            let room = most - records.len();
            let (kind, id) = place.after.as_ref().map(|(kind, id)| (&**kind, &**id)).unzip();
            let page = query_as!(
                Record,
                r#"select $3::timestamptz as "start!", by_kind, by_id, least(sum(quantity), 9223372036854775807)::bigint as "quantity!"
                from usage_hour
                where tenant_id = $1 and meter = $2 and hour >= $3 and hour < $4 and ($5::text is null or by_kind = $5)
                  and ($6::text is null or (by_kind, by_id) > ($6, $7))
                group by by_kind, by_id
                order by by_kind, by_id
                limit $8"#,
                tx.tenant().map(Uuid::from),
                self.meter,
                start,
                end,
                self.whose.kind(),
                kind,
                id,
                i64::try_from(room).unwrap_or(i64::MAX),
            )
            .fetch_all(&mut **tx)
            .await?;
            place = match page.last().filter(|_| page.len() == room) {
                Some(last) => Place { start, after: Some((last.by_kind.clone(), last.by_id.clone())) },
                None => Place { start: end, after: None },
            };
            records.extend(page);
        }
        Ok((records, Some(place)))
    }

    /// The first period from `start` on in which anybody used anything.
    async fn used_in(&self, tx: &mut TenantTx, start: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, DbError> {
        let hour = query_scalar!(
            "select hour from usage_hour where tenant_id = $1 and meter = $2 and hour >= $3 and hour < $4 order by hour limit 1",
            tx.tenant().map(Uuid::from),
            self.meter,
            start,
            self.span.end(),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(hour.map(|hour| self.span.per.start(hour)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Span, SpanError};
    use crate::Period;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_is_whole_periods_with_all_that_was_asked_for() {
        let span = Span::new(Period::Month, at("2027-12-31T23:59:59Z"), at("2028-03-01T00:00:00Z")).unwrap();
        assert_eq!(span.starts, ["2027-12-01T00:00:00Z", "2028-01-01T00:00:00Z", "2028-02-01T00:00:00Z"].map(at));
        assert_eq!(span.end(), at("2028-03-01T00:00:00Z"));
        let span = Span::new(Period::Day, at("2028-02-28T12:00:00Z"), at("2028-03-01T00:00:01Z")).unwrap();
        assert_eq!((span.start(), span.end(), span.starts.len()), (at("2028-02-28T00:00:00Z"), at("2028-03-02T00:00:00Z"), 3));
    }

    #[test]
    fn a_span_is_neither_endless_nor_backwards() {
        let from = at("2026-01-01T00:00:00Z");
        assert!(Span::new(Period::Hour, from, from + TimeDelta::days(31)).is_ok());
        assert_eq!(Span::new(Period::Hour, from, from + TimeDelta::days(31) + TimeDelta::seconds(1)), Err(SpanError::Long));
        assert_eq!(Span::new(Period::Day, from, from), Err(SpanError::Backwards));
        assert_eq!(Span::new(Period::Month, DateTime::<Utc>::MIN_UTC, from), Err(SpanError::Far));
        assert_eq!(Span::new(Period::Month, from, DateTime::<Utc>::MAX_UTC), Err(SpanError::Far));
    }
}
