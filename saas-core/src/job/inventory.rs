use crate::inventory::{
    Class::{Content, Internal},
    Erasure, Retention, Table,
};

const fn library(name: &'static str, columns: &'static [(&'static str, crate::inventory::Class)]) -> Table {
    // It names jobs and never a tenant; an alarm goes with its job.
    Table { name, erasure: Erasure::Purge, retention: Retention::Rule { rule: "as the library does" }, exported: false, columns }
}

/// What jobs keep in the database.
pub(crate) const JOBS: &[Table] = &[
    Table {
        name: "core.job",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "gone when it is done; one that failed for good stays until somebody looks" },
        exported: false,
        columns: &[
            ("id", Internal),
            ("tenant_id", Internal),
            ("name", Internal),
            ("payload", Content),
            ("lane", Internal),
            ("unique_key", Internal),
            ("state", Internal),
            ("alarm", Internal),
            ("turn", Internal),
            ("run", Internal),
            ("attempt", Internal),
            ("attempts", Internal),
            ("error", Content),
            ("enqueued_at", Internal),
            ("due_at", Internal),
            ("begun_at", Internal),
            ("died_at", Internal),
        ],
    },
    library(
        "graphile_worker._private_jobs",
        &[
            ("id", Internal),
            ("job_queue_id", Internal),
            ("task_id", Internal),
            ("payload", Internal),
            ("priority", Internal),
            ("run_at", Internal),
            ("attempts", Internal),
            ("max_attempts", Internal),
            ("last_error", Internal),
            ("created_at", Internal),
            ("updated_at", Internal),
            ("key", Internal),
            ("locked_at", Internal),
            ("locked_by", Internal),
            ("revision", Internal),
            ("flags", Internal),
            ("is_available", Internal),
        ],
    ),
    library(
        "graphile_worker._private_job_queues",
        &[("id", Internal), ("queue_name", Internal), ("locked_at", Internal), ("locked_by", Internal), ("is_available", Internal)],
    ),
    library("graphile_worker._private_job_retirements", &[("id", Internal)]),
    library(
        "graphile_worker._private_known_crontabs",
        &[("identifier", Internal), ("known_since", Internal), ("last_execution", Internal)],
    ),
    library("graphile_worker._private_tasks", &[("id", Internal), ("identifier", Internal)]),
    library(
        "graphile_worker._private_workers",
        &[("id", Internal), ("last_heartbeat_at", Internal), ("started_at", Internal), ("metadata", Internal)],
    ),
    library("graphile_worker.migrations", &[("id", Internal), ("ts", Internal), ("breaking", Internal)]),
];
