//! What is measured: a node of ours or Debian's Postfix, each fresh, with one domain behind it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::support::node::Node;
use crate::support::postfix::{Postfix, PostfixOptions};
use crate::support::processes::Tree;

/// The domain that both protect.
pub const DOMAIN: &str = "example.test";
/// The mailboxes that both know; the directory check is on.
pub const MAILBOXES: [&str; 4] = [
    "alice@example.test",
    "bob@example.test",
    "carol@example.test",
    "dave@example.test",
];

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The binary under test.
    Mailhold,
    /// The system to compare with.
    Postfix,
}

/// A running system with an empty queue.
#[derive(Debug)]
pub enum Subject {
    /// Ours.
    Mailhold(Node),
    /// Theirs.
    Postfix(Postfix),
}

impl Subject {
    /// Starts one that relays to `destination`; a hurried Postfix tries again within seconds.
    ///
    /// # Errors
    /// When it does not start or does not take its domain.
    pub fn start(
        kind: Kind,
        binary: &Path,
        destination: SocketAddr,
        is_hurried: bool,
    ) -> Result<Self> {
        match kind {
            Kind::Mailhold => {
                let node = Node::start(binary).context("starting mailhold")?;
                node.add_domain(DOMAIN, destination, &MAILBOXES)?;
                Ok(Self::Mailhold(node))
            }
            Kind::Postfix => {
                let options = PostfixOptions {
                    domain: DOMAIN.to_owned(),
                    recipients: MAILBOXES.map(str::to_owned).to_vec(),
                    destination,
                    keeps_log: false,
                    is_hurried,
                };
                let postfix = Postfix::start(&options).context("starting Postfix")?;
                Ok(Self::Postfix(postfix))
            }
        }
    }

    /// Where it takes mail.
    pub const fn smtp(&self) -> SocketAddr {
        match self {
            Self::Mailhold(node) => node.smtp(),
            Self::Postfix(postfix) => postfix.address(),
        }
    }

    /// Its processes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn processes(&self) -> Result<Tree> {
        let root = match self {
            Self::Mailhold(node) => node.pid().context("mailhold does not run")?,
            Self::Postfix(postfix) => postfix.master()?,
        };
        Ok(Tree::of(root))
    }

    /// A folder on the disk that it writes to.
    pub fn disk(&self) -> PathBuf {
        match self {
            Self::Mailhold(node) => node.data_dir(),
            Self::Postfix(postfix) => postfix.queue(),
        }
    }

    /// Tells it that the destination is back, if it needs to be told: Postfix does.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn flush(&self) -> Result<()> {
        if let Self::Postfix(postfix) = self {
            postfix.flush()?;
        }
        Ok(())
    }
}
