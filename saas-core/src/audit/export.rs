//! The log as a file, written while it is read.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditEntry, AuditFilter, audit_entries_in};
use crate::{DbError, Slice, TenantDb, csv_cell};

/// How many entries are read, and held in memory, at once.
const PAGE: usize = 500;

/// What an export is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AuditFormat)]
pub(super) enum Format {
    /// A table, as RFC 4180 has it.
    Csv,
    /// One array.
    #[default]
    Json,
}

/// Entries are never changed and only added in front, so one page after the other, each in a transaction of its own, is the log as it was at
/// the first.
enum State {
    Head,
    Page { slice: Slice<AuditEntry>, is_first: bool },
    End,
}

/// Answers with all entries that fit, the newest first, as a file. Memory and transactions are bounded, whatever there is.
pub(super) fn export(db: TenantDb, filter: AuditFilter, format: Format) -> Response {
    let pages = stream::try_unfold(State::Head, move |state| {
        let (db, filter) = (db.clone(), filter.clone());
        async move {
            let (slice, is_first) = match state {
                State::Head => {
                    let first = State::Page { slice: Slice::first(PAGE), is_first: true };
                    return Ok::<_, DbError>(Some((Bytes::from_static(format.head()), first)));
                }
                State::End => return Ok(None),
                State::Page { slice, is_first } => (slice, is_first),
            };
            let mut tx = db.begin().await?;
            let (entries, next) = audit_entries_in(&mut tx, &filter, &slice).await?;
            drop(tx);
            let mut text = String::new();
            for (index, entry) in entries.iter().enumerate() {
                format.write(&mut text, entry, is_first && index == 0);
            }
            let next = match next {
                Some(slice) => State::Page { slice, is_first: false },
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
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Format::Json => ("application/json", "attachment; filename=\"audit.json\""),
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(file));
    response
}

impl Format {
    const fn head(self) -> &'static [u8] {
        match self {
            Self::Csv => {
                b"number,id,at,action,severity,actor_kind,actor_id,actor_name,on_behalf_of,resource,data,request_id,address,user_agent\r\n"
            }
            Self::Json => b"[",
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "]\n",
        }
    }

    fn write(self, to: &mut String, entry: &AuditEntry, is_first: bool) {
        match self {
            Self::Json => {
                to.push_str(if is_first { "\n" } else { ",\n" });
                // An entry is data of ours, and always JSON.
                to.push_str(&serde_json::to_string(entry).unwrap_or_default());
            }
            Self::Csv => {
                let cells = [
                    text(entry.number),
                    text(Some(entry.id)),
                    entry.at.to_rfc3339(),
                    entry.action.clone(),
                    entry.severity.as_str().to_owned(),
                    entry.actor_kind.clone(),
                    text(entry.actor_id),
                    text(entry.actor_name.as_ref()),
                    text(entry.on_behalf_of),
                    entry.resource.clone(),
                    entry.data.to_string(),
                    text(entry.request_id),
                    text(entry.address),
                    text(entry.user_agent.as_ref()),
                ];
                to.push_str(&cells.map(|cell| csv_cell(&cell)).join(","));
                to.push_str("\r\n");
            }
        }
    }
}

fn text<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
