//! Embedded migrations are part of the program: a new file must rebuild it.
use std::io::{self, Write};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo:rerun-if-changed=migrations")
}
