//! What stands in the server's place where no real TURN server behaves as the fault wants.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::certificates::Files;
use crate::embedded;
use crate::format::{Fault, Scenario};
use crate::https;
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::stun;

const STALE_NONCE: u16 = 438;
const UNAUTHORIZED: u16 = 401;
const HEADER: usize = 20;
/// A fatal alert of TLS 1.0's record layer: `protocol_version`.
const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// How the fake TURN server answers; it answers Binding in any case.
#[derive(Debug, Clone)]
struct Manner {
    realm: Option<String>,
    /// The code for requests with credentials.
    refusal: u16,
}

/// Whether the scenario has no coturn at all.
pub fn replaces_coturn(scenario: &Scenario) -> bool {
    let absent = [Fault::HostDown, Fault::NotRunning, Fault::HttpOnTurnPort];
    manner(scenario).is_some()
        || other_address(scenario).is_some()
        || embedded::stands_in(scenario)
        || scenario.responder.is_some()
        || absent.iter().any(|fault| scenario.faults.contains(fault))
}

fn manner(scenario: &Scenario) -> Option<Manner> {
    let realm = Some(scenario.realm.clone());
    scenario.faults.iter().find_map(|fault| {
        if let Fault::AllocateRefusedWith(refusal) = *fault {
            return Some(Manner { realm: realm.clone(), refusal });
        }
        if *fault == Fault::RealmMissing {
            return Some(Manner { realm: None, refusal: UNAUTHORIZED });
        }
        (*fault == Fault::NonceAlwaysStale).then(|| Manner { realm: realm.clone(), refusal: STALE_NONCE })
    })
}

fn other_address(scenario: &Scenario) -> Option<SocketAddr> {
    scenario.faults.iter().find_map(|fault| if let Fault::OtherAddressIs(other) = fault { Some((*other).into()) } else { None })
}

/// Starts the fakes that the scenario's faults ask for on a server's host.
pub fn start(scenario: &Scenario, host: Host, certificate: Option<&Files>) -> Outcome<()> {
    if let Some(other) = other_address(scenario) {
        start_stun(host, scenario.port, other)?;
    }
    if scenario.faults.contains(&Fault::HttpOnTurnPort) {
        let listener = listen(host, scenario.port)?;
        thread::spawn(move || https::serve_plainly(&listener));
    }
    if let Some(manner) = manner(scenario) {
        start_turn(host, scenario.port, manner)?;
    }
    if scenario.faults.contains(&Fault::LoadBalancerWithoutBackend) {
        let listener = listen(host, scenario.port)?;
        thread::spawn(move || listener.incoming().for_each(drop));
    }
    if scenario.faults.contains(&Fault::TlsTooOld) {
        let listener = listen(host, scenario.tls_port)?;
        thread::spawn(move || listener.incoming().flatten().for_each(refuse_version));
    }
    if scenario.faults.contains(&Fault::HttpInsideTls) {
        let files = certificate.ok_or("http-inside-tls needs a certificate")?;
        let listener = listen(host, scenario.tls_port)?;
        https::serve(listener, files)?;
    }
    Ok(())
}

/// A STUN server that names an OTHER-ADDRESS and cares for no CHANGE-REQUEST.
fn start_stun(host: Host, port: u16, other: SocketAddr) -> Outcome<()> {
    let socket = host.inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).doing("binding a fake server"))?;
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, source)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = stun::answer_binding_with(&buffer[..length], source, Some(other)) {
                let _ = socket.send_to(&answer, source);
            }
        }
    });
    Ok(())
}

fn listen(host: Host, port: u16) -> Outcome<TcpListener> {
    host.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).doing("binding a fake server"))
}

/// Answers a `ClientHello` as a server without the client's versions does.
fn refuse_version(mut stream: TcpStream) {
    if stream.read(&mut [0; 2048]).is_ok_and(|length| length > 0) {
        let _ = stream.write_all(&PROTOCOL_VERSION_ALERT);
    }
}

/// A server that answers Binding, challenges every plain request and refuses every signed one.
fn start_turn(host: Host, port: u16, manner: Manner) -> Outcome<()> {
    let socket = host.inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).doing("binding a fake server"))?;
    let listener = listen(host, port)?;
    let manner = Arc::new(manner);
    let same = Arc::clone(&manner);
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, source)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = manner.answer(&buffer[..length], source) {
                let _ = socket.send_to(&answer, source);
            }
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let manner = Arc::clone(&same);
            thread::spawn(move || manner.serve_stream(stream));
        }
    });
    Ok(())
}

impl Manner {
    fn answer(&self, bytes: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        if let Some(answer) = stun::answer_binding(bytes, source) {
            return Some(answer);
        }
        let request = stun::decode(bytes)?;
        let nonce = format!("made-up-{:010}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let code = if stun::is_signed(&request) { self.refusal } else { UNAUTHORIZED };
        stun::refuse(&request, code, self.realm.as_deref(), &nonce).ok()
    }

    fn serve_stream(&self, mut stream: TcpStream) {
        let Ok(source) = stream.peer_addr() else { return };
        let mut message = vec![0; HEADER];
        while stream.read_exact(&mut message[..HEADER]).is_ok() {
            let length = usize::from(u16::from_be_bytes([message[2], message[3]]));
            message.resize(HEADER + length, 0);
            if stream.read_exact(&mut message[HEADER..]).is_err() {
                return;
            }
            if let Some(answer) = self.answer(&message, source)
                && stream.write_all(&answer).is_err()
            {
                return;
            }
        }
    }
}
