//! The certificates of a node's listeners, exchangeable while it runs.

use std::sync::Arc;

use actors::tls::{CertificateFiles, ServerTls, TlsError};

use crate::config::{Config, Scheme, SiteUrl};

/// The certificates of the listeners.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) smtp: Arc<ServerTls>,
    pub(super) portal: Option<Arc<ServerTls>>,
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
        let site = |url: &SiteUrl, files, listener| match url.scheme() {
            Scheme::Http => Ok(None),
            Scheme::Https => {
                let name = url.host().trim_matches(['[', ']']);
                load(files, listener, name, "http/1.1").map(Some)
            }
        };
        let portal = site(&config.portal.url, &config.portal.tls, "portal")?;
        let admin = site(&config.admin.url, &config.admin.tls, "admin")?;
        Ok(Self {
            smtp,
            portal,
            admin,
        })
    }

    /// Reads the files that `next` names; all of them or none.
    pub(super) fn reload(&self, next: &Config) -> Result<(), TlsError> {
        let fresh = Self::load(next)?;
        self.smtp.take_over(&fresh.smtp);
        for (site, fresh) in [(&self.portal, &fresh.portal), (&self.admin, &fresh.admin)] {
            if let (Some(site), Some(fresh)) = (site, fresh) {
                site.take_over(fresh);
            }
        }
        Ok(())
    }
}
