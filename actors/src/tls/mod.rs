//! rustls configurations and certificates that reload without a restart.
