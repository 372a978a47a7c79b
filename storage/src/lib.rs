//! What is true: records, and the one place that writes them.
pub mod engine;
pub mod metric;
pub mod model;
