//! Mailhold: how the parts start.
