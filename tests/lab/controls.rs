//! The rest of the internet, as far as callcheck looks at it: two control hosts with STUN and a web server, and the caller's resolver.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use crate::certificates::Files;
use crate::format::{Dns, Fault, Record, Scenario};
use crate::https;
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::stun;
use crate::topology::{self, CONTROLS, CONTROLS_V6};

/// Where the captive portal of the caller's network listens.
pub const PORTAL_PORT: u16 = 8080;

/// Where what looks into the TLS of the caller's network listens.
pub const INTERCEPTOR_PORT: u16 = 8443;

/// STUN's own port, and the high one that a big provider made popular.
const STUN_PORTS: [u16; 2] = [3478, 19302];
const DNS_PORT: u16 = 53;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_SRV: u16 = 33;
const NAME_ERROR: u8 = 3;
const TTL: [u8; 4] = [0, 0, 0, 60];

/// Starts everything; the threads live as long as the sandbox.
pub fn start(scenario: &Scenario, certificate: &Files) -> Outcome<()> {
    let mut addresses: Vec<IpAddr> = CONTROLS.map(IpAddr::V4).to_vec();
    if scenario.ipv6 {
        addresses.extend(CONTROLS_V6.map(IpAddr::V6));
    }
    Host::Control.inside(|| {
        for address in &addresses {
            for port in STUN_PORTS {
                let socket = UdpSocket::bind((*address, port)).doing("binding a STUN control")?;
                thread::spawn(move || serve_stun(&socket));
            }
            let listener = TcpListener::bind((*address, 443)).doing("binding a TCP control")?;
            https::serve(listener, certificate)?;
        }
        start_resolver(resolver(scenario), &scenario.dns)
    })?;
    if scenario.faults.contains(&Fault::CaptivePortal) {
        let (router, _) = topology::caller_gateway(scenario.nat);
        let listener = router.inside(|| TcpListener::bind(("0.0.0.0", PORTAL_PORT)).doing("binding the portal"))?;
        thread::spawn(move || https::serve_plainly(&listener));
    }
    Ok(())
}

/// The name server of the caller.
pub fn resolver(scenario: &Scenario) -> IpAddr {
    if scenario.faults.contains(&Fault::CallerHasNoIpv4) { CONTROLS_V6[0].into() } else { CONTROLS[0].into() }
}

/// Starts what looks into the TLS of the caller's network, where something does.
pub fn start_interceptor(scenario: &Scenario, certificate: &Files) -> Outcome<()> {
    if !scenario.faults.contains(&Fault::TlsIntercepted) {
        return Ok(());
    }
    let (router, _) = topology::caller_gateway(scenario.nat);
    let listener = router.inside(|| TcpListener::bind(("0.0.0.0", INTERCEPTOR_PORT)).doing("binding the interceptor"))?;
    https::serve(listener, certificate)
}

fn serve_stun(socket: &UdpSocket) {
    let mut buffer = [0; 1500];
    while let Ok((length, source)) = socket.recv_from(&mut buffer) {
        if let Some(answer) = stun::answer_binding(&buffer[..length], source) {
            let _ = socket.send_to(&answer, source);
        }
    }
}

fn start_resolver(address: IpAddr, dns: &Dns) -> Outcome<()> {
    let datagrams = UdpSocket::bind((address, DNS_PORT)).doing("binding the resolver")?;
    let streams = TcpListener::bind((address, DNS_PORT)).doing("binding the resolver")?;
    if dns.silent {
        // Sockets that nobody reads: a closed port would answer with ICMP, which isn't silence.
        thread::spawn(move || {
            let _kept = (datagrams, streams);
            loop {
                thread::park();
            }
        });
        return Ok(());
    }
    let dns = Arc::new(dns.clone());
    let same = Arc::clone(&dns);
    thread::spawn(move || serve_dns_datagrams(&datagrams, &dns));
    thread::spawn(move || {
        for stream in streams.incoming().flatten() {
            let dns = Arc::clone(&same);
            thread::spawn(move || serve_dns_stream(stream, &dns));
        }
    });
    Ok(())
}

fn serve_dns_datagrams(socket: &UdpSocket, dns: &Dns) {
    let mut buffer = [0; 1500];
    while let Ok((length, source)) = socket.recv_from(&mut buffer) {
        if let Some(answer) = resolve(&buffer[..length], dns) {
            let _: Result<usize, std::io::Error> = reply(socket, &answer, source);
        }
    }
}

fn reply(socket: &UdpSocket, answer: &[u8], to: SocketAddr) -> std::io::Result<usize> {
    socket.send_to(answer, to)
}

fn serve_dns_stream(mut stream: TcpStream, dns: &Dns) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            return;
        }
        let Some(answer) = resolve(&query, dns) else { return };
        let Ok(length) = u16::try_from(answer.len()) else { return };
        if stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).is_err() {
            return;
        }
    }
}

/// Answers one question: with the records of its type, with none, or with "no such name"; or not at all.
fn resolve(query: &[u8], dns: &Dns) -> Option<Vec<u8>> {
    let (name, end) = read_name(query)?;
    let question = query.get(12..end + 4)?;
    let kind = u16::from_be_bytes([query[end], query[end + 1]]);
    if kind == TYPE_AAAA && dns.silent_on_aaaa {
        return None;
    }
    let record = dns.records.iter().find(|record| record.name.eq_ignore_ascii_case(&name));
    let data = record.map(|record| data_of(record, kind)).unwrap_or_default();
    let code = if record.is_some() { 0 } else { NAME_ERROR };
    let count = u8::try_from(data.len()).ok()?;
    // An answer with recursion desired and available; one question, no authority, nothing additional.
    let mut answer = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
    answer.extend_from_slice(question);
    for datum in data {
        // The name is the one that stands at offset 12.
        answer.extend_from_slice(&[0xc0, 12]);
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&[0, 1]);
        answer.extend_from_slice(&TTL);
        answer.extend_from_slice(&u16::try_from(datum.len()).ok()?.to_be_bytes());
        answer.extend_from_slice(&datum);
    }
    Some(answer)
}

/// The question's name and the offset behind it.
fn read_name(query: &[u8]) -> Option<(String, usize)> {
    let mut labels: Vec<String> = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).into_owned());
        at += length;
    }
    query.get(at..at + 4)?;
    Some((labels.join("."), at))
}

fn data_of(record: &Record, kind: u16) -> Vec<Vec<u8>> {
    match kind {
        TYPE_A => record.a.iter().map(|address| address.octets().to_vec()).collect(),
        TYPE_AAAA => record.aaaa.iter().map(|address| address.octets().to_vec()).collect(),
        TYPE_SRV => record.srv.iter().map(|service| service_data(&service.target, service.port)).collect(),
        _ => Vec::new(),
    }
}

fn service_data(target: &str, port: u16) -> Vec<u8> {
    let mut data = vec![0, 0, 0, 0];
    data.extend_from_slice(&port.to_be_bytes());
    for label in target.split('.') {
        data.push(u8::try_from(label.len()).unwrap_or(0));
        data.extend_from_slice(label.as_bytes());
    }
    data.push(0);
    data
}
