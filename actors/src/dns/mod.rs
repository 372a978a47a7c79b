//! Name resolution behind a trait, so that tests and simulations bring their own.
