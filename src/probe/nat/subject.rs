//! The sockets that the tests are made on: each has asked a server for its address outside, and nobody else yet.

use std::net::SocketAddr;
use std::time::Duration;

use super::socket::Socket;
use crate::model::address::Reach;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, MappingFact};
use crate::net::session::Exchange;
use crate::probe::context::Context;
use crate::proto::request::Request;
use crate::proto::response::Response;
use crate::proto::schedule::Schedule;

/// A socket that has asked one server for its address outside.
pub struct Subject {
    pub socket: Socket,
    pub asked: Asked,
    pub round_trip: Duration,
}

/// What a server told a socket.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub server: SocketAddr,
    pub local: SocketAddr,
    pub mapped: SocketAddr,
    pub other: Option<SocketAddr>,
}

impl Asked {
    /// Whether the address outside may be this host's: one within some site, told by a server that is not there, is another's, and
    /// the tests would knock on it.
    fn is_plausible(&self) -> bool {
        let (told, server) = (Reach::of(self.mapped.ip()), Reach::of(self.server.ip()));
        told.is_global() || told == server || self.mapped.ip() == self.local.ip()
    }
}

impl Subject {
    /// Opens a socket and asks a server for its address outside.
    pub async fn open(context: &Context, server: SocketAddr) -> Option<Self> {
        let socket = Socket::open(&context.network, server).ok()?;
        let started = tokio::time::Instant::now();
        let asked = ask(context, &socket, server).await?;
        Some(Self { socket, asked, round_trip: started.elapsed() })
    }

    /// The first one at a server: it is asked once more where the server has answered others meanwhile.
    pub async fn first(context: &Context, server: SocketAddr) -> Option<Self> {
        match Self::open(context, server).await {
            None if context.record.has_answered(udp(server)) => Self::open(context, server).await,
            opened => opened,
        }
    }

    /// Another one at a server that has answered: on a line that loses much, silence is asked once more.
    pub async fn another(context: &Context, server: SocketAddr) -> Option<Self> {
        match Self::open(context, server).await {
            Some(subject) => Some(subject),
            None => Self::open(context, server).await,
        }
    }
}

/// Asks a server for a socket's address outside, with its fact.
pub async fn ask(context: &Context, socket: &Socket, server: SocketAddr) -> Option<Asked> {
    context.record.contact(udp(server));
    let exchange = socket.ask(&Request::binding(), server, server, Schedule::first_contact()).await;
    let fact = mapping_fact(socket, server, &exchange);
    let asked = fact.mapped.map(|mapped| Asked { server, local: fact.local, mapped, other: fact.other_address });
    let asked = asked.filter(Asked::is_plausible);
    context.record.add("nat-mapping", udp(server), Fact::Mapping(fact));
    asked
}

/// What a server told a socket, or how it kept silent.
pub fn mapping_fact(socket: &Socket, server: SocketAddr, exchange: &Exchange) -> MappingFact {
    let response = exchange.response.as_ref().filter(|_| exchange.reply.succeeded());
    MappingFact {
        reply: exchange.reply.clone(),
        local: socket.local(server),
        mapped: response.and_then(Response::reflexive),
        other_address: response.and_then(|response| response.other_address),
    }
}

/// The endpoint at an address: everything here goes over UDP.
pub fn udp(address: SocketAddr) -> Endpoint {
    Endpoint::new(Transport::Udp, address)
}
