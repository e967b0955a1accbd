//! Embedded files are part of the program: a new one must rebuild it.
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let folders = ["assets", "locales", "migrations", "templates"];
    for folder in folders.into_iter().filter(|folder| std::path::Path::new(folder).exists()) {
        writeln!(io::stdout(), "cargo:rerun-if-changed={folder}")?;
    }
    Ok(())
}
