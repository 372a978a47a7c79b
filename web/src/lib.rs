//! What is seen: the administration API, status pages, the operations listener.
