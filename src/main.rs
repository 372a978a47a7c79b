//! The `mailhold` command.

fn main() {}
