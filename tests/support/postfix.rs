//! A private Postfix from Debian: its own configuration, queue, addresses; nothing of the system's.
//!
//! It takes mail for one domain (known recipients only) and relays it to a destination of ours, so
//! that the destination's ledger says what came through, in its role as the relay to compare with
//! and in its role as the customer's server alike.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::loopback;

/// The services of a stock installation, none of them in a chroot.
const SERVICES: &str = "\
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
smtp      unix  - - n -     - smtp
relay     unix  - - n -     - smtp
showq     unix  n - n -     - showq
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
";

/// The service and the settings for a log of its own; without them it logs to the system's.
const LOG_SERVICE: &str = "postlog unix-dgram n - n - 1 postlogd\n";

/// What a Postfix is asked to be.
#[derive(Debug, Clone)]
pub struct PostfixOptions {
    /// The domain it takes mail for.
    pub domain: String,
    /// The recipients it knows.
    pub recipients: Vec<String>,
    /// Where it relays to.
    pub destination: SocketAddr,
    /// Whether it writes a log of its own, which its errors then end with.
    pub keeps_log: bool,
    /// Whether it tries again what was put off after 2 to 20 s, in place of 5 to 67 minutes.
    pub is_hurried: bool,
}

/// A Postfix; stopped and removed when dropped.
#[derive(Debug)]
pub struct Postfix {
    folder: TempDir,
    address: SocketAddr,
    is_up: bool,
}

impl Postfix {
    /// Whether Postfix is installed and may be run: it needs root.
    #[must_use]
    pub fn is_available() -> bool {
        Path::new("/usr/sbin/postfix").exists() && rustix::process::geteuid().is_root()
    }

    /// Writes the configuration and starts it; returns when it listens.
    ///
    /// # Errors
    /// When a file cannot be written or Postfix does not start; the text is Postfix's own.
    pub fn start(options: &PostfixOptions) -> io::Result<Self> {
        let mut postfix = Self::prepared(options)?;
        postfix.resume()?;
        Ok(postfix)
    }

    fn prepared(options: &PostfixOptions) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("postfix-").tempdir()?;
        let address = loopback::address();
        let root = folder.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
        for name in ["config", "queue", "data"] {
            fs::create_dir(root.join(name))?;
        }
        command(
            "chown",
            [OsStr::new("postfix"), root.join("data").as_os_str()],
        )?;
        let known: String = options
            .recipients
            .iter()
            .map(|recipient| format!("{recipient} ok\n"))
            .collect();
        fs::write(root.join("config/recipients"), known)?;
        fs::write(root.join("config/main.cf"), main_cf(root, options))?;
        let listener = format!("{address} inet n - n - - smtpd\n");
        let log = if options.keeps_log { LOG_SERVICE } else { "" };
        fs::write(root.join("config/master.cf"), listener + SERVICES + log)?;
        Ok(Self {
            folder,
            address,
            is_up: false,
        })
    }

    /// Where it takes mail.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder with its queue.
    #[must_use]
    pub fn queue(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    /// The process id of its master.
    ///
    /// # Errors
    /// When it does not run.
    pub fn master(&self) -> io::Result<u32> {
        let text = fs::read_to_string(self.queue().join("pid/master.pid"))?;
        text.trim().parse().map_err(io::Error::other)
    }

    /// Starts it again; returns when it listens.
    ///
    /// # Errors
    /// When Postfix does not start.
    pub fn resume(&mut self) -> io::Result<()> {
        self.postfix("start")?;
        self.is_up = true;
        Ok(())
    }

    /// Stops it; returns when its processes have ended.
    ///
    /// # Errors
    /// When Postfix cannot be told to stop.
    pub fn stop(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_up) {
            self.postfix("stop")?;
        }
        Ok(())
    }

    /// Asks it to try everything in the queue now.
    ///
    /// # Errors
    /// When Postfix cannot be told so.
    pub fn flush(&self) -> io::Result<()> {
        self.postfix("flush")
    }

    /// What it has logged, when it keeps a log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn postfix(&self, verb: &str) -> io::Result<()> {
        let config = self.folder.path().join("config");
        let arguments = [OsStr::new("-c"), config.as_os_str(), OsStr::new(verb)];
        command("/usr/sbin/postfix", arguments)
            .map_err(|error| io::Error::other(format!("{error}\n{}", self.log())))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("Postfix was not stopped: {error}");
        }
    }
}

fn main_cf(root: &Path, options: &PostfixOptions) -> String {
    let root = root.display();
    let PostfixOptions {
        domain,
        destination,
        keeps_log,
        is_hurried,
        ..
    } = options;
    let retries = if *is_hurried {
        "queue_run_delay = 2s\nminimal_backoff_time = 2s\nmaximal_backoff_time = 20s\n"
    } else {
        ""
    };
    let log = if *keeps_log {
        format!("maillog_file = {root}/log\nmaillog_file_prefixes = {root}\n")
    } else {
        String::new()
    };
    format!(
        "compatibility_level = 3.6\n\
         queue_directory = {root}/queue\n\
         data_directory = {root}/data\n\
         myhostname = postfix.example.net\n\
         inet_interfaces = all\n\
         inet_protocols = ipv4\n\
         mynetworks = 127.0.0.0/8\n\
         mydestination =\n\
         local_recipient_maps =\n\
         alias_maps =\n\
         alias_database =\n\
         relay_domains = {domain}\n\
         relay_recipient_maps = texthash:{root}/config/recipients\n\
         smtpd_relay_restrictions = reject_unauth_destination\n\
         relayhost = [{host}]:{port}\n\
         disable_dns_lookups = yes\n\
         smtp_host_lookup = native\n\
         {log}{retries}",
        host = destination.ip(),
        port = destination.port(),
    )
}

/// Runs a command to its end; its error output becomes the error.
fn command<'words>(
    program: &str,
    arguments: impl IntoIterator<Item = &'words OsStr>,
) -> io::Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{program}: {}: {said}",
        output.status
    )))
}
