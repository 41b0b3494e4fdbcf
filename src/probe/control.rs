//! Controls: what this network does to hosts that have nothing to do with the server. They tell who blocks.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, MessageType, OpCode, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::time::Instant;

use super::connect::try_connect;
use super::context::Context;
use super::trace::unused_port;
use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{CertificateDefect, ControlFact, ControlKind, Fact};
use crate::model::outcome::{Outcome, Reply};
use crate::model::target::Host;
use crate::net::network::{Arrival, Stream};
use crate::net::session::Session;
use crate::net::tls::handshake;
use crate::proto::request::Request;
use crate::proto::response::Response;

/// A STUN server that has nothing to do with the one in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its host.
    pub host: Host,
    /// Its UDP port.
    pub port: u16,
}

/// When a question over UDP is repeated, in milliseconds from its start, and when it is given up.
const SENDS_MS: [u64; 5] = [0, 100, 300, 700, 1500];
const GIVE_UP: Duration = Duration::from_secs(2);

/// How long a control host is given for its side of a TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(1);

/// The port of HTTPS, which is open wherever anything is.
const HTTPS: u16 = 443;

/// A control's web server, connected and trusted but for the dates of its certificate: what time it is, is what it is asked.
pub struct Web {
    /// Its host.
    pub host: Host,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The stream inside TLS, over which nothing was asked yet.
    pub stream: Box<dyn Stream>,
}

/// Asks all controls at once; the connections to their web servers come back for what may be asked later.
pub async fn ask_all(context: &Context, controls: &[Control]) -> Vec<Web> {
    let hosts = controls.iter().map(|control| ask_host(context, control));
    let name_servers = async {
        // Who compares with nobody, or with loopback alone as the demo does, sends nothing into the network.
        if controls.iter().any(|control| control.host.address().is_none_or(|address| !address.is_loopback())) {
            ask_name_servers(context).await;
        }
    };
    let (webs, ()) = tokio::join!(futures::future::join_all(hosts), name_servers);
    webs.into_iter().flatten().collect()
}

async fn ask_host(context: &Context, control: &Control) -> Vec<Web> {
    let addresses = match &control.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => context.network.addresses(name).await.records,
    };
    // One address a family is enough for a control.
    let v4 = addresses.iter().find(|address| address.is_ipv4());
    let v6 = addresses.iter().find(|address| address.is_ipv6());
    let routed = v4.into_iter().chain(v6).filter(|address| context.network.source(**address).is_some());
    let asked = routed.map(|address| ask_address(context, control, *address));
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

async fn ask_address(context: &Context, control: &Control, address: IpAddr) -> Option<Web> {
    let web = async {
        // On loopback port 443 is whatever this host happens to run: it would tell nothing of a network.
        if address.is_loopback() { None } else { tcp(context, &control.host, address).await }
    };
    let ((), web) = tokio::join!(stun(context, SocketAddr::new(address, control.port)), web);
    web
}

async fn stun(context: &Context, server: SocketAddr) {
    let endpoint = Endpoint::new(Transport::Udp, server);
    context.record.contact(endpoint);
    if let Some(peer) = context.outside.towards(server.ip()) {
        peer.ask(server);
    }
    let (reply, mapped) = match Session::over_udp(&context.network, endpoint) {
        Err(outcome) => (Reply::unsent(outcome), None),
        Ok(session) => {
            let exchange = session.ask(&Request::binding()).await;
            (exchange.reply, exchange.response.as_ref().and_then(Response::reflexive))
        }
    };
    let fact = ControlFact { control: ControlKind::Stun, reply, mapped };
    context.record.add("control-stun", endpoint, Fact::Control(fact));
}

/// TCP 443, with a TLS handshake to see who answers there.
async fn tcp(context: &Context, host: &Host, address: IpAddr) -> Option<Web> {
    let endpoint = Endpoint::new(Transport::Tls, SocketAddr::new(address, HTTPS));
    context.record.contact(endpoint);
    let (reply, stream) = try_connect(context, endpoint).await;
    let fact = ControlFact { control: ControlKind::Tcp, reply, mapped: None };
    context.record.add("control-tcp", endpoint, Fact::Control(fact));
    let now = context.network.time_of_day();
    let (fact, stream) = handshake(stream?, host, &context.trust, now, HANDSHAKE_LIMIT).await;
    let of_dates = |defect: &CertificateDefect| matches!(defect, CertificateDefect::Expired | CertificateDefect::NotYetValid);
    let trusted = fact.defects.iter().all(of_dates);
    context.record.add("control-tls", endpoint, Fact::Handshake(fact));
    stream.filter(|_| trusted).map(|stream| Web { host: host.clone(), endpoint, stream })
}

/// A DNS question over UDP to each name server of the system that is not this host itself: a stub on loopback proves nothing.
async fn ask_name_servers(context: &Context) {
    let servers = context.network.name_servers();
    let asked = servers.into_iter().filter(|server| !server.ip().is_loopback()).take(3).map(|server| dns(context, server));
    futures::future::join_all(asked).await;
}

async fn dns(context: &Context, server: SocketAddr) {
    if context.network.source(server.ip()).is_none() {
        return;
    }
    let endpoint = Endpoint::new(Transport::Udp, server);
    context.record.contact(endpoint);
    let mut id = [0; 2];
    context.network.randomize(&mut id);
    let mut question = Message::new(u16::from_be_bytes(id), MessageType::Query, OpCode::Query);
    question.add_query(Query::query(Name::root(), RecordType::NS));
    let Ok(bytes) = question.to_vec() else { return };
    // That a resolver takes TCP shows that it is alive: then its silence over UDP is the network's.
    let over_tcp = Endpoint::new(Transport::Tcp, server);
    context.record.contact(over_tcp);
    let asked = ask_datagram(context, server, &bytes, |answer| answer.starts_with(&id));
    let (reply, (tcp_reply, _)) = tokio::join!(asked, try_connect(context, over_tcp));
    let fact = ControlFact { control: ControlKind::Tcp, reply: tcp_reply, mapped: None };
    context.record.add("control-dns-tcp", over_tcp, Fact::Control(fact));
    let fact = ControlFact { control: ControlKind::Dns, reply, mapped: None };
    context.record.add("control-dns", endpoint, Fact::Control(fact));
}

/// A high UDP port of the server itself, where nothing should listen: an ICMP error from there proves that this network lets
/// datagrams to high ports out. Asked once a server.
pub async fn high_port(context: &Context, server: IpAddr) {
    let known = |seen: &crate::model::fact::Observation| {
        seen.probe == "control-high-port" && seen.endpoint().is_some_and(|endpoint| endpoint.ip() == server)
    };
    if context.record.observations().iter().any(known) {
        return;
    }
    let endpoint = Endpoint::new(Transport::Udp, SocketAddr::new(server, unused_port(context)));
    context.record.contact(endpoint);
    let mut payload = [0; 16];
    context.network.randomize(&mut payload);
    let reply = tokio::time::timeout(Duration::from_millis(500), ask_datagram(context, endpoint.address, &payload, |_| true));
    let reply = reply.await.unwrap_or(Reply { outcome: Outcome::Silent, sends: 3, rtt_ms: None, strays: Vec::new() });
    let fact = ControlFact { control: ControlKind::HighPort, reply, mapped: None };
    context.record.add("control-high-port", endpoint, Fact::Control(fact));
}

/// The ports at which TURN servers and other hosts usually answer, by what is sent there.
const USUAL: [(Transport, u16); 7] = [
    (Transport::Udp, 3478),
    (Transport::Udp, 443),
    (Transport::Udp, 5349),
    (Transport::Tcp, 3478),
    (Transport::Tcp, 443),
    (Transport::Tcp, 80),
    (Transport::Tcp, 5349),
];

/// How long they are given: asked 0.8 s after a run's start at the latest, they are through before silence is established after 2 s.
const USUAL_LIMIT: Duration = Duration::from_millis(1150);

/// The usual ports of a server that were not asked yet: they tell a network that lets few ports out from a host that is down.
pub async fn usual_ports(context: &Context, server: IpAddr, asked: &[Endpoint]) {
    let is_asked = |transport: Transport, address: SocketAddr| {
        asked.iter().any(|known| known.address == address && known.transport.is_stream() == transport.is_stream())
    };
    let endpoints = USUAL.into_iter().map(|(transport, port)| Endpoint::new(transport, SocketAddr::new(server, port)));
    let rest = endpoints.filter(|endpoint| !is_asked(endpoint.transport, endpoint.address));
    futures::future::join_all(rest.map(|endpoint| ask_port(context, endpoint))).await;
}

async fn ask_port(context: &Context, endpoint: Endpoint) {
    context.record.contact(endpoint);
    let asked = async {
        if endpoint.transport.is_stream() { try_connect(context, endpoint).await.0 } else { ask_binding(context, endpoint).await }
    };
    let silent = Reply { outcome: Outcome::Silent, sends: 3, rtt_ms: None, strays: Vec::new() };
    let reply = tokio::time::timeout(USUAL_LIMIT, asked).await.unwrap_or(silent);
    context.record.add("control-port", endpoint, Fact::Control(ControlFact { control: ControlKind::Port, reply, mapped: None }));
}

async fn ask_binding(context: &Context, endpoint: Endpoint) -> Reply {
    match Session::over_udp(&context.network, endpoint) {
        Ok(session) => session.ask(&Request::binding()).await.reply,
        Err(outcome) => Reply::unsent(outcome),
    }
}

/// Sends a datagram until it is answered, an ICMP error comes, or two seconds are over.
pub async fn ask_datagram(context: &Context, server: SocketAddr, bytes: &[u8], is_answer: impl Fn(&[u8]) -> bool) -> Reply {
    let socket = match context.network.bind_udp(server.ip()) {
        Ok(socket) => socket,
        Err(outcome) => return Reply::unsent(outcome),
    };
    let started = Instant::now();
    let mut sends = 0;
    loop {
        let next = SENDS_MS.get(sends as usize).map_or(GIVE_UP, |at| Duration::from_millis(*at));
        tokio::select! {
            biased;
            arrival = socket.receive() => {
                let rtt_ms = Some(milliseconds(started.elapsed()));
                match arrival {
                    Arrival::Datagram { from, bytes } if from == server && is_answer(&bytes) => {
                        return Reply { outcome: Outcome::Success, sends, rtt_ms, strays: Vec::new() };
                    }
                    Arrival::Icmp { to, reason, from } if to == server => {
                        return Reply { outcome: Outcome::Unreachable { reason, from }, sends, rtt_ms, strays: Vec::new() };
                    }
                    Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } | Arrival::Closed => {}
                }
            }
            () = tokio::time::sleep_until(started + next) => {
                if sends as usize == SENDS_MS.len() {
                    return Reply { outcome: Outcome::Silent, sends, rtt_ms: None, strays: Vec::new() };
                }
                if let Err(outcome) = socket.send(bytes, server) {
                    return Reply::unsent(outcome);
                }
                sends += 1;
            }
        }
    }
}
