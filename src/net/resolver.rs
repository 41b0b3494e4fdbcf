//! Names through hickory's stub resolver: unlike `getaddrinfo` it tells a name that doesn't exist from a resolver that doesn't answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;

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

    /// The A and AAAA records of a name.
    pub async fn addresses(&self, name: &str) -> Lookup<IpAddr> {
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
