//! Arguments of `mailhold admin`.

use clap::{Subcommand, ValueEnum};

/// `admin`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AdminCommand {
    /// Invite an administrator of a domain: prints a link with which the person sets a password.
    Invite {
        /// The person's address.
        address: String,
        /// The domain to look after.
        #[arg(long)]
        domain: String,
        /// What the person may do.
        #[arg(long, value_enum, default_value = "domain-administrator")]
        role: RoleArgument,
    },
    /// Switch off the second factor of an administrator who has lost device and recovery codes.
    ///
    /// All sessions end. The password stays; the next sign-in sets up another second factor.
    DropSecondFactor {
        /// The person's address.
        address: String,
    },
}

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RoleArgument {
    /// Everything about the domain's people.
    DomainAdministrator,
    /// Hands out one-time codes and sees who could sign in.
    Helpdesk,
    /// Sees, and changes nothing.
    Auditor,
}
