//! Expiry of what is no longer needed.
