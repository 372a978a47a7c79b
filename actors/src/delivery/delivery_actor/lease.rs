//! Leases: a permit and a message go out, what became of the message comes back.

use ractor::{ActorProcessingErr, ActorRef};
use storage::model::{RecipientState, Sequence};
use storage::spool::Settled;

use super::super::governor::Pick;
use super::super::host_governor::GovernorMessage;
use super::super::turn::{Grant, LeaseEnd, Work};
use super::{DeliveryMessage, DeliveryState};

impl DeliveryState {
    pub(super) async fn granted(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
        grant: Grant,
    ) -> Result<(), ActorProcessingErr> {
        let Grant {
            permit,
            pick,
            proving,
            slot,
        } = grant;
        self.announced = self
            .announced
            .map(|(ready, canary)| (ready.saturating_sub(1), canary));
        let Some(governor) = self.governor.clone() else {
            return Ok(());
        };
        let Some(work) = self.next_work(myself, pick, proving).await? else {
            // The slot goes, and its connection gives the permit back.
            return Ok(());
        };
        let now = self.now();
        let sequence = work.entry.sequence;
        let _ = governor.send_message(GovernorMessage::Picked {
            permit,
            sequence,
            size_bytes: work.entry.size_bytes,
        });
        match slot.send(work) {
            Ok(()) => {
                self.breaker.on_sent(now);
                self.governors_of_leases.insert(sequence, governor.get_id());
            }
            Err(work) => {
                self.window.end_lease(sequence);
                self.window.put_back(work.entry, now);
                let _ = governor.send_message(GovernorMessage::SlotGone { permit });
            }
        }
        Ok(())
    }

    async fn next_work(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
        pick: Pick,
        proving: bool,
    ) -> Result<Option<Work>, ActorProcessingErr> {
        if self.draining || self.is_held() {
            return Ok(None);
        }
        // The grant itself says that the destination is there.
        self.fill().await?;
        let now = self.now();
        while let Some(entry) = self.window.lease(pick, now) {
            let due =
                |(index, state): (usize, &RecipientState)| (state.due_at <= now).then_some(index);
            let recipients: Vec<usize> = entry.open_recipients().filter_map(due).collect();
            if !recipients.is_empty() {
                return Ok(Some(Work {
                    entry,
                    recipients,
                    proving,
                    delivery: myself.clone(),
                    reporter: self.reporter.clone(),
                }));
            }
            self.window.end_lease(entry.sequence);
        }
        Ok(None)
    }

    pub(super) fn end_lease(&mut self, sequence: Sequence) -> bool {
        self.governors_of_leases.remove(&sequence);
        self.window.end_lease(sequence)
    }

    pub(super) async fn lease_ended(
        &mut self,
        sequence: Sequence,
        end: LeaseEnd,
    ) -> Result<(), ActorProcessingErr> {
        self.busy_at = self.clock().monotonic();
        if !self.end_lease(sequence) {
            return Ok(());
        }
        match end {
            LeaseEnd::PutBack { entry } => self.put_back(*entry),
            LeaseEnd::Recorded {
                settled,
                delivered,
                judged,
                broke,
            } => {
                if !broke {
                    self.window.answered(sequence);
                }
                self.crashes.remove(&sequence);
                if !judged {
                    self.note_delivery();
                }
                self.delivered(delivered);
                if let Settled::Open(entry) = settled {
                    self.still_open(*entry);
                }
            }
        }
        if self.intents_wait {
            self.carry_out_intents().await?;
        }
        if self.may_send() {
            self.fill().await?;
        }
        Ok(())
    }

    fn delivered(&mut self, recipients: u32) {
        if recipients > 0 {
            let now = self.clock().monotonic();
            self.speed.add(recipients, now);
            self.last_delivered_at = Some(now);
        }
    }
}
