//! Records by name, and names that do not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use actors::dns::{Lookup, LookupError, MailExchanger};
use futures_util::future::{BoxFuture, ready};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Txt(String),
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx(u16, String),
    Ptr(String),
}

/// A zone. Clones share the count of questions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone {
    records: BTreeMap<String, Vec<Record>>,
    dead: BTreeSet<String>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Zone {
    /// Lines of `name TYPE value`; `name DEAD` never answers. Names without records in between
    /// exist when something stands below them.
    pub(crate) fn parse(text: &str) -> Self {
        let mut zone = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.splitn(3, ' ');
            let name = words.next().unwrap().to_lowercase();
            let kind = words.next().unwrap();
            let value = words.next().unwrap_or_default().trim().to_owned();
            let record = match kind {
                "TXT" => Record::Txt(value),
                "A" => Record::A(value.parse().unwrap()),
                "AAAA" => Record::Aaaa(value.parse().unwrap()),
                "MX" => {
                    let (preference, host) = value.split_once(' ').unwrap();
                    Record::Mx(preference.parse().unwrap(), host.to_owned())
                }
                "PTR" => Record::Ptr(value),
                "DEAD" => {
                    zone.dead.insert(name);
                    continue;
                }
                other => panic!("{other}?"),
            };
            zone.records.entry(name).or_default().push(record);
        }
        zone
    }

    /// Adds a TXT record.
    pub(crate) fn txt(&mut self, name: &str, text: impl Into<String>) {
        let records = self.records.entry(name.to_lowercase()).or_default();
        records.push(Record::Txt(text.into()));
    }

    /// The name does not answer from now on.
    pub(crate) fn kill(&mut self, name: &str) {
        self.dead.insert(name.to_lowercase());
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The records of a name.
    pub(crate) fn records(&self, name: &str) -> Option<&[Record]> {
        self.records.get(name).map(Vec::as_slice)
    }

    /// Nothing stands at the name or below it.
    pub(crate) fn is_missing(&self, name: &str) -> bool {
        let below = format!(".{name}");
        let mut names = self.records.keys();
        !names.any(|other| other == name || other.ends_with(&below))
    }

    fn find<T>(
        &self,
        name: &str,
        wanted: impl Fn(&Record) -> Option<T>,
    ) -> BoxFuture<'static, Result<Vec<T>, LookupError>>
    where
        T: Send + 'static,
    {
        let name = name.trim_end_matches('.').to_lowercase();
        self.asked.lock().unwrap().push(name.clone());
        let answer = if self.dead.contains(&name) {
            Err(LookupError::Unavailable("SERVFAIL".to_owned()))
        } else if let Some(records) = self.records.get(&name) {
            let found: Vec<T> = records.iter().filter_map(wanted).collect();
            if found.is_empty() {
                Err(LookupError::NoRecords)
            } else {
                Ok(found)
            }
        } else if self.is_missing(&name) {
            Err(LookupError::NoSuchName)
        } else {
            Err(LookupError::NoRecords)
        };
        Box::pin(ready(answer))
    }
}

impl Lookup for Zone {
    fn txt(&self, name: &str) -> BoxFuture<'_, Result<Vec<Vec<u8>>, LookupError>> {
        self.find(name, |record| match record {
            Record::Txt(text) => Some(text.as_bytes().to_vec()),
            _ => None,
        })
    }

    fn ipv4(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv4Addr>, LookupError>> {
        self.find(name, |record| match record {
            Record::A(address) => Some(*address),
            _ => None,
        })
    }

    fn ipv6(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv6Addr>, LookupError>> {
        self.find(name, |record| match record {
            Record::Aaaa(address) => Some(*address),
            _ => None,
        })
    }

    fn mx(&self, name: &str) -> BoxFuture<'_, Result<Vec<MailExchanger>, LookupError>> {
        self.find(name, |record| match record {
            Record::Mx(preference, host) => Some(MailExchanger {
                preference: *preference,
                host: host.clone(),
            }),
            _ => None,
        })
    }

    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<String>, LookupError>> {
        self.find(&address.to_string(), |record| match record {
            Record::Ptr(name) => Some(name.clone()),
            _ => None,
        })
    }
}
