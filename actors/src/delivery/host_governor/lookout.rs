//! Looking out for hosts that are down: their addresses are looked up now and then, a change of them
//! is a sign, and so is any connection from or to them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{ActorCell, ActorRef};

use super::super::governor::EndpointId;
use super::super::signs_of_life::Lookout;
use super::{GovernorMessage, GovernorState};
use crate::dns::{Resolver, literal};
use crate::supervision::{ServiceError, Stopping, spawn_service};

/// How often the addresses of hosts that are down are looked up.
const LOOK_UP_EVERY: Duration = Duration::from_secs(30);

/// A service that looks out, and for which hosts.
#[derive(Debug)]
pub(super) struct LookingOut {
    hosts: Vec<EndpointId>,
    pub(super) service: ActorCell,
}

impl GovernorState {
    /// Looks out for exactly the hosts that are down now.
    pub(super) async fn look_out(&mut self, myself: &ActorRef<GovernorMessage>) {
        let down = self.machine.endpoints_down();
        let current = self.looking_out.as_ref().map(|one| one.hosts.as_slice());
        if current.unwrap_or_default() == down {
            return;
        }
        if let Some(old) = self.looking_out.take() {
            old.service.stop(None);
        }
        if down.is_empty() {
            return;
        }
        let hosts = down.iter().filter_map(|one| self.route.endpoint(one.0));
        let watch = Watch {
            hosts: hosts.map(|host| host.host.clone()).collect(),
            known: BTreeMap::new(),
            resolver: self.context.routing.resolver.clone(),
            lookout: self
                .context
                .opener
                .announced
                .signs_of_life()
                .look_out(Arc::new(tell(myself.clone()))),
            governor: myself.clone(),
        };
        let run = move |stopping| watch.run(stopping);
        // Without it the host is only probed, as ever.
        if let Ok(service) = spawn_service(myself.get_cell(), run).await {
            self.looking_out = Some(LookingOut {
                hosts: down,
                service,
            });
        }
    }
}

/// Tells the governor, and not again before it has heard.
fn tell(governor: ActorRef<GovernorMessage>) -> impl Fn() + Send + Sync {
    let told = Arc::new(AtomicBool::new(false));
    move || {
        if !told.swap(true, Ordering::Relaxed) {
            let heard = Arc::clone(&told);
            // One that is gone looks out for nothing any more.
            let _ = governor.send_message(GovernorMessage::SignOfLife(Some(heard)));
        }
    }
}

#[derive(Debug)]
struct Watch {
    hosts: Vec<String>,
    known: BTreeMap<String, BTreeSet<IpAddr>>,
    resolver: Option<Arc<dyn Resolver>>,
    lookout: Lookout,
    governor: ActorRef<GovernorMessage>,
}

impl Watch {
    async fn run(mut self, mut stopping: Stopping) -> Result<(), ServiceError> {
        loop {
            let moved = self.look_up().await;
            self.lookout.watch(self.known.values().flatten().copied());
            if moved {
                self.governor
                    .send_message(GovernorMessage::SignOfLife(None))?;
            }
            tokio::select! {
                biased;
                () = stopping.requested() => return Ok(()),
                () = tokio::time::sleep(LOOK_UP_EVERY) => {}
            }
        }
    }

    /// Whether a host has other addresses than before. What cannot be looked up stays as it was.
    async fn look_up(&mut self) -> bool {
        let mut moved = false;
        for host in &self.hosts {
            let found = match (literal(host), &self.resolver) {
                (Some(address), _) => vec![address],
                (None, Some(resolver)) => resolver.addresses(host).await.unwrap_or_default(),
                (None, None) => Vec::new(),
            };
            if found.is_empty() {
                continue;
            }
            let found: BTreeSet<IpAddr> = found.into_iter().collect();
            let before = self.known.insert(host.clone(), found.clone());
            moved |= before.is_some_and(|before| before != found);
        }
        moved
    }
}
