//! A TURN server on a simulated host: the lab's sans-IO server, driven over simulated UDP, TCP, TLS and DTLS.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};

use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::lab::discovery::Discovery;
use callcheck::lab::dtls::{Associations, Opened};
use callcheck::lab::server::{Command, FiveTuple, Server, Source};
use callcheck::model::endpoint::Transport;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::net::tls::unix_seconds;
use callcheck::proto::codec::decode;
use callcheck::proto::framing::Framer;
use stun_codec::rfc5766::attributes::XorPeerAddress;
use stun_codec::rfc5766::methods::SEND;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::balancer::Balancer;
use super::certificate::{Presented, beginning, dtls_config, server_config};
use super::host::AfterRelease;
use super::host::{Host, Placement, Replicas};
use super::internet::{Internet, Service};
use super::nat::Hairpinning;
use super::packet::{Fate, HOPS, Origin, Packet, Protocol, SiteId};
use super::stream::Pipe;
use super::web::answer_http;

/// A fatal alert `handshake_failure` (RFC 8446 §6.2), as from a server whose key is another certificate's.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// A fatal alert `protocol_version` from a server that knows nothing newer than TLS 1.1.
const PROTOCOL_VERSION: &[u8] = &[21, 3, 2, 0, 2, 2, 70];

/// The beginning of a `ServerHello` of TLS 1.1 (RFC 4346 §7.4.1.3).
const SERVER_HELLO: &[u8] = &[22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct Listeners {
    pub udp: Option<u16>,
    pub tcp: Option<u16>,
    /// For TLS, and for DTLS where a certificate is behind it, as with coturn.
    pub tls: Option<(u16, Tls)>,
}

impl Listeners {
    fn dtls(&self) -> Option<(u16, Presented)> {
        match self.tls? {
            (port, Tls::Turn(presented)) => Some((port, presented)),
            (_, Tls::Http(_) | Tls::TooOld | Tls::TooOldAndSilent | Tls::KeyMismatch) => None,
        }
    }
}

/// What is behind the TLS port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Turn(Presented),
    Http(Presented),
    /// Nothing newer than TLS 1.1, said by an alert.
    TooOld,
    /// The same, where a newer client hears nothing.
    TooOldAndSilent,
    KeyMismatch,
}

/// The server with its sockets.
pub struct TurnServer {
    this: Weak<Self>,
    internet: Weak<Internet>,
    site: SiteId,
    listeners: Listeners,
    server: RefCell<Server>,
    relays: RefCell<HashSet<SocketAddr>>,
    after_release: Cell<AfterRelease>,
    /// The own address that the NAT before it doesn't lead back to.
    unreachable: Cell<Option<IpAddr>>,
    connections: RefCell<HashMap<FiveTuple, mpsc::UnboundedSender<Vec<u8>>>>,
    associations: RefCell<HashMap<SocketAddr, Associations>>,
}

impl TurnServer {
    /// Starts the servers of a host: one, or several that share its address.
    pub fn open_all(internet: &Rc<Internet>, site: SiteId, host: &Host) -> Vec<Rc<Self>> {
        let Some(listeners) = &host.listeners else { return Vec::new() };
        let open = |config: Config| {
            let server = Self::new(internet, site, listeners.clone(), config);
            server.after_release.set(host.after_release);
            let is_cut_off = host.placement == Placement::OneToOneNat && host.hairpinning == Hairpinning::Unsupported;
            server.unreachable.set(is_cut_off.then(|| host.number.public().into()));
            server
        };
        let first = open(host.config.clone());
        if host.replicas == Replicas::One {
            internet.install(site, Rc::clone(&first) as Rc<dyn Service>);
            return vec![first];
        }
        let servers = vec![first, open(second_replica(host))];
        internet.install(site, Rc::new(Balancer::new(servers.clone(), host.replicas)));
        servers
    }

    /// Starts a server on a host.
    pub fn open(internet: &Rc<Internet>, site: SiteId, listeners: Listeners, config: Config) -> Rc<Self> {
        let server = Self::new(internet, site, listeners, config);
        internet.install(site, Rc::clone(&server) as Rc<dyn Service>);
        server
    }

    fn new(internet: &Rc<Internet>, site: SiteId, listeners: Listeners, config: Config) -> Rc<Self> {
        let server = Server::new(config, Instant::now().into_std(), unix_seconds(beginning()));
        Rc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            internet: Rc::downgrade(internet),
            site,
            listeners,
            server: RefCell::new(server),
            relays: RefCell::default(),
            after_release: Cell::default(),
            unreachable: Cell::default(),
            connections: RefCell::default(),
            associations: RefCell::default(),
        })
    }

    /// Whether clients are served on a port.
    pub fn is_open(&self, protocol: Protocol, port: u16) -> bool {
        let wanted = Some(port);
        match protocol {
            Protocol::Udp => self.takes_datagrams(port) || self.listeners.dtls().map(|(port, _)| port) == wanted,
            Protocol::Tcp => self.listeners.tcp == wanted || self.listeners.tls.map(|(port, _)| port) == wanted,
        }
    }

    /// How many allocations are alive.
    pub fn allocations(&self) -> usize {
        self.server.borrow().allocations()
    }

    fn receive(&self, tuple: FiveTuple, bytes: &[u8]) {
        // The lab's server delivers to its own relays itself, whatever NAT is before it.
        if self.unreachable.get().is_some_and(|address| peer_of_send(bytes) == Some(address)) {
            return;
        }
        self.with_server(|server, now| server.receive_from_client(now, tuple, bytes));
    }

    /// Lets the server do something, then carries out what it commands.
    fn with_server(&self, act: impl FnOnce(&mut Server, std::time::Instant)) {
        let now = Instant::now().into_std();
        {
            let mut server = self.server.borrow_mut();
            server.handle_timeout(now);
            act(&mut server, now);
        }
        loop {
            let Some(command) = self.server.borrow_mut().next_command() else { break };
            self.obey(command, now);
        }
    }

    fn obey(&self, command: Command, now: std::time::Instant) {
        match command {
            Command::ToClient { tuple, source, bytes } if tuple.transport == Transport::Udp => {
                self.send(source_of(tuple, source), tuple.client, bytes);
            }
            Command::ToClient { tuple, bytes, .. } if tuple.transport == Transport::Dtls => {
                if let Some(associations) = self.associations.borrow_mut().get_mut(&tuple.server) {
                    associations.send(now, tuple.client, &bytes);
                }
                self.send_sealed(tuple.server);
            }
            Command::ToClient { tuple, bytes, .. } => {
                if let Some(queue) = self.connections.borrow().get(&tuple) {
                    // The connection may have ended in between.
                    _ = queue.send(bytes);
                }
            }
            Command::OpenRelay { relay } if self.owns(relay.ip()) => {
                self.relays.borrow_mut().insert(relay);
                self.server.borrow_mut().relay_opened(now, relay);
            }
            Command::OpenRelay { relay } => self.server.borrow_mut().relay_refused(now, relay),
            Command::ToPeer { relay, peer, payload } => self.send(relay, peer, payload),
            Command::CloseRelay { relay } => _ = self.relays.borrow_mut().remove(&relay),
        }
    }

    fn send_sealed(&self, local: SocketAddr) {
        let mut sealed = Vec::new();
        if let Some(associations) = self.associations.borrow_mut().get_mut(&local) {
            sealed.extend(std::iter::from_fn(|| associations.next_datagram()));
        }
        for (client, datagram) in sealed {
            self.send(local, client, datagram);
        }
    }

    fn sealed_datagram(&self, packet: &Packet, presented: Presented) {
        let (local, client) = (packet.destination, packet.source);
        let opened = {
            let mut associations = self.associations.borrow_mut();
            let make = || Associations::new(local, dtls_config(presented));
            associations.entry(local).or_insert_with(make).receive(Instant::now().into_std(), client, &packet.payload)
        };
        self.send_sealed(local);
        let tuple = FiveTuple { transport: Transport::Dtls, client, server: local };
        for opened in opened {
            match opened {
                Opened::Message(message) => self.receive(tuple, &message),
                Opened::Closed => self.with_server(|server, _now| server.client_closed(tuple)),
            }
        }
    }

    /// Whether a port is the server's for UDP, or the one beside it that tests of NATs ask.
    fn takes_datagrams(&self, port: u16) -> bool {
        let beside = match &self.server.borrow().config().discovery {
            Discovery::Offered { ports, .. } => ports.contains(&port),
            Discovery::None | Discovery::Feigned { .. } => false,
        };
        self.listeners.udp == Some(port) || self.listeners.udp.is_some() && beside
    }

    fn owns(&self, address: IpAddr) -> bool {
        self.internet.upgrade().is_some_and(|internet| internet.site(self.site).addresses.contains(&address))
    }

    fn send(&self, source: SocketAddr, destination: SocketAddr, payload: Vec<u8>) {
        let Some(internet) = self.internet.upgrade() else { return };
        let origin = Origin { site: self.site, local: source, to: destination };
        internet.send(Packet {
            protocol: Protocol::Udp,
            source,
            destination,
            payload,
            origin,
            hops: HOPS,
            fate: Fate::default(),
        });
    }
}

/// The peer that a Send indication (RFC 8656 §11.1) is for.
fn peer_of_send(bytes: &[u8]) -> Option<IpAddr> {
    let message = decode(bytes).ok().filter(|message| message.method() == SEND)?;
    message.get_attribute::<XorPeerAddress>().map(|peer| peer.address().ip())
}

/// What the second server of a shared address has of its own.
fn second_replica(host: &Host) -> Config {
    let mut config = host.config.clone();
    config.seed ^= 0x005E_C04D;
    match host.replicas {
        Replicas::One | Replicas::SharedRelays => {}
        Replicas::OwnRelays => config.relays = vec![RelayAddress::plain(host.number.second().into())],
        Replicas::OtherPasswords => {
            config.users = vec![Credentials { username: Secret::new("alice"), password: Secret::new("looking-glass-1871") }];
            config.secret = Some(Secret::new("south"));
        }
    }
    config
}

fn source_of(tuple: FiveTuple, source: Source) -> SocketAddr {
    match source {
        Source::Asked => tuple.server,
        // Another port is as foreign as another address.
        Source::Foreign => SocketAddr::new(tuple.server.ip(), tuple.server.port() + 1),
    }
}

impl Service for TurnServer {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        self.is_open(protocol, local.port()) || protocol == Protocol::Udp && self.relays.borrow().contains(&local)
    }

    fn datagram(&self, packet: Packet) {
        if self.takes_datagrams(packet.destination.port()) {
            let tuple = FiveTuple { transport: Transport::Udp, client: packet.source, server: packet.destination };
            return self.receive(tuple, &packet.payload);
        }
        if let Some((port, presented)) = self.listeners.dtls()
            && port == packet.destination.port()
        {
            return self.sealed_datagram(&packet, presented);
        }
        self.with_server(|server, now| {
            server.receive_from_peer(now, packet.destination, packet.source, &packet.payload);
        });
    }

    fn connection(&self, stream: Pipe, local: SocketAddr, peer: SocketAddr) {
        let Some(server) = self.this.upgrade() else { return };
        let tls = self.listeners.tls.filter(|(port, _)| *port == local.port()).map(|(_, tls)| tls);
        spawn_local(async move {
            // A connection that fails is the client's affair.
            _ = match tls {
                None => speak(&server, Transport::Tcp, stream, local, peer).await,
                Some(tls) => secure(&server, tls, stream, local, peer).await,
            };
        });
    }
}

async fn secure(server: &Rc<TurnServer>, tls: Tls, mut stream: Pipe, local: SocketAddr, peer: SocketAddr) -> io::Result<()> {
    match tls {
        Tls::Turn(presented) => {
            let stream = TlsAcceptor::from(server_config(presented)).accept(stream).await?;
            speak(server, Transport::Tls, stream, local, peer).await
        }
        Tls::Http(presented) => {
            let stream = TlsAcceptor::from(server_config(presented)).accept(stream).await?;
            answer_http(stream, Instant::now()).await
        }
        Tls::TooOld => alert(&mut stream, PROTOCOL_VERSION).await,
        Tls::TooOldAndSilent => greet_old_clients(&mut stream).await,
        Tls::KeyMismatch => alert(&mut stream, HANDSHAKE_FAILURE).await,
    }
}

/// Answers a `ClientHello` of TLS 1.1 and no newer one.
async fn greet_old_clients(stream: &mut Pipe) -> io::Result<()> {
    let mut hello = [0; 2048];
    let length = stream.read(&mut hello).await?;
    // The version stands behind the headers of the record and of the handshake message.
    if hello[..length].get(9..11) == Some(&[3, 2]) {
        stream.write_all(SERVER_HELLO).await?;
    }
    while stream.read(&mut hello).await? > 0 {}
    Ok(())
}

async fn alert(stream: &mut Pipe, alert: &[u8]) -> io::Result<()> {
    if stream.read(&mut [0; 2048]).await? > 0 {
        stream.write_all(alert).await?;
    }
    stream.shutdown().await
}

/// Carries messages between a stream and the server until the client hangs up.
async fn speak<S>(server: &Rc<TurnServer>, transport: Transport, stream: S, local: SocketAddr, peer: SocketAddr) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let tuple = FiveTuple { transport, client: peer, server: local };
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (queue, mut outgoing) = mpsc::unbounded_channel::<Vec<u8>>();
    server.connections.borrow_mut().insert(tuple, queue);
    let writing = spawn_local(async move {
        while let Some(bytes) = outgoing.recv().await {
            writer.write_all(&bytes).await?;
            writer.flush().await?;
        }
        writer.shutdown().await
    });
    let ended = read(server, tuple, &mut reader).await;
    server.connections.borrow_mut().remove(&tuple);
    server.with_server(|server, _now| server.client_closed(tuple));
    if let Ok(Ended::ByServer) = ended {
        // What it has said so far is still sent.
        return writing.await?;
    }
    writing.abort();
    ended.map(drop)
}

/// Who has ended a connection.
enum Ended {
    ByClient,
    ByServer,
}

async fn read(server: &TurnServer, tuple: FiveTuple, reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Ended> {
    let mut framer = Framer::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = reader.read(&mut buffer).await?;
        if length == 0 {
            return Ok(Ended::ByClient);
        }
        framer.push(&buffer[..length]);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => {
                    let allocations = server.allocations();
                    server.receive(tuple, &message);
                    if server.after_release.get() == AfterRelease::Closes && server.allocations() < allocations {
                        return Ok(Ended::ByServer);
                    }
                }
                Ok(None) => break,
                Err(_not_stun) => return Ok(Ended::ByServer),
            }
        }
    }
}
