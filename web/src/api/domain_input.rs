//! A domain as a client describes it: whole to add it, in parts to change it.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use storage::model::destination::{CONNECTIONS_PER_SECOND_MAX, WINDOW_LIMIT_MAX};
use storage::model::domain::{HOLD_DAYS_DEFAULT, HOLD_DAYS_MAX, HOLD_DAYS_MIN};
use storage::model::{
    Destination, Domain, DomainName, HostLimits, HostRole, Login, Secret, TlsPolicy, VerifyMode,
};
use utoipa::ToSchema;

use super::domain_view::verify_word;
use super::form::{Faults, Given, Unknown};

/// Hosts of one domain. More is a mistake.
const DESTINATIONS_MAX: usize = 16;
/// Lower is tried first.
const PRIORITY_DEFAULT: u16 = 0;
/// Share among hosts of one priority.
const WEIGHT_DEFAULT: u16 = 1;

/// A domain or a change of one. To add, `name` and `destinations` are needed; to change, what is
/// absent stays as it is and `name` cannot be given.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct DomainInput {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "example.org")]
    name: Given<String>,
    /// The hosts its mail goes to, at least one.
    #[serde(default)]
    #[schema(value_type = Option<Vec<DestinationInput>>)]
    destinations: Given<Vec<DestinationInput>>,
    /// `directory`, `callout` (the destination is asked), `accept`, or null: `directory` as soon as
    /// there is a mailbox.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "directory")]
    verify: Given<String>,
    /// Take in recipients that the directory does not know.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    catch_all: Given<bool>,
    /// Days that mail is held, 1 to 60; a change applies to mail that is already held.
    #[serde(default)]
    #[schema(value_type = Option<u16>, example = 15)]
    hold_days: Given<u16>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// One host.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct DestinationInput {
    /// Host name, IPv4 address, or IPv6 address without brackets.
    #[serde(default)]
    #[schema(value_type = String, example = "mail.example.org")]
    host: Given<String>,
    /// TCP port.
    #[serde(default)]
    #[schema(value_type = u16, example = 25)]
    port: Given<u16>,
    /// Lower is tried first; 0 when absent.
    #[serde(default)]
    #[schema(value_type = Option<u16>)]
    priority: Given<u16>,
    /// Share among hosts of one priority, at least 1; 1 when absent.
    #[serde(default)]
    #[schema(value_type = Option<u16>)]
    weight: Given<u16>,
    /// `none`, `opportunistic` (when absent), `required`, `verified`, or `pinned:` with the SHA-256
    /// of a certificate or public key, several joined by `+`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    tls: Given<String>,
    /// `host` is a domain: its MX records name the servers.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    mx: Given<bool>,
    /// As whom to sign in (SMTP AUTH); needs a policy that demands TLS.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user: Given<String>,
    /// The password; absent: the one that is known for this host and user.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Given<String>,
    /// Tell the host by XFORWARD who handed a message in, where it announces that; false when
    /// absent.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    xforward: Given<bool>,
    /// Messages in flight, and so connections, at one time at most (1 to 500); absent or null: what
    /// the ramp finds.
    #[serde(default)]
    #[schema(value_type = Option<u16>)]
    window: Given<u16>,
    /// New connections a second at most (1 to 100); absent or null: growth of ten a second.
    #[serde(default)]
    #[schema(value_type = Option<u16>)]
    connections_per_second: Given<u16>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// What is to be different; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct DomainChange {
    pub(super) destinations: Option<Vec<Destination>>,
    pub(super) verify: Option<Option<VerifyMode>>,
    pub(super) catch_all: Option<bool>,
    pub(super) hold_days: Option<u16>,
}

impl DomainInput {
    /// Reads a whole domain: its name and everything else.
    pub(super) fn whole(mut self, faults: &mut Faults) -> Option<(DomainName, DomainChange)> {
        let given = faults.required("name", std::mem::take(&mut self.name));
        let name = domain_name(faults, "name", given);
        if matches!(self.destinations, Given::Absent | Given::Null) {
            faults.add("destinations", "missing");
        }
        let change = self.change(faults);
        Some((name?, change?))
    }

    /// Reads a change.
    pub(super) fn partial(self, faults: &mut Faults) -> Option<DomainChange> {
        if self.name != Given::Absent {
            faults.add("name", "a domain cannot be renamed; add the new one");
        }
        self.change(faults)
    }

    fn change(self, faults: &mut Faults) -> Option<DomainChange> {
        faults.refuse_unknown("", &self.unknown);
        let destinations = faults
            .optional("destinations", self.destinations)
            .and_then(|inputs| read_destinations(faults, inputs));
        let verify = match self.verify {
            Given::Absent => None,
            Given::Null => Some(None),
            given => {
                let word = faults.optional("verify", given);
                word.and_then(|word| read_verify(faults, &word)).map(Some)
            }
        };
        let hold_days = faults.optional("hold_days", self.hold_days);
        if hold_days.is_some_and(|days| !(HOLD_DAYS_MIN..=HOLD_DAYS_MAX).contains(&days)) {
            let bounds = format!("expected {HOLD_DAYS_MIN} to {HOLD_DAYS_MAX} days");
            faults.add("hold_days", bounds);
        }
        let catch_all = faults.optional("catch_all", self.catch_all);
        faults.is_empty().then_some(DomainChange {
            destinations,
            verify,
            catch_all,
            hold_days,
        })
    }
}

impl DomainChange {
    /// Days of hold of a new domain.
    pub(super) fn hold_days_or_default(&self) -> u16 {
        self.hold_days.unwrap_or(HOLD_DAYS_DEFAULT)
    }

    /// Makes the change.
    pub(super) fn apply(self, domain: &mut Domain) {
        if let Some(mut destinations) = self.destinations {
            keep_passwords(&mut destinations, &domain.destinations);
            domain.destinations = destinations;
        }
        if let Some(verify) = self.verify {
            domain.verify = verify;
        }
        domain.catch_all = self.catch_all.unwrap_or(domain.catch_all);
        domain.hold_days = self.hold_days.unwrap_or(domain.hold_days);
    }

    /// The change for the audit: only what is given.
    pub(super) fn described(&self) -> Value {
        let mut fields = Map::new();
        if let Some(destinations) = &self.destinations {
            let shown = destinations.iter().map(described_destination).collect();
            fields.insert("destinations".to_owned(), Value::Array(shown));
        }
        if let Some(verify) = self.verify {
            fields.insert("verify".to_owned(), json!(verify.map(verify_word)));
        }
        if let Some(catch_all) = self.catch_all {
            fields.insert("catch_all".to_owned(), json!(catch_all));
        }
        if let Some(days) = self.hold_days {
            fields.insert("hold_days".to_owned(), json!(days));
        }
        Value::Object(fields)
    }
}

/// A domain's state for the audit.
pub(super) fn described(domain: &Domain) -> Value {
    let change = DomainChange {
        destinations: Some(domain.destinations.clone()),
        verify: Some(domain.verify),
        catch_all: Some(domain.catch_all),
        hold_days: Some(domain.hold_days),
    };
    change.described()
}

fn described_destination(destination: &Destination) -> Value {
    json!({
        "host": destination.host,
        "port": destination.port,
        "priority": destination.priority,
        "weight": destination.weight,
        "tls": destination.tls.to_string(),
        "mx": destination.role == HostRole::MailDomain,
        "user": destination.login.as_ref().map(|login| &login.user),
        "xforward": destination.xforward,
        "window": destination.limits.window,
        "connections_per_second": destination.limits.connections_per_second,
    })
}

/// A domain's name that can be protected: a name, not an address.
fn domain_name(faults: &mut Faults, field: &str, text: Option<String>) -> Option<DomainName> {
    let name: DomainName = faults.parsed(field, text)?;
    if name.is_literal() || !name.as_str().contains('.') {
        faults.add(field, "expected a domain name such as example.org");
        return None;
    }
    Some(name)
}

fn read_verify(faults: &mut Faults, word: &str) -> Option<VerifyMode> {
    match word {
        "directory" => Some(VerifyMode::Directory),
        "callout" => Some(VerifyMode::Callout),
        "accept" => Some(VerifyMode::Accept),
        _ => {
            faults.add(
                "verify",
                "expected \"directory\", \"callout\", \"accept\" or null",
            );
            None
        }
    }
}

fn read_destinations(
    faults: &mut Faults,
    inputs: Vec<DestinationInput>,
) -> Option<Vec<Destination>> {
    if inputs.is_empty() || inputs.len() > DESTINATIONS_MAX {
        let count = format!("expected 1 to {DESTINATIONS_MAX} hosts");
        faults.add("destinations", count);
        return None;
    }
    let mut read: Vec<Destination> = Vec::with_capacity(inputs.len());
    let mut sound = true;
    for (index, input) in inputs.into_iter().enumerate() {
        let place = format!("destinations[{index}]");
        let Some(destination) = read_destination(faults, &place, input) else {
            sound = false;
            continue;
        };
        let same = |other: &Destination| {
            (&other.host, other.port) == (&destination.host, destination.port)
        };
        if read.iter().any(same) {
            faults.add(place, "the same host and port stand here twice");
            sound = false;
        }
        read.push(destination);
    }
    sound.then_some(read)
}

fn read_destination(
    faults: &mut Faults,
    place: &str,
    input: DestinationInput,
) -> Option<Destination> {
    faults.refuse_unknown(&format!("{place}."), &input.unknown);
    let host_field = format!("{place}.host");
    let host = faults
        .required(&host_field, input.host)
        .and_then(|text| read_host(faults, &host_field, &text));
    let port = faults.required(&format!("{place}.port"), input.port);
    if port == Some(0) {
        faults.add(format!("{place}.port"), "expected a port from 1 to 65535");
    }
    let priority = faults.optional(&format!("{place}.priority"), input.priority);
    let weight = faults.optional(&format!("{place}.weight"), input.weight);
    if weight == Some(0) {
        faults.add(format!("{place}.weight"), "expected at least 1");
    }
    let tls_field = format!("{place}.tls");
    let tls = match faults.optional(&tls_field, input.tls) {
        None => Some(TlsPolicy::Opportunistic),
        given => faults.parsed(&tls_field, given),
    };
    let mx = faults.optional(&format!("{place}.mx"), input.mx);
    let is_address = |host: &String| host.parse::<IpAddr>().is_ok();
    if mx == Some(true) && host.as_ref().is_some_and(is_address) {
        faults.add(
            &host_field,
            "expected a domain whose MX records are asked for",
        );
    }
    let xforward = faults.optional(&format!("{place}.xforward"), input.xforward);
    let window_field = format!("{place}.window");
    let rate_field = format!("{place}.connections_per_second");
    let limits = HostLimits {
        window: read_limit(faults, &window_field, input.window, WINDOW_LIMIT_MAX),
        connections_per_second: read_limit(
            faults,
            &rate_field,
            input.connections_per_second,
            CONNECTIONS_PER_SECOND_MAX,
        ),
    };
    let login = read_login(faults, place, input.user, input.password, tls.as_ref());
    Some(Destination {
        host: host?,
        port: port?,
        priority: priority.unwrap_or(PRIORITY_DEFAULT),
        weight: weight.unwrap_or(WEIGHT_DEFAULT),
        tls: tls?,
        role: match mx {
            Some(true) => HostRole::MailDomain,
            _ => HostRole::Server,
        },
        login,
        xforward: xforward.unwrap_or(false),
        limits,
    })
}

/// A limit from 1 on; null is none.
fn read_limit(faults: &mut Faults, field: &str, given: Given<u16>, max: u16) -> Option<u16> {
    let limit = match given {
        Given::Null => None,
        given => faults.optional(field, given),
    };
    if limit.is_some_and(|limit| !(1..=max).contains(&limit)) {
        faults.add(field, format!("expected 1 to {max}"));
    }
    limit
}

/// A login without a password stands for the one that is known already, see [`keep_passwords`].
fn read_login(
    faults: &mut Faults,
    place: &str,
    user: Given<String>,
    password: Given<String>,
    tls: Option<&TlsPolicy>,
) -> Option<Login> {
    let user_field = format!("{place}.user");
    let user = faults.optional(&user_field, user);
    let password = faults.optional(&format!("{place}.password"), password);
    let Some(user) = user else {
        if password.is_some() {
            faults.add(user_field, "missing beside a password");
        }
        return None;
    };
    if user.is_empty() || user.contains('\0') {
        faults.add(&user_field, "expected a name");
    }
    if tls.is_some_and(|tls| !tls.is_strict()) {
        let words = "a password goes only where TLS is demanded: required, verified or pinned";
        faults.add(format!("{place}.tls"), words);
    }
    Some(Login {
        user,
        password: Secret::new(password.unwrap_or_default()),
    })
}

/// Passwords are never shown, so a client that changes something else cannot give them back: they
/// stay for the same user on the same host.
fn keep_passwords(destinations: &mut [Destination], known: &[Destination]) {
    for destination in destinations {
        let place = (destination.host.as_str(), destination.port);
        let same = known
            .iter()
            .find(|other| (other.host.as_str(), other.port) == place);
        if let Some(login) = &mut destination.login
            && login.password.expose().is_empty()
            && let Some(before) = same.and_then(|same| same.login.as_ref())
            && before.user == login.user
        {
            login.password = before.password.clone();
        }
    }
}

fn read_host(faults: &mut Faults, field: &str, text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    match text.parse::<DomainName>() {
        Ok(name) if !name.is_literal() && !name.needs_utf8() => Some(name.to_string()),
        _ => {
            faults.add(field, "expected a host name or an address without brackets");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_every_faulty_field_is_named_at_once() {
        let input: DomainInput = serde_json::from_value(json!({
            "name": "no dots",
            "destinations": [
                {"host": "mail.example.org", "port": 25},
                {"host": "MAIL.example.org", "port": 25},
                {"host": "[::1]", "port": 0, "tls": "maybe"},
                {"port": "x", "weight": 0, "colour": "red"},
                {"host": "c.example", "port": 25, "window": 0, "connections_per_second": 101},
            ],
            "verify": "perhaps",
            "hold_days": 61,
            "catch_all": "yes",
            "size": 1,
        }))
        .unwrap();
        let mut faults = Faults::default();
        let read = input.whole(&mut faults);
        assert_eq!(read, None);
        let problem = faults.check(read).unwrap_err();
        let mut fields: Vec<&str> = problem.errors.iter().map(|e| e.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "catch_all",
                "destinations[1]",
                "destinations[2].host",
                "destinations[2].port",
                "destinations[2].tls",
                "destinations[3].colour",
                "destinations[3].host",
                "destinations[3].port",
                "destinations[3].weight",
                "destinations[4].connections_per_second",
                "destinations[4].window",
                "hold_days",
                "name",
                "size",
                "verify",
            ]
        );
    }

    #[test]
    fn out18_a_password_needs_tls_and_stays_when_it_is_not_given_again() {
        let read = |value| {
            let mut faults = Faults::default();
            let input: DestinationInput = serde_json::from_value(value).unwrap();
            let read = read_destination(&mut faults, "d", input);
            faults.check(read)
        };
        let open = json!({"host": "smtp.example", "port": 587, "user": "relay", "password": "x"});
        assert!(read(open).is_err());
        let given = json!({"host": "smtp.example", "port": 587, "user": "relay", "password": "x", "tls": "verified"});
        let known = read(given).unwrap();
        let again =
            json!({"host": "smtp.example", "port": 587, "user": "relay", "tls": "required"});
        let mut again = [read(again).unwrap()];
        keep_passwords(&mut again, std::slice::from_ref(&known));
        assert_eq!(again[0].login, known.login);
        let other =
            json!({"host": "other.example", "port": 587, "user": "relay", "tls": "required"});
        let mut other = [read(other).unwrap()];
        keep_passwords(&mut other, &[known]);
        assert_eq!(other[0].login.as_ref().unwrap().password.expose(), "");
        let limits =
            json!({"host": "a.example", "port": 25, "window": 8, "connections_per_second": null});
        let limits = read(limits).unwrap().limits;
        assert_eq!(
            (limits.window, limits.connections_per_second),
            (Some(8), None)
        );
        let described = described_destination(&other[0]).to_string();
        assert!(!described.contains("password"), "{described}");
    }

    #[test]
    fn a_change_keeps_what_is_not_given_and_null_takes_a_setting_back() {
        let mut faults = Faults::default();
        let input: DomainInput = serde_json::from_value(json!({"verify": null})).unwrap();
        let change = input.partial(&mut faults).unwrap();
        assert_eq!(change.verify, Some(None));
        assert_eq!((change.destinations, change.hold_days), (None, None));
    }
}
