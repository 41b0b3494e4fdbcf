//! How the NAT of this network behaves, by the vocabulary of RFC 4787, and what that means for calls.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The behaviour towards each family of addresses that was tested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nat {
    /// Over IPv4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Behaviour>,
    /// Over IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Behaviour>,
}

impl Nat {
    /// The families that were tested, with what people call them.
    pub fn families(&self) -> impl Iterator<Item = (&'static str, &Behaviour)> {
        self.ipv4.iter().map(|it| ("IPv4", it)).chain(self.ipv6.iter().map(|it| ("IPv6", it)))
    }
}

/// The behaviour over one family of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Behaviour {
    /// The address outside of one socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// Whether there is a NAT: servers see another address than the own one.
    pub translated: Known<bool>,
    /// On what of the destination the address outside depends (RFC 4787 §4.1).
    pub mapping: Known<Dependence>,
    /// On what of its sender it depends whether a datagram comes in (RFC 4787 §5); without a NAT this is the firewall's doing.
    pub filtering: Known<Dependence>,
    /// Whether the port outside is the own one (RFC 4787 §4.2.1).
    pub port_preservation: Known<PortPreservation>,
    /// Whether two hosts behind this NAT reach each other's addresses outside (RFC 4787 §6).
    pub hairpinning: Known<bool>,
    /// How long an idle mapping lives (RFC 4787 §4.3), where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Known<Lifetime>>,
    /// What this means for calls.
    pub consequence: Known<Consequence>,
}

/// What is known of a property, or why nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Known<T> {
    /// It was seen.
    Known {
        /// What it is.
        value: T,
        /// The observations that show it.
        evidence: Vec<String>,
    },
    /// It was not tested, which is not a no.
    NotTested {
        /// Why.
        why: String,
    },
}

impl<T: Copy> Known<T> {
    /// It was not tested.
    #[must_use]
    pub fn not_tested(why: &str) -> Self {
        Self::NotTested { why: why.to_owned() }
    }

    /// What it is, where that is known.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        if let Self::Known { value, .. } = self { Some(*value) } else { None }
    }

    /// The observations that show it.
    #[must_use]
    pub fn evidence(&self) -> &[String] {
        if let Self::Known { evidence, .. } = self { evidence } else { &[] }
    }
}

/// On what of the other side something depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dependence {
    /// On nothing.
    EndpointIndependent,
    /// On its address.
    AddressDependent,
    /// On its address and port.
    AddressAndPortDependent,
    /// On its address at least; whether on its port too was not tested.
    AtLeastAddressDependent,
    /// On its address at most; whether on that was not tested.
    AtMostAddressDependent,
}

impl Dependence {
    /// The words of RFC 4787.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address- and port-dependent",
            Self::AtLeastAddressDependent => "address-dependent at least (whether on the port too was not tested)",
            Self::AtMostAddressDependent => "address-dependent at most (whether on the address was not tested)",
        }
    }
}

/// Whether ports outside are the own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortPreservation {
    /// They were for every socket.
    Preserved,
    /// They were for some.
    Sometimes,
    /// They were for none.
    NotPreserved,
}

impl PortPreservation {
    /// In plain words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Preserved => "yes",
            Self::Sometimes => "for some sockets",
            Self::NotPreserved => "no",
        }
    }
}

/// The bounds of the time that an idle mapping lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Lifetime {
    /// The longest idle time after which it was there, in milliseconds.
    pub at_least_ms: u64,
    /// The shortest idle time after which it was gone, in milliseconds; absent where it outlived the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_than_ms: Option<u64>,
}

/// What the NAT means for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    /// Direct calls connect with nearly everybody.
    DirectLikely,
    /// Direct calls connect, but with peers whose NAT maps by destination.
    RelayAgainstSymmetric,
    /// Direct calls connect only with peers whose NAT filters by address at most.
    RelayAgainstSymmetricAndPortRestricted,
    /// No direct call connects.
    AlwaysRelay,
}

impl Consequence {
    /// The consequence in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::DirectLikely => "Direct calls likely.",
            Self::RelayAgainstSymmetric => "A relay is needed against symmetric peers; direct calls are likely with all others.",
            Self::RelayAgainstSymmetricAndPortRestricted => {
                "A relay is needed against symmetric peers, and against port-restricted ones too, which most home routers are."
            }
            Self::AlwaysRelay => "Always a relay: no UDP leaves this network, so no direct call connects.",
        }
    }
}
