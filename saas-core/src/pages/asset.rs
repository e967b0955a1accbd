//! Assets under names that carry their content's hash.

use std::{collections::BTreeMap, path::Path};

use sha2::{Digest, Sha256};

use super::Bytes;

/// Half of a SHA-256 in hexadecimal would do; this many digits make a clash a curiosity and the address readable.
const HASH_DIGITS: usize = 16;

/// A file to serve under `/assets/`.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The content.
    pub bytes: Bytes,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// The value of `etag`, with its quotes.
    pub etag: String,
    /// Whether it was asked for by its current hash: then `cache-control: public, max-age=31536000, immutable` is right, and
    /// `no-cache` otherwise.
    pub immutable: bool,
}

/// All assets by plain name.
#[derive(Default)]
pub(super) struct Assets {
    files: BTreeMap<String, Stored>,
}

struct Stored {
    bytes: Bytes,
    hash: String,
}

impl Assets {
    /// Adds a file, in place of one of the same name.
    pub(super) fn insert(&mut self, name: String, bytes: Bytes) {
        let hash = hash(&bytes);
        self.files.insert(name, Stored { bytes, hash });
    }

    /// `core.css` → `/assets/core.0123456789abcdef.css`.
    pub(super) fn address(&self, name: &str) -> Option<String> {
        let stored = self.files.get(name)?;
        let (stem, extension) = name.rsplit_once('.')?;
        Some(format!("/assets/{stem}.{}.{extension}", stored.hash))
    }

    /// See [`Pages::asset`](super::Pages::asset).
    pub(super) fn get(&self, file: &str) -> Option<Asset> {
        let (name, asked) = match self.files.contains_key(file) {
            true => (file.to_owned(), None),
            false => {
                let (name, hash) = split_hash(file)?;
                (name, Some(hash))
            }
        };
        let stored = self.files.get(&name)?;
        Some(Asset {
            bytes: stored.bytes.clone(),
            content_type: content_type(&name),
            etag: format!("\"{}\"", stored.hash),
            immutable: asked == Some(stored.hash.as_str()),
        })
    }
}

/// `core.0123456789abcdef.css` → `core.css` and the hash.
fn split_hash(file: &str) -> Option<(String, &str)> {
    let (rest, extension) = file.rsplit_once('.')?;
    let (stem, hash) = rest.rsplit_once('.')?;
    let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| (format!("{stem}.{extension}"), hash))
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(HASH_DIGITS);
    text
}

fn content_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
