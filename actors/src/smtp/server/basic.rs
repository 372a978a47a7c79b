//! RSET, HELP, VRFY and QUIT (RFC 5321 §4.1.1.5 – §4.1.1.10).

use super::super::reply::Reply;
use super::Server;

impl Server {
    pub(super) fn on_rset(&mut self) {
        self.abandon();
        self.send(Reply::new(250, (0, 0), "OK"));
    }

    pub(super) fn on_help(&mut self) {
        self.send(Reply::new(214, (0, 0), "see RFC 5321"));
    }

    /// The same for every address, so that nobody learns which exist (IN12, Q32).
    pub(super) fn on_vrfy(&mut self) {
        let text = "cannot verify, but will take mail and try to deliver it";
        self.send(Reply::new(252, (5, 0), text));
    }

    pub(super) fn on_quit(&mut self) {
        self.abandon();
        self.close_with(Reply::new(221, (0, 0), "bye"));
    }
}
