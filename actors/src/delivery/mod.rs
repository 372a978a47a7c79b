//! Delivery: one queue per domain, one health and window per route.
