//! Where the link for a new password goes. It must not depend on what is down (D5): an address
//! outside the domain comes first, the mailbox itself only while its server takes mail, and else the
//! people who look after the domain (A8).

use actors::status::DestinationState;
use storage::model::Mailbox;

/// How somebody who cannot sign in is helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// A link goes to this address.
    Link(Mailbox),
    /// The domain's administrators are asked.
    Administrators,
}

/// The way for a mailbox with this recovery address, while its server is in this state.
pub(super) fn way(mailbox: &Mailbox, recovery: Option<&Mailbox>, server: DestinationState) -> Way {
    match recovery {
        Some(recovery) => Way::Link(recovery.clone()),
        None if takes_mail(server) => Way::Link(mailbox.clone()),
        None => Way::Administrators,
    }
}

/// A server that nothing has been sent to yet is taken for one that takes mail: whoever gets no link
/// asks again.
const fn takes_mail(server: DestinationState) -> bool {
    match server {
        DestinationState::Unknown
        | DestinationState::Healthy
        | DestinationState::Degraded
        | DestinationState::Suspect => true,
        DestinationState::Down
        | DestinationState::Canary
        | DestinationState::Ramp
        | DestinationState::Policy
        | DestinationState::Held
        | DestinationState::Faulty => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a8_the_way_by_table() {
        let mailbox: Mailbox = "alice@example.org".parse().unwrap();
        let home: Mailbox = "alice@home.example".parse().unwrap();
        let (to_mailbox, to_home) = (Way::Link(mailbox.clone()), Way::Link(home.clone()));
        for (recovery, server, expected) in [
            (Some(&home), DestinationState::Healthy, &to_home),
            (Some(&home), DestinationState::Down, &to_home),
            (None, DestinationState::Healthy, &to_mailbox),
            (None, DestinationState::Unknown, &to_mailbox),
            (None, DestinationState::Down, &Way::Administrators),
            (None, DestinationState::Held, &Way::Administrators),
            (None, DestinationState::Ramp, &Way::Administrators),
        ] {
            assert_eq!(way(&mailbox, recovery, server), *expected, "{server:?}");
        }
    }
}
