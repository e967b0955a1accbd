//! Embedded migrations and pages are part of the program: a new file must rebuild it.
use std::io::{self, Write};

fn main() -> io::Result<()> {
    for folder in ["assets", "locales", "migrations", "templates"] {
        writeln!(io::stdout(), "cargo:rerun-if-changed={folder}")?;
    }
    Ok(())
}
