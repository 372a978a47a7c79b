//! The real binary as a child process, with its own folder and addresses.
//!
//! It is ready when it says so over `NOTIFY_SOCKET`, the way a service manager hears it; nothing
//! here waits by sleeping.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::loopback;

/// Longest wait for readiness; a start takes milliseconds.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How often, while waiting, the child is checked for having ended.
const READY_TURN: Duration = Duration::from_millis(100);

/// A node of Mailhold. Dropped while running it is stopped in order.
#[derive(Debug)]
pub struct Node {
    binary: PathBuf,
    folder: TempDir,
    smtp: SocketAddr,
    portal: SocketAddr,
    admin: SocketAddr,
    operations: SocketAddr,
    child: Option<Child>,
    notify: Option<UnixDatagram>,
}

impl Node {
    /// A folder with a configuration for a binary; `extra` is appended to the configuration.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn prepared(binary: &Path, extra: &str) -> io::Result<Self> {
        Self::prepared_in(binary, extra, &std::env::temp_dir())
    }

    /// As [`Node::prepared`], with its folder below `parent`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn prepared_in(binary: &Path, extra: &str, parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("mailhold-")
            .tempdir_in(parent)?;
        let [smtp, portal, admin, operations] = std::array::from_fn(|_| loopback::address());
        let node = Self {
            binary: binary.to_owned(),
            folder,
            smtp,
            portal,
            admin,
            operations,
            child: None,
            notify: None,
        };
        let text = format!(
            "hostname = \"mx.example.net\"\n\
             data_dir = \"data\"\n\
             [smtp]\n\
             listen = [\"{smtp}\"]\n\
             [portal]\n\
             listen = \"{portal}\"\n\
             url = \"https://{portal}\"\n\
             [admin]\n\
             listen = \"{admin}\"\n\
             url = \"https://{admin}\"\n\
             [operations]\n\
             listen = \"{operations}\"\n\
             [limits]\n\
             connections_per_client = 20\n\
             exempt_clients = [\"127.0.0.0/8\"]\n\
             {extra}"
        );
        fs::write(node.config(), text)?;
        Ok(node)
    }

    /// A node that runs; returns when it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(binary: &Path) -> io::Result<Self> {
        let mut node = Self::prepared(binary, "")?;
        node.resume()?;
        Ok(node)
    }

    /// Where it takes mail.
    #[must_use]
    pub const fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// Where its portal listens.
    #[must_use]
    pub const fn portal(&self) -> SocketAddr {
        self.portal
    }

    /// Where its administration listens.
    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Where its operations listener is.
    #[must_use]
    pub const fn operations(&self) -> SocketAddr {
        self.operations
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("mailhold.toml")
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its folder, with configuration, data and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything it has logged over its lives.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("node.log")).unwrap_or_default()
    }

    /// The last lines of its log, without what it says about each message.
    fn log_end(&self) -> String {
        const LINES: usize = 60;
        let log = self.log();
        let mut lines: Vec<_> = log
            .lines()
            .filter(|line| !line.contains("queue.id="))
            .collect();
        lines.drain(..lines.len().saturating_sub(LINES));
        lines.join("\n")
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it (again); returns when it is ready.
    ///
    /// # Errors
    /// When it ends or stays silent; the text ends with its log.
    pub fn resume(&mut self) -> io::Result<()> {
        let socket = self.folder.path().join("notify");
        // Left from the life before.
        let _ = fs::remove_file(&socket);
        let notify = UnixDatagram::bind(&socket)?;
        notify.set_read_timeout(Some(READY_TURN))?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("node.log"))?;
        let mut child = self
            .mailhold(&["serve"])
            .env("NOTIFY_SOCKET", &socket)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let ready = wait_until_ready(&notify, &mut child);
        self.notify = Some(notify);
        if let Err(error) = ready {
            // It may have ended already.
            let _ = child.kill();
            child.wait()?;
            return Err(io::Error::other(format!("{error}:\n{}", self.log())));
        }
        self.child = Some(child);
        Ok(())
    }

    /// Has it read its configuration again (SIGHUP); returns when it says that it did.
    ///
    /// # Errors
    /// When it ends or stays silent.
    pub fn reload(&mut self) -> io::Result<()> {
        self.signal(Signal::HUP)?;
        let (Some(notify), Some(child)) = (&self.notify, &mut self.child) else {
            return Err(io::Error::other("the node does not run"));
        };
        wait_until_ready(notify, child)
    }

    /// The command line with this node's configuration.
    #[must_use]
    pub fn mailhold(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(self.folder.path())
            .arg("--config")
            .arg(self.config())
            .args(arguments);
        command
    }

    /// Runs a command line to its end and gives back what it printed.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn try_cli(&self, arguments: &[&str]) -> io::Result<Output> {
        self.mailhold(arguments).stdin(Stdio::null()).output()
    }

    /// Runs a command line that has to succeed and gives back its standard output.
    ///
    /// # Errors
    /// When it fails; the text is what it said.
    pub fn cli(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.try_cli(arguments)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let failed = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        let words = arguments.join(" ");
        Err(io::Error::other(format!(
            "mailhold {words}: {status}: {failed}{said}"
        )))
    }

    /// Adds a domain with its destination and mailboxes.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn add_domain(
        &self,
        name: &str,
        destination: SocketAddr,
        mailboxes: &[&str],
    ) -> io::Result<()> {
        let destination = destination.to_string();
        self.cli(&["domain", "add", name, "--destination", &destination])?;
        for mailbox in mailboxes {
            self.cli(&["mailbox", "add", mailbox])?;
        }
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let child = self.child.as_ref();
        let child = child.ok_or_else(|| io::Error::other("the node does not run"))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Ends it with SIGKILL and waits for that.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> io::Result<()> {
        self.signal(Signal::KILL)?;
        self.wait().map(drop)
    }

    /// Stops it in order (SIGTERM) and gives back how it ended.
    ///
    /// # Errors
    /// When it does not run.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not run.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let child = self.child.take();
        let mut child = child.ok_or_else(|| io::Error::other("the node does not run"))?;
        child.wait()
    }
}

/// Waits for `READY=1` for as long as the process lives, a minute at most.
fn wait_until_ready(notify: &UnixDatagram, child: &mut Child) -> io::Result<()> {
    let turns = READY_TIMEOUT.as_millis() / READY_TURN.as_millis();
    let mut message = [0; 4096];
    for _ in 0..turns {
        if let Ok(length) = notify.recv(&mut message) {
            let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default());
            if text.lines().any(|line| line == "READY=1") {
                return Ok(());
            }
        } else if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("ended with {status}")));
        }
    }
    Err(io::Error::other("did not become ready"))
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.child.is_some() {
            let ended = self.terminate();
            let in_order = ended.as_ref().is_ok_and(ExitStatus::success);
            if !in_order && !std::thread::panicking() {
                eprintln!("{}", self.log_end());
                panic!("the node did not stop in order: {ended:?}");
            }
        }
        if std::thread::panicking() {
            eprintln!("--- end of the node's log\n{}", self.log_end());
        }
    }
}
