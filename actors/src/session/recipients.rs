//! Recipients against the directory: at RCPT, and grouped by destination domain at the end.

use std::sync::Arc;

use storage::model::{Domain, DomainId, ForwardPath, Recipient, VerifyMode};
use storage::spool::{Directory, NewDisposition, NewEntry, Resolution};

use crate::smtp::server::RecipientVerdict;

/// Whether a recipient is ours (D6, IN9).
pub(super) fn check(directory: &Directory, path: &ForwardPath, host: &str) -> RecipientVerdict {
    let mailbox = match path {
        ForwardPath::Mailbox(mailbox) => mailbox,
        ForwardPath::Postmaster if postmaster_domain(directory, host).is_some() => {
            return RecipientVerdict::Accepted;
        }
        ForwardPath::Postmaster => return RecipientVerdict::Unknown,
    };
    match directory.resolve(mailbox) {
        Resolution::ForeignDomain => RecipientVerdict::ForeignDomain,
        Resolution::Known { .. } => RecipientVerdict::Accepted,
        Resolution::Disabled { .. } => RecipientVerdict::Disabled,
        Resolution::Unknown {
            verify: VerifyMode::Directory,
            ..
        } => RecipientVerdict::Unknown,
        // Without anybody to ask, what is not known to be wrong is taken.
        Resolution::Unknown { .. } => RecipientVerdict::Accepted,
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
        ForwardPath::Mailbox(mailbox) => directory.domain_by_name(mailbox.domain()),
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
