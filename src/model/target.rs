//! What a person types to name a server: a host, a host with a port, or a STUN or TURN URI.

use std::net::IpAddr;
use std::str::FromStr;

use super::asked::{Form, Service};
use super::endpoint::Transport;
pub use super::host::Host;

/// A server as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A host alone.
    Host(Host),
    /// A host and a port.
    HostAndPort(Host, u16),
    /// A `stun:`, `stuns:`, `turn:` or `turns:` URI (RFC 7064, RFC 7065).
    Uri(Uri),
}

/// A STUN or TURN URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// Whether it is `turn:` or `turns:`.
    pub relay: bool,
    /// Whether it is `stuns:` or `turns:`.
    pub secure: bool,
    /// The host.
    pub host: Host,
    /// The port, where given.
    pub port: Option<u16>,
    /// The transport of the query, where given.
    pub transport: Option<QueryTransport>,
}

/// The `?transport=` of a TURN URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryTransport {
    /// `udp`
    Udp,
    /// `tcp`
    Tcp,
}

/// Why a text does not name a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Nothing was given.
    #[error("{0:?} names no host")]
    NoHost(String),
    /// The port is not a number from 1 to 65535.
    #[error("{0:?}: the port must be a number from 1 to 65535")]
    Port(String),
    /// The host has characters that no host has.
    #[error("{0:?} is not a host name or an address")]
    Host(String),
    /// The URI has slashes, a user or a path.
    #[error("{0:?}: a STUN or TURN URI has no \"//\", no user and no path: write \"turn:host:port\"")]
    UriForm(String),
    /// The query is not `?transport=udp` or `?transport=tcp`.
    #[error("{0:?}: the query must be \"?transport=udp\" or \"?transport=tcp\", and only turn: and turns: take one")]
    Query(String),
    /// The scheme is not one of the four.
    #[error("{0:?}: the scheme must be stun, stuns, turn or turns")]
    Scheme(String),
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(InvalidTarget::NoHost(text.to_owned()));
        }
        if let Ok(address) = trimmed.parse::<IpAddr>() {
            return Ok(Self::Host(Host::Address(address)));
        }
        if let Some(uri) = parse_uri(trimmed)? {
            return Ok(Self::Uri(uri));
        }
        let (host, port) = split_host(trimmed)?;
        Ok(match port {
            Some(port) => Self::HostAndPort(host, port),
            None => Self::Host(host),
        })
    }
}

fn parse_uri(text: &str) -> Result<Option<Uri>, InvalidTarget> {
    let Some((scheme, rest)) = text.split_once(':') else { return Ok(None) };
    let (relay, secure) = match scheme.to_ascii_lowercase().as_str() {
        "stun" => (false, false),
        "stuns" => (false, true),
        "turn" => (true, false),
        "turns" => (true, true),
        _ if rest.starts_with("//") => return Err(InvalidTarget::Scheme(text.to_owned())),
        _ => return Ok(None),
    };
    // A host that happens to be called "turn" with a port: `turn:3478`. RFC 7065 reads it as a URI with host 3478; so do we.
    if rest.starts_with('/') || rest.contains('@') || rest.contains('/') || rest.contains('#') {
        return Err(InvalidTarget::UriForm(text.to_owned()));
    }
    let (authority, query) = match rest.split_once('?') {
        Some((authority, query)) => (authority, Some(query)),
        None => (rest, None),
    };
    let transport = match query {
        None => None,
        Some(_) if !relay => return Err(InvalidTarget::Query(text.to_owned())),
        Some(query) if query.eq_ignore_ascii_case("transport=udp") => Some(QueryTransport::Udp),
        Some(query) if query.eq_ignore_ascii_case("transport=tcp") => Some(QueryTransport::Tcp),
        Some(_) => return Err(InvalidTarget::Query(text.to_owned())),
    };
    let (host, port) = split_host(authority)?;
    Ok(Some(Uri { relay, secure, host, port, transport }))
}

fn split_host(text: &str) -> Result<(Host, Option<u16>), InvalidTarget> {
    if let Some(rest) = text.strip_prefix('[') {
        let (literal, after) = rest.split_once(']').ok_or_else(|| InvalidTarget::Host(text.to_owned()))?;
        let address = literal.parse::<std::net::Ipv6Addr>().map_err(|_| InvalidTarget::Host(text.to_owned()))?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(text, port)?),
            None if after.is_empty() => None,
            None => return Err(InvalidTarget::Host(text.to_owned())),
        };
        return Ok((Host::Address(IpAddr::V6(address)), port));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((Host::Address(address), None));
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(InvalidTarget::Host(text.to_owned())),
        Some((host, port)) => Ok((parse_host(text, host)?, Some(parse_port(text, port)?))),
        None => Ok((parse_host(text, text)?, None)),
    }
}

fn parse_port(text: &str, port: &str) -> Result<u16, InvalidTarget> {
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        Ok(_) | Err(_) => Err(InvalidTarget::Port(text.to_owned())),
    }
}

fn parse_host(text: &str, host: &str) -> Result<Host, InvalidTarget> {
    if host.is_empty() {
        return Err(InvalidTarget::NoHost(text.to_owned()));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Address(address));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_' || !char.is_ascii())
    };
    // Four numbers that are no address, or a label of digits at the end, are a mistyped address and never a name (RFC 3696 §2).
    let last_is_number = name.rsplit('.').next().is_some_and(|label| label.chars().all(|char| char.is_ascii_digit()));
    if name.len() <= 253 && name.split('.').all(label_fits) && !last_is_number {
        Ok(Host::Name(name.to_ascii_lowercase()))
    } else {
        Err(InvalidTarget::Host(text.to_owned()))
    }
}

impl Target {
    /// How the target names its server.
    #[must_use]
    pub fn form(&self) -> Form {
        match self {
            Self::Host(_) => Form::Host,
            Self::HostAndPort(..) => Form::HostAndPort,
            Self::Uri(_) => Form::Urls,
        }
    }

    /// The services that the target stands for.
    #[must_use]
    pub fn services(&self) -> Vec<Service> {
        // No browser offers TURN over DTLS, so that only a URI asks for it.
        let all = [Transport::Udp, Transport::Tcp, Transport::Tls];
        match self {
            Self::Host(host) => all.map(|transport| Service { host: host.clone(), port: None, transport, relay: true }).to_vec(),
            Self::HostAndPort(host, port) => {
                all.map(|transport| Service { host: host.clone(), port: Some(*port), transport, relay: true }).to_vec()
            }
            Self::Uri(uri) => vec![Service {
                host: uri.host.clone(),
                port: uri.port,
                transport: match (uri.secure, uri.transport) {
                    (true, Some(QueryTransport::Udp)) => Transport::Dtls,
                    (true, Some(QueryTransport::Tcp) | None) => Transport::Tls,
                    (false, Some(QueryTransport::Tcp)) => Transport::Tcp,
                    (false, Some(QueryTransport::Udp) | None) => Transport::Udp,
                },
                relay: uri.relay,
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(text: &str) -> Vec<String> {
        let target: Target = text.parse().expect("a valid target");
        target
            .services()
            .iter()
            .map(|service| format!("{} {}:{}", service.transport, service.host, service.port_or_default()))
            .collect()
    }

    #[test]
    fn a_bare_host_means_all_usual_transports_and_ports() {
        assert_eq!(services("203.0.113.10"), ["udp 203.0.113.10:3478", "tcp 203.0.113.10:3478", "tls 203.0.113.10:5349"]);
        assert_eq!(services("2001:db8::1")[0], "udp 2001:db8::1:3478");
    }

    #[test]
    fn a_uri_means_exactly_one_service() {
        assert_eq!(services("turn:turn.example.org"), ["udp turn.example.org:3478"]);
        assert_eq!(services("TURNS:turn.example.org:443?transport=tcp"), ["tls turn.example.org:443"]);
        assert_eq!(services("turn:[2001:db8::1]:80?transport=tcp"), ["tcp 2001:db8::1:80"]);
        assert_eq!(services("stuns:example.org"), ["tls example.org:5349"]);
        assert_eq!(services("turns:example.org"), ["tls example.org:5349"]);
        assert_eq!(services("turns:example.org?transport=udp"), ["dtls example.org:5349"]);
    }

    #[test]
    fn what_names_no_server_is_refused_with_its_text() {
        for text in [
            "",
            " ",
            ":3478",
            "host:0",
            "host:65536",
            "host:x",
            "turn://host",
            "turn:",
            "turn:user@host",
            "turn:host/path",
            "stun:host?transport=udp",
            "turn:host?transport=sctp",
            "turn:host?x",
            "http://host",
            "[::1",
            "[::1]x",
            "a b",
            "300.1.1.1",
            "1.2.3",
            "a:b:c",
            "-/",
            "turn:host:0",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?} was accepted");
        }
    }
}
