//! A STUN or TURN server as probes and calls have it: one address, the name it goes by, and what to log in with.

use std::net::IpAddr;
use std::rc::Rc;

use crate::model::endpoint::Endpoint;
use crate::model::secret::Credentials;
use crate::model::target::Host;

/// A STUN or TURN server, by one of its addresses.
#[derive(Clone, Debug)]
pub struct IceServer {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The name that it goes by.
    pub host: Host,
    /// Whether it is a TURN server, or a STUN server only.
    pub relay: bool,
    /// What to log in with.
    pub login: Option<Rc<Credentials>>,
}

impl IceServer {
    /// Its URL, as browsers have it in `iceServers`.
    #[must_use]
    pub fn url(&self) -> String {
        let kind = if self.relay { "turn" } else { "stun" };
        let secure = if self.endpoint.transport.is_secure() { "s" } else { "" };
        let query = match (self.relay, self.endpoint.transport.is_stream()) {
            (true, false) => "?transport=udp",
            (true, true) => "?transport=tcp",
            (false, _) => "",
        };
        let port = self.endpoint.address.port();
        match &self.host {
            Host::Address(IpAddr::V6(address)) => format!("{kind}{secure}:[{address}]:{port}{query}"),
            Host::Address(IpAddr::V4(_)) | Host::Name(_) => format!("{kind}{secure}:{}:{port}{query}", self.host),
        }
    }
}
