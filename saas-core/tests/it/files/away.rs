//! A store that is away costs files, and nothing else (OPS-04).

use std::fs;

use http::StatusCode;

use super::{Cabinet, PDF, id, link, send};
use crate::status::Board;

const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// OPS-04, OPS-07: where the folder was, there is none.
#[tokio::test]
async fn a_store_that_is_away_refuses_files_at_once_and_comes_back_by_itself() {
    let cabinet = Cabinet::new().await;
    let (ada, board) = (cabinet.person(cabinet.tenant).await, Board { client: cabinet.app.browser() });
    let file = id(&send(&ada, "/api/v1/files", "a.pdf", "", PDF).await);
    let address = link(&ada, &file).await;
    let (folder, aside) = (cabinet.folder.path().to_owned(), tempfile::tempdir().unwrap());
    fs::rename(&folder, aside.path().join("files")).unwrap();
    fs::write(&folder, "").unwrap();

    for _ in 0..3 {
        assert_eq!(ada.get(&address).await.status, UNAVAILABLE);
        assert_eq!(send(&ada, "/api/v1/files", "b.pdf", "", PDF).await.status, UNAVAILABLE);
    }
    let refused = send(&ada, "/api/v1/files", "c.pdf", "", PDF).await;
    assert_eq!((refused.status, refused.json()["type"].clone()), (UNAVAILABLE, "/problems/unavailable".into()));
    assert!(refused.headers.contains_key("retry-after"));
    let mut tx = cabinet.test.db.system("count").begin().await.unwrap();
    let names: Vec<String> = sqlx::query_scalar("select name from data.file order by name").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(names, ["a.pdf", "b.pdf", "b.pdf", "b.pdf"], "of what is refused at once nothing is written down");
    drop(tx);
    let path = folder.to_str().unwrap();
    assert!(!refused.text().contains(path));
    for (name, label) in [("files_reading", "Opening files"), ("files_writing", "Adding files")] {
        assert_eq!(board.state(name).await, "interrupted");
        board.says(name, &[label, "Interrupted", "Since <time"], &[path, "a.pdf", "directory"]).await;
    }
    assert_eq!(board.state("database").await, "working");
    assert_eq!(ada.get("/api/v1/files").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(ada.page("/files").await.status, StatusCode::OK);
    let page = send(&ada, "/files", "c.pdf", "", PDF).await;
    assert!(page.status == UNAVAILABLE && page.text().contains("What works"), "{}", page.text());

    fs::remove_file(&folder).unwrap();
    fs::rename(aside.path().join("files"), &folder).unwrap();
    for name in ["files_reading", "files_writing"] {
        // Nobody asks for a file meanwhile.
        board.becomes(name, "working", async || {}).await;
    }
    assert_eq!(cabinet.objects(), 1, "finding out leaves nothing");
    assert_eq!(ada.get(&address).await.body, PDF);
    assert_eq!(send(&ada, "/api/v1/files", "d.pdf", "", PDF).await.status, StatusCode::CREATED);
}

/// OPS-04: such as a disk that is full.
#[tokio::test]
async fn what_takes_no_more_files_can_still_be_read() {
    let cabinet = Cabinet::new().await;
    let (ada, board) = (cabinet.person(cabinet.tenant).await, Board { client: cabinet.app.browser() });
    let address = link(&ada, &id(&send(&ada, "/api/v1/files", "a.pdf", "", PDF).await)).await;
    let other = cabinet.test.tenant("other").await;
    let bob = cabinet.person(other).await;
    // Nothing can be written in a file.
    let place = cabinet.folder.path().join(other.to_string());
    fs::write(&place, "").unwrap();
    for _ in 0..3 {
        assert_eq!(send(&bob, "/api/v1/files", "b.pdf", "", PDF).await.status, UNAVAILABLE);
    }
    assert_eq!(ada.get(&address).await.body, PDF);
    assert_eq!(board.state("files_reading").await, "working");
    fs::remove_file(&place).unwrap();
    board.becomes("files_writing", "working", async || {}).await;
    assert_eq!(send(&bob, "/api/v1/files", "b.pdf", "", PDF).await.status, StatusCode::CREATED);
}
