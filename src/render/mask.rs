//! Addresses replaced by others of the same kind, the same one by the same one, so that a report can be handed on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

use crate::model::address::Reach;
use crate::model::report::Report;
use crate::model::target::Host;

/// A report with every address and host name replaced.
///
/// # Panics
///
/// Never: a masked report has the form of the report that it is made from.
#[must_use]
pub fn mask(report: &Report) -> Report {
    let names = report.asked.services.iter().filter_map(|service| match &service.host {
        Host::Name(name) => Some(name.clone()),
        Host::Address(_) => None,
    });
    let mut masker = Masker { names: Vec::new(), addresses: HashMap::new() };
    for name in names {
        if !masker.names.iter().any(|(known, _)| *known == name) {
            let alias = format!("host-{}.example", masker.names.len() + 1);
            masker.names.push((name, alias));
        }
    }
    let mut value = serde_json::to_value(report).expect("a report is JSON");
    masker.value(&mut value);
    serde_json::from_value(value).expect("addresses are replaced by addresses")
}

struct Masker {
    names: Vec<(String, String)>,
    addresses: HashMap<IpAddr, IpAddr>,
}

impl Masker {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let length = rest.find(|char: char| !is_of_address(char)).unwrap_or(rest.len());
            if length == 0 {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                masked.push_str(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            masked.push_str(&self.token(&rest[..length]));
            rest = &rest[length..];
        }
        for (name, alias) in &self.names {
            masked = masked.replace(name.as_str(), alias);
        }
        masked
    }

    /// A run of characters that can be in an address, with the punctuation of a sentence around it.
    fn token(&mut self, token: &str) -> String {
        let core = token.trim_end_matches(['.', ':']);
        let tail = &token[core.len()..];
        if let Ok(address) = core.parse::<IpAddr>() {
            return format!("{}{tail}", self.address(address));
        }
        if let Ok(address) = core.parse::<SocketAddr>() {
            return format!("{}{tail}", SocketAddr::new(self.address(address.ip()), address.port()));
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

    #[test]
    fn the_same_address_gets_the_same_alias_within_any_text() {
        let mut masker = Masker { names: vec![("turn.example.org".into(), "host-1.example".into())], addresses: HashMap::new() };
        let text = "udp 203.0.113.10:3478 at turn.example.org, relayed 203.0.113.10, local 192.168.1.7, [2001:db8:7::1]:3478.";
        let masked = masker.text(text);
        assert_eq!(masked, "udp 198.18.0.1:3478 at host-1.example, relayed 198.18.0.1, local 10.200.0.2, [2001:db8::3]:3478.");
    }
}
