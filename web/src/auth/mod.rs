//! Who may use the administration API: the holder of the operator token.

mod bearer;
mod operator_token;

pub use bearer::require_operator;
pub use operator_token::{OperatorToken, TOKEN_FILE, TokenError};
