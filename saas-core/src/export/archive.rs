use std::io::{Seek, Write};

use serde_json::{Map, Value};
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

/// A row of a table, by its columns.
pub(super) type Row = Map<String, Value>;

/// What is kept could not be packed.
#[derive(Debug, thiserror::Error)]
#[error("an export could not be packed")]
pub struct PackError(#[from] ZipError);

impl From<std::io::Error> for PackError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

impl From<serde_json::Error> for PackError {
    fn from(error: serde_json::Error) -> Self {
        Self(ZipError::Io(error.into()))
    }
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// An array of objects.
    Json,
    /// As RFC 4180 says, with the columns' names first.
    Csv,
}

impl Format {
    pub(super) const BOTH: [Self; 2] = [Self::Json, Self::Csv];

    const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// A zip archive of tables, each written in both formats, one after the other, a few rows at a time.
pub(super) struct Archive<W: Write + Seek> {
    zip: ZipWriter<W>,
    options: SimpleFileOptions,
    file: Option<File>,
}

/// The file that is being written.
struct File {
    format: Format,
    columns: Vec<&'static str>,
    is_empty: bool,
}

impl<W: Write + Seek> Archive<W> {
    /// For files of up to 4 GiB.
    pub(super) fn new(inner: W) -> Self {
        Self { zip: ZipWriter::new(inner), options: SimpleFileOptions::default(), file: None }
    }

    /// The same for files of any length.
    pub(super) fn large(inner: W) -> Self {
        let archive = Self::new(inner);
        Self { options: archive.options.large_file(true), ..archive }
    }
}

impl<W: Write + Seek> Archive<W> {
    /// Begins a table in one of the formats. It goes on until the next one begins.
    pub(super) fn begin(&mut self, table: &str, columns: &[&'static str], format: Format) -> Result<(), PackError> {
        self.end()?;
        self.zip.start_file(format!("{table}.{}", format.extension()), self.options)?;
        match format {
            Format::Json => self.zip.write_all(b"[")?,
            Format::Csv => self.zip.write_all(format!("{}\r\n", columns.join(",")).as_bytes())?,
        }
        self.file = Some(File { format, columns: columns.to_vec(), is_empty: true });
        Ok(())
    }

    /// Writes rows of the table that was begun.
    pub(super) fn rows(&mut self, rows: &[Row]) -> Result<(), PackError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        for row in rows {
            match file.format {
                Format::Json => {
                    self.zip.write_all(if file.is_empty { b"\n" } else { b",\n" })?;
                    serde_json::to_writer(&mut self.zip, row)?;
                }
                Format::Csv => self.zip.write_all(line(&file.columns, row).as_bytes())?,
            }
            file.is_empty = false;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), PackError> {
        if let Some(File { format: Format::Json, .. }) = self.file.take() {
            self.zip.write_all(b"\n]\n")?;
        }
        Ok(())
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Result<W, PackError> {
        self.end()?;
        Ok(self.zip.finish()?)
    }
}

fn line(columns: &[&str], row: &Row) -> String {
    let values: Vec<_> = columns.iter().map(|column| field(row.get(*column).unwrap_or(&Value::Null))).collect();
    format!("{}\r\n", values.join(","))
}

/// A value in a line. One that a spreadsheet would compute is set off: somebody else may have chosen it.
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use serde_json::json;

    use super::*;

    fn read<W: Write + Seek>(mut archive: Archive<W>, bytes: impl FnOnce(W) -> Vec<u8>) -> [String; 2] {
        let rows = [
            json!({ "name": "Ada", "note": null, "many": ["a", "b"], "at": 1.5 }),
            json!({ "name": "Müller, \"Sons\"\r\n", "note": "=1+1", "many": [], "at": -2 }),
        ];
        let rows: Vec<Row> = rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
        for format in Format::BOTH {
            archive.begin("a.b", &["name", "note", "many", "at"], format).unwrap();
            archive.rows(&rows[..1]).unwrap();
            archive.rows(&rows[1..]).unwrap();
        }
        archive.begin("a.none", &["x"], Format::Json).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes(archive.finish().unwrap()))).unwrap();
        let mut text = |name: &str| {
            let mut text = String::new();
            zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(serde_json::from_str::<Vec<Row>>(&text("a.b.json")).unwrap(), rows);
        assert_eq!(serde_json::from_str::<Vec<Row>>(&text("a.none.json")).unwrap(), Vec::<Row>::new());
        [text("a.b.json"), text("a.b.csv")]
    }

    #[test]
    fn what_would_break_a_line_is_quoted_and_nothing_is_computed() {
        let whole = read(Archive::new(Cursor::new(Vec::new())), Cursor::into_inner);
        assert_eq!(whole[1], "name,note,many,at\r\nAda,,\"[\"\"a\"\",\"\"b\"\"]\",1.5\r\n\"Müller, \"\"Sons\"\"\r\n\",'=1+1,[],-2\r\n");
        let large = read(Archive::large(Cursor::new(Vec::new())), Cursor::into_inner);
        assert_eq!(large, whole, "one way to write it as the other");
    }
}
