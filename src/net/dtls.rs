//! DTLS over a UDP socket (RFC 7350): a handshake that ends in facts, and then a socket that seals what goes through it.
//!
//! `rtc-dtls` has no sockets and asks for no time, so it runs in virtual time; its random numbers are its provider's own, since a key
//! exchange of `ring` takes no others. The socket that comes out is one of datagrams like any other, a STUN message a record.

mod flight;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rtc_dtls::config::{ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::endpoint::{Endpoint as Association, EndpointEvent};
use rustls::AlertDescription;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep_until};

use self::flight::Flight;
use super::network::{Arrival, Datagrams};
use super::tls::{Trust, begin, end_by_alert, judge};
use crate::model::duration::milliseconds;
use crate::model::fact::{HandshakeEnd, HandshakeFact};
use crate::model::outcome::{Outcome, Reply};
use crate::model::target::Host;
use crate::proto::framing::speaks;

/// When a flight is sent again. RFC 6347 §4.2.4.1 begins at a second, for applications that must not burden a network; a diagnosis
/// that must end in some seconds sends a few datagrams more. The library repeats a flight seven times, which fills the limit below.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(600);

/// How long the first message waits for any answer, as in a first question over UDP: four sends.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How long a handshake may take in all: three round trips, and flights that OpenSSL repeats after one second and two more.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// So many ICMP errors are enough to give up: the first alone may be about a listener that is just starting.
const ICMP_ERRORS: u32 = 2;

/// How a handshake went.
pub struct Attempt {
    /// What came of the first message: whether anything is there at all. Absent where none was sent.
    pub first: Option<Reply>,
    /// The handshake, which says something where the first message was answered.
    pub fact: HandshakeFact,
    /// The socket that seals what goes through it, where the handshake completed.
    pub socket: Option<Rc<dyn Datagrams>>,
}

impl Attempt {
    /// One whose first message could not be sent.
    #[must_use]
    pub fn unsent(host: &Host, trust: &Trust, outcome: Outcome) -> Self {
        Self { first: Some(Reply::unsent(outcome)), fact: begin(host, trust).0, socket: None }
    }
}

/// Runs a handshake over a socket that nothing else uses; `answered` becomes true with the server's first word.
pub async fn handshake(
    socket: Rc<dyn Datagrams>,
    server: SocketAddr,
    host: &Host,
    trust: &Trust,
    now: SystemTime,
    answered: &Cell<bool>,
) -> Attempt {
    let (mut fact, name) = begin(host, trust);
    let Some(name) = name else { return Attempt { first: None, fact, socket: None } };
    let mut association = new_association(socket.local());
    let begun = config(host).and_then(|config| {
        association.connect(Instant::now().into_std(), server, Arc::new(config), None).map_err(|error| error.to_string())
    });
    if let Err(why) = begun {
        fact.end = HandshakeEnd::Failed { why };
        return Attempt { first: None, fact, socket: None };
    }
    let mut handshake = Handshake::new(Rc::clone(&socket), server, association, answered);
    fact.end = handshake.run().await;
    let Handshake { association, first, old, started, .. } = handshake;
    if old && fact.end != HandshakeEnd::Completed {
        fact.end = HandshakeEnd::TooOld;
    }
    let chain: Vec<CertificateDer<'static>> = association
        .get_connection_state(server)
        .map(|state| state.peer_certificates.iter().map(|der| CertificateDer::from(der.clone())).collect())
        .unwrap_or_default();
    judge(&mut fact, &chain, &name, trust, now);
    if fact.end != HandshakeEnd::Completed {
        return Attempt { first: Some(first), fact, socket: None };
    }
    fact.version = Some("DTLSv1_2".to_owned());
    fact.rtt_ms = Some(milliseconds(started.elapsed()));
    let sealed = Sealed { socket, server, association: RefCell::new(association), opened: RefCell::default() };
    Attempt { first: Some(first), fact, socket: Some(Rc::new(sealed)) }
}

#[expect(clippy::default_trait_access, reason = "the library hands out no name for the transport below, which is UDP by default")]
fn new_association(local: SocketAddr) -> Association {
    Association::new(local, Default::default(), None)
}

/// No certificate is verified here, so that a bad one doesn't hide what comes after it; that the server has its key is checked. A
/// literal address goes out as a name too, which RFC 6066 §3 doesn't want and `rtc-dtls` can't leave out; servers pass over it.
fn config(host: &Host) -> Result<HandshakeConfig, String> {
    let provider = default_provider().map_err(|error| error.to_string())?;
    let builder = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_insecure_skip_verify(true)
        .with_server_name(host.to_string())
        .with_flight_interval(FLIGHT_INTERVAL);
    builder.build(true, None).map_err(|error| error.to_string())
}

/// A handshake under way.
struct Handshake<'a> {
    socket: Rc<dyn Datagrams>,
    server: SocketAddr,
    association: Association,
    flight: Flight,
    started: Instant,
    /// What came of the first message so far.
    first: Reply,
    icmp_errors: u32,
    /// Whether the server chose DTLS 1.0.
    old: bool,
    answered: &'a Cell<bool>,
}

impl<'a> Handshake<'a> {
    fn new(socket: Rc<dyn Datagrams>, server: SocketAddr, association: Association, answered: &'a Cell<bool>) -> Self {
        let first = Reply::unsent(Outcome::Silent);
        let (flight, started) = (Flight::default(), Instant::now());
        Self { socket, server, association, flight, started, first, icmp_errors: 0, old: false, answered }
    }

    async fn run(&mut self) -> HandshakeEnd {
        loop {
            if let Err(outcome) = self.transmit() {
                self.first.outcome = outcome;
                return HandshakeEnd::Silent;
            }
            let limit = self.started + if self.first.succeeded() { HANDSHAKE_LIMIT } else { FIRST_ANSWER_LIMIT };
            let repetition = self.association.poll_timeout(&self.server).map_or(limit, Instant::from_std);
            let end = tokio::select! {
                biased;
                arrival = self.socket.receive() => self.take(arrival),
                () = sleep_until(limit) => Some(HandshakeEnd::Silent),
                () = sleep_until(repetition) => self.repeat(),
            };
            if let Some(end) = end {
                // What this side still has to say, an alert for instance.
                _ = self.transmit();
                return end;
            }
        }
    }

    fn transmit(&mut self) -> Result<(), Outcome> {
        while let Some(datagram) = self.association.poll_transmit() {
            self.first.sends += u32::from(!self.first.succeeded());
            self.socket.send(&datagram.message, self.server)?;
        }
        Ok(())
    }

    /// The library gives up after eight sends of a flight.
    fn repeat(&mut self) -> Option<HandshakeEnd> {
        self.association.handle_timeout(self.server, Instant::now().into_std()).err().map(|_| HandshakeEnd::Silent)
    }

    fn take(&mut self, arrival: Arrival) -> Option<HandshakeEnd> {
        match arrival {
            Arrival::Datagram { from, bytes } if from == self.server => {
                if !self.first.succeeded() {
                    self.first.outcome = Outcome::Success;
                    self.answered.set(true);
                    self.first.rtt_ms = Some(milliseconds(self.started.elapsed()));
                }
                self.take_datagram(bytes)
            }
            Arrival::Icmp { to, reason, from } if to == self.server && !self.first.succeeded() => {
                self.first.outcome = Outcome::Unreachable { reason, from };
                self.icmp_errors += 1;
                (self.icmp_errors == ICMP_ERRORS).then_some(HandshakeEnd::Silent)
            }
            Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } | Arrival::Closed => None,
        }
    }

    fn take_datagram(&mut self, bytes: Vec<u8>) -> Option<HandshakeEnd> {
        // The first byte tells DTLS from whatever else (RFC 7983 §7).
        if !matches!(bytes.first(), Some(20..=63)) {
            return Some(HandshakeEnd::NotTls { speaks: speaks(&bytes) });
        }
        self.old |= is_old_server_hello(&bytes);
        for datagram in self.flight.take(bytes) {
            let read = self.association.read(Instant::now().into_std(), self.server, None, datagram.as_slice().into());
            match read {
                Ok(events) if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) => {
                    return Some(HandshakeEnd::Completed);
                }
                Ok(events) if events.iter().any(|event| matches!(event, EndpointEvent::PeerClosed)) => {
                    return Some(HandshakeEnd::Closed);
                }
                Ok(_) => {}
                Err(error) => {
                    return Some(alert(&datagram).map_or_else(|| HandshakeEnd::Failed { why: error.to_string() }, end_by_alert));
                }
            }
        }
        None
    }
}

/// The alert in a record that is not sealed yet (RFC 6347 §4.1): type, version, epoch, number, length, level, description.
fn alert(record: &[u8]) -> Option<AlertDescription> {
    match record {
        [21, _, _, 0, 0, _, _, _, _, _, _, 0, 2, _level, description, ..] => Some(AlertDescription::from(*description)),
        _ => None,
    }
}

/// Whether a datagram begins with a `ServerHello` of DTLS 1.0: behind the headers of record and message stands the version.
fn is_old_server_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(13) == Some(&2) && datagram.get(25..27) == Some(&[254, 255])
}

/// A UDP socket to one server, whose datagrams are the records of an association.
struct Sealed {
    socket: Rc<dyn Datagrams>,
    server: SocketAddr,
    association: RefCell<Association>,
    opened: RefCell<VecDeque<Arrival>>,
}

impl Sealed {
    fn transmit(&self) -> Result<(), Outcome> {
        let mut association = self.association.borrow_mut();
        while let Some(datagram) = association.poll_transmit() {
            self.socket.send(&datagram.message, self.server)?;
        }
        Ok(())
    }

    fn open(&self, bytes: &[u8]) {
        let read = self.association.borrow_mut().read(Instant::now().into_std(), self.server, None, bytes.into());
        // A record that can't be opened is noise (RFC 6347 §4.1.2.7).
        for event in read.unwrap_or_default() {
            match event {
                EndpointEvent::ApplicationData(data) => {
                    self.opened.borrow_mut().push_back(Arrival::Datagram { from: self.server, bytes: data.to_vec() });
                }
                EndpointEvent::PeerClosed => self.opened.borrow_mut().push_back(Arrival::Closed),
                EndpointEvent::HandshakeComplete | _ => {}
            }
        }
        // An answer that can't be sent, to a repeated flight for instance, is lost like any datagram.
        _ = self.transmit();
    }
}

#[async_trait(?Send)]
impl Datagrams for Sealed {
    fn local(&self) -> SocketAddr {
        self.socket.local()
    }

    fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Outcome> {
        let written = self.association.borrow_mut().write(Instant::now().into_std(), to, bytes);
        written.map_err(|_| Outcome::Closed)?;
        self.transmit()
    }

    async fn receive(&self) -> Arrival {
        loop {
            if let Some(arrival) = self.opened.borrow_mut().pop_front() {
                return arrival;
            }
            match self.socket.receive().await {
                Arrival::Datagram { from, bytes } if from == self.server => self.open(&bytes),
                other @ (Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } | Arrival::Closed) => {
                    return other;
                }
            }
        }
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // RFC 5246 §7.2.1: the server is told, so that it keeps nothing.
        self.association.borrow_mut().stop(Instant::now().into_std(), self.server);
        _ = self.transmit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_read_by_its_name() {
        let record = [21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
        assert_eq!(alert(&record).map(end_by_alert), Some(HandshakeEnd::Alert { alert: "handshake_failure".to_owned() }));
        assert_eq!(alert(&record[..14]), None);
    }

    #[test]
    fn the_version_of_a_server_hello_is_read_behind_its_headers() {
        let mut hello = vec![22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 2, 0, 0, 48, 0, 1, 0, 0, 0, 0, 0, 48, 254, 255];
        assert!(is_old_server_hello(&hello));
        hello[26] = 253;
        assert!(!is_old_server_hello(&hello));
    }
}
