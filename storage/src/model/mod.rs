//! The vocabulary: every noun here is a record that must survive.
//!
//! Names follow RFC 5321, RFC 5598, RFC 3464 and RFC 3463. The types carry no I/O and no policy;
//! `codec` turns them into rows, `spool` keeps them.

pub mod account;
pub mod address;
pub mod administrator;
pub mod aside;
pub mod audit;
pub mod authentication;
pub mod callout;
pub mod continuity;
pub mod credentials;
pub mod destination;
pub mod disposition;
pub mod dkim;
pub mod domain;
pub mod envelope;
pub mod id;
pub mod intent;
pub mod log;
pub mod message;
pub mod month;
pub mod outbox;
pub mod passkey;
pub mod preferences;
pub mod sender_rule;
pub mod session;
pub mod time;
mod tlsa;
pub mod token;
pub mod view;

pub use account::{Alias, AliasTarget, MailboxAccount};
pub use address::{AddressError, DomainName, ForwardPath, Mailbox, ReversePath};
pub use administrator::{Administrator, Grant, Role};
pub use aside::{AsideEntry, AsideKind};
pub use audit::{Actor, AuditRow};
pub use authentication::{
    ArcRecord, AuthResult, Authentication, DkimRecord, DmarcPolicy, DmarcRecord, SpfRecord,
};
pub use callout::CalloutAnswer;
pub use continuity::{Continuity, ContinuityGap};
pub use credentials::{AccountId, Credentials, Password, SecretDigest, Totp};
pub use destination::{Destination, Fingerprint, HostLimits, HostRole, Login, Secret, TlsPolicy};
pub use disposition::{Counters, Disposition, EnhancedStatus, StoredReply};
pub use dkim::DkimKey;
pub use domain::{Domain, DomainAlias, Hold, VerifyMode};
pub use envelope::{BodyKind, ClientFacts, DsnNotify, DsnReturn, Envelope, Recipient};
pub use id::{Companion, DomainId, IdGenerator, MessageId, Sequence};
pub use intent::{Intent, IntentAction, IntentId};
pub use log::{AcceptedEvent, LogEvent, LogRow, RecipientChange, RecipientEvent};
pub use message::{BodyPlace, MessageRow, QueueEntry, RecipientState};
pub use month::{Month, MonthCount};
pub use outbox::OutboxEntry;
pub use passkey::{PASSKEYS_MAX, Passkey, PasskeyKey, Passkeys, UserHandle};
pub use preferences::{MarkRead, Preferences};
pub use sender_rule::{IpNetwork, RuleAction, RuleError, RuleSubject, SenderRule};
pub use session::{Session, SessionKind};
pub use time::{Clock, SystemClock, Timestamp, TokioClock};
pub use tlsa::{Tlsa, TlsaMatching, TlsaSelector};
pub use token::{ApiToken, OneTimeToken, TokenPurpose};
pub use view::{
    Correspondent, Flags, Folder, FolderCount, InvalidLineId, Line, LineId, Scope, Summary,
    ViewCounts,
};
