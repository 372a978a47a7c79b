//! Bounds of the store, with their reasons.

use std::time::Duration;

/// A body up to this size stays in memory until it is committed with its message: one write, one
/// sync. In bytes.
pub const BODY_INLINE_MAX: usize = 256 * 1024;

/// Data in one stored chunk of a body, in bytes: bounds the memory of a large body on its way in
/// and out.
pub const BODY_CHUNK_BYTES: usize = BODY_INLINE_MAX;

/// A stored chunk with its header, in bytes, at most: what is longer in a file is no chunk of ours.
pub const BODY_STORED_CHUNK_MAX: usize = 2 * BODY_CHUNK_BYTES;

/// A body of which more is in memory takes part in [`BODY_MEMORY_IN`], in bytes.
pub const BODY_MEMORY_FREE: usize = 16 * 1024;

/// Bytes of bodies in memory on their way in, all sessions together: beyond that a body goes to the
/// disk in pieces smaller than a chunk.
pub const BODY_MEMORY_IN: usize = 48 * 1024 * 1024;

/// Bytes of bodies in memory on their way out, all connections together.
pub const BODY_MEMORY_OUT: usize = 32 * 1024 * 1024;

/// Large bodies written to the disk or read from it at one time, each by a thread.
pub const BODY_WRITERS_MAX: usize = 16;

/// Bytes of files that wait to be used again for the next large bodies; none wait while mail is
/// refused for want of space.
pub const BODY_FILES_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// A file of a body that is larger does not wait to be used again, in bytes.
pub const BODY_FILE_KEPT_MAX: u64 = 8 * 1024 * 1024;

/// Bytes given to the engine and not yet on the disk; beyond that commits wait for room.
pub const COMMIT_BYTES_ON_THE_WAY_MAX: usize = 32 * 1024 * 1024;

/// How long entries that are set aside are kept for an administrator; damaged ones stay.
pub const ASIDE_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Days for which the life of messages can be looked up, after the day itself.
pub const LOG_KEPT_DAYS: u32 = 30;

/// Events of one message that are shown, at most.
pub const LOG_ROWS_MAX: usize = 10_000;

/// Events that one page of a search looks at, at most.
pub const LOG_SCAN_ROWS_MAX: usize = 20_000;

/// Rows in one page, at most; larger wishes are cut.
pub const PAGE_ROWS_MAX: usize = 10_000;

/// Browsers that can be signed in to one account at a time; a further one ends the session that was
/// unused for longest.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 50;

/// Mailboxes in one import: it is one atomic commit.
pub const IMPORT_ROWS_MAX: usize = 100_000;

/// Hints that a slow listener may fall behind before it has to look for itself.
pub const HINTS_WAITING_MAX: usize = 4_096;

/// Message size limit when nothing else is configured, in bytes (RFC 1870).
pub const MESSAGE_SIZE_DEFAULT: u64 = 50 * 1024 * 1024;

/// Recipients of one entry, at most: their number is stored in sixteen bits. Sessions allow far
/// fewer (RFC 5321 §4.5.3.1.8 asks for at least 100).
pub const RECIPIENTS_MAX: usize = 65_535;

/// Continuity copies of one message, at most: every recipient's, and the sender's own.
pub const COPIES_MAX: usize = RECIPIENTS_MAX + 1;

/// Messages in one page of a mailbox's list.
pub const LIST_PAGE_MAX: usize = 200;

/// Rows read for one page of a filtered list: beyond that the page ends early and says where to go
/// on.
pub const LIST_ROWS_READ_MAX: usize = 5_000;

/// Messages changed by one commit on behalf of a reader.
pub const CHANGED_LINES_MAX: usize = 1_000;

/// Messages that one change of a selection covers; it can be taken back as a whole.
pub const SELECTION_MAX: usize = 10_000;

/// How long a change of a selection can be taken back.
pub const UNDO_KEPT: Duration = Duration::from_secs(3_600);

/// Names of a conversation followed from one message, at most: bounds what a forged chain of
/// references can cost.
pub const THREAD_NAMES_MAX: usize = 64;

/// Messages of one conversation that are shown together.
pub const THREAD_LINES_MAX: usize = 200;

/// Bytes of a message's text that are kept for search, folded to lower case.
pub const SEARCH_TEXT_MAX: usize = 1_000;

/// Words and conditions of one search.
pub const SEARCH_TERMS_MAX: usize = 16;

/// Largest draft, in bytes, attachments included.
pub const DRAFT_BYTES_MAX: usize = 35 * 1024 * 1024;

/// Messages of one mailbox that wait in the outbox.
pub const OUTBOX_MAX: usize = 100;

/// Recipients that one mailbox may write to in a day, and all mailboxes of a domain together: what a
/// stolen password is worth to a spammer.
pub const SENT_RECIPIENTS_MAX: u32 = 500;

/// See [`SENT_RECIPIENTS_MAX`].
pub const SENT_RECIPIENTS_OF_DOMAIN_MAX: u32 = 10_000;

/// Drafts of one mailbox.
pub const DRAFTS_MAX: usize = 200;
