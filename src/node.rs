//! One node: everything opened and bound in order, then the supervision tree over it.
//!
//! Order of a start: data directory, token, certificates, store, sockets, tree; intake accepts
//! last. A start that fails leaves nothing running.

mod certificates;
mod listeners;
mod sockets;
mod start_error;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::callout::CalloutOptions;
use actors::delivery::{Manners, Routing, TcpDialer};
use actors::dns::{GuardedLookup, HickoryResolver, SecureLookup, ValidatingResolver};
use actors::filter::{Authenticator, FilterPolicy, Verdict};
use actors::session::{Destinations, Intake, Policy, SmtpListener};
use actors::smtp::client::Timeouts;
use actors::status::StatusBoard;
use actors::sts::{HttpsFetcher, StsKeeper};
use actors::supervision::Exit;
use actors::tls::{ClientTls, TlsError};
use actors::tree::{self, Tree, TreeConfig};
use storage::model::SystemClock;
use storage::seal::KeySource;
use storage::spool::{OpenError, Spool, SpoolError, SpoolOptions};
use web::auth::{OperatorToken, TOKEN_FILE};
use web::portal::Reading;

use crate::config::{Changes, Config, Consequence};
use crate::telemetry::Telemetry;

pub use sockets::Addresses;
pub use start_error::StartError;

use certificates::Certificates;
use listeners::Listeners;
use sockets::Sockets;

/// How long a stop may take, everything included (B11).
pub const STOP_GRACE: Duration = Duration::from_secs(30);

/// A running node.
#[derive(Debug)]
pub struct Node {
    config: Config,
    telemetry: Telemetry,
    spool: Spool,
    board: StatusBoard,
    intake: Arc<Intake>,
    authenticator: Arc<Authenticator>,
    certificates: Certificates,
    addresses: Addresses,
    tree: Tree,
}

impl Node {
    /// Starts a node; when this returns, mail is taken in.
    ///
    /// # Errors
    /// The first thing that could not be had, in words for an operator.
    pub async fn start(config: Config, telemetry: Telemetry) -> Result<Self, StartError> {
        let data_dir = &config.node.data_dir;
        make_private(data_dir)?;
        let token = OperatorToken::load_or_create(&data_dir.join(TOKEN_FILE))?;
        let certificates = Certificates::load(&config)?;
        let resolver = Arc::new(HickoryResolver::new(&config.dns.servers)?);
        let smart_hosts = config.delivery.smart_hosts();
        let smart_hosts = smart_hosts.map_err(StartError::PasswordFile)?;
        let client_tls = ClientTls::new()?;
        let spool = open(&config).await?;
        let sockets = Sockets::bind(&config)?;
        let addresses = sockets.addresses();
        let board = StatusBoard::default();
        let lookup = GuardedLookup::new(resolver.clone(), Arc::clone(spool.clock()));
        let lookup = Arc::new(lookup);
        let authenticator = Arc::new(Authenticator::new(lookup.clone())?);
        let dialer = Arc::new(dialer(&config, resolver.clone()));
        let sts = config.delivery.mta_sts.then(|| {
            let fetcher = HttpsFetcher::new(dialer.clone(), client_tls.clone());
            Arc::new(StsKeeper::new(lookup, Arc::new(fetcher), spool.clone()))
        });
        let destinations = Destinations::new(spool.clone());
        let intake = Intake::asking(
            spool.clone(),
            Some(Arc::clone(&certificates.smtp)),
            policy(&config, &authenticator),
            destinations.clone(),
        );
        let web = Listeners {
            config: &config,
            telemetry: &telemetry,
            spool: &spool,
            board: &board,
            token,
            certificates: &certificates,
            reading: Reading::fresh().map_err(|error| StartError::Randomness(error.to_string()))?,
        };
        let dane =
            match config.delivery.dane {
                true => Some(Arc::new(ValidatingResolver::new(&config.dns.servers)?)
                    as Arc<dyn SecureLookup>),
                false => None,
            };
        let tree = tree::start(TreeConfig {
            spool: spool.clone(),
            board: board.clone(),
            hostname: config.node.hostname.to_string(),
            dialer,
            manners: manners(&config, client_tls, &spool, &addresses),
            routing: Routing {
                resolver: Some(resolver),
                smart_host: smart_hosts.into(),
                names: names(&config),
                sts,
                dane,
            },
            destinations,
            seed: spool.clock().wall().as_millis(),
            web: web.children(&sockets),
            smtp: sockets
                .smtp
                .iter()
                .map(|(socket, options)| {
                    SmtpListener::child_spec(socket.clone(), *options, Arc::clone(&intake))
                })
                .collect(),
        })
        .await
        .map_err(|error| StartError::Tree(error.to_string()))?;
        Ok(Self {
            config,
            telemetry,
            spool,
            board,
            intake,
            authenticator,
            certificates,
            addresses,
            tree,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Its store.
    #[must_use]
    pub const fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The live state of its domains.
    #[must_use]
    pub const fn status(&self) -> &StatusBoard {
        &self.board
    }

    /// The configuration in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Puts another configuration in force as far as that goes without a restart, and reads the
    /// certificates again. An unusable certificate leaves everything as it was.
    ///
    /// # Errors
    /// What is wrong with the certificate.
    pub fn reload(&mut self, next: Config) -> Result<Changes, TlsError> {
        self.certificates.reload(&next)?;
        let changes = self.config.changes(&next);
        // What needs a restart stays as it is, so that a later reload still tells.
        self.config.limits = next.limits.clone();
        self.config.filter = next.filter.clone();
        self.config.smtp.proxy_sources = next.smtp.proxy_sources.clone();
        self.config.smtp.callout_unknown_per_hour = next.smtp.callout_unknown_per_hour;
        self.config.log.level = next.log.level.clone();
        self.config.take_over(&next, &changes.applied);
        let message_size = self.config.limits.message_size.bytes();
        self.spool.set_message_size_limit(message_size);
        let policy = policy(&self.config, &self.authenticator);
        self.intake.set_policy(policy);
        self.telemetry.set_level(&self.config.log.level);
        Ok(changes)
    }

    /// Resolves when the node cannot go on, and says why; [`Node::stop`] is still to be called.
    /// Cancel-safe.
    pub async fn ending(&mut self) -> Exit {
        self.tree.ending().await
    }

    /// Stops everything in reverse order of the start and syncs the store, within
    /// [`STOP_GRACE`].
    pub async fn stop(self) -> Exit {
        let exit = self.tree.stop(STOP_GRACE).await;
        match self.spool.shutdown().await {
            Ok(()) => exit,
            Err(error) => worse(exit, &error),
        }
    }
}

/// A store that failed while it stopped matters only when nothing else was wrong before.
fn worse(exit: Exit, error: &SpoolError) -> Exit {
    match exit {
        Exit::Requested => Exit::Storage(error.to_string()),
        other => other,
    }
}

/// Where the keys of domains are, in the data directory; no part of the store, so that no backup of
/// it has them.
const KEYS_FOLDER: &str = "keys";

async fn open(config: &Config) -> Result<Spool, OpenError> {
    let options = SpoolOptions {
        message_size_limit: config.limits.message_size.bytes(),
        keys: KeySource::Files {
            master: config.node.master_key.clone(),
            folder: config.node.data_dir.join(KEYS_FOLDER),
        },
        ..SpoolOptions::default()
    };
    Spool::open_with(&config.node.data_dir, options, |not_before| {
        Arc::new(SystemClock::new(not_before))
    })
    .await
}

fn dialer(config: &Config, resolver: Arc<HickoryResolver>) -> TcpDialer {
    let delivery = &config.delivery;
    TcpDialer::new(resolver)
        .from(delivery.source_addresses.clone())
        .within(delivery.connect_timeout)
}

/// How destinations are spoken to.
fn manners(config: &Config, tls: ClientTls, spool: &Spool, addresses: &Addresses) -> Manners {
    let delivery = &config.delivery;
    let standard = Timeouts::default();
    Manners {
        hostname: config.node.hostname.as_str().into(),
        helo_name: delivery.helo_name.as_str().into(),
        tls,
        timeouts: Timeouts {
            banner: delivery.greeting_timeout,
            probe_banner: standard.probe_banner.min(delivery.greeting_timeout),
            command: delivery.command_timeout,
            final_reply: delivery.final_reply_timeout,
            ..standard
        },
        listeners: addresses.smtp.clone().into(),
        clock: Arc::clone(spool.clock()),
    }
}

/// The names by which an MX record may mean this node.
fn names(config: &Config) -> Arc<[String]> {
    let names = [&config.node.hostname, &config.delivery.helo_name];
    names.map(|name| name.as_str().to_ascii_lowercase()).into()
}

/// What intake has to know of the configuration.
fn policy(config: &Config, authenticator: &Arc<Authenticator>) -> Policy {
    let limits = &config.limits;
    let exempt = limits.exempt_clients.clone();
    let proxies = config.smtp.proxy_sources.clone();
    Policy {
        message_size_max: limits.message_size.bytes(),
        connections: limits.connections as usize,
        connections_per_client: limits.connections_per_client,
        connections_per_minute: limits.connections_per_minute,
        exempt: Arc::new(move |address| exempt.iter().any(|network| network.contains(address))),
        filter: filter_policy(config, authenticator),
        proxies: Arc::new(move |address| proxies.iter().any(|network| network.contains(address))),
        callouts: CalloutOptions {
            unknown_per_hour: config.smtp.callout_unknown_per_hour,
        },
        ..Policy::new(config.node.hostname.as_str())
    }
}

/// What the filter has to know of the configuration.
fn filter_policy(config: &Config, authenticator: &Arc<Authenticator>) -> FilterPolicy {
    let filter = &config.filter;
    let unchecked = filter.unchecked_clients.clone();
    FilterPolicy {
        authenticator: filter.authentication.then(|| Arc::clone(authenticator)),
        unchecked: Arc::new(move |address| unchecked.iter().any(|net| net.contains(address))),
        blocked: verdict(filter.blocked),
        dmarc_quarantine: verdict(filter.dmarc_quarantine),
        dmarc_reject: verdict(filter.dmarc_reject),
        trusted_sealers: filter.trusted_sealers.clone().into(),
    }
}

const fn verdict(consequence: Consequence) -> Verdict {
    match consequence {
        Consequence::Accept => Verdict::Accept,
        Consequence::Tag => Verdict::Tag,
        Consequence::Quarantine => Verdict::Quarantine,
        Consequence::Reject => Verdict::Reject,
    }
}

/// Makes the data directory for its owner alone; one that exists stays as it is.
fn make_private(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|source| StartError::DataDirectory {
        path: path.to_owned(),
        source,
    })
}
