//! Mail that arrives for a mailbox with continuity, as intake hands it over.

use actors::continuity::summarize;
use bytes::Bytes;
use storage::model::{
    BodyKind, ClientFacts, Envelope, Folder, ForwardPath, Line, LineId, Mailbox, Recipient,
    ReversePath, Scope,
};
use storage::spool::{
    ContinuityWish, List, NewCopies, NewCopy, NewDisposition, NewEntry, NewMessage, Toward,
};

use crate::site::{Site, audit};

impl Site {
    /// A site whose domain `example.org` has continuity.
    pub(crate) async fn with_continuity() -> Self {
        let site = Self::new().await;
        let wish = ContinuityWish::On { retention_days: 30 };
        let name = "example.org".parse().unwrap();
        let set = site.spool.set_continuity(&name, wish, audit());
        set.await.unwrap();
        site
    }

    /// Takes in a message for one address of `example.org`.
    pub(crate) async fn arrives(&self, to: &str, raw: &str) -> LineId {
        let address: Mailbox = to.parse().unwrap();
        let domain = self.domain("example.org").id;
        let id = self.spool.next_id();
        let mut body = self.spool.begin_body_for(id, &[domain]).unwrap();
        body.write(Bytes::from(raw.to_owned())).await.unwrap();
        let recipients = vec![Recipient::new(ForwardPath::Mailbox(address.clone()))];
        let owner = if to.starts_with("info") {
            "alice"
        } else {
            address.local_part()
        };
        let (summary, text) = summarize(raw.as_bytes());
        let scope = Scope::new(domain, owner);
        let message = NewMessage {
            id,
            accepted_at: self.spool.clock().now(),
            envelope: Envelope {
                reverse_path: ReversePath::Mailbox("ann@far.example".parse().unwrap()),
                recipients: recipients.clone(),
                body: BodyKind::SevenBit,
                smtputf8: false,
                dsn_return: None,
                envelope_id: None,
                client: ClientFacts {
                    ip: "192.0.2.9".parse().unwrap(),
                    helo: "far.example".to_owned(),
                    reverse_name: None,
                    tls_version: None,
                    tls_cipher: None,
                    authenticated_sender: false,
                },
                authentication: None,
            },
            body: body.finish().await.unwrap(),
            entries: vec![NewEntry {
                domain,
                recipients,
                disposition: NewDisposition::Queue,
            }],
            bulk: false,
            copies: Some(NewCopies {
                summary,
                text,
                to: vec![NewCopy {
                    scope,
                    folder: Folder::Inbox,
                    came_to: to.to_owned(),
                }],
            }),
        };
        self.spool.accept(message).await.unwrap();
        let lines = self.lines(owner, Folder::Inbox).await;
        let line = lines.iter().find(|line| line.id.message == id);
        line.unwrap().id
    }

    /// Takes in a plain message with this subject.
    pub(crate) async fn arrives_plain(&self, to: &str, subject: &str) -> LineId {
        let raw = format!(
            "From: Ann Far <ann@far.example>\r\nTo: {to}\r\nSubject: {subject}\r\n\
             Message-ID: <{subject}@far.example>\r\nDate: Tue, 22 Sep 2026 10:00:00 +0000\r\n\r\n\
             The text of {subject}.\r\n"
        );
        self.arrives(to, &raw).await
    }

    /// What lies in a folder, newest first.
    pub(crate) async fn lines(&self, owner: &str, folder: Folder) -> Vec<Line> {
        let scope = Scope::new(self.domain("example.org").id, owner);
        let list = List::Folder(folder);
        let page = self.spool.list(&scope, list, Toward::Newest, 1_000).await;
        page.unwrap().lines
    }
}
