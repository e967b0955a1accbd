//! What the agent saw and the server has not acknowledged, on disk.
//!
//! Batches are appended to segment files and read in the same order. [`Buffer::append`] returns when the batch would
//! survive a crash of the machine. A batch leaves the buffer by [`Buffer::confirm`], which the caller does after the server
//! acknowledged it, or by [`Buffer::reject`]. A crash between the acknowledgement and `confirm` sends that one batch again;
//! the server drops readings that it has.
//!
//! The buffer is bounded: when it is full, its oldest segment is dropped and counted.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    protocol::{Devices, Status},
    segment::{self, Kind, Read, Reader},
};

/// A buffer that is full drops one of about this many segments.
const SEGMENTS: u64 = 64;
/// A segment is at least this large, so that a small buffer does not become a heap of files.
const SMALLEST_SEGMENT: u64 = 16 * 1024;
/// The most batches that are kept in `rejected/`.
const MAX_REJECTED: usize = 32;
const CURSOR: &str = "cursor";
const REJECTED: &str = "rejected";

/// What is sent in one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Batch {
    /// Found devices.
    Devices(Devices),
    /// Readings.
    Readings(Status),
}

impl Batch {
    /// How many devices or readings it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Devices(devices) => devices.devices.len(),
            Self::Readings(status) => status.readings.len(),
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    segment: u64,
    start: u64,
    end: u64,
}

/// The oldest batch of the buffer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it lies, to confirm or reject it.
    pub position: Position,
    /// What it holds.
    pub batch: Batch,
}

/// The disk failed the buffer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BufferError {
    /// A file of the buffer could not be read or written.
    #[error("the buffer in {path} cannot be read or written")]
    Io {
        /// The folder of the buffer.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A batch has no JSON form.
    #[error("a batch cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
}

/// A bounded queue of batches on disk. Cloning is cheap, and clones share the queue.
///
/// All operations block on the disk. One process may open a folder at a time, which [`StateDir`](super::StateDir) sees to.
#[derive(Debug, Clone)]
pub struct Buffer {
    inner: Arc<Mutex<Inner>>,
}

impl Buffer {
    /// Opens the buffer in a folder, which is created when missing, with room for about `max_bytes`.
    ///
    /// # Errors
    ///
    /// The folder cannot be created, or its files cannot be read.
    pub fn open(dir: &Path, max_bytes: u64) -> Result<Self, BufferError> {
        let inner = Inner::open(dir, max_bytes).map_err(|source| BufferError::Io { path: dir.to_owned(), source })?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Appends batches, all or none, and returns when they are on the disk.
    ///
    /// # Errors
    ///
    /// Nothing was recorded, for instance because the disk is full.
    pub fn append(&self, batches: &[Batch]) -> Result<(), BufferError> {
        let mut text = String::new();
        for batch in batches.iter().filter(|batch| !batch.is_empty()) {
            text.push_str(&segment::encode(batch).map_err(BufferError::Encode)?);
        }
        if text.is_empty() {
            return Ok(());
        }
        let added = batches.iter().fold(Pending::default(), |sum, batch| match batch {
            Batch::Devices(_) if batch.is_empty() => sum,
            Batch::Devices(_) => sum.plus(Kind::Devices, 1),
            Batch::Readings(status) => sum.plus(Kind::Readings, status.readings.len().try_into().unwrap_or(u64::MAX)),
        });
        self.with(|inner| inner.append(text.as_bytes(), added))
    }

    /// The oldest batch, which stays in the buffer.
    ///
    /// # Errors
    ///
    /// A segment cannot be read.
    pub fn next(&self) -> Result<Option<Entry>, BufferError> {
        self.with(Inner::next)
    }

    /// Removes the oldest batch after the server acknowledged it. Does nothing when it was dropped meanwhile.
    ///
    /// # Errors
    ///
    /// What was confirmed could not be written down; the batch may be sent again after a restart.
    pub fn confirm(&self, position: Position) -> Result<(), BufferError> {
        self.with(|inner| inner.confirm(position))
    }

    /// Sets the oldest batch aside in the folder `rejected`, because the server will never take it, and returns its new
    /// path. The folder keeps the last 32.
    ///
    /// # Errors
    ///
    /// It could not be set aside, and is still the oldest batch.
    pub fn reject(&self, entry: &Entry, reason: &str) -> Result<PathBuf, BufferError> {
        self.with(|inner| inner.reject(entry, reason))
    }

    /// Readings that wait for the server.
    #[must_use]
    pub fn readings(&self) -> u64 {
        self.lock().total().readings
    }

    /// Whether found devices wait for the server.
    #[must_use]
    pub fn has_devices(&self) -> bool {
        self.lock().total().devices > 0
    }

    /// Readings that were dropped since the buffer was opened, because it was full.
    #[must_use]
    pub fn dropped_readings(&self) -> u64 {
        self.lock().dropped
    }

    fn with<T>(&self, operation: impl FnOnce(&mut Inner) -> io::Result<T>) -> Result<T, BufferError> {
        let mut inner = self.lock();
        operation(&mut inner).map_err(|source| BufferError::Io { path: inner.dir.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits: readings, and batches of devices.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    readings: u64,
    devices: u64,
}

impl Pending {
    fn plus(self, kind: Kind, size: u64) -> Self {
        match kind {
            Kind::Readings => Self { readings: self.readings + size, ..self },
            Kind::Devices => Self { devices: self.devices + 1, ..self },
        }
    }

    fn minus(self, batch: &Batch) -> Self {
        match batch {
            Batch::Readings(status) => {
                let size = status.readings.len().try_into().unwrap_or(u64::MAX);
                Self { readings: self.readings.saturating_sub(size), ..self }
            }
            Batch::Devices(_) => Self { devices: self.devices.saturating_sub(1), ..self },
        }
    }
}

#[derive(Debug)]
struct Segment {
    id: u64,
    bytes: u64,
    pending: Pending,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    /// Oldest first. The oldest is the one that is read.
    segments: VecDeque<Segment>,
    /// The newest segment, when this process made it: a segment that was left by another may end in a torn line.
    writer: Option<File>,
    next_id: u64,
    /// Where the oldest batch begins, in the oldest segment.
    offset: u64,
    /// The batch that was handed out last.
    handed_out: Option<Entry>,
    dropped: u64,
}

impl Inner {
    fn open(dir: &Path, max_bytes: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let cursor = read_cursor(dir)?;
        let mut ids = Vec::new();
        for file in fs::read_dir(dir)? {
            ids.extend(file?.file_name().to_str().and_then(segment::id));
        }
        ids.sort_unstable();
        let mut inner = Self {
            dir: dir.to_owned(),
            max_bytes,
            segment_bytes: (max_bytes / SEGMENTS).max(SMALLEST_SEGMENT),
            segments: VecDeque::new(),
            writer: None,
            next_id: ids.last().map_or(cursor.0, |last| cursor.0.max(*last)) + 1,
            offset: 0,
            handed_out: None,
            dropped: 0,
        };
        for id in ids {
            if id < cursor.0 {
                fs::remove_file(segment::path(dir, id))?;
                continue;
            }
            let start = if id == cursor.0 { cursor.1 } else { 0 };
            if inner.segments.is_empty() {
                inner.offset = start;
            }
            inner.segments.push_back(scan(dir, id, start)?);
        }
        Ok(inner)
    }

    fn total(&self) -> Pending {
        self.segments.iter().fold(Pending::default(), |sum, segment| Pending {
            readings: sum.readings + segment.pending.readings,
            devices: sum.devices + segment.pending.devices,
        })
    }

    fn append(&mut self, text: &[u8], added: Pending) -> io::Result<()> {
        let length = u64::try_from(text.len()).map_err(io::Error::other)?;
        if self.segments.back().is_some_and(|last| last.bytes > 0 && last.bytes + length > self.segment_bytes) {
            self.writer = None;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.create_segment()?,
        };
        let Some(last) = self.segments.back_mut() else {
            return Err(io::Error::other("a segment was created and is not listed"));
        };
        if let Err(error) = writer.write_all(text).and_then(|()| writer.sync_data()) {
            // Half of a batch must not stand before the next one. When it cannot be cut off, the next batch begins a new
            // segment, and the torn end is skipped like one that a crash left.
            if writer.set_len(last.bytes).is_ok() {
                self.writer = Some(writer);
            }
            return Err(error);
        }
        last.bytes += length;
        last.pending.readings += added.readings;
        last.pending.devices += added.devices;
        self.writer = Some(writer);
        self.make_room()
    }

    fn create_segment(&mut self) -> io::Result<File> {
        let id = self.next_id;
        // Counted before anything can fail, so that a file of a failed attempt is never in the way.
        self.next_id += 1;
        let path = segment::path(&self.dir, id);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        File::open(&self.dir)?.sync_all()?;
        if self.segments.is_empty() {
            self.offset = 0;
        }
        self.segments.push_back(Segment { id, bytes: 0, pending: Pending::default() });
        Ok(file)
    }

    fn make_room(&mut self) -> io::Result<()> {
        while self.segments.len() > 1 && self.segments.iter().map(|segment| segment.bytes).sum::<u64>() > self.max_bytes {
            let Some(pending) = self.segments.front().map(|oldest| oldest.pending) else {
                break;
            };
            self.remove_oldest()?;
            self.dropped += pending.readings;
            tracing::warn!(
                buffer.dropped_readings = self.dropped,
                "the buffer is full: its oldest {} readings were dropped, {} since the start",
                pending.readings,
                self.dropped,
            );
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<Entry>> {
        if let Some(entry) = &self.handed_out {
            return Ok(Some(entry.clone()));
        }
        while let Some(oldest) = self.segments.front() {
            let id = oldest.id;
            let mut reader = Reader::open(&segment::path(&self.dir, id), self.offset)?;
            let line = match reader.read()? {
                Read::Line(line) => Some(line),
                Read::Damaged => None,
                Read::End if self.segments.len() > 1 || self.writer.is_none() => {
                    self.remove_oldest()?;
                    continue;
                }
                Read::End => return Ok(None),
            };
            match line.map(|line| line.batch()) {
                Some(Ok(batch)) => {
                    let position = Position { segment: id, start: self.offset, end: reader.offset };
                    let entry = Entry { position, batch };
                    self.handed_out = Some(entry.clone());
                    return Ok(Some(entry));
                }
                Some(Err(_)) | None => {
                    tracing::warn!(buffer.segment = id, buffer.offset = self.offset, "a damaged batch was skipped");
                    self.offset = reader.offset;
                }
            }
        }
        Ok(None)
    }

    fn confirm(&mut self, position: Position) -> io::Result<()> {
        let Some(entry) = self.handed_out.take_if(|entry| entry.position == position) else {
            return Ok(());
        };
        self.offset = position.end;
        if let Some(oldest) = self.segments.front_mut() {
            oldest.pending = oldest.pending.minus(&entry.batch);
        }
        write_cursor(&self.dir, position.segment, position.end)
    }

    fn reject(&mut self, entry: &Entry, reason: &str) -> io::Result<PathBuf> {
        let dir = self.dir.join(REJECTED);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let mut kept = fs::read_dir(&dir)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
        kept.sort_unstable();
        for oldest in kept.iter().take((kept.len() + 1).saturating_sub(MAX_REJECTED)) {
            fs::remove_file(oldest)?;
        }
        #[derive(Serialize)]
        struct Rejected<'a> {
            reason: &'a str,
            batch: &'a Batch,
        }
        let Position { segment, start, end: _ } = entry.position;
        let path = dir.join(format!("{segment:020}-{start:012}.json"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        serde_json::to_writer_pretty(&mut file, &Rejected { reason, batch: &entry.batch })?;
        file.sync_data()?;
        self.confirm(entry.position)?;
        Ok(path)
    }

    fn remove_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.segments.pop_front() else {
            return Ok(());
        };
        self.offset = 0;
        self.handed_out = None;
        if self.segments.is_empty() {
            self.writer = None;
        }
        fs::remove_file(segment::path(&self.dir, oldest.id))
    }
}

/// Counts what waits in a segment from an offset on.
fn scan(dir: &Path, id: u64, start: u64) -> io::Result<Segment> {
    let mut reader = Reader::open(&segment::path(dir, id), start)?;
    let mut pending = Pending::default();
    loop {
        match reader.read()? {
            Read::Line(line) => pending = pending.plus(line.kind, line.size),
            Read::Damaged => {}
            Read::End => return Ok(Segment { id, bytes: reader.offset, pending }),
        }
    }
}

/// The segment and offset up to which the server acknowledged. Without a readable cursor everything is sent again.
fn read_cursor(dir: &Path) -> io::Result<(u64, u64)> {
    let text = match fs::read_to_string(dir.join(CURSOR)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let parse = || {
        let (segment, offset) = text.strip_suffix('\n')?.split_once(' ')?;
        Some((segment.parse().ok()?, offset.parse().ok()?))
    };
    Ok(parse().unwrap_or((0, 0)))
}

/// Replaces the cursor. It is not forced to the disk: losing it to a power cut only sends batches again.
fn write_cursor(dir: &Path, segment: u64, offset: u64) -> io::Result<()> {
    let temporary = dir.join("cursor.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(format!("{segment} {offset}\n").as_bytes())?;
    fs::rename(temporary, dir.join(CURSOR))
}
