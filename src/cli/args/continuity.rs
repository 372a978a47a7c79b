//! Arguments of `mailhold continuity`.

use clap::Subcommand;

/// `continuity`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ContinuityCommand {
    /// Copy a domain's clean mail from now on, or change how long copies are kept.
    On {
        /// The domain.
        domain: String,
        /// Days that copies are kept, 1 to 90.
        #[arg(long)]
        days: Option<u16>,
    },
    /// Stop copying; what is there is not shown any more and goes with its days.
    Off {
        /// The domain.
        domain: String,
    },
    /// Show what is kept, or what is missing before it can be switched on.
    Show {
        /// The domain.
        domain: String,
    },
}
