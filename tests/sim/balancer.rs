//! Several servers behind one address: who comes is sent to one of them by where it comes from, as balancers and kernels do it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::rc::Rc;

use super::host::Replicas;
use super::internet::Service;
use super::packet::{Packet, Protocol};
use super::server::TurnServer;
use super::stream::Pipe;

/// What spreads the flows.
pub struct Balancer {
    servers: Vec<Rc<TurnServer>>,
    relays: Replicas,
}

impl Balancer {
    pub fn new(servers: Vec<Rc<TurnServer>>, relays: Replicas) -> Self {
        Self { servers, relays }
    }

    /// The server that a flow goes to; nobody's where that one has no such socket.
    fn server(&self, protocol: Protocol, from: SocketAddr, to: SocketAddr) -> Option<&Rc<TurnServer>> {
        let is_relay = !self.servers[0].is_open(protocol, to.port());
        if is_relay && self.relays != Replicas::SharedRelays {
            return self.servers.iter().find(|server| server.listens(protocol, to));
        }
        let mut hasher = DefaultHasher::new();
        (protocol, from, to).hash(&mut hasher);
        let count = u64::try_from(self.servers.len()).expect("there are two or three");
        let chosen = usize::try_from(hasher.finish() % count).expect("there are two or three");
        self.servers.get(chosen).filter(|server| server.listens(protocol, to))
    }
}

impl Service for Balancer {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        self.servers.iter().any(|server| server.listens(protocol, local))
    }

    fn takes(&self, packet: &Packet) -> bool {
        self.server(packet.protocol, packet.source, packet.destination).is_some()
    }

    fn datagram(&self, packet: Packet) {
        if let Some(server) = self.server(Protocol::Udp, packet.source, packet.destination) {
            server.datagram(packet);
        }
    }

    fn connection(&self, stream: Pipe, local: SocketAddr, peer: SocketAddr) {
        if let Some(server) = self.server(Protocol::Tcp, peer, local) {
            server.connection(stream, local, peer);
        }
    }
}
