//! What can be asked on the command line.

mod admin;
mod continuity;
mod dkim;

pub(super) use admin::{AdminCommand, RoleArgument};
pub(super) use continuity::ContinuityCommand;
pub(super) use dkim::DkimCommand;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::destination::DestinationArgument;

/// Keeps an organisation's mail alive when its mail server is not.
#[derive(Debug, Parser)]
#[command(name = "mailhold", version, about, max_term_width = 100)]
pub(super) struct Arguments {
    /// Configuration file of the node; without it everything is on loopback with data in ./data.
    #[arg(long, global = true, value_name = "FILE", env = "MAILHOLD_CONFIG")]
    pub(super) config: Option<PathBuf>,

    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the node: take mail in, pass it on, hold it while a destination is down.
    Serve,
    /// Show the whole job in under a minute: a server fails, mail is held, the server returns.
    Demo(DemoArguments),
    /// Check the configuration: every fault with file, line, key and what was expected.
    Check(CheckArguments),
    /// Show whether mail is flowing, domain by domain.
    Status,
    /// Manage protected domains.
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Manage mailboxes.
    #[command(subcommand)]
    Mailbox(MailboxCommand),
    /// Manage who looks after domains.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show who could sign in to the portal right now, and who could not and why.
    Readiness {
        /// The domain.
        domain: String,
    },
    /// Count the users of a domain, month by month.
    Users {
        /// The domain.
        domain: String,
    },
    /// Manage further addresses of mailboxes.
    #[command(subcommand)]
    Alias(AliasCommand),
    /// Manage the keys that sign what users write.
    #[command(subcommand)]
    Dkim(DkimCommand),
    /// Hold a domain's delivery; mail is still taken in.
    Hold(HoldArguments),
    /// Release a domain's delivery.
    Release {
        /// The domain.
        domain: String,
    },
    /// Copy mail for a webmail that is there when the destination is not.
    #[command(subcommand)]
    Continuity(ContinuityCommand),
    /// See and manage what waits.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// See and decide about mail that the filter judged unsafe.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Want mail from a sender.
    Allow(RuleArguments),
    /// Refuse mail from a sender.
    Block(RuleArguments),
    /// See and remove allow and block rules.
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Follow a message, also after it has left.
    #[command(subcommand)]
    Log(LogCommand),
    /// Look after the store.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Show who changed what, newest first.
    Audit {
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Messages from outside.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) messages: u64,
    /// Seconds that the customer's server is away.
    #[arg(long, default_value_t = 12, value_name = "SECONDS")]
    pub(super) outage: u64,
    /// Everything random is drawn from this number.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// One outage after the other, until Ctrl-C.
    #[arg(long)]
    pub(super) keep_running: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Print the reference of all keys (Markdown) instead.
    #[arg(long)]
    pub(super) reference: bool,
}

/// How recipients are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyArgument {
    /// Only recipients that the directory knows.
    Directory,
    /// The destination is asked for those that the directory does not know.
    Callout,
    /// Every recipient.
    Accept,
    /// `directory` as soon as the domain has a mailbox, `accept` until then.
    Auto,
}

/// `domain`.
#[derive(Debug, Subcommand)]
pub(super) enum DomainCommand {
    /// Protect a domain.
    Add {
        /// Its name.
        name: String,
        #[command(flatten)]
        settings: DomainSettings,
    },
    /// List all domains.
    List,
    /// Show one domain.
    Show {
        /// Its name.
        name: String,
    },
    /// Change a domain; what is not given stays.
    Set {
        /// Its name.
        name: String,
        #[command(flatten)]
        settings: DomainSettings,
    },
    /// Say that a domain's server is back: it is probed at once instead of at its next time.
    Probe {
        /// Its name.
        name: String,
    },
    /// Show the outages of a domain's server in the last 30 days.
    Outages {
        /// Its name.
        name: String,
    },
    /// Show the DNS records that the domain publishes so that its mail comes here.
    Dns {
        /// Its name.
        name: String,
    },
    /// Make a new key for what is stored from now on.
    RotateKey {
        /// Its name.
        name: String,
    },
    /// Destroy a domain's keys: its stored mail, queued mail included, is unreadable from then on, in
    /// every backup too.
    DestroyKey {
        /// Its name.
        name: String,
        /// That this cannot be undone is understood.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Further names of domains: user@further is the mailbox user@domain.
    #[command(subcommand)]
    Alias(DomainAliasCommand),
    /// Stop protecting a domain. Refused while mail is queued.
    Remove {
        /// Its name.
        name: String,
        /// Discard the mail that is still queued.
        #[arg(long)]
        force: bool,
    },
}

/// `domain alias`.
#[derive(Debug, Subcommand)]
pub(super) enum DomainAliasCommand {
    /// Give a domain a further name.
    Add {
        /// The further name.
        name: String,
        /// The domain that it stands for.
        domain: String,
    },
    /// List further names.
    List {
        /// Those of this domain only.
        domain: Option<String>,
    },
    /// Take a further name back.
    Remove {
        /// The further name.
        name: String,
    },
}

/// What can be set on a domain.
#[derive(Debug, Args)]
pub(super) struct DomainSettings {
    /// A host that its mail goes to: host[:port][,priority=N][,weight=N][,tls=POLICY][,xforward=on|off]
    /// [,window=N][,connections-per-second=N][,user=NAME,password-file=FILE], where POLICY is none,
    /// opportunistic, required, verified or
    /// pinned:SHA-256 (of a certificate or public key; several joined by +). mx:DOMAIN stands for the
    /// servers that the MX records of DOMAIN name. window is
    /// the most messages in flight (1 to 500), else the ramp finds it (up to 128). Give it once for each host.
    #[arg(long = "destination", value_name = "HOST:PORT")]
    pub(super) destinations: Vec<DestinationArgument>,
    /// How recipients are checked.
    #[arg(long)]
    pub(super) verify: Option<VerifyArgument>,
    /// Days that mail is held, 1 to 60.
    #[arg(long, value_name = "DAYS")]
    pub(super) hold_days: Option<u16>,
    /// Whether recipients that the directory does not know are taken in all the same.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(super) catch_all: Option<bool>,
}

/// `mailbox`.
#[derive(Debug, Subcommand)]
pub(super) enum MailboxCommand {
    /// Add a mailbox.
    Add {
        /// Its address.
        address: String,
        /// Display name.
        #[arg(long)]
        name: Option<String>,
        /// Address outside the domain for resets.
        #[arg(long)]
        recovery: Option<String>,
        /// Language tag, e.g. de.
        #[arg(long)]
        language: Option<String>,
        /// Refuse its mail.
        #[arg(long)]
        disabled: bool,
    },
    /// Add or change many: a CSV file with a header line; `address` and optionally name, aliases
    /// (separated by spaces), recovery, language, enabled. One faulty row refuses the whole file.
    Import {
        /// The file; - for standard input.
        file: PathBuf,
        /// Check everything, change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Set a user's password, read from standard input. Needs the token of an administrator of the
    /// domain in `MAILHOLD_TOKEN`; it counts at once and ends the user's sessions.
    Password {
        /// The mailbox.
        address: String,
    },
    /// Make a one-time code with which a user sets the own password. Needs the token of an
    /// administrator of the domain in `MAILHOLD_TOKEN`.
    Code {
        /// The mailbox.
        address: String,
    },
    /// Sign a user out everywhere. Needs the token of an administrator of the domain in
    /// `MAILHOLD_TOKEN`.
    SignOut {
        /// The mailbox.
        address: String,
    },
    /// Switch off the second factor of a user who has lost it. Needs the token of an administrator of
    /// the domain in `MAILHOLD_TOKEN`; the user is told by mail.
    DropSecondFactor {
        /// The mailbox.
        address: String,
    },
    /// Make a one-time code for everybody of a domain who has no password, as CSV. Needs the token of
    /// an administrator of the domain in `MAILHOLD_TOKEN`.
    Codes {
        /// The domain.
        domain: String,
    },
    /// List the mailboxes of a domain.
    List {
        /// The domain.
        domain: String,
    },
    /// Remove a mailbox.
    Remove {
        /// Its address.
        address: String,
    },
}

/// `alias`.
#[derive(Debug, Subcommand)]
pub(super) enum AliasCommand {
    /// Add an alias of a mailbox.
    Add {
        /// The alias.
        address: String,
        /// The mailbox it stands for.
        mailbox: String,
    },
    /// List the aliases of a domain.
    List {
        /// The domain.
        domain: String,
    },
    /// Remove an alias.
    Remove {
        /// The alias.
        address: String,
    },
}

/// `hold`.
#[derive(Debug, Args)]
pub(super) struct HoldArguments {
    /// The domain.
    pub(super) domain: String,
    /// Why, for everybody who looks.
    #[arg(long, default_value = "held by hand")]
    pub(super) reason: String,
    /// When the hold ends by itself, e.g. 2030-01-01T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
}

/// `queue`.
#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// List what waits.
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// List what is set aside (parked, expired, quarantined, damaged) instead; needs --domain.
        #[arg(long, requires = "domain")]
        aside: bool,
    },
    /// Show one message.
    Show {
        /// Its queue id.
        id: String,
    },
    /// Try again at the next occasion, whatever the message waits for.
    Retry(ChoiceArguments),
    /// Give up and tell the sender, if a notification is owed.
    Bounce(ChoiceArguments),
    /// Discard without telling anybody.
    Remove(ChoiceArguments),
    /// Send on the route of another protected domain from now on.
    Move {
        /// The domain whose route is taken.
        #[arg(long, value_name = "DOMAIN")]
        to: String,
        #[command(flatten)]
        choice: ChoiceArguments,
    },
    /// Put messages that are set aside back into the queue.
    Release {
        /// Their queue ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Discard messages that are set aside.
    Discard {
        /// Their queue ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Write a message as it came in to standard output or a file.
    Export {
        /// Its queue id.
        id: String,
        /// The file.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

/// Which messages; all that is given has to fit.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FilterArguments {
    /// Messages for this domain.
    #[arg(long)]
    pub(super) domain: Option<String>,
    /// Messages with this in the sender's address.
    #[arg(long)]
    pub(super) sender: Option<String>,
    /// Messages with this in a recipient's address.
    #[arg(long)]
    pub(super) recipient: Option<String>,
    /// Messages about which this was said last, e.g. "550 5.7.1".
    #[arg(long, value_name = "TEXT")]
    pub(super) reply: Option<String>,
    /// Messages accepted at least this long ago, e.g. 90s, 30m, 12h, 3d.
    #[arg(long, value_name = "AGE")]
    pub(super) older_than: Option<Age>,
}

/// A time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age {
    pub(super) seconds: u64,
}

impl std::str::FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a number with s, m, h or d, e.g. 12h";
        let unit = text.chars().next_back().ok_or(EXPECTED)?;
        let number = text.strip_suffix(unit).ok_or(EXPECTED)?;
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(EXPECTED),
        };
        let seconds = number.checked_mul(seconds).ok_or(EXPECTED)?;
        Ok(Self { seconds })
    }
}

/// Which messages to act on.
#[derive(Debug, Args)]
pub(super) struct ChoiceArguments {
    /// Queue ids.
    #[arg(required_unless_present_any = ["domain", "sender", "recipient", "reply", "older_than", "all"],
          conflicts_with_all = ["domain", "sender", "recipient", "reply", "older_than", "all"])]
    pub(super) ids: Vec<String>,
    #[command(flatten)]
    pub(super) filter: FilterArguments,
    /// Everything that waits.
    #[arg(long)]
    pub(super) all: bool,
    /// Count what fits, change nothing.
    #[arg(long, conflicts_with = "ids")]
    pub(super) dry_run: bool,
}

/// `quarantine`.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List what is in quarantine.
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one message and why it is here.
    Show {
        /// Its queue id.
        id: String,
    },
    /// Deliver messages all the same.
    Release {
        /// Their queue ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Delete messages for good.
    Delete {
        /// Their queue ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// `allow` and `block`.
#[derive(Debug, Args)]
pub(super) struct RuleArguments {
    /// Whom: an address, a domain with its subdomains, or a client network such as 192.0.2.0/24.
    pub(super) sender: String,
    /// Whose rule it is: a protected domain, or one of its mailboxes.
    #[arg(long = "for", value_name = "OWNER")]
    pub(super) owner: String,
    /// Why, for everybody who looks.
    #[arg(long)]
    pub(super) comment: Option<String>,
}

/// `rule`.
#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// List the rules of a domain and its mailboxes.
    List {
        /// The domain.
        domain: String,
    },
    /// Remove a rule.
    Remove {
        /// Whom it is about.
        sender: String,
        /// Whose rule it is.
        #[arg(long = "for", value_name = "OWNER")]
        owner: String,
    },
}

/// `log`.
#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Tell a message's life, oldest event first.
    Show {
        /// Its queue id.
        id: String,
    },
    /// List messages that came in within the last 30 days, newest first.
    Search {
        #[command(flatten)]
        filter: FilterArguments,
        /// Came in at this time or later, e.g. 2030-01-01T06:00:00Z.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Came in at this time or earlier.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// `store`.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Read everything and report damage. The server must not be running.
    Check,
    /// Show sizes and counts of the running node's store.
    Stats,
    /// Write a backup of the running node's store into a new directory.
    Backup {
        /// The directory; must not exist yet.
        directory: PathBuf,
    },
    /// Repair journals after a crash that the start refuses to pass over. The server must not be
    /// running.
    Recover,
}

#[cfg(test)]
mod tests;
