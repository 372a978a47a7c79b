//! What a destination does wrong, and when: faults by phase of the dialogue.
//!
//! A script is a list of [`Fault`]s. The first one that matches the phase (and the recipient, when
//! it names one) is carried out and its count falls by one; a fault without a count stays.

/// A moment in the dialogue at which a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// In place of the 220 (RFC 5321 §3.1).
    Greeting,
    /// In answer to EHLO or HELO.
    Hello,
    /// In answer to MAIL.
    Mail,
    /// In answer to RCPT.
    Recipient,
    /// In answer to DATA.
    Data,
    /// In answer to the end of the content.
    EndOfData,
}

/// What happens instead of the ordinary answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This reply, without its final CRLF; a 421 also ends the connection.
    Reply(String),
    /// The connection is reset.
    Reset,
    /// Nothing more is said; the connection stays open until the peer gives up.
    Silence,
    /// Only at [`Phase::EndOfData`]: the message is taken and noted as delivered, then the
    /// connection is reset before the reply (RFC 1047).
    LoseReply,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub phase: Phase,
    /// Only for this recipient (`local@domain`, compared without case); only meaningful at
    /// [`Phase::Recipient`].
    pub recipient: Option<String>,
    /// What.
    pub action: Action,
    /// How many times more; `None` is for ever.
    pub times: Option<u32>,
}

impl Fault {
    /// `action` at `phase`, for ever.
    #[must_use]
    pub const fn always(phase: Phase, action: Action) -> Self {
        Self {
            phase,
            recipient: None,
            action,
            times: None,
        }
    }

    /// `action` at `phase`, the next `times` times.
    #[must_use]
    pub const fn times(phase: Phase, action: Action, times: u32) -> Self {
        Self {
            phase,
            recipient: None,
            action,
            times: Some(times),
        }
    }

    /// This reply to RCPT for `recipient`, for ever.
    #[must_use]
    pub fn recipient(recipient: &str, reply: &str) -> Self {
        Self {
            phase: Phase::Recipient,
            recipient: Some(recipient.to_owned()),
            action: Action::Reply(reply.to_owned()),
            times: None,
        }
    }

    fn matches(&self, phase: Phase, recipient: Option<&str>) -> bool {
        let recipient_fits = match (&self.recipient, recipient) {
            (None, _) => true,
            (Some(wanted), Some(given)) => wanted.eq_ignore_ascii_case(given),
            (Some(_), None) => false,
        };
        self.phase == phase && self.times != Some(0) && recipient_fits
    }
}

/// The faults in force.
#[derive(Debug, Clone, Default)]
pub struct Script {
    faults: Vec<Fault>,
}

impl Script {
    /// Replaces all faults.
    pub fn set(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    /// The action due at this point, and uses it up.
    pub fn take(&mut self, phase: Phase, recipient: Option<&str>) -> Option<Action> {
        let fault = self
            .faults
            .iter_mut()
            .find(|fault| fault.matches(phase, recipient))?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        Some(fault.action.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_is_used_up_and_the_next_one_follows() {
        let mut script = Script::default();
        script.set(vec![
            Fault::times(Phase::Mail, Action::Reset, 2),
            Fault::always(Phase::Mail, Action::Silence),
        ]);
        assert_eq!(script.take(Phase::Mail, None), Some(Action::Reset));
        assert_eq!(script.take(Phase::Greeting, None), None);
        assert_eq!(script.take(Phase::Mail, None), Some(Action::Reset));
        assert_eq!(script.take(Phase::Mail, None), Some(Action::Silence));
        assert_eq!(script.take(Phase::Mail, None), Some(Action::Silence));
    }

    #[test]
    fn a_fault_for_one_recipient_leaves_the_others_alone() {
        let mut script = Script::default();
        script.set(vec![Fault::recipient("bob@a.example", "550 5.1.1 no bob")]);
        let bob = script.take(Phase::Recipient, Some("Bob@A.example"));
        assert_eq!(bob, Some(Action::Reply("550 5.1.1 no bob".to_owned())));
        assert_eq!(script.take(Phase::Recipient, Some("eve@a.example")), None);
    }
}
