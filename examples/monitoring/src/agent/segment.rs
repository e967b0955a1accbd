//! One file of the buffer: lines that each hold a batch, its size and a checksum.
//!
//! A line is `CRC SIZE KIND JSON`, the checksum in eight hexadecimal digits over all that follows it. A process that dies
//! while it writes leaves a last line without its end, which is not a line; a damaged line is recognized and skipped.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::buffer::Batch;

/// What stands between the end of a segment's number and the end of its name.
const SUFFIX: &str = ".segment";

/// The path of a segment. Names sort like numbers.
pub(super) fn path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:020}{SUFFIX}"))
}

/// The number of a segment, from its file name.
pub(super) fn id(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}

/// A line as its text stands in the file, without the cost of reading the JSON.
pub(super) struct Line {
    pub(super) kind: Kind,
    /// Devices or readings in the batch.
    pub(super) size: u64,
    json: String,
}

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Devices,
    Readings,
}

impl Line {
    pub(super) fn batch(&self) -> Result<Batch, serde_json::Error> {
        match self.kind {
            Kind::Devices => serde_json::from_str(&self.json).map(Batch::Devices),
            Kind::Readings => serde_json::from_str(&self.json).map(Batch::Readings),
        }
    }
}

/// The text of a batch, with its line end.
pub(super) fn encode(batch: &Batch) -> Result<String, serde_json::Error> {
    let (kind, json) = match batch {
        Batch::Devices(devices) => ('d', serde_json::to_string(devices)?),
        Batch::Readings(readings) => ('r', serde_json::to_string(readings)?),
    };
    let text = format!("{} {kind} {json}", batch.len());
    Ok(format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())))
}

fn decode(bytes: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (crc, text) = text.split_once(' ')?;
    if u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(text.as_bytes()) {
        return None;
    }
    let (size, rest) = text.split_once(' ')?;
    let (kind, json) = rest.split_once(' ')?;
    let kind = match kind {
        "d" => Kind::Devices,
        "r" => Kind::Readings,
        _ => return None,
    };
    Some(Line { kind, size: size.parse().ok()?, json: json.to_owned() })
}

/// Reads lines from a position on.
pub(super) struct Reader {
    file: BufReader<File>,
    /// Where the next line begins.
    pub(super) offset: u64,
}

/// A line, or what stands in its place.
pub(super) enum Read {
    Line(Line),
    /// Damaged text up to the next line end.
    Damaged,
    /// The end of the file, perhaps after a line that was never finished.
    End,
}

impl Reader {
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { file: BufReader::new(file), offset })
    }

    pub(super) fn read(&mut self) -> io::Result<Read> {
        let mut bytes = Vec::new();
        let length = self.file.read_until(b'\n', &mut bytes)?;
        if bytes.last() != Some(&b'\n') {
            return Ok(Read::End);
        }
        self.offset += u64::try_from(length).map_err(io::Error::other)?;
        Ok(decode(&bytes).map_or(Read::Damaged, Read::Line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::protocol::{Devices, FoundDevice, Method};

    fn batch() -> Batch {
        let device = FoundDevice {
            address: "10.0.0.1".parse().unwrap(),
            mac: None,
            hostname: Some("line\nend".to_owned()),
            found_by: vec![Method::Tcp],
        };
        Batch::Devices(Devices { devices: vec![device] })
    }

    #[test]
    fn a_line_comes_back_as_it_was() {
        let line = encode(&batch()).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        let decoded = decode(line.as_bytes()).unwrap();
        assert_eq!((decoded.size, decoded.kind), (1, Kind::Devices));
        assert_eq!(decoded.batch().unwrap(), batch());
    }

    #[test]
    fn a_line_with_any_damaged_byte_is_recognized() {
        let line = encode(&batch()).unwrap().into_bytes();
        for position in 0..line.len() {
            let mut damaged = line.clone();
            damaged[position] ^= 0x04;
            assert!(decode(&damaged).is_none(), "damage at {position} was not seen");
        }
    }

    #[test]
    fn names_of_segments_sort_like_numbers() {
        let name = |number| path(Path::new(""), number).to_str().unwrap().to_owned();
        assert!(name(9) < name(10));
        assert_eq!(id(&name(10)), Some(10));
        assert_eq!(id("cursor"), None);
    }
}
