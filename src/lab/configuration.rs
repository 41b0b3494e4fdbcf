//! What the lab's server is: its users, relay addresses, limits, and what is broken in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::discovery::Discovery;
use super::fault::Fault;
use super::hostility::Hostility;
use super::ports::Draws;
use crate::model::endpoint::Endpoint;
use crate::model::secret::{Credentials, Secret};
use crate::proto::credentials::{from_shared_secret, hmac_password};

/// An address that relay ports are opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// The address of the host's own interface.
    pub bound: IpAddr,
    /// The address that clients are told; coturn's `external-ip` sets it.
    pub advertised: IpAddr,
}

impl RelayAddress {
    /// An address that is told as it is.
    #[must_use]
    pub fn plain(address: IpAddr) -> Self {
        Self { bound: address, advertised: address }
    }
}

/// The server's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The realm of its users.
    pub realm: String,
    /// The users with a password.
    pub users: Vec<Credentials>,
    /// The shared secret of ephemeral credentials.
    pub secret: Option<Secret>,
    /// What SOFTWARE says; none is sent without it.
    pub software: Option<String>,
    /// Where relay ports are opened; the first of a family is used.
    pub relays: Vec<RelayAddress>,
    /// Which ports are opened.
    pub ports: RangeInclusive<u16>,
    /// How it chooses among them.
    pub draws: Draws,
    /// How many of them others hold all the time.
    pub held_ports: usize,
    /// How many allocations a user may have (`user-quota`).
    pub user_quota: Option<usize>,
    /// How many allocations there may be (`total-quota`).
    pub total_quota: Option<usize>,
    /// How long it remembers a 5-tuple whose allocation was given back, and answers 437; coturn does for a second.
    pub memory: Duration,
    /// How long a nonce is fresh (`stale-nonce`).
    pub nonce_lifetime: Duration,
    /// Servers to redirect to, for the faults that do so.
    pub alternates: Vec<Endpoint>,
    /// Where all random numbers come from.
    pub seed: u64,
    /// What is broken.
    pub faults: Vec<Fault>,
    /// How it helps its clients to test their NAT.
    pub discovery: Discovery,
    /// How it answers to do harm.
    pub hostility: Option<Hostility>,
}

impl Config {
    /// A server that works, for the user `alice` with the password `north` and the shared secret `north`.
    #[must_use]
    pub fn new(relays: Vec<RelayAddress>) -> Self {
        Self {
            realm: "example.org".to_owned(),
            users: vec![Credentials { username: Secret::new("alice"), password: Secret::new("north") }],
            secret: Some(Secret::new("north")),
            software: Some("callcheck lab".to_owned()),
            relays,
            ports: 49_152..=65_535,
            draws: Draws::InTurn,
            held_ports: 0,
            user_quota: None,
            total_quota: None,
            memory: Duration::ZERO,
            nonce_lifetime: Duration::from_mins(10),
            alternates: Vec::new(),
            seed: 0,
            faults: Vec::new(),
            discovery: Discovery::None,
            hostility: None,
        }
    }

    /// Whether that is broken.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// The credentials that this server's owner gives out at a moment, in seconds since 1970.
    ///
    /// They are the first user's; where the fault is in ephemeral credentials, or there is no user, they are made from the secret.
    #[must_use]
    pub fn issue(&self, now: i64) -> Option<Credentials> {
        let ephemeral = self.users.is_empty() || self.faults.iter().any(|fault| fault.in_credentials());
        let secret = self.secret.as_ref().filter(|_| ephemeral);
        let Some(secret) = secret else { return self.users.first().cloned() };
        if self.has(Fault::CredentialsMalformed) {
            let username = format!("{}:alice", (now + 3600) * 1000);
            let password = hmac_password(secret, &username);
            return Some(Credentials { username: Secret::new(username), password: Secret::new(password) });
        }
        // They are valid for an hour: those of two hours ago expired an hour ago.
        let issued = if self.has(Fault::CredentialsExpired) { now - 7200 } else { now };
        Some(from_shared_secret(secret, Some("alice"), issued))
    }

    /// The relay addresses as the faults make them.
    #[must_use]
    pub fn relays_as_broken(&self) -> Vec<RelayAddress> {
        let broken = |relay: &RelayAddress| {
            if self.has(Fault::ExternalIpMissing) {
                RelayAddress { advertised: private(relay.bound), ..*relay }
            } else if self.has(Fault::ExternalIpMismatch) {
                RelayAddress { advertised: neighbour(relay.advertised), ..*relay }
            } else {
                *relay
            }
        };
        self.relays.iter().map(broken).collect()
    }
}

/// The address that a server behind a 1:1 NAT has inside.
fn private(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::new(10, 0, 0, 10).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0xFD00, 0, 0, 0, 0, 0, 0, 10).into(),
    }
}

/// The next address.
fn neighbour(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4).wrapping_add(1)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6).wrapping_add(1)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_credentials_are_made_from_the_secret() {
        let mut config = Config::new(vec![]);
        let name = |config: &Config| config.issue(1_700_000_000).map(|it| it.username.expose().to_owned());
        assert_eq!(name(&config).as_deref(), Some("alice"));
        config.faults = vec![Fault::CredentialsExpired];
        assert_eq!(name(&config).as_deref(), Some("1699996400:alice"));
        config.faults = vec![Fault::CredentialsMalformed];
        assert_eq!(name(&config).as_deref(), Some("1700003600000:alice"));
    }

    #[test]
    fn a_wrong_external_ip_is_the_neighbours() {
        let mut config = Config::new(vec![RelayAddress::plain([127, 0, 0, 1].into())]);
        config.faults = vec![Fault::ExternalIpMismatch];
        assert_eq!(config.relays_as_broken()[0].advertised, IpAddr::from([127, 0, 0, 2]));
    }
}
