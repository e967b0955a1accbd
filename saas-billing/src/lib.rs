//! Plans as data and limits that are exact under concurrency.
