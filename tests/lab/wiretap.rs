//! Listens beside the run: on the servers' lines for the nonces that a report must not hold, on the caller's for the hosts that it must name.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use socket2::{Domain, Protocol, Socket, Type};

use crate::format::{AskedFrom, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::topology::{self, CALLER, CALLER_PRIVATE, CALLER_V6, INSIDE, OTHER_SITE};

/// Every protocol, as a packet socket names it.
const ETH_P_ALL: u16 = 3;
const TCP: u8 = 6;
const UDP: u8 = 17;
const NONCE: [u8; 2] = [0x00, 0x15];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Shorter strings would be found by chance.
const SHORTEST: usize = 8;

/// What was heard so far.
#[derive(Debug)]
pub struct Wiretap {
    nonces: Vec<Heard<String>>,
    destinations: Heard<IpAddr>,
    own: Option<IpAddr>,
}

type Heard<T> = Arc<Mutex<BTreeSet<T>>>;

impl Wiretap {
    /// Begins to listen.
    pub fn start(scenario: &Scenario) -> Outcome<Self> {
        let others = scenario.other_server.as_ref().map(|_| OTHER_SITE);
        let servers = topology::sites(scenario).into_iter().chain(others);
        let nonces = servers.map(|site| listen(site.host, find_nonce)).collect::<Outcome<_>>()?;
        let own = match scenario.asked_from {
            AskedFrom::Caller => None,
            AskedFrom::Server => Some(topology::sites(scenario)[0].own.into()),
            AskedFrom::BehindTheServer => Some(INSIDE.into()),
        };
        Ok(Self { nonces, destinations: listen(topology::asker(scenario), find_destination)?, own })
    }

    /// The nonces that the servers gave out.
    pub fn nonces(&self) -> BTreeSet<String> {
        self.nonces.iter().flat_map(snapshot).collect()
    }

    /// The hosts that the caller sent something to since this was asked before. What comes to it is heard too.
    pub fn destinations(&self) -> BTreeSet<IpAddr> {
        let mut heard = self.destinations.lock().map(|mut heard| std::mem::take(&mut *heard)).unwrap_or_default();
        heard.retain(|host| Some(*host) != self.own);
        heard
    }
}

fn snapshot<T: Ord + Clone>(heard: &Heard<T>) -> BTreeSet<T> {
    heard.lock().map(|heard| heard.clone()).unwrap_or_default()
}

/// Collects what `find` sees in the packets of a host's line.
fn listen<T: Ord + Send + 'static>(host: Host, find: fn(&[u8]) -> Option<T>) -> Outcome<Heard<T>> {
    let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
    let mut socket = host.inside(|| Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).doing("opening a packet socket"))?;
    let heard = Heard::default();
    let collected = Arc::clone(&heard);
    thread::spawn(move || {
        let mut packet = [0; 2048];
        while let Ok(length) = socket.read(&mut packet) {
            if let (Some(found), Ok(mut heard)) = (find(&packet[..length]), collected.lock()) {
                heard.insert(found);
            }
        }
    });
    Ok(heard)
}

/// The NONCE of the first STUN message in a packet.
fn find_nonce(packet: &[u8]) -> Option<String> {
    let cookie = packet.windows(4).position(|window| window == MAGIC_COOKIE)?;
    let mut attributes = packet.get(cookie + 16..)?;
    while let [kind @ .., high, low] = attributes.get(..4)? {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if kind == NONCE {
            let nonce = String::from_utf8(attributes.get(4..4 + length)?.to_vec()).ok()?;
            return (nonce.len() >= SHORTEST).then_some(nonce);
        }
        attributes = attributes.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

/// Where a UDP or TCP packet goes, unless it goes to the caller.
fn find_destination(packet: &[u8]) -> Option<IpAddr> {
    let (protocol, destination) = match packet.first()? >> 4 {
        4 => (packet[9], IpAddr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?)),
        6 => (packet[6], IpAddr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?)),
        _ => return None,
    };
    let incoming = destination.is_loopback()
        || match destination {
            IpAddr::V4(address) => [CALLER, CALLER_PRIVATE].contains(&address),
            IpAddr::V6(address) => CALLER_V6.contains(&address),
        };
    (matches!(protocol, UDP | TCP) && !incoming).then_some(destination)
}
