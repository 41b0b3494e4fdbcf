//! The three steps by which causes of a failed relay are told apart, as the network lab measured them: out of these NATs and
//! filters the same table must come.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::target::Host;
use callcheck::net::dtls;
use callcheck::net::network::{Arrival, Datagrams, Network};
use callcheck::net::session::{Relayed, Session};
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::request::Request;
use callcheck::proto::response::Response;
use libtest_mimic::{Failed, Trial};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::certificate::{Presented, Told, beginning, trust};
use super::firewall::{Action, Memory, Rule};
use super::host::Placement;
use super::server::{Listeners, Tls};
use super::world::{CALLER, CONTROLS, NatKind, TURN, TURN_PRIVATE, World, in_virtual_time};

/// What no datagram of ours needs on any path here.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// From outside to the relay, from the relay to outside, from outside again.
type Steps = [bool; 3];

const OPEN: Steps = [true, true, true];
const STATELESS: Steps = [false, true, false];
const STATEFUL: Steps = [false, true, true];
const NOTHING: Steps = [false, false, false];

pub fn trials() -> Vec<Trial> {
    let kinds = [None, Some(NatKind::FullCone), Some(NatKind::AddressRestricted), Some(NatKind::PortRestricted)];
    let mut trials = Vec::new();
    for nat in kinds {
        let name = nat.map_or_else(|| "no NAT".to_owned(), |nat| format!("{nat:?}"));
        trials.push(trial(format!("open, {name}"), nat, OPEN, |_| {}));
        trials.push(trial(format!("server drops the range, stateless, {name}"), nat, STATELESS, drops_range));
        trials.push(trial(format!("server closes the range, stateful, {name}"), nat, STATEFUL, closes_range));
        trials.push(trial(format!("server's egress dropped, {name}"), nat, [true, false, true], drops_egress));
        trials.push(trial(format!("1:1 NAT forwards 3478 alone, {name}"), nat, STATEFUL, forwards_one_port));
    }
    let symmetric = Some(NatKind::Symmetric);
    trials.push(trial("open, Symmetric", symmetric, [true, false, true], |_| {}));
    trials.push(trial("server drops the range, stateless, Symmetric", symmetric, NOTHING, drops_range));
    trials.push(trial("server closes the range, stateful, Symmetric", symmetric, NOTHING, closes_range));
    trials.push(trial("egress of 3478 alone, PortRestricted", Some(NatKind::PortRestricted), NOTHING, passes_turn_port));
    trials.push(trial("egress of 3478 alone, no NAT", None, STATELESS, passes_turn_port));
    trials.push(trial("egress of 3478 alone, FullCone", Some(NatKind::FullCone), STATELESS, passes_turn_port));
    trials.push(Trial::test("steps: the same over TCP and DTLS", || other_transports_reach_the_server().map_err(Failed::from)));
    trials
}

/// A healthy world with a server for the user `alice`.
pub fn healthy(seed: u64) -> World {
    let config = Config { seed, ..Config::new(vec![RelayAddress::plain(TURN.into())]) };
    let listeners = Listeners { udp: Some(3478), tcp: Some(3478), tls: Some((5349, Tls::Turn(Presented::Valid))) };
    World::healthy(seed, config, listeners)
}

fn trial(name: impl Into<String>, nat: Option<NatKind>, expected: Steps, fault: fn(&mut World)) -> Trial {
    Trial::test(format!("steps: {}", name.into()), move || {
        let mut world = healthy(1);
        world.caller.nats = nat.map(|nat| nat.behaviour(CALLER)).into_iter().collect();
        fault(&mut world);
        let seen = in_virtual_time(async { three_steps(&world).await })?;
        if seen == expected { Ok(()) } else { Err(format!("E1, R1, E2 are {seen:?}, expected {expected:?}").into()) }
    })
}

fn drops_range(world: &mut World) {
    world.hosts[0].filter = vec![Rule::any(Action::Drop).inward().udp().ports(49152..=65535)];
}

fn closes_range(world: &mut World) {
    drops_range(world);
    world.hosts[0].filter_memory = Memory::Stateful;
}

fn drops_egress(world: &mut World) {
    world.hosts[0].router = vec![Rule::any(Action::Drop).outward().udp().source_ports(49152..=65535)];
}

fn forwards_one_port(world: &mut World) {
    world.hosts[0].placement = Placement::OneToOneNat;
    world.hosts[0].config.relays = vec![RelayAddress { bound: TURN_PRIVATE.into(), advertised: TURN.into() }];
    world.hosts[0].edge = vec![Rule::any(Action::Accept).inward().port(3478), Rule::any(Action::Drop).inward()];
}

fn passes_turn_port(world: &mut World) {
    world.caller.gateway = vec![Rule::any(Action::Accept).outward().udp().port(3478), Rule::any(Action::Drop).outward().udp()];
}

async fn three_steps(world: &World) -> Result<Steps, String> {
    let network = world.raise().network;
    let (session, relay, _signed) = allocate(&network, Transport::Udp).await?;
    let mut relayed = session.relayed();
    let outside = network.bind_udp(TURN.into()).map_err(|outcome| format!("{outcome:?}"))?;
    let mapped = own_address(&*outside).await?;

    outside.send(b"e1e1e1e1", relay).map_err(|outcome| format!("{outcome:?}"))?;
    let first = comes(&mut relayed, b"e1e1e1e1").await;
    session.send_to_peer(mapped, b"r1r1r1r1");
    let out = hears(&*outside, b"r1r1r1r1").await;
    outside.send(b"e2e2e2e2", relay).map_err(|outcome| format!("{outcome:?}"))?;
    let again = comes(&mut relayed, b"e2e2e2e2").await;
    Ok([first, out, again])
}

/// An allocation with a permission for the caller's outer address.
async fn allocate(network: &Rc<dyn Network>, transport: Transport) -> Result<(Session, SocketAddr, LongTerm), String> {
    let port = transport.default_port();
    let endpoint = Endpoint::new(transport, SocketAddr::new(TURN.into(), port));
    let session = match transport {
        Transport::Udp => Session::over_udp(network, endpoint).map_err(|outcome| format!("{outcome:?}"))?,
        Transport::Dtls => {
            let socket = network.bind_udp(endpoint.ip()).map_err(|outcome| format!("{outcome:?}"))?;
            let host = Host::Address(endpoint.ip());
            let attempt =
                dtls::handshake(socket, endpoint.address, &host, &trust(Told::OurRoot), beginning(), &Cell::new(false)).await;
            Session::over_datagrams(network, endpoint, attempt.socket.ok_or_else(|| format!("{:?}", attempt.fact.end))?)
        }
        Transport::Tcp | Transport::Tls => {
            let stream = network.connect_tcp(endpoint.address).await.map_err(|outcome| format!("{outcome:?}"))?;
            Session::over_stream(network, endpoint, stream)
        }
    };
    let binding = session.ask(&Request::binding()).await;
    let challenge = session.ask(&Request::allocate()).await;
    let credentials = healthy(1).hosts[0].config.users.remove(0);
    let signed = challenge.response.as_ref().and_then(|response| LongTerm::new(&credentials, response)).ok_or("no challenge")?;
    let allocated = session.ask_signed(&Request::allocate(), Some(&signed)).await;
    let relay = allocated.response.as_ref().and_then(|response| response.relayed).ok_or("no allocation")?;
    let own = binding.response.as_ref().and_then(Response::reflexive).ok_or("no answer to Binding")?;
    let permitted = session.ask_signed(&Request::create_permission(own.ip()), Some(&signed)).await;
    if permitted.reply.succeeded() { Ok((session, relay, signed)) } else { Err(format!("{:?}", permitted.reply)) }
}

/// The socket's address as a control sees it.
async fn own_address(socket: &dyn Datagrams) -> Result<SocketAddr, String> {
    let control = SocketAddr::new(CONTROLS[1].into(), 3478);
    socket.send(&Request::binding().seal([9; 12]), control).map_err(|outcome| format!("{outcome:?}"))?;
    match timeout(LONG_ENOUGH, socket.receive()).await {
        Ok(Arrival::Datagram { bytes, .. }) => {
            Response::read(&bytes).and_then(|it| it.reflexive()).ok_or_else(|| "no address".into())
        }
        Ok(Arrival::Icmp { reason, .. }) => Err(format!("{reason:?}")),
        Ok(Arrival::Expired { from, .. }) => Err(format!("dropped by {from}")),
        Ok(Arrival::Closed) => Err("the control has hung up".into()),
        Err(_elapsed) => Err("the control is silent".into()),
    }
}

async fn comes(relayed: &mut Receiver<Relayed>, payload: &[u8]) -> bool {
    matches!(timeout(LONG_ENOUGH, relayed.recv()).await, Ok(Some(relayed)) if relayed.payload == payload)
}

async fn hears(socket: &dyn Datagrams, payload: &[u8]) -> bool {
    matches!(timeout(LONG_ENOUGH, socket.receive()).await, Ok(Arrival::Datagram { bytes, .. }) if bytes == payload)
}

fn other_transports_reach_the_server() -> Result<(), String> {
    [Transport::Tcp, Transport::Dtls].into_iter().try_for_each(reaches_the_server)
}

fn reaches_the_server(transport: Transport) -> Result<(), String> {
    in_virtual_time(async {
        let world = healthy(1);
        let raised = world.raise();
        let (session, relay, signed) = allocate(&raised.network, transport).await?;
        let outside = raised.network.bind_udp(TURN.into()).map_err(|outcome| format!("{outcome:?}"))?;
        let mut relayed = session.relayed();
        outside.send(b"e1e1e1e1", relay).map_err(|outcome| format!("{outcome:?}"))?;
        if !comes(&mut relayed, b"e1e1e1e1").await {
            return Err(format!("nothing comes over {transport}"));
        }
        session.ask_signed(&Request::refresh(Duration::ZERO), Some(&signed)).await;
        match raised.allocations() {
            0 => Ok(()),
            left => Err(format!("{left} allocations are left")),
        }
    })
}
