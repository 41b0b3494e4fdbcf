//! What kind of network an IP address belongs to, as far as that decides who can reach it.

use std::net::{IpAddr, Ipv4Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The reach of an address.
///
/// Documentation ranges count as global: they stand for public addresses in examples and in the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Reachable from anywhere.
    Global,
    /// RFC 1918 or RFC 4193: inside one site.
    Private,
    /// 100.64.0.0/10, RFC 6598: inside one operator's network.
    CarrierGrade,
    /// 169.254.0.0/16, `fe80::/10`: on one link.
    LinkLocal,
    /// 127.0.0.0/8, `::1`: inside one host.
    Loopback,
    /// 0.0.0.0, `::`, multicast, broadcast: nobody's address.
    Unusable,
}

impl Reach {
    /// Classifies an address; an IPv4-mapped IPv6 address counts as its IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) if v6.is_loopback() => Self::Loopback,
            IpAddr::V6(v6) if v6.is_unspecified() || v6.is_multicast() => Self::Unusable,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::LinkLocal,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Private,
            IpAddr::V6(_) => Self::Global,
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, ..] = address.octets();
        if address.is_loopback() {
            Self::Loopback
        } else if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
            Self::Unusable
        } else if address.is_link_local() {
            Self::LinkLocal
        } else if address.is_private() {
            Self::Private
        } else if first == 100 && (64..128).contains(&second) {
            Self::CarrierGrade
        } else {
            Self::Global
        }
    }

    /// Whether the address can be reached from anywhere.
    #[must_use]
    pub fn is_global(self) -> bool {
        self == Self::Global
    }

    /// What a person calls such an address.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "public",
            Self::Private => "private",
            Self::CarrierGrade => "carrier-grade NAT (100.64.0.0/10)",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Unusable => "unusable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_classified_by_who_can_reach_them() {
        let cases = [
            ("203.0.113.10", Reach::Global),
            ("10.1.2.3", Reach::Private),
            ("172.31.255.1", Reach::Private),
            ("172.32.0.1", Reach::Global),
            ("100.64.0.1", Reach::CarrierGrade),
            ("100.128.0.1", Reach::Global),
            ("169.254.1.1", Reach::LinkLocal),
            ("127.0.0.1", Reach::Loopback),
            ("0.0.0.0", Reach::Unusable),
            ("::1", Reach::Loopback),
            ("fd00::1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("2001:db8::1", Reach::Global),
        ];
        for (text, reach) in cases {
            assert_eq!(Reach::of(text.parse().expect("an address")), reach, "{text}");
        }
    }
}
