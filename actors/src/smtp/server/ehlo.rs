//! Greeting, EHLO, HELO and STARTTLS (RFC 5321 §3.1, §4.1.1.1, RFC 3207).

use bytes::BytesMut;

use super::super::limits::{MESSAGES_PER_CONNECTION_MAX, RECIPIENTS_MAX};
use super::super::reply::Reply;
use super::{Dialect, Effect, Question, Server, State};

impl Server {
    /// Greets. `peer_spoke_first` says that bytes were there before the greeting: such a peer is no
    /// mail server and is sent away (IN1).
    pub fn greet(&mut self, peer_spoke_first: bool) {
        if peer_spoke_first {
            return self.close_with(Reply::new(554, (5, 0), "you spoke before the greeting"));
        }
        self.state = State::Command;
        let text = format!("{} ESMTP", self.config.hostname);
        self.send(Reply::plain(220, text));
    }

    pub(super) fn on_helo(&mut self, name: String, extended: bool, input: &BytesMut) {
        if !input.is_empty() {
            // EHLO ends a group of pipelined commands (RFC 2920 §3.1); a peer that does not wait has
            // not even learnt whether it may pipeline (IN1).
            let text = "commands before the answer to EHLO";
            return self.close_with(Reply::new(554, (5, 0), text));
        }
        self.abandon();
        self.client.helo = name;
        self.dialect = Some(if extended {
            Dialect::Esmtp
        } else {
            Dialect::Smtp
        });
        let greeting = format!("{} greets {}", self.config.hostname, self.client.helo);
        let mut reply = Reply::plain(250, greeting);
        if extended {
            reply.lines.extend(self.extensions());
        }
        self.send(reply);
        self.count_idle_command();
    }

    fn extensions(&self) -> Vec<String> {
        let mut lines = vec![
            "PIPELINING".to_owned(),
            format!("SIZE {}", self.config.message_size_max),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "CHUNKING".to_owned(),
            "DSN".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            format!("LIMITS MAILMAX={MESSAGES_PER_CONNECTION_MAX} RCPTMAX={RECIPIENTS_MAX}"),
        ];
        if self.config.starttls && !self.is_encrypted() {
            lines.push("STARTTLS".to_owned());
        }
        lines
    }

    pub(super) fn on_starttls(&mut self, input: &BytesMut) {
        if !self.config.starttls {
            return self.answer(Reply::new(502, (5, 1), "STARTTLS is not offered"));
        }
        if self.is_encrypted() {
            return self.out_of_order("TLS is in use already");
        }
        if self.dialect.is_none() {
            return self.out_of_order("EHLO first");
        }
        if !input.is_empty() {
            // Whatever follows in clear was not sent by who asked for TLS (IN14, Q29).
            let text = "commands behind STARTTLS";
            return self.close_with(Reply::new(554, (5, 0), text));
        }
        self.abandon();
        self.send(Reply::new(220, (0, 0), "ready for TLS"));
        self.effects.push_back(Effect::StartTls);
        self.state = State::Asked(Question::Tls);
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.client.tls_version.is_some()
    }
}
