//! Files over HTTP: the organization's documents, as a page and as an API.

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{File, FileId, FileOwner, FileRead, FileWrite, Files, receive::NewFile};
use crate::{
    Can, Created, Download, Html, Json, List, Multipart, NoContent, Page, Path, Problem, Query, Routes, Standing, TenantDb, TenantTx,
    Wanted,
};

/// What a form adds to its file: boundaries, names, other fields.
const FORM: u64 = 64 << 10;

impl Files {
    /// The documents of the organization: a page at `/files`, an API at `/api/v1/files`. To be put below a tenancy layer.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        let limit = usize::try_from(self.rules().max_bytes + FORM).unwrap_or(usize::MAX);
        Routes::new()
            .get("/files", show)
            .post("/files", create_from_page)
            .get("/files/{id}", open)
            .post("/files/{id}/delete", delete_from_page)
            .get("/api/v1/files", list)
            .about("Lists the documents of the organization")
            .post("/api/v1/files", create)
            .about("Takes a document")
            .get("/api/v1/files/{id}", read)
            .about("Describes a document, with a link to its bytes")
            .delete("/api/v1/files/{id}", delete)
            .about("Deletes a document")
            .get("/api/v1/files/{id}/content", content)
            .about("Gives the bytes of a document to the reader that the link was made for")
            .layer(DefaultBodyLimit::max(limit))
            .with_state(self.clone())
    }

    async fn take(&self, standing: &Standing, db: &TenantDb, form: Multipart) -> Result<File, Problem> {
        let upload = form.file("file").await?;
        let (name, declared) = (upload.name().to_owned(), upload.declared().to_owned());
        let new = NewFile { owner: documents(standing), name: &name, declared: &declared };
        Ok(self.receive(db, standing.actor, new, upload.bytes()).await?)
    }
}

/// What belongs to the organization as a whole.
fn documents(standing: &Standing) -> FileOwner {
    FileOwner { kind: "tenant", id: standing.tenant.into() }
}

/// The most that the page lists.
const SHOWN: i64 = 200;

async fn list(can: Can<FileRead>, db: TenantDb, wanted: Wanted<File>) -> Result<List<File>, Problem> {
    let mut tx = db.begin().await?;
    let owner = documents(can.standing());
    let mut query =
        wanted.query("select id, name, media_type, bytes, created_at, created_by from file where state = 'ready' and tenant_id = ");
    query.push_bind(Uuid::from(can.standing().tenant));
    query.push(" and owner_kind = ").push_bind(owner.kind).push(" and owner_id = ").push_bind(owner.id);
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn create(can: Can<FileWrite>, db: TenantDb, State(files): State<Files>, form: Multipart) -> Result<Created<File>, Problem> {
    Ok(Created(files.take(can.standing(), &db, form).await?))
}

/// A file and where its bytes are for the next minutes.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    #[serde(flatten)]
    file: File,
    /// A link for this reader alone.
    content: String,
}

async fn read(can: Can<FileRead>, db: TenantDb, State(files): State<Files>, Path(id): Path<FileId>) -> Result<Json<Found>, Problem> {
    let mut tx = db.begin().await?;
    let file = Files::file_in(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    let content = files.0.links.link(can.standing().tenant, id, can.actor(), tx.now());
    Ok(Json(Found { file, content }))
}

async fn delete(can: Can<FileWrite>, db: TenantDb, Path(id): Path<FileId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    Files::file_delete_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    expires: i64,
    signature: String,
}

/// The bytes. Always a download and never a page of ours, whatever is in it.
async fn content(
    can: Can<FileRead>,
    db: TenantDb,
    State(files): State<Files>,
    Path(id): Path<FileId>,
    Query(link): Query<Link>,
) -> Result<Download, Problem> {
    let mut tx = db.begin().await?;
    let now = tx.now();
    if !files.0.links.holds(can.standing().tenant, id, can.actor(), link.expires, &link.signature, now) {
        return Err(Problem::not_found());
    }
    let file = Files::file_in(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    drop(tx);
    let (length, bytes) = files.bytes_of(can.standing().tenant, id).await?;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&file.media_type).map_err(Problem::internal)?);
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition(&file.name)).map_err(Problem::internal)?);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(Download(response))
}

/// A name that every client reads: plain ASCII, and the whole of it as RFC 6266 has it.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' }).collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

async fn show(can: Can<FileRead>, db: TenantDb, State(files): State<Files>, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&mut tx, can.standing(), &files, &page, None).await
}

async fn render(tx: &mut TenantTx, standing: &Standing, files: &Files, page: &Page, error: Option<&str>) -> Result<Html, Problem> {
    let listed = Files::files_in(tx, documents(standing), SHOWN).await?;
    let context = json!({
        "files": listed, "can_write": standing.may::<FileWrite>(), "error": error.map(|key| page.text(key)),
        "max_megabytes": files.rules().max_bytes >> 20, "accept": files.rules().types.join(","),
    });
    let template = if page.is_fragment() { "core/fragments/files.html" } else { "core/files.html" };
    page.render(template, context)
}

async fn create_from_page(
    can: Can<FileWrite>,
    db: TenantDb,
    page: Page,
    State(files): State<Files>,
    form: Multipart,
) -> Result<Response, Problem> {
    let Err(problem) = files.take(can.standing(), &db, form).await else { return Ok(Redirect::to("/files").into_response()) };
    let reason = match problem.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "core-files-error-size",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "core-files-error-kind",
        StatusCode::UNPROCESSABLE_ENTITY => "core-files-error-none",
        _ => return Err(problem),
    };
    let mut tx = db.begin().await?;
    Ok((problem.status(), render(&mut tx, can.standing(), &files, &page, Some(reason)).await?).into_response())
}

async fn open(can: Can<FileRead>, db: TenantDb, State(files): State<Files>, Path(id): Path<FileId>) -> Result<Redirect, Problem> {
    Ok(Redirect::to(&files.link(&db, can.actor(), id).await?))
}

async fn delete_from_page(can: Can<FileWrite>, db: TenantDb, Path(id): Path<FileId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    Files::file_delete_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/files"))
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_arrives_whole_and_breaks_no_header() {
        assert_eq!(
            disposition("Angebot \u{e4}\"\r\n.pdf"),
            "attachment; filename=\"Angebot ____.pdf\"; filename*=UTF-8''Angebot%20%C3%A4%22%0D%0A.pdf"
        );
    }
}
