//! What was found: printed as it comes, and kept for the file.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Outcome, arrange::sharing, generator::Figures, machine::Machine, plan::Plan};

pub(crate) struct Report {
    sections: Map<String, Value>,
}

impl Report {
    pub(crate) fn begin(machine: &Machine, plan: &Plan) -> Outcome<Self> {
        let mut report = Self { sections: Map::new() };
        report.say(&format!(
            "{} cores of {}, {} MiB, Linux {}, PostgreSQL {}; load {} before",
            machine.cores, machine.cpu, machine.memory_mib, machine.kernel, machine.postgres, machine.load_average_before
        ))?;
        if plan.quick {
            report.say("--quick: the numbers mean little")?;
        }
        report.section("machine", machine)?;
        report.section("plan", plan)?;
        report.section("sharing", sharing(plan))?;
        Ok(report)
    }

    pub(crate) fn say(&self, text: &str) -> Outcome<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    pub(crate) fn section(&mut self, name: &str, value: impl Serialize) -> Outcome<()> {
        self.sections.insert(name.to_owned(), serde_json::to_value(value)?);
        Ok(())
    }

    pub(crate) fn text(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(&self.sections)? + "\n")
    }

    pub(crate) fn heading(&self, title: &str, unit: &str) -> Outcome<()> {
        self.say(&format!(
            "\n{title}\n{:24}{:>10}{:>9}{:>9}{:>9}   processor µs each: server  database  generator   others",
            "", unit, "p50 ms", "p95 ms", "p99 ms"
        ))
    }

    pub(crate) fn figures(&self, name: &str, it: &Figures) -> Outcome<()> {
        self.say(&format!(
            "{name:24}{:>10.0}{:>9.2}{:>9.2}{:>9.2}{:>28.0}{:>10.0}{:>11.0}{:>7.0} %",
            it.per_second,
            it.p50_ms,
            it.p95_ms,
            it.p99_ms,
            it.cpu.server_us,
            it.cpu.postgres_us,
            it.cpu.generator_us,
            it.cpu.others_percent
        ))
    }

    /// A ratio and what is expected of it.
    pub(crate) fn ratio(&self, name: &str, value: f64, expected: &str) -> Outcome<()> {
        self.say(&format!("  {name}: {value:.2}{expected}"))
    }
}
