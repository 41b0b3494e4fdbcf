//! The loop around the sans-IO server: arrivals go in, its commands are carried out, its timer is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use socket2::{SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::Instant;

use super::listeners::bind;
use crate::lab::certificates::Certificates;
use crate::lab::configuration::Config;
use crate::lab::dtls::{Associations, Opened};
use crate::lab::fault::Fault;
use crate::lab::five_tuple::FiveTuple;
use crate::lab::server::{Command, Server, Source};
use crate::model::endpoint::Transport;
use crate::model::secret::Credentials;

/// The largest UDP payload.
const LARGEST_DATAGRAM: usize = 65_535;

/// A server with its sockets.
#[derive(Debug)]
pub struct Driver {
    server: RefCell<Server>,
    timer: Notify,
    datagrams: BTreeMap<SocketAddr, Rc<UdpSocket>>,
    associations: BTreeMap<SocketAddr, RefCell<Associations>>,
    foreign: Vec<Socket>,
    connections: RefCell<BTreeMap<FiveTuple, Connection>>,
    relays: RefCell<BTreeMap<SocketAddr, Relay>>,
    scratch: RefCell<Vec<u8>>,
    _reserved: Vec<Socket>,
}

#[derive(Debug)]
struct Connection {
    queue: mpsc::Sender<Vec<u8>>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Relay {
    socket: Rc<UdpSocket>,
    task: AbortHandle,
}

impl Driver {
    /// Starts a server on its datagram sockets, at that time of day in seconds since 1970; the tasks live until they are aborted.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn start(
        config: Config,
        datagrams: Vec<(Transport, UdpSocket)>,
        reserved: Vec<Socket>,
        certificates: &Certificates,
        time_of_day: i64,
    ) -> io::Result<(Rc<Self>, Vec<AbortHandle>)> {
        let (mut by_address, mut associations) = (BTreeMap::new(), BTreeMap::new());
        for (transport, socket) in datagrams {
            let address = socket.local_addr()?;
            if transport.is_secure() {
                associations.insert(address, RefCell::new(Associations::new(address, Arc::clone(&certificates.dtls))));
            }
            by_address.insert(address, Rc::new(socket));
        }
        let driver = Rc::new(Self {
            foreign: foreign_sockets(&config, &by_address)?,
            server: RefCell::new(Server::new(config, Instant::now().into_std(), time_of_day)),
            timer: Notify::new(),
            datagrams: by_address,
            associations,
            connections: RefCell::default(),
            relays: RefCell::default(),
            scratch: RefCell::new(vec![0; LARGEST_DATAGRAM]),
            _reserved: reserved,
        });
        let mut tasks = vec![spawn_local(keep_time(Rc::clone(&driver))).abort_handle()];
        for (address, socket) in &driver.datagrams {
            tasks.push(spawn_local(listen(Rc::clone(&driver), *address, Rc::clone(socket))).abort_handle());
        }
        Ok((driver, tasks))
    }

    /// Ends everything that runs for a client or a relay port.
    pub fn stop(&self) {
        for (_, connection) in std::mem::take(&mut *self.connections.borrow_mut()) {
            connection.task.abort();
        }
        for (_, relay) in std::mem::take(&mut *self.relays.borrow_mut()) {
            relay.task.abort();
        }
    }

    /// How many allocations are alive.
    pub fn allocations(&self) -> usize {
        self.server.borrow().allocations()
    }

    /// The credentials that the server's owner gives out at a time of day.
    pub fn issue(&self, time_of_day: i64) -> Option<Credentials> {
        self.server.borrow().config().issue(time_of_day)
    }

    /// The server's configuration.
    pub fn config(&self) -> Config {
        self.server.borrow().config().clone()
    }

    /// Takes a client's connection, so that answers find it.
    pub fn connected(&self, tuple: FiveTuple, queue: mpsc::Sender<Vec<u8>>, task: AbortHandle) {
        self.connections.borrow_mut().insert(tuple, Connection { queue, task });
    }

    /// A client's connection has ended.
    pub fn disconnected(self: &Rc<Self>, tuple: FiveTuple) {
        self.connections.borrow_mut().remove(&tuple);
        self.server.borrow_mut().client_closed(tuple);
        self.obey();
    }

    /// Takes a message of a client.
    pub fn receive(self: &Rc<Self>, tuple: FiveTuple, bytes: &[u8]) {
        self.server.borrow_mut().receive_from_client(Instant::now().into_std(), tuple, bytes);
        self.obey();
    }

    /// Carries out what the server commands.
    fn obey(self: &Rc<Self>) {
        loop {
            let Some(command) = self.server.borrow_mut().next_command() else { break };
            match command {
                Command::ToClient { tuple, source, bytes } => self.send_to_client(tuple, source, bytes),
                Command::OpenRelay { relay } => self.open_relay(relay),
                Command::ToPeer { relay, peer, payload } => self.send_to_peer(relay, peer, &payload),
                Command::CloseRelay { relay } => {
                    if let Some(relay) = self.relays.borrow_mut().remove(&relay) {
                        relay.task.abort();
                    }
                }
            }
        }
        self.timer.notify_one();
    }

    fn send_to_client(&self, tuple: FiveTuple, source: Source, bytes: Vec<u8>) {
        if tuple.transport.is_stream() {
            if let Some(connection) = self.connections.borrow().get(&tuple) {
                // A client that doesn't read loses what overflows.
                _ = connection.queue.try_send(bytes);
            }
            return;
        }
        if let Some(associations) = self.associations.get(&tuple.server) {
            associations.borrow_mut().send(Instant::now().into_std(), tuple.client, &bytes);
            return self.send_sealed(tuple.server);
        }
        match source {
            Source::Asked => {
                if let Some(socket) = self.datagrams.get(&tuple.server) {
                    send(&SockRef::from(socket.as_ref()), &bytes, tuple.client);
                }
            }
            Source::Foreign => {
                let of_family =
                    |socket: &&Socket| socket.local_addr().is_ok_and(|local| local.is_ipv4() == tuple.client.is_ipv4());
                if let Some(socket) = self.foreign.iter().find(of_family) {
                    send(&SockRef::from(socket), &bytes, tuple.client);
                }
            }
        }
    }

    fn send_sealed(&self, server: SocketAddr) {
        let (Some(associations), Some(socket)) = (self.associations.get(&server), self.datagrams.get(&server)) else { return };
        while let Some((client, datagram)) = associations.borrow_mut().next_datagram() {
            send(&SockRef::from(socket.as_ref()), &datagram, client);
        }
    }

    /// Takes a client's datagram, which DTLS seals on some ports.
    fn take_datagram(self: &Rc<Self>, server: SocketAddr, client: SocketAddr, bytes: &[u8]) {
        let Some(associations) = self.associations.get(&server) else {
            return self.receive(FiveTuple { transport: Transport::Udp, client, server }, bytes);
        };
        let opened = associations.borrow_mut().receive(Instant::now().into_std(), client, bytes);
        self.send_sealed(server);
        let tuple = FiveTuple { transport: Transport::Dtls, client, server };
        for opened in opened {
            match opened {
                Opened::Message(message) => self.receive(tuple, &message),
                Opened::Closed => self.disconnected(tuple),
            }
        }
    }

    fn open_relay(self: &Rc<Self>, relay: SocketAddr) {
        let now = Instant::now().into_std();
        let socket = bind(Type::DGRAM, relay).and_then(|socket| UdpSocket::from_std(socket.into()));
        let Ok(socket) = socket.map(Rc::new) else {
            return self.server.borrow_mut().relay_refused(now, relay);
        };
        let task = spawn_local(listen_to_peers(Rc::clone(self), relay, Rc::clone(&socket))).abort_handle();
        self.relays.borrow_mut().insert(relay, Relay { socket, task });
        self.server.borrow_mut().relay_opened(now, relay);
    }

    fn send_to_peer(&self, relay: SocketAddr, peer: SocketAddr, payload: &[u8]) {
        if let Some(relay) = self.relays.borrow().get(&relay) {
            send(&SockRef::from(relay.socket.as_ref()), payload, peer);
        }
    }

    /// The next datagram of a socket, through a buffer that all share: there may be thousands of relay ports.
    async fn next_datagram(&self, socket: &UdpSocket) -> Option<(SocketAddr, Vec<u8>)> {
        loop {
            socket.readable().await.ok()?;
            let mut scratch = self.scratch.borrow_mut();
            // Otherwise nothing is there after all, or an ICMP error about a client that is gone.
            if let Ok((length, from)) = socket.try_recv_from(&mut scratch) {
                return Some((from, scratch[..length].to_vec()));
            }
        }
    }
}

/// The kernel's socket is asked and not tokio's, whose readiness is unknown until the reactor has run.
fn send(socket: &SockRef<'_>, bytes: &[u8], to: SocketAddr) {
    // A datagram that can't be sent is lost, as in any network; a pending ICMP error uses up the first try.
    let to = to.into();
    _ = socket.send_to(bytes, &to).or_else(|_| socket.send_to(bytes, &to));
}

async fn listen(driver: Rc<Driver>, server: SocketAddr, socket: Rc<UdpSocket>) {
    while let Some((client, bytes)) = driver.next_datagram(&socket).await {
        driver.take_datagram(server, client, &bytes);
    }
}

async fn listen_to_peers(driver: Rc<Driver>, relay: SocketAddr, socket: Rc<UdpSocket>) {
    while let Some((peer, payload)) = driver.next_datagram(&socket).await {
        driver.server.borrow_mut().receive_from_peer(Instant::now().into_std(), relay, peer, &payload);
        driver.obey();
    }
}

async fn keep_time(driver: Rc<Driver>) {
    loop {
        let next = driver.server.borrow().next_timeout();
        let expiry = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = expiry => {
                driver.server.borrow_mut().handle_timeout(Instant::now().into_std());
                driver.obey();
            }
            () = driver.timer.notified() => {}
        }
    }
}

/// A socket a family for answers from elsewhere, where such are wanted.
fn foreign_sockets(config: &Config, listeners: &BTreeMap<SocketAddr, Rc<UdpSocket>>) -> io::Result<Vec<Socket>> {
    let wanted = config.has(Fault::ReplyFromOtherAddress) || config.hostility.is_some();
    let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    localhost
        .into_iter()
        .filter(|address| wanted && listeners.keys().any(|listener| listener.is_ipv4() == address.is_ipv4()))
        .map(|address| bind(Type::DGRAM, SocketAddr::new(address, 0)))
        .collect()
}
