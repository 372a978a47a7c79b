//! The certificates of a node's listeners, exchangeable while it runs.

use std::sync::Arc;

use actors::tls::{CertificateFiles, ServerTls, TlsError};

use crate::config::{Config, Scheme};

/// The certificates of the listeners.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) smtp: Arc<ServerTls>,
    pub(super) admin: Option<Arc<ServerTls>>,
}

impl Certificates {
    /// Loads what the configuration names; what it does not name is self-signed.
    pub(super) fn load(config: &Config) -> Result<Self, TlsError> {
        let data_dir = &config.node.data_dir;
        let load =
            |files: &Option<CertificateFiles>, listener: &str, name: &str, protocol: &str| {
                let tls = match files {
                    Some(files) => ServerTls::from_files(files.clone(), &[protocol]),
                    None => ServerTls::self_signed(data_dir, listener, name, &[protocol]),
                };
                tls.map(Arc::new)
            };
        let hostname = config.node.hostname.as_str();
        let smtp = load(&config.smtp.tls, "smtp", hostname, "smtp")?;
        let url = &config.admin.url;
        let admin = match url.scheme() {
            Scheme::Http => None,
            Scheme::Https => {
                let name = url.host().trim_matches(['[', ']']);
                Some(load(&config.admin.tls, "admin", name, "http/1.1")?)
            }
        };
        Ok(Self { smtp, admin })
    }

    /// Reads the files that `next` names; all of them or none.
    pub(super) fn reload(&self, next: &Config) -> Result<(), TlsError> {
        let fresh = Self::load(next)?;
        self.smtp.take_over(&fresh.smtp);
        if let (Some(admin), Some(fresh)) = (&self.admin, &fresh.admin) {
            admin.take_over(fresh);
        }
        Ok(())
    }
}
