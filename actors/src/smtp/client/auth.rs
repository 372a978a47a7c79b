//! AUTH PLAIN and LOGIN to the next hop (RFC 4954, RFC 4616), only ever inside TLS (OUT18).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use storage::model::Login;

use super::capabilities::Capabilities;
use super::flow::Expected;
use super::{Cause, Client};
use crate::smtp::reply::Reply;

/// What is owed in the dialogue of AUTH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthStep {
    /// The answer to everything.
    Outcome,
    /// LOGIN asks for the user.
    User,
    /// LOGIN asks for the password.
    Password,
}

impl Client {
    /// Signs in, unless that is not wanted or has happened. Answers whether something was sent or
    /// the connection has ended.
    pub(super) fn sign_in(&mut self) -> bool {
        let Some(login) = self.options.login.clone().filter(|_| !self.signed_in) else {
            return false;
        };
        if !self.is_encrypted {
            self.end(Cause::TlsNotOffered);
            return true;
        }
        match mechanism(&self.capabilities) {
            Some(Mechanism::Plain) => {
                let line = format!("AUTH PLAIN {}\r\n", plain(&login));
                self.send(&line, Expected::Auth(AuthStep::Outcome));
            }
            Some(Mechanism::Login) => {
                self.send("AUTH LOGIN\r\n", Expected::Auth(AuthStep::User));
            }
            None => self.end(Cause::AuthNotOffered),
        }
        true
    }

    pub(super) fn on_auth(&mut self, step: AuthStep, reply: Reply) {
        let login = self.options.login.clone();
        match (step, reply.code, login) {
            (AuthStep::Outcome, 235, _) => {
                self.signed_in = true;
                self.open();
            }
            (AuthStep::User, 334, Some(login)) => {
                let line = format!("{}\r\n", STANDARD.encode(&login.user));
                self.send(&line, Expected::Auth(AuthStep::Password));
            }
            (AuthStep::Password, 334, Some(login)) => {
                let line = format!("{}\r\n", STANDARD.encode(login.password.expose()));
                self.send(&line, Expected::Auth(AuthStep::Outcome));
            }
            _ => self.refused(Expected::Auth(step), reply),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
}

const fn mechanism(peer: &Capabilities) -> Option<Mechanism> {
    if peer.auth_plain {
        Some(Mechanism::Plain)
    } else if peer.auth_login {
        Some(Mechanism::Login)
    } else {
        None
    }
}

fn plain(login: &Login) -> String {
    STANDARD.encode(format!("\0{}\0{}", login.user, login.password.expose()))
}
