//! Names as the system's applications resolve them, and why where they can't.
//!
//! `getaddrinfo` decides, each family on its own: hosts files, search lists and whatever else the system is told count, and a resolver that never
//! answers about one family leaves the other. hickory's stub resolver explains a failure, since it tells a name that doesn't exist from a resolver
//! that doesn't answer, and reads SRV records.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::thread;
use std::time::Duration;

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use tokio::sync::oneshot;

use super::network::Lookup;
use crate::model::fact::NameAnswer;

/// How long one question may take; with two attempts a dead resolver is known within 2 s.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(900);

/// The system's resolver, by the system's configuration and hosts file.
#[derive(Debug)]
pub struct SystemResolver {
    resolver: Option<TokioResolver>,
    servers: Vec<SocketAddr>,
}

impl SystemResolver {
    /// Reads the system's configuration; without one no name can be resolved.
    #[must_use]
    pub fn new() -> Self {
        let servers = hickory_resolver::system_conf::read_system_conf().map_or_else(
            |_| Vec::new(),
            |(config, _)| config.name_servers().iter().map(|server| SocketAddr::new(server.ip, 53)).collect(),
        );
        let resolver = TokioResolver::builder_tokio().ok().and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = QUESTION_TIMEOUT;
            options.attempts = 2;
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            builder.build().ok()
        });
        Self { resolver, servers }
    }

    /// The name servers of the configuration.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// The addresses that an application gets for a name.
    pub async fn addresses(&self, name: &str) -> Lookup<IpAddr> {
        let (mut system, mut records) = (pin!(system_addresses(name)), pin!(self.records(name)));
        let explained = tokio::select! {
            biased;
            found = &mut system => {
                return if found.is_empty() { unused(records.await.answer) } else { Lookup { answer: NameAnswer::Found, records: found } };
            }
            explained = &mut records => explained,
        };
        match tokio::time::timeout(PATIENCE, system).await {
            Ok(found) if !found.is_empty() => Lookup { answer: NameAnswer::Found, records: found },
            Ok(_) => unused(explained.answer),
            // It asks others yet.
            Err(_elapsed) => explained,
        }
    }

    /// The A and AAAA records of a name.
    async fn records(&self, name: &str) -> Lookup<IpAddr> {
        let Some(resolver) = &self.resolver else { return Lookup::empty(NameAnswer::Unavailable) };
        match resolver.lookup_ip(absolute(name)).await {
            Ok(found) => {
                let mut records: Vec<IpAddr> = found.iter().collect();
                records.sort_unstable();
                records.dedup();
                Lookup { answer: if records.is_empty() { NameAnswer::NoAddress } else { NameAnswer::Found }, records }
            }
            Err(error) => Lookup::empty(answer_of(&error)),
        }
    }

    /// The SRV records of a name, by priority and weight (RFC 2782).
    pub async fn services(&self, name: &str) -> Lookup<(String, u16)> {
        let Some(resolver) = &self.resolver else { return Lookup::empty(NameAnswer::Unavailable) };
        match resolver.srv_lookup(absolute(name)).await {
            Ok(found) => {
                let mut records: Vec<_> = found
                    .answers()
                    .iter()
                    .filter_map(|record| if let RData::SRV(service) = &record.data { Some(service) } else { None })
                    .collect();
                records.sort_by_key(|service| (service.priority, u16::MAX - service.weight));
                let records = records
                    .iter()
                    .map(|service| (service.target.to_utf8().trim_end_matches('.').to_owned(), service.port))
                    .filter(|(target, _)| !target.is_empty())
                    .collect();
                Lookup { answer: NameAnswer::Found, records }
            }
            Err(error) => Lookup::empty(answer_of(&error)),
        }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the system may take longer than the resolver that explains it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Records that the system doesn't use are none for its applications.
fn unused(explained: NameAnswer) -> Lookup<IpAddr> {
    Lookup::empty(if explained == NameAnswer::Found { NameAnswer::NotFound } else { explained })
}

/// How long the second family is waited for once the first is there.
const OTHER_FAMILY: Duration = Duration::from_millis(500);

/// What `getaddrinfo` says, IPv4 and IPv6 apart.
async fn system_addresses(name: &str) -> Vec<IpAddr> {
    let mut records: Vec<IpAddr> = Vec::new();
    let mut left: FuturesUnordered<_> =
        [AddrFamily::Inet, AddrFamily::Inet6].map(|family| of_family(name, family)).into_iter().collect();
    while let Some(found) = if records.is_empty() {
        left.next().await
    } else {
        tokio::time::timeout(OTHER_FAMILY, left.next()).await.unwrap_or_default()
    } {
        records.extend(found);
    }
    records.sort_unstable();
    records.dedup();
    records
}

/// The call may last for many seconds, and can't be ended: it gets a thread that nobody waits for.
async fn of_family(name: &str, family: AddrFamily) -> Vec<IpAddr> {
    let (sender, found) = oneshot::channel();
    let name = name.to_owned();
    thread::spawn(move || {
        let hints = AddrInfoHints { address: family.into(), socktype: SockType::DGram.into(), ..AddrInfoHints::default() };
        let addresses = getaddrinfo(Some(&name), None, Some(hints)).into_iter().flatten();
        // Who asked may have given up.
        _ = sender.send(addresses.flatten().map(|info| info.sockaddr.ip()).collect());
    });
    found.await.unwrap_or_default()
}

/// A name with a dot is meant as it stands: search lists would ask for it under other domains first.
fn absolute(name: &str) -> String {
    if name.contains('.') && !name.ends_with('.') { format!("{name}.") } else { name.to_owned() }
}

fn answer_of(error: &NetError) -> NameAnswer {
    if error.is_nx_domain() {
        NameAnswer::NotFound
    } else if error.is_no_records_found() {
        NameAnswer::NoAddress
    } else {
        NameAnswer::Unavailable
    }
}
