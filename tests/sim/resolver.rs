//! Names: what is published, and a name server that answers real DNS datagrams (RFC 1035 §4) with it.

use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};

use callcheck::model::fact::NameAnswer;
use callcheck::net::network::Lookup;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};

use super::internet::{Internet, Service};
use super::packet::{Packet, Protocol, SiteId};

/// DNS over UDP.
const PORT: u16 = 53;

/// All names that exist.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    pub names: Vec<Published>,
}

/// What is published for one name.
#[derive(Clone, Debug, Default)]
pub struct Published {
    pub name: String,
    pub addresses: Vec<IpAddr>,
    pub services: Vec<(String, u16)>,
}

impl Zone {
    pub fn addresses(&self, name: &str) -> Lookup<IpAddr> {
        self.look_up(name, |published| published.addresses.clone())
    }

    /// What can be changed of a name, where it is published.
    pub fn publication(&mut self, name: &str) -> Option<&mut Published> {
        self.names.iter_mut().find(|published| published.name == name)
    }

    pub fn services(&self, name: &str) -> Lookup<(String, u16)> {
        self.look_up(name, |published| published.services.clone())
    }

    fn look_up<T>(&self, name: &str, records: impl Fn(&Published) -> Vec<T>) -> Lookup<T> {
        let Some(published) = self.find(name) else { return Lookup::empty(NameAnswer::NotFound) };
        let records = records(published);
        Lookup { answer: if records.is_empty() { NameAnswer::NoAddress } else { NameAnswer::Found }, records }
    }

    fn find(&self, name: &str) -> Option<&Published> {
        let name = name.trim_end_matches('.');
        self.names.iter().find(|published| published.name.eq_ignore_ascii_case(name))
    }
}

/// A question for the addresses of a name.
pub fn question(name: &str) -> Vec<u8> {
    let mut question = Message::new(1, MessageType::Query, OpCode::Query);
    let name = Name::from_ascii(name).unwrap_or_else(|_| Name::root());
    question.add_query(Query::query(name, RecordType::A));
    question.to_vec().expect("a question of one name fits into a datagram")
}

/// A name server on a host.
pub struct NameServer {
    internet: Weak<Internet>,
    site: SiteId,
    zone: Rc<Zone>,
    silent: bool,
}

impl NameServer {
    /// Opens a name server; a silent one has an open socket that nobody reads.
    pub fn open(internet: &Rc<Internet>, site: SiteId, zone: Rc<Zone>, silent: bool) {
        internet.install(site, Rc::new(Self { internet: Rc::downgrade(internet), site, zone, silent }));
    }

    /// The head of an answer is enough: callcheck asks only whether one comes.
    fn answer(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(bytes).ok()?;
        let exists = |query: &Query| query.name().is_root() || self.zone.find(&query.name().to_utf8()).is_some();
        let code = if question.queries.iter().all(exists) { ResponseCode::NoError } else { ResponseCode::NXDomain };
        let mut answer = Message::response(question.id, OpCode::Query);
        answer.metadata.response_code = code;
        answer.add_queries(question.queries.iter().cloned());
        answer.to_vec().ok()
    }
}

impl Service for NameServer {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        // A silent one has a dead program behind its socket; a live one takes TCP as well (RFC 7766).
        let takes = protocol == Protocol::Udp || !self.silent;
        takes && local.port() == PORT
    }

    fn datagram(&self, packet: Packet) {
        let Some(internet) = self.internet.upgrade().filter(|_| !self.silent) else { return };
        if let Some(answer) = self.answer(&packet.payload) {
            internet.send(packet.answered(self.site, answer));
        }
    }
}
