//! Arguments of `mailhold dkim`.

use clap::Subcommand;

/// `dkim`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DkimCommand {
    /// Show the DNS record of a domain's key.
    Show {
        /// The domain.
        domain: String,
    },
    /// Make a key for a domain, in place of the one it has; publish its record.
    Make {
        /// The domain.
        domain: String,
        /// The name under which the record is published [default: one made of the date].
        #[arg(long)]
        selector: Option<String>,
    },
}
