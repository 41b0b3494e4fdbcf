//! Addresses replaced by others of the same kind, the same one by the same one, so that a report can be handed on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use crate::model::address::Reach;
use crate::model::fact::{Fact, Observation};
use crate::model::report::Report;
use crate::model::target::Host;

/// The fields that hold prose or hosts. A host may be called like a word of the report, `turn` or `udp`; such a name is replaced
/// only here.
const FREE_TEXT: &[&str] = &[
    "summary",
    "impact",
    "text",
    "command",
    "decide",
    "what",
    "why",
    "target",
    "host",
    "server_name",
    "names",
    "issuer",
    "services",
    "proxy",
    "contacted",
    "realm",
    "message",
    "origin",
    "allowed_origin",
];

/// A name that belongs to nobody (RFC 7050 §3), and that the diagnosis knows.
const NOBODYS: &str = "ipv4only.arpa";

/// A report with every address and host name replaced.
///
/// # Panics
///
/// Never: a masked report has the form of the report that it is made from.
#[must_use]
pub fn mask(report: &Report) -> Report {
    let mut masker = Masker::new(report);
    let mut value = serde_json::to_value(report).expect("a report is JSON");
    masker.value("", &mut value);
    let handed_on: Report = serde_json::from_value(value).expect("addresses are replaced by addresses");
    Report { command: report.command.clone(), ..handed_on }
}

/// The host names of a report, the realm included where it is one.
fn names(report: &Report) -> Vec<String> {
    let asked = report.asked.services.iter().filter_map(|service| match &service.host {
        Host::Name(name) => Some(name.clone()),
        Host::Address(_) => None,
    });
    let mut names: Vec<String> = Vec::new();
    for name in asked.chain(report.observations.iter().flat_map(names_of)) {
        let name = name.strip_prefix("*.").unwrap_or(&name);
        let is_name = !name.is_empty() && name != NOBODYS && name.parse::<IpAddr>().is_err() && name.chars().all(is_of_name);
        if is_name && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    names
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn names_of(seen: &Observation) -> Vec<String> {
    match &seen.fact {
        Fact::Name(name) => {
            let services = name.services.iter().map(|service| without_port(service));
            services.chain([seen.target.as_str()]).map(str::to_owned).collect()
        }
        Fact::Handshake(handshake) => {
            let certified = handshake.certificate.iter().flat_map(|certificate| certificate.names.iter().cloned());
            certified.chain([handshake.server_name.clone()]).collect()
        }
        Fact::Proxy(proxy) => vec![without_port(&proxy.proxy).to_owned()],
        Fact::Engine(engine) => engine.origin.iter().chain(&engine.allowed_origin).map(|origin| host_of(origin)).collect(),
        Fact::Challenge(challenge) => challenge.realm.iter().filter(|realm| realm.contains('.')).cloned().collect(),
        _ => Vec::new(),
    }
}

/// The host of an origin, `https://app.example.org:8443`.
fn host_of(origin: &str) -> String {
    let authority = origin.split_once("//").map_or(origin, |(_, authority)| authority);
    without_port(authority.trim_end_matches('/')).to_owned()
}

fn without_port(text: &str) -> &str {
    text.rsplit_once(':').map_or(text, |(host, _)| host)
}

struct Masker {
    /// The names with their aliases, the longest first.
    names: Vec<(String, String)>,
    addresses: HashMap<IpAddr, IpAddr>,
}

impl Masker {
    fn new(report: &Report) -> Self {
        let numbered = names(report).into_iter().enumerate();
        let mut names: Vec<_> = numbered.map(|(index, name)| (name, format!("host-{}.example", index + 1))).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { names, addresses: HashMap::new() }
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text, FREE_TEXT.contains(&field)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(field, item)),
            Value::Object(fields) => fields.iter_mut().for_each(|(field, value)| self.value(field, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, is_free: bool) -> String {
        let text = self.without_names(text, is_free);
        let mut masked = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|char: char| !is_of_address(char)).unwrap_or(rest.len());
            if length == 0 {
                masked.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
            masked.push_str(&self.token(&rest[..length]));
            rest = &rest[length..];
        }
        masked
    }

    fn without_names(&self, text: &str, is_free: bool) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut before = None;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let begins = before.is_none_or(|char| !is_of_label(char));
            let found =
                self.names.iter().find(|(name, _)| begins && (is_free || name.contains('.')) && starts_with_name(rest, name));
            let length = found.map_or(first.len_utf8(), |(name, _)| name.len());
            masked.push_str(found.map_or(&rest[..length], |(_, alias)| alias));
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        }
        masked
    }

    /// A run of characters that can be in an address, with the punctuation of a sentence or the scheme of a URI around it.
    fn token(&mut self, token: &str) -> String {
        let core = token.trim_end_matches(['.', ':']);
        let tail = &token[core.len()..];
        let after_colons = core.match_indices(':').map(|(at, _)| at + 1);
        for start in std::iter::once(0).chain(after_colons) {
            let (head, core) = core.split_at(start);
            if let Ok(address) = core.parse::<IpAddr>() {
                return format!("{head}{}{tail}", self.address(address));
            }
            if let Ok(address) = core.parse::<SocketAddr>() {
                return format!("{head}{}{tail}", SocketAddr::new(self.address(address.ip()), address.port()));
            }
        }
        token.to_owned()
    }

    fn address(&mut self, address: IpAddr) -> IpAddr {
        let reach = Reach::of(address);
        if reach == Reach::Loopback || reach == Reach::Unusable {
            return address;
        }
        let number = u16::try_from(self.addresses.len() + 1).unwrap_or(u16::MAX);
        *self.addresses.entry(address).or_insert_with(|| alias(address, reach, number))
    }
}

fn is_of_address(char: char) -> bool {
    char.is_ascii_hexdigit() || char == '.' || char == ':'
}

fn is_of_label(char: char) -> bool {
    char.is_alphanumeric() || char == '-' || char == '_'
}

fn is_of_name(char: char) -> bool {
    is_of_label(char) || char == '.'
}

/// Whether a text begins with that name, whole and in any case.
fn starts_with_name(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && text[name.len()..].chars().next().is_none_or(|next| !is_of_label(next))
}

/// An address of the same family and reach; 198.18.0.0/15 is nobody's (RFC 2544).
fn alias(address: IpAddr, reach: Reach, number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    match (address, reach) {
        (IpAddr::V4(_), Reach::Private) => Ipv4Addr::new(10, 200, high, low).into(),
        (IpAddr::V4(_), Reach::CarrierGrade) => Ipv4Addr::new(100, 64, high, low).into(),
        (IpAddr::V4(_), Reach::LinkLocal) => Ipv4Addr::new(169, 254, high, low).into(),
        (IpAddr::V4(_), Reach::Global | Reach::Loopback | Reach::Unusable) => Ipv4Addr::new(198, 18, high, low).into(),
        (IpAddr::V6(_), Reach::Private | Reach::CarrierGrade) => Ipv6Addr::new(0xFD00, 0, 0, 0, 0, 0, 0, number).into(),
        (IpAddr::V6(_), Reach::LinkLocal) => Ipv6Addr::new(0xFE80, 0, 0, 0, 0, 0, 0, number).into(),
        (IpAddr::V6(_), Reach::Global | Reach::Loopback | Reach::Unusable) => {
            Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, number).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker(names: &[(&str, &str)]) -> Masker {
        let names = names.iter().map(|(name, alias)| ((*name).to_owned(), (*alias).to_owned()));
        Masker { names: names.collect(), addresses: HashMap::new() }
    }

    #[test]
    fn the_same_address_gets_the_same_alias_within_any_text() {
        let mut masker = masker(&[("turn.example.org", "host-1.example")]);
        let text = "udp 203.0.113.10:3478 at turn.example.org, relayed 203.0.113.10, local 192.168.1.7, [2001:db8:7::1]:3478.";
        let shown = masker.text(text, true);
        assert_eq!(shown, "udp 198.18.0.1:3478 at host-1.example, relayed 198.18.0.1, local 10.200.0.2, [2001:db8::3]:3478.");
    }

    #[test]
    fn an_address_is_found_behind_the_scheme_of_a_uri() {
        let masked = masker(&[]).text("turn:203.0.113.10:3478?transport=udp, face:203.0.113.10, turn:[2001:db8:7::1]", true);
        assert_eq!(masked, "turn:198.18.0.1:3478?transport=udp, face:198.18.0.1, turn:[2001:db8::2]");
    }

    #[test]
    fn a_name_is_replaced_whole_and_in_any_case() {
        let mut masker =
            masker(&[("turn.example.org", "host-1.example"), ("example.org", "host-2.example"), ("turn", "host-3.example")]);
        assert_eq!(
            masker.text("TURN.example.org, *.example.org, turn-down", true),
            "host-1.example, *.host-2.example, turn-down"
        );
        assert_eq!(masker.text("turn", true), "host-3.example");
        assert_eq!(masker.text("turn", false), "turn", "a word of the report");
    }
}
