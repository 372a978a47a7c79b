//! RSET, NOOP, HELP, VRFY and QUIT (RFC 5321 §4.1.1.5 – §4.1.1.10).

use super::super::reply::Reply;
use super::Server;

impl Server {
    pub(super) fn on_rset(&mut self) {
        self.abandon();
        self.send(Reply::new(250, (0, 0), "OK"));
        self.count_idle_command();
    }

    pub(super) fn on_noop(&mut self) {
        self.send(Reply::new(250, (0, 0), "OK"));
        self.count_idle_command();
    }

    pub(super) fn on_help(&mut self) {
        self.send(Reply::new(214, (0, 0), "see RFC 5321"));
        self.count_idle_command();
    }

    /// The same for every address, so that nobody learns which exist, and as dear as an error, so
    /// that nobody tries for long (IN12, Q32).
    pub(super) fn on_vrfy(&mut self) {
        let text = "cannot verify, but will take mail and try to deliver it";
        self.send(Reply::new(252, (5, 0), text));
        self.errors += 1;
        self.end_if_hopeless();
    }

    pub(super) fn on_quit(&mut self) {
        self.abandon();
        self.close_with(Reply::new(221, (0, 0), "bye"));
    }
}
