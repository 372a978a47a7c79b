//! Tests of the spool as a whole, on the engine in memory.

mod queue;
