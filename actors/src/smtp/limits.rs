//! Bounds of the SMTP protocol as we speak it, each with the section or the reason it comes from.

use std::time::Duration;

/// Octets in a command line, its CRLF included. RFC 5321 §4.5.3.1.4 asks for 512 and each extension
/// for a little more; the DSN parameters alone may need 1,000.
pub const COMMAND_LINE_MAX: usize = 2048;
/// Octets in a line of a reply that we send, its CRLF included (RFC 5321 §4.5.3.1.5).
pub const REPLY_LINE_MAX: usize = 512;
/// Octets in a line of a reply that we read: destinations are wordier than the standard.
pub const PEER_REPLY_LINE_MAX: usize = 2048;
/// Lines in one reply that we read: an EHLO answer has about twenty, an endless reply has more.
pub const PEER_REPLY_LINES_MAX: usize = 100;

/// Recipients of one transaction; the next one is answered 452 4.5.3 (RFC 5321 §4.5.3.1.10 asks for
/// at least 100).
pub const RECIPIENTS_MAX: usize = 1_000;
/// Transactions on one connection; the next MAIL is answered 421, so that a peer spreads its load.
pub const MESSAGES_PER_CONNECTION_MAX: u32 = 100;
/// Errors on one connection, after which it is closed with 421.
pub const ERRORS_MAX: u32 = 20;
/// The same while the node is short of connections (delivery.md B11).
pub const ERRORS_MAX_STRESS: u32 = 1;
/// NOOP, RSET, HELP and EHLO on one connection without a message between them, at most.
pub const IDLE_COMMANDS_MAX: u32 = 100;
/// Recipients that do not exist on one connection, after which it is closed with 421 (Q32).
pub const UNKNOWN_RECIPIENTS_MAX: u32 = 10;
/// Recipients that do not exist which one client may try at once, all its connections together.
pub const UNKNOWN_RECIPIENTS_BURST: u32 = 10;
/// Behind them, one more in this time: a thousand guesses take a quarter of an hour (Q32).
pub const UNKNOWN_RECIPIENT_INTERVAL: Duration = Duration::from_secs(1);
/// How long the answer to one that does not exist is held back, at most; a client that owes more is
/// sent away with 421.
pub const UNKNOWN_RECIPIENT_DELAY_MAX: Duration = Duration::from_secs(20);
/// Time for the PROXY header on a listener that demands one (IN28).
pub const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Octets of a message that a sender has to bring in [`IDLE_TIMEOUT_STRESS`] while the node is short
/// of connections.
pub const STRESS_PROGRESS_MIN: u64 = 5_000;
/// Octets of a message, by default: 50 MiB (RFC 1870 SIZE).
pub const MESSAGE_SIZE_MAX: u64 = 50 * 1024 * 1024;
/// Octets of a message's header section.
pub const HEADER_SECTION_MAX: usize = 256 * 1024;
/// `Received` fields of a message that is not yet called a loop (RFC 5321 §6.3).
pub const RECEIVED_FIELDS_MAX: u32 = 100;
/// Times our own name may have stamped a message before: the third time it is a loop.
pub const OWN_STAMPS_MAX: u32 = 2;
/// Octets of the body that are collected before they are handed on.
pub const BODY_CHUNK: usize = 64 * 1024;

/// Silence after which a session is ended with 421 (RFC 5321 §4.5.3.2.7).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// The same while the node is short of connections.
pub const IDLE_TIMEOUT_STRESS: Duration = Duration::from_secs(10);
/// How long a peer may betray itself by speaking before it was greeted: what it sent along with its
/// handshake is there by then.
pub const GREETING_PAUSE: Duration = Duration::from_millis(5);
/// How long a client that has had a message accepted is greeted without that pause.
pub const ACQUAINTED_FOR: Duration = Duration::from_secs(3600);
/// Clients that are remembered for that.
pub const ACQUAINTED_MAX: usize = 16_384;
/// Time for a peer to take a flight of replies.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long transactions may go on when the node stops.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);
/// Time for a TLS handshake, on either side.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Connecting to a configured host, per address.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Waiting for the greeting of a configured host (RFC 5321 §4.5.3.2.1 allows 5 minutes to strangers).
pub const BANNER_TIMEOUT: Duration = Duration::from_secs(30);
/// To the greeting that a probe waits for.
pub const PROBE_BANNER_TIMEOUT: Duration = Duration::from_secs(10);
/// EHLO, HELO, STARTTLS, MAIL, RCPT and RSET (RFC 5321 §4.5.3.2.2 and §4.5.3.2.3).
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(300);
/// The answer to DATA (RFC 5321 §4.5.3.2.4).
pub const DATA_TIMEOUT: Duration = Duration::from_secs(120);
/// Each block of the body (RFC 5321 §4.5.3.2.5).
pub const DATA_BLOCK_TIMEOUT: Duration = Duration::from_secs(180);
/// The answer to the final dot (RFC 5321 §4.5.3.2.6): giving up early makes second copies (RFC 1047).
pub const FINAL_REPLY_TIMEOUT: Duration = Duration::from_secs(600);
/// The answer to QUIT; nobody waits for it longer.
pub const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bodies up to this size travel in one flight with MAIL and RCPT when the peer has CHUNKING and
/// PIPELINING; larger ones wait until a recipient was accepted.
pub const BDAT_FLIGHT_MAX: u64 = 64 * 1024;
