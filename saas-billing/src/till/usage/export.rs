//! What was used as a file, written while it is read.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use http::{HeaderValue, header};
use saas_core::{DbError, TenantDb, csv_cell};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Till;
use crate::usage::{Place, Question};

/// How many rows are read, and held in memory, at once.
const PAGE: usize = 1_000;

/// What an export is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UsageFormat)]
pub(super) enum Format {
    /// A table, as RFC 4180 has it.
    Csv,
    /// One array.
    #[default]
    Json,
}

/// A row of the file.
#[derive(Debug, Serialize)]
struct Row<'a> {
    start: DateTime<Utc>,
    meter: &'a str,
    kind: &'a str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    quantity: i64,
}

enum State {
    Head,
    Page { from: Place, is_first: bool },
    End,
}

/// Answers with what each used in each period, in the order of time, as a file. Memory and transactions are bounded, whatever there is; what is
/// recorded meanwhile may be in it.
pub(super) fn export(db: TenantDb, till: Till, question: Question, format: Format) -> Response {
    let pages = stream::try_unfold(State::Head, move |state| {
        let (db, till, question) = (db.clone(), till.clone(), question.clone());
        async move {
            let (from, is_first) = match state {
                State::Head => {
                    let first = State::Page { from: question.place(), is_first: true };
                    return Ok::<_, DbError>(Some((Bytes::from_static(format.head()), first)));
                }
                State::Page { from, is_first } => (from, is_first),
                State::End => return Ok(None),
            };
            let mut tx = db.begin().await?;
            let (records, next) = question.records_in(&mut tx, &from, PAGE).await?;
            let names = till.names_in(&mut tx, records.iter().map(|record| (&*record.by_kind, &*record.by_id))).await?;
            drop(tx);
            let mut text = String::new();
            for (index, record) in records.iter().enumerate() {
                let row = Row {
                    start: record.start,
                    meter: question.meter,
                    kind: &record.by_kind,
                    id: Some(&*record.by_id).filter(|id| !id.is_empty()),
                    name: names.get(&record.by_id).map(String::as_str),
                    quantity: record.quantity,
                };
                format.write(&mut text, &row, is_first && index == 0);
            }
            let next = match next {
                Some(from) => State::Page { from, is_first: false },
                None => {
                    text.push_str(format.tail());
                    State::End
                }
            };
            Ok(Some((Bytes::from(text), next)))
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    let headers = response.headers_mut();
    let (media_type, file) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"usage.csv\""),
        Format::Json => ("application/json", "attachment; filename=\"usage.json\""),
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(file));
    response
}

impl Format {
    const fn head(self) -> &'static [u8] {
        match self {
            Self::Csv => b"start,meter,kind,id,name,quantity\r\n",
            Self::Json => b"[",
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "]\n",
        }
    }

    fn write(self, to: &mut String, row: &Row<'_>, is_first: bool) {
        match self {
            Self::Json => {
                to.push_str(if is_first { "\n" } else { ",\n" });
                // A row is data of ours, and always JSON.
                to.push_str(&serde_json::to_string(row).unwrap_or_default());
            }
            Self::Csv => {
                let start = row.start.to_rfc3339_opts(SecondsFormat::Secs, true);
                let cells = [&*start, row.meter, row.kind, row.id.unwrap_or_default(), row.name.unwrap_or_default()].map(csv_cell);
                to.push_str(&format!("{},{}\r\n", cells.join(","), row.quantity));
            }
        }
    }
}
