//! Supervision: child specifications, restart intensity, back-off, services.
