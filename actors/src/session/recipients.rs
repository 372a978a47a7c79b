//! Recipients against the directory: at RCPT, and grouped by destination domain at the end.

use std::sync::Arc;

use storage::model::{Domain, DomainId, ForwardPath, Mailbox, Recipient, VerifyMode};
use storage::spool::{Directory, NewDisposition, NewEntry, Resolution};

use super::intake::{Intake, Policy};
use crate::callout::Verified;
use crate::smtp::server::{RecipientQuery, RecipientVerdict};

/// Whether a recipient is ours (D6, IN9) and its destination takes what is announced (IN13, IN17).
/// Asks the destination where the domain wants that.
pub(super) async fn check(
    intake: &Intake,
    policy: &Policy,
    query: &RecipientQuery,
) -> RecipientVerdict {
    let directory = intake.spool().directory();
    let (domain, verdict) = match look_up(&directory, &query.path, &policy.hostname) {
        Found::Nobody(verdict) => return verdict,
        Found::Recipient(domain) => (domain, RecipientVerdict::Accepted),
        Found::AskFor(domain, mailbox) => {
            let callouts = &intake.destinations().callouts;
            let verified = callouts.verify(&domain, mailbox, policy.callouts).await;
            (domain, verdict_of(verified))
        }
    };
    if verdict != RecipientVerdict::Accepted {
        return verdict;
    }
    let abilities = intake.destinations().announced.of_domain(&domain);
    if query.needs_utf8 && !abilities.smtputf8 {
        return RecipientVerdict::NoUtf8;
    }
    match abilities.size_max.zip(query.size_bytes) {
        Some((limit, size_bytes)) if size_bytes > limit => RecipientVerdict::TooLarge { limit },
        _ => RecipientVerdict::Accepted,
    }
}

/// What the directory alone says.
enum Found<'q> {
    Nobody(RecipientVerdict),
    Recipient(Arc<Domain>),
    AskFor(Arc<Domain>, &'q Mailbox),
}

fn look_up<'q>(directory: &Directory, path: &'q ForwardPath, host: &str) -> Found<'q> {
    let mailbox = match path {
        ForwardPath::Mailbox(mailbox) => mailbox,
        ForwardPath::Postmaster => {
            return postmaster_domain(directory, host)
                .map_or(Found::Nobody(RecipientVerdict::Unknown), Found::Recipient);
        }
    };
    let resolution = directory.resolve(mailbox);
    let of = |domain| directory.domain(domain);
    let found = match resolution {
        Resolution::ForeignDomain => None,
        Resolution::Disabled { .. } => Some(Found::Nobody(RecipientVerdict::Disabled)),
        Resolution::Unknown { domain, verify } => match verify {
            VerifyMode::Directory => Some(Found::Nobody(RecipientVerdict::Unknown)),
            VerifyMode::Callout => of(domain).map(|domain| Found::AskFor(domain, mailbox)),
            VerifyMode::Accept => of(domain).map(Found::Recipient),
        },
        Resolution::Known { domain, .. } => of(domain).map(Found::Recipient),
    };
    // A domain may have been removed between the two look-ups.
    found.unwrap_or(Found::Nobody(RecipientVerdict::ForeignDomain))
}

const fn verdict_of(verified: Verified) -> RecipientVerdict {
    match verified {
        Verified::Exists => RecipientVerdict::Accepted,
        Verified::Unknown => RecipientVerdict::Unknown,
        Verified::Unanswered => RecipientVerdict::Unavailable,
    }
}

/// The recipients as queue entries, one per destination domain and disposition, in their order. None
/// when a domain has been removed since its recipient was accepted.
pub(super) fn entries(
    directory: &Directory,
    recipients: &[Recipient],
    host: &str,
    disposition: impl Fn(usize) -> NewDisposition,
) -> Option<Vec<NewEntry>> {
    let mut entries: Vec<NewEntry> = Vec::with_capacity(1);
    for (index, recipient) in recipients.iter().enumerate() {
        let domain = domain_of(directory, &recipient.path, host)?.id;
        let (recipient, disposition) = (recipient.clone(), disposition(index));
        let same =
            |entry: &&mut NewEntry| entry.domain == domain && entry.disposition == disposition;
        match entries.iter_mut().find(same) {
            Some(entry) => entry.recipients.push(recipient),
            None => entries.push(NewEntry {
                domain,
                recipients: vec![recipient],
                disposition,
            }),
        }
    }
    Some(entries)
}

/// The destination domains of recipients, each once: whose keys seal the body.
pub(super) fn domains(
    directory: &Directory,
    recipients: &[Recipient],
    host: &str,
) -> Vec<DomainId> {
    let mut domains = Vec::with_capacity(1);
    for recipient in recipients {
        if let Some(domain) = domain_of(directory, &recipient.path, host)
            && !domains.contains(&domain.id)
        {
            domains.push(domain.id);
        }
    }
    domains
}

fn domain_of(directory: &Directory, path: &ForwardPath, host: &str) -> Option<Arc<Domain>> {
    match path {
        ForwardPath::Mailbox(mailbox) => directory.domain_serving(mailbox.domain()),
        ForwardPath::Postmaster => postmaster_domain(directory, host),
    }
}

/// Who reads `<Postmaster>` without a domain (RFC 5321 §4.5.1): the protected domain that our own
/// name belongs to, otherwise the oldest one.
fn postmaster_domain(directory: &Directory, host: &str) -> Option<Arc<Domain>> {
    let domains = directory.domains();
    let ours = domains.iter().find(|domain| {
        let parent = host.strip_suffix(domain.name.as_str());
        parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    let oldest = || domains.iter().min_by_key(|domain| domain.id);
    ours.or_else(oldest).cloned()
}
