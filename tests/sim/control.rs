//! Hosts that have nothing to do with the server: STUN on its usual ports, and a web server.

use std::net::SocketAddr;
use std::rc::{Rc, Weak};

use callcheck::proto::codec::{Attribute, Message, decode, encode};
use stun_codec::MessageClass;
use stun_codec::rfc5389::attributes::XorMappedAddress;
use stun_codec::rfc5389::methods::BINDING;

use super::certificate::Presented;
use super::internet::{Internet, Service};
use super::packet::{Packet, Protocol, SiteId};
use super::web::WebServer;

/// STUN's own port, and the high one that a big provider made popular.
const STUN_PORTS: [u16; 2] = [3478, 19302];

const HTTPS: u16 = 443;

/// What runs on a control host.
pub struct Control {
    internet: Weak<Internet>,
    site: SiteId,
}

impl Control {
    pub fn open(internet: &Rc<Internet>, site: SiteId) {
        internet.install(site, Rc::new(Self { internet: Rc::downgrade(internet), site }));
        WebServer::open_tls(internet, site, HTTPS, Presented::Control);
    }
}

impl Service for Control {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        protocol == Protocol::Udp && STUN_PORTS.contains(&local.port())
    }

    fn datagram(&self, packet: Packet) {
        let Some(internet) = self.internet.upgrade() else { return };
        if let Some(answer) = answer_binding(&packet.payload, packet.source) {
            internet.send(packet.answered(self.site, answer));
        }
    }
}

/// The answer to a Binding request (RFC 8489 §6.3.1), and to nothing else.
pub fn answer_binding(bytes: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let request = decode(bytes).ok()?;
    if request.class() != MessageClass::Request || request.method() != BINDING {
        return None;
    }
    let mut answer = Message::new(MessageClass::SuccessResponse, BINDING, request.transaction_id());
    answer.add_attribute(Attribute::from(XorMappedAddress::new(source)));
    Some(encode(answer))
}
