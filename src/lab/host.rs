//! The server on loopback: sockets around [`super::server::Server`], and the faults of listeners and certificates.
//!
//! Everything runs by `spawn_local` in the caller's `LocalSet` and ends when the [`Lab`] is dropped.

mod driver;
mod listeners;
mod streams;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::{AbortHandle, spawn_local};

use self::driver::Driver;
use self::listeners::{Listeners, Ports};
use super::certificates::Certificates;
use super::configuration::{Config, RelayAddress};
use super::fault::Fault;
use super::hostility::Hostility;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::secret::{Credentials, Secret};

/// The second address of the loopback interface, for faults that tell the server's addresses apart.
const SECOND_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How many plain STUN servers stand by as controls.
const CONTROLS: usize = 2;

/// What the lab runs.
#[derive(Clone, Debug)]
pub struct LabConfig {
    /// The users with a password.
    pub users: Vec<Credentials>,
    /// The shared secret of ephemeral credentials.
    pub secret: Option<Secret>,
    /// The realm of the users.
    pub realm: String,
    /// What is broken.
    pub faults: Vec<Fault>,
    /// How it answers to do harm.
    pub hostility: Option<Hostility>,
    /// Where it listens.
    pub addresses: Vec<IpAddr>,
    /// The port for UDP and TCP; 0 is any.
    pub plain_port: u16,
    /// The port for TLS and DTLS; 0 is any.
    pub tls_port: u16,
    /// The relay ports.
    pub relay_ports: std::ops::RangeInclusive<u16>,
    /// How many allocations a user may have.
    pub user_quota: Option<usize>,
    /// Where all random numbers of the protocol come from.
    pub seed: u64,
}

impl Default for LabConfig {
    fn default() -> Self {
        let server = Config::new(Vec::new());
        Self {
            users: server.users,
            secret: server.secret,
            realm: server.realm,
            faults: Vec::new(),
            hostility: None,
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            plain_port: 0,
            tls_port: 0,
            relay_ports: server.ports,
            user_quota: None,
            seed: server.seed,
        }
    }
}

impl LabConfig {
    /// A server with these faults, and right otherwise.
    #[must_use]
    pub fn broken(faults: &[Fault]) -> Self {
        Self { faults: faults.to_vec(), ..Self::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn server(&self, alternates: Vec<Endpoint>) -> Config {
        let relays = self.listening().map(RelayAddress::plain).collect();
        Config {
            users: self.users.clone(),
            secret: self.secret.clone(),
            realm: self.realm.clone(),
            faults: self.faults.clone(),
            hostility: self.hostility,
            ports: self.relay_ports.clone(),
            user_quota: self.user_quota,
            seed: self.seed,
            alternates,
            ..Config::new(relays)
        }
    }

    /// A client on loopback has 127.0.0.1, whatever it asks; what denies one of the two needs the server elsewhere.
    fn listening(&self) -> impl Iterator<Item = IpAddr> {
        let moves = self.has(Fault::OwnAddressDenied) || self.has(Fault::PeerDenied);
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.addresses.iter().map(move |address| if moves && *address == localhost { SECOND_ADDRESS.into() } else { *address })
    }
}

/// A running server.
#[derive(Debug)]
pub struct Lab {
    driver: Rc<Driver>,
    endpoints: Vec<Endpoint>,
    controls: Vec<SocketAddr>,
    ca_pem: String,
    tasks: Vec<AbortHandle>,
}

impl Lab {
    /// Starts the server; it must be called inside a `LocalSet`.
    ///
    /// # Errors
    ///
    /// What the system says where a port can't be had.
    #[expect(clippy::unused_async, reason = "starting needs a runtime, which only an async function promises")]
    pub async fn start(config: LabConfig) -> io::Result<Self> {
        let time_of_day = SystemTime::now();
        let certificates = Certificates::new(&config.faults, time_of_day).map_err(io::Error::other)?;
        let (mut listeners, alternates) = listen(&config)?;
        let endpoints = listeners.endpoints.clone();
        let redirects = alternates.endpoints.clone();
        listeners.join(alternates);

        let server = config.server(if config.has(Fault::RedirectLoop) {
            endpoints.iter().chain(&redirects).copied().collect()
        } else {
            redirects
        });
        let now = seconds(time_of_day);
        let (driver, mut tasks) = run(server, listeners, &certificates, now)?;
        let mut controls = Vec::new();
        for _ in 0..CONTROLS {
            let listeners = Listeners::control(Ipv4Addr::LOCALHOST.into())?;
            controls.extend(listeners.endpoints.iter().map(|endpoint| endpoint.address));
            let mut server = Config::new(Vec::new());
            server.faults = vec![Fault::TurnDisabled];
            tasks.extend(run(server, listeners, &certificates, now)?.1);
        }
        Ok(Self { driver, endpoints, controls, ca_pem: certificates.root_pem, tasks })
    }

    /// Where the server is reached over UDP, or would be.
    #[must_use]
    pub fn udp(&self) -> SocketAddr {
        self.address(Transport::Udp)
    }

    /// Where the server is reached over TCP, or would be.
    #[must_use]
    pub fn tcp(&self) -> SocketAddr {
        self.address(Transport::Tcp)
    }

    /// Where the server is reached over DTLS, or would be.
    #[must_use]
    pub fn dtls(&self) -> SocketAddr {
        self.address(Transport::Dtls)
    }

    /// Where the server is reached over TLS, or would be.
    #[must_use]
    pub fn tls(&self) -> SocketAddr {
        self.address(Transport::Tls)
    }

    fn address(&self, transport: Transport) -> SocketAddr {
        let found = self.endpoints.iter().find(|endpoint| endpoint.transport == transport);
        found.expect("the lab listens on every transport at every address, of which there is one at least").address
    }

    /// Every transport at every address, those that a fault has closed included.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Plain STUN servers over UDP that no fault touches.
    #[must_use]
    pub fn controls(&self) -> &[SocketAddr] {
        &self.controls
    }

    /// The root to trust the TLS port by, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The credentials that the server's owner gives out now.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        self.driver.issue(seconds(SystemTime::now()))
    }

    /// How many allocations are alive.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.driver.allocations()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.driver.stop();
    }
}

/// Runs a server on its listeners, at that time of day in seconds since 1970; the tasks live until they are aborted.
fn run(
    config: Config,
    listeners: Listeners,
    certificates: &Certificates,
    time_of_day: i64,
) -> io::Result<(Rc<Driver>, Vec<AbortHandle>)> {
    let Listeners { endpoints: _, datagrams, streams, reserved } = listeners;
    let (driver, mut tasks) = Driver::start(config, datagrams, reserved, certificates, time_of_day)?;
    for (transport, listener) in streams {
        let accept = streams::accept(Rc::clone(&driver), transport, listener, certificates.server.clone());
        tasks.push(spawn_local(accept).abort_handle());
    }
    Ok((driver, tasks))
}

/// The listeners that clients are sent to, and those that a redirect points at.
fn listen(config: &LabConfig) -> io::Result<(Listeners, Listeners)> {
    let (mut main, mut alternate) = (Listeners::default(), Listeners::default());
    let redirects = [Fault::Redirected, Fault::RedirectLoop, Fault::RedirectDead].iter().any(|fault| config.has(*fault));
    for address in config.listening() {
        main.join(Listeners::bind(address, Ports { plain: config.plain_port, tls: config.tls_port }, &config.faults)?);
        if redirects {
            let down = if config.has(Fault::RedirectDead) { &[Fault::TurnDown][..] } else { &[] };
            alternate.join(Listeners::bind(address, Ports::ANY, down)?);
        }
    }
    if main.endpoints.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the lab needs an address to listen on"));
    }
    Ok((main, alternate))
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
