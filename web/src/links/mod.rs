//! Links in mail: which ones are kept, what they are rewritten to, and which ones mislead (H7).

mod finder;
mod lookalike;
mod target;
mod warning;

pub use finder::{Piece, pieces};
pub use lookalike::{is_lookalike, skeleton};
pub(crate) use target::percent_decoded;
pub use target::{Mail, Target, target};
pub use warning::{LinkWarning, warning};
