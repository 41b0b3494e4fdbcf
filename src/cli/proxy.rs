//! The proxy of the environment, by the usual variables, and the hosts that `NO_PROXY` spares it.

use std::net::IpAddr;

use crate::model::secret::Secret;
use crate::model::target::{Host, Target};
use crate::probe::proxy::{Proxy, Spared};

/// The proxy, if the environment names one.
#[must_use]
pub fn of_environment() -> Option<Proxy> {
    let read = |name: &&str| std::env::var(name).ok();
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];
    let named: Vec<Proxy> = names.iter().filter_map(read).filter_map(|value| parse(value.trim())).collect();
    let proxy = named.iter().find(|proxy| proxy.scheme == "http").or(named.first())?;
    let list = ["NO_PROXY", "no_proxy"].iter().find_map(read);
    Some(Proxy { spared: list.map(|list| spared(&list)).unwrap_or_default(), ..proxy.clone() })
}

fn parse(value: &str) -> Option<Proxy> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let rest = rest.split('/').next()?;
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(Secret::new(login)), place),
        None => (None, rest),
    };
    let (host, port) = match place.parse::<Target>().ok()? {
        Target::HostAndPort(host, port) => (host, port),
        Target::Host(host) => (host, 80),
        Target::Uri(_) => return None,
    };
    Some(Proxy { scheme: scheme.to_ascii_lowercase(), host, port, login, spared: Vec::new() })
}

/// The list as curl and most libraries read it: names with those below them, addresses, networks, or `*` for everything.
fn spared(list: &str) -> Vec<Spared> {
    let entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.filter_map(entry).collect()
}

fn entry(text: &str) -> Option<Spared> {
    if text == "*" {
        return Some(Spared::Everything);
    }
    if let Some((network, bits)) = text.split_once('/') {
        return Some(Spared::Network(network.parse().ok()?, bits.parse().ok()?));
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Spared::Network(address, 128));
    }
    let name = text.strip_prefix('*').unwrap_or(text).trim_start_matches('.');
    match name.parse::<Target>().ok()? {
        Target::Host(Host::Name(name)) | Target::HostAndPort(Host::Name(name), _) => Some(Spared::Name(name)),
        Target::Host(Host::Address(address)) | Target::HostAndPort(Host::Address(address), _) => {
            Some(Spared::Network(address, 128))
        }
        Target::Uri(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_with_its_login_kept_secret() {
        let proxy = parse("http://alice:north@10.0.0.1:3128/").expect("a proxy");
        assert_eq!((proxy.host.to_string(), proxy.port), ("10.0.0.1".to_owned(), 3128));
        assert_eq!(proxy.login.as_ref().map(Secret::expose), Some("alice:north"));
        assert!(!format!("{proxy:?}").contains("north"));
        assert_eq!(parse("socks5://10.0.0.1:1080").map(|proxy| proxy.scheme), Some("socks5".to_owned()));
        assert_eq!(parse("http://"), None);
    }

    #[test]
    fn hosts_are_spared_by_name_address_and_network() {
        let proxy = |list: &str| Proxy { spared: spared(list), ..parse("10.0.0.1:3128").expect("a proxy") };
        let spares = |list: &str, host: &str, ip: &str| {
            let host = host.parse::<IpAddr>().map_or_else(|_| Host::Name(host.to_owned()), Host::Address);
            proxy(list).spares(&host, ip.parse().expect("an address"))
        };
        let ip = "203.0.113.10";
        assert!(spares("example.org", "turn.example.org", ip) && spares(".example.org,other", "TURN.example.org", ip));
        assert!(
            spares("localhost, 203.0.113.0/24", ip, ip) && spares("203.0.113.10", "turn.example.org", ip) && spares("*", ip, ip)
        );
        assert!(spares("2001:db8::/32", "turn.example.org", "2001:db8:5::10"));
        assert!(!spares("ample.org", "turn.example.org", ip) && !spares("203.0.112.0/24", ip, ip));
        assert!(!spares("::/0", ip, ip) && !spares("", ip, ip) && !spares("203.0.113.0/999", "x", "198.51.100.1"));
    }
}
