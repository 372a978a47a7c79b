//! Tests of the spool as a whole: on the engine in memory, and on the disk where that matters.

mod bodies;
mod changes;
mod continuity;
mod damage;
mod disk;
mod files;
mod further_names;
mod keys;
mod log;
mod model;
mod outbound;
mod outbox;
mod queue;
mod retention;
mod sender_rules;
mod set_aside;
mod settling;
