//! Candidates in the form of SDP (RFC 8839 §5.1): the own ones written, the other side's read whatever it put into them.

use std::net::{IpAddr, SocketAddr};

use crate::model::call::{Candidate, CandidateKind};
use crate::model::endpoint::Transport;

/// An own candidate as it was gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// An address of this host.
    Host {
        /// The address.
        address: SocketAddr,
    },
    /// What a STUN server sees of a host candidate.
    Reflexive {
        /// The address as the server sees it.
        address: SocketAddr,
        /// The host candidate's address.
        base: SocketAddr,
        /// The server's URL.
        url: String,
    },
    /// A relayed address.
    Relay {
        /// The address at the server.
        relayed: SocketAddr,
        /// How the server is reached.
        transport: Transport,
        /// The server's URL.
        url: String,
    },
}

impl Gathered {
    /// The address that the other side sends to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Host { address } | Self::Reflexive { address, .. } => *address,
            Self::Relay { relayed, .. } => *relayed,
        }
    }

    /// The address that its packets leave from (RFC 8445 §4).
    #[must_use]
    pub fn base(&self) -> SocketAddr {
        match self {
            Self::Host { address } => *address,
            Self::Reflexive { base, .. } => *base,
            Self::Relay { relayed, .. } => *relayed,
        }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> CandidateKind {
        match self {
            Self::Host { .. } => CandidateKind::Host,
            Self::Reflexive { .. } => CandidateKind::Srflx,
            Self::Relay { .. } => CandidateKind::Relay,
        }
    }

    /// What makes two candidates of one foundation (RFC 8445 §5.1.1.3): type, base and server.
    pub(super) fn likeness(&self) -> (CandidateKind, IpAddr, String) {
        let server = match self {
            Self::Host { .. } => String::new(),
            Self::Reflexive { url, .. } | Self::Relay { url, .. } => url.clone(),
        };
        (self.kind(), self.base().ip(), server)
    }

    /// RFC 8445 §5.1.2, with browsers' order of relays: the one over UDP before those over TCP and TLS.
    fn priority(&self, number: u16) -> u32 {
        let preference: u32 = match self {
            Self::Host { .. } => 126,
            Self::Reflexive { .. } => 100,
            Self::Relay { transport: Transport::Udp | Transport::Dtls, .. } => 2,
            Self::Relay { transport: Transport::Tcp, .. } => 1,
            Self::Relay { transport: Transport::Tls, .. } => 0,
        };
        (preference << 24) + (u32::from(u16::MAX - number) << 8) + 255
    }

    /// The candidate as SDP has it, by its number among all and that of its foundation.
    ///
    /// A relay's related address is left open, as browsers leave it: the core would take one equal to a host candidate's for that host.
    pub(super) fn line(&self, number: u16, foundation: usize) -> String {
        let (address, kind) = (self.address(), self.kind().name());
        let related = match self {
            Self::Host { .. } => String::new(),
            Self::Reflexive { base, .. } => format!(" raddr {} rport {}", base.ip(), base.port()),
            Self::Relay { relayed, .. } if relayed.is_ipv4() => " raddr 0.0.0.0 rport 0".to_owned(),
            Self::Relay { .. } => " raddr :: rport 0".to_owned(),
        };
        let (priority, ip, port) = (self.priority(number), address.ip(), address.port());
        format!("candidate:{foundation} 1 udp {priority} {ip} {port} typ {kind}{related}")
    }

    /// The candidate as a report has it.
    pub(super) fn describe(&self, at_ms: u64) -> Candidate {
        let (relay_protocol, url) = match self {
            Self::Host { .. } => (None, None),
            Self::Reflexive { url, .. } => (None, Some(url.clone())),
            Self::Relay { transport, url, .. } => (Some(*transport), Some(url.clone())),
        };
        let address = self.address().to_string();
        Candidate { kind: self.kind(), address, protocol: "udp".to_owned(), relay_protocol, url, at_ms, stale: false }
    }
}

/// A candidate of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    /// The text after `candidate:`, with what callcheck doesn't know.
    pub line: String,
    pub kind: CandidateKind,
    pub protocol: String,
    pub component: String,
    pub host: String,
    pub port: u16,
    /// The ICE user name of the description that it belongs to, where it says so; browsers do.
    pub ufrag: Option<String>,
}

impl Offered {
    /// Reads `candidate:…` or `a=candidate:…`; `None` where it is none or of an unknown type.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        let line = text.strip_prefix("candidate:").unwrap_or(text);
        let mut words = line.split_ascii_whitespace();
        let _foundation = words.next()?;
        let component = words.next()?.to_owned();
        let protocol = words.next()?.to_ascii_lowercase();
        let _priority = words.next()?;
        let (host, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let kind = match (words.next()?, words.next()?) {
            ("typ", "host") => CandidateKind::Host,
            ("typ", "srflx") => CandidateKind::Srflx,
            ("typ", "prflx") => CandidateKind::Prflx,
            ("typ", "relay") => CandidateKind::Relay,
            _ => return None,
        };
        let ufrag = words.skip_while(|word| *word != "ufrag").nth(1).map(str::to_owned);
        Some(Self { line: line.to_owned(), kind, protocol, component, host, port, ufrag })
    }

    /// Where checks can be sent: over UDP, to a literal address, for the one component that there is with BUNDLE and rtcp-mux.
    pub fn address(&self) -> Option<SocketAddr> {
        let ip = self.host.parse().ok()?;
        (self.protocol == "udp" && self.component == "1" && self.port != 0).then(|| SocketAddr::new(ip, self.port))
    }

    /// The candidate as a report has it.
    pub fn describe(&self, at_ms: u64) -> Candidate {
        let ip: Option<IpAddr> = self.host.parse().ok();
        let address = ip.map_or_else(|| self.host.clone(), |ip| SocketAddr::new(ip, self.port).to_string());
        Candidate {
            kind: self.kind,
            address,
            protocol: self.protocol.clone(),
            relay_protocol: None,
            url: None,
            at_ms,
            stale: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_candidate_has_no_related_address_and_a_priority_by_its_transport() {
        let relay = |transport| Gathered::Relay {
            relayed: "203.0.113.10:50000".parse().expect("an address"),
            transport,
            url: "turn:turn.example.org".to_owned(),
        };
        let line = relay(Transport::Udp).line(0, 3);
        assert_eq!(line, "candidate:3 1 udp 50331647 203.0.113.10 50000 typ relay raddr 0.0.0.0 rport 0");
        assert!(relay(Transport::Udp).priority(9) > relay(Transport::Tcp).priority(0));
    }

    #[test]
    fn candidates_of_browsers_are_read_and_the_unusable_told_apart() {
        let usable = |text: &str| Offered::read(text).expect("a candidate").address().is_some();
        assert!(usable("candidate:1 1 UDP 2122 192.0.2.7 5000 typ host generation 0 ufrag abcd network-id 1"));
        assert!(usable("a=candidate:1 1 udp 2122 2001:db8::7 5000 typ srflx raddr :: rport 0"));
        assert!(!usable("candidate:1 1 udp 2122 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5000 typ host"));
        assert!(!usable("candidate:1 1 tcp 1518 192.0.2.7 9 typ host tcptype active"));
        assert!(!usable("candidate:1 2 udp 2122 192.0.2.7 5001 typ host"));
        let ufrag = |text: &str| Offered::read(text).and_then(|offered| offered.ufrag);
        assert_eq!(
            ufrag("candidate:1 1 udp 2122 192.0.2.7 5000 typ host generation 0 ufrag abcd network-id 1").as_deref(),
            Some("abcd")
        );
        assert_eq!(ufrag("candidate:1 1 udp 2122 192.0.2.7 5000 typ host"), None);
        for text in ["", "candidate:", "candidate:1 1 udp x", "candidate:1 1 udp 1 192.0.2.7 70000 typ host"] {
            assert_eq!(Offered::read(text), None, "{text:?}");
        }
    }
}
