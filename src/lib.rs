//! Mailhold: how the parts start.

pub mod demo;
