//! One connection at the peer: it keeps to the script, and to SMTP where the script says nothing.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::peer::{Shared, Taken};
use super::script::{Act, At};

enum Wire {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
    Gone,
}

/// The connection.
pub(crate) struct Session {
    shared: Arc<Shared>,
    wire: Wire,
    number: usize,
    unread: Vec<u8>,
    /// The reverse path that was accepted.
    mail: Option<String>,
    recipients: Vec<String>,
    chunks: Vec<u8>,
    messages: u32,
}

/// The script wants the connection to end.
fn over() -> Error {
    ErrorKind::ConnectionAborted.into()
}

impl Session {
    pub(crate) fn new(stream: TcpStream, number: usize, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            shared,
            wire: Wire::Clear(stream),
            number,
            unread: Vec::new(),
            mail: None,
            recipients: Vec::new(),
            chunks: Vec::new(),
            messages: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut crashes = self.shared.crashes.subscribe();
        tokio::select! {
            // An error is the end of the connection, by either side.
            _ = self.speak() => {}
            _ = crashes.changed() => self.reset(),
        }
        let shared = Arc::clone(&self.shared);
        let number = self.number;
        drop(self);
        let mut ledger = shared.ledger();
        ledger.open -= 1;
        ledger.heard[number].push("$".to_owned());
        shared.activity.note();
    }

    async fn speak(&mut self) -> Result<()> {
        self.answer(At::Banner, "", "220 mail.example.org ESMTP")
            .await?;
        loop {
            let line = self.line().await?;
            self.shared.ledger().heard[self.number].push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.ehlo().await?,
                "HELO" => self.plain(At::Helo, "250 mail.example.org").await?,
                "STARTTLS" => self.starttls().await?,
                "AUTH" => self.auth(&line).await?,
                "XFORWARD" => self.plain(At::Xforward, "250 2.0.0 ok").await?,
                "MAIL" => {
                    self.recipients.clear();
                    let code = self.answer(At::Mail, self.again(), "250 2.1.0 ok").await?;
                    self.mail = (code == '2').then(|| between(&line));
                }
                "RCPT" if self.mail.is_none() => self.say("503 5.5.1 MAIL first").await?,
                "RCPT" => {
                    let recipient = between(&line);
                    let code = self.answer(At::Rcpt, &recipient, "250 2.1.5 ok").await?;
                    if code == '2' {
                        self.recipients.push(recipient);
                    }
                }
                "DATA" => self.data().await?,
                "BDAT" => self.bdat(&line).await?,
                "RSET" => self.plain(At::Rset, "250 2.0.0 ok").await?,
                "QUIT" => {
                    self.plain(At::Quit, "221 2.0.0 bye").await?;
                    return Ok(());
                }
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    async fn ehlo(&mut self) -> Result<()> {
        let script = self.shared.script();
        let mut offers = script.offers.clone();
        if matches!(self.wire, Wire::Encrypted(_)) {
            offers.retain(|offer| *offer != "STARTTLS");
        }
        let mut reply = String::new();
        let last = offers.len();
        for (place, line) in ["mail.example.org"].into_iter().chain(offers).enumerate() {
            let mark = if place == last { ' ' } else { '-' };
            let end = if place == last { "" } else { "\r\n" };
            reply.push_str(&format!("250{mark}{line}{end}"));
        }
        self.plain(At::Ehlo, &reply).await
    }

    async fn starttls(&mut self) -> Result<()> {
        let code = self.answer(At::StartTls, "", "220 2.0.0 go ahead").await?;
        if code != '2' {
            return Ok(());
        }
        if let Some(act) = self.shared.script().act(At::Handshake, "") {
            self.perform(act).await?;
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.shared.tls));
        if let Wire::Clear(stream) = std::mem::replace(&mut self.wire, Wire::Gone) {
            self.wire = Wire::Encrypted(Box::new(acceptor.accept(stream).await?));
            self.shared.ledger().heard[self.number].push("*".to_owned());
            self.shared.activity.note();
        }
        Ok(())
    }

    async fn auth(&mut self, line: &str) -> Result<()> {
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.say(prompt).await?;
                let said = self.line().await?;
                self.shared.ledger().heard[self.number].push(said);
            }
        }
        self.plain(At::Auth, "235 2.7.0 welcome").await
    }

    async fn data(&mut self) -> Result<()> {
        let scripted = self.shared.script().act(At::Data, "").is_some();
        if self.recipients.is_empty() && !scripted {
            return self.say("554 5.5.1 no valid recipients").await;
        }
        let code = self.answer(At::Data, "", "354 go ahead").await?;
        if code != '3' {
            return Ok(());
        }
        let mut message = Vec::new();
        loop {
            let mut line = self.line().await?;
            if let Some(act) = self.shared.script().act(At::Body, "") {
                self.perform(act).await?;
                // Whatever comes now is swallowed.
                self.perform(Act::Silence).await?;
            }
            if line == "." {
                break;
            }
            if line.starts_with('.') {
                line.remove(0);
            }
            message.extend_from_slice(line.as_bytes());
            message.extend_from_slice(b"\r\n");
        }
        self.end(message).await
    }

    async fn bdat(&mut self, line: &str) -> Result<()> {
        let mut words = line.split(' ').skip(1);
        let octets: usize = words.next().and_then(|word| word.parse().ok()).unwrap();
        // A server that does not know BDAT takes what follows it for commands.
        let known = self.shared.script().offers.contains(&"CHUNKING");
        if let Some(act) = self.shared.script().act(At::Bdat, "") {
            self.perform(act).await?;
            if matches!(act, Act::Say(_)) {
                return Ok(());
            }
        }
        assert!(known, "BDAT was not offered");
        while self.unread.len() < octets {
            self.fill().await?;
        }
        self.chunks.extend(self.unread.drain(..octets));
        if words.next() != Some("LAST") {
            return self.say("250 2.0.0 more").await;
        }
        let message = std::mem::take(&mut self.chunks);
        self.end(message).await
    }

    /// The message is complete: it is kept unless it is refused, so a lost answer hides a delivery.
    async fn end(&mut self, message: Vec<u8>) -> Result<()> {
        let act = self.shared.script().act(At::End, self.again());
        let refused = match act {
            Some(Act::Say(reply) | Act::SayAndClose(reply) | Act::SayAndReset(reply)) => {
                !reply.starts_with('2')
            }
            _ => self.recipients.is_empty(),
        };
        let recipients = std::mem::take(&mut self.recipients);
        if !refused {
            self.shared.ledger().taken.push(Taken {
                mail: self.mail.take().unwrap_or_default(),
                recipients,
                message,
                connection: self.number,
                encrypted: matches!(self.wire, Wire::Encrypted(_)),
            });
        }
        self.plain(At::End, "250 2.0.0 taken").await?;
        self.messages += 1;
        match self.shared.script().act(At::Idle, "") {
            Some(act) => self.perform(act).await,
            None => Ok(()),
        }
    }

    const fn again(&self) -> &'static str {
        if self.messages > 0 { "again" } else { "" }
    }

    async fn plain(&mut self, at: At, polite: &str) -> Result<()> {
        let which = self.again();
        self.answer(at, which, polite).await.map(drop)
    }

    /// Answers as the script wants, or politely; the first digit of what was said.
    async fn answer(&mut self, at: At, which: &str, polite: &str) -> Result<char> {
        let act = self.shared.script().act(at, which);
        let said = match act {
            None => {
                self.say(polite).await?;
                polite
            }
            Some(act) => {
                self.perform(act).await?;
                match act {
                    Act::Say(reply) | Act::Drip(reply) => reply,
                    _ => "5",
                }
            }
        };
        Ok(said.chars().next().unwrap_or('5'))
    }

    async fn perform(&mut self, act: Act) -> Result<()> {
        match act {
            Act::Say(reply) => return self.say(reply).await,
            Act::SayAndClose(reply) => self.say(reply).await?,
            Act::SayAndReset(reply) => {
                self.say(reply).await?;
                self.reset();
            }
            // Whoever gives up on us ends the wait.
            Act::Silence => loop {
                self.fill().await?;
            },
            Act::Close => {}
            Act::Reset => self.reset(),
            Act::Drip(reply) => {
                for octet in reply.bytes().chain(*b"\r\n") {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    self.write(&[octet]).await?;
                }
                return Ok(());
            }
            Act::EndlessLine => loop {
                self.write(&[b'2'; 1024]).await?;
            },
            Act::EndlessLines => loop {
                self.write(b"250-and more\r\n").await?;
            },
            Act::Garbage => self.write(b"\x00\xff no such protocol \r\n\r\n").await?,
        }
        Err(over())
    }

    async fn say(&mut self, reply: &str) -> Result<()> {
        self.write(format!("{reply}\r\n").as_bytes()).await?;
        if reply.starts_with("421") {
            return Err(over());
        }
        Ok(())
    }

    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.shared.activity.note();
        match &mut self.wire {
            Wire::Clear(stream) => stream.write_all(octets).await,
            Wire::Encrypted(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
            Wire::Gone => Err(over()),
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        let read = match &mut self.wire {
            Wire::Clear(stream) => stream.read_buf(&mut self.unread).await?,
            Wire::Encrypted(stream) => stream.read_buf(&mut self.unread).await?,
            Wire::Gone => 0,
        };
        self.shared.activity.note();
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn reset(&mut self) {
        match std::mem::replace(&mut self.wire, Wire::Gone) {
            Wire::Clear(stream) => stream.set_zero_linger().unwrap(),
            Wire::Encrypted(stream) => stream.get_ref().0.set_zero_linger().unwrap(),
            Wire::Gone => {}
        }
    }
}

fn between(line: &str) -> String {
    let rest = line.split_once('<').map_or("", |(_, rest)| rest);
    rest.split_once('>')
        .map_or(rest, |(path, _)| path)
        .to_owned()
}
