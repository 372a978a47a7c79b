//! People of a domain who have passwords and sign in to the portal.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use storage::model::Clock;

use super::browser::Browser;
use super::support::node::Node;

const PASSWORD: &str = "a long enough passphrase";

/// A domain and its administrator.
pub struct People {
    /// The domain.
    pub domain: &'static str,
    /// Who gives them their passwords.
    pub administrator: &'static str,
}

impl People {
    /// Makes an administrator of the domain, who imports so many mailboxes with passwords.
    pub async fn give_passwords(
        &self,
        node: &Node,
        users: u32,
        clock: &Arc<dyn Clock>,
    ) -> Result<()> {
        let link = node.cli(&[
            "admin",
            "invite",
            self.administrator,
            "--domain",
            self.domain,
        ])?;
        let link = link.trim().trim_start_matches("https://");
        let (site, path) = link.split_once('/').context("no link")?;
        let (mut browser, path) = (Browser::new(site, clock)?, format!("/{path}"));
        let form = browser.get(&path).await?;
        let fields = [
            ("csrf", form.hidden("csrf")?),
            ("password", PASSWORD.to_owned()),
            ("again", PASSWORD.to_owned()),
        ];
        let done = browser.post(&path, &fields).await?;
        let token = done.text.split("<code class=\"token\">").nth(1);
        let token = token.and_then(|rest| rest.split('<').next());
        let mut csv = String::from("address,password\n");
        for number in 0..users {
            writeln!(csv, "{},{PASSWORD} {number}", self.address(number))?;
        }
        let file = node.folder().join("people.csv");
        std::fs::write(&file, csv)?;
        let file = file.to_str().context("a path of other letters")?;
        let imported = node
            .mailhold(&["mailbox", "import", file])
            .env("MAILHOLD_TOKEN", token.context("no token")?)
            .output()?;
        let said = String::from_utf8_lossy(&imported.stderr);
        ensure!(imported.status.success(), "import: {said}");
        Ok(())
    }

    /// Signs one of them in; the status.
    pub async fn sign_in(&self, browser: &mut Browser, number: u32) -> Result<u16> {
        let form = browser.get("/login").await?;
        let fields = [
            ("csrf", form.hidden("csrf")?),
            ("address", self.address(number)),
            ("password", format!("{PASSWORD} {number}")),
        ];
        Ok(browser.post("/login", &fields).await?.status)
    }

    /// The address of one of them.
    pub fn address(&self, number: u32) -> String {
        format!("u{number}@{}", self.domain)
    }
}
