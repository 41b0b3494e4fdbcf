//! How long a call takes to connect on loopback by each way, and the round trip of its data channel beside the bare relay's:
//! `cargo bench --bench call` prints minimum, median and maximum in milliseconds.

use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::host::{Lab, LabConfig};
use callcheck::model::call::{Path, Peer, Role, StateKind};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::target::Host;
use callcheck::net::network::Network;
use callcheck::net::session::Relayed;
use callcheck::net::system::System;
use callcheck::net::tls::Trust;
use callcheck::probe::allocate::{self, Allocation};
use callcheck::probe::call::{Event, PeerHandle};
use callcheck::probe::context::Context;
use callcheck::probe::greet::challenge;
use callcheck::probe::ice_server::IceServer;
use callcheck::probe::reach::reach;
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::request::Request;
use tokio::sync::mpsc::Receiver;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

/// Calls for each way.
const CALLS: usize = 30;

/// How long a call stays up, so that some messages go round.
const TALK: Duration = Duration::from_millis(350);

/// No call here takes longer.
const LIMIT: Duration = Duration::from_secs(20);

/// Round trips through the bare relay.
const TRIPS: usize = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    LocalSet::new().block_on(&runtime, async {
        let network: Rc<dyn Network> = Rc::new(System::default());
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        for path in [Path::RelayUdp, Path::RelayTcp, Path::RelayTls, Path::Host, Path::All] {
            let (mut connected, mut trips) = (Vec::new(), Vec::new());
            for _ in 0..CALLS {
                let context = context(&network, &lab);
                let (after, report) = timeout(LIMIT, call(&context, path, &servers(&lab))).await.expect("it connects");
                connected.push(after);
                trips.extend(report.media.round_trips.iter().map(|trip| trip.rtt_ms));
            }
            print(path.name(), "connected", connected);
            print(path.name(), "data channel", trips);
        }
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            print(transport.name(), "bare relay", bare(&context(&network, &lab), &lab, transport).await);
        }
    });
}

fn context(network: &Rc<dyn Network>, lab: &Lab) -> Context {
    Context::brief(network, Trust::nobody().with_roots(lab.ca_pem().as_bytes()).expect("the lab's own root"))
}

fn servers(lab: &Lab) -> Vec<IceServer> {
    let login = lab.credentials().map(Rc::new);
    let server = |endpoint: &Endpoint| IceServer {
        endpoint: *endpoint,
        host: Host::Address(endpoint.ip()),
        relay: true,
        login: login.clone(),
    };
    lab.endpoints().iter().map(server).collect()
}

/// A call between two ends: the milliseconds until both were connected, and the caller's report.
async fn call(context: &Context, path: Path, servers: &[IceServer]) -> (f64, Peer) {
    let started = Instant::now();
    let end = |role| PeerHandle::start(context, role, path, servers).expect("a peer");
    let (mut caller, mut callee) = (end(Role::Caller), end(Role::Callee));
    let offer = caller.offer().expect("an offer");
    let answer = callee.accept_offer(&offer).expect("an answer");
    caller.accept_answer(&answer).expect("it fits");
    let mut connected = [false, false];
    while connected != [true, true] {
        let (at, event) = next(&mut caller, &mut callee).await;
        connected[at] |=
            matches!(&event, Event::State(change) if change.kind == StateKind::Connection && change.state == "connected");
    }
    let after = started.elapsed().as_secs_f64() * 1000.0;
    _ = timeout(TALK, async {
        loop {
            next(&mut caller, &mut callee).await;
        }
    })
    .await;
    let report = caller.report();
    caller.close().await;
    callee.close().await;
    (after, report)
}

/// What happens next at either end; candidates are carried to the other one.
async fn next(caller: &mut PeerHandle, callee: &mut PeerHandle) -> (usize, Event) {
    let (at, event) = tokio::select! {
        Some(event) = caller.next_event() => (0, event),
        Some(event) = callee.next_event() => (1, event),
    };
    if let Event::Candidate(candidate) = &event {
        if at == 0 { callee } else { caller }.add_remote_candidate(candidate);
    }
    (at, event)
}

/// Round trips between two allocations without any peer connection.
async fn bare(context: &Context, lab: &Lab, transport: Transport) -> Vec<f64> {
    let server =
        servers(lab).into_iter().find(|server| server.endpoint.transport == transport).expect("all transports are there");
    let (near, mut at_near) = allocated(context, &server).await;
    let (far, mut at_far) = allocated(context, &server).await;
    let mut trips = Vec::new();
    for _ in 0..TRIPS {
        let started = Instant::now();
        near.session.send_to_peer(far.relayed, &[0; 60]);
        timeout(LIMIT, at_far.recv()).await.expect("it arrives");
        far.session.send_to_peer(near.relayed, &[0; 60]);
        timeout(LIMIT, at_near.recv()).await.expect("it arrives");
        trips.push(started.elapsed().as_secs_f64() * 1000.0);
        sleep(Duration::from_millis(1)).await;
    }
    context.ledger.release_all(LIMIT).await;
    trips
}

async fn allocated(context: &Context, server: &IceServer) -> (Allocation, Receiver<Relayed>) {
    let session = reach(context, server.endpoint, &server.host).await.expect("the lab is there").session;
    let response = challenge(context, &session).await.response.expect("a challenge");
    let signed = LongTerm::new(server.login.as_deref().expect("the lab's login"), &response);
    let allocation = allocate::allocate(context, &session, signed, allocate::Role::Main).await.expect("an allocation");
    let arrivals = allocation.session.relayed();
    let permission = Request::create_permission(allocation.relayed.ip());
    assert!(session.ask_signed(&permission, allocation.signed.as_ref()).await.reply.succeeded());
    (allocation, arrivals)
}

#[expect(clippy::print_stdout, reason = "the table is what this is for")]
fn print(name: &str, what: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: usize| values[(values.len() - 1) * share / 100];
    println!("{name:>10} {what:>12}: {:.2} / {:.2} / {:.2} ms", at(0), at(50), at(100));
}
